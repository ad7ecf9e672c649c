//! The promise about a move whose reply did not arrive: it can be sent again with its ply, over another
//! connection, after a restart and after the end, and is played once.

use crate::harness::Daemon;
use crate::harness::player::{Player, number, play, seat};

const FOOLS_MATE: [&str; 3] = ["f3", "e5", "g4"];

#[test]
fn the_newest_move_is_known_again_over_another_connection_and_after_a_restart() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    seat(&mut alice, &mut bob, "chess");
    play(&mut alice, &mut bob, &["e2e4", "e5"]);
    alice.again(&daemon);
    bob.again(&daemon);
    for again in ["M e2e4 1", "M e4 1"] {
        assert_eq!(number(&alice.ok(again), "ply"), 1);
    }
    alice.refused("M d4 1", "wrong-ply");
    assert_eq!(number(&alice.refused("M e5 2", "wrong-ply"), "ply"), 3);
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    for again in ["M e2e4 1", "M e4 1"] {
        assert_eq!(number(&alice.ok(again), "ply"), 1);
    }
    assert_eq!(number(&bob.ok("M e7e5 2"), "ply"), 2);
    assert_eq!(number(&alice.board(), "ply"), 2);
}

#[test]
fn the_last_move_of_a_game_that_has_ended_is_known_again() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let id = seat(&mut alice, &mut bob, "chess");
    play(&mut alice, &mut bob, &FOOLS_MATE);
    let last = format!(r#"{{"do":"M","move":"d8h4","ply":4,"game_id":{id}}}"#);
    for restarts in [false, true] {
        assert_eq!(number(&bob.ok(&last), "ply"), 4);
        // Not by the other, nor another move, nor without the game's number.
        assert!(alice.ask(&last)["err"].is_string());
        assert!(bob.ask(&format!("M Qg5 4 {id}"))["err"].is_string());
        if restarts {
            daemon.kill();
            daemon.restart();
        }
        alice.again(&daemon);
        bob.again(&daemon);
    }
    bob.refused("M d8h4 4", "no-game");
    // Another game does not change that.
    seat(&mut bob, &mut alice, "tic-tac-toe");
    assert_eq!(number(&bob.ok(&last), "ply"), 4);
    assert_eq!(number(&bob.board(), "ply"), 0);
}

#[test]
fn what_chinese_keyboards_make_of_a_move_is_read() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["ｈ８", "Ｉ９"]);
    assert_eq!(number(&alice.ok("M ｈ７。"), "ply"), 3);
    bob.refused("M 中", "illegal-move");
}
