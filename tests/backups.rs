//! `--backup` and `--restore`: what is in a backup, what the next one adds, what is refused, and that a room comes back
//! from one with its accounts, files and games, and with numbers that nobody has heard.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::player::{Player, play, seat};
use crate::harness::{
    Client, Daemon, back_up, database_of, eventually, names_in, noise, parlord, query, restore, said, seq_of, start_restored,
    verify,
};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Every path under a directory with what tells whether it was touched.
fn traces(directory: &Path) -> Vec<(String, u64, i64, i64)> {
    let mut traces = Vec::new();
    for name in names_in(directory) {
        let path = directory.join(&name);
        let metadata = path.metadata().unwrap();
        if metadata.is_dir() {
            traces.extend(traces_in(&path, &name));
        } else {
            traces.push((name, metadata.ino(), metadata.mtime(), metadata.mtime_nsec()));
        }
    }
    traces
}

fn traces_in(directory: &Path, name: &str) -> Vec<(String, u64, i64, i64)> {
    traces(directory).into_iter().map(|(below, inode, s, ns)| (format!("{name}/{below}"), inode, s, ns)).collect()
}

#[test]
fn a_backup_of_a_running_daemon_brings_accounts_files_and_games_back() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("a new directory");
    let daemon = Daemon::start();
    let mut carol = Client::enter(&daemon, "carol");
    let whole = noise(1, 300_000);
    carol.share(&daemon, "report.pdf", &whole);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Player::enter(&daemon, name));
    seat(&mut alice, &mut bob, "chess");
    play(&mut alice, &mut bob, &["e4", "e5", "Nf3"]);
    let board = bob.board();
    let said_last = seq_of(&carol.ask("C - the last word"));
    let out = back_up(&daemon.data(), &into).ok();
    assert!(out.contains("backed up 3 accounts, ") && out.contains("1 game and 1 file (293 KiB)"), "{out}");
    // After the backup: not in it.
    carol.ask("C - too late");
    assert!(verify(&into).ok().contains("all sound"));
    let restored = start_restored(&into, &[]);
    let mut carol = Client::enter(&restored, "carol");
    assert!(carol.fetch(&restored, "report.pdf") == whole);
    let history = carol.lines_of("H").join("\n");
    assert!(history.contains("the last word") && !history.contains("too late"), "{history}");
    alice.again(&restored);
    bob.again(&restored);
    let now = bob.board();
    for key in ["game_id", "game", "first", "second", "ply", "turn", "position"] {
        assert_eq!(now[key], board[key], "{key} of {board}");
    }
    assert!(seq_of(&carol.ask("C - hello again")) > said_last + 1_000_000_000);
}

#[test]
fn a_backup_is_its_owners_alone_and_needs_nothing_beside_it() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    std::fs::create_dir(&into).unwrap();
    std::fs::set_permissions(&into, std::fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = Daemon::start();
    let sha256 = Client::enter(&daemon, "alice").share(&daemon, "a", b"a");
    back_up(&daemon.data(), &into).ok();
    assert_eq!(names_in(&into), ["files", "parlor-1.db", "parlor-backup.json", "parlor-backup.lock"]);
    assert_eq!(names_in(&into.join("files")), [sha256.as_str()]);
    assert_eq!([&into, &into.join("files")].map(|path| mode(path)), [0o700; 2]);
    for file in ["parlor-1.db", "parlor-backup.json", "parlor-backup.lock", &format!("files/{sha256}")] {
        assert_eq!(mode(&into.join(file)), 0o600, "{file}");
    }
    assert_eq!(query::<String>(&into.join("parlor-1.db"), "PRAGMA journal_mode"), ["delete"]);
    // Restored, all of it is the owner's alone too.
    let data = there.path().join("data");
    restore(&into, &data).ok();
    assert_eq!([&data, &data.join("files")].map(|path| mode(path)), [0o700; 2]);
    assert_eq!(["parlor.db", &format!("files/{sha256}")].map(|file| mode(&data.join(file))), [0o600; 2]);
}

#[test]
fn the_next_backup_copies_what_is_new_and_removes_what_is_gone() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let [stays, goes] = [1, 2].map(|seed| alice.share(&daemon, &format!("{seed}.bin"), &noise(seed, 100_000)));
    back_up(&daemon.data(), &into).ok();
    let files = into.join("files");
    let before = traces(&files);
    assert_eq!(before.len(), 2);
    alice.withdraw("2.bin");
    let comes = alice.share(&daemon, "3.bin", &noise(3, 50_000));
    let out = back_up(&daemon.data(), &into).ok();
    assert!(out.contains("new: 1 file (49 KiB)"), "{out}");
    let after = traces(&files);
    let of = |traces: &[(String, u64, i64, i64)], name: &str| traces.iter().find(|trace| trace.0 == name).cloned();
    assert_eq!(of(&after, &stays), of(&before, &stays), "copied again");
    assert!(of(&after, &goes).is_none() && of(&after, &comes).is_some() && after.len() == 2, "{after:?}");
    assert_eq!(names_in(&into), ["files", "parlor-2.db", "parlor-backup.json", "parlor-backup.lock"]);
    verify(&into).ok();
}

#[test]
fn a_directory_that_holds_something_else_is_refused_and_left_alone() {
    let there = tempfile::tempdir().unwrap();
    let daemon = Daemon::start();
    let theirs = there.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::write(theirs.join("letter"), "dear").unwrap();
    let before = (traces(&theirs), mode(&theirs));
    back_up(&daemon.data(), &theirs).fails(73, &["holds other things than a backup"]);
    assert_eq!((traces(&theirs), mode(&theirs)), before);
    back_up(&daemon.data(), &theirs.join("letter")).fails(73, &["not a directory"]);
    let inside = daemon.data().join("backup");
    back_up(&daemon.data(), &inside).fails(73, &["in the data directory itself"]);
    assert!(!inside.exists());
    back_up(&there.path().join("nowhere"), &there.path().join("b")).fails(73, &["holds no parlor.db", "--data"]);
    assert_eq!(names_in(there.path()), ["theirs"]);
}

#[test]
fn a_stopped_directory_is_backed_up_too_and_one_that_was_killed() {
    let there = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("C - before the kill");
    daemon.kill();
    let said_in = |into: &Path| query::<String>(&database_of(into), "SELECT comment FROM chat_history WHERE kind = 'chat'");
    let [killed, stopped] = ["killed", "stopped"].map(|name| there.path().join(name));
    back_up(&daemon.data(), &killed).ok();
    assert_eq!(said_in(&killed), ["before the kill"]);
    daemon.restart();
    daemon.stop();
    let before = (names_in(&daemon.data()), std::fs::read(daemon.data().join("parlor.db")).unwrap());
    back_up(&daemon.data(), &stopped).ok();
    assert_eq!(said_in(&stopped), ["before the kill"]);
    assert!((names_in(&daemon.data()), std::fs::read(daemon.data().join("parlor.db")).unwrap()) == before);
    daemon.restart();
}

#[test]
fn only_a_new_directory_is_restored_to_and_the_backup_is_not_touched() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let daemon = Daemon::start();
    Client::enter(&daemon, "alice").share(&daemon, "a", b"a");
    back_up(&daemon.data(), &into).ok();
    let before = traces(&into);
    let full = there.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("letter"), "dear").unwrap();
    restore(&into, &full).fails(73, &["is not empty"]);
    // A daemon that began a new room there would seem to have lost everything.
    let refused = parlord(&into).output().unwrap();
    assert_eq!(refused.status.code(), Some(73));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("is a backup; make a data directory of it: parlord --restore "), "{words}");
    assert_eq!(traces(&into), before);
    assert_eq!(names_in(&full), ["letter"]);
    restore(&into, &daemon.data()).fails(73, &["is not empty"]);
    let empty = there.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let out = restore(&into, &empty).ok();
    assert!(out.contains("restored 1 account, ") && out.contains(&format!("parlord --data {}", empty.display())), "{out}");
    assert!(verify(&empty).ok().contains("files: 1 file (1 B), all sound"));
    restore(&there.path().join("nowhere"), &there.path().join("x")).fails(73, &["is not there"]);
    restore(&daemon.data(), &there.path().join("x")).fails(73, &["is no backup"]);
    assert!(!there.path().join("x").exists());
    assert_eq!(traces(&into), before);
}

#[test]
fn no_daemon_starts_on_a_restore_that_was_broken_off_and_the_next_one_finishes_it() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let daemon = Daemon::start();
    Client::enter(&daemon, "alice").share(&daemon, "a", b"a");
    back_up(&daemon.data(), &into).ok();
    let data = there.path().join("data");
    restore(&into, &data).ok();
    // As it is before the last step.
    std::fs::rename(data.join("parlor.db"), data.join("parlor.db.restoring")).unwrap();
    said(&mut parlord(&data)).fails(73, &["broken off", "--restore"]);
    assert_eq!(names_in(&data.join("files")).len(), 1);
    restore(&into, &data).ok();
    verify(&data).ok();
    drop(daemon);
    assert_eq!(names_in(&data), ["files", "lock", "parlor.db"]);
}

/// A number that a client has heard after the backup never comes again: neither for who listens live nor for who
/// reads on from where it was.
#[test]
fn numbers_given_after_the_backup_are_not_given_again() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    back_up(&daemon.data(), &into).ok();
    let say = |client: &mut Client, text: &str| {
        client.objects_of(&json!({"do": "C", "text": text}).to_string()).pop().unwrap()["seq"].as_u64().unwrap()
    };
    let heard = (0..100).map(|_| say(&mut alice, "lost with the disk")).max().unwrap();
    drop(daemon);
    // Restored twice: what the first one gave is not given again either.
    let mut last = heard;
    for _ in 0..2 {
        let restored = start_restored(&into, &[]);
        let mut alice = Client::program(&restored, "alice");
        let next = say(&mut alice, "found again");
        assert!(next > last, "{next} after {last}");
        let page = alice.objects_of(&json!({"do": "H", "left": heard, "n": "+1000"}).to_string());
        let texts: Vec<&Value> = page.iter().filter(|item| item["item"] == "chat").map(|item| &item["text"]).collect();
        assert_eq!(texts, ["found again"], "{page:?}");
        last = next;
    }
}

/// While files are kept, one that is withdrawn stays on the disk; also if whoever had them kept is just gone.
#[test]
fn a_file_withdrawn_during_a_backup_is_there_until_its_end() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let blob = alice.share(&daemon, "a", b"a");
    let other = alice.share(&daemon, "b", b"b");
    let keep = || {
        let mut socket = BufReader::new(UnixStream::connect(daemon.data().join("control.sock")).unwrap());
        let mut answer = String::new();
        writeln!(socket.get_mut(), "{}", json!({"do": "keep-files", "into": "/nowhere"})).unwrap();
        socket.read_line(&mut answer).unwrap();
        (socket, answer)
    };
    let [(first, answer), (second, _)] = [keep(), keep()];
    assert_eq!(answer, "{\"done\":\"\"}\n");
    assert!(keep().1.contains("try again"), "a third one");
    alice.withdraw("a");
    // The withdrawal is durable, and so over, once the next request is answered.
    alice.ask("C - gone");
    alice.share(&daemon, "c", b"c");
    assert!(daemon.files().contains(&blob));
    drop(first);
    alice.share(&daemon, "d", b"d");
    assert!(daemon.files().contains(&blob), "the second one still keeps it");
    // Shared again, it is needed again.
    alice.withdraw("b");
    alice.share(&daemon, "b again", b"b");
    drop(second);
    eventually("it is removed", || !daemon.files().contains(&blob));
    assert!(daemon.files().contains(&other));
    alice.fetch(&daemon, "b again");
}

#[test]
fn a_damaged_file_is_told_of_and_does_not_keep_the_rest_from_being_backed_up_and_restored() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let [good, bad] = [1, 2].map(|seed| alice.share(&daemon, &format!("{seed}.bin"), &noise(seed, 10_000)));
    std::fs::write(daemon.data().join("files").join(&bad), noise(3, 10_000)).unwrap();
    back_up(&daemon.data(), &into).fails(65, &[&bad, "2.bin (#", "by alice", "backed up 1 account"]);
    assert_eq!(names_in(&into.join("files")), [good.as_str()]);
    verify(&into).fails(65, &[&bad, "it is missing"]);
    let data = there.path().join("data");
    restore(&into, &data).fails(65, &[&bad, "restored 1 account", "1 file"]);
    assert_eq!(names_in(&data), ["files", "lock", "parlor.db"]);
    // Made whole again, it is in the next one.
    std::fs::write(daemon.data().join("files").join(&bad), noise(2, 10_000)).unwrap();
    back_up(&daemon.data(), &into).ok();
    verify(&into).ok();
}

#[test]
fn a_damaged_database_does_not_replace_a_sound_backup() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let mut daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("C - sound");
    back_up(&daemon.data(), &into).ok();
    daemon.stop();
    daemon.database().execute_batch("PRAGMA foreign_keys = off; DELETE FROM base_info").unwrap();
    let before = traces(&into);
    back_up(&daemon.data(), &into).fails(65, &["base_info that is not there"]);
    let after = traces(&into);
    assert_eq!(after, before);
    verify(&into).ok();
}

/// The copy that is made before the schema changes, or one made by hand: with the files beside it.
#[test]
fn a_copy_of_a_database_is_restored_with_the_files_beside_it() {
    let there = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 10_000);
    alice.share(&daemon, "a", &whole);
    daemon.stop();
    std::fs::copy(daemon.data().join("parlor.db"), daemon.data().join("parlor.schema-1.db")).unwrap();
    let data = there.path().join("data");
    restore(&daemon.data().join("parlor.schema-1.db"), &data).ok();
    let restored = Daemon::start_in(there, &[], &[]);
    assert!(Client::enter(&restored, "alice").fetch(&restored, "a") == whole);
}

#[test]
fn backups_and_restores_stand_in_the_audit() {
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let daemon = Daemon::start();
    let audit = |daemon: &Daemon| said(parlord(&daemon.data()).arg("--audit")).ok();
    Client::enter(&daemon, "alice");
    back_up(&daemon.data(), &into).ok();
    verify(&daemon.data()).ok();
    let rows = audit(&daemon);
    assert_eq!(rows.lines().count(), 1, "{rows}");
    assert!(rows.contains(&format!(": backup into {}: backed up 1 account, ", into.display())), "{rows}");
    // One that is broken off: the socket is closed without a word.
    let mut socket = BufReader::new(UnixStream::connect(daemon.data().join("control.sock")).unwrap());
    writeln!(socket.get_mut(), "{}", json!({"do": "keep-files", "into": "/nowhere"})).unwrap();
    socket.read_line(&mut String::new()).unwrap();
    drop(socket);
    eventually("that is in the audit", || audit(&daemon).contains(": backup into /nowhere - refused: it was broken off"));
    // In the backup there is neither: it is of the moment before.
    let rows = audit(&start_restored(&into, &[]));
    assert_eq!(rows.lines().count(), 1, "{rows}");
    assert!(rows.contains(&format!(": restore of {}, as of ", into.display())), "{rows}");
}
