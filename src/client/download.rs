//! Fetching a file: what came stands beside its place until it is whole and its hash is right.

use std::ffi::OsString;
use std::io::SeekFrom;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::transfer::{Cut, PIECE_BYTES, Patience, ended, hash_of, network, refusal};
use super::{Answer, Client, Error, Progress};

/// The longest refusal in place of a file.
const REFUSAL_BYTES: u64 = 1024;

impl Client {
    /// Fetches a shared file. What came of an earlier attempt stands beside it, as `….part`, and is gone on
    /// with; the file appears at `to` only when it is whole and its hash is right, and takes the place of
    /// whatever was there. While another download to the same place is under way, here or in another
    /// process, it is an [`Error::Io`] of the kind `ResourceBusy`. Dropping this stops it, and keeps the part.
    ///
    /// ```no_run
    /// # async fn example(client: &parlor::client::Client) -> Result<(), parlor::client::Error> {
    /// for file in client.shelf().await? {
    ///     let to = std::env::temp_dir().join(&file.file_name);
    ///     client.download(&file.file_name, &to, |_| ()).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn download(&self, name: &str, to: &Path, mut progress: impl FnMut(Progress)) -> Result<(), Error> {
        if tokio::fs::metadata(to).await.is_ok_and(|found| found.is_dir()) {
            return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory).into());
        }
        let mut offer = self.offer(name).await?;
        let mut part_path = to.as_os_str().to_owned();
        part_path.push(".part");
        let mut part = open_part(part_path.clone()).await?;
        let mut patience = Patience::default();
        // Nobody knows of which file it is.
        let mut is_of_before = part.metadata().await?.len() > 0;
        loop {
            match self.receive(&offer, &mut part, &mut progress).await {
                Ok(()) => {
                    part.seek(SeekFrom::Start(0)).await?;
                    if hash_of(&mut part).await? == (offer.size_bytes, offer.sha256.clone()) {
                        tokio::fs::rename(&part_path, to).await?;
                        return Ok(());
                    }
                    part.set_len(0).await?;
                    if !std::mem::take(&mut is_of_before) {
                        tokio::fs::remove_file(&part_path).await?;
                        return Err(Error::HashMismatch);
                    }
                }
                Err(Cut::Again(error)) => patience.lasts(part.metadata().await?.len(), error).await?,
                Err(Cut::Failed(error)) => return Err(error),
            }
            let next = self.offer(name).await?;
            if next.sha256 != offer.sha256 {
                // It was withdrawn, and another one shared under its name.
                part.set_len(0).await?;
            }
            offer = next;
        }
    }

    async fn offer(&self, name: &str) -> Result<Offer, Error> {
        Offer::read(&self.ticket('L', name).await?)
    }

    /// Appends what comes to the part, until it is as long as it should be.
    async fn receive(&self, offer: &Offer, part: &mut File, progress: &mut impl FnMut(Progress)) -> Result<(), Cut> {
        let size_bytes = offer.size_bytes;
        let mut begin = part.metadata().await?.len();
        if begin > size_bytes {
            // Of another file of that name.
            part.set_len(0).await?;
            begin = 0;
        }
        part.seek(SeekFrom::Start(begin)).await?;
        progress(Progress { done_bytes: begin, size_bytes });
        let mut stream = network(self.connect_again()).await?;
        network(stream.write_all(format!("T {} {begin}\n", offer.ticket).as_bytes())).await?;
        network(stream.flush()).await?;
        let (mut piece, mut came_bytes, mut head) = (vec![0; PIECE_BYTES], 0, Vec::new());
        let wanted_bytes = size_bytes - begin;
        let is_cut = loop {
            let count = match network(stream.read(&mut piece)).await {
                Ok(0) => break None,
                Ok(count) => count,
                Err(cut) => break Some(cut),
            };
            if came_bytes < REFUSAL_BYTES {
                head.extend_from_slice(&piece[..count]);
            }
            let room_bytes = wanted_bytes.saturating_sub(came_bytes);
            came_bytes += count as u64;
            let kept = count.min(usize::try_from(room_bytes).unwrap_or(count));
            part.write_all(&piece[..kept]).await?;
            progress(Progress { done_bytes: begin + came_bytes.min(wanted_bytes), size_bytes });
            // More than a refusal, and more than the file: no need to see the end.
            if came_bytes > wanted_bytes.max(REFUSAL_BYTES) {
                break None;
            }
        };
        part.flush().await?;
        let refused = if came_bytes == wanted_bytes || came_bytes > REFUSAL_BYTES { None } else { says_no(&head) };
        let is_short = came_bytes < wanted_bytes;
        if refused.is_some() || is_short && came_bytes <= REFUSAL_BYTES {
            // It is, or may be the beginning of, a line in place of the file.
            part.set_len(begin).await?;
        }
        match refused.or_else(|| is_short.then(|| is_cut.unwrap_or_else(ended))) {
            Some(cut) => Err(cut),
            None => Ok(()),
        }
    }
}

/// What the server offers to send.
struct Offer {
    ticket: String,
    size_bytes: u64,
    sha256: String,
}

impl Offer {
    fn read(answer: &Answer) -> Result<Self, Error> {
        let (ticket, sha256) = (answer.text("ticket"), answer.text("sha256"));
        let known = ticket.zip(answer.number("size_bytes")).zip(sha256);
        let ((ticket, size_bytes), sha256) = known.ok_or(Error::Protocol("no ticket, size or hash in the reply to L"))?;
        Ok(Self { ticket: ticket.to_owned(), size_bytes, sha256: sha256.to_owned() })
    }
}

/// What one line in place of a file says, if it is one: a refusal, or that the connection closes.
fn says_no(head: &[u8]) -> Option<Cut> {
    let is_closing = ["Closing (", "连接关闭（"].iter().any(|start| head.starts_with(start.as_bytes()));
    if is_closing && head.ends_with(b"\n") { Some(ended()) } else { refusal(head).map(Cut::from) }
}

/// Opens a part that nobody else is writing.
async fn open_part(path: OsString) -> Result<File, Error> {
    let opened = tokio::task::spawn_blocking(move || {
        loop {
            let file = std::fs::File::options().create(true).read(true).write(true).truncate(false).open(&path)?;
            file.try_lock().map_err(|error| match error {
                std::fs::TryLockError::Error(error) => error,
                std::fs::TryLockError::WouldBlock => {
                    std::io::Error::new(std::io::ErrorKind::ResourceBusy, "it is being fetched to the same place")
                }
            })?;
            // Whoever held it may have finished it in between: then this is the file, and no part any more.
            let (opened, named) = (file.metadata()?, std::fs::metadata(&path));
            if named.is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino())) {
                return Ok(file);
            }
        }
    });
    let opened: std::io::Result<std::fs::File> = opened.await.map_err(std::io::Error::other)?;
    Ok(File::from_std(opened?))
}
