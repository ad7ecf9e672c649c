//! What stays on disk, and for how long: files until they are withdrawn, blobs while something needs
//! them, partials for a while.

use super::super::catalogue::Entry;
use super::super::disk::{Extent, PartialKey};
use super::super::{Hold, KeepingAll};
use super::Actor;
use crate::clock::earliest_now_ms;
use crate::connections::ConnectionId;
use crate::protocol::digest::Digest;
use crate::protocol::event::Deed;
use crate::room::{Posted, Posting};
use crate::store::queue::Slot;
use crate::store::record::Account;

impl Actor {
    /// Takes a file from the shelf.
    pub(super) async fn take_down(
        &mut self,
        entry: Entry,
        by: Option<Account>,
        from: Option<ConnectionId>,
        slot: Slot,
    ) -> Posted {
        let Entry { seq: shared_seq, file, .. } = entry;
        self.catalogue.remove(&file.name);
        self.tickets.withdraw(shared_seq);
        #[cfg(test)]
        super::tests::panic_at(super::tests::Bug::TakeDown);
        let deed = Deed::Withdrawn { from: by.as_ref().map(|by| by.name.clone()), file_name: file.name, shared_seq };
        let posted = self.room.post(Posting::new(deed, by, from), slot).await;
        // Until that is durable a crash would bring the name back: then its bytes must still be there.
        let (hold, queue, position) = (self.hold(file.digest), self.queue.clone(), posted.position);
        self.background.spawn(async move {
            queue.durable_at_last(position).await;
            drop(hold);
        });
        posted
    }

    /// Takes down one file that has been shared for as long as files are; false if there is none.
    pub(super) async fn prune_file(&mut self, slot: Slot) -> bool {
        let Some(keep) = self.limits.keep_files else { return false };
        let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let Some(entry) = self.catalogue.older_than(earliest_now_ms().saturating_sub(keep_ms)) else { return false };
        self.take_down(entry.clone(), None, None, slot).await;
        true
    }

    pub(super) fn hold(&mut self, digest: Digest) -> Hold {
        *self.holds.entry(digest).or_default() += 1;
        Hold { digest, files: self.files.clone() }
    }

    pub(super) fn release(&mut self, digest: Digest) {
        let holds = self.holds.entry(digest).or_default();
        *holds = holds.saturating_sub(1);
        if *holds == 0 {
            self.holds.remove(&digest);
            if !self.catalogue.names(digest) && self.holds_on_all == 0 {
                self.disk.remove_blob(digest);
            }
        }
    }

    pub(super) fn hold_all(&mut self) -> KeepingAll {
        self.holds_on_all += 1;
        KeepingAll { files: self.files.clone() }
    }

    /// What could not be removed meanwhile is found in the directory: a list of it could grow without a bound.
    pub(super) fn release_all(&mut self) {
        self.holds_on_all = self.holds_on_all.saturating_sub(1);
        if self.holds_on_all == 0 {
            let is_needed = |digest| self.catalogue.names(digest) || self.holds.contains_key(&digest);
            if let Err(error) = self.disk.remove_blobs_but(is_needed) {
                log::error!("files: cannot look for what nothing names: {error}; the next start tries again");
            }
        }
    }

    /// Removes a partial, unless it is being written.
    pub(super) fn drop_partial(&mut self, key: PartialKey) {
        if !self.running.writes(key)
            && let Some(Extent { size_bytes, .. }) = self.partials.remove(&key)
        {
            self.disk.remove_partial(key, size_bytes);
        }
    }

    /// Removes partials that have been kept long enough.
    pub(super) fn prune_partials(&mut self) {
        let (disk, keep) = (&self.disk, self.limits.keep_partials);
        let old = self.partials.iter().filter(|(key, extent)| !disk.is_kept(**key, extent.size_bytes, keep));
        let old: Vec<PartialKey> = old.map(|(&key, _)| key).collect();
        old.into_iter().for_each(|key| self.drop_partial(key));
    }
}
