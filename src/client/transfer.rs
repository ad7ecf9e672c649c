//! Files: sent and fetched over connections of their own, gone on with after a cut, checked by their hash. What
//! is common to both directions: tickets, patience, hashes, and which errors are worth another attempt.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout};

use super::{Answer, Client, Error, Refusal, hex};

/// How often in a row a transfer that was cut is gone on with though nothing more has come through.
const FUTILE_ATTEMPTS: u32 = 8;
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// The server notices that a transfer was cut within its window for slow ones.
const NOTICED_WITHIN: Duration = Duration::from_secs(40);
const ASK_AGAIN: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// When a connection over which nothing comes through counts as cut.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What has come through, over all attempts.
    pub done_bytes: u64,
    /// The whole file's size.
    pub size_bytes: u64,
}

/// Why an attempt came to nothing.
pub(super) enum Cut {
    /// The network, or a server that has no time: it is worth another attempt.
    Again(Error),
    /// It is not.
    Failed(Error),
}

impl From<Error> for Cut {
    fn from(error: Error) -> Self {
        match error.code() {
            // A ticket dies with a restart of the daemon, and with time.
            Some("bad-ticket" | "busy" | "slow-down" | "store-failed" | "too-slow") => Cut::Again(error),
            _ => Cut::Failed(error),
        }
    }
}

/// An error of a file on this side.
impl From<std::io::Error> for Cut {
    fn from(error: std::io::Error) -> Self {
        Cut::Failed(error.into())
    }
}

/// What the network does, as long as something comes through.
pub(super) async fn network<T>(action: impl Future<Output = std::io::Result<T>>) -> Result<T, Cut> {
    network_within(STALLED_AFTER, action).await
}

/// What the network does, within this time.
pub(super) async fn network_within<T>(time: Duration, action: impl Future<Output = std::io::Result<T>>) -> Result<T, Cut> {
    let done = timeout(time, action).await;
    let done = done.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    done.map_err(|error| Cut::Again(error.into()))
}

/// An end that came too early.
pub(super) fn ended() -> Cut {
    Cut::Again(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
}

impl Client {
    /// A ticket for a file. That none has come over a lost connection is no reason to give up, nor that the
    /// server has not noticed yet that one's own upload was cut.
    pub(super) async fn ticket(&self, letter: char, name: &str) -> Result<Answer, Error> {
        let give_up_at = Instant::now() + NOTICED_WITHIN;
        loop {
            match self.look(letter, json!({ "file_name": name })).await {
                Err(Error::Refused(refusal)) if self.is_own_upload(&refusal) && Instant::now() < give_up_at => {
                    sleep(ASK_AGAIN).await;
                }
                answer => return answer,
            }
        }
    }

    fn is_own_upload(&self, refusal: &Refusal) -> bool {
        let is_own = refusal.fields.get("from").and_then(Value::as_str) == Some(self.name());
        is_own && refusal.fields.get("uploading") == Some(&Value::Bool(true))
    }
}

/// How long a transfer that is cut again and again is worth going on with.
#[derive(Default)]
pub(super) struct Patience {
    best_bytes: u64,
    futile: u32,
}

impl Patience {
    /// Waits a moment, if it is worth going on now that so much has come through; otherwise it was the last try.
    pub(super) async fn lasts(&mut self, done_bytes: u64, error: Error) -> Result<(), Error> {
        self.futile = if done_bytes > self.best_bytes { 0 } else { self.futile + 1 };
        self.best_bytes = self.best_bytes.max(done_bytes);
        if self.futile >= FUTILE_ATTEMPTS {
            return Err(error);
        }
        sleep((ASK_AGAIN * 2_u32.pow(self.futile)).min(LONGEST_PAUSE)).await;
        Ok(())
    }
}

/// A refusal as it stands in a plain line.
pub(super) fn refusal(line: &[u8]) -> Option<Error> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (code, text) = line.strip_prefix("ERR ")?.split_once(' ')?;
    let is_code = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let (code, text) = (code.to_owned(), text.trim_end().to_owned());
    is_code.then_some(Error::Refused(Refusal { code, text, fields: serde_json::Map::new() }))
}

/// A file's size and its SHA-256.
pub(super) async fn hash_of(file: &mut File) -> Result<(u64, String), std::io::Error> {
    let (mut hash, mut size_bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE_BYTES]);
    loop {
        let count = file.read(&mut piece).await?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
        size_bytes += count as u64;
    }
    Ok((size_bytes, hex(&hash.finalize())))
}

/// Opens a file that is to be sent.
pub(super) async fn open(path: &Path) -> Result<File, std::io::Error> {
    let file = File::open(path).await?;
    // A folder can be opened, and is no file.
    if file.metadata().await?.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}
