//! Games that are broken off and wait to be gone on with. All of them are in memory, a kilobyte each: so
//! nobody goes on with what the store had a moment ago. Pure.

use std::collections::{BTreeSet, HashMap};

use crate::protocol::game::GameId;
use crate::store::record::{Account, AccountId, GameRecord};

/// The adjourned games.
#[derive(Default)]
pub(super) struct Adjourned {
    games: HashMap<GameId, GameRecord>,
    of: HashMap<AccountId, BTreeSet<GameId>>,
}

impl Adjourned {
    pub(super) fn insert(&mut self, game: GameRecord) {
        for player in players(&game) {
            self.of.entry(player.id).or_default().insert(game.id);
        }
        self.games.insert(game.id, game);
    }

    /// Takes out a game that is gone on with.
    pub(super) fn remove(&mut self, id: GameId) -> Option<GameRecord> {
        let game = self.games.remove(&id)?;
        for player in players(&game) {
            if let Some(games) = self.of.get_mut(&player.id) {
                games.remove(&id);
                if games.is_empty() {
                    self.of.remove(&player.id);
                }
            }
        }
        Some(game)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.games.len()
    }

    /// An account's games, the newest first.
    pub(super) fn of(&self, account: &Account) -> impl Iterator<Item = &GameRecord> {
        self.of.get(&account.id).into_iter().flatten().rev().filter_map(|id| self.games.get(id))
    }
}

fn players(game: &GameRecord) -> impl Iterator<Item = &Account> {
    [Some(&game.first), game.second.as_ref()].into_iter().flatten()
}
