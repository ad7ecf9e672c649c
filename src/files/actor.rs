//! The task behind the files. It alone decides who has a name, so that no name has two senders.
//!
//! It does short work on the directory itself (open, link count, remove), on a background thread; it
//! waits for the room, which never waits, and for nobody else.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::catalogue::{Catalogue, Entry};
use super::disk::{Disk, Found, PartialKey};
use super::quota::{Quotas, Situation};
use super::running::{Run, Running};
use super::tickets::{Grant, Right, Tickets};
use super::upload::{Hashing, Upload};
use super::{Download, Files, Hold, Limits, OfferTicket, Ongoing, OpenError, Surroundings, Transfer, TransferId, Withdrawal};
use crate::auth;
use crate::clock::now_ms;
use crate::protocol::digest::Digest;
use crate::protocol::event::{Deed, SharedFile};
use crate::protocol::file_name::FileName;
use crate::protocol::refusal::{FileExists, Refusal, SizeMismatch};
use crate::protocol::request::TransferRequest;
use crate::room::{ConnectionId, Posted, Posting, Room};
use crate::store::queue::{Queue, Slot};
use crate::store::read::Shared;
use crate::store::record::{Account, AccountId, Level};

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
        answer: oneshot::Sender<Result<(String, SharedFile), Refusal>>,
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
        answer: oneshot::Sender<Result<Transfer, Refusal>>,
    },
    Hold {
        digest: Digest,
        answer: oneshot::Sender<Hold>,
    },
    Release {
        digest: Digest,
    },
    Share {
        id: TransferId,
        digest: Digest,
        size_bytes: u64,
        slot: Slot,
        answer: oneshot::Sender<Posted>,
    },
    End {
        id: TransferId,
        keeps_partial: bool,
    },
    DropPartial {
        key: PartialKey,
    },
    PrunePartials,
    PruneFile {
        keep: Duration,
        slot: Slot,
        answer: oneshot::Sender<bool>,
    },
}

pub(super) struct Actor {
    files: Files,
    room: Room,
    queue: Queue,
    background: Handle,
    quotas: Quotas,
    disk_reserve_bytes: u64,
    keep_partials: Duration,
    disk: Arc<Disk>,
    catalogue: Catalogue,
    tickets: Tickets,
    /// The whole size of each file that has come in part, or is coming.
    partials: HashMap<PartialKey, u64>,
    running: Running,
    /// Blobs in use by a transfer, or whose withdrawal is not durable yet.
    holds: HashMap<Digest, usize>,
}

impl Actor {
    pub(super) fn open(
        files: Files,
        data: &Path,
        limits: Limits,
        around: Surroundings,
        shared: Vec<Shared>,
    ) -> Result<Self, OpenError> {
        let disk = Arc::new(Disk::open(data)?);
        let mut catalogue = Catalogue::default();
        let mut named = HashSet::new();
        for Shared { event, owner } in shared {
            let Deed::File { from, file } = event.deed else { continue };
            named.insert(file.digest);
            if !disk.blob(file.digest).exists() {
                log::error!(
                    "the bytes of {} are missing: {}; restore them from a backup",
                    file.name,
                    disk.blob(file.digest).display()
                );
            }
            catalogue.insert(Entry { seq: event.seq, at_ms: event.at_ms, owner, owner_name: from, file });
        }
        let partials = disk.sweep(&named, limits.keep_partials)?;
        let partials = partials.into_iter().map(|Found { key, size_bytes }| (key, size_bytes)).collect();
        let Surroundings { room, queue, background, .. } = around;
        let room_bytes = limits.room_bytes.unwrap_or(disk.space()?.total_bytes / 2);
        Ok(Self {
            files,
            room,
            queue,
            background,
            quotas: Quotas { file_bytes: limits.file_bytes, account_bytes: limits.account_bytes, room_bytes },
            disk_reserve_bytes: limits.disk_reserve_bytes,
            keep_partials: limits.keep_partials,
            disk,
            catalogue,
            tickets: Tickets::new(limits.ticket_timeout),
            partials,
            running: Running::new(limits.transfers, limits.account_transfers),
            holds: HashMap::new(),
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
            Command::Offer { account, name, answer } => _ = answer.send(self.offer(account, name)),
            Command::Fetch { account, name, answer } => _ = answer.send(self.fetch(account, name)),
            Command::Withdraw { account, name, from, slot, answer } => {
                _ = answer.send(self.withdraw(account, &name, from, slot).await);
            }
            Command::Begin { request, answer } => _ = answer.send(self.begin(&request)),
            Command::Hold { digest, answer } => _ = answer.send(self.hold(digest)),
            Command::Release { digest } => self.release(digest),
            Command::Share { id, digest, size_bytes, slot, answer } => {
                if let Some(posted) = self.share(id, digest, size_bytes, slot).await {
                    let _ = answer.send(posted);
                }
            }
            Command::End { id, keeps_partial } => self.end(id, keeps_partial),
            Command::DropPartial { key } => self.drop_partial(key),
            Command::PrunePartials => self.prune_partials(),
            Command::PruneFile { keep, slot, answer } => {
                let _ = answer.send(self.prune_file(keep, slot).await);
            }
        }
    }

    fn offer(&mut self, account: Account, name: FileName) -> Result<OfferTicket, Refusal> {
        if let Some(exists) = self.holder_of(&name, &account) {
            return Err(Refusal::FileExists(Box::new(exists)));
        }
        let key = self.key(account.id, &name);
        let kept = self.partials.get(&key);
        let offset_bytes = kept.map_or(0, |&size_bytes| self.disk.received_bytes(key, size_bytes));
        let limit_bytes = self.largest_file(key, offset_bytes)?;
        let (ticket, hash) = auth::new_token()?;
        self.tickets.issue(hash, account, Right::Upload { name, offset_bytes }, Instant::now());
        Ok(OfferTicket { ticket, offset_bytes, limit_bytes })
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
        self.sender_of(name, account.id).map(|sender| FileExists::Uploading { by: sender.name.clone() })
    }

    /// Who sends a file of this name, or is about to; one's own tickets are in nobody's way.
    fn sender_of(&self, name: &FileName, account: AccountId) -> Option<&Account> {
        self.running.sender_of(name).or_else(|| self.tickets.other_sender(name, account, Instant::now()))
    }

    /// The first of `report-2.pdf`, `report-3.pdf` … that an account could send.
    fn free_name(&self, name: &FileName, account: AccountId) -> FileName {
        let is_free = |name: &FileName| self.catalogue.get(name).is_none() && self.sender_of(name, account).is_none();
        // There are more numbers than files.
        (2..).map(|number| name.numbered(number)).find(is_free).unwrap_or_else(|| name.clone())
    }

    /// The largest size that a file may have which an account sends, or goes on with, now.
    fn largest_file(&self, key: PartialKey, received_bytes: u64) -> Result<u64, Refusal> {
        let (mut account, mut room) = (self.catalogue.usage(key.account), self.catalogue.total());
        for (other, &size_bytes) in self.partials.iter().filter(|(other, _)| **other != key) {
            room.add(size_bytes);
            if other.account == key.account {
                account.add(size_bytes);
            }
        }
        let free_bytes = self.disk.space()?.free_bytes.saturating_sub(self.disk_reserve_bytes);
        self.quotas.largest_file(Situation { account, room, received_bytes, free_bytes })
    }

    fn fetch(&mut self, account: Account, name: FileName) -> Result<(String, SharedFile), Refusal> {
        let Some(entry) = self.catalogue.get(&name) else { return Err(Refusal::NoSuchFile(name)) };
        let (shared_seq, file) = (entry.seq, entry.file.clone());
        let (ticket, hash) = auth::new_token()?;
        self.tickets.issue(hash, account, Right::Download { name, shared_seq }, Instant::now());
        Ok((ticket, file))
    }

    async fn withdraw(
        &mut self,
        account: Account,
        name: &FileName,
        from: ConnectionId,
        slot: Slot,
    ) -> Result<Withdrawal, Refusal> {
        let Some(entry) = self.catalogue.get(name) else {
            let key = self.key(account.id, name);
            if self.running.writes(key) || !self.partials.contains_key(&key) {
                return Err(Refusal::NoSuchFile(name.clone()));
            }
            self.drop_partial(key);
            return Ok(Withdrawal::Dropped);
        };
        if entry.owner != account.id && account.level != Level::ADMINISTRATOR {
            return Err(Refusal::NotYours(entry.owner_name.clone()));
        }
        let Posted { seq, position, .. } = self.take_down(entry.clone(), Some(account), Some(from), slot).await;
        Ok(Withdrawal::Withdrawn { seq, position })
    }

    /// Takes a file from the shelf.
    async fn take_down(&mut self, entry: Entry, by: Option<Account>, from: Option<ConnectionId>, slot: Slot) -> Posted {
        let Entry { seq: shared_seq, file, .. } = entry;
        self.catalogue.remove(&file.name);
        self.tickets.withdraw(shared_seq);
        let deed = Deed::Withdrawn { from: by.as_ref().map(|by| by.name.clone()), file_name: file.name, shared_seq };
        let posted = self.room.post(Posting { deed, author: by, from }, slot).await;
        // Until that is durable a crash would bring the name back: then its bytes must still be there.
        let (hold, queue, position) = (self.hold(file.digest), self.queue.clone(), posted.position);
        self.background.spawn(async move {
            queue.durable_at_last(position).await;
            drop(hold);
        });
        posted
    }

    fn begin(&mut self, request: &TransferRequest) -> Result<Transfer, Refusal> {
        let hash = auth::hash_token(request.ticket.expose());
        let Some(Grant { account, right, .. }) = self.tickets.get(&hash, Instant::now()).cloned() else {
            return Err(Refusal::BadTicket);
        };
        if self.running.is_full_for(account.id) {
            return Err(Refusal::BusyTransfers);
        }
        match (right, request.size_bytes, request.digest) {
            (Right::Download { name, .. }, offset_bytes, None) => {
                self.tickets.use_up(&hash);
                self.begin_download(account, &name, offset_bytes.unwrap_or(0)).map(Transfer::Download)
            }
            (Right::Upload { offset_bytes: 1.., .. }, Some(_), None) => Err(Refusal::HashNeeded),
            (Right::Upload { name, offset_bytes }, Some(size_bytes), digest) => {
                self.tickets.use_up(&hash);
                self.begin_upload(account, name, offset_bytes, size_bytes, digest).map(Box::new).map(Transfer::Upload)
            }
            _ => Err(Refusal::BadTicket),
        }
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

    fn begin_upload(
        &mut self,
        account: Account,
        name: FileName,
        offset_bytes: u64,
        size_bytes: u64,
        expected: Option<Digest>,
    ) -> Result<Upload, Refusal> {
        let key = self.key(account.id, &name);
        if self.partials.get(&key).is_some_and(|&kept| kept != size_bytes) {
            self.drop_partial(key);
            return Err(Refusal::SizeMismatch(SizeMismatch::OtherFile));
        }
        let received_bytes = self.disk.received_bytes(key, size_bytes);
        if received_bytes != offset_bytes {
            // It was kept long enough in the meantime.
            return Err(Refusal::BadTicket);
        }
        let limit_bytes = self.largest_file(key, received_bytes)?;
        if size_bytes > limit_bytes {
            return Err(Refusal::TooLarge { limit_bytes });
        }
        let file = Arc::new(self.disk.open_partial(key, size_bytes)?);
        self.partials.insert(key, size_bytes);
        let ongoing = self.admit(Run { account, upload: Some((key, name)), shared: None });
        Ok(Upload {
            file,
            path: self.disk.partial(key, size_bytes),
            disk: Arc::clone(&self.disk),
            disk_reserve_bytes: self.disk_reserve_bytes,
            queue: self.queue.clone(),
            files: self.files.clone(),
            ongoing,
            size_bytes,
            received_bytes,
            expected,
            hashing: Hashing::Idle(Sha256::new()),
            flushing: None,
            unflushed_bytes: 0,
        })
    }

    fn admit(&mut self, run: Run) -> Ongoing {
        let id = self.running.begin(run);
        Ongoing { id, files: self.files.clone(), is_over: false }
    }

    /// The bytes are on disk under their hash: now the room is told, and the record goes with the event.
    async fn share(&mut self, id: TransferId, digest: Digest, size_bytes: u64, slot: Slot) -> Option<Posted> {
        let Run { account, upload: Some((_, name)), .. } = self.running.get(id)? else { return None };
        let (account, file) = (account.clone(), SharedFile { name: name.clone(), size_bytes, digest });
        let deed = Deed::File { from: account.name.clone(), file: file.clone() };
        let posted = self.room.post(Posting { deed, author: Some(account.clone()), from: None }, slot).await;
        if let Some(run) = self.running.get(id) {
            run.shared = Some(posted.position);
        }
        let Account { id: owner, name: owner_name, .. } = account;
        self.catalogue.insert(Entry { seq: posted.seq, at_ms: now_ms(), owner, owner_name, file });
        Some(posted)
    }

    fn end(&mut self, id: TransferId, keeps_partial: bool) {
        let Some(Run { upload: Some((key, _)), shared, .. }) = self.running.end(id) else { return };
        let Some(&size_bytes) = self.partials.get(&key) else { return };
        match shared {
            // Its record is late: until it is durable a crash would leave nothing but the partial.
            Some(position) if keeps_partial => {
                let (queue, mailbox) = (self.queue.clone(), self.files.mailbox.clone());
                self.background.spawn(async move {
                    queue.durable_at_last(position).await;
                    mailbox.send(Command::DropPartial { key }).await;
                });
            }
            _ if keeps_partial && self.disk.received_bytes(key, size_bytes) > 0 => (),
            _ => self.drop_partial(key),
        }
    }

    /// Removes a partial that is not being written.
    fn drop_partial(&mut self, key: PartialKey) {
        if !self.running.writes(key)
            && let Some(size_bytes) = self.partials.remove(&key)
        {
            self.disk.remove_partial(key, size_bytes);
        }
    }

    fn prune_partials(&mut self) {
        let is_old = |&(&key, &size_bytes): &(&PartialKey, &u64)| !self.disk.is_kept(key, size_bytes, self.keep_partials);
        let old: Vec<PartialKey> = self.partials.iter().filter(is_old).map(|(&key, _)| key).collect();
        old.into_iter().for_each(|key| self.drop_partial(key));
    }

    /// Takes down one file that has been shared for longer than `keep`; false if there is none.
    async fn prune_file(&mut self, keep: Duration, slot: Slot) -> bool {
        let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let Some(entry) = self.catalogue.older_than(now_ms().saturating_sub(keep_ms)) else { return false };
        self.take_down(entry.clone(), None, None, slot).await;
        true
    }

    fn hold(&mut self, digest: Digest) -> Hold {
        *self.holds.entry(digest).or_default() += 1;
        Hold { digest, files: self.files.clone() }
    }

    fn release(&mut self, digest: Digest) {
        let holds = self.holds.entry(digest).or_default();
        *holds = holds.saturating_sub(1);
        if *holds == 0 {
            self.holds.remove(&digest);
            if !self.catalogue.names(digest) {
                self.disk.remove_blob(digest);
            }
        }
    }

    fn key(&self, account: AccountId, name: &FileName) -> PartialKey {
        let hash: [u8; 32] = Sha256::digest(name.folded().as_bytes()).into();
        let (half, _) = hash.split_at(16);
        let name_hash = half.iter().fold(0, |number, &byte| number << 8 | u128::from(byte));
        PartialKey { account, room: self.room.id(), name_hash }
    }
}
