//! The way out: whatever ends the program, the terminal is as it was.

use std::fs;
use std::process::Command;

use super::settles;
use crate::harness::{Client, Daemon, Terminal, USUAL, assert_restored, eventually, is_intact, key, rows, screen_client};

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let daemon = Daemon::start();
    for (index, way) in ["/quit", "ctrl-c", "ctrl-d", "TERM", "HUP", "INT"].into_iter().enumerate() {
        let mut guest = Terminal::enter(daemon.address, &format!("guest{index}"));
        settles(&guest, "here");
        match way {
            "/quit" => guest.enter_line("/quit"),
            "ctrl-c" => guest.press(key::CTRL_C),
            "ctrl-d" => guest.press("\x04"),
            signal => guest.signal(signal),
        }
        let exit = guest.exit();
        exit.assert_restored();
        assert!(way.len() == 4 || exit.status.success(), "{way}: {}", exit.status);
        let left = rows(&exit.screen).join("\n");
        assert!(!left.contains("panicked") && !left.contains("here"), "{way}: {left}");
    }
}

#[test]
fn it_is_given_back_in_the_middle_of_a_game_too() {
    let daemon = Daemon::start();
    let mut alice = Terminal::enter(daemon.address, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.enter_line("/invite gomoku");
    bob.skip_to("[alice] invites");
    bob.ask("D - alice");
    alice.wait_until("the mouse", |screen| screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None);
    alice.signal("TERM");
    alice.exit().assert_restored();
}

#[test]
fn a_line_that_was_begun_is_dropped_by_ctrl_c_before_the_room_is_left() {
    let daemon = Daemon::start();
    let mut alice = Terminal::enter(daemon.address, "alice");
    alice.press("a draft");
    alice.wait_for("> a draft");
    alice.press(key::CTRL_C);
    alice.wait_for_no("a draft");
    // One press too many does not leave; another key between means it.
    alice.press(key::CTRL_C);
    alice.press(key::ESCAPE);
    alice.wait_for("> say something, or /help");
    alice.press(key::CTRL_C);
    assert!(alice.exit().status.success());
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    // A terminal within a terminal, whose program is killed.
    let mut command = screen_client(daemon.address, "alice");
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(|word| word.to_str().unwrap()).collect();
    let words = words.join(" ");
    command = like(&command, "script", &["-q", "-c", &format!("exec {words}"), "/dev/null"]);
    let alice = Terminal::enter_with(&command, USUAL);
    bob.skip_to("[alice] entered");
    let pid = child_of(alice.pid());
    alice.signal("KILL");
    bob.skip_to("[alice] left the room");
    eventually("it has ended", || !fs::exists(format!("/proc/{pid}/stat")).unwrap() || state_of(pid) == 'Z');
}

/// Another program in the environment of a command.
fn like(command: &Command, program: &str, arguments: &[&str]) -> Command {
    let mut other = Command::new(program);
    other.args(arguments);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

/// The state of a process, as the kernel tells it.
fn state_of(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
}

/// The child of a process.
fn child_of(pid: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn ctrl_z_stops_it_as_a_shell_expects_and_fg_brings_the_screen_back() {
    let daemon = Daemon::start();
    let plain = screen_client(daemon.address, "alice");
    // A shell with jobs, as people have: a program that no shell looks after is not stopped by the kernel.
    let script = "\"$@\"; echo it is stopped; read go_on; fg";
    let words: Vec<_> =
        std::iter::once(plain.get_program()).chain(plain.get_args()).map(|word| word.to_str().unwrap()).collect();
    let command = like(&plain, "sh", &[&["-m", "-c", script, "sh"], &*words].concat());
    let mut alice = Terminal::enter_with(&command, USUAL);
    settles(&alice, "alice @");
    let pid = child_of(alice.pid());
    alice.press(key::CTRL_Z);
    alice.wait_for("it is stopped");
    assert_eq!(state_of(pid), 'T');
    assert_restored(&alice.screen());
    assert!(alice.is_line_restored(), "the line's settings are not those of before");
    let mut bob = Client::enter(&daemon, "bob");
    bob.ask("C - while she is away");
    alice.press("\r");
    alice.wait_until("the screen", |screen| screen.alternate_screen() && screen.bracketed_paste() && is_intact(screen));
    settles(&alice, "bob: while she is away");
    alice.enter_line("back");
    bob.skip_to("[alice]: back");
    alice
        .wait_until("that it is on disk", |screen| rows(screen).iter().any(|row| row.contains(": back") && !row.contains('…')));
    alice.enter_line("/quit");
    alice.exit().assert_restored();
}

#[test]
fn no_color_is_honoured() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    let mut command = screen_client(daemon.address, "alice");
    command.env("NO_COLOR", "1");
    let mut alice = Terminal::enter_with(&command, USUAL);
    bob.ask("C - hello alice");
    bob.share(&daemon, "a.txt", b"a");
    alice.enter_line("/invite gomoku");
    bob.skip_to("[alice] invites");
    bob.ask("D - alice");
    alice.wait_for("your move");
    alice.enter_line("/nonsense");
    settles(&alice, "nonsense");
    let screen = alice.screen();
    for row in 0..USUAL.1 {
        for column in 0..USUAL.0 {
            let cell = screen.cell(row, column).unwrap();
            assert!(cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default, "{column} {row}");
        }
    }
}
