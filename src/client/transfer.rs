//! Files: sent and fetched over connections of their own, gone on with after a cut, checked by their hash.

use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::{Answer, Client, Error, Refusal, hex};

/// How often in a row a transfer that was cut is gone on with though nothing more has come through.
const FUTILE_ATTEMPTS: u32 = 8;
const PIECE_BYTES: usize = 64 << 10;
/// The server notices that a transfer was cut within its window for slow ones.
const NOTICED_WITHIN: Duration = Duration::from_secs(40);
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What has come through, over all attempts.
    pub done_bytes: u64,
    /// The whole file's size.
    pub size_bytes: u64,
}

impl Client {
    /// Shares a file with the room under a name. Returns its SHA-256 once it is stored.
    pub async fn upload(&self, path: &Path, name: &str, mut progress: impl FnMut(Progress)) -> Result<String, Error> {
        let (size_bytes, sha256) = hash_of(path).await?;
        let mut patience = Patience::default();
        loop {
            let answer = match self.ticket('F', name).await {
                // The answer to an earlier attempt may have been lost: then it is shared.
                Err(refused @ Error::Refused(_)) if patience.has_begun && refused.code() == Some("file-exists") => {
                    let shared = self.ticket('L', name).await?;
                    return if shared.text("sha256") == Some(&sha256) { Ok(sha256) } else { Err(refused) };
                }
                answer => answer?,
            };
            let (ticket, offset) = answer
                .text("ticket")
                .zip(answer.number("offset_bytes"))
                .ok_or(Error::Protocol("no ticket in the reply to F"))?;
            match self.send(path, ticket, offset, size_bytes, &sha256, &mut progress).await {
                Ok(()) => return Ok(sha256),
                // It was cut: the next ticket tells how much has come.
                Err(Error::Io(_)) if patience.lasts(offset) => sleep(ASK_AGAIN).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// A ticket for a file. That none has come over a lost connection is no reason to give up, nor that the
    /// server has not noticed yet that one's own upload was cut.
    async fn ticket(&self, letter: char, name: &str) -> Result<Answer, Error> {
        let give_up_at = Instant::now() + NOTICED_WITHIN;
        loop {
            match self.request(letter, json!({ "file_name": name })).await {
                Err(Error::OutcomeUnknown) => (),
                Err(Error::Refused(refusal)) if self.is_own_upload(&refusal) && Instant::now() < give_up_at => {
                    sleep(ASK_AGAIN).await;
                }
                answer => return answer,
            }
        }
    }

    fn is_own_upload(&self, refusal: &Refusal) -> bool {
        let is_own = refusal.fields.get("from").and_then(Value::as_str) == Some(&self.name);
        is_own && refusal.fields.get("uploading") == Some(&Value::Bool(true))
    }

    async fn send(
        &self,
        path: &Path,
        ticket: &str,
        offset: u64,
        size_bytes: u64,
        sha256: &str,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), Error> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(format!("T {ticket} {size_bytes} {sha256}\n").as_bytes()).await?;
        let mut file = File::open(path).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        let (mut piece, mut done_bytes) = (vec![0; PIECE_BYTES], offset);
        progress(Progress { done_bytes, size_bytes });
        loop {
            let count = file.read(&mut piece).await?;
            if count == 0 {
                break;
            }
            // A refusal closes the other side: then what it says is read below.
            if stream.write_all(&piece[..count]).await.is_err() {
                break;
            }
            done_bytes += count as u64;
            progress(Progress { done_bytes, size_bytes });
        }
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply).await?;
        if reply.starts_with("OK ") {
            return Ok(());
        }
        Err(refusal(&reply).unwrap_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()))
    }

    /// Fetches a shared file. What came of an earlier attempt stands beside it, as `….part`, and is gone on
    /// with; the file appears under its own name only when it is whole and its hash is right.
    pub async fn download(&self, name: &str, to: &Path, mut progress: impl FnMut(Progress)) -> Result<(), Error> {
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = Path::new(&part);
        let mut patience = Patience::default();
        loop {
            let answer = self.ticket('L', name).await?;
            let (ticket, size_bytes) =
                answer.text("ticket").zip(answer.number("size_bytes")).ok_or(Error::Protocol("no ticket in the reply to L"))?;
            let sha256 = answer.text("sha256").ok_or(Error::Protocol("no sha256 in the reply to L"))?;
            let done_bytes = self.receive(ticket, size_bytes, part, &mut progress).await?;
            if done_bytes >= size_bytes {
                if hash_of(part).await? != (size_bytes, sha256.to_owned()) {
                    tokio::fs::remove_file(part).await?;
                    return Err(Error::HashMismatch);
                }
                tokio::fs::rename(part, to).await?;
                return Ok(());
            }
            if !patience.lasts(done_bytes) {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// Appends what comes to the part; returns how much of the file is there then.
    async fn receive(
        &self,
        ticket: &str,
        size_bytes: u64,
        part: &Path,
        progress: &mut impl FnMut(Progress),
    ) -> Result<u64, Error> {
        let mut file = File::options().create(true).append(true).open(part).await?;
        let mut done_bytes = file.metadata().await?.len();
        if done_bytes > size_bytes {
            // Of another file of that name.
            file.set_len(0).await?;
            done_bytes = 0;
        }
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(format!("T {ticket} {done_bytes}\n").as_bytes()).await?;
        let mut piece = vec![0; PIECE_BYTES];
        progress(Progress { done_bytes, size_bytes });
        while done_bytes < size_bytes {
            let wanted = usize::try_from(size_bytes - done_bytes).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            match stream.read(&mut piece[..wanted]).await {
                Ok(0) | Err(_) => break,
                Ok(count) => file.write_all(&piece[..count]).await?,
            }
            done_bytes = file.metadata().await?.len();
            progress(Progress { done_bytes, size_bytes });
        }
        file.flush().await?;
        Ok(done_bytes)
    }
}

/// How long a transfer that is cut again and again is worth going on with.
#[derive(Default)]
struct Patience {
    has_begun: bool,
    best_bytes: u64,
    futile: u32,
}

impl Patience {
    /// Whether to go on, now that so much has come through.
    fn lasts(&mut self, done_bytes: u64) -> bool {
        self.has_begun = true;
        self.futile = if done_bytes > self.best_bytes { 0 } else { self.futile + 1 };
        self.best_bytes = self.best_bytes.max(done_bytes);
        self.futile < FUTILE_ATTEMPTS
    }
}

/// A refusal as it stands in a plain line.
fn refusal(line: &str) -> Option<Error> {
    let (code, text) = line.trim_end().strip_prefix("ERR ")?.split_once(' ')?;
    Some(Error::Refused(Refusal { code: code.to_owned(), text: text.to_owned(), fields: serde_json::Map::new() }))
}

async fn hash_of(path: &Path) -> Result<(u64, String), Error> {
    let mut file = File::open(path).await?;
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
