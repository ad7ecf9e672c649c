//! Words that are more than words: in what is said, in names, in refusals and reasons, in the names of files.

use std::fs;

use serde_json::{Value, json};

use super::server::Server;
use super::{POISON, Words, around_talk, assert_harmless, enter, hears_again, leave, still_hears, words};
use crate::harness::{Terminal, USUAL, is_intact, rows, screen_client, unnamed_client};

/// Each poison in each field that is shown in the talk.
#[test]
fn what_peers_say_stays_in_the_talk() {
    let server = Server::start(words());
    let alice = enter(&server);
    still_hears(&server, &alice, "before");
    alice.wait_until("its panes", |screen| around_talk(screen).is_some());
    let around = around_talk(&alice.screen()).unwrap();
    for poison in POISON {
        server.chat("eve", poison);
        server.chat("eve", &format!("text {poison} and on\nnext {poison}\n\n{poison}"));
        server.chat(&format!("eve{poison}"), "hello");
        server.happens("announcement", json!({ "text": poison }));
        server.happens("withdrawn", json!({ "from": poison, "file_name": poison, "shared_seq": 1 }));
        server.happens("uninvite", json!({ "from": "eve", "game_id": 3, "game": poison, "reason": poison }));
        server.happens(
            "result",
            json!({ "game_id": 3, "game": poison, "first": poison, "second": poison, "result": "first", "reason": poison }),
        );
        server.happens("join", json!({ "from": poison, "inviter": poison, "game_id": 3, "game": poison }));
        server.happens(&format!("unknown{poison}"), json!({ "from": poison, "text": poison }));
        server.plays("over", json!({ "game": poison, "first": poison, "second": poison, "result": poison, "reason": poison }));
        server.plays("adjourned", json!({ "game": poison, "first": poison, "second": poison, "ply": 3 }));
        server.chat("eve", "a word between");
        alice.wait_until("nothing but the talk changed", |screen| {
            is_intact(screen) && around_talk(screen).as_ref() == Some(&around)
        });
    }
    still_hears(&server, &alice, "behind");
    alice.wait_until("nothing but the talk changed", |screen| around_talk(screen).as_ref() == Some(&around));
    leave(alice);
}

#[test]
fn names_files_and_invitations_stay_in_their_panes() {
    let poisoned = |number: usize, poison: &str| format!("{number}{poison}");
    let numbered = || POISON.iter().enumerate();
    let names: Vec<_> = numbered().map(|(number, poison)| json!(poisoned(number, poison))).collect();
    let file = |number: usize, name: &str| {
        json!({ "item": "file", "room": "lobby", "seq": number + 1, "at": "2026-11-20T12:00:00.000Z", "from": name,
        "file_name": name, "size_bytes": u64::MAX, "sha256": "0".repeat(64) })
    };
    let shelf: Vec<Value> = numbered().map(|(number, poison)| file(number, &poisoned(number, poison))).collect();
    let invitation = |name: &str| json!({ "item": "invitation", "game_id": 3, "game": name, "from": name, "clock": name });
    let games = numbered().map(|(number, poison)| invitation(&poisoned(number, poison))).collect();
    let me = json!(format!("alice{}", POISON.concat()));
    let server = Server::start(Words { me, names: Value::Array(names), shelf, games, ..words() });
    for size in [USUAL, (200, 60), (40, 12)] {
        let mut alice = Terminal::enter_with(&screen_client(server.address, "alice"), size);
        still_hears(&server, &alice, "before");
        for command in ["/shelf", "/games", "/who", "/accept x", "/ratings", "/watch 3", "/record 3", "/withdraw x"] {
            alice.enter_line(command);
        }
        // Tab offers them, too.
        alice.press("/get \t");
        alice.press("\x15");
        alice.press("/accept \t");
        alice.press("\x15");
        for poison in POISON {
            server.happens("invite", json!({ "from": poison, "game_id": 9, "game": poison, "clock": poison, "seat": poison }));
            server.happens("enter", json!({ "from": poison }));
            server.happens("file", json!({ "from": poison, "file_name": poison, "size_bytes": 1, "sha256": poison }));
            server.happens("leave", json!({ "from": poison }));
        }
        // Answers may push it out of sight.
        hears_again(&server, &alice, "behind");
        leave(alice);
    }
}

#[test]
fn refusals_are_words_and_nothing_else() {
    let no = POISON.concat();
    let closing = vec![json!({ "err": "not-now", "ref": "REF", "text": no }).to_string()];
    let server = Server::start(Words { no, instead: vec![("H", closing.clone()), ("C", closing)], ..words() });
    let mut alice = Terminal::enter_with(&screen_client(server.address, "alice"), (200, 60));
    still_hears(&server, &alice, "before");
    alice.enter_line("never said");
    alice.wait_for("not said");
    for command in ["/invite gomoku", "/accept eve", "/draw", "/get x", "/ratings", "/record 3", "/watch 3"] {
        alice.enter_line(command);
    }
    // Who leaves before it is answered is asked about it.
    alice.wait_for("x is not fetched");
    hears_again(&server, &alice, "behind");
    leave(alice);
}

#[test]
fn refused_logins_are_told_in_words() {
    for code in ["bad-name", "wrong-password", "busy", "bad-password", "\x1b[31mevil\x07", "no-such-user"] {
        let server = Server::start(Words { refuses: Some((code, POISON.concat())), ..words() });
        let exit = Terminal::spawn(&screen_client(server.address, "alice"), USUAL);
        // Whatever is asked is answered with an end of input.
        let mut exit = exit;
        exit.press("\x04\x04\x04\x04");
        let exit = exit.exit();
        assert!(!exit.status.success());
        exit.assert_restored();
        assert_harmless(&exit.bytes);
        assert!(!rows(&exit.screen).join("\n").contains("panicked"));
    }
}

#[test]
fn the_reason_of_a_closing_is_words() {
    for reason in ["kicked", "banned", "\x1b[2J\x1b]0;evil\x07", "full"] {
        let server = Server::start(words());
        let alice = enter(&server);
        still_hears(&server, &alice, "before");
        server.tell(&json!({ "event": "closing", "reason": reason, "text": POISON.concat(), "retry_ms": u64::MAX }));
        alice.wait_until("closed or lost", |screen| {
            is_intact(screen) && rows(screen).iter().any(|row| row.contains("closed") || row.contains("lost"))
        });
        leave(alice);
    }
}

/// A name is asked for, and the server's words about it are shown before the screen is there.
#[test]
fn words_at_the_prompts_are_cleaned() {
    let server = Server::start(Words { refuses: Some(("wrong-password", POISON.concat())), ..words() });
    let mut command = unnamed_client();
    command.arg(server.address.to_string());
    let mut alice = Terminal::spawn(&command, USUAL);
    alice.wait_for("name:");
    alice.enter_line("alice");
    for refused in 0..5 {
        alice.wait_until("a prompt", |screen| rows(screen).iter().filter(|row| row.starts_with("password:")).count() > refused);
        alice.enter_unseen("not this one");
    }
    let exit = alice.exit();
    assert!(!exit.status.success());
    assert_harmless(&exit.bytes);
}

#[test]
fn no_file_is_written_where_nobody_asked_for_it() {
    let found = json!({ "ok": "L", "ref": "REF", "ticket": "0123456789abcdef0123456789abcdef", "size_bytes": 0,
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" });
    let server = Server::start(Words { instead: vec![("L", vec![found.to_string()])], ..words() });
    let parent = tempfile::tempdir().unwrap();
    let here = parent.path().join("here");
    fs::create_dir(&here).unwrap();
    let mut command = screen_client(server.address, "alice");
    command.current_dir(&here);
    let mut alice = Terminal::enter_with(&command, (200, 60));
    let absolute = parent.path().join("absolute.txt");
    let names = ["../outside.txt", ".hidden", "..", "sub/../../outside.txt", "a\\..\\b.txt", absolute.to_str().unwrap()];
    for name in names {
        server.happens("file", json!({ "from": "eve", "file_name": name, "size_bytes": 0, "sha256": "0".repeat(64) }));
    }
    still_hears(&server, &alice, "before");
    for name in names {
        alice.enter_line(&format!("/get {name}"));
        alice.wait_for(&format!("{name} is not fetched"));
    }
    let left: Vec<_> = fs::read_dir(parent.path())
        .unwrap()
        .chain(fs::read_dir(&here).unwrap())
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["here"]);
    leave(alice);
}
