//! The promise about a game over a restart of the daemon: what was answered `OK` has happened, and how a
//! game stood is how it stands; what was only offered is gone.

use crate::game_crash::{End, kill, stop};
use crate::harness::Daemon;
use crate::harness::player::{Player, game_id, number, play, seat};

#[test]
fn every_game_is_there_after_kill_9_as_it_stood() {
    let mut daemon = Daemon::start();
    let openings = [
        ("gomoku", ["h8", "a1", "h7"]),
        ("tic-tac-toe", ["b2", "a1", "a3"]),
        ("connect-four", ["4", "4", "3"]),
        ("reversi", ["d3", "c3", "c4"]),
        ("chess", ["e4", "e5", "Nf3"]),
        ("xiangqi", ["h2e2", "h9g7", "h0g2"]),
    ];
    let mut games = Vec::new();
    for (number, (game, moves)) in openings.into_iter().enumerate() {
        let [mut first, mut second] = ["first", "second"].map(|name| Player::enter(&daemon, &format!("{name}{number}")));
        seat(&mut first, &mut second, game);
        play(&mut first, &mut second, &moves);
        let board = second.board();
        games.push((first, second, board));
    }
    daemon.kill();
    daemon.restart();
    for (mut first, mut second, board) in games {
        first.again(&daemon);
        second.again(&daemon);
        first.hears("resumed");
        for player in [&mut first, &mut second] {
            let now = player.board();
            for key in ["game_id", "game", "first", "second", "ply", "turn", "position", "paused"] {
                assert_eq!(now[key], board[key], "{key} of {board}");
            }
        }
        first.refused("M e2", "not-your-turn");
    }
}

#[test]
fn a_seat_answered_ok_is_a_game_after_kill_9() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    alice.invites("chess 5+3");
    let id = game_id(&bob.ok("D - alice"));
    daemon.kill();
    daemon.restart();
    bob.again(&daemon);
    let board = bob.board();
    let told = (game_id(&board), &board["first"], &board["second"], &board["clock"], &board["paused"], &board["first_ms"]);
    assert_eq!(told, (id, &"alice".into(), &"bob".into(), &"5+3".into(), &true.into(), &300_000.into()), "{board}");
}

#[test]
fn a_take_back_answered_ok_is_one_after_kill_9() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    seat(&mut alice, &mut bob, "gomoku 5+3");
    play(&mut alice, &mut bob, &["h8", "a1", "h7"]);
    alice.ok("M undo");
    bob.hears("offer");
    assert_eq!(bob.ok("M undo")["agreed"], true);
    let taken_back = alice.hears("takeback");
    assert_eq!(number(&taken_back, "ply"), 2);
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    bob.again(&daemon);
    let board = bob.board();
    for key in ["ply", "turn", "position", "second_ms"] {
        assert_eq!(board[key], taken_back[key], "{key} of {board}");
    }
    play(&mut alice, &mut bob, &["g7", "a2"]);
}

#[test]
fn a_rematch_answered_ok_is_a_game_after_kill_9() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let id = seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    alice.ok("M resign");
    bob.ok("M rematch");
    assert_eq!(alice.ok("M rematch")["agreed"], true);
    daemon.kill();
    daemon.restart();
    bob.again(&daemon);
    let board = bob.board();
    let told = (&board["first"], &board["second"], number(&board, "ply"), &board["turn"]);
    assert_eq!(told, (&"bob".into(), &"alice".into(), 0, &"bob".into()), "{board}");
    assert!(game_id(&board) > id, "{board}");
    let games = bob.items_of("R alice");
    assert!(games.iter().any(|game| game["item"] == "game" && game_id(game) == id), "{games:?}");
}

#[test]
fn offers_are_gone_after_a_restart() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    seat(&mut alice, &mut bob, "gomoku");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    for offer in ["draw", "undo"] {
        assert_eq!(alice.ok(&format!("M {offer}"))["agreed"], false);
        bob.hears_where(|event| event["event"] == "offer" && event["from"] == "alice" && event["offer"] == offer);
        daemon.kill();
        daemon.restart();
        alice.again(&daemon);
        bob.again(&daemon);
        assert!(bob.board()["offer"].is_null());
        assert_eq!(bob.ok(&format!("M {offer}"))["agreed"], false, "it is the first to offer now");
    }
    assert_eq!(number(&alice.board(), "ply"), 2);
}

#[test]
fn open_invitations_are_gone_after_a_restart() {
    let mut daemon = Daemon::start();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    for end in [kill as End, stop] {
        let id = alice.invites("gomoku");
        end(&mut daemon, &mut [&mut alice, &mut bob]);
        daemon.restart();
        alice.again(&daemon);
        bob.again(&daemon);
        assert_eq!(bob.lines_of("N").pop().unwrap()["count"], 0);
        bob.refused("D - alice", "no-invitation");
        alice.refused("G - -", "no-invitation");
        assert!(alice.invites("gomoku") > id);
        alice.ok("G - -");
    }
}

#[test]
fn a_number_told_but_not_stored_at_the_crash_is_no_other_games() {
    let mut daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let before = alice.invites("gomoku");
    alice.ok("G - -");
    // Nothing can be stored while somebody else writes.
    let lock = crate::store_faults::lock(&daemon);
    let told = alice.client.objects_of("G - gomoku");
    assert_eq!(told.last().unwrap()["err"], "unconfirmed", "{told:?}");
    let heard = told.iter().filter_map(|line| line["game_id"].as_u64()).max().unwrap_or(before);
    daemon.kill();
    drop(lock);
    daemon.restart();
    bob.again(&daemon);
    assert!(bob.invites("gomoku") > heard, "{told:?}");
}

#[test]
fn after_a_restart_nobody_loses_by_the_other_being_back_first() {
    let mut daemon = Daemon::start_with(&["--reconnect-timeout-s", "1", "--adjourn-timeout-s", "2"]);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    let id = seat(&mut alice, &mut bob, "gomoku 0+1");
    play(&mut alice, &mut bob, &["h8", "a1"]);
    daemon.kill();
    daemon.restart();
    alice.again(&daemon);
    let heard = alice.hears_up_to("adjourned");
    assert!(heard.iter().all(|event| event["event"] != "over" && event["event"] != "lost"), "{heard:?}");
    bob.again(&daemon);
    bob.ok(&format!("G - resume {id}"));
    alice.ok("D - bob");
    assert_eq!(number(&alice.board(), "ply"), 2);
}
