//! Games: who invites, who plays, how it stands.
//!
//! [`Games`] is the handle that sessions hold; [`actor`] the task behind it, through which every
//! invitation, seat and move passes, so that no seat has two takers and no game two results. A [`table`]
//! is one game with its two players and the log that they hear it by; [`play`] the position with the moves
//! that led to it, [`clock`] the time; [`rules`] knows the games themselves. [`agenda`] is what happens by
//! itself, [`adjourned`] the games that wait to be gone on with, [`ratings`] who has won how often against whom.
//!
//! It awaits the room and the store, never a session; it knows no sockets.

mod actor;
mod adjourned;
mod agenda;
mod clock;
mod play;
mod ratings;
pub mod rules;
mod table;

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::clock::earliest_now_ms;
use crate::connections::ConnectionId;
use crate::mailbox::Mailbox;
use crate::protocol::game::event::TableEvent;
use crate::protocol::game::reply::{GameReply, Listed};
use crate::protocol::game::request::Action;
use crate::protocol::game::{GameId, Side, TimeControl};
use crate::protocol::name::Name;
use crate::protocol::refusal::Refusal;
use crate::protocol::voice::Voice;
use crate::room::log::Cursor;
use crate::room::{Room, Scene, Visitor};
use crate::store::queue::{Position, Queue, Slot};
use crate::store::read::{ReadError, Reader};
use crate::store::record::{Account, GameRecord};
use play::Play;
use rules::Game;

/// Commands waiting for the actor. Whoever finds it full waits a moment.
const MAILBOX: usize = 1024;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long an invitation waits, and a finished game for a rematch.
    pub invitation_timeout: Duration,
    /// How long a player whose connection is lost may stay away.
    pub reconnect_timeout: Duration,
    /// How long a player without a clock may think before the other may claim.
    pub idle_move_timeout: Duration,
    /// How long a paused game waits for its players.
    pub adjourn_timeout: Duration,
}

/// What the games need of the rest of the daemon.
pub struct Surroundings {
    /// The room they are played in.
    pub room: Room,
    /// Whether it was closed when the daemon stopped.
    pub was_closed: bool,
    /// Where records are put.
    pub queue: Queue,
    /// Where questions are asked.
    pub reader: Reader,
}

/// Who asks, over which connection.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Whose session it is.
    pub account: Account,
    /// The connection.
    pub connection: ConnectionId,
    /// The voice that it hears in.
    pub voice: Voice,
}

/// What somebody wants of the games, with slots for what it changes.
#[derive(Debug)]
pub enum Want {
    /// To invite.
    Invite {
        /// To which game.
        game: &'static Game,
        /// With which clock.
        control: Option<TimeControl>,
        /// For whom alone.
        seat: Option<Name>,
        /// For the invitation.
        slot: Slot,
    },
    /// To go on with an adjourned game.
    Resume {
        /// Which; `None` for the newest.
        game_id: Option<GameId>,
        /// As for [`Want::Take`].
        slots: [Slot; 2],
    },
    /// To withdraw an invitation.
    Withdraw {
        /// For its end.
        slot: Slot,
    },
    /// To take somebody's seat.
    Take {
        /// Whose invitation it is.
        inviter: Name,
        /// For the game, and for the end of one's own invitation.
        slots: [Slot; 2],
    },
    /// To move, or what else a player can do.
    Act {
        /// What.
        action: Action,
        /// The ply that it is meant for.
        ply: Option<u64>,
        /// The game that it is meant for.
        game_id: Option<GameId>,
        /// For what comes of it.
        slot: Slot,
    },
    /// To see one's board.
    Look,
    /// To watch a game.
    Watch {
        /// Which.
        game_id: GameId,
        /// Whether its moves so far are told.
        with_moves: bool,
    },
    /// To watch no more.
    Unwatch,
    /// To know what is played.
    List {
        /// The page, counted from 1.
        page: usize,
        /// Lines on a page.
        lines: usize,
    },
}

/// What was done.
pub struct Done {
    /// The reply, once it is stored.
    pub reply: GameReply,
    /// A game's log, to be heard from here on.
    pub hearing: Option<(GameId, Cursor)>,
    /// What has to be durable before it is answered.
    pub stored: Option<Stored>,
}

/// Where something is in the store's queue.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Its place.
    pub position: Position,
    /// The number of the room's event, if there is one.
    pub seq: Option<u64>,
}

/// What somebody comes back to.
#[derive(Default)]
pub struct Arrival {
    /// The log of one's game, to be heard from here on.
    pub hearing: Option<(GameId, Cursor)>,
    /// How it stands; `None` if nobody has joined yet, or all is over.
    pub look: Option<Box<TableEvent>>,
    /// How one's last game ended, if that was while one was away.
    pub result: Option<Box<TableEvent>>,
    /// One's newest adjourned games, the newest first.
    pub adjourned: Vec<Listed>,
}

/// How many games there are.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Under way.
    pub under_way: usize,
    /// Open invitations.
    pub invitations: usize,
    /// Waiting to be gone on with.
    pub adjourned: usize,
}

/// A handle on the games. Clones are the same games.
#[derive(Clone)]
pub struct Games {
    mailbox: Mailbox<actor::Command>,
}

/// Whether this account played this move as that ply of a game that is not under way any more.
pub fn was_played(game: &GameRecord, by: &Account, ply: u64, typed: &str) -> bool {
    let side = if game.first.id == by.id { Side::First } else { Side::Second };
    let is_player = side == Side::First || game.second.as_ref().is_some_and(|second| second.id == by.id);
    let play = rules::find(&game.game).and_then(|kind| Play::restore(kind, &game.moves));
    is_player && play.is_some_and(|play| play.has_played(side, ply, typed))
}

impl Games {
    /// Brings back the games that were under way, and starts the actor.
    pub async fn open(limits: Limits, around: Surroundings) -> Result<(Self, JoinHandle<()>), ReadError> {
        let at_start = around.reader.games_at_start(around.room.id(), earliest_now_ms() - ratings::DAY_MS).await?;
        let (mailbox, commands) = Mailbox::new(MAILBOX);
        let actor = actor::Actor::open(limits, around, at_start, mailbox.clone()).await;
        Ok((Self { mailbox }, tokio::spawn(actor.run(commands))))
    }

    /// Sets how long things may take of games that begin from here on.
    pub fn set_limits(&self, limits: Limits) {
        self.mailbox.tell(actor::Command::SetLimits(limits));
    }

    /// Comes into the room, perhaps to a game that waits. Both in one place, so that of two logins of one
    /// account at once the same one stays in the room and at the board.
    pub async fn enter(&self, visitor: Visitor, slot: Slot) -> (Scene, Arrival) {
        self.mailbox.ask(|answer| actor::Command::Enter { visitor, slot, answer }).await
    }

    /// A connection is gone: out of its games, and out of the room. Never waits, so that it can be called from
    /// `drop`.
    pub fn depart(&self, connection: ConnectionId, account: Account) {
        self.mailbox.tell(actor::Command::Depart { connection, account });
    }

    /// Hears its games in another voice from here on, by the cursors returned; the old ones end here.
    pub async fn set_voice(&self, asker: Asker) -> Vec<(GameId, Cursor)> {
        self.mailbox.ask(|answer| actor::Command::SetVoice { asker, answer }).await
    }

    /// Does what somebody wants.
    pub async fn ask(&self, asker: Asker, want: Want) -> Result<Done, Refusal> {
        self.mailbox.ask(|answer| actor::Command::Ask { asker, want, answer }).await
    }

    /// How many there are.
    pub async fn counts(&self) -> Counts {
        self.mailbox.ask(|answer| actor::Command::Count { answer }).await
    }

    /// The daemon stops: from here on nothing happens in any game.
    pub async fn stop(&self) {
        self.mailbox.ask(|answer| actor::Command::Stop { answer }).await;
    }
}
