//! The promise about the record of a game: its row, the ratings it changed and the room's event are one
//! transaction, whatever ends the daemon, and all of them say the same. PARLOR_TEST_KILLS says how many
//! kills.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::game_ratings::{Glicko, stored};
use crate::harness::player::{Player, game_id, play, seat};
use crate::harness::{Daemon, Dice, Progress, repetitions};

/// What the first (0) and the second (1) player ask for.
type Requests = &'static [(usize, &'static str)];

/// A row of `game_record`, with names for numbers.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    result: String,
    players: [String; 2],
    game: String,
    clock: Option<String>,
    moves: String,
    reason: Option<String>,
    start_time: i64,
    end_time: Option<i64>,
    level: i64,
    is_rated: bool,
}

fn rows(daemon: &Daemon) -> BTreeMap<u64, Row> {
    let sql =
        "SELECT g.id, g.result, a.name, coalesce(b.name, ''), g.game, g.clock, g.moves, g.reason, g.start_time, g.end_time,
               g.level, g.rated FROM game_record g JOIN base_info a ON a.id = g.uid LEFT JOIN base_info b ON b.id = g.opponent";
    let row = |row: &rusqlite::Row<'_>| {
        let record = Row {
            result: row.get(1)?,
            players: [row.get(2)?, row.get(3)?],
            game: row.get(4)?,
            clock: row.get(5)?,
            moves: row.get(6)?,
            reason: row.get(7)?,
            start_time: row.get(8)?,
            end_time: row.get(9)?,
            level: row.get(10)?,
            is_rated: row.get(11)?,
        };
        Ok((row.get(0)?, record))
    };
    let database = daemon.database();
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// The games whose results the room's log holds, in its order.
fn results(daemon: &Daemon) -> Vec<u64> {
    let database = daemon.database();
    let mut statement = database.prepare("SELECT game FROM chat_history WHERE kind = 'result' ORDER BY seq").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

fn is_ended(row: &Row) -> bool {
    ["first", "second", "draw", "aborted"].contains(&row.result.as_str())
}

/// No result without its event and its ratings, no event without its result, and no rating by anything else.
/// Nobody here has played anybody more than 20 times.
pub(crate) fn assert_together(daemon: &Daemon) -> usize {
    let (rows, results) = (rows(daemon), results(daemon));
    let ended: Vec<u64> = rows.iter().filter(|(_, row)| is_ended(row)).map(|(&id, _)| id).collect();
    let mut told = results.clone();
    told.sort_unstable();
    assert_eq!(told, ended, "the results that the room heard, and those that are recorded");
    let mut ratings: BTreeMap<(String, String), (Glicko, u64)> = BTreeMap::new();
    for id in results {
        let row = &rows[&id];
        assert!(row.reason.is_some() && row.end_time.is_some(), "{row:?}");
        let score = match row.result.as_str() {
            "first" => 1.0,
            "second" => 0.0,
            _ => 0.5,
        };
        let is_rated = row.result != "aborted" && row.moves.split_whitespace().count() >= 2;
        assert_eq!(row.is_rated, is_rated, "{row:?}");
        if is_rated {
            let keys = row.players.clone().map(|name| (name, row.game.clone()));
            let [first, second] = keys.clone().map(|key| ratings.get(&key).copied().unwrap_or((Glicko::BEGIN, 0)));
            ratings.insert(keys[0].clone(), (first.0.after(&[(second.0, score)]), first.1 + 1));
            ratings.insert(keys[1].clone(), (second.0.after(&[(first.0, 1.0 - score)]), second.1 + 1));
        }
    }
    for row in rows.values().filter(|row| !is_ended(row)) {
        assert!(!row.is_rated && row.end_time.is_none_or(|_| row.result != "playing"), "{row:?}");
    }
    let count = daemon.database().query_row("SELECT count(*) FROM rating", [], |row| row.get::<_, usize>(0));
    assert_eq!(count.unwrap(), ratings.len());
    for ((name, game), (due, games)) in ratings {
        let (stored, played) = stored(daemon, &name, &game).unwrap();
        assert_eq!(played, games, "rated games of {name} at {game}");
        assert!(stored.is_near(due), "{name} at {game}: {stored:?}, by all results in their order {due:?}");
    }
    ended.len()
}

#[test]
fn a_finished_game_is_a_row_with_all_of_it() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let before = now_ms();
    let id = seat(&mut alice, &mut bob, "tic-tac-toe 5+3");
    play(&mut alice, &mut bob, &["b2", "a1", "a3", "b1", "c1"]);
    let over = bob.hears("over");
    assert_eq!((&over["result"], &over["reason"]), (&"first".into(), &"three-in-a-row".into()), "{over}");
    let row = &rows(&daemon)[&id];
    let Row { start_time, end_time, .. } = *row;
    let want = Row {
        result: "first".into(),
        players: ["alice".into(), "bob".into()],
        game: "tic-tac-toe".into(),
        clock: Some("5+3".into()),
        moves: "b2 a1 a3 b1 c1".into(),
        reason: Some("three-in-a-row".into()),
        start_time,
        end_time,
        level: 0,
        is_rated: true,
    };
    assert_eq!(*row, want);
    assert!(before <= start_time && end_time.is_some_and(|end| start_time <= end && end <= now_ms()), "{row:?}");
    assert_together(&daemon);
}

#[test]
fn every_end_is_recorded_as_it_was_told() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let mut carol = Player::enter(&daemon, "carol");
    let ends: [(&str, &[&str], Requests, &str, &str); 7] = [
        ("tic-tac-toe", &["b2", "a1", "a3", "b1", "c1"], &[], "first", "three-in-a-row"),
        ("tic-tac-toe", &["b2", "a1", "b1", "b3", "a3", "c1", "c2", "a2", "c3"], &[], "draw", "board-full"),
        ("connect-four", &["1", "2", "1", "2", "3", "2", "1", "2"], &[], "second", "four-in-a-row"),
        ("chess", &["f3", "e5", "g4", "Qh4"], &[], "second", "checkmate"),
        ("reversi", &["d3", "c3"], &[(0, "M resign")], "second", "resigned"),
        ("xiangqi", &["h2e2", "h9g7"], &[(0, "M draw"), (1, "M draw")], "draw", "agreed"),
        ("gomoku", &["h8"], &[(1, "M abort")], "aborted", "aborted"),
    ];
    for (game, moves, requests, result, reason) in ends {
        let id = seat(&mut alice, &mut bob, game);
        play(&mut alice, &mut bob, moves);
        for &(player, request) in requests {
            [&mut alice, &mut bob][player].ok(request);
        }
        let over = alice.hears("over");
        let event = carol.hears("result");
        let row = rows(&daemon)[&id].clone();
        for told in [&over, &event] {
            assert_eq!((game_id(told), &told["result"], &told["reason"]), (id, &result.into(), &reason.into()), "{told}");
            assert_eq!((&told["first"], &told["second"]), (&"alice".into(), &"bob".into()), "{told}");
        }
        assert_eq!((row.result.as_str(), row.reason.as_deref()), (result, Some(reason)), "{row:?}");
        assert_eq!((row.game.as_str(), row.moves.split_whitespace().count()), (game, moves.len()), "{row:?}");
    }
    assert_eq!(assert_together(&daemon), ends.len());
}

#[test]
fn an_end_answered_ok_is_there_with_all_that_goes_with_it_after_kill_9() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    for round in 1..=3 {
        let id = seat(&mut alice, &mut bob, "gomoku");
        play(&mut alice, &mut bob, &["h8", "a1"]);
        alice.ok("M resign");
        daemon.kill();
        assert_eq!(assert_together(&daemon), round);
        assert_eq!(rows(&daemon)[&id].reason.as_deref(), Some("resigned"));
        daemon.restart();
        alice.again(&daemon);
        bob.again(&daemon);
        alice.refused("M", "no-game");
        let lines = bob.items_of("R bob");
        let newest = lines.iter().find(|line| line["item"] == "game").unwrap();
        assert_eq!((game_id(newest), &newest["result"]), (id, &"second".into()), "{lines:?}");
        assert_eq!(bob.lines_of(&format!("B {id}")).pop().unwrap()["ok"], "B");
    }
}

/// Two who begin one game after the other until the daemon is gone.
struct Pair<'a> {
    players: [&'a mut Player; 2],
    /// The results that were answered, or heard by one whose own move did not end the game.
    told: BTreeMap<u64, String>,
    progress: &'a Progress,
}

impl Pair<'_> {
    /// Sends a request and reads up to its reply; `None`, as below, once the daemon is gone.
    fn ask(&mut self, player: usize, request: &str) -> Option<Value> {
        let client = &mut self.players[player].client;
        client.stream().write_all(format!("{request}\n").as_bytes()).ok()?;
        loop {
            let line: Value = serde_json::from_str(&client.line_or_end()?).unwrap();
            assert!(line["err"].is_null(), "{request}: {line}");
            if line["ok"].is_string() {
                return Some(line);
            }
        }
    }

    fn play(&mut self, dice: &mut Dice) -> Option<()> {
        let names = self.players.each_ref().map(|player| player.name.clone());
        let id = game_id(&self.ask(0, "G - tic-tac-toe")?);
        self.ask(1, &format!("D - {}", names[0]))?;
        // How many moves, who does what then, and what comes of it.
        let ends: [(usize, Requests, &str); 7] = [
            (2, &[(0, "M resign")], "second"),
            (3, &[(1, "M resign")], "first"),
            (1, &[(1, "M resign")], "first"),
            (0, &[(0, "M resign")], "second"),
            (1, &[(0, "M abort")], "aborted"),
            (2, &[(0, "M draw"), (1, "M draw")], "draw"),
            (5, &[], "first"),
        ];
        let (moves, requests, result) = ends[dice.below(ends.len() as u64) as usize];
        for (number, played) in ["b2", "a1", "a3", "b1", "c1"][..moves].iter().enumerate() {
            self.ask(number % 2, &format!("M {played}"))?;
        }
        for (player, request) in requests {
            self.ask(*player, request)?;
        }
        self.told.insert(id, result.to_owned());
        self.progress.step();
        Some(())
    }
}

#[test]
fn result_rating_and_event_are_together_whenever_the_daemon_is_killed() {
    const PAIRS: usize = 6;
    const GAMES_AT_MOST: usize = 18;
    let mut daemon = Daemon::start();
    let kills = repetitions("PARLOR_TEST_KILLS", 4);
    assert!(kills <= 60, "then some would play more than 20 times a day");
    let mut dice = Dice::new();
    let mut told: BTreeMap<u64, String> = BTreeMap::new();
    for round in 0..kills {
        // New ones now and then: every round has other pairs.
        let group = round / PAIRS;
        let enter = |side: &str| -> Vec<Player> {
            (0..PAIRS).map(|number| Player::enter(&daemon, &format!("{side}{group}-{number}"))).collect()
        };
        let (mut firsts, mut seconds) = (enter("first"), enter("second"));
        seconds.rotate_left(round % PAIRS);
        // What was cut off by the kill.
        for player in firsts.iter_mut().chain(&mut seconds) {
            let lines = player.lines_of("M");
            if let Some(board) = lines.iter().find(|line| line["item"] == "board" && line["turn"].is_string()) {
                let result = if board["first"] == player.name { "second" } else { "first" };
                player.ok("M resign");
                told.insert(game_id(board), result.to_owned());
            }
        }
        let progress = Progress::default();
        let enough = dice.below(60);
        thread::scope(|scope| {
            let threads: Vec<_> = firsts
                .iter_mut()
                .zip(&mut seconds)
                .map(|(first, second)| {
                    let (mut dice, progress) = (Dice(dice.below(u64::MAX)), &progress);
                    scope.spawn(move || {
                        let mut pair = Pair { players: [first, second], told: BTreeMap::new(), progress };
                        let _ = (0..GAMES_AT_MOST).try_for_each(|_| pair.play(&mut dice));
                        pair.told
                    })
                })
                .collect();
            let is_enough = progress.wait_for(enough);
            // The moment is the dice's, also between one step and the next.
            thread::sleep(Duration::from_micros(dice.below(4000)));
            daemon.kill();
            threads.into_iter().for_each(|thread| told.extend(thread.join().unwrap()));
            assert!(is_enough, "not enough games end in time");
        });
        assert_together(&daemon);
        let rows = rows(&daemon);
        for (id, result) in &told {
            assert_eq!(rows[id].result, *result, "game {id} was answered OK, and is {:?}", rows[id]);
        }
        daemon.restart();
        assert_together(&daemon);
        daemon.assert_intact();
    }
    println!("{kills} times kill -9: {} results answered OK, each with its ratings and event", told.len());
}
