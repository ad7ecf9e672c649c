//! The operator's way in: a Unix socket in the data directory, and the flags that talk to it.
//!
//! One JSON object a line each way. Whoever may give orders may do everything: the directory is open to its owner
//! alone, and the daemon asks the system who is at the other end. [`server`] is the daemon's end, [`client`] the flags',
//! [`terminal`] how a password is typed; [`orders`] changes things and keeps the audit, [`status`] tells how the daemon
//! is doing, [`lists`] who is banned and what was ordered; [`keeping`] has both ends of the one order that is more than a
//! question and its answer.

pub mod client;
pub mod keeping;
mod lists;
pub mod orders;
mod rates;
pub mod server;
mod status;
mod terminal;

use serde::{Deserialize, Serialize};

/// What the operator asks. Not to be printed: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Order {
    /// Say this to everyone.
    Announce { text: String },
    /// Tell how the daemon is doing.
    Status { json: bool },
    /// End an account's connections.
    Kick { name: String },
    /// Do not let somebody in.
    Ban { whom: String, for_s: Option<u64>, why: String },
    /// Let them in again.
    Unban { whom: String },
    /// Tell who is banned.
    Bans,
    /// Make an administrator.
    Grant { name: String },
    /// Make an ordinary account again.
    Revoke { name: String },
    /// Give an account another password.
    SetPassword { name: String, password: String },
    /// Tell what was ordered.
    Audit { count: u32 },
    /// Remove no file while this connection is open: it is backed up into this directory, or examined.
    KeepFiles { into: Option<String> },
    /// That was done; nothing need be kept any more.
    Kept { done: String },
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// Done; what to print.
    Done(String),
    /// Not done; why.
    Failed(String),
}
