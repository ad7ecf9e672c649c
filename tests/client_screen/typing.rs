//! The input line: editing, completion, pastes.

use super::two;
use crate::harness::{Client, Daemon, Terminal, key, row, row_with, screen_client, size_of};

#[track_caller]
fn wait_for_input(terminal: &Terminal, text: &str) {
    terminal.wait_until(&format!("the input {text:?}"), |screen| {
        let (rows, _) = size_of(screen);
        row(screen, rows - 1) == format!("> {text}").trim_end()
    });
}

#[test]
fn the_line_is_edited_as_readline_does_and_remembered() {
    let daemon = Daemon::start();
    let (mut alice, bob) = two(&daemon);
    alice.press("world of mine");
    alice.press(key::CTRL_W);
    wait_for_input(&alice, "world of");
    alice.press(&format!("{}hello {}{}", key::CTRL_A, key::RIGHT, key::RIGHT));
    wait_for_input(&alice, "hello world of");
    alice.press("\x1b[F");
    alice.press(&format!("\x7f\x7f\x7f{}", key::ENTER));
    bob.wait_for("alice: hello world");
    alice.press("a draft");
    wait_for_input(&alice, "a draft");
    alice.press(key::UP);
    wait_for_input(&alice, "hello world");
    alice.press(key::DOWN);
    wait_for_input(&alice, "a draft");
    alice.press(key::CTRL_U);
    alice.press(&format!("你好🎉吗{}{}\x7f", key::LEFT, ""));
    wait_for_input(&alice, "你好吗");
    alice.press(key::ENTER);
    bob.wait_for("alice: 你好吗");
}

#[test]
fn tab_completes_commands_names_files_and_paths() {
    let daemon = Daemon::start();
    let mut anna = Client::enter(&daemon, "annabel");
    anna.share(&daemon, "quarterly report.pdf", b"numbers");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("holiday.jpg"), "a picture").unwrap();
    let mut command = screen_client(daemon.address, "alice");
    command.current_dir(folder.path());
    let mut alice = Terminal::enter_with(&command, (80, 24));
    alice.wait_for("quarterly report.pdf");
    alice.press("/acc\t");
    // Behind a completed command one goes on typing.
    alice.press("x");
    wait_for_input(&alice, "/accept x");
    alice.press(key::CTRL_U);
    alice.press("ann\t");
    alice.press("tea?");
    wait_for_input(&alice, "annabel: tea?");
    alice.press(key::CTRL_U);
    alice.press("/get quart\t");
    wait_for_input(&alice, "/get quarterly report.pdf");
    alice.press(key::CTRL_U);
    alice.press("/file hol\t");
    wait_for_input(&alice, "/file holiday.jpg");
    alice.press(key::CTRL_U);
    // Several are shown.
    alice.press("/re\t");
    alice.wait_for("/resign");
    alice.wait_for("/rematch");
    alice.press(key::CTRL_U);
    alice.wait_for_no("/rematch");
}

#[test]
fn several_pasted_lines_are_asked_about_and_sent_as_one_message() {
    let daemon = Daemon::start();
    let (mut alice, bob) = two(&daemon);
    let mut program = Client::program(&daemon, "program");
    alice.wait_for("3 here");
    alice.paste("first line\nsecond line\r\nthird line\n");
    alice.wait_for("3 lines");
    assert!(row_with(&bob.screen(), "second line").is_none());
    alice.press("n");
    alice.wait_for_no("3 lines");
    // It can be edited, as one line.
    wait_for_input(&alice, "first line second line third line");
    alice.press(key::CTRL_C);
    wait_for_input(&alice, "say something, or /help");
    alice.paste("uno\ndos\ntres");
    alice.wait_for("3 lines");
    alice.press("y");
    bob.wait_for("alice: uno");
    bob.wait_for("dos");
    bob.wait_for("tres");
    // The first thing that the room hears is all of the second paste.
    assert_eq!(program.event("chat")["text"], "uno\ndos\ntres");
}

#[test]
fn one_pasted_line_stands_in_the_input_and_is_not_sent() {
    let daemon = Daemon::start();
    let (mut alice, bob) = two(&daemon);
    alice.press("see ");
    alice.paste("https://example.org/a?b=c\n");
    wait_for_input(&alice, "see https://example.org/a?b=c");
    alice.press(" now");
    alice.press(key::ENTER);
    bob.wait_for("alice: see https://example.org/a?b=c now");
}

#[test]
fn a_line_that_is_too_long_is_kept_to_be_shortened() {
    let daemon = Daemon::start();
    let (mut alice, bob) = two(&daemon);
    alice.paste(&"x".repeat(4_097));
    alice.press(key::ENTER);
    alice.wait_for("too long");
    alice.press("\x7f");
    alice.press(key::ENTER);
    bob.wait_for("xxxxxxxxxx");
}
