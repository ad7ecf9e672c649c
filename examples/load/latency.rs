//! How long things took: an HDR histogram, and the percentiles that are told of it. Three significant digits, from a
//! nanosecond to an hour.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::failure::Failure;

const LONGEST_NS: u64 = 3600 * 1_000_000_000;
const DIGITS: u8 = 3;

/// How long things took.
#[derive(Clone, Debug)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Result<Self, Failure> {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS);
        Ok(Self(histogram.map_err(|error| Failure::Generator(error.to_string()))?))
    }

    pub(crate) fn record(&mut self, took: Duration) {
        self.0.saturating_record(took.as_nanos() as u64);
    }

    /// What is told; `None` if nothing was recorded.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let us = |ns: u64| ns as f64 / 1e3;
        let quantile = |quantile| us(self.0.value_at_quantile(quantile));
        (!self.0.is_empty()).then(|| Percentiles {
            count: self.0.len(),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p99_9: quantile(0.999),
            p99_99: quantile(0.9999),
            max: us(self.0.max()),
        })
    }
}

/// In microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) p99_99: f64,
    pub(crate) max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let mut latency = Latency::new().unwrap();
        assert!(latency.percentiles().is_none());
        (1..=1000).for_each(|us| latency.record(Duration::from_micros(us)));
        let told = latency.percentiles().unwrap();
        for (told, is) in [(told.p50, 500.0), (told.p90, 900.0), (told.p99, 990.0), (told.p99_9, 999.0), (told.max, 1000.0)] {
            assert!((told / is - 1.0).abs() < 0.002, "{told} is not {is}");
        }
        assert_eq!(told.count, 1000);
    }
}
