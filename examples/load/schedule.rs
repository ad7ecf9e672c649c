//! When things are meant to happen at a steady rate. Latency is counted from these times and not from when something
//! was really done: if the daemon, or the generator, stands still for a second, everything that was due in that
//! second shows it.

use std::time::Duration;

/// Something that happens again and again, counted from 0, the first one at `start`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: Duration,
    per_s: f64,
}

impl Schedule {
    pub(crate) fn new(start: Duration, per_s: f64) -> Self {
        Self { start, per_s }
    }

    /// When one of them is meant to happen.
    pub(crate) fn time_of(&self, number: u64) -> Duration {
        self.start + Duration::from_secs_f64(number as f64 / self.per_s)
    }

    /// How many were meant to have happened by now.
    pub(crate) fn due_at(&self, now: Duration) -> u64 {
        let Some(since) = now.checked_sub(self.start) else { return 0 };
        // The product may be off by its rounding; `time_of` is what counts.
        let near = ((since.as_secs_f64() * self.per_s) as u64).saturating_sub(1);
        let more = (near..).take_while(|&number| self.time_of(number) <= now).count();
        near + more as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_what_was_meant_by_then() {
        for per_s in [0.5, 3.0, 7.0, 1000.0, 999_983.0] {
            let schedule = Schedule::new(Duration::from_millis(100), per_s);
            assert_eq!(schedule.due_at(Duration::from_millis(99)), 0);
            for number in [0, 1, 2, 9, 1000, 123_457, 10_000_019] {
                let time = schedule.time_of(number);
                assert_eq!(schedule.due_at(time), number + 1, "{per_s}");
                assert_eq!(schedule.due_at(time - Duration::from_nanos(1)), number, "{per_s}");
            }
        }
    }

    #[test]
    fn a_stall_makes_nothing_later() {
        let schedule = Schedule::new(Duration::ZERO, 1000.0);
        assert_eq!(schedule.due_at(Duration::from_millis(10)), 11);
        // Nobody looked for a second: all that was due in it is, with the times that it was meant for.
        assert_eq!(schedule.due_at(Duration::from_millis(1010)), 1011);
        assert_eq!(schedule.time_of(500), Duration::from_millis(500));
    }
}
