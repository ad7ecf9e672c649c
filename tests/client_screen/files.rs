//! Files: sent and fetched with their progress seen, and never in the way of the talk.

use std::fs;

use vt100::Screen;

use super::{settles, two};
use crate::harness::{Client, Daemon, Relay, Terminal, USUAL, noise, row_with, rows, screen_client};

const SIZE_BYTES: usize = 16 << 20;

/// How many per cent of a file a bar shows.
fn percent(screen: &Screen, direction: &str, file_name: &str) -> Option<u64> {
    let rows = rows(screen);
    let row = rows.iter().find(|row| row.starts_with(direction) && row.contains(file_name))?;
    let (before, _) = row.split_once('%')?;
    let bar = row.contains('[') && row.contains('#') && row.contains(']');
    before.rsplit(' ').next()?.parse().ok().filter(|_| bar)
}

#[test]
fn a_file_is_sent_and_fetched_with_the_bar_seen_while_the_talk_goes_on() {
    let daemon = Daemon::start();
    let relay = Relay::start(daemon.address);
    let whole = noise(5, SIZE_BYTES);
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(here.path().join("film.mkv"), &whole).unwrap();
    let mut command = screen_client(relay.address, "alice");
    command.current_dir(here.path());
    let mut alice = Terminal::enter_with(&command, USUAL);
    let mut command = screen_client(relay.address, "bob");
    command.current_dir(there.path());
    let mut bob = Terminal::enter_with(&command, USUAL);
    alice.wait_for("2 here");

    relay.allow_file_bytes(SIZE_BYTES as u64 / 4);
    alice.enter_line("/file film.mkv");
    alice.wait_until("a bar on its way", |screen| {
        percent(screen, "up", "film.mkv").is_some_and(|part| (10..95).contains(&part))
    });
    alice.enter_line("it takes a while");
    bob.wait_for("alice: it takes a while");
    bob.enter_line("no hurry");
    alice.wait_for("bob: no hurry");
    assert!(percent(&alice.screen(), "up", "film.mkv").is_some());
    relay.allow_file_bytes(u64::MAX);
    settles(&bob, "alice shared film.mkv");
    alice.wait_until("no bar", |screen| percent(screen, "up", "film.mkv").is_none());
    // It stands on the shelf.
    bob.wait_for("16 MiB");

    relay.allow_file_bytes(SIZE_BYTES as u64 / 4);
    bob.enter_line("/get film.mkv");
    bob.wait_until("a bar on its way", |screen| {
        percent(screen, "down", "film.mkv").is_some_and(|part| (5..95).contains(&part))
    });
    bob.enter_line("it comes");
    alice.wait_for("bob: it comes");
    assert!(percent(&bob.screen(), "down", "film.mkv").is_some());
    relay.allow_file_bytes(u64::MAX);
    bob.wait_for("film.mkv is saved");
    assert!(fs::read(there.path().join("film.mkv")).unwrap() == whole, "other bytes arrived");
}

#[test]
fn a_transfer_that_is_cut_goes_on_by_itself_and_arrives_whole() {
    let daemon = Daemon::start();
    let relay = Relay::start(daemon.address);
    let whole = noise(6, SIZE_BYTES);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("film.mkv"), &whole).unwrap();
    let mut command = screen_client(relay.address, "alice");
    command.current_dir(folder.path());
    let mut alice = Terminal::enter_with(&command, USUAL);
    relay.allow_file_bytes(SIZE_BYTES as u64 / 4);
    alice.enter_line("/file film.mkv");
    alice.wait_until("a bar on its way", |screen| percent(screen, "up", "film.mkv").is_some_and(|part| part > 10));
    relay.cut();
    relay.allow_file_bytes(u64::MAX);
    alice.wait_for("alice shared film.mkv");
    alice.wait_until("no bar", |screen| percent(screen, "up", "film.mkv").is_none());
    let mut bob = Client::enter(&daemon, "bob");
    assert!(bob.fetch(&daemon, "film.mkv") == whole, "other bytes were shared");
}

#[test]
fn what_is_there_is_not_replaced_and_what_is_not_there_is_told() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    bob.share(&daemon, "notes.txt", b"new notes");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "old notes").unwrap();
    let mut command = screen_client(daemon.address, "alice");
    command.current_dir(folder.path());
    let mut alice = Terminal::enter_with(&command, USUAL);
    alice.enter_line("/get notes.txt");
    alice.wait_for("is saved as");
    assert_eq!(fs::read(folder.path().join("notes.txt")).unwrap(), b"old notes");
    assert_eq!(fs::read(folder.path().join("notes (2).txt")).unwrap(), b"new notes");
    fs::create_dir(folder.path().join("deep")).unwrap();
    alice.enter_line("/get notes.txt deep");
    alice.wait_for("deep/notes.txt");
    assert_eq!(fs::read(folder.path().join("deep/notes.txt")).unwrap(), b"new notes");
    alice.enter_line("/get nothing.txt");
    alice.wait_for("nothing.txt is not fetched");
    alice.enter_line("/file missing.txt");
    alice.wait_for("missing.txt");
    alice.wait_until("why", |screen| rows(screen).iter().any(|row| row.contains("missing.txt") && !row.contains('>')));
    alice.enter_line("/shelf");
    alice.wait_for("notes.txt (9 B)");
}

#[test]
fn the_shelf_is_seen_as_it_changes() {
    let daemon = Daemon::start();
    let (alice, _bob) = two(&daemon);
    assert!(row_with(&alice.screen(), "shelf").is_none());
    let mut carol = Client::enter(&daemon, "carol");
    carol.share(&daemon, "a.txt", b"a");
    alice.wait_for("shelf");
    carol.withdraw("a.txt");
    alice.wait_for("carol withdrew a.txt");
    alice.wait_for_no("shelf");
}
