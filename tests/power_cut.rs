//! Power cuts under mixed load: what was answered `OK` is there afterwards. A cut is a copy of the disk, taken while
//! the daemon stands still: what only the system's memory knew is not in it. Run with `cargo test -- --ignored`;
//! PARLOR_TEST_CUTS says how many cuts (`tests/long/power-cut`).
//!
//! Two lies show that the tests see what they look for. One is SQLite's `synchronous=NORMAL`, which leaves out just
//! the call that makes a commit durable; the daemon has no such option, so a library in front of it leaves that call
//! out. The other makes no call at all that has to reach the disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::{Fault, Log, Stored, Tally, assert_faultless, faults};
use crate::harness::{Daemon, Dice, Volume, eventually, repetitions, seed};

/// The room of the disk is not what is tried here.
const FLAGS: &[&str] = &["--disk-reserve-mib", "1"];

/// Lies to the daemon: no call that has to reach the disk is made, each is answered as if it had been.
const WITHOUT_SYNCS: &[&str] = &[
    "strace",
    // As the daemon's grandchild, so that the daemon stays the test's own child.
    "-D",
    "-f",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    "trace=fsync,fdatasync,sync_file_range,syncfs,sync,msync",
    "-e",
    "inject=fsync,fdatasync,sync_file_range,syncfs,sync,msync:retval=0",
];

/// Lets everyone do what they do and cuts the power so often; each time `examine` gets what had been answered, and
/// the disk as it would be found.
fn cut_power(under: &[&str], variables: &[(&str, &str)], cuts: usize, mut examine: impl FnMut(Vec<Log>, Volume)) -> Tally {
    let volume = Volume::new(256);
    let mut daemon = Daemon::try_start_in(volume.clone(), under, FLAGS, variables).unwrap();
    let mut dice = Dice(seed());
    let mixed = Mixed::start(&daemon, Scene { seed: dice.below(u64::MAX), pace: Duration::from_millis(2), guests: 40 });
    // What is lost shall be what they did, not all that ever was.
    assert!(mixed.progress().wait_for(100), "not in time");
    volume.sync();
    for _ in 0..cuts {
        assert!(mixed.progress().wait_for(1 + dice.below(300)), "not in time");
        daemon.signal("STOP");
        eventually("the daemon stands still", || is_stopped(&daemon));
        let logs = mixed.logs();
        let disk = volume.after_power_cut();
        daemon.signal("CONT");
        examine(logs, disk);
    }
    mixed.close();
    daemon.kill();
    mixed.wait_until_all_are_out();
    let tally = mixed.tally();
    mixed.give_up();
    tally
}

/// Whether none of its threads can do anything any more.
fn is_stopped(daemon: &Daemon) -> bool {
    let mut tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
    tasks.all(|task| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        // After the name, which is in parentheses: T, or t if it is traced.
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with(['T', 't']))
    })
}

/// What is wrong with a disk after a cut, once a daemon has started on it; or why none starts.
fn judge(logs: &[Log], disk: Volume) -> Result<Vec<Fault>, String> {
    let daemon = Daemon::try_start_in(disk, &[], FLAGS, &[])?;
    Ok(faults(&logs.iter().collect::<Vec<_>>(), &Stored::read(&daemon.data())))
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn nothing_answered_ok_is_lost_by_a_power_cut() {
    let cuts = repetitions("PARLOR_TEST_CUTS", 10);
    let mut cut = 0;
    let tally = cut_power(&[], &[], cuts, |logs, disk| {
        cut += 1;
        assert_faultless(&format!("after cut {cut}"), &judge(&logs, disk).unwrap());
    });
    println!("{cuts} power cuts, 0 faults: {tally}");
}

/// How much a daemon that is lied to loses: the cuts with a loss, those after which it does not start, and the faults.
#[derive(Default, Debug)]
struct Losses {
    cuts_with_losses: usize,
    cuts_without_start: usize,
    faults: usize,
}

fn losses(under: &[&str], variables: &[(&str, &str)], cuts: usize) -> Losses {
    let mut losses = Losses::default();
    cut_power(under, variables, cuts, |logs, disk| match judge(&logs, disk) {
        Ok(faults) => {
            losses.cuts_with_losses += usize::from(!faults.is_empty());
            losses.faults += faults.len();
        }
        Err(_) => losses.cuts_without_start += 1,
    });
    losses
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn at_synchronous_normal_power_cuts_lose_what_was_answered() {
    let cuts = repetitions("PARLOR_TEST_CONTROL_CUTS", 4);
    let directory = tempfile::tempdir().unwrap();
    let library = normal_sync(directory.path());
    let losses = losses(&[], &[("LD_PRELOAD", library.to_str().unwrap())], cuts);
    println!("{cuts} power cuts at synchronous=NORMAL: {losses:?}");
    assert!(losses.cuts_with_losses > 0 && losses.cuts_without_start == 0, "it is NORMAL, which is consistent: {losses:?}");
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn without_the_calls_that_sync_power_cuts_lose_what_was_answered() {
    let cuts = repetitions("PARLOR_TEST_CONTROL_CUTS", 3);
    let losses = losses(WITHOUT_SYNCS, &[], cuts);
    println!("{cuts} power cuts without syncs: {losses:?}");
    assert!(losses.cuts_with_losses + losses.cuts_without_start > 0, "{losses:?}");
}

/// Builds the library that makes FULL into NORMAL.
fn normal_sync(directory: &Path) -> PathBuf {
    let library = directory.join("normal_sync.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/normal_sync.c");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    assert!(compiled.expect("this test needs a C compiler, cc").success());
    library
}
