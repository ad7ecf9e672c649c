//! Who is connected: every connection from its admission to its end, where it comes from and whose it is; and the
//! one way to end one from outside, with a named reason.
//!
//! The contract:
//! 1. Whoever ends a connection (the room, where somebody logs in again; the operator) does it here. The first reason
//!    counts; the connection hears it by its [`Told`], wherever it is: reading, writing, carrying a file.
//! 2. An order about an account is durable before it comes here. A login notes [`Connections::as_of`] before it looks
//!    the account up, and is taken by [`Connections::log_in`] only if no order came in between. So none slips in:
//!    either the look-up knew of the order, or the order finds the login, or the login is sent to look again.
//! 3. An address that is banned is not admitted, by the same lock by which those that are there are ended.
//!
//! It waits for nothing and knows no sockets; [`banned`] is which networks are banned, pure.

mod banned;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::guard::network::Network;
use crate::protocol::closing::Closing;
use crate::store::record::{Account, AccountId, Level};
use banned::BannedNetworks;
pub use banned::{MOST_NETWORKS, TooManyNetworks};

/// A connection's number, never used twice while the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

/// What a connection is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has not logged in.
    Stranger,
    /// It is in the room.
    Member,
    /// It hears the room without being in it.
    Listener,
    /// It has logged in, and hears nothing.
    Silent,
    /// It carries a file.
    Transfer,
    /// Its session is over; last words are on their way.
    Leaving,
}

/// How many connections there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called like the roles")]
pub struct Census {
    pub strangers: usize,
    pub members: usize,
    pub listeners: usize,
    pub silent: usize,
    pub transfers: usize,
    pub leaving: usize,
}

impl Census {
    /// All of them.
    pub fn all(&self) -> usize {
        let Self { strangers, members, listeners, silent, transfers, leaving } = self;
        strangers + members + listeners + silent + transfers + leaving
    }
}

/// A moment between two orders of the operator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf(u64);

/// An order came in between: what was looked up may not be so any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfDate;

/// How many connections were ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// That were not carrying files.
    pub sessions: usize,
    /// That were.
    pub transfers: usize,
}

impl Ended {
    /// All of them.
    pub fn all(self) -> usize {
        self.sessions + self.transfers
    }
}

/// What is known of a connection.
struct Entry {
    address: IpAddr,
    role: Role,
    owner: Option<(AccountId, Level)>,
    /// Until it is told to end.
    end: Option<oneshot::Sender<Closing>>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    entries: HashMap<ConnectionId, Entry>,
    banned: BannedNetworks,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// How many orders have come, so that sessions can tell without the lock that one has.
    orders: AtomicU64,
}

/// The connections there are. Clones are the same list.
#[derive(Clone, Default)]
pub struct Connections {
    shared: Arc<Shared>,
}

/// A connection that has been let in: it is in the list until this is dropped.
pub struct Admission {
    connections: Connections,
    id: ConnectionId,
}

/// What a connection hears when it is to end.
pub struct Told {
    end: oneshot::Receiver<Closing>,
    closing: Option<Closing>,
}

impl Connections {
    /// Lets a connection in, unless its address is banned. `now_ms` is asked only if any is.
    pub fn admit(&self, address: IpAddr, now_ms: impl FnOnce() -> i64) -> Result<(Admission, Told), Closing> {
        let (address, mut state) = (address.to_canonical(), self.lock());
        if !state.banned.is_empty() && state.banned.has(address, now_ms()) {
            return Err(Closing::Banned);
        }
        state.last_id += 1;
        let id = ConnectionId(state.last_id);
        let (end, ended) = oneshot::channel();
        state.entries.insert(id, Entry { address, role: Role::Stranger, owner: None, end: Some(end) });
        Ok((Admission { connections: self.clone(), id }, Told { end: ended, closing: None }))
    }

    /// This moment, to be noted before an account is looked up.
    pub fn as_of(&self) -> AsOf {
        AsOf(self.shared.orders.load(Ordering::Acquire))
    }

    /// A connection is this account's from here on, unless an order has come since `as_of`.
    pub fn log_in(&self, id: ConnectionId, account: &Account, role: Role, as_of: AsOf) -> Result<(), OutOfDate> {
        let mut state = self.lock();
        // Orders come under the lock too.
        if self.as_of() != as_of {
            return Err(OutOfDate);
        }
        if let Some(entry) = state.entries.get_mut(&id) {
            (entry.role, entry.owner) = (role, Some((account.id, account.level)));
        }
        Ok(())
    }

    /// A login came to nothing, or a session is over: nobody's connection from here on.
    pub fn log_out(&self, id: ConnectionId, role: Role) {
        if let Some(entry) = self.lock().entries.get_mut(&id) {
            (entry.role, entry.owner) = (role, None);
        }
    }

    /// The level that a connection's account has now, with the moment of that, if orders have come since `as_of`.
    pub fn level_since(&self, id: ConnectionId, as_of: AsOf) -> Option<(AsOf, Level)> {
        if self.as_of() == as_of {
            return None;
        }
        let state = self.lock();
        let (_, level) = state.entries.get(&id)?.owner?;
        Some((self.as_of(), level))
    }

    /// Ends one connection.
    pub fn end(&self, id: ConnectionId, closing: Closing) {
        if let Some(end) = self.lock().entries.get_mut(&id).and_then(|entry| entry.end.take()) {
            // It may have ended by itself, here and below.
            let _ = end.send(closing);
        }
    }

    /// An order about an account is durable: ends its connections.
    pub fn end_account(&self, account: AccountId, closing: Closing) -> Ended {
        let mut state = self.begin_order();
        state.end_those(closing, |entry| entry.owner.is_some_and(|(owner, _)| owner == account))
    }

    /// The same for a level: its sessions have it from here on. Tells how many these are.
    pub fn set_level(&self, account: AccountId, new: Level) -> usize {
        let mut state = self.begin_order();
        let owners = state.entries.values_mut().filter_map(|entry| entry.owner.as_mut());
        let levels = owners.filter(|(owner, _)| *owner == account).map(|(_, level)| *level = new);
        levels.count()
    }

    /// Lets nobody in from a network from here on, and ends the connections from there.
    pub fn ban(&self, network: Network, until_ms: Option<i64>, now_ms: i64) -> Ended {
        let mut state = self.begin_order();
        state.banned.put(network, until_ms, now_ms);
        state.end_those(Closing::Banned, |entry| network.contains(entry.address))
    }

    /// Whether another network can be banned.
    pub fn can_ban(&self, network: Network, now_ms: i64) -> Result<(), TooManyNetworks> {
        self.lock().banned.has_room_for(network, now_ms)
    }

    /// Lets people in from a network again.
    pub fn unban(&self, network: Network) {
        self.begin_order().banned.remove(network);
    }

    /// How many there are of each kind.
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        for entry in self.lock().entries.values() {
            *match entry.role {
                Role::Stranger => &mut census.strangers,
                Role::Member => &mut census.members,
                Role::Listener => &mut census.listeners,
                Role::Silent => &mut census.silent,
                Role::Transfer => &mut census.transfers,
                Role::Leaving => &mut census.leaving,
            } += 1;
        }
        census
    }

    fn begin_order(&self) -> MutexGuard<'_, State> {
        let state = self.lock();
        self.shared.orders.fetch_add(1, Ordering::Release);
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end_those(&mut self, closing: Closing, are_meant: impl Fn(&Entry) -> bool) -> Ended {
        let mut ended = Ended::default();
        for entry in self.entries.values_mut().filter(|entry| are_meant(entry)) {
            if let Some(end) = entry.end.take() {
                let _ = end.send(closing);
                *if entry.role == Role::Transfer { &mut ended.transfers } else { &mut ended.sessions } += 1;
            }
        }
        ended
    }
}

impl Admission {
    /// The connection's number.
    pub fn id(&self) -> ConnectionId {
        self.id
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.connections.lock().entries.remove(&self.id);
    }
}

impl Told {
    /// Waits until the connection is told to end. May be dropped and called again.
    pub async fn told(&mut self) -> Closing {
        if let Some(closing) = self.closing {
            return closing;
        }
        match (&mut self.end).await {
            Ok(closing) => *self.closing.insert(closing),
            // It is in the list no more: nobody will end it.
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether it has been told, and why.
    pub fn now(&mut self) -> Option<Closing> {
        if self.closing.is_none() {
            self.closing = self.end.try_recv().ok();
        }
        self.closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::name::Name;

    fn account(number: i64) -> Account {
        Account { id: AccountId::from_number(number), name: Name::parse("alice").unwrap(), level: Level::ORDINARY }
    }

    fn admit(connections: &Connections, address: &str) -> Result<(Admission, Told), Closing> {
        connections.admit(address.parse().unwrap(), || 1_000)
    }

    #[test]
    fn a_connection_is_told_the_first_reason_and_is_listed_until_it_is_dropped() {
        let connections = Connections::default();
        let (admission, mut told) = admit(&connections, "192.0.2.1").ok().unwrap();
        let id = admission.id();
        assert_eq!((told.now(), connections.census().strangers), (None, 1));
        connections.log_in(id, &account(1), Role::Member, connections.as_of()).unwrap();
        connections.end(id, Closing::Replaced);
        connections.end(id, Closing::Kicked);
        assert_eq!(connections.end_account(account(1).id, Closing::Banned), Ended::default(), "told already");
        assert_eq!((told.now(), told.now()), (Some(Closing::Replaced), Some(Closing::Replaced)));
        assert_eq!(connections.census(), Census { members: 1, ..Census::default() });
        drop(admission);
        assert_eq!(connections.census(), Census::default());
    }

    #[test]
    fn an_order_ends_all_of_an_account_and_nobody_elses() {
        let connections = Connections::default();
        let mut parts: Vec<_> = (0..4).map(|_| admit(&connections, "192.0.2.1").ok().unwrap()).collect();
        let roles = [(1, Role::Silent), (1, Role::Transfer), (2, Role::Member)];
        for ((admission, _), (number, role)) in parts.iter().zip(roles) {
            connections.log_in(admission.id(), &account(number), role, connections.as_of()).unwrap();
        }
        assert_eq!(connections.end_account(account(1).id, Closing::Banned), Ended { sessions: 1, transfers: 1 });
        let told: Vec<_> = parts.iter_mut().map(|(_, told)| told.now()).collect();
        assert_eq!(told, [Some(Closing::Banned), Some(Closing::Banned), None, None]);
    }

    #[test]
    fn a_login_that_an_order_came_between_is_sent_to_look_again() {
        let connections = Connections::default();
        let (admission, _told) = admit(&connections, "192.0.2.1").ok().unwrap();
        let before = connections.as_of();
        connections.end_account(account(7).id, Closing::Kicked);
        assert_eq!(connections.log_in(admission.id(), &account(1), Role::Member, before), Err(OutOfDate));
        assert_eq!(connections.census().strangers, 1);
        assert_eq!(connections.log_in(admission.id(), &account(1), Role::Member, connections.as_of()), Ok(()));
    }

    #[test]
    fn a_session_has_its_level_at_once() {
        let connections = Connections::default();
        let (admission, _told) = admit(&connections, "192.0.2.1").ok().unwrap();
        let as_of = connections.as_of();
        connections.log_in(admission.id(), &account(1), Role::Member, as_of).unwrap();
        assert_eq!(connections.level_since(admission.id(), as_of), None);
        assert_eq!(connections.set_level(account(1).id, Level::ADMINISTRATOR), 1);
        let (as_of, level) = connections.level_since(admission.id(), as_of).unwrap();
        assert_eq!((level, connections.level_since(admission.id(), as_of)), (Level::ADMINISTRATOR, None));
    }

    #[test]
    fn who_comes_from_a_banned_network_is_ended_and_not_let_in() {
        let connections = Connections::default();
        let (_here, mut told) = admit(&connections, "::ffff:192.0.2.1").ok().unwrap();
        let (_there, mut other) = admit(&connections, "198.51.100.1").ok().unwrap();
        let network: Network = "192.0.2.0/24".parse().unwrap();
        assert_eq!(connections.ban(network, Some(2_000), 1_000), Ended { sessions: 1, transfers: 0 });
        assert_eq!((told.now(), other.now()), (Some(Closing::Banned), None));
        assert_eq!(admit(&connections, "192.0.2.9").err(), Some(Closing::Banned));
        assert!(connections.admit("192.0.2.9".parse().unwrap(), || 2_000).is_ok(), "its time is over");
        connections.unban(network);
        assert!(admit(&connections, "192.0.2.9").is_ok());
    }
}
