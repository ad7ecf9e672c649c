//! Outages of parts of the machine under mixed load: the daemon stands still, the disk is slow, the disk is full.
//! Each passes, and then everything goes on, with every `OK` honoured. Run with `cargo test -- --ignored`;
//! PARLOR_TEST_OUTAGES says how many (`tests/long/faults`).

use std::thread;
use std::time::Duration;

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::Tally;
use crate::harness::{Daemon, Dice, Injector, eventually, repetitions, seed};

/// What is done with the database.
const DATABASE: &[&str] = &["parlor.db", "parlor.db-wal"];
const SLOW_DISK: &[&str] = &["fsync:delay_enter=200000", "fdatasync:delay_enter=200000"];
const FULL_DISK: &[&str] = &["pwrite64:error=ENOSPC"];

#[test]
#[ignore = "needs strace, and the right to trace: cargo test -- --ignored"]
fn after_an_outage_everything_goes_on_and_every_ok_is_honoured() {
    let outages = repetitions("PARLOR_TEST_OUTAGES", 6);
    let mut dice = Dice(seed());
    let mut daemon = Daemon::start();
    let mixed = Mixed::start(&daemon, Scene { seed: dice.below(u64::MAX), pace: Duration::from_millis(4), guests: 40 });
    let mut seen = [0; 3];
    for outage in 0..outages {
        assert!(mixed.progress().wait_for(300), "not in time before outage {outage}");
        // Each of them comes, in a random order later on.
        let kind = if outage < 3 { outage } else { dice.below(3) as usize };
        let short = Duration::from_millis(500 + dice.below(1500));
        seen[kind] += 1;
        match kind {
            0 => {
                daemon.signal("STOP");
                thread::sleep(if outage < 3 { short } else { Duration::from_secs(5) });
                daemon.signal("CONT");
            }
            1 => {
                let _slow = Injector::attach(&daemon, DATABASE, SLOW_DISK, "");
                thread::sleep(short);
            }
            _ => {
                let _full = Injector::attach(&daemon, DATABASE, FULL_DISK, "");
                thread::sleep(short);
            }
        }
        eventually("everything goes on", || mixed.progress().wait_for(50));
    }
    let [frozen, slow, full] = seen;
    let logs = mixed.finish(&mut daemon);
    let log = daemon.log();
    assert!(!log.contains("panicked"), "{log}");
    println!("{frozen} times frozen, {slow} times slow, {full} times full, 0 faults: {}", Tally::of_all(&logs));
}
