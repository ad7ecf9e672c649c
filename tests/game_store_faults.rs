//! The promise about games while the store fails: a move is refused, or unconfirmed and then there; no clock
//! runs; nothing is lost once the store works again, and nothing is there twice.

use std::time::Instant;

use rusqlite::Connection;

use crate::game_records::assert_together;
use crate::harness::player::{Player, game_id, ms_since, number, play, seat};
use crate::harness::{Daemon, eventually};
use crate::store_faults::{lock, stop};

fn start() -> (Daemon, [Player; 2]) {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let players = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    (daemon, players)
}

/// Locks the store; who says something meanwhile is not confirmed, and everyone after is refused.
fn fail(daemon: &Daemon, speaker: &mut Player) -> Connection {
    let lock = lock(daemon);
    eventually("the failure is noticed", || {
        let reply = speaker.ask("C - is it stored?");
        assert!(["unconfirmed", "store-failed"].contains(&reply["err"].as_str().unwrap_or_default()), "{reply}");
        reply["err"] == "store-failed"
    });
    lock
}

/// Says something until it is answered OK.
fn wait_until_mended(speaker: &mut Player) {
    eventually("the store works again", || speaker.ask("C - mended")["ok"] == "C");
}

fn is_result_stored(daemon: &Daemon, id: u64) -> bool {
    let sql = "SELECT count(*) FROM chat_history WHERE kind = 'result' AND game = ?1";
    daemon.database().query_row(sql, [id], |row| row.get::<_, u64>(0)).unwrap() == 1
}

fn stored_moves(daemon: &Daemon, id: u64) -> String {
    let sql = "SELECT moves FROM game_record WHERE id = ?1";
    daemon.database().query_row(sql, [id], |row| row.get(0)).unwrap()
}

#[test]
fn a_move_during_a_failure_is_unconfirmed_and_there_once_the_store_works_again() {
    let (mut daemon, [mut alice, mut bob]) = start();
    let id = seat(&mut alice, &mut bob, "gomoku 5+3");
    let locked = lock(&daemon);
    let reply = alice.refused("M h8 1", "unconfirmed");
    assert!(reply["text"].is_string(), "{reply}");
    assert_eq!(stored_moves(&daemon, id), "");
    drop(locked);
    eventually("the move that is sent again is answered as if it had been", || {
        let reply = alice.ask("M h8 1");
        assert!(reply["ok"] == "M" || reply["err"] == "unconfirmed" || reply["err"] == "store-failed", "{reply}");
        reply["ply"] == 1
    });
    assert_eq!(stored_moves(&daemon, id), "h8");
    assert_eq!((number(&alice.board(), "ply"), number(&bob.board(), "ply")), (1, 1));
    assert_eq!(bob.plays("a1"), 2);
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    assert_eq!(number(&bob.board(), "ply"), 2);
    let clients = [alice, bob].map(|player| player.client);
    stop(&mut daemon, clients);
}

#[test]
fn a_move_that_is_refused_while_the_store_fails_is_on_nobodys_board() {
    let (mut daemon, [mut alice, mut bob]) = start();
    let mut carol = Player::enter(&daemon, "carol");
    let id = seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    carol.ok(&format!("O {id}"));
    let locked = fail(&daemon, &mut carol);
    for request in ["M h7", "M h7 3", "M resign", "M abort"] {
        alice.refused(request, "store-failed");
    }
    for board in [alice.board(), bob.board()] {
        assert_eq!((number(&board, "ply"), &board["turn"]), (2, &"alice".into()), "{board}");
    }
    drop(locked);
    wait_until_mended(&mut carol);
    assert_eq!(alice.plays("h7"), 3);
    let heard = carol.hears_up_to("move");
    assert_eq!(number(heard.last().unwrap(), "ply"), 3, "watchers have heard of no other: {heard:?}");
    assert_eq!(stored_moves(&daemon, id), "h8 a1 h7");
    let clients = [alice, bob, carol].map(|player| player.client);
    stop(&mut daemon, clients);
}

#[test]
fn invitations_and_seats_are_refused_while_the_store_fails_and_nobody_is_left_in_half_a_game() {
    let (daemon, [mut alice, mut bob]) = start();
    let mut carol = Player::enter(&daemon, "carol");
    alice.invites("gomoku");
    let locked = fail(&daemon, &mut carol);
    bob.refused("D - alice", "store-failed");
    bob.refused("G - gomoku", "store-failed");
    bob.refused("M", "no-game");
    drop(locked);
    wait_until_mended(&mut carol);
    // The seat is still there.
    let id = game_id(&bob.ok("D - alice"));
    assert_eq!([game_id(&alice.board()), game_id(&bob.board())], [id; 2]);
}

#[test]
fn a_seat_that_is_unconfirmed_is_a_game_of_both_or_of_neither() {
    let (mut daemon, [mut alice, mut bob]) = start();
    let mut carol = Player::enter(&daemon, "carol");
    alice.invites("gomoku");
    let locked = lock(&daemon);
    let reply = bob.ask("D - alice");
    assert!(["unconfirmed", "store-failed"].contains(&reply["err"].as_str().unwrap_or_default()), "{reply}");
    drop(locked);
    wait_until_mended(&mut carol);
    let is_seated = [&mut alice, &mut bob].map(|player| player.lines_of("M").iter().any(|line| line["item"] == "board"));
    assert!(is_seated[0] == is_seated[1], "{reply}, {is_seated:?}");
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    let after = [&mut alice, &mut bob].map(|player| player.lines_of("M").iter().any(|line| line["item"] == "board"));
    assert_eq!(after, is_seated);
}

#[test]
fn no_clock_runs_while_the_store_fails() {
    let (daemon, [mut alice, mut bob]) = start();
    let mut carol = Player::enter(&daemon, "carol");
    seat(&mut alice, &mut bob, "gomoku 1+0");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    let locked = fail(&daemon, &mut carol);
    let held = number(&alice.board(), "first_ms");
    let since = Instant::now();
    eventually("some time has passed", || ms_since(since) > 50);
    alice.refused("M h7", "store-failed");
    let board = alice.board();
    assert_eq!((number(&board, "first_ms"), number(&board, "ply")), (held, 2), "{board}");
    drop(locked);
    wait_until_mended(&mut carol);
    eventually("the clock runs again", || number(&alice.board(), "first_ms") < held);
    assert_eq!(alice.plays("h7"), 3);
}

#[test]
fn an_end_that_was_not_stored_before_a_crash_is_whole_or_has_not_happened() {
    let (mut daemon, [mut alice, mut bob]) = start();
    let id = seat(&mut alice, &mut bob, "gomoku 0+1");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    let locked = lock(&daemon);
    assert_eq!(bob.hears("over")["reason"], "time");
    daemon.kill();
    drop(locked);
    assert_eq!(assert_together(&daemon), 0);
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    let board = bob.board();
    assert_eq!((game_id(&board), number(&board, "ply")), (id, 2), "{board}");
    assert_eq!(bob.hears("over")["reason"], "time");
    eventually("the result is stored", || is_result_stored(&daemon, id));
    assert_eq!(assert_together(&daemon), 1);
}

#[test]
fn a_loss_of_connection_while_the_store_fails_is_told_and_has_its_consequence() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1", "--reconnect-timeout-s", "1"]);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let mut carol = Player::enter(&daemon, "carol");
    let id = seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    let locked = fail(&daemon, &mut carol);
    alice.hang_up();
    assert_eq!(bob.hears("lost")["from"], "alice");
    drop(locked);
    let over = bob.hears("over");
    assert_eq!((game_id(&over), &over["reason"]), (id, &"disconnected".into()), "{over}");
    eventually("the result is stored", || is_result_stored(&daemon, id));
    assert_eq!(assert_together(&daemon), 1);
}

#[test]
fn neither_invitations_nor_pauses_age_while_the_store_fails() {
    let flags = ["--confirm-timeout-s", "1", "--invitation-timeout-s", "5", "--adjourn-timeout-s", "5"];
    let mut daemon = Daemon::start_with(&flags);
    let mut players = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let [alice, bob] = &mut players;
    let id = seat(alice, bob, "gomoku");
    daemon.kill();
    daemon.restart();
    let mut carol = Player::enter(&daemon, "carol");
    let invitation = carol.invites("gomoku");
    let since = Instant::now();
    let locked = fail(&daemon, &mut carol);
    // Longer than any of them may take, most of it while the failure is known.
    eventually("more time has passed than they have", || ms_since(since) > 5500);
    drop(locked);
    wait_until_mended(&mut carol);
    let listed = carol.lines_of("N");
    let is_there = |kind: &str, id: u64| listed.iter().any(|item| item["item"] == kind && game_id(item) == id);
    assert!(is_there("invitation", invitation) && is_there("playing", id), "{listed:?}");
    carol.hears("uninvite");
}
