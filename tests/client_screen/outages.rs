//! The daemon killed and back, and a second login: what was typed arrives once, and who was replaced stays away.

use super::{on, point, seat, settles};
use crate::harness::{Client, Daemon, Relay, Terminal, key, row_with, rows};

#[test]
fn kill_9_and_return_loses_nothing_and_doubles_nothing() {
    let mut daemon = Daemon::start();
    let relay = Relay::start(daemon.address);
    let mut alice = Terminal::enter(relay.address, "alice");
    let mut bob = Terminal::enter(relay.address, "bob");
    alice.wait_for("2 here");
    alice.enter_line("before");
    bob.wait_for("alice: before");
    daemon.kill();
    alice.wait_for("connection lost");
    bob.wait_for("connection lost");
    alice.enter_line("said into the dark");
    alice.wait_for("said into the dark");
    alice.enter_line("and some more");
    alice.press("a draft");
    alice.wait_for("> a draft");
    daemon.restart();
    relay.lead_to(daemon.address);
    bob.wait_for("alice: and some more");
    bob.wait_for("alice: said into the dark");
    alice.wait_for_no("trying again");
    alice.press("\r");
    bob.wait_for("alice: a draft");
    bob.enter_line("welcome back");
    settles(&alice, "bob: welcome back");
    for terminal in [&alice, &bob] {
        let texts =
            ["alice: before", "alice: said into the dark", "alice: and some more", "alice: a draft", "bob: welcome back"];
        terminal.wait_until("each once", |screen| {
            let count = |text: &str| rows(screen).iter().filter(|row| row.contains(text)).count();
            texts.iter().all(|text| count(text) == 1)
        });
        terminal.wait_for("2 here");
    }
    // In the order in which it was typed.
    let screen = bob.screen();
    assert!(row_with(&screen, "said into the dark") < row_with(&screen, "and some more"));
}

#[test]
fn a_game_goes_on_behind_kill_9() {
    let mut daemon = Daemon::start();
    let relay = Relay::start(daemon.address);
    let mut alice = Terminal::enter(relay.address, "alice");
    let mut bob = Terminal::enter(relay.address, "bob");
    alice.wait_for("2 here");
    seat(&mut alice, &mut bob, "gomoku");
    point(&mut alice, "h8");
    bob.wait_for("your move");
    // The move was heard; once something behind it is answered, it is on disk as well.
    Client::enter(&daemon, "carol").ask("C - heard");
    daemon.kill();
    bob.wait_for("connection lost");
    daemon.restart();
    relay.lead_to(daemon.address);
    bob.wait_for_no("connection lost");
    alice.wait_for_no("connection lost");
    bob.wait_until("the board goes on", |screen| {
        on(screen, "h8").as_deref() == Some("x") && row_with(screen, "your move").is_some()
    });
    bob.enter_line("/move i9");
    alice.wait_until("the next stone", |screen| on(screen, "i9").as_deref() == Some("o"));
}

#[test]
fn who_is_replaced_is_told_so_and_does_not_come_back() {
    let daemon = Daemon::start();
    let mut alice = Terminal::enter(daemon.address, "alice");
    let mut second = Client::enter(&daemon, "alice");
    alice.wait_for("logged in somewhere else");
    alice.wait_for("replaced");
    alice.enter_line("is anybody there");
    alice.wait_for("nobody hears you");
    // The second connection is not pushed out, and still the only one.
    assert!(second.ask("W").starts_with("OK 1 "));
    assert!(second.ask("K").starts_with("OK"));
    // It comes back when it is asked to, and then the other one is told.
    alice.press(key::CTRL_C);
    alice.enter_line("/reconnect");
    second.skip_to("Closing (replaced)");
    alice.enter_line("here again");
    alice.wait_for("alice: here again");
    alice.enter_line("/quit");
    alice.exit().assert_restored();
}
