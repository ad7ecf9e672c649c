//! What the tests stand on: a daemon of their own (real binary, own directory, own port) and clients
//! that speak lines over TCP. Nothing here sleeps: every wait is for a line, an end of input or an
//! exit, with a deadline after which the test fails and says what it had seen.

mod backup;
mod client;
mod daemon;
mod dice;
mod game;
mod identity;
mod injector;
pub mod mixed;
pub mod oracle;
mod order;
pub mod player;
mod program;
mod proxy;
mod relay;
mod screen;
mod terminal;
mod transfer;
mod volume;

use std::fmt;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

pub use backup::*;
pub use client::*;
pub use daemon::*;
pub use dice::*;
pub use game::*;
pub use identity::*;
pub use injector::*;
pub use order::*;
pub use program::*;
pub use proxy::*;
pub use relay::*;
pub use screen::*;
pub use terminal::*;
pub use transfer::*;
pub use volume::*;

/// Longer than anything takes on the slowest machine; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const PASSWORD: &str = "correct-horse";

/// Looks again until it holds, for what no line tells: a row, a descriptor, a memory figure.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Counts what clients get done, so that somebody else can wait for a moment in the middle of it.
#[derive(Default)]
pub struct Progress {
    steps: Mutex<u64>,
    stepped: Condvar,
}

impl Progress {
    pub fn step(&self) {
        *self.steps.lock().unwrap() += 1;
        self.stepped.notify_all();
    }

    /// Waits for so many more steps; false if they are not made in time.
    pub fn wait_for(&self, more: u64) -> bool {
        let steps = self.steps.lock().unwrap();
        let enough = *steps + more;
        !self.stepped.wait_timeout_while(steps, PATIENCE, |steps| *steps < enough).unwrap().1.timed_out()
    }
}

/// How often a test repeats what it does: a few times, or as often as a variable says, for the record.
pub fn repetitions(variable: &str, few: usize) -> usize {
    std::env::var(variable).map_or(few, |times| times.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// What the dice begin with: chosen by nobody, or as the record says. It is printed, for a test that fails.
pub fn seed() -> u64 {
    let chosen = std::env::var("PARLOR_TEST_SEED").ok().map(|seed| seed.parse().expect("PARLOR_TEST_SEED is a number"));
    let seed = chosen.unwrap_or_else(|| getrandom::u64().unwrap());
    println!("PARLOR_TEST_SEED={seed}");
    seed
}

/// Whether times are promises too: not where tests share the machine with each other.
pub fn is_strict() -> bool {
    std::env::var_os("PARLOR_TEST_STRICT").is_some()
}

/// Times that something took.
#[derive(Default)]
pub struct Spread(Vec<Duration>);

impl Spread {
    pub fn add(&mut self, took: Duration) {
        let place = self.0.partition_point(|known| *known < took);
        self.0.insert(place, took);
    }

    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let result = work();
        self.add(begin.elapsed());
        result
    }

    /// The time within which so many of a hundred were done.
    pub fn percentile(&self, percent: usize) -> Duration {
        self.0.get((self.0.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }

    pub fn max(&self) -> Duration {
        self.percentile(100)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, max] = [50, 90, 99, 100].map(|percent| self.percentile(percent).as_secs_f64() * 1e3);
        write!(f, "median {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")
    }
}
