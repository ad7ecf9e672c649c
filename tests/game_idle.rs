//! The promise about a game without a clock: who does not move for long is warned, once, to both, and may
//! then be claimed against until the move.

use serde_json::Value;

use crate::harness::Daemon;
use crate::harness::player::{Player, seat};

const FLAGS: [&str; 2] = ["--idle-move-timeout-s", "1"];

fn two(daemon: &Daemon) -> [Player; 2] {
    ["alice", "bob"].map(|name| Player::enter(daemon, name))
}

#[test]
fn a_move_cancels_the_warning_and_then_the_other_is_waited_for() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    bob.hears("idle");
    alice.plays("h8");
    bob.refused("M claim", "not-now");
    alice.refused("M claim", "not-now");
    let warned = [alice.hears("idle"), alice.hears("idle")];
    assert!(warned[0]["from"] == "alice" && warned[1]["from"] == "bob", "{warned:?}");
    bob.refused("M claim", "not-now");
    alice.ok("M claim");
    let over = bob.hears("over");
    assert_eq!((&over["result"], &over["reason"]), (&"first".into(), &"idle".into()), "{over}");
}

#[test]
fn the_warning_comes_once_however_long_one_goes_on_not_moving() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = two(&daemon);
    let [mut carol, mut dave] = ["carol", "dave"].map(|name| Player::enter(&daemon, name));
    seat(&mut alice, &mut bob, "gomoku");
    bob.hears("idle");
    // Another game is begun, played and warned of after this warning: as long once more.
    seat(&mut carol, &mut dave, "gomoku");
    dave.hears("idle");
    bob.ok("M claim");
    let heard: Vec<Value> = bob.hears_up_to("over");
    assert!(heard.iter().all(|event| event["event"] != "idle"), "{heard:?}");
    let heard = alice.hears_up_to("over");
    assert_eq!(heard.iter().filter(|event| event["event"] == "idle").count(), 1, "{heard:?}");
}

#[test]
fn a_claim_and_a_move_at_once_are_one_or_the_other() {
    let daemon = Daemon::start_with(&FLAGS);
    let [mut alice, mut bob] = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    bob.hears("idle");
    bob.client.send("M claim");
    alice.client.send("M h8");
    let (moved, claimed) = (alice.reply(), bob.reply());
    if claimed["ok"] == "M" {
        assert_eq!(moved["err"], "no-game", "{moved}");
        assert_eq!(alice.hears("over")["reason"], "idle");
    } else {
        assert_eq!((&claimed["err"], &moved["ok"]), (&"not-now".into(), &"M".into()), "{claimed}, {moved}");
        assert_eq!(bob.board()["ply"], 1);
    }
}
