//! The way in: name, password, and whether a new name is to be registered.

use std::net::TcpListener;

use crate::harness::{Client, Daemon, PASSWORD, Terminal, USUAL, key, rows, screen_client, unnamed_client};

/// The client with nothing but an address.
fn asked(daemon: &Daemon) -> Terminal {
    let mut command = unnamed_client();
    command.arg(daemon.address.to_string());
    Terminal::spawn(&command, USUAL)
}

/// Somebody new has given a name and a password.
fn asked_whether_to_register(daemon: &Daemon) -> Terminal {
    let mut alice = asked(daemon);
    alice.wait_for("name:");
    alice.enter_line("alice");
    alice.wait_for("password:");
    alice.enter_unseen(PASSWORD);
    alice.wait_for("nobody is called alice yet");
    alice
}

fn account(daemon: &Daemon, name: &str) -> String {
    Client::connect(daemon).ask(&format!("U {name}"))
}

#[test]
fn a_new_name_is_registered_at_the_prompts_and_its_password_is_never_seen() {
    let daemon = Daemon::start();
    let mut alice = asked_whether_to_register(&daemon);
    assert!(account(&daemon, "alice").starts_with("OK new"));
    alice.enter_line("y");
    alice.wait_for("password again:");
    alice.enter_unseen(PASSWORD);
    alice.wait_for("alice @");
    assert!(account(&daemon, "alice").starts_with("OK known"));
    alice.press(key::CTRL_C);
    let exit = alice.exit();
    exit.assert_restored();
    assert!(!String::from_utf8_lossy(&exit.bytes).contains(PASSWORD));
    // And the password is this one.
    Client::enter(&daemon, "alice");
}

#[test]
fn a_password_that_is_typed_differently_the_second_time_registers_nobody() {
    let daemon = Daemon::start();
    let mut alice = asked_whether_to_register(&daemon);
    alice.enter_line("y");
    alice.wait_for("password again:");
    alice.enter_unseen("correct-house");
    alice.wait_for("two different passwords");
    assert!(account(&daemon, "alice").starts_with("OK new"));
}

#[test]
fn who_does_not_want_to_register_is_not_registered() {
    let daemon = Daemon::start();
    let mut alice = asked_whether_to_register(&daemon);
    alice.enter_line("n");
    // A name that was mistyped is asked for once more.
    alice.wait_until("the next name", |screen| rows(screen).iter().filter(|row| row.starts_with("name:")).count() == 2);
    alice.press(key::CTRL_C);
    let exit = alice.exit();
    exit.assert_restored();
    assert!(!exit.status.success());
    assert!(account(&daemon, "alice").starts_with("OK new"));
}

#[test]
fn another_name_is_asked_for_where_one_looks_like_somebody_elses() {
    let daemon = Daemon::start();
    drop(Client::enter(&daemon, "alice"));
    let mut impostor = asked(&daemon);
    impostor.wait_for("name:");
    impostor.enter_line("a1ice");
    impostor.wait_for("password:");
    impostor.enter_unseen(PASSWORD);
    impostor.wait_for("nobody is called a1ice yet");
    impostor.enter_line("y");
    impostor.wait_for("password again:");
    impostor.enter_unseen(PASSWORD);
    impostor.wait_for("that looks like alice");
    impostor.wait_until("the next name", |screen| rows(screen).iter().filter(|row| row.starts_with("name:")).count() == 2);
}

#[test]
fn a_wrong_password_is_asked_for_again() {
    let daemon = Daemon::start();
    drop(Client::enter(&daemon, "alice"));
    let mut alice = asked(&daemon);
    alice.wait_for("name:");
    alice.enter_line("alice");
    alice.wait_for("password:");
    alice.enter_unseen("correct-house");
    alice.wait_for("wrong password");
    alice.enter_unseen(PASSWORD);
    alice.wait_for("alice @");
}

#[test]
fn a_server_that_is_not_there_is_told_in_words() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let exit = Terminal::spawn(&screen_client(nobody, "alice"), USUAL).exit();
    exit.assert_restored();
    let words = crate::harness::rows(&exit.screen).join("\n");
    assert!(exit.status.code() == Some(69) && words.to_lowercase().contains("refused"), "{words}");
    assert!(!words.contains("panicked") && !words.contains("Os {"), "{words}");
}
