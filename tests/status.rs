//! `--status`: what it counts, that the document and the output agree, that the page fits a terminal.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::harness::{Client, Daemon, begin_upload, eventually, seat};
use crate::tokens::{script_of, token_of};

const README: &str = include_str!("../README.md");

#[test]
fn it_counts_who_is_here_and_what_was_refused_and_closed() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let (_silent, _) = script_of(&daemon, "alice", r#""enter":false"#);
    let (_listener, _) = script_of(&daemon, "alice", r#""enter":false,"listen":true"#);
    let mut stranger = Client::connect(&daemon);
    stranger.ask("W");
    stranger.ask("W");
    stranger.ask("I 0123");
    let offer = alice.offer("a.txt");
    let _transfer = begin_upload(&daemon, &offer, b"hello", 2);
    alice.offer("b.txt");
    seat(&mut alice, &mut bob, "G - gomoku");
    let before = daemon.status();
    for number in 0..5 {
        alice.ask(&format!("C - {number}"));
    }
    bob.skip_to("[alice]: 4");
    daemon.ordered(&["--kick", "bob"]);
    bob.rest();
    eventually("the transfer has begun, bob is gone", || {
        let status = daemon.status();
        status["transfers"] == 1 && status["members"] == 1 && status["leaving"] == 0
    });
    let status = daemon.status();
    for (field, want) in [
        ("connections", 5),
        ("members", 1),
        ("silent", 1),
        ("listeners", 1),
        ("strangers", 1),
        ("transfers", 1),
        ("tickets", 1),
        ("games", 1),
        ("invitations", 0),
        ("adjourned", 0),
        ("queue_slots", 4096),
        ("store_failures", 0),
    ] {
        assert_eq!(status[field], want, "{field}: {status}");
    }
    assert_eq!(status["refusals"], serde_json::json!({"bad-token": 1, "login-first": 2}));
    assert_eq!(status["disconnects"], serde_json::json!({"kicked": 1}));
    let more = |field: &str| status[field].as_u64().unwrap() - before[field].as_u64().unwrap();
    assert_eq!((more("messages"), more("requests")), (5, 5));
    // Alice, bob and the listener; and then two who hear that bob has left.
    assert_eq!(more("deliveries"), 15 + 2);
    assert!(status["accepted"].as_u64() >= Some(6) && status["requests_per_s"].as_f64() > Some(0.0));
    assert!(status["memory_bytes"].as_u64() > Some(1 << 20) && status["disk_free_bytes"].as_u64() > Some(1 << 20));
    assert!(status["database_bytes"].as_u64() > Some(4096) && status["store_failing"] == false);
}

#[test]
fn the_readme_and_the_output_agree_on_its_fields() {
    let daemon = Daemon::start();
    token_of(&daemon, "alice");
    let printed = daemon.ordered(&["--status", "--json"]);
    let status: Map<String, Value> = serde_json::from_str(&printed).unwrap();
    let (_, section) = README.split_once("\n**What `--status --json` tells**").expect("a heading in the README");
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let documented: BTreeSet<&str> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    assert_eq!(documented, status.keys().map(String::as_str).collect());
}

#[test]
fn its_page_fits_a_terminal() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for request in ["P", "U x", "C", "Z", "L - none", "M a1", "X - none", "F - ../x", "D - bob", "B 7", "O 7", "V tlh", "H x"] {
        assert!(alice.ask(request).starts_with("ERR "), "{request}");
    }
    let page = daemon.ordered(&["--status"]);
    assert!(page.starts_with(&format!("parlord {}, up ", env!("CARGO_PKG_VERSION"))), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    for words in ["1 in the room", "works", "no-such-file 2", "closed       nothing"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}
