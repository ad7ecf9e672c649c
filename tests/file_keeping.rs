//! Files across stops and starts: a stop leaves what came of an upload, a start sweeps what nobody
//! needs any more and takes back what is too old.

use std::fs::{File, FileTimes};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::harness::{Client, Daemon, begin_upload, eventually, is_shared, noise, sha256, upload};
use crate::store_faults::stop;

const HOUR: Duration = Duration::from_secs(3600);

/// Uploads a file up to its last byte; returns once some of it is on the disk, and where.
fn upload_in_part(daemon: &Daemon, client: &mut Client, file_name: &str, whole: &[u8]) -> (Client, PathBuf) {
    let before = daemon.partials();
    let transfer = begin_upload(daemon, &client.offer(file_name), whole, whole.len() - 1);
    let part = daemon.partials().into_iter().find(|part| !before.contains(part)).unwrap();
    let path = daemon.data().join("files").join(part);
    eventually("some of it is on the disk", || path.metadata().unwrap().len() > 0);
    (transfer, path)
}

/// The same, and goes away.
fn leave_a_part(daemon: &Daemon, client: &mut Client, file_name: &str, whole: &[u8]) -> PathBuf {
    let (transfer, path) = upload_in_part(daemon, client, file_name, whole);
    drop(transfer);
    eventually("what came is kept", || path.metadata().unwrap().len() == whole.len() as u64 - 1);
    path
}

#[test]
fn an_upload_that_the_stop_cuts_is_told_and_can_be_gone_on_with() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3 << 20);
    let (mut transfer, _) = upload_in_part(&daemon, &mut alice, "large.bin", &whole);
    daemon.signal("TERM");
    assert!(transfer.last_line().starts_with("Closing (shutting-down): "));
    drop((transfer, alice));
    assert_eq!(daemon.wait().code(), Some(0));
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("large.bin");
    assert!((1..whole.len()).contains(&offer.offset), "{}", offer.offset);
    assert!(is_shared(&upload(&daemon, &offer, &whole), &whole));
    assert!(alice.fetch(&daemon, "large.bin") == whole);
}

#[test]
fn an_upload_that_never_pauses_hears_of_the_stop() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("endless.bin");
    // Far more than is sent before the stop, and not so much that the disk is in question.
    let size_bytes = 1_u64 << 30;
    let mut transfer = Client::transfer(&daemon, format!("T {} {size_bytes}\n", offer.ticket));
    let mut stream = transfer.stream();
    let sender = std::thread::spawn(move || {
        let block = noise(1, 1 << 20);
        while stream.write_all(&block).is_ok() {}
    });
    eventually("it runs", || daemon.partials().len() == 1);
    daemon.signal("TERM");
    assert!(transfer.line().starts_with("Closing (shutting-down): "));
    drop((transfer, alice));
    assert_eq!(daemon.wait().code(), Some(0));
    sender.join().unwrap();
}

#[test]
fn a_download_that_nobody_reads_does_not_hold_up_the_stop() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    // More than the sockets' buffers take.
    let whole = noise(1, 16 << 20);
    alice.share(&daemon, "large.bin", &whole);
    let mut transfer = Client::transfer(&daemon, format!("T {}\n", alice.find("large.bin").ticket));
    // Until it runs.
    let first = transfer.some_bytes(1);
    drop(alice);
    assert_eq!(daemon.stop().code(), Some(0));
    // Nothing but the file's bytes: no words at the end of them.
    assert!(whole.starts_with(&[first, transfer.bytes()].concat()));
}

#[test]
fn a_start_sweeps_the_bytes_that_no_file_names_and_leaves_parts() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3 << 20);
    let named = alice.share(&daemon, "shared.bin", b"hello");
    let part = leave_a_part(&daemon, &mut alice, "part.bin", &whole);
    stop(&mut daemon, [alice]);
    std::fs::write(daemon.data().join("files").join(sha256(b"unnamed")), "unnamed").unwrap();
    daemon.restart();
    eventually("what nobody names is swept", || daemon.files().len() == 2);
    assert!(daemon.files().contains(&named) && part.exists());
    let mut alice = Client::enter(&daemon, "alice");
    assert_eq!(alice.offer("part.bin").offset, whole.len() - 1);
    assert_eq!(alice.fetch(&daemon, "shared.bin"), b"hello");
}

#[test]
fn a_start_sweeps_the_part_that_a_crash_left_of_a_shared_file() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3 << 20);
    // The same bytes are there already.
    let named = alice.share(&daemon, "first.bin", &whole);
    let (mut transfer, part) = upload_in_part(&daemon, &mut alice, "second.bin", &whole);
    transfer.send_raw(&whole[whole.len() - 1..]);
    assert!(is_shared(&transfer.last_line(), &whole));
    drop(transfer);
    stop(&mut daemon, [alice]);
    // As if the daemon had been killed between the record and the end of the part.
    std::fs::write(part, &whole).unwrap();
    daemon.restart();
    daemon.settles_to(&[&named]);
}

#[test]
fn parts_are_kept_for_a_day_from_their_last_byte() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3 << 20);
    let parts = ["young.bin", "old.bin"].map(|name| leave_a_part(&daemon, &mut alice, name, &whole));
    stop(&mut daemon, [alice]);
    for (part, age) in parts.iter().zip([23 * HOUR, 25 * HOUR]) {
        let times = FileTimes::new().set_modified(SystemTime::now() - age);
        File::options().append(true).open(part).unwrap().set_times(times).unwrap();
    }
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    assert_eq!(alice.offer("young.bin").offset, whole.len() - 1);
    assert_eq!(alice.offer("old.bin").offset, 0);
    eventually("one part is left", || daemon.files().len() == 1);
}

#[test]
fn files_older_than_they_are_kept_for_are_taken_back_by_the_server() {
    let mut daemon = Daemon::start_with(&["--keep-files-days", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "old.bin", b"old");
    let young = alice.share(&daemon, "young.bin", b"young");
    stop(&mut daemon, [alice]);
    let sql = "UPDATE file_put_record SET send_time = send_time - 25 * 3600 * 1000 WHERE file_name = 'old.bin'";
    assert_eq!(daemon.database().execute(sql, []).unwrap(), 1);
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    let told = |line: &String| line.ends_with(" old.bin is no longer kept");
    eventually("people find it told", || alice.lines_of("H").iter().any(told));
    let mut bob = Client::program(&daemon, "bob");
    let history = bob.objects_of("H");
    let withdrawn: Vec<&Value> = history.iter().filter(|line| line["item"] == "withdrawn").collect();
    assert!(
        withdrawn.len() == 1 && withdrawn[0]["file_name"] == "old.bin" && withdrawn[0].get("from").is_none(),
        "{withdrawn:?}"
    );
    assert!(alice.ask("L - old.bin").starts_with("ERR no-such-file "));
    assert_eq!(alice.fetch(&daemon, "young.bin"), b"young");
    daemon.settles_to(&[&young]);
}
