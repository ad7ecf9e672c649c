//! Logging: `log` to standard error.
//!
//! What a stranger can cause at will is logged at `debug`, or seldom; no password is logged at all, and
//! what a terminal acts on is escaped, whoever it came from.

use std::io::Write;
use std::time::{Duration, Instant};

use log::LevelFilter;

use crate::protocol::text::acts_on_terminals;

/// Starts it, with messages of this level and above. The level is `log`'s own, so that it can change.
pub fn start(level: LevelFilter) {
    env_logger::Builder::new()
        .filter_level(LevelFilter::Trace)
        .format(|out, record| {
            // It warns of what strangers send.
            if record.target().starts_with("rustls") && log::max_level() < LevelFilter::Debug {
                return Ok(());
            }
            let level_style = out.default_level_style(record.level());
            let level = record.level();
            writeln!(
                out,
                "{} {level_style}{level}{level_style:#} {}",
                out.timestamp_seconds(),
                escaped(&record.args().to_string())
            )
        })
        .init();
    log::set_max_level(level);
}

/// How often something that strangers can repeat may be logged.
const SELDOM: Duration = Duration::from_secs(60);

/// Lets a message through once a minute.
#[derive(Default)]
pub struct Seldom {
    last: Option<Instant>,
}

impl Seldom {
    /// One that has let nothing through yet.
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// Whether it is time again.
    pub fn is_due(&mut self) -> bool {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= SELDOM);
        if is_due {
            self.last = Some(Instant::now());
        }
        is_due
    }
}

fn escaped(message: &str) -> String {
    let is_harmful = |c: char| c == '\t' || acts_on_terminals(c);
    message.chars().flat_map(|c| if is_harmful(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_acts_on_a_terminal_does_not_reach_it() {
        assert_eq!(super::escaped("a\u{1b}[31m\nb 你"), "a\\u{1b}[31m\\nb 你");
        assert_eq!(super::escaped("\u{202e}a\u{2028}\tb"), "\\u{202e}a\\u{2028}\\tb");
    }
}
