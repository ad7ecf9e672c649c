//! How fast bytes move.

use std::fmt;

use crate::report::{Row, Spread, verdict};
use crate::transfer::GIB;

impl Row {
    /// Compares the rates of moving a GiB.
    pub fn of_rates(what: &'static str, beside: &'static str, ours: &Series, theirs: &Series, goal: f64) -> Self {
        let ratio = Spread::of(theirs.seconds.iter().zip(&ours.seconds).map(|(theirs, ours)| theirs / ours));
        Self {
            what,
            beside,
            goal: verdict(">=", goal, ratio.median >= goal),
            ratio: ratio.to_string(),
            figures: format!("{ours} | {theirs}"),
        }
    }
}

/// The same work, one GiB, done once a round.
#[derive(Default)]
pub struct Series {
    pub seconds: Vec<f64>,
    /// The server's CPU time over all rounds: its clock is too coarse for one.
    pub cpu_seconds: f64,
}

impl Series {
    pub fn add(&mut self, (seconds, cpu_seconds): (f64, f64)) {
        self.seconds.push(seconds);
        self.cpu_seconds += cpu_seconds;
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = GIB as f64 / 1e9 / Spread::of(self.seconds.iter().copied()).median;
        write!(f, "{rate:.2} GB/s, {:.2} CPU s/GiB", self.cpu_seconds / self.seconds.len() as f64)
    }
}
