//! Outages of parts of the machine under mixed load: the daemon stands still, the disk is slow, the disk is full.
//! Each passes, and then everything goes on, with every `OK` honoured. Run with `cargo test -- --ignored`;
//! PARLOR_TEST_OUTAGES says how many (`tests/long/faults`).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::Tally;
use crate::harness::{Daemon, Dice, eventually, repetitions, seed};

/// What strace does to calls.
const SLOW_DISK: &str = "inject=fsync,fdatasync:delay_enter=200000";
const FULL_DISK: &str = "inject=pwrite64,fallocate,ftruncate:error=ENOSPC";

/// Makes calls fail or wait until dropped.
struct Injection(Child);

impl Injection {
    fn start(daemon: &Daemon, what: &str) -> Self {
        let mut command = Command::new("strace");
        command.args(["-f", "-o", "/dev/null", "-e", what, "-p", &daemon.pid().to_string()]);
        let mut tracer = command.stderr(Stdio::piped()).spawn().expect("this test needs strace");
        let mut told = BufReader::new(tracer.stderr.take().unwrap()).lines();
        let attached = told.by_ref().map_while(Result::ok).find(|line| line.contains("attached"));
        assert!(attached.is_some(), "this test needs the right to trace");
        // It tells of each thread.
        thread::spawn(move || told.for_each(drop));
        Self(tracer)
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        // It lets go of the daemon, which goes on.
        let _ = Command::new("kill").arg("-INT").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

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
                let _slow = Injection::start(&daemon, SLOW_DISK);
                thread::sleep(short);
            }
            _ => {
                let _full = Injection::start(&daemon, FULL_DISK);
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
