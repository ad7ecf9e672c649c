//! What the tests stand on: a daemon of their own (real binary, own directory, own port) and clients
//! that speak lines over TCP. Nothing here sleeps: every wait is for a line, an end of input or an
//! exit, with a deadline after which the test fails and says what it had seen.

mod client;
mod daemon;
mod transfer;

use std::time::{Duration, Instant};

pub use client::*;
pub use daemon::*;
pub use transfer::*;

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
