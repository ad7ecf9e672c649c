//! What is due when, for each game: expiries, flags, players who do not come back.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;

use crate::protocol::game::GameId;

/// The next moment of each game at which something happens by itself.
#[derive(Default)]
pub(super) struct Agenda {
    by_time: BTreeSet<(Instant, GameId)>,
    of: HashMap<GameId, Instant>,
}

impl Agenda {
    /// Puts a game down for a moment, in place of what was put down before.
    pub(super) fn set(&mut self, game: GameId, due: Option<Instant>) {
        let before = match due {
            Some(due) => self.of.insert(game, due),
            None => self.of.remove(&game),
        };
        if let Some(before) = before {
            self.by_time.remove(&(before, game));
        }
        self.by_time.extend(due.map(|due| (due, game)));
    }

    /// The earliest moment.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// A game whose moment has come, the earliest first.
    pub(super) fn due(&self, now: Instant) -> Option<GameId> {
        self.by_time.first().filter(|(due, _)| *due <= now).map(|(_, game)| *game)
    }
}
