//! The promise about a login that finds a game: of many at once the one that stays plays, and nothing of
//! what the account plays, watches or has adjourned is lost on the way.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;

use crate::harness::player::{Player, game_id, number, play, seat};
use crate::harness::{Client, Daemon, eventually, is_reply, repetitions};

/// Logs in over some connections at the same moment; returns the one that was not replaced.
fn log_in_at_once(daemon: &Daemon, player: &Player, count: usize) -> Player {
    let barrier = Barrier::new(count);
    let mut stayed: Vec<Player> = thread::scope(|scope| {
        let logins: Vec<_> = (0..count)
            .map(|_| {
                let (barrier, mut login) = (&barrier, player.beside(daemon));
                scope.spawn(move || {
                    barrier.wait();
                    login.client.send(&format!("I {}", login.token));
                    login
                })
            })
            .collect();
        logins.into_iter().map(|login| login.join().unwrap()).collect()
    });
    // All but one hear that they are replaced; a heartbeat tells which is not.
    stayed.retain_mut(|login| {
        login.client.send("K");
        loop {
            match login.client.line_or_end() {
                None => return false,
                Some(line) if line == "{\"ok\":\"K\"}" => return true,
                Some(line) => assert!(is_reply(&line) || line.starts_with("{\"event\""), "{line}"),
            }
        }
    });
    // One that was replaced behind its heartbeat is told so now.
    while stayed.len() > 1 {
        stayed.retain_mut(|login| {
            login.client.send("K");
            std::iter::from_fn(|| login.client.line_or_end()).any(|line| line == "{\"ok\":\"K\"}")
        });
    }
    stayed.pop().expect("one of them is in the room")
}

#[test]
fn of_many_logins_at_once_the_one_that_stays_in_the_room_has_the_seat() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let id = seat(&mut alice, &mut bob, "gomoku");
    for round in 0..repetitions("PARLOR_TEST_LOGINS", 40) {
        let logins = 2 + round % 3;
        alice = log_in_at_once(&daemon, &alice, logins);
        let board = alice.board();
        assert_eq!((game_id(&board), board["paused"].as_bool()), (id, Some(false)), "round {round}: {board}");
        alice.ok("M draw");
    }
    assert_eq!(alice.plays("h8"), 1);
    bob.ok("M resign");
}

#[test]
fn a_connection_that_is_lost_during_its_login_is_not_left_in_the_room() {
    let daemon = Daemon::start();
    let players: Vec<Player> = (0..8).map(|number| Player::enter(&daemon, &format!("p{number}"))).collect();
    let mut busy = Client::enter(&daemon, "busy");
    let lines = "N\n".repeat(200);
    for _ in 0..repetitions("PARLOR_TEST_LOST_LOGINS", 12) {
        // So that a login waits a moment on its way.
        busy.send_raw(lines.as_bytes());
        for player in &players {
            let mut login = player.beside(&daemon).client;
            login.send(&format!("I {}", player.token));
            SockRef::from(&login.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        }
        (0..200).for_each(|_| assert!(busy.reply().starts_with("OK ")));
    }
    drop(players);
    eventually("all that were lost are gone", || busy.ask("W") == "OK 1 busy");
}

/// A game of two that is adjourned, with these two logged in again; returns what each login told.
fn adjourned(daemon: &Daemon, alice: &mut Player, bob: &mut Player) -> (u64, [Value; 2]) {
    let mut watcher = Player::enter(daemon, "watcher");
    let id = seat(alice, bob, "reversi 5+3");
    watcher.ok(&format!("O {id}"));
    play(alice, bob, &["d3", "c3"]);
    alice.ok("E");
    watcher.hears("lost");
    bob.ok("E");
    watcher.hears("adjourned");
    let told = [alice, bob].map(|player| {
        player.again(daemon);
        player.hears("adjourned")
    });
    (id, told)
}

#[test]
fn a_login_tells_of_adjourned_games_and_so_does_the_list() {
    let daemon = Daemon::start_with(&["--reconnect-timeout-s", "30", "--adjourn-timeout-s", "1"]);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let (id, told) = adjourned(&daemon, &mut alice, &mut bob);
    for event in told {
        let players = [&event["first"], &event["second"]].map(|name| name.as_str().unwrap());
        assert_eq!((game_id(&event), players, number(&event, "ply")), (id, ["alice", "bob"], 2), "{event}");
        assert_eq!((event["game"].as_str(), event["clock"].as_str()), (Some("reversi"), Some("5+3")), "{event}");
    }
    let items = alice.lines_of("N");
    assert_eq!(items.iter().filter(|item| item["item"] == "adjourned" && game_id(item) == id).count(), 1, "{items:?}");
    assert_eq!(number(items.last().unwrap(), "count"), 0);
    let mut carol = Client::enter(&daemon, "carol");
    assert!(!carol.lines_of("N").concat().contains("adjourned"));
    // People read it too, and the number can be left out.
    let mut person = Client::connect(&daemon);
    person.log_in("alice");
    person.expect(&format!("{id} reversi 5+3: [alice] - [bob], 2 moves played, adjourned - G - resume {id} goes on"));
    assert!(person.ask("G - resume").starts_with(&format!("OK {id} ")));
    assert_eq!(game_id(&bob.ok(r#"{"do":"G","game":"resume"}"#)), id);
    person.expect("reversi");
    assert!(!bob.lines_of("N").iter().any(|item| item["item"] == "adjourned"));
}

#[test]
fn a_game_whose_moves_nobody_knows_any_more_is_refused_and_kept() {
    let mut daemon = Daemon::start_with(&["--reconnect-timeout-s", "30", "--adjourn-timeout-s", "1"]);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let (id, _) = adjourned(&daemon, &mut alice, &mut bob);
    assert!(daemon.stop().success());
    daemon.database().execute("UPDATE game_record SET moves = 'd3 q9' WHERE id = ?1", [id]).unwrap();
    daemon.restart();
    alice.again(&daemon);
    alice.refused(&format!("G - resume {id}"), "no-game");
    let (moves, result): (String, String) = daemon
        .database()
        .query_row("SELECT moves, result FROM game_record WHERE id = ?1", [id], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((moves.as_str(), result.as_str()), ("d3 q9", "adjourned"));
}

#[test]
fn a_position_that_has_ended_by_now_is_concluded_at_the_start() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let id = seat(&mut alice, &mut bob, "tic-tac-toe");
    play(&mut alice, &mut bob, &["b2", "a1"]);
    assert!(daemon.stop().success());
    // As if the rules of then had not seen it.
    daemon.database().execute("UPDATE game_record SET moves = 'b2 a1 b1 a2 b3' WHERE id = ?1", [id]).unwrap();
    daemon.restart();
    alice.again(&daemon);
    let board = alice.board();
    assert_eq!((board["result"].as_str(), board["reason"].as_str()), (Some("first"), Some("three-in-a-row")), "{board}");
    let items = alice.items_of("R alice");
    let game = items.iter().find(|item| item["item"] == "game").unwrap();
    assert_eq!((game_id(game), game["result"].as_str()), (id, Some("first")), "{items:?}");
    let lines = alice.items_of("H - - 2");
    assert_eq!(lines[0]["item"], "result", "{lines:?}");
}
