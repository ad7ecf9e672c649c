//! What was said before: scrolled back to without end, and told apart from what is new.

use std::collections::BTreeSet;

use serde_json::json;

use super::{settles, talk};
use crate::client_hostile::server::{Server, Words};
use crate::harness::{Client, Daemon, Terminal, USUAL, key, row_with, screen_client};

/// So many lines, said in one go.
fn says(speaker: &mut Client, count: usize) {
    let lines: String = (1..=count).map(|number| format!("C - line {number} of many\n")).collect();
    speaker.send_raw(lines.as_bytes());
    for _ in 0..count {
        assert!(speaker.reply().starts_with("OK"));
    }
}

fn numbers(rows: &[String]) -> impl Iterator<Item = usize> {
    rows.iter().filter_map(|row| row.split_once("line ")?.1.strip_suffix(" of many")?.parse().ok())
}

#[test]
fn page_up_reads_back_to_the_very_first_line_while_new_ones_do_not_move_the_view() {
    const LINES: usize = 1_100;
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    says(&mut bob, LINES);
    let mut alice = Terminal::enter_with(&screen_client(daemon.address, "alice"), (80, 40));
    settles(&alice, &format!("line {LINES} of many"));
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut said = 0;
    loop {
        let page = talk(&alice.screen());
        seen.extend(numbers(&page));
        if page.iter().any(|row| row.contains("line 1 of many")) {
            break;
        }
        alice.press(key::PAGE_UP);
        alice
            .wait_until("an older page", |screen| talk(screen) != page && talk(screen).iter().any(|row| row.contains("line ")));
        if seen.len() / 300 > said {
            // In the middle of reading.
            said += 1;
            alice.wait_for("Esc returns");
            let page = talk(&alice.screen());
            bob.ask(&format!("C - news {said}"));
            alice.wait_for(&format!("{said} new below"));
            assert_eq!(talk(&alice.screen()), page);
        }
    }
    assert_eq!(seen, (1..=LINES).collect(), "lines were left out");
    assert!(said >= 3);
    alice.press(key::ESCAPE);
    alice.wait_for("news 1");
    alice.wait_for(&format!("news {said}"));
    alice.wait_for_no("new below");
    // What one says oneself is seen at once, wherever one was reading.
    alice.press(key::PAGE_UP);
    alice.wait_for("Esc returns");
    alice.enter_line("back again");
    alice.wait_for("alice: back again");
}

#[test]
fn page_down_comes_back_to_the_newest() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    says(&mut bob, 200);
    let mut alice = Terminal::enter(daemon.address, "alice");
    settles(&alice, "line 200 of many");
    for _ in 0..5 {
        alice.press(key::PAGE_UP);
    }
    alice.wait_for_no("line 200 of many");
    for _ in 0..6 {
        alice.press(key::PAGE_DOWN);
    }
    alice.wait_for("line 200 of many");
    alice.wait_for_no("Esc returns");
}

#[test]
fn what_was_said_while_one_was_away_stands_below_a_line() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    let mut alice = Terminal::enter(daemon.address, "alice");
    bob.ask("C - heard by her");
    alice.wait_for("heard by her");
    assert!(row_with(&alice.screen(), "new since").is_none());
    alice.enter_line("/quit");
    assert!(alice.exit().status.success());
    bob.skip_to("[alice] left the room");
    bob.ask("C - missed by her");
    let alice = Terminal::enter(daemon.address, "alice");
    alice.wait_until("the line, between the two", |screen| {
        let at = |text: &str| row_with(screen, text);
        match (at("heard by her"), at("new since you left"), at("missed by her")) {
            (Some(heard), Some(line), Some(missed)) => heard < line && line + 1 == missed,
            _ => false,
        }
    });
}

#[test]
fn each_day_has_a_line_above_it() {
    let said = |seq: u64, at: &str| json!({ "item": "chat", "room": "lobby", "seq": seq, "at": at, "from": "eve", "text": format!("said {seq}") });
    let history =
        vec![said(1, "2026-03-01T23:59:59.999Z"), said(2, "2026-03-02T00:00:00.000Z"), said(3, "2026-03-02T23:00:00.000Z")];
    let server = Server::start(Words { history, ..Words::default() });
    let alice = Terminal::enter(server.address, "alice");
    server.happens("chat", json!({ "from": "eve", "text": "said live", "at": "2026-12-24T18:30:00.000Z" }));
    let expected = [
        "Sunday 1 March 2026",
        "23:59 eve: said 1",
        "Monday 2 March 2026",
        "00:00 eve: said 2",
        "23:00 eve: said 3",
        "Thursday 24 December 2026",
        "18:30 eve: said live",
    ];
    alice.wait_until("days and what was said on them, in order", |screen| {
        let places: Vec<_> = expected.iter().map(|text| row_with(screen, text)).collect();
        places.is_sorted() && places[0].is_some()
    });
    // And in the zone of who reads.
    let mut command = screen_client(server.address, "alice");
    command.env("TZ", "Asia/Shanghai");
    let far = Terminal::enter_with(&command, USUAL);
    far.wait_for("Monday 2 March 2026");
    far.wait_for("07:59 eve: said 1");
}
