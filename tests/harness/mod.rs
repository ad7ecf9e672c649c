//! What the tests stand on: a daemon of their own (real binary, own directory, own port) and clients
//! that speak lines over TCP. Nothing here sleeps: every wait is for a line, an end of input or an
//! exit, with a deadline after which the test fails and says what it had seen.

mod client;
mod daemon;
mod game;
mod identity;
mod injector;
mod ledger;
pub mod player;
mod program;
mod proxy;
mod relay;
mod screen;
mod terminal;
mod transfer;
mod volume;

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

pub use client::*;
pub use daemon::*;
pub use game::*;
pub use identity::*;
pub use injector::*;
pub use ledger::*;
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
