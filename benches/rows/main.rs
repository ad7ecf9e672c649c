//! Does cost grow with the history? The same requests to a daemon with ten thousand rows in `chat_history` and to one
//! with ten million, both running, turn by turn; and how long a start takes.
//!
//! ```sh
//! cargo bench --bench rows                               # a minute
//! PARLOR_BENCH_ROWS=1000000 cargo bench --bench rows     # fewer rows
//! ```
//!
//! The large history takes 1.1 GB below `target/tmp` and is used again by the next run; the small one is made
//! anew. Everything that is read is in the system's memory, not in SQLite's: this is about work, not about disks.

#![allow(missing_docs, unreachable_pub, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod fill;
#[path = "../../tests/harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;
#[path = "../common/report.rs"]
mod report;
mod requests;

use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Daemon, repetitions};
use report::{ROUNDS, Row, Spread, verdict};
use requests::{REQUESTS, Request, Side};

const SMALL_ROWS: u64 = 10_000;
const LARGE_ROWS: usize = 10_000_000;
const LIMIT: f64 = 1.5;
const START_LIMIT: f64 = 2.0;
/// Starts of each daemon in a round.
const STARTS: usize = 5;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return println!("left out: not run by cargo bench");
    }
    let large_rows = repetitions("PARLOR_BENCH_ROWS", LARGE_ROWS) as u64;
    let (small, large) = (fill::anew(SMALL_ROWS), fill::once(large_rows));
    let others = std::fs::read_to_string("/proc/loadavg").unwrap();
    eprintln!("load before: {} (figures taken beside other work are worth nothing)", others.trim());
    let mut rows = vec![starts(&fill::anew(0), &large)];
    rows.extend(compare(&small, &large, large_rows));
    println!("{large_rows} rows in chat_history; beside it as the table says\n");
    report::print(&rows);
}

/// What something took on each side, round by round, in milliseconds.
#[derive(Default)]
struct Times {
    small: Vec<f64>,
    large: Vec<f64>,
}

impl Times {
    /// Notes a round.
    fn note(&mut self, [small, large]: [Vec<Duration>; 2]) {
        let median = |times: Vec<Duration>| Spread::of(times.iter().map(|time| time.as_secs_f64() * 1e3)).median;
        self.small.push(median(small));
        self.large.push(median(large));
    }

    fn row(&self, what: &'static str, beside: &'static str, limit: f64) -> Row {
        let ratio = Spread::of(self.large.iter().zip(&self.small).map(|(large, small)| large / small));
        let median = |times: &[f64]| Spread::of(times.iter().copied()).median;
        Row {
            what,
            beside,
            goal: verdict("<=", limit, ratio.median <= limit),
            ratio: ratio.to_string(),
            figures: format!("{:.3} ms | {:.3} ms", median(&self.large), median(&self.small)),
        }
    }
}

/// From the start of the program to when it listens.
fn starts(empty: &Path, large: &Path) -> Row {
    let mut times = Times::default();
    for round in 0..ROUNDS {
        let mut taken = [Vec::new(), Vec::new()];
        for turn in 0..2 * STARTS {
            let side = (round + turn) % 2;
            let begin = Instant::now();
            let mut daemon = Daemon::start_in([empty, large][side].to_path_buf(), &[], &[]);
            taken[side].push(begin.elapsed());
            assert!(daemon.stop().success());
        }
        times.note(taken);
    }
    times.row("start, up to `listening`", "without any rows", START_LIMIT)
}

/// Each request to both daemons, turn by turn.
fn compare(small: &Path, large: &Path, large_rows: u64) -> Vec<Row> {
    let mut times = REQUESTS.map(|_| Times::default());
    for _ in 0..ROUNDS {
        let mut sides = [(small, SMALL_ROWS), (large, large_rows)].map(|(directory, rows)| Side::start(directory, rows));
        for (request, times) in REQUESTS.iter().zip(&mut times) {
            let mut taken = [Vec::new(), Vec::new()];
            for turn in 0..request.times {
                // Neither is always the first.
                for side in [turn % 2, 1 - turn % 2] {
                    taken[side].push((request.make)(&mut sides[side]));
                }
            }
            times.note(taken);
        }
        sides.into_iter().for_each(Side::stop);
    }
    let rows = REQUESTS.iter().zip(&times);
    rows.map(|(Request { what, .. }, times)| times.row(what, "at 10,000 rows", LIMIT)).collect()
}
