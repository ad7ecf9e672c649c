//! A game's clock: two spans of time, at most one of which runs. Pure: whoever holds it says what time it
//! is, by a clock that never goes back.

use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::game::{Side, TimeControl};

/// Two players' time (Fischer's clock: each move adds to the time of who made it).
pub(super) struct Clock {
    left: [Duration; 2],
    increment: Duration,
    /// Whose time runs, and since when.
    running: Option<(Side, Instant)>,
}

impl Clock {
    pub(super) fn new(control: TimeControl) -> Self {
        Self::with(control, [Duration::from_secs(control.initial_s().into()); 2])
    }

    /// A clock of a game that goes on, with what was left.
    pub(super) fn with(control: TimeControl, left: [Duration; 2]) -> Self {
        Self { left, increment: Duration::from_secs(control.increment_s().into()), running: None }
    }

    pub(super) fn start(&mut self, side: Side, now: Instant) {
        self.stop(now);
        self.running = Some((side, now));
    }

    pub(super) fn stop(&mut self, now: Instant) {
        self.left = self.left(now);
        self.running = None;
    }

    /// A move was made: its player gets the increment. No time runs until it is started.
    pub(super) fn press(&mut self, by: Side, now: Instant) {
        self.stop(now);
        self.left[by.index()] += self.increment;
    }

    /// What is left, the first mover's first.
    pub(super) fn left(&self, now: Instant) -> [Duration; 2] {
        let mut left = self.left;
        if let Some((side, since)) = self.running {
            let left = &mut left[side.index()];
            *left = left.saturating_sub(now.saturating_duration_since(since));
        }
        left
    }

    /// Whose flag falls next, and when.
    pub(super) fn flag(&self) -> Option<(Side, Instant)> {
        self.running.map(|(side, since)| (side, since + self.left[side.index()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_runs_at_a_time_and_a_move_adds() {
        let seconds = Duration::from_secs;
        let start = Instant::now();
        let mut clock = Clock::new(TimeControl::parse("1+5").unwrap());
        assert_eq!((clock.left(start), clock.flag()), ([seconds(60); 2], None));
        clock.start(Side::First, start);
        assert_eq!(clock.flag(), Some((Side::First, start + seconds(60))));
        clock.press(Side::First, start + seconds(20));
        clock.start(Side::Second, start + seconds(20));
        assert_eq!(clock.left(start + seconds(30)), [seconds(45), seconds(50)]);
        assert_eq!(clock.flag(), Some((Side::Second, start + seconds(80))));
        clock.stop(start + seconds(40));
        assert_eq!((clock.left(start + seconds(500)), clock.flag()), ([seconds(45), seconds(40)], None));
        clock.start(Side::Second, start + seconds(500));
        assert_eq!(clock.left(start + seconds(600)), [seconds(45), seconds(0)]);
    }
}
