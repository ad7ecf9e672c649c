//! The table, and the little arithmetic behind it.

use std::fmt;

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

/// A goal and whether it is reached.
pub fn verdict(relation: &str, goal: impl fmt::Display, reached: bool) -> String {
    format!("{relation} {goal}: {}", if reached { "reached" } else { "MISSED" })
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
