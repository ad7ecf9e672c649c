//! Who may ask how much: budgets against floods and guesses, for each account and for each origin.
//!
//! Three things are bounded: connections ([`doors`]), requests and bytes ([`Pace`]), and passwords
//! ([`passwords`]). Whoever asks too much is slowed down first, and refused with the time to wait only where others of
//! the same budget wait already. Trusted networks (`--trust`) have no budgets but those of passwords: these hold
//! for everyone, since a proxy would otherwise be everybody's way around them.
//!
//! [`bucket`] counts, [`generations`] remembers within bounds, [`network`] says what an origin is. Nothing here knows
//! sessions or sockets, and nothing is stored: after a restart all budgets are full again.

pub mod bucket;
pub mod doors;
mod generations;
pub mod network;
pub mod passwords;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::closing::Closing;
use crate::store::record::AccountId;
use bucket::{Bucket, Rate, Verdict};
use doors::{DoorLimits, Doors, Place, StrangerPlace};
use generations::Generations;
use network::{Network, Origin};
use passwords::{Failures, Turns};

/// How long somebody is slowed down before the next request is refused.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The most origins, and the most accounts, whose budgets are remembered, half of them at least since their
/// last use: some 30 MiB together.
const REMEMBERED: usize = 1 << 16;

/// How much may be asked.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many connections there may be.
    pub doors: DoorLimits,
    /// Requests of one account.
    pub account_requests: Rate,
    /// Bytes that one account sends.
    pub account_bytes: Rate,
    /// Requests of one origin.
    pub origin_requests: Rate,
    /// Bytes that one origin sends.
    pub origin_bytes: Rate,
    /// Accounts that one origin registers.
    pub registrations: Rate,
    /// Networks without these budgets.
    pub trusted: Vec<Network>,
}

/// Too much was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// Too many wait in front of it.
    #[error("too many are waiting")]
    Busy,
    /// It can be asked again after so long.
    #[error("too much; again in {0:?}")]
    SlowDown(Duration),
}

/// What is known of an origin.
#[derive(Default)]
struct OriginBudget {
    requests: Bucket,
    bytes: Bucket,
    registrations: Bucket,
    guesses: Bucket,
    turns: Turns,
}

/// What is known of an account.
#[derive(Default)]
struct AccountBudget {
    requests: Bucket,
    bytes: Bucket,
    failures: Failures,
}

/// The budgets.
pub struct Guard {
    limits: Limits,
    doors: Arc<Doors>,
    since: Instant,
    origins: Mutex<Generations<Origin, OriginBudget>>,
    accounts: Mutex<Generations<AccountId, AccountBudget>>,
}

/// The budgets that one session draws on. A trusted one draws on none.
#[derive(Default)]
pub struct Pace {
    origin: Option<Arc<OriginBudget>>,
    account: Option<Arc<AccountBudget>>,
}

/// A connection that was let in.
pub struct Admitted {
    /// Its place, for as long as it lives.
    pub place: Place,
    /// Its place among the strangers, until it logs in.
    pub stranger: StrangerPlace,
    /// The budgets of its session.
    pub pace: Pace,
}

impl Guard {
    /// Budgets that are full.
    pub fn new(limits: Limits) -> Self {
        Self {
            doors: Doors::new(limits.doors),
            limits,
            since: Instant::now(),
            origins: Mutex::new(Generations::new(REMEMBERED)),
            accounts: Mutex::new(Generations::new(REMEMBERED)),
        }
    }

    /// Lets a connection in, or tells why not. Coming costs its origin so many requests.
    pub fn admit(&self, peer: IpAddr, cost: u64) -> Result<Admitted, Closing> {
        let origin = self.untrusted(peer);
        let (place, stranger) = self.doors.enter(origin)?;
        let pace = Pace { origin: origin.map(|origin| self.origin(origin)), account: None };
        match self.request(&pace, cost) {
            Verdict::Refused(_) => Err(Closing::TooMany),
            // Whoever comes again and again is slowed down where its lines are.
            Verdict::Now | Verdict::After(_) => Ok(Admitted { place, stranger, pace }),
        }
    }

    /// A session is that of an account from here on, which is known to come from this address.
    pub fn log_in(&self, pace: &mut Pace, peer: IpAddr, account: AccountId) {
        let account = self.account(account);
        account.failures.make_familiar(Origin::of(peer));
        if pace.origin.is_some() {
            pace.account = Some(account);
        }
    }

    /// Whether a session may ask something that costs so much.
    pub fn request(&self, pace: &Pace, cost: u64) -> Verdict {
        let Some(origin) = &pace.origin else { return Verdict::Now };
        let now_ns = self.now_ns();
        let of_origin = origin.requests.take(cost, self.limits.origin_requests, PATIENCE, now_ns);
        let Some(account) = &pace.account else { return of_origin };
        match (of_origin, account.requests.take(cost, self.limits.account_requests, PATIENCE, now_ns)) {
            (Verdict::Refused(wait), Verdict::Refused(also)) => Verdict::Refused(wait.max(also)),
            (Verdict::Refused(wait), _) => {
                account.requests.give_back(cost, self.limits.account_requests);
                Verdict::Refused(wait)
            }
            (_, Verdict::Refused(wait)) => {
                origin.requests.give_back(cost, self.limits.origin_requests);
                Verdict::Refused(wait)
            }
            (Verdict::After(one), Verdict::After(other)) => Verdict::After(one.max(other)),
            (Verdict::After(wait), Verdict::Now) | (Verdict::Now, Verdict::After(wait)) => Verdict::After(wait),
            (Verdict::Now, Verdict::Now) => Verdict::Now,
        }
    }

    /// A session has sent so many bytes; tells how long no more of them should be read.
    pub fn received(&self, pace: &Pace, count: usize) -> Option<Duration> {
        let origin = pace.origin.as_ref()?;
        let (count, now_ns) = (count as u64, self.now_ns());
        let of_origin = origin.bytes.charge(count, self.limits.origin_bytes, PATIENCE, now_ns);
        let of_account =
            pace.account.as_ref().and_then(|account| account.bytes.charge(count, self.limits.account_bytes, PATIENCE, now_ns));
        of_origin.max(of_account)
    }

    /// Whether a session may register an account.
    pub fn register(&self, pace: &Pace) -> Result<(), TooMuch> {
        let Some(origin) = &pace.origin else { return Ok(()) };
        match origin.registrations.take(1, self.limits.registrations, Duration::ZERO, self.now_ns()) {
            Verdict::Now | Verdict::After(_) => Ok(()),
            Verdict::Refused(wait) => Err(TooMuch::SlowDown(wait)),
        }
    }

    /// Takes so much from the budget of somebody who is not let in; false if it is used up.
    pub fn affords(&self, peer: IpAddr, cost: u64) -> bool {
        let pace = Pace { origin: self.untrusted(peer).map(|origin| self.origin(origin)), account: None };
        !matches!(self.request(&pace, cost), Verdict::Refused(_))
    }

    fn untrusted(&self, peer: IpAddr) -> Option<Origin> {
        let is_trusted = self.limits.trusted.iter().any(|network| network.contains(peer));
        (!is_trusted).then(|| Origin::of(peer))
    }

    fn origin(&self, origin: Origin) -> Arc<OriginBudget> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).get(origin)
    }

    fn account(&self, account: AccountId) -> Arc<AccountBudget> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).get(account)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn guard(trusted: &[&str]) -> Guard {
        let per_second = |count| Rate::new(count, Duration::from_secs(1), count * 10);
        Guard::new(Limits {
            doors: DoorLimits { connections: 1000, strangers: 1000, of_an_origin: 1000, strangers_of_an_origin: 1000 },
            account_requests: per_second(10),
            account_bytes: per_second(1000),
            origin_requests: per_second(20),
            origin_bytes: per_second(2000),
            registrations: Rate::new(30, Duration::from_secs(60), 60),
            trusted: trusted.iter().map(|word| word.parse().unwrap()).collect(),
        })
    }

    fn ip(word: &str) -> IpAddr {
        word.parse().unwrap()
    }

    /// Requests until one is refused.
    fn until_refused(guard: &Guard, pace: &Pace) -> usize {
        (0..100_000).take_while(|_| !matches!(guard.request(pace, 1), Verdict::Refused(_))).count()
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_and_its_origin_are_each_held_to_their_budget() {
        let guard = guard(&["127.0.0.0/8"]);
        let enter = |address, account| {
            let mut pace = guard.admit(ip(address), 1).ok().unwrap().pace;
            guard.log_in(&mut pace, ip(address), AccountId::from_number(account));
            pace
        };
        let alice = enter("192.0.2.1", 1);
        let count = until_refused(&guard, &alice);
        assert_eq!(count, 150, "100 at once and 50 by waiting");
        // By another address the account's budget is as empty, but hers is not what bob is held to.
        assert_eq!(until_refused(&guard, &enter("192.0.2.2", 1)), 0);
        let bob = enter("192.0.2.1", 2);
        let count = until_refused(&guard, &bob);
        assert_eq!(count, 148, "the rest of the origin's 300, of which coming has taken two");
        assert_eq!(until_refused(&guard, &enter("127.0.0.1", 1)), 100_000, "trusted");
        assert!(matches!(guard.admit(ip("192.0.2.1"), 1).map(|_| ()), Err(Closing::TooMany)));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_slowed_down_and_never_for_longer_than_patience() {
        let guard = guard(&[]);
        let pace = guard.admit(ip("192.0.2.1"), 1).ok().unwrap().pace;
        assert_eq!(guard.received(&pace, 20_000), None);
        assert!(guard.received(&pace, 2000).unwrap() > Duration::from_millis(900));
        assert_eq!(guard.received(&pace, 1 << 30), Some(PATIENCE));
        assert_eq!(guard.received(&Pace::default(), 1 << 30), None);
    }

    #[tokio::test(start_paused = true)]
    async fn sixty_behind_one_address_register_within_two_minutes() {
        let guard = guard(&[]);
        let paces: Vec<_> = (0..60).map(|_| guard.admit(ip("192.0.2.1"), 1).ok().unwrap().pace).collect();
        assert!(paces.iter().all(|pace| guard.register(pace).is_ok()));
        let Err(TooMuch::SlowDown(wait)) = guard.register(&paces[0]) else { panic!("a flood of accounts") };
        assert!(wait <= Duration::from_secs(2), "the next ones come in one by one: {wait:?}");
        assert!(guard.register(&guard.admit(ip("192.0.2.2"), 1).ok().unwrap().pace).is_ok());
    }
}
