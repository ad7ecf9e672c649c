//! One upload: bytes into a partial, hashed while they are written, and a shared file at the end. Whoever
//! reads the socket puts blocks in here; this knows no sockets.
//!
//! A block is hashed on another thread while it is written and the next one is read. So an upload holds
//! two blocks, whatever its size.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};

use super::disk::Disk;
use super::{Files, Ongoing};
use crate::protocol::digest::Digest;
use crate::protocol::refusal::{Refusal, SizeMismatch};
use crate::store::queue::Queue;

/// The size of a block.
pub const BLOCK_BYTES: usize = 256 << 10;
/// After so much the disk is told to begin writing, so that the flush at the end is short and that of
/// talk, which may have to wait for it, too.
const FLUSH_BYTES: u64 = 32 << 20;

/// An upload that has begun.
pub struct Upload {
    pub(super) file: Arc<File>,
    pub(super) path: PathBuf,
    pub(super) disk: Arc<Disk>,
    pub(super) disk_reserve_bytes: u64,
    pub(super) queue: Queue,
    pub(super) files: Files,
    pub(super) ongoing: Ongoing,
    /// The whole file's size.
    pub(super) size_bytes: u64,
    pub(super) received_bytes: u64,
    /// What the sender says that the whole file's SHA-256 is.
    pub(super) expected: Option<Digest>,
    pub(super) hashing: Hashing,
    pub(super) flushing: Option<JoinHandle<std::io::Result<()>>>,
    pub(super) unflushed_bytes: u64,
}

/// The hash of what has come.
#[derive(Default)]
pub(super) enum Hashing {
    Idle(Sha256),
    Running(JoinHandle<(Sha256, Option<Arc<Vec<u8>>>)>),
    /// It is being waited for, or its thread has died.
    #[default]
    Taken,
}

impl Hashing {
    /// Waits for the hash; returns also the block that was hashed last.
    async fn settle(&mut self) -> Result<(Sha256, Option<Arc<Vec<u8>>>), Refusal> {
        match std::mem::take(self) {
            Hashing::Idle(hasher) => Ok((hasher, None)),
            Hashing::Running(hashing) => hashing.await.map_err(|_| Refusal::StoreFailed),
            Hashing::Taken => Err(Refusal::StoreFailed),
        }
    }
}

impl Upload {
    /// Hashes what came in an earlier transfer. To be done before the first block.
    pub async fn resume(&mut self) -> Result<(), Refusal> {
        if self.received_bytes == 0 {
            return Ok(());
        }
        let (file, length) = (Arc::clone(&self.file), self.received_bytes);
        let hashed = spawn_blocking(move || hash_from_start(&file, length)).await.map_err(|_| Refusal::StoreFailed)?;
        self.hashing = Hashing::Idle(hashed?);
        Ok(())
    }

    /// How much is still to come.
    pub fn missing_bytes(&self) -> u64 {
        self.size_bytes - self.received_bytes
    }

    /// What to say when the input ends before that.
    pub fn cut_short(&self) -> Refusal {
        let (received_bytes, size_bytes) = (self.received_bytes, self.size_bytes);
        Refusal::SizeMismatch(SizeMismatch::TooFew { received_bytes, size_bytes })
    }

    /// Takes the next block, of no more than is missing; returns an empty one to fill.
    pub async fn take(&mut self, block: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let length = block.len() as u64;
        if self.disk.space()?.free_bytes < self.disk_reserve_bytes.saturating_add(length) {
            return Err(Refusal::DiskFull);
        }
        let (mut hasher, spare) = self.hashing.settle().await?;
        let block = Arc::new(block);
        let hashed = Arc::clone(&block);
        self.hashing = Hashing::Running(spawn_blocking(move || {
            hasher.update(hashed.as_slice());
            (hasher, Some(hashed))
        }));
        (&*self.file).write_all(&block)?;
        self.received_bytes += length;
        self.flush_now_and_then(length).await?;
        let spare = spare.and_then(Arc::into_inner).map(|mut spare| {
            spare.clear();
            spare
        });
        Ok(spare.unwrap_or_else(|| Vec::with_capacity(BLOCK_BYTES)))
    }

    /// The whole file is here: compares its hash, and flushes it.
    pub async fn settle(&mut self) -> Result<Digest, Refusal> {
        let (hasher, _) = self.hashing.settle().await?;
        let digest = Digest(hasher.finalize().into());
        if self.expected.is_some_and(|expected| expected != digest) {
            return Err(Refusal::HashMismatch);
        }
        self.flushed().await?;
        let file = Arc::clone(&self.file);
        spawn_blocking(move || file.sync_all()).await.map_err(|_| Refusal::StoreFailed)??;
        Ok(digest)
    }

    /// Shares the file; returns once that is durable.
    pub async fn share(&mut self, digest: Digest) -> Result<Digest, Refusal> {
        let _hold = self.files.hold(digest).await;
        let (disk, path) = (Arc::clone(&self.disk), self.path.clone());
        spawn_blocking(move || disk.adopt(&path, digest)).await.map_err(|_| Refusal::StoreFailed)??;
        let slot = self.queue.slot(1).await?;
        let deadline = self.queue.confirm_deadline();
        let posted = self.files.share(self.ongoing.id, digest, self.size_bytes, slot).await;
        self.queue.durable(posted.position, deadline).await.map_err(|_| Refusal::Unconfirmed { seq: Some(posted.seq) })?;
        Ok(digest)
    }

    /// Ends the upload, before its sender is told of the outcome: whoever heard that can begin another.
    /// A refusal tells what was wrong, if anything was.
    pub async fn end(mut self, outcome: Result<(), Option<&Refusal>>) {
        let keeps_partial = match outcome {
            Ok(()) | Err(Some(Refusal::HashMismatch | Refusal::SizeMismatch(SizeMismatch::TooMany))) => false,
            Err(_) => true,
        };
        self.ongoing.end(keeps_partial).await;
    }

    async fn flush_now_and_then(&mut self, length: u64) -> Result<(), Refusal> {
        self.unflushed_bytes += length;
        if self.unflushed_bytes >= FLUSH_BYTES {
            self.unflushed_bytes = 0;
            self.flushed().await?;
            let file = Arc::clone(&self.file);
            self.flushing = Some(spawn_blocking(move || file.sync_data()));
        }
        Ok(())
    }

    async fn flushed(&mut self) -> Result<(), Refusal> {
        match self.flushing.take() {
            Some(flushing) => Ok(flushing.await.map_err(|_| Refusal::StoreFailed)??),
            None => Ok(()),
        }
    }
}

fn hash_from_start(mut file: &File, length: u64) -> std::io::Result<Sha256> {
    file.rewind()?;
    let mut rest = file.take(length);
    let (mut hasher, mut block) = (Sha256::new(), vec![0; BLOCK_BYTES]);
    loop {
        match rest.read(&mut block)? {
            0 => return Ok(hasher),
            count => hasher.update(&block[..count]),
        }
    }
}
