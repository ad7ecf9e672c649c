//! Files on their way: how far, how fast, how long still.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parlor::client::Progress;

/// The rate is that of this much time.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// A number of this screen for a transfer.
pub(crate) type TransferId = u64;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the room.
    Up,
    /// From the room.
    Down,
}

/// A file on its way.
pub(crate) struct Transfer {
    pub(crate) id: TransferId,
    pub(crate) direction: Direction,
    /// As the room calls it.
    pub(crate) name: String,
    /// How far it is, if it has begun: before, the file is hashed or the server is asked.
    pub(crate) progress: Option<Progress>,
    /// What was done when, within the window.
    samples: VecDeque<(Instant, u64)>,
}

impl Transfer {
    pub(crate) fn new(id: TransferId, direction: Direction, name: &str) -> Self {
        Self { id, direction, name: name.to_owned(), progress: None, samples: VecDeque::new() }
    }

    pub(crate) fn advance(&mut self, progress: Progress, now: Instant) {
        if self.progress.is_some_and(|before| before.done_bytes > progress.done_bytes) {
            self.samples.clear();
        }
        self.progress = Some(progress);
        self.samples.push_back((now, progress.done_bytes));
        while self.samples.len() > 2 && now - self.samples[0].0 > RATE_WINDOW {
            self.samples.pop_front();
        }
    }

    /// Bytes a second, once there is something to tell it by.
    pub(crate) fn rate(&self, now: Instant) -> Option<f64> {
        let (since, from) = self.samples.front()?;
        let (_, to) = self.samples.back()?;
        let seconds = (now - *since).as_secs_f64();
        (seconds > 0.2 && to > from).then(|| (to - from) as f64 / seconds)
    }

    /// How long it still takes at this rate.
    pub(crate) fn time_left(&self, now: Instant) -> Option<Duration> {
        let Progress { done_bytes, size_bytes } = self.progress?;
        let seconds = size_bytes.saturating_sub(done_bytes) as f64 / self.rate(now)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// From 0 to 1.
    pub(crate) fn part_done(&self) -> f64 {
        self.progress.map_or(0.0, |Progress { done_bytes, size_bytes }| done_bytes as f64 / (size_bytes as f64).max(1.0))
    }
}

/// A span of time for people: `4:05`, `1:02:03`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
