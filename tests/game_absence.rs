//! The promise about a lost connection: the other is told, with the seconds left; who comes back in time
//! finds the board and plays on; who does not has lost; if both are away nobody has.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::player::{Player, game_id, ms_since, number, play, seat};
use crate::harness::{Client, Daemon, is_reply};

fn two(daemon: &Daemon) -> [Player; 2] {
    ["alice", "bob"].map(|name| Player::enter(daemon, name))
}

/// The board that a login finds is the next line behind its reply, which has been read.
#[track_caller]
fn found(player: &mut Player) -> Value {
    let line = player.client.json();
    assert_eq!(line["event"], "board", "{line}");
    line
}

#[test]
fn the_opponent_is_told_of_a_loss_and_of_the_seconds_left() {
    let daemon = Daemon::start_with(&["--reconnect-timeout-s", "7"]);
    let [mut alice, mut bob] = two(&daemon);
    let id = seat(&mut alice, &mut bob, "gomoku");
    alice.hang_up();
    let lost = bob.hears("lost");
    assert_eq!((game_id(&lost), &lost["from"]), (id, &"alice".into()), "{lost}");
    assert!((6500..=7000).contains(&number(&lost, "timeout_ms")), "{lost}");
}

#[test]
fn who_comes_back_in_time_finds_the_board_behind_the_login_and_plays_on() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    let id = seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1", "h7"]);
    alice.hang_up();
    bob.hears("lost");
    // The other moves meanwhile.
    assert_eq!(bob.plays("a2"), 4);
    alice.again(&daemon);
    let board = found(&mut alice);
    let told = (game_id(&board), &board["first"], &board["second"], number(&board, "ply"), &board["turn"]);
    assert_eq!(told, (id, &"alice".into(), &"bob".into(), 4, &"alice".into()), "{board}");
    assert_eq!(board["paused"], false, "{board}");
    assert_eq!(bob.hears("back")["from"], "alice");
    play(&mut alice, &mut bob, &["h6", "a3"]);
    assert_eq!(alice.board()["position"], bob.board()["position"]);
}

#[test]
fn people_find_the_board_behind_the_login_too() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8"]);
    bob.hang_up();
    alice.hears("lost");
    let mut bob = Client::connect(&daemon);
    bob.log_in("bob");
    let head = bob.line();
    assert!(head.contains("gomoku") && head.contains("[alice]") && head.contains("[bob]"), "{head}");
    let board: Vec<String> = (0..15).map(|_| bob.line()).collect();
    assert!(board.iter().all(|line| line.starts_with("    ") && line.len() <= 44), "{board:#?}");
    assert_eq!(alice.hears("back")["from"], "bob");
}

#[test]
fn who_does_not_come_back_has_lost() {
    let daemon = Daemon::start_with(&["--reconnect-timeout-s", "1"]);
    let [mut alice, mut bob] = two(&daemon);
    let mut carol = Player::enter(&daemon, "carol");
    let id = seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    bob.hang_up();
    let lost = alice.hears("lost");
    let since = Instant::now();
    assert!(number(&lost, "timeout_ms") <= 1000, "{lost}");
    let over = alice.hears("over");
    let told = (game_id(&over), &over["result"], &over["reason"]);
    assert_eq!(told, (id, &"first".into(), &"disconnected".into()), "{over}");
    assert!(ms_since(since) + 100 >= number(&lost, "timeout_ms"), "after {} ms", ms_since(since));
    let result = carol.hears("result");
    assert_eq!((game_id(&result), &result["result"], &result["reason"]), (id, &over["result"], &over["reason"]));
    // The one who is back finds no game, and may begin another.
    bob.again(&daemon);
    bob.refused("M h7", "no-game");
    seat(&mut bob, &mut alice, "gomoku");
}

#[test]
fn who_was_away_at_the_end_is_told_at_the_next_login_and_once() {
    let daemon = Daemon::start_with(&["--reconnect-timeout-s", "1"]);
    let [mut alice, mut bob] = two(&daemon);
    let id = seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    bob.ok("E");
    alice.hears("over");
    bob.again(&daemon);
    let over = bob.client.json();
    assert_eq!((&over["event"], game_id(&over), &over["reason"]), (&"over".into(), id, &"disconnected".into()), "{over}");
    // The table waits for a rematch; nothing else is told by the login after that.
    let mut person = Client::connect(&daemon);
    person.log_in("bob");
    assert_eq!(person.lines_of("K"), ["OK"]);
}

#[test]
fn leaving_is_the_same_as_a_lost_connection() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    alice.ok("E");
    assert_eq!(bob.hears("lost")["from"], "alice");
    alice.again(&daemon);
    assert_eq!(number(&found(&mut alice), "ply"), 0);
    assert_eq!(bob.hears("back")["from"], "alice");
    play(&mut alice, &mut bob, &["h8", "a1"]);
}

#[test]
fn a_login_that_replaces_the_first_is_no_loss() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    alice.again(&daemon);
    assert_eq!(number(&found(&mut alice), "ply"), 2);
    assert_eq!(alice.plays("h7"), 3);
    let heard = bob.hears_up_to("move");
    let of_the_game = heard.iter().filter(|event| event["game_id"].is_u64()).count();
    assert_eq!(of_the_game, 1, "nothing but the move: {heard:?}");
}

#[test]
fn the_clock_runs_while_its_player_is_away() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku 1+0");
    let before = number(&bob.board(), "first_ms");
    alice.hang_up();
    bob.hears("lost");
    let since = Instant::now();
    thread::sleep(Duration::from_millis(100));
    alice.again(&daemon);
    let left = number(&found(&mut alice), "first_ms");
    assert!(left + 100 <= before, "{left} of {before} ms are left");
    assert!(left + ms_since(since) + 1000 >= before, "{left} of {before} ms are left after {} ms", ms_since(since));
}

#[test]
fn there_is_never_more_time_to_come_back_than_the_clock_has() {
    let daemon = Daemon::start();
    for (leaver, result) in [(0, "second"), (1, "first")] {
        let mut players = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
        let [alice, bob] = &mut players;
        seat(alice, bob, "gomoku 0+1");
        // Whether one is to move or not.
        players[leaver].hang_up();
        let stayed = &mut players[1 - leaver];
        let lost = stayed.hears("lost");
        assert!(number(&lost, "timeout_ms") <= 1000, "{lost}");
        if leaver == 1 {
            stayed.plays("h8");
        }
        let over = stayed.hears("over");
        assert_eq!(over["result"], result, "{over}");
        assert!(["time", "disconnected"].contains(&over["reason"].as_str().unwrap()), "{over}");
    }
}

/// Both go; the one who watches hears it.
fn both_vanish(alice: &Player, bob: &Player, watcher: &mut Player) -> Value {
    alice.hang_up();
    assert_eq!(watcher.hears("lost")["from"], alice.name);
    bob.hang_up();
    watcher.hears("paused")
}

#[test]
fn a_game_that_both_have_left_is_paused_until_both_are_back() {
    let daemon = Daemon::start_with(&["--reconnect-timeout-s", "1", "--adjourn-timeout-s", "20"]);
    let [mut alice, mut bob] = two(&daemon);
    let mut carol = Player::enter(&daemon, "carol");
    let id = seat(&mut alice, &mut bob, "gomoku 0+1");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    carol.ok(&format!("O {id}"));
    let paused = both_vanish(&alice, &bob, &mut carol);
    assert!((19_000..=20_000).contains(&number(&paused, "timeout_ms")), "{paused}");
    alice.again(&daemon);
    let board = found(&mut alice);
    assert_eq!((&board["paused"], number(&board, "ply")), (&true.into(), 2), "{board}");
    let listed = alice.lines_of("N");
    assert!(listed.iter().any(|line| line["item"] == "playing" && line["paused"] == true), "{listed:?}");
    // Longer than either the clock or the time to come back would have been.
    thread::sleep(Duration::from_millis(1300));
    let later = alice.board();
    assert_eq!((&later["first_ms"], &later["paused"]), (&board["first_ms"], &true.into()), "{later}");
    alice.refused("M h7", "not-now");
    bob.again(&daemon);
    let board = found(&mut bob);
    assert_eq!((&board["paused"], number(&board, "ply")), (&false.into(), 2), "{board}");
    for player in [&mut alice, &mut carol] {
        let resumed = player.hears("resumed");
        assert_eq!((game_id(&resumed), number(&resumed, "ply")), (id, 2), "{resumed}");
    }
    play(&mut alice, &mut bob, &["h7", "a2"]);
}

#[test]
fn a_paused_game_with_one_player_back_is_adjourned_and_nobody_has_lost() {
    let daemon = Daemon::start_with(&["--reconnect-timeout-s", "1", "--adjourn-timeout-s", "1"]);
    let [mut alice, mut bob] = two(&daemon);
    let mut carol = Player::enter(&daemon, "carol");
    let id = seat(&mut alice, &mut bob, "gomoku");
    carol.ok(&format!("O {id}"));
    both_vanish(&alice, &bob, &mut carol);
    alice.again(&daemon);
    let heard = alice.hears_up_to("adjourned");
    assert!(!heard.iter().any(|event| event["event"] == "over"), "{heard:?}");
    let heard = carol.hears_up_to("adjourned");
    assert!(!heard.iter().any(|event| event["event"] == "over" || event["event"] == "result"), "{heard:?}");
    alice.refused("M", "no-game");
    let listed = alice.lines_of("N");
    assert_eq!(listed.last().unwrap()["count"], 0, "{listed:?}");
}

#[test]
fn a_script_beside_a_player_is_neither_a_return_nor_a_loss() {
    let daemon = Daemon::start_with(&["--reconnect-timeout-s", "1"]);
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    let script = |player: &Player| {
        let mut script = player.beside(&daemon);
        script.ok(&format!(r#"{{"do":"I","token":"{}","enter":false,"listen":true}}"#, player.token));
        script.refused("M h8", "members-only");
        script.refused("M resign", "members-only");
        script
    };
    script(&alice).ok("E");
    alice.plays("h8");
    let heard = bob.hears_up_to("move");
    assert!(heard.iter().all(|event| event["event"] != "lost"), "{heard:?}");
    bob.plays("a1");
    alice.hang_up();
    bob.hears("lost");
    let _script = script(&alice);
    let heard = bob.hears_up_to("over");
    assert!(heard.iter().all(|event| event["event"] != "back"), "{heard:?}");
    assert_eq!(heard.last().unwrap()["reason"], "disconnected");
}

#[test]
fn replies_to_what_was_asked_come_before_the_board_that_a_login_finds() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    alice.hang_up();
    bob.hears("lost");
    let mut back = Client::connect(&daemon);
    back.send_raw(format!("V json\nI {}\nK\n", alice.token).as_bytes());
    let lines: Vec<Value> = (0..4).map(|_| back.json()).collect();
    assert_eq!((&lines[0]["ok"], &lines[1]["ok"]), (&"V".into(), &"I".into()), "{lines:?}");
    let rest: Vec<bool> = lines[2..].iter().map(|line| is_reply(&line.to_string())).collect();
    assert!(rest == [false, true] && lines[2]["event"] == "board", "{lines:?}");
}
