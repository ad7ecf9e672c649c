//! Sending a file: hashed, sent from where the server has it, until the server has confirmed it.

use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader};

use super::transfer::{Cut, PIECE_BYTES, Patience, ended, hash_of, network, network_within, open, refusal};
use super::{Client, Error, Progress};

/// The longest reply that is read.
const REPLY_BYTES: u64 = 4096;
/// How long a server may take to get a file onto its disk.
const FLUSHED_WITHIN: Duration = Duration::from_secs(600);

impl Client {
    /// Shares a file with the room under a name. Returns its SHA-256 once it is stored. What is cut goes on from
    /// where it was; talk goes on meanwhile. Dropping this stops it, and the server keeps for a day what came.
    ///
    /// A file of that name is refused as `file-exists`, with a `free_name` among the refusal's fields. The code
    /// `unconfirmed` tells that the room has heard of the file but that it was not recorded in time.
    ///
    /// ```no_run
    /// # async fn example(client: &parlor::client::Client) -> Result<(), parlor::client::Error> {
    /// let path = std::path::Path::new("/tmp/report.pdf");
    /// let shown = |progress: parlor::client::Progress| println!("{} of {}", progress.done_bytes, progress.size_bytes);
    /// match client.upload(path, "report.pdf", shown).await {
    ///     Err(error) if error.code() == Some("file-exists") => println!("somebody shares one: {error}"),
    ///     other => println!("it is shared, its SHA-256 is {}", other?),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upload(&self, path: &Path, name: &str, mut progress: impl FnMut(Progress)) -> Result<String, Error> {
        let mut file = open(path).await?;
        let (size_bytes, sha256) = hash_of(&mut file).await?;
        let (mut patience, mut has_begun) = (Patience::default(), false);
        loop {
            let answer = match self.ticket('F', name).await {
                // The answer to an earlier attempt may have been lost: then it is shared.
                Err(refused @ Error::Refused(_)) if has_begun && refused.code() == Some("file-exists") => {
                    let shared = self.ticket('L', name).await?;
                    return if shared.text("sha256") == Some(&sha256) { Ok(sha256) } else { Err(refused) };
                }
                answer => answer?,
            };
            let (ticket, offset) = answer
                .text("ticket")
                .zip(answer.number("offset_bytes"))
                .ok_or(Error::Protocol("no ticket in the reply to F"))?;
            let first_line = format!("T {ticket} {size_bytes} {sha256}\n");
            has_begun = true;
            match self.send(&mut file, &first_line, Progress { done_bytes: offset, size_bytes }, &mut progress).await {
                Ok(()) => return Ok(sha256),
                // The next ticket tells how much has come.
                Err(Cut::Again(error)) => patience.lasts(offset, error).await?,
                Err(Cut::Failed(error)) => return Err(error),
            }
        }
    }

    async fn send(
        &self,
        file: &mut File,
        first_line: &str,
        mut done: Progress,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), Cut> {
        let mut stream = network(self.connect_again()).await?;
        network(stream.write_all(first_line.as_bytes())).await?;
        file.seek(SeekFrom::Start(done.done_bytes)).await?;
        // What was added to it since is no part of it.
        let mut rest = file.take(done.size_bytes.saturating_sub(done.done_bytes));
        let mut piece = vec![0; PIECE_BYTES];
        progress(done);
        loop {
            let count = rest.read(&mut piece).await?;
            if count == 0 {
                // A file that has become shorter since lacks something: then the server says so.
                network(stream.shutdown()).await?;
                break;
            }
            if network(stream.write_all(&piece[..count])).await.is_err() {
                // A refusal closes the other side: what it says is read below.
                break;
            }
            done.done_bytes += count as u64;
            progress(done);
        }
        let mut reply = Vec::new();
        let mut reader = BufReader::new(stream.take(REPLY_BYTES));
        network_within(FLUSHED_WITHIN, reader.read_until(b'\n', &mut reply)).await?;
        if reply.starts_with(b"OK ") {
            return Ok(());
        }
        Err(refusal(&reply).map_or_else(ended, Cut::from))
    }
}
