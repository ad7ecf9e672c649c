//! Files while the database cannot be written: what the room has heard comes true later, what it has not
//! heard can be gone on with, and no bytes go before their name does.

use crate::harness::{Client, Daemon, Injector, begin_upload, eventually, is_shared, noise, sha256, upload};
use crate::store_faults::lock;

/// Waits until what is said is stored again.
fn mended(client: &mut Client) {
    eventually("the store works again", || client.ask("C - mended").starts_with("OK "));
}

#[test]
fn an_upload_that_is_not_recorded_in_time_is_unconfirmed_and_comes_true() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 100_000);
    let offer = alice.offer("a.bin");
    let locked = lock(&daemon);
    let reply = upload(&daemon, &offer, &whole);
    assert!(reply.starts_with("ERR unconfirmed "), "{reply}");
    alice.expect("[alice] shared a.bin ");
    // Whoever heard of it can fetch it.
    assert!(alice.fetch(&daemon, "a.bin") == whole);
    drop(locked);
    mended(&mut alice);
    assert!(alice.ask("S").starts_with("OK 1"), "told once, recorded once");
    assert!(alice.fetch(&daemon, "a.bin") == whole);
}

#[test]
fn an_upload_that_cannot_be_recorded_is_kept_whole() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 100_000);
    let offer = alice.offer("a.bin");
    let locked = lock(&daemon);
    eventually("the store is known to fail", || alice.ask("C - hello").starts_with("ERR store-failed "));
    let reply = upload(&daemon, &offer, &whole);
    assert!(reply.starts_with("ERR store-failed "), "{reply}");
    assert!(alice.ask("X - b.bin").starts_with("ERR store-failed "));
    drop(locked);
    mended(&mut alice);
    assert!(alice.only_reply("L - a.bin").starts_with("ERR no-such-file "), "nobody heard of it");
    let offer = alice.offer("a.bin");
    assert_eq!(offer.offset, whole.len(), "there is nothing more to send");
    assert!(is_shared(&upload(&daemon, &offer, &whole), &whole));
    assert!(alice.fetch(&daemon, "a.bin") == whole);
}

#[test]
fn bytes_stay_until_their_withdrawal_is_durable() {
    let mut daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let whole = noise(1, 100_000);
    alice.share(&daemon, "a.bin", &whole);
    let locked = lock(&daemon);
    let reply = alice.ask("X - a.bin");
    assert!(reply.starts_with("ERR unconfirmed "), "{reply}");
    assert_eq!(bob.skip_to("[alice] withdrew"), "[alice] withdrew a.bin");
    assert!(bob.ask("L - a.bin").starts_with("ERR no-such-file "));
    // A crash takes the withdrawal back, since nothing of it is on disk.
    daemon.kill();
    drop(locked);
    daemon.restart();
    let mut bob = Client::enter(&daemon, "bob");
    assert!(bob.fetch(&daemon, "a.bin") == whole);
    daemon.settles_to(&[&sha256(&whole)]);
}

#[test]
fn a_withdrawal_that_is_late_removes_the_bytes_once_it_is_durable() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "a.bin", b"hello");
    let locked = lock(&daemon);
    assert!(alice.ask("X - a.bin").starts_with("ERR unconfirmed "));
    daemon.settles_to(&[&sha256(b"hello")]);
    drop(locked);
    daemon.settles_to(&[]);
    mended(&mut alice);
    assert!(alice.ask("S").starts_with("OK 0"));
}

#[test]
fn an_upload_that_comes_true_late_leaves_no_part_behind() {
    let daemon = Daemon::start_with(&["--confirm-timeout-s", "1", "--max-account-files-mib", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 600 << 10);
    let offer = alice.offer("a.bin");
    let locked = lock(&daemon);
    assert!(upload(&daemon, &offer, &whole).starts_with("ERR unconfirmed "));
    drop(locked);
    mended(&mut alice);
    daemon.settles_to(&[&sha256(&whole)]);
    alice.share(&daemon, "b.bin", &noise(2, 424 << 10));
    alice.withdraw("a.bin");
    assert_eq!(alice.offer("a.bin").offset, 0);
}

/// After a flush that failed the system forgets what it could not write, and a second one succeeds: bytes
/// that went through the first must never be gone on from.
#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn what_could_not_be_flushed_is_not_gone_on_from() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3 << 20);
    let mut transfer = begin_upload(&daemon, &alice.offer("a.bin"), &whole, whole.len() - 1);
    let faults = Injector::attach(&daemon, &[], &["fsync:error=EIO"], "");
    transfer.send_raw(&whole[whole.len() - 1..]);
    let reply = transfer.last_line();
    assert!(reply.starts_with("ERR store-failed "), "{reply}");
    drop(faults);
    daemon.settles_to(&[]);
    assert_eq!(alice.offer("a.bin").offset, 0);
    alice.share(&daemon, "a.bin", &whole);
    assert!(alice.fetch(&daemon, "a.bin") == whole);
}

/// A name that could not be flushed may be gone after a power cut, and so may any that comes to it.
#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn a_directory_that_could_not_be_flushed_is_trusted_with_no_more_files() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let before = noise(1, 100_000);
    alice.share(&daemon, "before.bin", &before);
    let offer = alice.offer("a.bin");
    let faults = Injector::attach(&daemon, &["files"], &["fsync:error=EIO:when=1"], "");
    assert!(upload(&daemon, &offer, b"hello").starts_with("ERR store-failed "));
    drop(faults);
    // The second flush would succeed.
    assert!(alice.ask("F - a.bin").starts_with("ERR store-failed "));
    assert!(alice.ask("C - talk goes on").starts_with("OK "));
    assert!(alice.fetch(&daemon, "before.bin") == before);
    daemon.settles_to(&[&sha256(&before)]);
    drop(alice);
    assert_eq!(daemon.stop().code(), Some(0));
    let log = daemon.log();
    assert_eq!(log.lines().filter(|line| line.contains("Check the disk")).count(), 1 + 1, "{log}");
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "a.bin", b"hello");
}

/// Bytes that were refused or could not be linked are not lost with it: what came can be gone on from.
#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn a_file_that_cannot_be_written_or_linked_is_refused_and_can_be_sent_later() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 1 << 20);
    for (name, fault, code) in [
        ("w", "write:error=EIO", "store-failed"),
        ("x", "write:error=ENOSPC", "disk-full"),
        ("l", "linkat,link:error=EIO", "store-failed"),
        ("m", "linkat,link:error=ENOSPC", "disk-full"),
    ] {
        let mut transfer = begin_upload(&daemon, &alice.offer(name), &whole, 100);
        let partial = format!("files/{}", daemon.partials()[0]);
        let faults = Injector::attach(&daemon, &[&partial], &[fault], "");
        // It may be cut in the middle.
        let (mut stream, rest) = (transfer.stream(), whole[100..].to_vec());
        let pouring = std::thread::spawn(move || drop(std::io::Write::write_all(&mut stream, &rest)));
        let reply = transfer.last_line();
        assert!(reply.starts_with(&format!("ERR {code} ")), "{fault}: {reply}");
        pouring.join().unwrap();
        assert!(!faults.calls().is_empty(), "{fault}: there was no such call");
        drop(faults);
        assert!(alice.ask("C - talk goes on").starts_with("OK "));
        let offer = alice.offer(name);
        assert!(is_shared(&upload(&daemon, &offer, &whole), &whole), "{fault}");
        assert!(alice.fetch(&daemon, name) == whole);
    }
}
