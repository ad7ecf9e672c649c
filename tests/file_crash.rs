//! `kill -9` in the middle of uploads: what was answered `OK` is on the shelf and whole, what was not is
//! kept in part and can be gone on with, and nothing else is left lying about. PARLOR_TEST_KILLS says how
//! many kills.

use std::thread;
use std::time::Duration;

use crate::harness::{
    Client, Daemon, Dice, Ledger, Tally, Uploading, begin_upload, eventually, is_shared, repetitions, sha256, upload,
};

#[test]
fn every_upload_answered_ok_is_whole_after_kill_9_and_every_other_can_be_gone_on_with() {
    let mut daemon = Daemon::start();
    let (mut ledger, mut dice) = (Ledger::default(), Dice::new());
    let mut tally = Tally::default();
    let kills = repetitions("PARLOR_TEST_KILLS", 6);
    for _ in 0..kills {
        let uploading = Uploading::start(&daemon, ledger, &mut dice);
        let has_come = uploading.progress.wait_for(dice.below(100));
        // The moment is the dice's, also between one step and the next.
        thread::sleep(Duration::from_micros(dice.below(4000)));
        daemon.kill();
        ledger = uploading.end();
        assert!(has_come, "not in time");
        daemon.restart();
        ledger.check(&daemon, &mut tally);
    }
    println!("{kills} times kill -9: {} uploads answered OK, 0 lost or damaged; {tally}", ledger.answered());
}

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
