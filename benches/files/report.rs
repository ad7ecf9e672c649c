//! The table, and the little arithmetic behind it.

use std::fmt;

use crate::transfer::GIB;

/// Measurements of each kind; a goal is held against their median.
pub const ROUNDS: usize = 5;

/// A line of the table.
pub struct Row {
    pub what: &'static str,
    pub beside: &'static str,
    /// Parlor's figure over the other's, round by round.
    pub ratio: String,
    pub goal: String,
    /// The figures themselves, Parlor's first.
    pub figures: String,
}

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

/// A goal and whether it is reached.
pub fn verdict(relation: &str, goal: impl fmt::Display, reached: bool) -> String {
    format!("{relation} {goal}: {}", if reached { "reached" } else { "MISSED" })
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

/// A median with what lies around it.
pub struct Spread {
    pub median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], least: values[0], greatest: values[values.len() - 1] }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.least, self.greatest)
    }
}

pub fn print(rows: &[Row]) {
    println!("| what | beside | ratio: median (min–max) of {ROUNDS} | goal | Parlor | beside it |");
    println!("|---|---|---|---|---|---|");
    for Row { what, beside, ratio, goal, figures } in rows {
        println!("| {what} | {beside} | {ratio} | {goal} | {figures} |");
    }
}
