//! Power cuts in the middle of uploads: what was answered `OK` is whole afterwards. A cut is a copy of the
//! disk, taken while the daemon stands still: what only the system's memory knew is not in it. Run with
//! `cargo test -- --ignored`; PARLOR_TEST_CUTS says how many cuts.

use crate::harness::{Daemon, Dice, Ledger, Tally, Uploading, Volume, eventually, repetitions};

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

/// Lets people upload and cuts the power so often; each time `examine` gets what had been answered, and
/// the disk as it would be found.
fn cut_power(under: &[&str], cuts: usize, mut examine: impl FnMut(Ledger, Volume)) {
    let volume = Volume::new(256);
    let mut daemon = Daemon::try_start_in(volume.clone(), under, FLAGS, &[]).unwrap();
    let mut dice = Dice::new();
    let uploading = Uploading::start(&daemon, Ledger::default(), &mut dice);
    // What is lost shall be uploads, not all that ever was.
    volume.sync();
    for _ in 0..cuts {
        assert!(uploading.progress.wait_for(dice.below(100)), "not in time");
        daemon.signal("STOP");
        eventually("the daemon stands still", || is_stopped(&daemon));
        let ledger = uploading.ledger.lock().unwrap().clone();
        let disk = volume.after_power_cut();
        daemon.signal("CONT");
        examine(ledger, disk);
    }
    daemon.kill();
    uploading.end();
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

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn every_upload_answered_ok_is_whole_after_a_power_cut() {
    let cuts = repetitions("PARLOR_TEST_CUTS", 20);
    let (mut answered, mut tally) = (0, Tally::default());
    cut_power(&[], cuts, |mut ledger, disk| {
        answered = ledger.answered();
        ledger.check(&Daemon::start_in(disk, FLAGS, &[]), &mut tally);
    });
    println!("{cuts} power cuts: {answered} uploads answered OK, 0 lost or damaged; {tally}");
}

/// That the test above can fail.
#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn without_the_calls_that_sync_power_cuts_lose_uploads_that_were_answered() {
    let (mut answered, mut lost) = (0, 0);
    cut_power(WITHOUT_SYNCS, 3, |ledger, disk| {
        answered += ledger.answered();
        lost += match Daemon::try_start_in(disk, &[], FLAGS, &[]) {
            Ok(daemon) => ledger.damage(&daemon).len(),
            Err(_) => ledger.answered(),
        };
    });
    println!("power cuts without syncs: {answered} uploads answered OK, {lost} lost or damaged");
    assert!(lost > 0, "none of {answered}");
}
