//! How much happens in a second, over the last minute. Pure: time is given.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::metrics::Metrics;

/// How often the counters are looked at.
pub(super) const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);
/// How many of those looks make a minute.
const SAMPLES: usize = 12;

/// The counters at one moment.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    counts: [u64; 3],
}

impl Sample {
    fn of(metrics: &Metrics, at: Instant) -> Self {
        Self { at, counts: [metrics.requests.get(), metrics.messages.get(), metrics.deliveries.get()] }
    }
}

/// The looks of the last minute.
pub(super) struct Rates {
    samples: VecDeque<Sample>,
}

/// What happens in a second.
pub(super) struct PerSecond {
    /// Over so long.
    pub(super) window: Duration,
    pub(super) requests: f64,
    pub(super) messages: f64,
    pub(super) deliveries: f64,
}

impl Rates {
    pub(super) fn new(metrics: &Metrics, now: Instant) -> Self {
        Self { samples: VecDeque::from([Sample::of(metrics, now)]) }
    }

    /// Looks at the counters.
    pub(super) fn sample(&mut self, metrics: &Metrics, now: Instant) {
        self.samples.push_back(Sample::of(metrics, now));
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
    }

    /// What has happened since the earliest of the looks.
    pub(super) fn per_second(&self, metrics: &Metrics, now: Instant) -> PerSecond {
        let newest = Sample::of(metrics, now);
        let oldest = self.samples.front().copied().unwrap_or(newest);
        let window = now.duration_since(oldest.at);
        #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
        let rate = |which: usize| {
            let count = newest.counts[which] - oldest.counts[which];
            // In the first moments it is of no use, but no error either.
            if count == 0 { 0.0 } else { (count as f64 / window.as_secs_f64().max(0.001) * 10.0).round() / 10.0 }
        };
        PerSecond { window, requests: rate(0), messages: rate(1), deliveries: rate(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_minute() {
        let (metrics, start) = (Metrics::new(), Instant::now());
        let mut rates = Rates::new(&metrics, start);
        metrics.requests.add(1_000_000);
        assert!(rates.per_second(&metrics, start).requests.is_finite());
        for number in 1..=20 {
            rates.sample(&metrics, start + number * SAMPLE_INTERVAL);
        }
        metrics.requests.add(150);
        let per_second = rates.per_second(&metrics, start + 21 * SAMPLE_INTERVAL);
        assert_eq!(per_second.window, Duration::from_secs(60));
        assert_eq!((per_second.requests, per_second.messages), (2.5, 0.0));
    }
}
