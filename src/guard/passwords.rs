//! Passwords: how often they may be guessed, and how many are checked at once.
//!
//! Whoever guesses is slowed down, more with every failure, by origin and by account, and is refused once an origin has
//! failed too often. Nobody is ever locked out of an account: the account's own failures only delay, by
//! [`MOST_DELAY`] at most, and all who try at once wait at once; and where an account was logged in to lately its
//! origin is familiar, and is not refused for what others there have done, but for what was tried at this very account
//! from such origins ([`FAMILIAR_GUESSES`]). (A lock-out would let anybody lock
//! anybody out. NIST SP 800-63B, 3.2.2, asks for a limit on failures; a delay that grows is its softer form.)
//!
//! One origin has so many passwords checked at once, and so many waiting: it cannot fill the queue that
//! others wait in.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::bucket::{Bucket, Rate, Verdict};
use super::network::Origin;
use super::{AccountBudget, Guard, OriginBudget, TooMuch};
use crate::store::record::AccountId;

/// What an origin may fail: 30 times at once, then once in ten seconds.
pub const GUESSES: Rate = Rate::new(1, Duration::from_secs(10), 30);
/// What may be failed at one account from its familiar origins: more, since who is refused here may be its owner.
pub const FAMILIAR_GUESSES: Rate = Rate::new(1, Duration::from_secs(2), 30);
/// A failure at an account is forgotten after a minute.
const FORGETTING: Rate = Rate::new(1, Duration::from_secs(60), 0);
/// Failures that are remembered of an account, at most.
const REMEMBERED: Duration = Duration::from_secs(30 * 60);
/// Failures, of an origin or of an account, that cost no delay.
const FREE_FAILURES: u64 = 8;
/// The first delay; each further failure doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The longest delay.
pub const MOST_DELAY: Duration = Duration::from_secs(8);
/// Passwords of one origin that are checked at once.
const CHECKED_AT_ONCE: usize = 4;
/// Passwords of one origin that wait for that.
const WAITING: usize = 64;
/// Origins that an account is known to have been logged in to from: the newest.
const FAMILIAR: usize = 4;

/// Who of an origin has its password checked.
pub(super) struct Turns {
    checking: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Default for Turns {
    fn default() -> Self {
        Self { checking: Arc::new(Semaphore::new(CHECKED_AT_ONCE)), waiting: AtomicUsize::new(0) }
    }
}

/// How often an account's password was wrong, and where it was right.
#[derive(Default)]
pub(super) struct Failures {
    recent: Bucket,
    from_familiar: Bucket,
    familiar: Mutex<SmallVec<[Origin; FAMILIAR]>>,
}

/// The right to have a password hashed. Dropping it lets the next of the origin have it.
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// The right to try a password. Unless it is told that it failed, it has cost nothing.
pub struct Attempt {
    of_origin: Arc<OriginBudget>,
    of_account: Option<Arc<AccountBudget>>,
    is_familiar: bool,
    has_failed: bool,
    _turn: Turn,
}

impl Guard {
    /// Whether another password from this address would find a place in the line. Asked before anything else is done for
    /// it: who is refused should cost nothing.
    pub fn has_turns(&self, peer: IpAddr) -> Result<(), TooMuch> {
        if self.origin(Origin::of(peer)).turns.waiting.load(Ordering::Relaxed) < WAITING { Ok(()) } else { Err(TooMuch::Busy) }
    }

    /// Waits until a password from this address may be hashed.
    pub async fn turn(&self, peer: IpAddr) -> Result<Turn, TooMuch> {
        self.origin(Origin::of(peer)).turns.next().await
    }

    /// Waits until a password for this account, if there is one, may be tried from this address.
    pub async fn attempt(&self, peer: IpAddr, account: Option<AccountId>) -> Result<Attempt, TooMuch> {
        let origin = Origin::of(peer);
        let of_origin = self.origin(origin);
        let of_account = account.map(|account| self.account(account));
        let is_familiar = of_account.as_ref().is_some_and(|account| account.failures.is_familiar(origin));
        let now_ns = self.now_ns();
        let account_failures = of_account.as_ref().map_or(0, |account| account.failures.recent.owed(FORGETTING, now_ns));
        let origin_failures = if is_familiar { 0 } else { of_origin.guesses.owed(GUESSES, now_ns) };
        tokio::time::sleep(delay_after(account_failures.max(origin_failures))).await;
        // Its turn first: those before it may succeed, and have cost nothing then.
        let turn = of_origin.turns.next().await?;
        let now_ns = self.now_ns();
        let verdict = match &of_account {
            Some(account) if is_familiar => account.failures.from_familiar.take(1, FAMILIAR_GUESSES, Duration::ZERO, now_ns),
            _ => of_origin.guesses.take(1, GUESSES, Duration::ZERO, now_ns),
        };
        if let Verdict::Refused(wait) = verdict {
            return Err(TooMuch::SlowDown(wait));
        }
        Ok(Attempt { of_origin, of_account, is_familiar, has_failed: false, _turn: turn })
    }

    /// The password that was tried was wrong.
    pub fn failed(&self, mut attempt: Attempt) {
        attempt.has_failed = true;
        let now_ns = self.now_ns();
        if let Some(account) = &attempt.of_account {
            account.failures.recent.charge(1, FORGETTING, REMEMBERED, now_ns);
        }
        if attempt.is_familiar {
            attempt.of_origin.guesses.charge(1, GUESSES, Duration::ZERO, now_ns);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // Back to where it was taken, and nowhere else: who knows one password buys no guesses at others by it.
        match &self.of_account {
            _ if self.has_failed => (),
            Some(account) if self.is_familiar => account.failures.from_familiar.give_back(1, FAMILIAR_GUESSES),
            _ => self.of_origin.guesses.give_back(1, GUESSES),
        }
    }
}

impl Turns {
    async fn next(&self) -> Result<Turn, TooMuch> {
        /// Whoever waits may go away.
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= WAITING {
            return Err(TooMuch::Busy);
        }
        // The semaphore is never closed.
        let permit = Arc::clone(&self.checking).acquire_owned().await.map_err(|_| TooMuch::Busy)?;
        Ok(Turn { _permit: permit })
    }
}

impl Failures {
    fn is_familiar(&self, origin: Origin) -> bool {
        self.familiar.lock().unwrap_or_else(PoisonError::into_inner).contains(&origin)
    }

    pub(super) fn make_familiar(&self, origin: Origin) {
        let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
        familiar.retain(|known| *known != origin);
        if familiar.len() == FAMILIAR {
            familiar.remove(0);
        }
        familiar.push(origin);
    }
}

/// How long to wait after so many failures.
fn delay_after(failures: u64) -> Duration {
    match failures.checked_sub(FREE_FAILURES + 1) {
        None => Duration::ZERO,
        Some(more) => FIRST_DELAY.saturating_mul(1 << more.min(16)).min(MOST_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pace;
    use super::super::tests::guard;
    use super::*;

    const ALICE: AccountId = AccountId::from_number(1);

    fn ip(word: &str) -> IpAddr {
        word.parse().unwrap()
    }

    /// Guesses until the origin is refused, which must be in time.
    async fn guess(guard: &Guard, peer: &str, account: Option<AccountId>) {
        let since = tokio::time::Instant::now();
        for count in 0.. {
            assert!(count <= 31 + since.elapsed().as_secs() / 10, "{count} guesses in {:?}", since.elapsed());
            match guard.attempt(ip(peer), account).await {
                Ok(attempt) => guard.failed(attempt),
                Err(TooMuch::SlowDown(_)) => return,
                Err(TooMuch::Busy) => panic!("nobody else tries"),
            }
        }
    }

    #[test]
    fn delays_grow_to_a_bound() {
        let delays_ms = [0, 8, 9, 10, 13, 14, 15, 1000, u64::MAX].map(|failures| delay_after(failures).as_millis());
        assert_eq!(delays_ms, [0, 0, 250, 500, 4000, 8000, 8000, 8000, 8000]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_that_guesses_is_refused_and_no_account_is_locked() {
        // Trust lifts nothing here.
        let guard = guard(&["0.0.0.0/0"]);
        guard.log_in(&mut Pace::default(), ip("192.0.2.9"), ALICE);
        for attacker in ["192.0.2.1", "192.0.2.2", "192.0.2.9"] {
            guess(&guard, attacker, None).await;
        }
        for attacker in 10..20 {
            guess(&guard, &format!("192.0.2.{attacker}"), Some(ALICE)).await;
        }
        // Alice, from where somebody else has guessed too, and from a new address: each waits a moment, and is heard.
        for peer in ["192.0.2.9", "198.51.100.1"] {
            let since = tokio::time::Instant::now();
            drop(guard.attempt(ip(peer), Some(ALICE)).await.unwrap());
            assert!(since.elapsed() <= MOST_DELAY, "{:?}", since.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_knows_one_password_buys_no_guesses_by_it() {
        let guard = guard(&[]);
        guard.log_in(&mut Pace::default(), ip("192.0.2.1"), ALICE);
        guess(&guard, "192.0.2.1", None).await;
        for _ in 0..100 {
            drop(guard.attempt(ip("192.0.2.1"), Some(ALICE)).await.unwrap());
        }
        let owed = guard.origin(Origin::of(ip("192.0.2.1"))).guesses.owed(GUESSES, guard.now_ns());
        assert!(owed >= 29, "{owed}: successes have paid for failures");
    }

    #[tokio::test(start_paused = true)]
    async fn a_familiar_origin_has_a_limit_at_each_account() {
        let guard = guard(&[]);
        guard.log_in(&mut Pace::default(), ip("192.0.2.1"), ALICE);
        let all = (0..200).map(|_| guard.attempt(ip("192.0.2.1"), Some(ALICE)));
        let (mut tried, mut refused) = (0, 0);
        for attempt in all {
            match attempt.await {
                Ok(attempt) => {
                    guard.failed(attempt);
                    tried += 1;
                }
                Err(_) => refused += 1,
            }
            if refused > 0 {
                break;
            }
        }
        assert!(tried >= 30 && refused > 0 || tried == 200, "{tried} tried, {refused} refused");
        // Elsewhere it is as open as before.
        assert!(guard.attempt(ip("198.51.100.1"), Some(ALICE)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_knows_the_password_costs_nothing() {
        let guard = guard(&[]);
        for _ in 0..1000 {
            drop(guard.attempt(ip("192.0.2.1"), Some(ALICE)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn an_origin_has_a_few_checked_and_some_waiting() {
        let guard = Arc::new(guard(&[]));
        let mut turns = Vec::new();
        for _ in 0..CHECKED_AT_ONCE {
            turns.push(guard.turn(ip("192.0.2.1")).await.unwrap());
        }
        let wait = |peer: &'static str| {
            let guard = Arc::clone(&guard);
            tokio::spawn(async move { guard.turn(ip(peer)).await.map(drop) })
        };
        let waiting: Vec<_> = (0..WAITING + 1).map(|_| wait("192.0.2.1")).collect();
        assert_eq!(wait("192.0.2.2").await.unwrap(), Ok(()), "another origin waits for nobody");
        drop(turns);
        let mut refused = 0;
        for turn in waiting {
            refused += usize::from(turn.await.unwrap() == Err(TooMuch::Busy));
        }
        assert_eq!(refused, 1);
    }
}
