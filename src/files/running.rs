//! The transfers that run, and how many may at once: pure.

use std::collections::HashMap;

use super::TransferId;
use super::disk::PartialKey;
use crate::protocol::file_name::FileName;
use crate::store::queue::Position;
use crate::store::record::{Account, AccountId};

/// A transfer that runs.
pub(super) struct Run {
    /// Whose ticket it began with.
    pub(super) account: Account,
    /// What is being sent; `None` for a download.
    pub(super) upload: Option<(PartialKey, FileName)>,
    /// Where the record of what was sent is in the store's queue, once it is there, and its size.
    pub(super) shared: Option<(Position, u64)>,
}

/// All of them.
pub(super) struct Running {
    most: usize,
    most_an_account: usize,
    runs: HashMap<TransferId, Run>,
    last_id: u64,
}

impl Running {
    pub(super) fn new(most: usize, most_an_account: usize) -> Self {
        Self { most, most_an_account, runs: HashMap::new(), last_id: 0 }
    }

    /// Sets how many an account may have that begins another one.
    pub(super) fn set_most_an_account(&mut self, most: usize) {
        self.most_an_account = most;
    }

    /// Whether another one of this account has to wait.
    pub(super) fn is_full_for(&self, account: AccountId) -> bool {
        let own = self.runs.values().filter(|run| run.account.id == account).count();
        self.runs.len() >= self.most || own >= self.most_an_account
    }

    pub(super) fn begin(&mut self, run: Run) -> TransferId {
        self.last_id += 1;
        let id = TransferId(self.last_id);
        self.runs.insert(id, run);
        id
    }

    pub(super) fn get(&mut self, id: TransferId) -> Option<&mut Run> {
        self.runs.get_mut(&id)
    }

    pub(super) fn end(&mut self, id: TransferId) -> Option<Run> {
        self.runs.remove(&id)
    }

    /// Who is sending a file of this name.
    pub(super) fn sender_of(&self, name: &FileName) -> Option<&Account> {
        let mut senders = self.runs.values().filter_map(|run| run.upload.as_ref().map(|(_, sent)| (&run.account, sent)));
        senders.find(|(_, sent)| *sent == name).map(|(account, _)| account)
    }

    /// Whether this partial is being written.
    pub(super) fn writes(&self, key: PartialKey) -> bool {
        self.runs.values().any(|run| run.upload.as_ref().is_some_and(|(own, _)| *own == key))
    }
}
