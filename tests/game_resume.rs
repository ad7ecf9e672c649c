//! The promise about an adjourned game: its two players, and nobody else, go on with it whenever they
//! like, from the very position and with the clocks it had.

use std::sync::Barrier;
use std::thread;

use serde_json::Value;

use crate::harness::player::{Player, game_id, hears_move, number, play, seat};
use crate::harness::{Daemon, repetitions};

const FLAGS: [&str; 4] = ["--reconnect-timeout-s", "30", "--adjourn-timeout-s", "1"];

/// A game of alice's and bob's that is adjourned; they are back. Returns its last position, as it was played.
fn adjourned(daemon: &Daemon, alice: &mut Player, bob: &mut Player, game: &str, moves: &[&str]) -> (u64, Value) {
    let mut watcher = Player::enter(daemon, "watcher");
    let id = seat(alice, bob, game);
    watcher.ok(&format!("O {id}"));
    play(alice, bob, moves);
    let last = hears_move(&mut watcher, moves.len() as u64);
    alice.ok("E");
    watcher.hears("lost");
    bob.ok("E");
    watcher.hears("adjourned");
    alice.again(daemon);
    bob.again(daemon);
    (id, last)
}

/// Whoever waits for it has heard that the game goes on.
fn goes_on(player: &mut Player) -> Value {
    player.hears_where(|event| event["event"] == "resumed" || event["event"] == "begun")
}

#[test]
fn either_player_offers_to_go_on_and_the_other_takes_it_up() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let (id, last) = adjourned(&daemon, &mut alice, &mut bob, "gomoku 5+3", &["h8", "a1", "h7"]);
    for player in [&mut alice, &mut bob] {
        player.refused("M", "no-game");
        player.refused("M a3", "no-game");
    }
    // The second offers it; the sides stay what they were.
    assert_eq!(game_id(&bob.ok(&format!("G - resume {id}"))), id);
    let invite = alice.hears("invite");
    assert_eq!((game_id(&invite), &invite["from"], &invite["seat"]), (id, &"bob".into(), &"alice".into()), "{invite}");
    let taken = alice.ok("D - bob");
    assert_eq!((game_id(&taken), &taken["side"]), (id, &"first".into()), "{taken}");
    goes_on(&mut bob);
    let board = bob.board();
    let told = (game_id(&board), &board["first"], &board["second"], &board["turn"], &board["clock"]);
    assert_eq!(told, (id, &"alice".into(), &"bob".into(), &"bob".into(), &"5+3".into()), "{board}");
    assert_eq!((&board["position"], number(&board, "ply")), (&last["position"], 3), "{board}");
    assert_eq!(board["first_ms"], last["first_ms"], "{board}");
    let (left, had) = (number(&board, "second_ms"), number(&last, "second_ms"));
    assert!(left <= had && left + 3000 > had, "the time since is nobody's: {left} of {had} ms");
    // The moves before it can be taken into the game that goes on.
    bob.refused("M h8", "illegal-move");
    play(&mut bob, &mut alice, &["a2", "h6", "a3", "h5", "a4", "h4"]);
    let over = bob.hears("over");
    assert_eq!((game_id(&over), &over["result"], &over["reason"]), (id, &"first".into(), &"five-in-a-row".into()));
}

#[test]
fn who_offers_what_is_offered_already_goes_on_at_once() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let (id, _) = adjourned(&daemon, &mut alice, &mut bob, "gomoku", &["h8"]);
    alice.ok(&format!("G - resume {id}"));
    bob.ok(&format!(r#"{{"do":"G","game":"resume","game_id":{id}}}"#));
    goes_on(&mut alice);
    assert_eq!((number(&alice.board(), "ply"), number(&bob.board(), "ply")), (1, 1));
    play(&mut bob, &mut alice, &["a1", "h7"]);
}

#[test]
fn both_may_offer_it_at_the_same_moment() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    for _ in 0..repetitions("PARLOR_RESUME_RACES", 1) {
        let (id, _) = adjourned(&daemon, &mut alice, &mut bob, "gomoku", &["h8"]);
        let start = Barrier::new(2);
        thread::scope(|scope| {
            for player in [&mut alice, &mut bob] {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    assert_eq!(game_id(&player.ok(&format!("G - resume {id}"))), id);
                });
            }
        });
        let boards = [alice.board(), bob.board()];
        assert!(boards.iter().all(|board| game_id(board) == id && number(board, "ply") == 1), "{boards:?}");
        play(&mut bob, &mut alice, &["a1", "h7"]);
        let listed = alice.lines_of("N");
        assert_eq!(listed.last().unwrap()["count"], 1, "one game and no invitation: {listed:?}");
        alice.ok("M resign");
        bob.hears("over");
    }
}

#[test]
fn only_its_two_players_go_on_with_a_game() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Player::enter(&daemon, name));
    let (id, _) = adjourned(&daemon, &mut alice, &mut bob, "gomoku", &["h8"]);
    carol.refused(&format!("G - resume {id}"), "no-game");
    alice.refused(&format!("G - resume {}", id + 1000), "no-game");
    alice.ok(&format!("G - resume {id}"));
    carol.refused("D - alice", "reserved");
    carol.refused(&format!("G - resume {id}"), "no-game");
    bob.ok("D - alice");
    goes_on(&mut alice);
    carol.refused(&format!("G - resume {id}"), "no-game");
}

#[test]
fn an_offer_to_go_on_can_be_withdrawn_and_made_again() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let (id, _) = adjourned(&daemon, &mut alice, &mut bob, "gomoku", &["h8"]);
    alice.ok(&format!("G - resume {id}"));
    alice.ok("G - -");
    bob.refused("D - alice", "no-invitation");
    bob.ok(&format!("G - resume {id}"));
    alice.ok("D - bob");
    assert_eq!(number(&alice.board(), "ply"), 1);
}

#[test]
fn an_adjourned_game_keeps_nobody_from_another() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Player::enter(&daemon, name));
    let (id, _) = adjourned(&daemon, &mut alice, &mut bob, "gomoku", &["h8"]);
    seat(&mut carol, &mut alice, "tic-tac-toe");
    alice.refused(&format!("G - resume {id}"), "already-playing");
    bob.ok(&format!("G - resume {id}"));
    alice.refused("D - bob", "already-playing");
    carol.ok("M abort");
    alice.hears("over");
    alice.ok("D - bob");
    assert_eq!((game_id(&alice.board()), game_id(&bob.board())), (id, id));
}

#[test]
fn a_game_that_has_ended_or_is_under_way_cannot_be_resumed() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let id = seat(&mut alice, &mut bob, "gomoku");
    for player in [&mut alice, &mut bob] {
        let reply = player.ask(&format!("G - resume {id}"));
        assert!(["already-playing", "no-game"].contains(&reply["err"].as_str().unwrap_or_default()), "{reply}");
    }
    alice.ok("M resign");
    bob.hears("over");
    for player in [&mut alice, &mut bob] {
        player.refused(&format!("G - resume {id}"), "no-game");
    }
}

#[test]
fn an_adjourned_game_is_there_after_kill_9_with_its_moves_and_clocks() {
    let mut daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let (id, last) = adjourned(&daemon, &mut alice, &mut bob, "gomoku 5+3", &["h8", "a1"]);
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    alice.refused("M", "no-game");
    // The offer to go on does not outlive the daemon, the game does.
    alice.ok(&format!("G - resume {id}"));
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    bob.refused("D - alice", "no-invitation");
    alice.ok(&format!("G - resume {id}"));
    bob.ok("D - alice");
    let board = bob.board();
    assert_eq!((&board["position"], &board["second_ms"]), (&last["position"], &last["second_ms"]), "{board}");
    // From here on it is under way again.
    daemon.kill();
    daemon.restart();
    bob.again(&daemon);
    let board = bob.board();
    assert_eq!((game_id(&board), number(&board, "ply"), &board["paused"]), (id, 2, &true.into()), "{board}");
}
