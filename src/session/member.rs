//! What a session holds once it has logged in, and how it leaves.

use crate::connections::{AsOf, ConnectionId};
use crate::games::Games;
use crate::store::record::Account;

/// After login.
pub(super) struct Member {
    /// Whether it hears the room.
    pub(super) is_listening: bool,
    pub(super) presence: PresenceGuard,
    /// Since when no order has changed the account.
    pub(super) as_of: AsOf,
}

impl Member {
    pub(super) fn account(&self) -> &Account {
        &self.presence.account
    }
}

/// Leaves the room and its games when dropped, however the session ends: by the way that it came in, so that
/// a leaving never overtakes its entry.
pub(super) struct PresenceGuard {
    pub(super) games: Games,
    pub(super) account: Account,
    pub(super) connection: ConnectionId,
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.games.depart(self.connection, self.account.clone());
    }
}
