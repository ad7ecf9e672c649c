//! Resident memory with 64 transfers running.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Daemon, eventually};
use crate::load::{Load, Shape};
use crate::report::{Row, verdict};
use crate::servers::resident_bytes;
use crate::transfer::{Content, Desk, FLAGS, MIB};

const TRANSFERS: u64 = 64;
const FILE_MIB: u64 = 64;
const LIMIT_MIB: f64 = 64.0;

pub fn measure() -> Row {
    let mut daemon = Daemon::start_with(FLAGS);
    Desk::open(daemon.address).share("large", &Content::new(1, FILE_MIB));
    // What that transfer took is not to count as there before.
    assert!(daemon.stop().success());
    daemon.restart();
    let before = resident_bytes(daemon.pid());
    let more = |pace| (peak(&daemon, pace).saturating_sub(before)) as f64 / MIB as f64;
    // Slow ones are certain to run all at once; fast ones keep every buffer full.
    let (slow, fast) = (more(8), more(0));
    Row {
        what: "resident memory, 32 uploads and 32 downloads running",
        beside: "before them",
        ratio: format!("+{slow:.1} MiB at 8 MiB/s each, +{fast:.1} MiB at full speed"),
        goal: verdict("<=", "64 MiB", slow.max(fast) <= LIMIT_MIB),
        figures: format!("peak | {:.1} MiB before", before as f64 / MIB as f64),
    }
}

/// The most that is resident in some seconds of transfers.
fn peak(daemon: &Daemon, pace: u64) -> u64 {
    let shape = Shape { uploads: TRANSFERS / 2, downloads: TRANSFERS / 2, upload_mib: FILE_MIB, pace };
    let mut load = Load::start(daemon.address, shape);
    // At full speed there is always one between two files.
    let enough = if pace > 0 { TRANSFERS } else { TRANSFERS / 4 * 3 };
    eventually("they are running", || load.mark().running >= enough);
    let begin = Instant::now();
    let mut peak = 0;
    while begin.elapsed() < Duration::from_secs(4) {
        peak = peak.max(resident_bytes(daemon.pid()));
        thread::sleep(Duration::from_millis(5));
    }
    assert!(pace == 0 || load.mark().running == TRANSFERS, "all run all the time");
    peak
}
