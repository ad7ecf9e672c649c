//! The operator's way in: a Unix socket in the data directory, and the flags that talk to it.
//!
//! One JSON object a line each way. Whoever can reach the socket may do everything, so the directory
//! is open to its owner alone. [`server`] is the daemon's end, [`client`] the flags'.

pub mod client;
pub mod server;

use serde::{Deserialize, Serialize};

/// What the operator asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Order {
    /// Say this to everyone.
    Announce { text: String },
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
