//! Tickets: a bearer's right to one file in one direction, once, for a while. Pure: time is given.
//!
//! Only the hash of a ticket is kept here, as with login tokens: whoever reads the daemon's memory or a
//! log of it finds nothing that opens anything.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::protocol::file_name::FileName;
use crate::protocol::limits::TICKETS_AN_ACCOUNT;
use crate::store::record::{Account, AccountId, TokenHash};

/// What a ticket is good for.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// Who asked for it; its bytes count for that account, whoever uses it.
    pub(super) account: Account,
    pub(super) right: Right,
    expires: Instant,
}

/// One file in one direction.
#[derive(Clone, Debug)]
pub(super) enum Right {
    /// To send the file of this name from an offset on.
    Upload { name: FileName, offset_bytes: u64 },
    /// To fetch the file that this event shared.
    Download { name: FileName, shared_seq: u64 },
}

/// The tickets that wait to be used.
pub(super) struct Tickets {
    lifetime: Duration,
    grants: HashMap<TokenHash, Grant>,
}

impl Tickets {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, grants: HashMap::new() }
    }

    /// Sets how long tickets wait that are issued from here on.
    pub(super) fn set_lifetime(&mut self, lifetime: Duration) {
        self.lifetime = lifetime;
    }

    /// Keeps a new ticket. The account's ticket to send the same file dies, so that a name has one
    /// sender; beyond [`TICKETS_AN_ACCOUNT`] the account's oldest dies.
    pub(super) fn issue(&mut self, hash: TokenHash, account: Account, right: Right, now: Instant) {
        self.grants.retain(|_, grant| grant.expires > now);
        let owner = account.id;
        if let Right::Upload { name, .. } = &right {
            self.revoke_upload(owner, name);
        }
        let own = || self.grants.iter().filter(|(_, grant)| grant.account.id == owner);
        if own().count() >= TICKETS_AN_ACCOUNT {
            let oldest = own().min_by_key(|(_, grant)| grant.expires).map(|(hash, _)| *hash);
            oldest.map(|hash| self.grants.remove(&hash));
        }
        self.grants.insert(hash, Grant { account, right, expires: now + self.lifetime });
    }

    pub(super) fn get(&self, hash: &TokenHash, now: Instant) -> Option<&Grant> {
        self.grants.get(hash).filter(|grant| grant.expires > now)
    }

    pub(super) fn use_up(&mut self, hash: &TokenHash) {
        self.grants.remove(hash);
    }

    /// Who else holds a ticket to send a file of this name.
    pub(super) fn other_sender(&self, name: &FileName, account: AccountId, now: Instant) -> Option<&Account> {
        let mut grants = self.grants.values();
        grants.find(|grant| grant.expires > now && grant.account.id != account && grant.sends(name)).map(|grant| &grant.account)
    }

    /// A file is no longer shared: nobody may fetch it any more.
    pub(super) fn withdraw(&mut self, seq: u64) {
        self.revoke(|grant| matches!(grant.right, Right::Download { shared_seq, .. } if shared_seq == seq));
    }

    /// Kills the account's ticket to send a file of this name; false if there was none.
    pub(super) fn revoke_upload(&mut self, account: AccountId, name: &FileName) -> bool {
        self.revoke(|grant| grant.account.id == account && grant.sends(name))
    }

    /// Kills all of the account's tickets.
    pub(super) fn revoke_all(&mut self, account: AccountId) {
        self.revoke(|grant| grant.account.id == account);
    }

    /// How many wait to be used.
    pub(super) fn count(&self, now: Instant) -> usize {
        self.grants.values().filter(|grant| grant.expires > now).count()
    }

    fn revoke(&mut self, is_meant: impl Fn(&Grant) -> bool) -> bool {
        let before = self.grants.len();
        self.grants.retain(|_, grant| !is_meant(grant));
        self.grants.len() < before
    }
}

impl Grant {
    fn sends(&self, name: &FileName) -> bool {
        matches!(&self.right, Right::Upload { name: own, .. } if own == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::name::Name;
    use crate::store::record::Level;

    const LIFETIME: Duration = Duration::from_secs(60);

    fn account(number: i64) -> Account {
        Account { id: AccountId::from_number(number), name: Name::parse("alice").unwrap(), level: Level::ORDINARY }
    }

    fn upload(name: &str) -> Right {
        Right::Upload { name: FileName::parse(name).unwrap(), offset_bytes: 0 }
    }

    #[test]
    fn a_ticket_lives_for_its_time_and_is_used_once() {
        let (mut tickets, now) = (Tickets::new(LIFETIME), Instant::now());
        tickets.issue([1; 32], account(1), upload("a"), now);
        assert!(tickets.get(&[1; 32], now + LIFETIME - Duration::from_nanos(1)).is_some());
        assert!(tickets.get(&[1; 32], now + LIFETIME).is_none() && tickets.get(&[2; 32], now).is_none());
        tickets.use_up(&[1; 32]);
        assert!(tickets.get(&[1; 32], now).is_none());
    }

    #[test]
    fn a_name_is_held_for_its_sender_as_long_as_the_ticket_lives() {
        let (mut tickets, now) = (Tickets::new(LIFETIME), Instant::now());
        let name = FileName::parse("A").unwrap();
        tickets.issue([1; 32], account(1), upload("a"), now);
        assert!(tickets.other_sender(&name, AccountId::from_number(1), now).is_none());
        assert!(tickets.other_sender(&name, AccountId::from_number(2), now).is_some());
        assert!(tickets.other_sender(&name, AccountId::from_number(2), now + LIFETIME).is_none());
        tickets.issue([2; 32], account(1), upload("a"), now);
        assert!(tickets.get(&[1; 32], now).is_none(), "a newer one to send the same file kills it");
    }

    #[test]
    fn withdrawal_kills_the_tickets_of_that_file_alone() {
        let (mut tickets, now) = (Tickets::new(LIFETIME), Instant::now());
        for seq in [1, 2] {
            let right = Right::Download { name: FileName::parse("a").unwrap(), shared_seq: seq.into() };
            tickets.issue([seq; 32], account(1), right, now);
        }
        tickets.withdraw(1);
        assert!(tickets.get(&[1; 32], now).is_none() && tickets.get(&[2; 32], now).is_some());
    }

    #[test]
    fn an_accounts_tickets_are_revoked_together() {
        let (mut tickets, now) = (Tickets::new(LIFETIME), Instant::now());
        for (byte, owner) in [(1, 1), (2, 1), (3, 2)] {
            tickets.issue([byte; 32], account(owner), upload(&format!("a{byte}")), now);
        }
        tickets.revoke_all(AccountId::from_number(1));
        assert!(tickets.get(&[1; 32], now).is_none() && tickets.get(&[2; 32], now).is_none());
        assert!(tickets.get(&[3; 32], now).is_some() && tickets.count(now) == 1 && tickets.count(now + LIFETIME) == 0);
    }

    #[test]
    fn of_100_000_random_tickets_none_opens_anything() {
        let (mut tickets, now) = (Tickets::new(LIFETIME), Instant::now());
        for number in 0..64 {
            let mut hash = [0; 32];
            getrandom::fill(&mut hash).unwrap();
            tickets.issue(hash, account(number), upload(&format!("a{number}")), now);
            assert!(tickets.get(&hash, now).is_some());
        }
        for _ in 0..100_000 {
            let mut guess = [0; 32];
            getrandom::fill(&mut guess).unwrap();
            assert!(tickets.get(&guess, now).is_none());
        }
    }

    #[test]
    fn an_account_holds_so_many_and_the_oldest_goes_first() {
        let (mut tickets, now) = (Tickets::new(LIFETIME), Instant::now());
        for number in 0..=TICKETS_AN_ACCOUNT {
            let at = now + Duration::from_millis(number as u64);
            tickets.issue([u8::try_from(number).unwrap(); 32], account(1), upload(&format!("a{number}")), at);
        }
        tickets.issue([255; 32], account(2), upload("b"), now);
        assert!(tickets.get(&[0; 32], now).is_none() && tickets.get(&[1; 32], now).is_some());
    }
}
