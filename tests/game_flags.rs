//! The promise about clocks: they are the server's, and a flag that falls ends the game by itself, once,
//! whoever does what at that moment.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::player::{Player, game_id, hears_move, ms_since, number, play, seat};
use crate::harness::{Daemon, Dice, repetitions};

/// So many results, as the room hears them; and no more by the time that somebody says something.
fn results(count: usize, listener: &mut Player, speaker: &mut Player) -> Vec<Value> {
    let heard = (0..count).map(|_| listener.hears("result")).collect();
    speaker.ok("C - so far");
    let more = listener.hears_up_to("chat");
    assert!(more.iter().all(|event| event["event"] != "result"), "{more:?} after {heard:?}");
    heard
}

#[test]
fn a_flag_that_falls_ends_the_game_and_everyone_is_told_once() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    let mut carol = Player::enter(&daemon, "carol");
    let id = seat(&mut alice, &mut bob, "gomoku 0+1");
    let begin = Instant::now();
    play(&mut alice, &mut bob, &["h8", "a1"]);
    for player in [&mut alice, &mut bob] {
        let over = player.hears("over");
        assert_eq!((game_id(&over), &over["result"], &over["reason"]), (id, &"second".into(), &"time".into()), "{over}");
    }
    assert!(ms_since(begin) >= 1000, "the flag fell after {} ms", ms_since(begin));
    let result = &results(1, &mut carol, &mut bob)[0];
    assert_eq!((game_id(result), &result["result"], &result["reason"]), (id, &"second".into(), &"time".into()), "{result}");
    // Anything more about the game would come before this.
    alice.ok("M rematch");
    for player in [&mut alice, &mut bob] {
        let heard = player.hears_up_to("offer");
        assert!(heard.iter().all(|event| event["event"] != "over"), "{heard:?}");
    }
    let ratings = carol.lines_of("R bob");
    let rating = ratings.iter().find(|line| line["item"] == "rating").unwrap_or_else(|| panic!("{ratings:?}"));
    assert_eq!((&rating["game"], number(rating, "games")), (&"gomoku".into(), 1));
}

#[test]
fn the_flag_of_the_second_falls_too() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    seat(&mut alice, &mut bob, "tic-tac-toe 0+1");
    play(&mut alice, &mut bob, &["b2"]);
    let over = bob.hears("over");
    assert_eq!((&over["result"], &over["reason"]), (&"first".into(), &"time".into()), "{over}");
}

#[test]
fn each_move_adds_its_seconds_to_the_movers_clock() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    alice.invites("gomoku 1+7");
    let begin = Instant::now();
    bob.ok("D - alice");
    let begun = bob.hears("begun");
    assert_eq!((&begun["first_ms"], &begun["second_ms"]), (&60_000.into(), &60_000.into()), "{begun}");
    alice.hears("begun");
    let mut left = [60_000, 60_000];
    for (ply, played) in ["h8", "a1", "h7", "a2"].into_iter().enumerate() {
        let [mover, other] = if ply % 2 == 0 { [&mut alice, &mut bob] } else { [&mut bob, &mut alice] };
        mover.plays(played);
        let heard = hears_move(other, ply as u64 + 1);
        let told = [number(&heard, "first_ms"), number(&heard, "second_ms")];
        let (mine, theirs) = (ply % 2, 1 - ply % 2);
        let most = left[mine] + 7000;
        assert!(told[mine] <= most && told[mine] + ms_since(begin) + 1 >= most, "{heard} after {left:?}");
        assert_eq!(told[theirs], left[theirs], "the other's clock stands: {heard}");
        left = told;
    }
    // The board tells what is left now, the stored moves what was left then.
    let board = alice.board();
    assert_eq!((&board["clock"], number(&board, "second_ms")), (&"1+7".into(), left[1]), "{board}");
    assert!(number(&board, "first_ms") <= left[0], "{board}");
}

#[test]
fn a_clock_without_minutes_begins_with_the_seconds_of_one_move() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    alice.invites("gomoku 0+9");
    bob.ok("D - alice");
    let begun = bob.hears("begun");
    assert_eq!((&begun["clock"], &begun["first_ms"], &begun["second_ms"]), (&"0+9".into(), &9000.into(), &9000.into()));
}

#[test]
fn the_clock_runs_while_one_is_to_move_and_stands_while_one_is_not() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    seat(&mut alice, &mut bob, "gomoku 1+0");
    let since = Instant::now();
    let before = alice.board();
    thread::sleep(Duration::from_millis(50));
    let asked = Instant::now();
    let after = alice.board();
    let passed = number(&before, "first_ms") - number(&after, "first_ms");
    let most = ms_since(since) + 1;
    assert!((50..=most).contains(&passed), "{passed} of {most} ms, asked {} ms ago", ms_since(asked));
    assert_eq!(number(&after, "second_ms"), 60_000);
}

#[test]
fn after_the_flag_there_is_no_move() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    seat(&mut alice, &mut bob, "gomoku 0+1");
    alice.hears("over");
    for request in ["M h8", "M resign", "M draw", "M undo", "M claim", "M abort"] {
        alice.refused(request, "no-game");
        bob.refused(request, "no-game");
    }
}

/// What everyone can see of a game's end must be one and the same.
fn flag_race(alice: &mut Player, bob: &mut Player, dice: &mut Dice) -> &'static str {
    let id = seat(alice, bob, "gomoku 0+1");
    let begin = Instant::now();
    // As near to the flag as the machine's scheduling allows, before it and after it.
    let moment = Duration::from_micros(990_000 + dice.below(14_000));
    let mut sent_after = Duration::ZERO;
    thread::scope(|scope| {
        let bob = &mut *bob;
        scope.spawn(move || {
            thread::sleep(moment.saturating_sub(begin.elapsed()));
            bob.client.send("M resign");
        });
        thread::sleep(moment.saturating_sub(begin.elapsed()));
        sent_after = begin.elapsed();
        alice.client.send("M h8");
    });
    let (moved, resigned, over) = (alice.reply(), bob.reply(), bob.hears("over"));
    assert_eq!(game_id(&over), id);
    let ending = match (over["reason"].as_str().unwrap(), over["result"].as_str().unwrap()) {
        ("time", "second") => "time",
        ("resigned", "first") => "resigned",
        other => panic!("{other:?}: {over}"),
    };
    assert_eq!(resigned["ok"] == "M", ending == "resigned", "{resigned} and {over}");
    assert!(resigned["ok"] == "M" || resigned["err"] == "no-game", "{resigned}");
    assert!(moved["ok"] == "M" || moved["err"] == "no-game", "{moved}");
    // The clock ran since before both had heard that the game begins.
    assert!(moved["err"] == "no-game" || sent_after < Duration::from_secs(1), "{moved}, sent after {sent_after:?}");
    assert!(ending == "resigned" || moved["err"] == "no-game", "a flag fell, and after it there was {moved}");
    ending
}

#[test]
fn a_move_and_a_resignation_at_the_flags_moment_leave_one_end() {
    let daemon = Daemon::start();
    let mut carol = Player::enter(&daemon, "carol");
    let (pairs, rounds) = (8, repetitions("PARLOR_FLAG_RACES", 1));
    let endings: Vec<&str> = thread::scope(|scope| {
        let race = |pair| {
            let daemon = &daemon;
            scope.spawn(move || {
                let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(daemon, &format!("{name}{pair}")));
                let mut dice = Dice::new();
                (0..rounds).map(|_| flag_race(&mut alice, &mut bob, &mut dice)).collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..pairs).map(race).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut dave = Player::enter(&daemon, "dave");
    let mut ended: Vec<u64> = results(endings.len(), &mut carol, &mut dave).iter().map(game_id).collect();
    ended.sort_unstable();
    assert!(ended.is_sorted_by(|a, b| a < b), "{ended:?}");
    let by_flag = endings.iter().filter(|&&ending| ending == "time").count();
    println!("{} races at the flag's moment: {by_flag} flags, {} resignations", endings.len(), endings.len() - by_flag);
}

/// The shortest way that was found to take fifteen men; then the first is to move.
const BARE_KING: &str = "d2d4 e7e5 d4e5 d7d5 d1d5 f7f6 d5b7 h7h6 c1h6 d8d3 h6g7 g8h6 c2d3 f6e5 b7b8 e5e4 d3e4 h6f5 e4f5 f8a3 b2a3 \
                         h8f8 g7f8 c7c5 f8c5 e8d7 c5a7 c8b7 b8a8 b7f3 e2f3 d7d6";

#[test]
fn a_flag_that_falls_against_a_bare_king_is_a_draw() {
    let mut daemon = Daemon::start();
    let (mut alice, mut bob) = (Player::enter(&daemon, "alice"), Player::enter(&daemon, "bob"));
    let id = seat(&mut alice, &mut bob, "chess 60+0");
    let moves: Vec<&str> = BARE_KING.split_whitespace().collect();
    play(&mut alice, &mut bob, &moves);
    // As if alice had thought for an hour.
    daemon.kill();
    daemon.database().execute("UPDATE game_record SET first_ms = 100 WHERE id = ?1", [id]).unwrap();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    for player in [&mut alice, &mut bob] {
        let over = player.hears("over");
        let told = (game_id(&over), &over["result"], &over["reason"]);
        assert_eq!(told, (id, &"draw".into(), &"time-no-win".into()), "{over}");
    }
}
