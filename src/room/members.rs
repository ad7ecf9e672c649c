//! Who is in the room. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::connections::ConnectionId;
use crate::protocol::name::Name;
use crate::store::record::AccountId;

/// The members: at most one connection for each account.
#[derive(Default)]
pub(super) struct Members {
    connections: HashMap<AccountId, ConnectionId>,
    /// By folded name, so that lists and their pages have one order.
    names: BTreeMap<Arc<str>, Name>,
}

impl Members {
    /// Puts a connection in an account's place; tells the one it replaces.
    pub(super) fn enter(&mut self, account: AccountId, name: &Name, connection: ConnectionId) -> Option<ConnectionId> {
        self.names.insert(name.folded().into(), name.clone());
        self.connections.insert(account, connection)
    }

    /// Takes an account out, unless another connection has replaced this one.
    pub(super) fn leave(&mut self, account: AccountId, name: &Name, connection: ConnectionId) -> bool {
        if self.connections.get(&account) != Some(&connection) {
            return false;
        }
        self.connections.remove(&account);
        self.names.remove(name.folded());
        true
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// Up to `count` names after the first `skip`.
    pub(super) fn names(&self, skip: usize, count: usize) -> Vec<Name> {
        self.names.values().skip(skip).take(count).cloned().collect()
    }
}
