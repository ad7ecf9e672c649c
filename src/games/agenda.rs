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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_is_due_first_and_each_game_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut agenda = Agenda::default();
        assert_eq!((agenda.next(), agenda.due(start)), (None, None));
        agenda.set(GameId(1), Some(at(5)));
        agenda.set(GameId(2), Some(at(3)));
        agenda.set(GameId(3), Some(at(3)));
        agenda.set(GameId(2), Some(at(9)));
        assert_eq!((agenda.next(), agenda.due(at(2))), (Some(at(3)), None));
        assert_eq!(agenda.due(at(20)), Some(GameId(3)));
        agenda.set(GameId(3), None);
        assert_eq!((agenda.next(), agenda.due(at(20))), (Some(at(5)), Some(GameId(1))));
        agenda.set(GameId(1), None);
        agenda.set(GameId(2), None);
        assert_eq!(agenda.next(), None);
    }
}
