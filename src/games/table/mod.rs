//! One game between two players: their seats, the clock, what they offer each other, who is away. Pure but
//! for the log that its players and watchers hear it by: whoever holds a table says what time it is (the date,
//! which is for reading only, it looks up itself), and stores what has changed.
//!
//! What happens is told to the log at once. A table that [`Table::take_change`]s has moves that are not
//! stored; one with an [`Table::end`] has a result that the room has not heard. [`moves`] is what players
//! do here, [`presence`] who is here, and what happens by itself.

mod moves;
mod presence;

use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;
use super::play::Play;
use super::{Limits, Stored};
use crate::clock::now_ms;
use crate::connections::ConnectionId;
use crate::protocol::game::event::{Board, Player, Position, Situation, TableDeed, TableEvent};
use crate::protocol::game::{End, GameId, Offer, Side, TimeControl};
use crate::protocol::name::Name;
use crate::protocol::tongue::Tongue;
use crate::protocol::voice::Voice;
use crate::room::audience::{Audience, Line};
use crate::store::record::{Account, AccountId, GameRecord, GameState, RoomId};

/// How much of a game's log stays in memory, for each voice: some fifty boards, whoever reads how slowly.
pub(in crate::games) const RING_BYTES: usize = 32 << 10;

/// A place at the board.
pub(in crate::games) struct Seat {
    pub(in crate::games) account: Account,
    /// The connection that plays; `None` while it is lost.
    pub(in crate::games) connection: Option<ConnectionId>,
    /// Until when the player may come back.
    away_until: Option<Instant>,
}

impl Seat {
    pub(in crate::games) fn new(account: Account, connection: Option<ConnectionId>) -> Self {
        Self { account, connection, away_until: None }
    }
}

/// How far a game is.
enum Phase {
    Playing,
    /// Its players are away; it is adjourned at this time.
    Paused(Instant),
    /// It has ended; a rematch can be offered until this time.
    Over(End, Instant),
    /// Nobody sits here any more.
    Left,
}

/// What a player's `M` came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::games) enum Outcome {
    /// The move is that ply.
    Moved(usize),
    /// It is offered.
    Offered(Offer),
    /// Both want it.
    Agreed(Offer),
}

pub(in crate::games) struct Table {
    id: GameId,
    control: Option<TimeControl>,
    seats: [Seat; 2],
    play: Play,
    clock: Option<Clock>,
    phase: Phase,
    /// The newest offer, until the next move.
    offer: Option<(Offer, Side)>,
    /// Since when who is to move has been.
    waiting_since: Instant,
    is_warned: bool,
    inviter: Option<AccountId>,
    started_ms: i64,
    limits: Limits,
    audience: Audience<()>,
    is_changed: bool,
    /// Where its newest change is in the store's queue.
    stored: Option<Stored>,
}

/// An event as a game's log tells it.
#[derive(Clone, Copy)]
struct TableLine<'a> {
    seq: u64,
    event: &'a TableEvent,
}

impl Line for TableLine<'_> {
    fn seq(&self) -> u64 {
        self.seq
    }

    fn write(&self, voice: Voice, out: &mut String) {
        voice.table_event(self.event, out);
    }

    fn unheard_by(&self) -> &[ConnectionId] {
        // Who moved sees the board too.
        &[]
    }
}

/// What a table is made of, before anybody plays at it.
pub(in crate::games) struct Setting {
    pub(in crate::games) id: GameId,
    pub(in crate::games) control: Option<TimeControl>,
    /// The first mover's seat first.
    pub(in crate::games) seats: [Seat; 2],
    pub(in crate::games) play: Play,
    /// What was left on the clocks; `None` for all of it.
    pub(in crate::games) left: Option<[Duration; 2]>,
    /// Whose invitation it came of, if it came of one since the daemon started.
    pub(in crate::games) inviter: Option<AccountId>,
    pub(in crate::games) started_ms: i64,
    pub(in crate::games) audience: Audience<()>,
}

impl Table {
    /// A table where nobody is yet: the game is paused until both are.
    pub(in crate::games) fn paused(setting: Setting, limits: Limits, now: Instant) -> Self {
        let Setting { id, control, seats, play, left, inviter, started_ms, audience } = setting;
        let clock = control.map(|control| left.map_or_else(|| Clock::new(control), |left| Clock::with(control, left)));
        let mut table = Self {
            id,
            control,
            seats,
            play,
            clock,
            phase: Phase::Paused(now + limits.adjourn_timeout),
            offer: None,
            waiting_since: now,
            is_warned: false,
            inviter,
            started_ms,
            limits,
            audience,
            is_changed: false,
            stored: None,
        };
        // The rules of this version may see an end where those that it was stored by saw none.
        if let Some(end) = table.play.end() {
            table.conclude(end, now);
        }
        table
    }

    /// A table where both are, and the game goes on.
    pub(in crate::games) fn begun(setting: Setting, limits: Limits, now: Instant) -> Self {
        let mut table = Self::paused(setting, limits, now);
        table.is_changed = true;
        let deed = if table.play.count() == 0 { TableDeed::Begin(table.control) } else { TableDeed::Resume };
        if table.is_under_way() {
            table.go_on(deed, now);
        }
        table
    }

    /// The same two again, with sides swapped.
    pub(in crate::games) fn rematch(self, id: GameId, now: Instant) -> Self {
        let Self { control, seats: [first, second], play, limits, audience, .. } = self;
        let seats = [second, first];
        let play = Play::new(play.game());
        let setting = Setting { id, control, seats, play, left: None, inviter: None, started_ms: now_ms(), audience };
        let mut table = Self::paused(setting, limits, now);
        table.is_changed = true;
        table.go_on(TableDeed::Begin(control), now);
        table
    }

    pub(in crate::games) fn id(&self) -> GameId {
        self.id
    }

    pub(in crate::games) fn control(&self) -> Option<TimeControl> {
        self.control
    }

    pub(in crate::games) fn seats(&self) -> &[Seat; 2] {
        &self.seats
    }

    pub(in crate::games) fn play(&self) -> &Play {
        &self.play
    }

    pub(in crate::games) fn audience(&mut self) -> &mut Audience<()> {
        &mut self.audience
    }

    /// Who took the seat that `inviter` offered, if it came of that.
    pub(in crate::games) fn taker(&self, inviter: &Name) -> Option<&Name> {
        let own = self.seats.iter().map(|seat| &seat.account).find(|account| account.name == *inviter)?;
        let taker = self.opponent_of(own).filter(|_| self.inviter == Some(own.id));
        taker.map(|taker| &taker.name)
    }

    /// Who sits across from somebody who plays here.
    pub(in crate::games) fn opponent_of(&self, account: &Account) -> Option<&Account> {
        self.side_of(account).map(|side| self.opponent(side))
    }

    fn opponent(&self, side: Side) -> &Account {
        &self.seats[side.other().index()].account
    }

    /// The side that somebody plays.
    pub(in crate::games) fn side_of(&self, account: &Account) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.seats[side.index()].account.id == account.id)
    }

    pub(in crate::games) fn is_paused(&self) -> bool {
        matches!(self.phase, Phase::Paused(_))
    }

    /// Whether it is under way, paused or not.
    pub(in crate::games) fn is_under_way(&self) -> bool {
        matches!(self.phase, Phase::Playing | Phase::Paused(_))
    }

    /// How it has ended, if it has.
    pub(in crate::games) fn end(&self) -> Option<&End> {
        if let Phase::Over(end, _) = &self.phase { Some(end) } else { None }
    }

    /// Whether nobody sits here any more.
    pub(in crate::games) fn is_left(&self) -> bool {
        matches!(self.phase, Phase::Left)
    }

    /// Whether there is something that is not stored; from here on it counts as stored.
    pub(in crate::games) fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Where its newest change is in the store's queue, if it has changed since the daemon started.
    pub(in crate::games) fn stored(&self) -> Option<Stored> {
        self.stored
    }

    pub(in crate::games) fn note_stored(&mut self, stored: Stored) {
        self.stored = Some(stored);
    }

    /// As it is stored: with the clocks as of the last move.
    pub(in crate::games) fn record(&self, room: RoomId, state: GameState) -> GameRecord {
        let [first, second] = self.seats.each_ref().map(|seat| seat.account.clone());
        GameRecord {
            id: self.id,
            room,
            game: self.play.game().title.code.clone(),
            first,
            second: Some(second),
            started_ms: self.started_ms,
            clock: self.control,
            left: self.left(self.waiting_since),
            moves: self.play.notation(),
            state,
        }
    }

    fn start_clock(&mut self, now: Instant) {
        if let (Some(clock), Some(turn)) = (&mut self.clock, self.play.turn()) {
            clock.start(turn, now);
        }
    }

    /// A connection hears it no more.
    pub(in crate::games) fn dismiss(&mut self, connection: ConnectionId) {
        self.audience.dismiss(connection);
        // So that it lets go of the log at once.
        self.audience.wake();
    }

    /// What is left on the clocks.
    pub(in crate::games) fn left(&self, now: Instant) -> Option<[Duration; 2]> {
        self.clock.as_ref().map(|clock| clock.left(now))
    }

    fn conclude(&mut self, end: End, now: Instant) {
        if let Some(clock) = &mut self.clock {
            clock.stop(now);
        }
        self.offer = None;
        self.is_changed = true;
        self.phase = Phase::Over(end.clone(), now + self.limits.invitation_timeout);
        self.tell(TableDeed::Over(end), now);
    }

    /// The daemon has failed in this game. Tells so without a look at the board, which may be what it failed at.
    /// Nothing else is to be done with the table after it.
    pub(in crate::games) fn break_off(&mut self) {
        let (ply, code) = (self.play.count(), String::new());
        let position = Position { ply, turn: None, last: None, left: None, code, board: None, example: None };
        self.tell_event(&self.event_at(TableDeed::Adjourn { has_failed: true }, position));
        self.audience.dismiss_all();
    }

    fn tell(&mut self, deed: TableDeed, now: Instant) {
        let event = self.event(deed, now);
        self.tell_event(&event);
    }

    fn tell_event(&mut self, event: &TableEvent) {
        // The log's own count: plies can be taken back, and not everything that happens here is one.
        let seq = self.audience.next_seq();
        self.audience.tell(std::iter::once(TableLine { seq, event }));
        self.audience.wake();
    }

    /// How it stands, for who has come to see it.
    pub(in crate::games) fn look(&self, now: Instant) -> TableEvent {
        let left = |until: Instant| until.saturating_duration_since(now);
        let pause = if let Phase::Paused(until) = self.phase { Some(left(until)) } else { None };
        let away = Side::BOTH.into_iter().find_map(|side| Some((side, left(self.seats[side.index()].away_until?))));
        let (clock, offer, end) = (self.control, self.offer, self.end().cloned());
        self.event(TableDeed::Look(Box::new(Situation { clock, offer, pause, away, end })), now)
    }

    /// How it has ended, for who was away.
    pub(in crate::games) fn result(&self, end: End, now: Instant) -> TableEvent {
        self.event(TableDeed::Over(end), now)
    }

    fn event(&self, deed: TableDeed, now: Instant) -> TableEvent {
        let position = self.play.position();
        let turn = self.play.turn().filter(|_| self.is_under_way());
        let draw = || Board { en: position.draw(Tongue::En), zh: position.draw(Tongue::Zh) };
        let board = deed.shows_board().then(draw);
        let position = Position {
            ply: self.play.count(),
            turn,
            last: self.play.last(),
            left: self.left(now),
            code: position.position(),
            board,
            example: turn.and_then(|_| position.example()),
        };
        self.event_at(deed, position)
    }

    fn event_at(&self, deed: TableDeed, position: Position) -> TableEvent {
        let game = self.play.game();
        let player =
            |side: Side| Player { name: self.seats[side.index()].account.name.clone(), side: game.sides[side.index()].clone() };
        let (game_id, title, players) = (self.id, game.title.clone(), Side::BOTH.map(player));
        TableEvent { game_id, title, at_ms: now_ms(), deed, players, position }
    }
}
