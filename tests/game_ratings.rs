//! The promise about ratings: Glicko-2, for each game on its own, changed by every rated game and by no
//! other. The figures are held against the algorithm as Glickman published it, written out here.

use std::f64::consts::PI;

use serde_json::Value;

use crate::harness::Daemon;
use crate::harness::player::{Player, number, play, seat};

/// A rating, its deviation and its volatility.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Glicko {
    pub rating: f64,
    pub deviation: f64,
    pub volatility: f64,
}

impl Glicko {
    pub const BEGIN: Self = Self { rating: 1500.0, deviation: 350.0, volatility: 0.06 };

    /// After a rating period of these games: against whom, and 1 for a win, ½ for a draw, 0 for a loss.
    /// The steps are those of "Example of the Glicko-2 system" (Glickman 2013), with τ = 0.5.
    pub fn after(self, games: &[(Glicko, f64)]) -> Self {
        const SCALE: f64 = 173.7178;
        const TAU: f64 = 0.5;
        // Steps 2 to 4.
        let mu = |of: Glicko| (of.rating - 1500.0) / SCALE;
        let phi = self.deviation / SCALE;
        let (mut inverse_v, mut sum) = (0.0, 0.0);
        for (other, score) in games {
            let g = 1.0 / (1.0 + 3.0 * (other.deviation / SCALE).powi(2) / PI.powi(2)).sqrt();
            let expected = 1.0 / (1.0 + (-g * (mu(self) - mu(*other))).exp());
            inverse_v += g * g * expected * (1.0 - expected);
            sum += g * (score - expected);
        }
        let (v, delta) = (1.0 / inverse_v, sum / inverse_v);
        // Step 5.
        let a = self.volatility.powi(2).ln();
        let f = |x: f64| {
            let spread = phi.powi(2) + v + x.exp();
            x.exp() * (delta.powi(2) - spread) / (2.0 * spread.powi(2)) - (x - a) / TAU.powi(2)
        };
        let mut low = a;
        let mut high = match delta.powi(2) - phi.powi(2) - v {
            excess if excess > 0.0 => excess.ln(),
            _ => (1..).map(|k| a - f64::from(k) * TAU).find(|&x| f(x) >= 0.0).unwrap(),
        };
        let (mut f_low, mut f_high) = (f(low), f(high));
        while (high - low).abs() > 1e-6 {
            let next = low + (low - high) * f_low / (f_high - f_low);
            let f_next = f(next);
            if f_next * f_high <= 0.0 {
                (low, f_low) = (high, f_high);
            } else {
                f_low /= 2.0;
            }
            (high, f_high) = (next, f_next);
        }
        let volatility = (low / 2.0).exp();
        // Steps 6 to 8.
        let phi = 1.0 / (1.0 / (phi.powi(2) + volatility.powi(2)) + inverse_v).sqrt();
        Self { rating: SCALE * (mu(self) + phi.powi(2) * sum) + 1500.0, deviation: SCALE * phi, volatility }
    }

    pub fn is_near(self, other: Self) -> bool {
        let near = |one: f64, other: f64, limit: f64| (one - other).abs() < limit;
        near(self.rating, other.rating, 1e-3)
            && near(self.deviation, other.deviation, 1e-3)
            && near(self.volatility, other.volatility, 1e-6)
    }
}

/// One's rating in a game as the store has it; `None` before the first rated game.
pub(crate) fn stored(daemon: &Daemon, name: &str, game: &str) -> Option<(Glicko, u64)> {
    let sql = "SELECT rating, deviation, volatility, games FROM rating r JOIN base_info b ON b.id = r.uid
               WHERE b.name = ?1 AND game = ?2";
    let row = |row: &rusqlite::Row<'_>| {
        Ok((Glicko { rating: row.get(0)?, deviation: row.get(1)?, volatility: row.get(2)? }, row.get(3)?))
    };
    match daemon.database().query_row(sql, [name, game], row) {
        Err(rusqlite::Error::QueryReturnedNoRows) => None,
        stored => Some(stored.unwrap()),
    }
}

/// The lines of `R name` of one kind.
fn listed(player: &mut Player, name: &str, kind: &str) -> Vec<Value> {
    let mut lines = player.lines_of(&format!("R {name}"));
    lines.retain(|line| line["item"] == kind);
    lines
}

/// Two moves, so that it is rated, and an end: 1 if the first wins.
fn short_game(first: &mut Player, second: &mut Player, game: &str, score: f64) {
    seat(first, second, game);
    let moves = if game == "gomoku" { ["h8", "a1"] } else { ["b2", "a1"] };
    play(first, second, &moves);
    if score == 1.0 {
        second.ok("M resign");
        first.hears("over");
    } else if score == 0.0 {
        first.ok("M resign");
        second.hears("over");
    } else {
        first.ok("M draw");
        second.hears("offer");
        second.ok("M draw");
        first.hears("over");
    }
}

fn two(daemon: &Daemon) -> [Player; 2] {
    ["alice", "bob"].map(|name| Player::enter(daemon, name))
}

#[test]
fn the_algorithm_here_is_the_published_one() {
    let glicko = |rating, deviation| Glicko { rating, deviation, volatility: 0.06 };
    let games = [(glicko(1400.0, 30.0), 1.0), (glicko(1550.0, 100.0), 0.0), (glicko(1700.0, 300.0), 0.0)];
    let Glicko { rating, deviation, volatility } = glicko(1500.0, 200.0).after(&games);
    assert!((rating - 1464.06).abs() < 0.01 && (deviation - 151.52).abs() < 0.01, "{rating}, {deviation}");
    assert!((volatility - 0.059_99).abs() < 0.000_01, "{volatility}");
}

#[test]
fn every_game_moves_the_ratings_from_where_they_were() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    let mut carol = Player::enter(&daemon, "carol");
    let [mut a, mut b, mut c] = [Glicko::BEGIN; 3];
    for (score, games) in [1.0, 0.5, 0.0, 1.0, 1.0].into_iter().zip(1..) {
        short_game(&mut alice, &mut bob, "gomoku", score);
        (a, b) = (a.after(&[(b, score)]), b.after(&[(a, 1.0 - score)]));
        short_game(&mut carol, &mut alice, "gomoku", score);
        (c, a) = (c.after(&[(a, score)]), a.after(&[(c, 1.0 - score)]));
        for (name, due, games) in [("bob", b, games), ("carol", c, games), ("alice", a, 2 * games)] {
            let (stored, played) = stored(&daemon, name, "gomoku").unwrap();
            assert!(stored.is_near(due), "{name}: {stored:?}, by the algorithm {due:?}");
            assert_eq!(played, games, "{name}");
        }
    }
    // What is told is what is stored.
    for name in ["alice", "bob", "carol"] {
        let lines = listed(&mut bob, name, "rating");
        let (stored, games) = stored(&daemon, name, "gomoku").unwrap();
        let told = |key: &str| lines[0][key].as_f64().unwrap();
        assert!((told("rating") - stored.rating).abs() <= 0.051 && (told("deviation") - stored.deviation).abs() <= 0.051);
        assert_eq!(number(&lines[0], "games"), games);
    }
}

#[test]
fn each_game_has_ratings_of_its_own() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    short_game(&mut alice, &mut bob, "gomoku", 1.0);
    assert_eq!(stored(&daemon, "alice", "tic-tac-toe"), None);
    short_game(&mut alice, &mut bob, "tic-tac-toe", 0.0);
    let (gomoku, tic_tac_toe) = (stored(&daemon, "alice", "gomoku"), stored(&daemon, "alice", "tic-tac-toe"));
    let (gomoku, tic_tac_toe) = (gomoku.unwrap().0, tic_tac_toe.unwrap().0);
    assert!(gomoku.is_near(Glicko::BEGIN.after(&[(Glicko::BEGIN, 1.0)])), "{gomoku:?}");
    assert!(tic_tac_toe.is_near(Glicko::BEGIN.after(&[(Glicko::BEGIN, 0.0)])), "{tic_tac_toe:?}");
}

#[test]
fn a_days_games_of_two_are_counted_over_restarts_and_forgotten_a_day_later() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    (0..20).for_each(|_| short_game(&mut alice, &mut bob, "tic-tac-toe", 1.0));
    let before = ["alice", "bob"].map(|name| stored(&daemon, name, "tic-tac-toe").unwrap());
    assert_eq!(before.map(|(_, games)| games), [20; 2]);
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    short_game(&mut bob, &mut alice, "tic-tac-toe", 1.0);
    assert_eq!(["alice", "bob"].map(|name| stored(&daemon, name, "tic-tac-toe").unwrap()), before);
    // What a day later is like.
    daemon.kill();
    let sql = "UPDATE game_record SET start_time = start_time - 86400001, end_time = end_time - 86400001";
    daemon.database().execute(sql, []).unwrap();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    short_game(&mut bob, &mut alice, "tic-tac-toe", 1.0);
    assert_eq!(stored(&daemon, "bob", "tic-tac-toe").unwrap().1, 21);
}
