//! The wall clock, for people to read. Order, deadlines and time-outs never depend on it: those are
//! `seq` and monotonic time.
//!
//! What is kept for days and over restarts (tokens, shared files, how many rated games two have had) cannot but go by it.
//! There [`earliest_now_ms`] keeps a step of the clock from making anything older at once.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What both clocks showed when the first was asked.
static STARTED: LazyLock<(i64, Instant)> = LazyLock::new(|| (now_ms(), Instant::now()));

/// Milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// The time for deciding that something is too old: the wall clock's, unless it has been set forward since the daemon
/// started. So nothing becomes too old by a step of it.
pub fn earliest_now_ms() -> i64 {
    let (started_ms, started) = *STARTED;
    earliest(now_ms(), started_ms, i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX))
}

fn earliest(now_ms: i64, started_ms: i64, running_ms: i64) -> i64 {
    now_ms.min(started_ms.saturating_add(running_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_makes_nothing_older() {
        const DAY: i64 = 24 * 3600 * 1000;
        let (started, running) = (1000 * DAY, 5000);
        assert_eq!(earliest(started + running, started, running), started + running);
        assert_eq!(earliest(started + running + DAY, started, running), started + running);
        assert_eq!(earliest(started + running - DAY, started, running), started + running - DAY);
    }

    #[test]
    fn without_a_step_it_is_the_wall_clock() {
        let before = now_ms();
        let found = earliest_now_ms();
        assert!((before - 1000..=now_ms()).contains(&found));
    }
}
