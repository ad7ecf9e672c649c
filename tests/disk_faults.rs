//! A disk that fails under the database. What passes is waited for, and heals by itself. A sync that failed has no
//! honest way on: whoever waits is told that the outcome is unknown, and the daemon stops with an exit code of its
//! own. Run with `cargo test -- --ignored`, but for the one that needs neither `strace` nor root.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, Injector, Volume, eventually, parlord, under_faults};
use crate::start_stop::refused;
use crate::store_faults::{stop, stored, talk_until_answered, talk_until_refused};

const LOG: &str = "parlor.db-wal";
const DATABASE: &str = "parlor.db";

/// Longer than stopping takes on a machine that does a lot beside it.
const A_SECOND: Duration = Duration::from_millis(2500);

fn lines_with(log: &str, words: &str) -> usize {
    log.lines().filter(|line| line.contains(words)).count()
}

/// Starts again, and finds everything that was answered, once, in order; returns what there is.
fn assert_kept(daemon: &mut Daemon, answered: &[u64]) -> Vec<(u64, String)> {
    daemon.restart();
    daemon.assert_intact();
    let stored = stored(daemon);
    let numbers: Vec<u64> = stored.iter().map(|(seq, _)| *seq).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    for seq in answered {
        assert!(numbers.binary_search(seq).is_ok(), "{seq} was answered OK, and is lost");
    }
    stored
}

/// Says things until one is not answered `OK`; returns what was, and the answer that was not.
fn talk_until_failure(client: &mut Client, most: usize) -> (Vec<u64>, Value) {
    let mut answered = Vec::new();
    for number in 0..most {
        let request = json!({"do": "C", "text": format!("{number} {}", "x".repeat(3000))});
        let reply = client.objects_of(&request.to_string()).pop().unwrap();
        match reply["seq"].as_u64().filter(|_| reply["ok"] == "C") {
            Some(seq) => answered.push(seq),
            None => return (answered, reply),
        }
    }
    panic!("nothing fails within {most} messages")
}

#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn after_a_sync_that_failed_nobody_is_told_ok_and_nothing_more_is_written() {
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let before: Vec<u64> =
        (0..20).map(|number| alice.objects_of(&format!("C - {number}")).pop().unwrap()["seq"].as_u64().unwrap()).collect();
    let faults = Injector::attach(&daemon, &[LOG, DATABASE], &["fsync,fdatasync:error=EIO"], "pwrite64,ftruncate");
    let since = Instant::now();
    // Somebody who waits in the middle of a login, too.
    let mut carol = Client::connect(&daemon);
    carol.send("U carol\nP carol correct-horse");
    assert!(carol.line().starts_with("OK new "));
    let reply = alice.objects_of("C - is this stored?").pop().unwrap();
    assert!(["unconfirmed", "store-failed"].contains(&reply["err"].as_str().unwrap()), "{reply}");
    assert!(carol.line().starts_with("ERR "));
    for client in [&mut bob, &mut carol] {
        client.skip_to("Closing (store-failed)");
    }
    let closing: Value = serde_json::from_str(alice.rest().last().unwrap()).unwrap();
    assert_eq!(closing["reason"], "store-failed", "{closing}");
    drop((alice, bob, carol));
    assert_eq!(daemon.wait().code(), Some(74));
    assert!(since.elapsed() < A_SECOND, "{:?}", since.elapsed());
    let calls = faults.calls_at_end();
    let failed = calls.iter().position(|call| call.contains("INJECTED")).expect("a sync has failed");
    assert_eq!(&calls[failed + 1..], [""; 0], "nothing is tried after it");
    let log = daemon.log();
    assert_eq!(lines_with(&log, "Check the disk"), 1, "{log}");
    assert_eq!(lines_with(&log, "cannot store"), 0, "{log}");
    assert!(log.lines().last().unwrap().starts_with("parlord: the disk failed to keep what it was given "), "{log}");
    assert_kept(&mut daemon, &before);
}

#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn a_checkpoint_whose_sync_failed_stops_the_daemon_too_and_loses_nothing() {
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    let faults = Injector::attach(&daemon, &[DATABASE], &["fsync,fdatasync:error=EIO"], "pwrite64");
    let (answered, last) = talk_until_failure(&mut alice, 2000);
    assert!(["unconfirmed", "store-failed"].contains(&last["err"].as_str().unwrap_or("store-failed")), "{last}");
    drop(alice);
    assert_eq!(daemon.wait().code(), Some(74));
    let calls = faults.calls_at_end();
    assert!(calls.iter().any(|call| call.contains("pwrite64")), "the log was being put into the database");
    assert_eq!(calls.iter().filter(|call| call.contains("INJECTED")).count(), 1, "tried once");
    assert!(calls.last().unwrap().contains("INJECTED"));
    assert_kept(&mut daemon, &answered);
}

#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn the_last_checkpoint_is_no_exception() {
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    let answered = alice.objects_of("C - stored").pop().unwrap()["seq"].as_u64().unwrap();
    drop(alice);
    let faults = Injector::attach(&daemon, &[DATABASE], &["fsync,fdatasync:error=EIO"], "");
    assert_eq!(daemon.stop().code(), Some(74));
    assert_eq!(faults.calls_at_end().len(), 1, "tried once");
    assert_eq!(lines_with(&daemon.log(), "Check the disk"), 1);
    assert_kept(&mut daemon, &[answered]);
}

#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn a_sync_that_fails_at_the_start_stops_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let start = |file: &str| {
        let file = if file.is_empty() { data.clone() } else { data.join(file) };
        let mut command = under_faults(&parlord(&data), &[file], &["fsync,fdatasync:error=EIO"]);
        refused(command.stdin(Stdio::null()), 74, &["heck the disk"]);
    };
    // A new database is being made.
    start(DATABASE);
    std::fs::remove_dir_all(&data).unwrap();
    // Its name, and that of the log.
    start("");
    std::fs::remove_dir_all(&data).unwrap();
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    let answered = alice.objects_of("C - stored").pop().unwrap()["seq"].as_u64().unwrap();
    daemon.kill();
    // The log of a crash is not trusted to be on disk.
    let mut command = under_faults(&parlord(&daemon.data()), &[daemon.data().join(LOG)], &["fsync,fdatasync:error=EIO"]);
    refused(command.stdin(Stdio::null()), 74, &["heck the disk"]);
    assert_kept(&mut daemon, &[answered]);
}

#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn a_write_that_fails_is_tried_again_until_it_succeeds() {
    for error in ["EIO", "ENOSPC", "EROFS"] {
        let mut daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
        let mut alice = Client::program(&daemon, "alice");
        let mut bob = Client::enter(&daemon, "bob");
        alice.skip_to("{\"event\":\"enter\"");
        let faults = Injector::attach(&daemon, &[LOG], &[&format!("pwrite64:error={error}")], "");
        let outcome = talk_until_refused(&mut alice);
        assert!(!outcome.unconfirmed.is_empty() && outcome.answered.is_empty(), "{error}");
        for (_, text) in &outcome.heard {
            assert_eq!(bob.line(), format!("[alice]: {text}"), "what is said is heard at once");
        }
        assert!(bob.ask("W").starts_with("OK "), "who is here can be asked");
        // Tried again some times meanwhile.
        eventually("it is tried again", || faults.calls().len() > 4);
        drop(faults);
        talk_until_answered(&mut alice);
        let texts: Vec<_> = stored(&daemon).into_iter().filter(|(_, text)| text != "mended").collect();
        assert_eq!(texts, outcome.heard, "{error}");
        daemon.assert_intact();
        drop((alice, bob));
        assert_eq!(daemon.stop().code(), Some(0));
        let log = daemon.log();
        assert_eq!((lines_with(&log, "cannot store"), lines_with(&log, "the store works again")), (1, 1), "{log}");
    }
}

/// 200 ms for each flush: what is said is heard at once, and answered some thousands at a time.
#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn on_a_slow_disk_talk_is_heard_at_once_and_answered_in_groups() {
    const MESSAGES: usize = 3000;
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.skip_to("{\"event\":\"enter\"");
    let faults = Injector::attach(&daemon, &[LOG], &["fsync,fdatasync:delay_exit=200000"], "");
    let mut heard_ms = Vec::new();
    for number in 0..10 {
        let since = Instant::now();
        alice.send(&format!("C - {number}"));
        assert_eq!(bob.line(), format!("[alice]: {number}"));
        heard_ms.push(since.elapsed().as_millis());
        while alice.json()["ok"] != "C" {}
        assert!(since.elapsed() > Duration::from_millis(200), "OK means that it is on disk");
    }
    heard_ms.sort_unstable();
    assert!(heard_ms[5] < 100, "fan-out waits for the disk: {heard_ms:?} ms");
    let before = faults.calls().len();
    let reader = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            assert_eq!(bob.line(), format!("[alice]: m{number}"));
        }
        bob
    });
    let words: String = (0..MESSAGES).map(|number| format!("C - m{number}\n")).collect();
    let mut stream = alice.stream();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stream, words.as_bytes()).unwrap());
    let mut answered = 0;
    while answered < MESSAGES {
        answered += usize::from(alice.json()["ok"] == "C");
    }
    writer.join().unwrap();
    let bob = reader.join().unwrap();
    let commits = faults.calls().len() - before;
    assert!(commits < MESSAGES / 50, "{commits} commits for {MESSAGES} messages");
    drop(faults);
    assert_eq!(stored(&daemon).len(), MESSAGES + 10);
    stop(&mut daemon, [alice, bob]);
}

/// No injected error: a disk that takes everything, and cannot keep it when it comes to that.
#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn a_disk_that_loses_what_it_took_loses_nothing_that_was_answered() {
    let volume = Volume::thin(64, 24);
    let mut daemon = Daemon::start_in(volume.clone(), &["--disk-reserve-mib", "1"], &[]);
    let mut alice = Client::program(&daemon, "alice");
    let mut answered: Vec<u64> =
        (0..50).map(|number| alice.objects_of(&format!("C - {number}")).pop().unwrap()["seq"].as_u64().unwrap()).collect();
    volume.exhaust();
    answered.extend(talk_until_failure(&mut alice, 5000).0);
    drop(alice);
    assert_eq!(daemon.wait().code(), Some(74));
    assert_eq!(lines_with(&daemon.log(), "Check the disk"), 1);
    volume.replenish();
    // What only the system's memory knew is gone with this.
    volume.mount_again();
    assert_kept(&mut daemon, &answered);
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn on_a_file_system_that_becomes_read_only_downloads_go_on_and_nothing_answered_is_lost() {
    let volume = Volume::new(64);
    let flags = ["--disk-reserve-mib", "1", "--confirm-timeout-s", "1", "--stop-timeout-s", "1"];
    let mut daemon = Daemon::start_in(volume.clone(), &flags, &[]);
    let mut alice = Client::program(&daemon, "alice");
    let answered: Vec<u64> =
        (0..50).map(|number| alice.objects_of(&format!("C - {number}")).pop().unwrap()["seq"].as_u64().unwrap()).collect();
    alice.share(&daemon, "before.bin", b"hello");
    while alice.json()["event"] != "file" {}
    volume.stop_writes();
    let outcome = talk_until_refused(&mut alice);
    assert_eq!(outcome.answered, [0; 0]);
    assert!(alice.fetch(&daemon, "before.bin") == b"hello");
    assert_eq!(alice.objects_of("W").pop().unwrap()["ok"], "W");
    drop(alice);
    assert_eq!(daemon.stop().code(), Some(75), "not stored, and said so");
    assert_eq!(lines_with(&daemon.log(), "cannot store"), 1);
    volume.mount_again();
    let kept = assert_kept(&mut daemon, &answered);
    assert!(outcome.heard.len() + answered.len() >= kept.len());
}

#[test]
fn a_database_found_to_be_damaged_stops_the_daemon_and_says_so_once() {
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    let answered = alice.objects_of("C - stored").pop().unwrap();
    assert_eq!(answered["ok"], "C");
    let other = daemon.database();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let path = daemon.data().join(DATABASE);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    // All but the first page, which tells what the others are.
    file.write_all_at(&vec![0xa5; usize::try_from(length).unwrap() - 4096], 4096).unwrap();
    // Somebody else has written: what the daemon remembers of the file is out of date.
    other.pragma_update(None, "user_version", 1).unwrap();
    drop(other);
    let since = Instant::now();
    let reply = alice.objects_of("C - is anybody there?").pop().unwrap();
    assert_eq!(reply["err"], "unconfirmed", "{reply}");
    assert_eq!(serde_json::from_str::<Value>(alice.rest().last().unwrap()).unwrap()["reason"], "store-failed");
    drop(alice);
    assert_eq!(daemon.wait().code(), Some(65));
    assert!(since.elapsed() < A_SECOND, "{:?}", since.elapsed());
    let log = daemon.log();
    assert_eq!(lines_with(&log, "the database is damaged"), 1, "{log}");
    assert!(log.lines().last().unwrap().contains("restore the database from a backup"), "{log}");
}
