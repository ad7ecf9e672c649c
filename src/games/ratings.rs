//! Ratings: Glicko-2 (Glickman, "Example of the Glicko-2 system", 2013) for each account and game, each
//! game a rating period of its own. All of them are in memory, some hundred bytes each: the room's result
//! and the new ratings are one transaction, for which nothing may have to be waited for.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use skillratings::Outcomes;
use skillratings::glicko2::{Glicko2Config, Glicko2Rating, glicko2};

use crate::protocol::game::Side;
use crate::store::record::{AccountId, RatingRecord};

/// Rated games of two accounts against each other within [`DAY_MS`]; more would be a way to trade points.
const RATED_A_DAY: usize = 20;
/// How long a rated game counts against the next.
pub(super) const DAY_MS: i64 = 24 * 3600 * 1000;
/// How often pairs that have not played for a day are forgotten, in games.
const FORGET_EVERY: u64 = 256;

/// Everybody's ratings.
#[derive(Default)]
pub(super) struct Ratings {
    standings: HashMap<(AccountId, Cow<'static, str>), Standing>,
    /// When two accounts ended rated games against each other, oldest first.
    recent: HashMap<[AccountId; 2], VecDeque<i64>>,
    games: u64,
}

#[derive(Clone, Copy, Default)]
struct Standing {
    rating: Glicko2Rating,
    games: u64,
}

impl Ratings {
    pub(super) fn new(ratings: Vec<RatingRecord>, rated: Vec<(AccountId, AccountId, i64)>) -> Self {
        let mut all = Self::default();
        for RatingRecord { account, game, rating, deviation, volatility, games } in ratings {
            let rating = Glicko2Rating { rating, deviation, volatility };
            all.standings.insert((account, game), Standing { rating, games });
        }
        for (first, second, at_ms) in rated {
            all.recent.entry(pair(first, second)).or_default().push_back(at_ms);
        }
        all
    }

    /// The ratings after a game, if it is rated.
    pub(super) fn rate(
        &mut self,
        game: Cow<'static, str>,
        players: [AccountId; 2],
        winner: Option<Side>,
        at_ms: i64,
    ) -> Option<[RatingRecord; 2]> {
        self.forget_now_and_then(at_ms);
        let recent = self.recent.entry(pair(players[0], players[1])).or_default();
        recent.retain(|&ended_ms| ended_ms > at_ms - DAY_MS);
        if recent.len() >= RATED_A_DAY {
            return None;
        }
        recent.push_back(at_ms);
        let outcome = match winner {
            Some(Side::First) => Outcomes::WIN,
            Some(Side::Second) => Outcomes::LOSS,
            None => Outcomes::DRAW,
        };
        let of = |account: AccountId| self.standings.get(&(account, game.clone())).copied().unwrap_or_default();
        let before = players.map(of);
        let (first, second) = glicko2(&before[0].rating, &before[1].rating, &outcome, &Glicko2Config::new());
        Some([(0, first), (1, second)].map(|(at, rating)| {
            let standing = Standing { rating, games: before[at].games + 1 };
            self.standings.insert((players[at], game.clone()), standing);
            let Glicko2Rating { rating, deviation, volatility } = rating;
            let (account, game, games) = (players[at], game.clone(), standing.games);
            RatingRecord { account, game, rating, deviation, volatility, games }
        }))
    }

    fn forget_now_and_then(&mut self, now_ms: i64) {
        self.games += 1;
        if self.games.is_multiple_of(FORGET_EVERY) {
            self.recent.retain(|_, ended| ended.back().is_some_and(|&ended_ms| ended_ms > now_ms - DAY_MS));
        }
    }
}

fn pair(a: AccountId, b: AccountId) -> [AccountId; 2] {
    [a.min(b), a.max(b)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHESS: Cow<'static, str> = Cow::Borrowed("chess");
    const PLAYERS: [AccountId; 2] = [AccountId::from_number(1), AccountId::from_number(2)];

    #[test]
    fn a_first_game_moves_both_alike_and_a_draw_neither() {
        let mut ratings = Ratings::default();
        let [winner, loser] = ratings.rate(CHESS, PLAYERS, Some(Side::First), 0).unwrap();
        // Computed by the formulas of the paper for two new players.
        assert!((winner.rating - 1662.31).abs() < 0.01 && (loser.rating - 1337.69).abs() < 0.01, "{winner:?} {loser:?}");
        assert!((winner.deviation - 290.32).abs() < 0.01);
        assert_eq!((winner.games, loser.games), (1, 1));
        let [one, other] = ratings.rate(Cow::Borrowed("gomoku"), PLAYERS, None, 0).unwrap();
        assert!((one.rating - 1500.0).abs() < 0.01 && (other.rating - 1500.0).abs() < 0.01);
    }

    #[test]
    fn two_accounts_are_rated_twenty_times_a_day() {
        let mut ratings = Ratings::default();
        for game in 0..20 {
            assert!(ratings.rate(CHESS, PLAYERS, None, game).is_some());
        }
        let [one, other] = PLAYERS;
        assert!(ratings.rate(Cow::Borrowed("gomoku"), [other, one], None, 20).is_none());
        assert!(ratings.rate(CHESS, [one, AccountId::from_number(3)], None, 20).is_some());
        assert!(ratings.rate(CHESS, PLAYERS, None, DAY_MS).is_some(), "the first one is a day old");
        assert!(ratings.rate(CHESS, PLAYERS, None, DAY_MS).is_none());
    }

    #[test]
    fn what_the_store_knew_counts() {
        let record =
            RatingRecord { account: PLAYERS[0], game: CHESS, rating: 1700.0, deviation: 60.0, volatility: 0.06, games: 9 };
        let rated = vec![(PLAYERS[1], PLAYERS[0], 5); 20];
        let mut ratings = Ratings::new(vec![record], rated);
        assert!(ratings.rate(CHESS, PLAYERS, None, 6).is_none());
        let [one, _] = ratings.rate(CHESS, PLAYERS, None, DAY_MS + 6).unwrap();
        assert!(one.games == 10 && one.rating < 1700.0);
    }
}
