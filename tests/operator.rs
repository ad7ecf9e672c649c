//! The operator's orders about accounts: kick, grant, revoke, set-password; what is refused and why; and the audit,
//! in which each of them stands.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{
    Client, Daemon, PASSWORD, Terminal, USUAL, assert_done, assert_refused, begin_upload, eventually, key, parlord,
};
use crate::tokens::{log_in_by, script_of, token_of};
use crate::transcripts::{blocks, is_like};

/// What `--audit` prints, without numbers and times.
fn audit(daemon: &Daemon) -> Vec<String> {
    let lines = daemon.ordered(&["--audit", "100"]);
    lines.lines().map(|line| line.split_once("): ").unwrap_or_else(|| panic!("{line}")).1.to_owned()).collect()
}

#[test]
fn a_kick_ends_every_connection_of_an_account_which_may_come_back() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "Alice");
    let mut bob = Client::enter(&daemon, "bob");
    let (mut silent, _) = script_of(&daemon, "alice", r#""enter":false"#);
    let (mut listener, _) = script_of(&daemon, "alice", r#""enter":false,"listen":true"#);
    let offer = alice.offer("a.txt");
    let mut transfer = begin_upload(&daemon, &offer, b"hello", 2);
    eventually("the transfer has begun", || daemon.status()["transfers"] == 1);
    assert_done(&daemon.order(&["--kick", "aLICE"]), "kicked Alice: 4 connections ended");
    assert_eq!(alice.skip_to("Closing"), "Closing (kicked): the operator ended your session; you may log in again");
    assert!(transfer.last_line().starts_with("Closing (kicked): "));
    for program in [&mut silent, &mut listener] {
        let line = program.rest().pop().unwrap();
        assert!(line.starts_with(r#"{"event":"closing","reason":"kicked""#), "{line}");
    }
    assert_eq!(bob.line(), "[Alice] left the room");
    assert!(assert_refused(&daemon.order(&["--kick", "alice"])).contains("alice is not here"));
    assert!(assert_refused(&daemon.order(&["--kick", "nobody"])).contains("nobody is called nobody"));
    let _alice = Client::enter(&daemon, "Alice");
    assert_eq!(bob.line(), "[Alice] entered the room");
    bob.only_reply("K");
}

#[test]
fn a_level_is_had_at_once_and_over_a_restart() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    for name in ["one", "two", "three"] {
        bob.share(&daemon, name, b"hello");
    }
    assert!(alice.ask("X - one").starts_with("ERR not-yours "));
    assert_done(&daemon.order(&["--grant", "alice"]), "alice is an administrator now");
    assert!(alice.ask("X - one").starts_with("OK"));
    alice.ask("C - as an administrator");
    let level: i64 =
        daemon.database().query_row("SELECT level FROM chat_history ORDER BY seq DESC LIMIT 1", [], |row| row.get(0)).unwrap();
    assert_eq!(level, 1, "what is said is said with it");
    assert!(assert_refused(&daemon.order(&["--grant", "alice"])).contains("alice is an administrator already"));
    daemon.kill();
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    assert!(alice.ask("X - two").starts_with("OK"));
    assert_done(&daemon.order(&["--revoke", "alice"]), "alice is no administrator any more");
    assert!(alice.ask("X - three").starts_with("ERR not-yours "));
    assert!(assert_refused(&daemon.order(&["--revoke", "alice"])).contains("alice is no administrator"));
    for order in ["--grant", "--revoke"] {
        assert!(assert_refused(&daemon.order(&[order, "nobody"])).contains("nobody is called nobody"));
    }
}

#[test]
fn a_new_password_ends_sessions_tokens_and_tickets_and_survives_a_kill() {
    let mut daemon = Daemon::start();
    let token = token_of(&daemon, "alice");
    let mut alice = Client::enter(&daemon, "alice");
    let (mut silent, _) = script_of(&daemon, "alice", r#""enter":false"#);
    let offer = alice.offer("a.txt");
    assert_done(
        &daemon.set_password("alice", "a new password\n"),
        "alice has a new password, and its tokens are void: 2 connections ended",
    );
    assert_eq!(alice.line(), "Closing (password-changed): your account has a new password; log in with that");
    assert!(silent.line().contains(r#""reason":"password-changed""#));
    daemon.kill();
    daemon.restart();
    assert!(log_in_by(&daemon, &token).starts_with("ERR bad-token "));
    let mut alice = Client::connect(&daemon);
    alice.ask("U alice");
    assert!(alice.ask(&format!("P alice {PASSWORD}")).starts_with("ERR wrong-password "));
    assert!(alice.ask("P alice a new password").starts_with("OK alice "));
    let offer_again = alice.offer("b.txt");
    assert_done(
        &daemon.set_password("alice", "another-one\r\nnot this"),
        "alice has a new password, and its tokens are void: 1 connection ended",
    );
    for offer in [offer, offer_again] {
        let reply = Client::transfer(&daemon, offer.line(b"hello")).last_line();
        assert!(reply.starts_with("ERR bad-ticket "), "{reply}");
    }
    // Whatever was said to be done is on disk.
    assert!(daemon.set_password("alice", "the-last-one").status.success());
    daemon.kill();
    daemon.restart();
    let mut alice = Client::connect(&daemon);
    alice.ask("U alice");
    assert!(alice.ask("P alice the-last-one").starts_with("OK alice "));
}

#[test]
fn a_password_that_cannot_be_is_refused_before_anything_is_changed() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for input in ["", "\n", "short\n", &"x".repeat(72), "tab\u{1b}[31m colour\n"] {
        let why = assert_refused(&daemon.set_password("alice", input));
        assert!(why.contains("nothing was changed"), "{why}");
    }
    assert!(assert_refused(&daemon.set_password("nobody", "a new password\n")).contains("nobody is called nobody"));
    alice.only_reply("K");
    assert!(Client::connect(&daemon).log_in("alice").starts_with("OK alice "));
}

#[test]
fn each_order_leaves_a_row_refused_ones_and_announcements_too_and_none_holds_a_password() {
    let mut daemon = Daemon::start();
    let _alice = Client::enter(&daemon, "alice");
    assert_eq!(daemon.ordered(&["--audit"]), "nothing has been ordered");
    daemon.ordered(&["--announce", "closing at ten"]);
    assert_refused(&daemon.order(&["--announce", "bad\u{1b}[31m"]));
    daemon.ordered(&["--grant", "alice"]);
    assert_refused(&daemon.order(&["--grant", "alice"]));
    daemon.ordered(&["--ban", "192.0.2.1", "--for", "2h", "--why", "noise"]);
    daemon.ordered(&["--unban", "192.0.2.1"]);
    assert!(daemon.set_password("alice", "the-secret-one\n").status.success());
    assert_refused(&daemon.order(&["--kick", "bob\u{202e}"]));
    // What only looks leaves none.
    daemon.ordered(&["--bans"]);
    daemon.ordered(&["--status"]);
    daemon.kill();
    daemon.restart();
    let want = [
        "kick bob\\u{202e} - refused: nobody is called bob\\u{202e}",
        "set-password alice",
        "unban 192.0.2.1",
        "ban 192.0.2.1 for 7200 s: noise",
        "grant alice - refused: alice is an administrator already",
        "grant alice",
        "announce bad\\u{1b}[31m - refused: an announcement may not hold control characters",
        "announce closing at ten",
    ];
    assert_eq!(audit(&daemon), want);
    let newest = daemon.ordered(&["--audit", "1"]);
    assert!(newest.starts_with("#8 20") && newest.lines().count() == 1 && newest.contains(" (uid "), "{newest}");
    daemon.kill();
    assert_eq!(crate::login::files_with(&daemon.data(), b"the-secret-one"), [""; 0]);
    assert!(!daemon.log().contains("the-secret-one"));
}

#[test]
fn orders_go_one_at_a_time_and_their_flags_belong_to_them() {
    let directory = tempfile::tempdir().unwrap();
    for flags in [
        &["--kick", "a", "--bans"][..],
        &["--announce", "a", "--status"],
        &["--ban", "a", "--unban", "a"],
        &["--for", "2h"],
        &["--why", "noise"],
        &["--unban", "a", "--for", "2h"],
        &["--kick", "a", "--why", "noise"],
        &["--json"],
        &["--bans", "--json"],
        &["--ban", "a", "--for", "2"],
        &["--ban", "a", "--for", "0h"],
        &["--ban"],
        &["--audit", "0"],
        &["--audit", "x"],
    ] {
        let output = parlord(directory.path()).args(flags).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {output:?}");
    }
    // Without a daemon each says so.
    for flags in [&["--status"][..], &["--bans"], &["--audit"], &["--kick", "a"], &["--ban", "a"], &["--grant", "a"]] {
        let words = assert_refused(&parlord(directory.path()).args(flags).output().unwrap());
        assert!(words.contains("no parlord is running"), "{words}");
    }
}

#[test]
fn while_the_disk_is_full_or_locked_a_kick_works_and_what_must_be_stored_is_refused() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "3"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.skip_to("[bob] entered");
    let database = daemon.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    bob.send("C - this has to wait");
    eventually("the store fails", || daemon.status()["store_failing"] == Value::Bool(true));
    let status = daemon.status();
    assert!(status["queue_records"].as_u64() >= Some(1) && status["durable_lag_ms"].as_u64() > Some(1000), "{status}");
    assert!(status["store_failures"].as_u64() >= Some(1), "{status}");
    let words = assert_refused(&daemon.order(&["--ban", "alice"]));
    assert!(words.contains("cannot store anything at the moment; nothing was changed"), "{words}");
    assert_eq!(alice.ask("K"), "OK");
    let words = assert_refused(&daemon.order(&["--kick", "alice"]));
    assert!(words.contains("kicked alice: 1 connection ended; but the record of it is not stored"), "{words}");
    assert!(alice.skip_to("Closing").starts_with("Closing (kicked)"));
    database.execute_batch("ROLLBACK").unwrap();
    eventually("the store works", || daemon.status()["store_failing"] == Value::Bool(false));
    // That row came, late.
    eventually("the kick stands in the audit", || audit(&daemon) == ["kick alice"]);
}

#[test]
fn an_order_that_is_stored_late_takes_effect_then() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let database = daemon.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Not failing yet: the writer waits for the lock.
    let words = assert_refused(&daemon.order(&["--ban", "alice"]));
    assert!(words.contains("not stored yet; it takes effect when it is"), "{words}");
    alice.only_reply("K");
    std::thread::sleep(Duration::from_millis(10));
    database.execute_batch("ROLLBACK").unwrap();
    assert!(alice.line().starts_with("Closing (banned)"));
}

#[test]
fn at_a_terminal_a_password_is_typed_twice_and_not_shown() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let begin = || {
        let mut command = parlord(&daemon.data());
        command.args(["--set-password", "alice"]);
        let terminal = Terminal::spawn(&command, USUAL);
        terminal.wait_for("new password for alice:");
        terminal
    };
    let mut given_up = begin();
    given_up.press(key::CTRL_C);
    let exit = given_up.exit();
    assert!(exit.is_line_restored && exit.status.code() == Some(1) && exit.screen.contents().contains("nothing was changed"));
    let mut mistyped = begin();
    mistyped.press("a-new-one\r");
    mistyped.wait_for("the same again:");
    mistyped.press("a-new-onw\r");
    let exit = mistyped.exit();
    assert!(exit.is_line_restored && exit.status.code() == Some(1) && exit.screen.contents().contains("not the same"));
    alice.only_reply("K");
    let mut typed = begin();
    typed.press("a-new-onw\u{7f}e\r");
    typed.wait_for("the same again:");
    typed.press("a-new-one\r");
    let exit = typed.exit();
    assert!(exit.is_line_restored && exit.status.success(), "{}", exit.screen.contents());
    assert!(!exit.screen.contents().contains("a-new"), "{}", exit.screen.contents());
    alice.expect("Closing (password-changed)");
    let mut alice = Client::connect(&daemon);
    alice.ask("U alice");
    assert!(alice.ask("P alice a-new-one").starts_with("OK alice "));
}

#[test]
fn the_orders_are_as_the_readme_shows() {
    let daemon = Daemon::start();
    token_of(&daemon, "bob");
    let _connected = [Client::enter(&daemon, "mallory"), Client::enter(&daemon, "alice")];
    let _silent = script_of(&daemon, "alice", r#""enter":false"#);
    let all = blocks(include_str!("../README.md"), "console");
    let block = all.into_iter().find(|block| block.starts_with("$ parlord")).expect("a block of orders");
    for step in block.split("$ parlord ").skip(1) {
        let (order, want) = step.split_once('\n').unwrap();
        // The shell's quotes.
        let flags: Vec<&str> = order
            .split('"')
            .enumerate()
            .flat_map(|(number, words)| match number % 2 {
                0 => words.split_whitespace().collect(),
                _ => vec![words],
            })
            .collect();
        if let ["--set-password", name] = *flags {
            assert_done(&daemon.set_password(name, "another-one\n"), want.trim_end());
            continue;
        }
        if flags == ["--status"] {
            eventually("all of them are gone", || daemon.status()["connections"] == 0);
        }
        let output = daemon.order(&flags);
        let came = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let is_same = came.lines().count() == want.lines().count()
            && came.lines().zip(want.lines()).all(|(line, pattern)| is_like(line, pattern));
        assert!(is_same, "in README.md after {order}:\n{want}\nbut this came:\n{came}");
    }
}
