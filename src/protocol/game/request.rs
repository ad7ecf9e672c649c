//! What can be asked about games.

use super::{GameId, Offer, TimeControl};
use crate::protocol::name::Name;

/// A request about games.
#[derive(Debug)]
pub enum GameAsk {
    /// `G`: an invitation, made or taken back.
    Invite {
        /// In whose name; `None` stands for oneself.
        name: Option<String>,
        /// Which.
        invite: Invite,
        /// What was typed behind the name, for who has left out the name.
        typed: String,
    },
    /// `D`: take the seat that somebody offers.
    Take {
        /// In whose name; `None` stands for oneself.
        name: Option<String>,
        /// Who offers it.
        inviter: Name,
    },
    /// `M`: a move, or what else a player can do.
    Move {
        /// What; `None` to see the board.
        action: Option<Action>,
        /// The ply that it is meant for.
        ply: Option<u64>,
        /// The game that it is meant for.
        game_id: Option<GameId>,
    },
    /// `N`: what is played, by pages counted from 1.
    List {
        /// The page.
        page: usize,
    },
    /// `O`: watch a game; `None` to stop watching.
    Watch(Option<GameId>),
    /// `R`: ratings.
    Ratings(Whose),
    /// `B`: the record of a game.
    Record(GameId),
}

/// What `G` asks for.
#[derive(Debug)]
pub enum Invite {
    /// To invite.
    New {
        /// What to play, as it was typed; `None` for the first of all games.
        game: Option<String>,
        /// With which clock.
        clock: Option<TimeControl>,
        /// For whom alone.
        seat: Option<Name>,
    },
    /// To go on with an adjourned game; `None` for the newest.
    Resume(Option<GameId>),
    /// To withdraw one's invitation.
    Withdraw,
}

/// Whose ratings are asked for.
#[derive(Debug)]
pub enum Whose {
    /// The best of everybody's.
    Best,
    /// One's own.
    Own,
    /// Somebody's.
    Of(Name),
}

/// What a player does.
#[derive(Debug)]
pub enum Action {
    /// Moves; as it was typed.
    Play(String),
    /// Gives up.
    Resign,
    /// Offers, or accepts what is offered.
    Offer(Offer),
    /// Ends it before it has begun in earnest.
    Abort,
    /// Claims against one who does not move.
    Claim,
}

impl Action {
    /// The action of a word after `M`.
    pub fn read(word: &str) -> Self {
        let offers = [Offer::Draw, Offer::Undo, Offer::Rematch].map(|offer| (offer.code(), Action::Offer(offer)));
        let ends = [("resign", Action::Resign), ("abort", Action::Abort), ("claim", Action::Claim)];
        let mut known = offers.into_iter().chain(ends);
        let known = known.find(|(known, _)| word.eq_ignore_ascii_case(known));
        known.map_or_else(|| Action::Play(word.to_owned()), |(_, action)| action)
    }
}
