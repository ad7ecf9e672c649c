//! The commands that `F` and `L` answer with, pasted into a shell as they stand: they move the file, and a
//! file's name is never more than a name.

use std::path::Path;
use std::process::Command;

use crate::harness::{Client, Daemon, is_shared, noise};
use crate::start_stop::run;

const NEEDS: &str = "this test needs sh, sha256sum and an nc";

/// Names that mean something to a shell, or to a program that is given them.
const HOSTILE: &[&str] = &[
    r#"it's $(touch pwned) "q";.pdf"#,
    "`touch pwned`",
    "'; touch pwned; '",
    "'\"$(touch pwned)\"'",
    "a&b|c>d",
    "touch pwned;#",
    "$HOME",
    "${PWD}",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "~",
    "!!",
    "%s%n",
    "-",
    "-rf",
    "--help",
    "with  two  blanks",
    "报告 终稿.pdf",
];

/// The one line of an answer that is to be pasted.
fn command(client: &mut Client, request: &str) -> String {
    let lines = client.lines_of(request);
    let commands: Vec<&String> = lines.iter().filter(|line| line.contains(" | nc ")).collect();
    let [command] = commands[..] else { panic!("{request}: {lines:?}") };
    assert!(lines.last().unwrap().starts_with("OK "), "{request}: {lines:?}");
    command.clone()
}

/// Runs a command where the file is, or shall be; returns what it prints.
fn paste(command: &str, directory: &Path) -> String {
    let (code, out, err) = run(Command::new("sh").args(["-c", command]).current_dir(directory));
    assert_eq!((code, err.as_str()), (0, ""), "{NEEDS}: {command}");
    out
}

fn entries(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_file_of_any_name_goes_up_and_down_and_nothing_else_happens() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let longest = "x".repeat(255);
    for (seed, name) in HOSTILE.iter().copied().chain([longest.as_str()]).enumerate() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let whole = noise(seed as u64, 100_000);
        std::fs::write(here.path().join(name), &whole).unwrap();
        let up = command(&mut alice, &format!("F - {name}"));
        let said = paste(&up, here.path());
        assert!(is_shared(&said, &whole), "{up}: {said}");
        let down = command(&mut bob, &format!("L - {name}"));
        assert_eq!(paste(&down, there.path()), "", "{down}");
        assert!(std::fs::read(there.path().join(name)).unwrap() == whole, "{down}");
        assert_eq!((entries(here.path()), entries(there.path())), (vec![name.into()], vec![name.into()]));
    }
}

#[test]
fn a_cut_upload_is_gone_on_with_by_the_next_command() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let here = tempfile::tempdir().unwrap();
    let (name, whole) = ("-it's cut", noise(1, 100_000));
    std::fs::write(here.path().join(name), &whole).unwrap();
    let first = alice.offer(name);
    let mut transfer = Client::transfer(&daemon, [first.line(&whole).as_bytes(), &whole[..40_000]].concat());
    transfer.end_input();
    assert!(transfer.last_line().starts_with("ERR size-mismatch "));
    let second = command(&mut alice, &format!("F - {name}"));
    assert!(second.contains(r"tail -c +40001 './-it'\''s cut'"), "{second}");
    let said = paste(&second, here.path());
    assert!(is_shared(&said, &whole), "{second}: {said}");
    assert!(alice.fetch(&daemon, name) == whole);
}

#[test]
fn the_command_names_the_advertised_address() {
    let daemon = Daemon::start_with(&["--advertise", "files.example.org:7171"]);
    let mut alice = Client::enter(&daemon, "alice");
    let command = command(&mut alice, "F - report.pdf");
    assert!(command.ends_with(" | nc files.example.org 7171"), "{command}");
}
