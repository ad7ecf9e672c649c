//! The slowest acceptable rate of a transfer. Only the time that the peer is waited for counts: a slow
//! disk of ours is not its fault.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// The slowest acceptable rate of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinRate {
    /// In bytes a second; 0 for any.
    pub bytes_per_s: u64,
    /// Over how long it is measured.
    pub window: Duration,
}

/// How one transfer does.
pub(super) struct Pace {
    window: Duration,
    /// To be moved in each window.
    due_bytes: u64,
    moved_bytes: u64,
    waited: Duration,
}

impl Pace {
    pub(super) fn new(min: MinRate) -> Self {
        let due_bytes = min.bytes_per_s.saturating_mul(min.window.as_secs());
        Self { window: min.window, due_bytes, moved_bytes: 0, waited: Duration::ZERO }
    }

    pub(super) fn moved(&mut self, count: usize) {
        self.moved_bytes += count as u64;
    }

    /// Waits for the peer; `None` once it has been too slow.
    pub(super) async fn keep<T>(&mut self, waiting: impl Future<Output = T>) -> Option<T> {
        let mut waiting = pin!(waiting);
        if self.due_bytes == 0 {
            return Some(waiting.await);
        }
        loop {
            let since = Instant::now();
            let outcome = timeout(self.window.saturating_sub(self.waited), &mut waiting).await;
            self.waited += since.elapsed();
            if outcome.is_err() {
                if self.moved_bytes < self.due_bytes {
                    return None;
                }
                (self.moved_bytes, self.waited) = (0, Duration::ZERO);
            }
            if let Ok(done) = outcome {
                return Some(done);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const MIN: MinRate = MinRate { bytes_per_s: 10, window: Duration::from_secs(3) };

    #[tokio::test(start_paused = true)]
    async fn who_keeps_the_rate_is_waited_for() {
        let mut pace = Pace::new(MIN);
        for _ in 0..20 {
            assert!(pace.keep(sleep(Duration::from_secs(1))).await.is_some());
            pace.moved(11);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_is_cut_at_the_end_of_the_window() {
        let mut pace = Pace::new(MIN);
        pace.moved(29);
        let begin = Instant::now();
        assert!(pace.keep(sleep(Duration::from_secs(9))).await.is_none());
        assert_eq!(begin.elapsed(), MIN.window);
    }

    #[tokio::test(start_paused = true)]
    async fn our_own_time_does_not_count() {
        let mut pace = Pace::new(MIN);
        sleep(Duration::from_secs(100)).await;
        assert!(pace.keep(sleep(Duration::from_secs(2))).await.is_some());
        assert!(pace.keep(sleep(Duration::from_secs(2))).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_rate_is_no_limit() {
        let mut pace = Pace::new(MinRate { bytes_per_s: 0, ..MIN });
        assert!(pace.keep(sleep(Duration::from_secs(10_000))).await.is_some());
    }
}
