//! The hash of an upload, computed beside it: blocks are handed over, hashed in their order on a helper
//! thread, and come back empty.
//!
//! The thread is taken when there is something to hash and given back when there is nothing left, so that
//! an upload whose sender pauses holds none. While it has blocks to go on with nobody is woken or waited
//! for: handing each block to a thread anew, and waiting for it, took a third of the rate.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::protocol::digest::Digest;

/// The size of a block.
pub const BLOCK_BYTES: usize = 256 << 10;
/// The blocks of one upload: one is being filled, the others are being hashed or wait to be. Together
/// they are what a transfer takes of memory.
const BLOCKS: usize = 3;

const _: () = assert!(BLOCKS * BLOCK_BYTES <= 1 << 20);

/// The hash of what has come.
pub(super) struct Hashing {
    lane: Arc<Lane>,
    /// Blocks that exist, wherever they are.
    blocks: usize,
}

#[derive(Default)]
struct Lane {
    state: Mutex<State>,
    /// A block was hashed, or the last one.
    progress: Notify,
}

#[derive(Default)]
struct State {
    /// `None` while a thread has it.
    hasher: Option<Sha256>,
    waiting: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    /// The thread that had the hasher has panicked: there will be no hash.
    is_broken: bool,
}

/// Says so if it is dropped while a thread panics.
struct Watch<'a>(&'a Lane);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().is_broken = true;
            self.0.progress.notify_one();
        }
    }
}

impl Hashing {
    /// Goes on from what `hasher` has seen.
    pub(super) fn new(hasher: Sha256) -> Self {
        let lane = Arc::<Lane>::default();
        lane.lock().hasher = Some(hasher);
        Self { lane, blocks: 1 }
    }

    /// Takes a full block; returns an empty one as soon as there is one.
    pub(super) async fn push(&mut self, block: Vec<u8>) -> Vec<u8> {
        let hasher = {
            let mut state = self.lane.lock();
            state.waiting.push_back(block);
            state.hasher.take()
        };
        if let Some(hasher) = hasher {
            let lane = Arc::clone(&self.lane);
            spawn_blocking(move || lane.hash_all(hasher));
        }
        loop {
            let progress = self.lane.progress.notified();
            let (spare, is_broken) = {
                let mut state = self.lane.lock();
                (state.spare.pop(), state.is_broken)
            };
            if let Some(spare) = spare {
                return spare;
            }
            if self.blocks < BLOCKS || is_broken {
                self.blocks += 1;
                return Vec::with_capacity(BLOCK_BYTES);
            }
            progress.await;
        }
    }

    /// Waits until all is hashed; `None` if that has failed. Nothing can be pushed after that.
    pub(super) async fn finish(&mut self) -> Option<Digest> {
        loop {
            let progress = self.lane.progress.notified();
            let (hasher, is_broken) = {
                let mut state = self.lane.lock();
                (state.hasher.take(), state.is_broken)
            };
            if let Some(hasher) = hasher {
                return Some(Digest(hasher.finalize().into()));
            }
            if is_broken {
                return None;
            }
            progress.await;
        }
    }
}

impl Lane {
    fn hash_all(&self, mut hasher: Sha256) {
        let _watch = Watch(self);
        while let Some(mut block) = self.next_or_rest(&mut hasher) {
            #[cfg(test)]
            assert_ne!(block, tests::BUG, "a bug");
            hasher.update(&block);
            block.clear();
            self.lock().spare.push(block);
            self.progress.notify_one();
        }
    }

    /// The next block; if there is none, the hasher is put back for the next thread.
    fn next_or_rest(&self, hasher: &mut Sha256) -> Option<Vec<u8>> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.hasher = Some(std::mem::take(hasher));
            drop(state);
            self.progress.notify_one();
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the thread panics at.
    pub(super) const BUG: &[u8] = b"a block that is a bug";

    #[tokio::test]
    async fn a_hash_that_panics_keeps_nobody_waiting() {
        let mut hashing = Hashing::new(Sha256::new());
        let mut block = BUG.to_vec();
        for _ in 0..10 * BLOCKS {
            block = hashing.push(block).await;
        }
        assert_eq!(hashing.finish().await, None);
    }

    #[tokio::test]
    async fn blocks_are_hashed_in_their_order_and_come_back_empty() {
        let mut hashing = Hashing::new(Sha256::new_with_prefix(b"before"));
        let mut expected = Sha256::new_with_prefix(b"before");
        let mut block = Vec::new();
        for number in 0..1000_u32 {
            block.extend_from_slice(&number.to_be_bytes());
            expected.update(&block);
            block = hashing.push(block).await;
            assert!(block.is_empty() && hashing.blocks <= BLOCKS);
        }
        assert_eq!(hashing.finish().await, Some(Digest(expected.finalize().into())));
    }
}
