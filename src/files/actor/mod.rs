//! The task behind the files. It alone decides who has a name, so that no name has two senders.
//!
//! This file holds what members ask: offer, fetch, withdraw. [`transfers`] is what a ticket begins and how
//! that ends, [`keeping`] what stays on disk and for how long, [`failing`] how a bug costs one request. The actor does short work on the directory
//! itself (open, count, remove), on a background thread; it waits for the room, which never waits, and
//! for nobody else.

mod failing;
mod keeping;
#[cfg(test)]
mod tests;
mod transfers;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::catalogue::{Catalogue, Entry};
use super::disk::{Disk, Extent, PartialKey};
use super::quota::{Quotas, Situation};
use super::running::Running;
use super::tickets::{Right, Tickets};
use super::upload::Means;
use super::{
    Begun, DirectoryError, FetchTicket, Files, Hold, KeepingAll, Limits, OfferTicket, OpenError, Surroundings, TransferId,
    Withdrawal,
};
use crate::auth;
use crate::connections::ConnectionId;
use crate::logging::Seldom;
use crate::panics::{contained, contained_now};
use crate::protocol::digest::Digest;
use crate::protocol::event::Deed;
use crate::protocol::file_name::FileName;
use crate::protocol::refusal::{FileExists, Refusal};
use crate::protocol::request::TransferRequest;
use crate::room::{Posted, Room};
use crate::store::queue::{Queue, Slot};
use crate::store::read::{Reader, Shared};
use crate::store::record::{Account, AccountId, Level, RoomId};

/// What the files are asked; see the methods of [`Files`].
pub(super) enum Command {
    Offer {
        account: Account,
        name: FileName,
        answer: oneshot::Sender<Result<OfferTicket, Refusal>>,
    },
    Fetch {
        account: Account,
        name: FileName,
        answer: oneshot::Sender<Result<FetchTicket, Refusal>>,
    },
    Withdraw {
        account: Account,
        name: FileName,
        from: ConnectionId,
        slot: Slot,
        answer: oneshot::Sender<Result<Withdrawal, Refusal>>,
    },
    Begin {
        request: TransferRequest,
        answer: oneshot::Sender<Result<Begun, Refusal>>,
    },
    Revoke {
        account: AccountId,
        answer: oneshot::Sender<()>,
    },
    Tickets {
        answer: oneshot::Sender<usize>,
    },
    Hold {
        digest: Digest,
        answer: oneshot::Sender<Hold>,
    },
    Release {
        digest: Digest,
    },
    HoldAll {
        answer: oneshot::Sender<KeepingAll>,
    },
    ReleaseAll,
    Share {
        id: TransferId,
        digest: Digest,
        size_bytes: u64,
        slot: Slot,
        answer: oneshot::Sender<Result<Posted, Refusal>>,
    },
    End {
        id: TransferId,
        keeps_partial: bool,
    },
    DropRecorded {
        key: PartialKey,
        size_bytes: u64,
    },
    PrunePartials,
    SetLimits(Limits),
    PruneFile {
        slot: Slot,
        answer: oneshot::Sender<bool>,
    },
}

pub(super) struct Actor {
    files: Files,
    room: Room,
    queue: Queue,
    reader: Reader,
    background: Handle,
    disk: Arc<Disk>,
    limits: Limits,
    /// What the files of the room may take if nothing else is said.
    half_of_disk_bytes: u64,
    disk_warning: Seldom,
    catalogue: Catalogue,
    tickets: Tickets,
    /// What has come of files that are not whole, or are not recorded yet.
    partials: HashMap<PartialKey, Extent>,
    running: Running,
    /// Blobs in use by a transfer, or whose withdrawal is not durable yet.
    holds: HashMap<Digest, usize>,
    /// How often all blobs are kept, needed or not.
    holds_on_all: usize,
}

impl Actor {
    pub(super) fn open(
        files: Files,
        data: &Path,
        limits: Limits,
        around: Surroundings,
        shared: Vec<Shared>,
    ) -> Result<Self, OpenError> {
        let Surroundings { room, queue, reader, background, transfers } = around;
        let disk = Arc::new(Disk::open(data)?);
        let (mut catalogue, mut named, mut done) = (Catalogue::default(), HashSet::new(), HashSet::new());
        for entry in entries(shared) {
            let file = &entry.file;
            let blob = disk.blob(file.digest);
            if !blob.exists() {
                log::error!("the bytes of {} are missing: {}; restore them from a backup", file.name, blob.display());
            }
            named.insert(file.digest);
            done.insert(key(room.id(), entry.owner, &file.name));
            catalogue.insert(entry);
        }
        let partials = disk.sweep(&named, &done, limits.keep_partials).map_err(DirectoryError::Io)?;
        let half_of_disk_bytes = disk.space().map_err(DirectoryError::Io)?.total_bytes / 2;
        Ok(Self {
            files,
            room,
            queue,
            reader,
            background,
            disk,
            limits,
            half_of_disk_bytes,
            disk_warning: Seldom::default(),
            catalogue,
            tickets: Tickets::new(limits.ticket_timeout),
            partials,
            running: Running::new(transfers, limits.account_transfers),
            holds: HashMap::new(),
            holds_on_all: 0,
        })
    }

    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Command>) {
        while let Some(command) = mailbox.recv().await {
            self.obey(command).await;
        }
    }

    async fn obey(&mut self, command: Command) {
        // Whoever asked may be gone; then the answer is dropped, here and below. What it held goes back.
        match command {
            Command::Offer { account, name, answer } => {
                let done = contained_now(|| self.offer(account, name));
                _ = answer.send(self.unless_panicked(done).await);
            }
            Command::Fetch { account, name, answer } => {
                let done = contained_now(|| self.fetch(account, name));
                _ = answer.send(self.unless_panicked(done).await);
            }
            Command::Withdraw { account, name, from, slot, answer } => {
                let done = contained(self.withdraw(account, &name, from, slot)).await;
                _ = answer.send(self.unless_panicked(done).await);
            }
            Command::Begin { request, answer } => {
                let done = contained_now(|| self.begin(&request));
                _ = answer.send(self.unless_panicked(done).await);
            }
            Command::Revoke { account, answer } => {
                self.tickets.revoke_all(account);
                let _ = answer.send(());
            }
            Command::Tickets { answer } => _ = answer.send(self.tickets.count(Instant::now())),
            Command::Hold { digest, answer } => _ = answer.send(self.hold(digest)),
            // Who asked may have gone: then the answer is dropped, and with it the hold.
            Command::HoldAll { answer } => _ = answer.send(self.hold_all()),
            Command::Share { id, digest, size_bytes, slot, answer } => {
                let done = contained(self.share(id, digest, size_bytes, slot)).await;
                _ = answer.send(self.unless_panicked(done).await);
            }
            Command::PruneFile { slot, answer } => {
                let done = contained(self.prune_file(slot)).await;
                _ = answer.send(self.unless_panicked(done.map(Ok)).await.unwrap_or(false));
            }
            told => {
                let done = contained_now(|| self.hear(told));
                let _ = self.unless_panicked(done.map(Ok)).await;
            }
        }
    }

    /// What nobody waits for.
    fn hear(&mut self, command: Command) {
        match command {
            Command::Release { digest } => self.release(digest),
            Command::ReleaseAll => self.release_all(),
            Command::End { id, keeps_partial } => self.end(id, keeps_partial),
            Command::DropRecorded { key, size_bytes } => self.drop_recorded(key, size_bytes),
            Command::PrunePartials => self.prune_partials(),
            Command::SetLimits(limits) => self.set_limits(limits),
            // They are answered.
            Command::Offer { .. } | Command::Fetch { .. } | Command::Withdraw { .. } | Command::Begin { .. } => (),
            Command::Hold { .. } | Command::HoldAll { .. } | Command::Share { .. } | Command::PruneFile { .. } => (),
            Command::Revoke { .. } | Command::Tickets { .. } => (),
        }
    }

    fn offer(&mut self, account: Account, name: FileName) -> Result<OfferTicket, Refusal> {
        #[cfg(test)]
        tests::panic_at(tests::Bug::Offer);
        if let Some(exists) = self.holder_of(&name, &account) {
            return Err(Refusal::FileExists(Box::new(exists)));
        }
        let key = self.key(account.id, &name);
        let offset_bytes = self.partials.get(&key).map_or(0, |extent| extent.received_bytes);
        let limit_bytes = self.largest_file(key, offset_bytes)?;
        let (ticket, hash) = auth::new_token()?;
        self.tickets.issue(hash, account, Right::Upload { name, offset_bytes }, Instant::now());
        Ok(OfferTicket { ticket, timeout: self.limits.ticket_timeout, offset_bytes, limit_bytes })
    }

    /// Who has this name, if it is not free for the account to send a file under.
    fn holder_of(&self, name: &FileName, account: &Account) -> Option<FileExists> {
        if let Some(Entry { file, owner, owner_name, .. }) = self.catalogue.get(name) {
            return Some(FileExists::Shared {
                file_name: file.name.clone(),
                by: owner_name.clone(),
                is_own: *owner == account.id,
                free_name: self.free_name(name, account.id),
            });
        }
        self.sender_of(name, account.id).map(|sender| FileExists::Uploading {
            by: sender.name.clone(),
            is_own: sender.id == account.id,
            free_name: self.free_name(name, account.id),
        })
    }

    /// Who sends a file of this name, or is about to; one's own tickets are in nobody's way.
    fn sender_of(&self, name: &FileName, account: AccountId) -> Option<&Account> {
        self.running.sender_of(name).or_else(|| self.tickets.other_sender(name, account, Instant::now()))
    }

    /// One of `report-2.pdf`, `report-3.pdf` … that an account could send: the first, if it is among the
    /// first hundred; else one that is found as quickly.
    fn free_name(&self, name: &FileName, account: AccountId) -> FileName {
        let is_free = |name: &FileName| self.catalogue.get(name).is_none() && self.sender_of(name, account).is_none();
        let numbers = (2..100).chain((7..u32::BITS).map(|power| 1 << power));
        numbers.map(|number| name.numbered(number)).find(is_free).unwrap_or_else(|| name.numbered(u32::MAX))
    }

    /// The largest size that a file may have which an account sends, or goes on with, now.
    fn largest_file(&mut self, key: PartialKey, received_bytes: u64) -> Result<u64, Refusal> {
        if self.disk.has_lost_names() {
            return Err(Refusal::FileFailed);
        }
        let (mut account, mut room) = (self.catalogue.usage(key.account), self.catalogue.total());
        for (&other, extent) in self.partials.iter().filter(|(other, _)| **other != key) {
            // What rests takes what has come; what is coming needs its whole size.
            let size_bytes = if self.running.writes(other) { extent.size_bytes } else { extent.received_bytes };
            room.add(size_bytes);
            if other.account == key.account {
                account.add(size_bytes);
            }
        }
        let free_bytes = self.disk.space()?.free_bytes.saturating_sub(self.limits.disk_reserve_bytes);
        if free_bytes == 0 && self.disk_warning.is_due() {
            log::warn!("no more space on the disk than --disk-reserve-mib leaves free: files are refused, talk goes on");
        }
        let Limits { file_bytes, account_bytes, room_bytes, .. } = self.limits;
        let quotas = Quotas { file_bytes, account_bytes, room_bytes: room_bytes.unwrap_or(self.half_of_disk_bytes) };
        quotas.largest_file(Situation { account, room, received_bytes, free_bytes })
    }

    fn fetch(&mut self, account: Account, name: FileName) -> Result<FetchTicket, Refusal> {
        let Some(entry) = self.catalogue.get(&name) else { return Err(Refusal::NoSuchFile(name)) };
        let (shared_seq, file) = (entry.seq, entry.file.clone());
        let (ticket, hash) = auth::new_token()?;
        self.tickets.issue(hash, account, Right::Download { name, shared_seq }, Instant::now());
        Ok(FetchTicket { ticket, timeout: self.limits.ticket_timeout, file })
    }

    fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.tickets.set_lifetime(limits.ticket_timeout);
        self.running.set_most_an_account(limits.account_transfers);
    }

    async fn withdraw(
        &mut self,
        account: Account,
        name: &FileName,
        from: ConnectionId,
        slot: Slot,
    ) -> Result<Withdrawal, Refusal> {
        let entry = self.catalogue.get(name);
        if let Some(entry) = entry.filter(|entry| entry.owner == account.id || account.level == Level::ADMINISTRATOR) {
            let Posted { seq, position, .. } = self.take_down(entry.clone(), Some(account), Some(from), slot).await;
            return Ok(Withdrawal::Withdrawn { seq, position });
        }
        let not_done = match entry {
            Some(entry) => Refusal::NotYours(entry.owner_name.clone()),
            None => Refusal::NoSuchFile(name.clone()),
        };
        let key = self.key(account.id, name);
        let had_ticket = self.tickets.revoke_upload(account.id, name);
        let has_partial = self.partials.contains_key(&key) && !self.running.writes(key);
        self.drop_partial(key);
        if had_ticket || has_partial { Ok(Withdrawal::Dropped) } else { Err(not_done) }
    }

    fn key(&self, account: AccountId, name: &FileName) -> PartialKey {
        key(self.room.id(), account, name)
    }
}

fn key(room: RoomId, account: AccountId, name: &FileName) -> PartialKey {
    let hash: [u8; 32] = Sha256::digest(name.folded().as_bytes()).into();
    let (half, _) = hash.split_at(16);
    let name_hash = half.iter().fold(0, |number, &byte| number << 8 | u128::from(byte));
    PartialKey { account, room, name_hash }
}

/// What the store says is shared, as the catalogue has it.
fn entries(shared: Vec<Shared>) -> impl Iterator<Item = Entry> {
    shared.into_iter().filter_map(|Shared { event, owner }| {
        let Deed::File { from, file } = event.deed else { return None };
        Some(Entry { seq: event.seq, at_ms: event.at_ms, owner, owner_name: from, file })
    })
}
