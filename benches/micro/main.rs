//! What the parts of a message's way cost by themselves, in its order: bytes become requests, events become lines,
//! lines go into the room's log and are read from it, records are committed, and history is read back.
//!
//! ```sh
//! cargo bench --bench micro            # all, ten seconds
//! cargo bench --bench micro -- log     # those with these letters in their path
//! ```
//!
//! An item is a message. What is won here is won only if messages sent to a daemon show it too. The store's
//! directories are made in `TMPDIR`: let that be on a disk.

#![allow(missing_docs, unreachable_pub, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod decode;
mod encode;
mod log;
mod store;

use std::time::Duration;

/// What is said: 64 bytes, as in the comparison with others.
const TEXT: &str = "It is said that the best way to learn what is slow is to look:64";

/// Longer than what a machine does beside it for a moment.
const LEAST_TIME: Duration = Duration::from_millis(300);

fn main() {
    divan::Divan::default().min_time(LEAST_TIME).config_with_args().main();
}
