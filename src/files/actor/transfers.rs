//! What a ticket begins, and how it ends.

use std::sync::Arc;
use std::time::Instant;

use super::super::catalogue::Entry;
use super::super::disk::{Extent, PartialKey};
use super::super::running::Run;
use super::super::tickets::{Grant, Right};
use super::super::upload::Upload;
use super::super::{Begun, Download, Ongoing, Transfer, TransferId};
use super::{Actor, Command, Means};
use crate::auth;
use crate::clock::now_ms;
use crate::protocol::digest::Digest;
use crate::protocol::event::{Deed, SharedFile};
use crate::protocol::file_name::FileName;
use crate::protocol::refusal::{Refusal, SizeMismatch};
use crate::protocol::request::TransferRequest;
use crate::room::{Posted, Posting};
use crate::store::queue::Slot;
use crate::store::record::Account;

impl Actor {
    pub(super) fn begin(&mut self, request: &TransferRequest) -> Result<Begun, Refusal> {
        let hash = auth::hash_token(request.ticket.expose());
        let Some(Grant { account, right, .. }) = self.tickets.get(&hash, Instant::now()).cloned() else {
            return Err(Refusal::BadTicket);
        };
        if self.running.is_full_for(account.id) {
            return Err(Refusal::BusyTransfers);
        }
        let owner = account.clone();
        let transfer = match (right, request.size_bytes, request.digest) {
            (Right::Download { name, .. }, offset_bytes, None) => {
                self.tickets.use_up(&hash);
                self.begin_download(account, &name, offset_bytes.unwrap_or(0)).map(Transfer::Download)
            }
            // A command that is run where the file is not sends just this: no bytes, and no hash of them.
            (Right::Upload { .. }, Some(0), None) | (Right::Upload { offset_bytes: 1.., .. }, Some(_), None) => {
                Err(Refusal::HashNeeded)
            }
            (Right::Upload { name, offset_bytes }, Some(size_bytes), digest) => {
                self.tickets.use_up(&hash);
                let extent = Extent { size_bytes, received_bytes: offset_bytes };
                self.begin_upload(account, name, extent, digest).map(Box::new).map(Transfer::Upload)
            }
            _ => Err(Refusal::BadTicket),
        };
        Ok(Begun { account: owner, transfer: transfer? })
    }

    fn begin_download(&mut self, account: Account, name: &FileName, offset_bytes: u64) -> Result<Download, Refusal> {
        // Withdrawal kills the ticket, so it is there.
        let Some(Entry { file, .. }) = self.catalogue.get(name) else { return Err(Refusal::BadTicket) };
        let (digest, size_bytes) = (file.digest, file.size_bytes);
        if offset_bytes > size_bytes {
            return Err(Refusal::SizeMismatch(SizeMismatch::PastEnd { size_bytes }));
        }
        let file = std::fs::File::open(self.disk.blob(digest))?;
        let _ongoing = self.admit(Run { account, upload: None, shared: None });
        Ok(Download { file, size_bytes, offset_bytes, _hold: self.hold(digest), _ongoing })
    }

    /// Begins an upload that is to go on from `extent`, as far as the sender knows.
    fn begin_upload(
        &mut self,
        account: Account,
        name: FileName,
        extent: Extent,
        expected: Option<Digest>,
    ) -> Result<Upload, Refusal> {
        let key = self.key(account.id, &name);
        let kept = self.partials.get(&key).copied();
        if kept.is_some_and(|kept| kept.size_bytes != extent.size_bytes) {
            self.drop_partial(key);
            return Err(Refusal::SizeMismatch(SizeMismatch::OtherFile));
        }
        // It may have been kept long enough in the meantime. And the ticket held the name; but should that
        // ever fail, two records of one name would be the end of the daemon.
        let received_bytes = kept.map_or(0, |kept| kept.received_bytes);
        if received_bytes != extent.received_bytes || self.catalogue.get(&name).is_some() {
            return Err(Refusal::BadTicket);
        }
        let limit_bytes = self.largest_file(key, received_bytes)?;
        if extent.size_bytes > limit_bytes {
            return Err(Refusal::TooLarge { limit_bytes });
        }
        let partial = self.disk.open_partial(key, extent)?;
        self.partials.insert(key, extent);
        let ongoing = self.admit(Run { account, upload: Some((key, name)), shared: None });
        let means = Means {
            files: self.files.clone(),
            queue: self.queue.clone(),
            disk: self.disk.clone(),
            disk_reserve_bytes: self.limits.disk_reserve_bytes,
        };
        Ok(Upload::new(partial, expected, means, ongoing))
    }

    fn admit(&mut self, run: Run) -> Ongoing {
        let id = self.running.begin(run);
        Ongoing { id, files: self.files.clone(), is_in_doubt: Arc::default(), is_over: false }
    }

    /// The bytes are on disk under their hash: now the room is told, and the record goes with the event.
    pub(super) async fn share(
        &mut self,
        id: TransferId,
        digest: Digest,
        size_bytes: u64,
        slot: Slot,
    ) -> Result<Posted, Refusal> {
        let Some(Run { account, upload: Some((key, name)), shared }) = self.running.get(id) else {
            return Err(Refusal::BadTicket);
        };
        let file = SharedFile { name: name.clone(), size_bytes, digest };
        let deed = Deed::File { from: account.name.clone(), file: file.clone() };
        let posted = self.room.post(Posting::new(deed, Some(account.clone()), None), slot).await;
        #[cfg(test)]
        super::tests::panic_at(super::tests::Bug::Share);
        *shared = Some((posted.position, size_bytes));
        // Counted as a shared file from here on.
        self.partials.remove(key);
        let Account { id: owner, name: owner_name, .. } = account.clone();
        self.catalogue.insert(Entry { seq: posted.seq, at_ms: now_ms(), owner, owner_name, file });
        Ok(posted)
    }

    pub(super) fn end(&mut self, id: TransferId, keeps_partial: bool) {
        let Some(Run { upload: Some((key, _)), shared, .. }) = self.running.end(id) else { return };
        if let Some((position, size_bytes)) = shared {
            if !keeps_partial {
                // Recorded in time: the upload has removed what came itself.
                return;
            }
            // The record is late: until it is durable a crash would leave nothing but the partial.
            let (queue, mailbox) = (self.queue.clone(), self.files.mailbox.clone());
            self.background.spawn(async move {
                queue.durable_at_last(position).await;
                mailbox.send(Command::DropRecorded { key, size_bytes }).await;
            });
        } else if let Some(extent) = self.partials.get_mut(&key) {
            extent.received_bytes = self.disk.received_bytes(key, extent.size_bytes);
            if !keeps_partial || extent.received_bytes == 0 {
                self.drop_partial(key);
            }
        }
    }

    /// Removes what came of a file that is recorded, unless its sender has begun anew.
    pub(super) fn drop_recorded(&mut self, key: PartialKey, size_bytes: u64) {
        if !self.running.writes(key) && !self.partials.contains_key(&key) {
            self.disk.remove_partial(key, size_bytes);
        }
    }
}
