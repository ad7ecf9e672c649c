//! `kill -9` in the middle of an upload: what was not stored is gone on with from its end. That nothing answered is
//! lost is tried in `crash.rs`, with everything else.

use crate::harness::{Client, Daemon, begin_upload, eventually, is_shared, sha256, upload};

#[test]
fn an_upload_whose_record_was_not_stored_is_gone_on_with_from_its_end() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("hello.txt");
    // Nothing can be stored while somebody else writes.
    let lock = daemon.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let _transfer = begin_upload(&daemon, &offer, b"hello", 5);
    eventually("the bytes are where a shared file's are", || daemon.files().contains(&sha256(b"hello")));
    daemon.kill();
    drop(lock);
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    assert!(alice.ask("L - hello.txt").starts_with("ERR no-such-file "));
    let offer = alice.offer("hello.txt");
    assert_eq!(offer.offset, 5);
    assert!(is_shared(&upload(&daemon, &offer, b"hello"), b"hello"));
    assert_eq!(alice.fetch(&daemon, "hello.txt"), b"hello");
    daemon.settles_to(&[&sha256(b"hello")]);
}
