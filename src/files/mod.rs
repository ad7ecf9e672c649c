//! Files: what is shared with the room, and the way of its bytes in and out.
//!
//! [`Files`] is the handle that sessions and transfers hold; [`actor`] the task behind it, which owns
//! the [`catalogue`] of names, the [`tickets`], the partials and who is [`running`], and knows the
//! [`quota`]s; [`disk`] is the directory where the bytes are, [`upload`] one file on its way in, and
//! [`hashing`] the hash of it. The bytes themselves never pass through the actor.
//!
//! Everything here but the opening runs on the background threads. It awaits the room and the store, never a session;
//! it knows no sockets.

mod actor;
mod catalogue;
mod disk;
pub mod hashing;
mod quota;
mod running;
mod tickets;
pub mod upload;

pub use disk::OpenError as DirectoryError;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::connections::ConnectionId;
use crate::mailbox::Mailbox;
use crate::protocol::digest::Digest;
use crate::protocol::event::SharedFile;
use crate::protocol::file_name::FileName;
use crate::protocol::refusal::Refusal;
use crate::protocol::request::TransferRequest;
use crate::room::{Posted, Room};
use crate::store::queue::{Position, Queue, Slot};
use crate::store::read::{ReadError, Reader};
use crate::store::record::{Account, AccountId};
pub use disk::{DIRECTORY, Kind};
use upload::Upload;

/// Commands waiting for the actor. Whoever finds it full waits a moment.
const MAILBOX: usize = 256;
/// How often it is looked for files and partials that have been kept long enough.
const PRUNE_INTERVAL: Duration = Duration::from_secs(600);

/// The pause between two files that are withdrawn for their age.
const PRUNE_PAUSE: Duration = Duration::from_millis(250);

/// How much may be shared, and how long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest file.
    pub file_bytes: u64,
    /// All files of an account.
    pub account_bytes: u64,
    /// All files of the room; `None` for half the file system.
    pub room_bytes: Option<u64>,
    /// Space on the disk that files leave free.
    pub disk_reserve_bytes: u64,
    /// Transfers of an account at once.
    pub account_transfers: usize,
    /// How long a ticket waits to be used.
    pub ticket_timeout: Duration,
    /// How long a partial is kept after its last byte.
    pub keep_partials: Duration,
    /// How long files are shared; `None` for ever.
    pub keep_files: Option<Duration>,
}

/// What the files need of the rest of the daemon.
pub struct Surroundings {
    /// The room they are shared with.
    pub room: Room,
    /// Where records are put.
    pub queue: Queue,
    /// Where questions are asked.
    pub reader: Reader,
    /// Where the work is done.
    pub background: Handle,
    /// Transfers at once: each has descriptors set aside for it.
    pub transfers: usize,
}

/// Why the files cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Their directory.
    #[error(transparent)]
    Directory(#[from] disk::OpenError),
    /// Their records.
    #[error(transparent)]
    Records(#[from] ReadError),
}

/// A handle on the files. Clones are the same files.
#[derive(Clone)]
pub struct Files {
    mailbox: Mailbox<actor::Command>,
    failures: Arc<AtomicU64>,
}

/// A ticket to send a file with.
pub struct OfferTicket {
    /// The ticket.
    pub ticket: String,
    /// How long it waits to be used.
    pub timeout: Duration,
    /// How much of the file is here already.
    pub offset_bytes: u64,
    /// The largest size it may have.
    pub limit_bytes: u64,
}

/// A ticket to fetch a file with.
pub struct FetchTicket {
    /// The ticket.
    pub ticket: String,
    /// How long it waits to be used.
    pub timeout: Duration,
    /// The file.
    pub file: SharedFile,
}

/// What became of a withdrawal.
pub enum Withdrawal {
    /// The file is withdrawn.
    Withdrawn {
        /// The number of the event.
        seq: u64,
        /// Where it is in the store's queue.
        position: Position,
    },
    /// Nothing was shared, but one's own ticket to send it is void, and what had come of it was removed.
    Dropped,
}

/// What a ticket has begun, and whose it is.
pub struct Begun {
    /// Who asked for the ticket.
    pub account: Account,
    /// The transfer.
    pub transfer: Transfer,
}

/// A transfer that a ticket has begun.
pub enum Transfer {
    /// Bytes come in.
    Upload(Box<Upload>),
    /// Bytes go out.
    Download(Download),
}

/// A file on its way out.
pub struct Download {
    /// The file's bytes.
    pub file: File,
    /// The file's size.
    pub size_bytes: u64,
    /// Where to begin.
    pub offset_bytes: u64,
    _hold: Hold,
    _ongoing: Ongoing,
}

/// Keeps a blob from being removed, whether or not a name stands for it.
struct Hold {
    digest: Digest,
    files: Files,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.files.mailbox.tell(actor::Command::Release { digest: self.digest });
    }
}

/// Keeps every blob from being removed, for whoever copies or examines them by what the database said at some moment.
pub struct KeepingAll {
    files: Files,
}

impl Drop for KeepingAll {
    fn drop(&mut self) {
        self.files.mailbox.tell(actor::Command::ReleaseAll);
    }
}

/// A transfer's number, never used twice while the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TransferId(u64);

/// A transfer's place among those that may run at once; given back when dropped, however it ends.
struct Ongoing {
    id: TransferId,
    files: Files,
    /// Whether what came of it may be trusted if it ends at this moment: not so while a flush is under way, whose
    /// failure nobody would hear of.
    is_in_doubt: Arc<AtomicBool>,
    is_over: bool,
}

impl Ongoing {
    /// Gives the place back, and returns once that is certain to come before what anybody asks later.
    async fn end(&mut self, keeps_partial: bool) {
        self.files.mailbox.send(actor::Command::End { id: self.id, keeps_partial }).await;
        self.is_over = true;
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        if !self.is_over {
            let keeps_partial = !self.is_in_doubt.load(Ordering::Acquire);
            self.files.mailbox.tell(actor::Command::End { id: self.id, keeps_partial });
        }
    }
}

impl Files {
    /// Opens the files in a data directory, sweeps what crashes left, and starts the actor.
    pub async fn open(data: &Path, limits: Limits, around: Surroundings) -> Result<(Self, JoinHandle<()>), OpenError> {
        let shared = around.reader.shared(around.room.id()).await?;
        let (mailbox, commands) = Mailbox::new(MAILBOX);
        let files = Self { mailbox, failures: Arc::default() };
        let background = around.background.clone();
        let pruning = files.clone().prune_now_and_then(around.queue.clone());
        let actor = actor::Actor::open(files.clone(), data, limits, around, shared)?;
        let task = background.spawn(actor.run(commands));
        background.spawn(pruning);
        Ok((files, task))
    }

    /// Uploads that the disk has failed since the start, for the operator.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Sets how much may be shared from here on. What is shared already stays, and tickets keep their time.
    pub fn set_limits(&self, limits: Limits) {
        self.mailbox.tell(actor::Command::SetLimits(limits));
    }

    /// `F`: a ticket to send a file of this name.
    pub async fn offer(&self, account: Account, name: FileName) -> Result<OfferTicket, Refusal> {
        self.mailbox.ask(|answer| actor::Command::Offer { account, name, answer }).await
    }

    /// `L`: a ticket to fetch the file of this name.
    pub async fn fetch(&self, account: Account, name: FileName) -> Result<FetchTicket, Refusal> {
        self.mailbox.ask(|answer| actor::Command::Fetch { account, name, answer }).await
    }

    /// `X`: takes a file from the shelf.
    pub async fn withdraw(
        &self,
        account: Account,
        name: FileName,
        from: ConnectionId,
        slot: Slot,
    ) -> Result<Withdrawal, Refusal> {
        self.mailbox.ask(|answer| actor::Command::Withdraw { account, name, from, slot, answer }).await
    }

    /// `T`: begins what a ticket is good for.
    pub async fn begin(&self, request: TransferRequest) -> Result<Begun, Refusal> {
        self.mailbox.ask(|answer| actor::Command::Begin { request, answer }).await
    }

    /// An order about an account: its tickets are void.
    pub async fn revoke(&self, account: AccountId) {
        self.mailbox.ask(|answer| actor::Command::Revoke { account, answer }).await;
    }

    /// How many tickets wait to be used.
    pub async fn tickets(&self) -> usize {
        self.mailbox.ask(|answer| actor::Command::Tickets { answer }).await
    }

    /// From here on no blob is removed until what is returned is dropped: what the database names now, or later, stays.
    pub async fn keep_all(&self) -> KeepingAll {
        self.mailbox.ask(|answer| actor::Command::HoldAll { answer }).await
    }

    async fn hold(&self, digest: Digest) -> Hold {
        self.mailbox.ask(|answer| actor::Command::Hold { digest, answer }).await
    }

    async fn share(&self, id: TransferId, digest: Digest, size_bytes: u64, slot: Slot) -> Result<Posted, Refusal> {
        self.mailbox.ask(|answer| actor::Command::Share { id, digest, size_bytes, slot, answer }).await
    }

    async fn prune_now_and_then(self, queue: Queue) {
        let mut interval = tokio::time::interval(PRUNE_INTERVAL);
        loop {
            interval.tick().await;
            self.mailbox.send(actor::Command::PrunePartials).await;
            // One at a time, so that a thousand old files do not drown the talk. While the store fails, none.
            while let Ok(slot) = queue.slot(1).await {
                if !self.mailbox.ask(|answer| actor::Command::PruneFile { slot, answer }).await {
                    break;
                }
                tokio::time::sleep(PRUNE_PAUSE).await;
            }
        }
    }
}
