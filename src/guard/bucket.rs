//! A token bucket in one number: the moment at which all that was taken is paid for (the virtual scheduling
//! form of the generic cell rate algorithm, ITU-T I.371, annex A). Pure: time is given, in nanoseconds since
//! some start.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much may be taken in the long run, and at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u64,
    period_ns: u64,
    burst: u64,
}

impl Rate {
    /// So many in each period, and up to `burst` at once.
    pub const fn new(count: u64, period: Duration, burst: u64) -> Self {
        let period_ns = period.as_secs() * 1_000_000_000 + period.subsec_nanos() as u64;
        Self { count: if count == 0 { 1 } else { count }, period_ns, burst }
    }

    fn cost_ns(self, amount: u64) -> u64 {
        amount.saturating_mul(self.period_ns) / self.count
    }

    fn duration_of(self, ns: u64) -> u64 {
        // Rounded up: what is not fully paid for is owed.
        let per_unit = (self.period_ns / self.count).max(1);
        ns.div_ceil(per_unit)
    }
}

/// What may be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is within the budget.
    Now,
    /// It is taken, and the next one is to wait so long.
    After(Duration),
    /// It is not taken: too many are waiting already. After so long it can be.
    Refused(Duration),
}

/// A bucket. Whoever holds a reference may take from it.
#[derive(Debug, Default)]
pub struct Bucket {
    paid_ns: AtomicU64,
}

impl Bucket {
    /// Takes an amount, unless that would make the next one wait for longer than `patience`.
    pub fn take(&self, amount: u64, rate: Rate, patience: Duration, now_ns: u64) -> Verdict {
        let patience_ns = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        let mut wait_ns = 0;
        let taken = self.paid_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid_ns| {
            let paid_ns = paid_ns.max(now_ns).saturating_add(rate.cost_ns(amount));
            wait_ns = (paid_ns - now_ns).saturating_sub(rate.cost_ns(rate.burst));
            (wait_ns <= patience_ns).then_some(paid_ns)
        });
        match (taken, wait_ns) {
            (Ok(_), 0) => Verdict::Now,
            (Ok(_), wait_ns) => Verdict::After(Duration::from_nanos(wait_ns)),
            (Err(_), wait_ns) => Verdict::Refused(Duration::from_nanos(wait_ns - patience_ns)),
        }
    }

    /// Takes what has come already and cannot be refused; tells how long nothing more should be let in.
    pub fn charge(&self, amount: u64, rate: Rate, most: Duration, now_ns: u64) -> Option<Duration> {
        let most_ns = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        let burst_ns = rate.cost_ns(rate.burst);
        let mut wait_ns = 0;
        // What cannot be waited for is forgotten: a debt without a bound would outlast its cause.
        let _ = self.paid_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid_ns| {
            let owed_ns = (paid_ns.max(now_ns) - now_ns).saturating_add(rate.cost_ns(amount));
            let owed_ns = owed_ns.min(burst_ns.saturating_add(most_ns));
            wait_ns = owed_ns.saturating_sub(burst_ns);
            Some(now_ns.saturating_add(owed_ns))
        });
        (wait_ns > 0).then(|| Duration::from_nanos(wait_ns))
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&self, amount: u64, rate: Rate) {
        let back_ns = |paid_ns: u64| Some(paid_ns.saturating_sub(rate.cost_ns(amount)));
        let _ = self.paid_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, back_ns);
    }

    /// How much of what was taken is not paid for yet.
    pub fn owed(&self, rate: Rate, now_ns: u64) -> u64 {
        rate.duration_of(self.paid_ns.load(Ordering::Relaxed).saturating_sub(now_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;
    /// Ten a second, twenty at once.
    const RATE: Rate = Rate::new(10, Duration::from_secs(1), 20);
    const PATIENCE: Duration = Duration::from_millis(500);

    #[test]
    fn a_burst_goes_through_then_each_waits_then_one_is_refused() {
        let bucket = Bucket::default();
        for _ in 0..20 {
            assert_eq!(bucket.take(1, RATE, PATIENCE, SECOND_NS), Verdict::Now);
        }
        for wait_ms in [100, 200, 300, 400, 500] {
            assert_eq!(bucket.take(1, RATE, PATIENCE, SECOND_NS), Verdict::After(Duration::from_millis(wait_ms)));
        }
        let refused = Verdict::Refused(Duration::from_millis(100));
        assert_eq!(bucket.take(1, RATE, PATIENCE, SECOND_NS), refused);
        assert_eq!(bucket.take(1, RATE, PATIENCE, SECOND_NS), refused, "what is refused costs nothing");
        assert_eq!(bucket.owed(RATE, SECOND_NS), 25);
        // At the moment it was told, it is let in.
        assert!(matches!(bucket.take(1, RATE, PATIENCE, SECOND_NS + SECOND_NS / 10), Verdict::After(_)));
        // In time all is paid for.
        assert_eq!(bucket.owed(RATE, 4 * SECOND_NS), 0);
        assert_eq!(bucket.take(20, RATE, PATIENCE, 4 * SECOND_NS), Verdict::Now);
    }

    #[test]
    fn whoever_waits_as_told_is_never_refused_and_keeps_the_rate() {
        let (bucket, mut now_ns, mut taken) = (Bucket::default(), 0, 0);
        while now_ns < 60 * SECOND_NS {
            match bucket.take(1, RATE, PATIENCE, now_ns) {
                Verdict::Now => (),
                Verdict::After(wait) => now_ns += u64::try_from(wait.as_nanos()).unwrap(),
                Verdict::Refused(wait) => panic!("{wait:?} after {taken}"),
            }
            taken += 1;
        }
        assert_eq!(taken, 20 + 600);
    }

    #[test]
    fn what_came_already_is_charged_up_to_a_bound() {
        let bucket = Bucket::default();
        assert_eq!(bucket.charge(20, RATE, PATIENCE, 0), None);
        assert_eq!(bucket.charge(2, RATE, PATIENCE, 0), Some(Duration::from_millis(200)));
        assert_eq!(bucket.charge(1_000_000, RATE, PATIENCE, 0), Some(PATIENCE));
        assert_eq!(bucket.owed(RATE, 0), 25);
        bucket.give_back(25, RATE);
        assert_eq!((bucket.owed(RATE, 0), bucket.charge(20, RATE, PATIENCE, 0)), (0, None));
    }
}
