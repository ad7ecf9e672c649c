//! One upload: bytes into a partial, hashed while they are written, and a shared file at the end. Whoever
//! reads the socket puts blocks in here; this knows no sockets.
//!
//! A block is written at once, and hashed on another thread while the next ones are read and written: see
//! [`hashing`](super::hashing).

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sha2::{Digest as _, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};

use super::disk::{Disk, Extent, Partial};
use super::hashing::{BLOCK_BYTES, Hashing};
use super::{Files, Ongoing};
use crate::background::{PIECE_BYTES, let_others_run, portion};
use crate::protocol::closing::Closing;
use crate::protocol::digest::Digest;
use crate::protocol::refusal::{Refusal, SizeMismatch, Unconfirmed};
use crate::store::queue::Queue;

/// After so much the disk is told to begin writing, so that the flush at the end is short and that of
/// talk, which may have to wait for it, too.
const FLUSH_BYTES: u64 = 32 << 20;

/// An upload that has begun.
pub struct Upload {
    partial: Partial,
    /// What the sender says that the whole file's SHA-256 is.
    expected: Option<Digest>,
    means: Means,
    ongoing: Ongoing,
    hashing: Hashing,
    flushing: Option<JoinHandle<io::Result<()>>>,
    unflushed_bytes: u64,
}

/// What uploads work with.
pub(super) struct Means {
    pub(super) files: Files,
    pub(super) queue: Queue,
    pub(super) disk: Arc<Disk>,
    /// Space on the disk that files leave free.
    pub(super) disk_reserve_bytes: u64,
}

/// How an upload ends early.
#[derive(Debug)]
pub enum Cut {
    /// What came is kept, to go on from.
    Kept(Refusal),
    /// What came is worth nothing, and removed.
    Dropped(Refusal),
    /// The daemon stops; what came is kept.
    Stopping,
    /// The connection is told to end; what came is kept.
    Told(Closing),
}

impl Cut {
    /// After a flush that failed nobody knows what is on disk, so that going on from it would be a lie.
    fn flush_failed(error: io::Error) -> Self {
        match Refusal::from(error) {
            Refusal::DiskFull => Cut::Dropped(Refusal::DiskFull),
            _ => Cut::Dropped(Refusal::FileFailed),
        }
    }

    /// What is there already is as good as before.
    fn kept(error: impl Into<Refusal>) -> Self {
        Cut::Kept(error.into())
    }
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        match Refusal::from(error) {
            full @ Refusal::DiskFull => Cut::Kept(full),
            refusal => Cut::Dropped(refusal),
        }
    }
}

impl Upload {
    pub(super) fn new(partial: Partial, expected: Option<Digest>, means: Means, ongoing: Ongoing) -> Self {
        let hashing = Hashing::new(Sha256::new());
        Self { partial, expected, means, ongoing, hashing, flushing: None, unflushed_bytes: 0 }
    }

    /// Hashes what came in an earlier transfer. To be done before the first block.
    pub async fn resume(&mut self) -> Result<(), Cut> {
        let (mut hasher, mut offset) = (Sha256::new(), 0);
        // Block by block, so that others get their turn.
        while offset < self.partial.extent.received_bytes {
            let (file, length) = (Arc::clone(&self.partial.file), self.partial.extent.received_bytes - offset);
            let hashed = spawn_blocking(move || hash_part(&file, offset, length, hasher)).await.map_err(|_| Cut::Stopping)?;
            (hasher, offset) = hashed?;
        }
        self.hashing = Hashing::new(hasher);
        Ok(())
    }

    /// How much is still to come.
    pub fn missing_bytes(&self) -> u64 {
        self.partial.extent.size_bytes - self.partial.extent.received_bytes
    }

    /// The input has ended before that.
    pub fn cut_short(&self) -> Cut {
        let Extent { received_bytes, size_bytes } = self.partial.extent;
        Cut::Kept(Refusal::SizeMismatch(SizeMismatch::TooFew { received_bytes, size_bytes }))
    }

    /// Takes the next block, of no more than is missing; returns an empty one to fill.
    pub async fn take(&mut self, block: Vec<u8>) -> Result<Vec<u8>, Cut> {
        let length = block.len() as u64;
        let Means { disk, disk_reserve_bytes, .. } = &self.means;
        if disk.space().map_err(Cut::kept)?.free_bytes < disk_reserve_bytes.saturating_add(length) {
            return Err(Cut::Kept(Refusal::DiskFull));
        }
        for piece in block.chunks(PIECE_BYTES) {
            (&*self.partial.file).write_all(piece)?;
            let_others_run();
        }
        self.partial.extent.received_bytes += length;
        self.flush_now_and_then(length).await?;
        Ok(self.hashing.push(block).await)
    }

    /// The whole file is here: compares its hash, and flushes it.
    pub async fn settle(&mut self) -> Result<Digest, Cut> {
        let Some(digest) = self.hashing.finish().await else { return Err(Cut::Dropped(Refusal::Failed)) };
        if self.expected.is_some_and(|expected| expected != digest) {
            return Err(Cut::Dropped(Refusal::HashMismatch));
        }
        self.earlier_flush().await?;
        self.ongoing.is_in_doubt.store(true, Ordering::Release);
        self.means.disk.flush(Arc::clone(&self.partial.file)).await.map_err(Cut::flush_failed)?;
        self.ongoing.is_in_doubt.store(false, Ordering::Release);
        Ok(digest)
    }

    /// Shares the file; returns once that is durable.
    pub async fn share(&mut self, digest: Digest) -> Result<Digest, Cut> {
        let Means { files, queue, disk, .. } = &self.means;
        let (key, size_bytes) = (self.partial.key, self.partial.extent.size_bytes);
        // Nobody removes the blob before a name stands for it.
        let _hold = files.hold(digest).await;
        let adopter = Arc::clone(disk);
        let adopted = spawn_blocking(move || {
            adopter.adopt(key, size_bytes, digest).map_err(Cut::kept)?;
            adopter.flush_names().map_err(Cut::flush_failed)
        });
        adopted.await.map_err(|_| Cut::Stopping)??;
        let slot = queue.slot(1).await.map_err(Cut::kept)?;
        let deadline = queue.confirm_deadline();
        let posted = files.share(self.ongoing.id, digest, size_bytes, slot).await.map_err(Cut::Kept)?;
        match queue.durable(posted.position, deadline).await {
            Ok(()) => Ok(digest),
            Err(_) => Err(Cut::Kept(Refusal::Unconfirmed(Unconfirmed::Event(posted.seq)))),
        }
    }

    /// Ends the upload, before its sender is told of the outcome: whoever heard that can begin another.
    pub async fn end(mut self, outcome: &Result<Digest, Cut>) {
        let keeps_partial = match outcome {
            Ok(_) => {
                let (disk, key, size_bytes) = (Arc::clone(&self.means.disk), self.partial.key, self.partial.extent.size_bytes);
                // For good: bytes that are withdrawn later must not come back as a partial.
                let removed = spawn_blocking(move || disk.remove_partial_for_good(key, size_bytes));
                // It fails only if the daemon stops; then the next start removes it.
                let _ = removed.await;
                false
            }
            // A flush that fails says so once: unheard, the next one would seem to succeed.
            Err(Cut::Kept(_) | Cut::Stopping | Cut::Told(_)) => self.earlier_flush().await.is_ok(),
            Err(Cut::Dropped(_)) => false,
        };
        if matches!(outcome, Err(Cut::Kept(Refusal::FileFailed) | Cut::Dropped(Refusal::FileFailed))) {
            self.means.files.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.ongoing.end(keeps_partial).await;
    }

    async fn flush_now_and_then(&mut self, length: u64) -> Result<(), Cut> {
        self.unflushed_bytes += length;
        if self.unflushed_bytes >= FLUSH_BYTES {
            self.unflushed_bytes = 0;
            self.earlier_flush().await?;
            let (disk, file) = (Arc::clone(&self.means.disk), Arc::clone(&self.partial.file));
            self.ongoing.is_in_doubt.store(true, Ordering::Release);
            self.flushing = Some(tokio::spawn(async move { disk.flush(file).await }));
        }
        Ok(())
    }

    async fn earlier_flush(&mut self) -> Result<(), Cut> {
        match self.flushing.take() {
            Some(flushing) => flushing.await.map_err(|_| Cut::Stopping)?.map_err(Cut::flush_failed)?,
            None => return Ok(()),
        }
        self.ongoing.is_in_doubt.store(false, Ordering::Release);
        Ok(())
    }
}

/// Hashes up to a block of a file from `offset` on; returns where it ended.
fn hash_part(file: &File, offset: u64, length: u64, mut hasher: Sha256) -> io::Result<(Sha256, u64)> {
    let mut block = vec![0; portion(length, BLOCK_BYTES)];
    file.read_exact_at(&mut block, offset)?;
    hasher.update(&block);
    Ok((hasher, offset + block.len() as u64))
}
