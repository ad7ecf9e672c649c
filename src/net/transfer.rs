//! A connection whose first line was a ticket, and which carries bytes from then on. It runs on the
//! background threads, never on those that carry talk.
//!
//! An upload is read into blocks, which [`crate::files::upload`] takes; a download is copied to a plain
//! socket by the kernel (`sendfile`), and through TLS block by block. Whatever ends a transfer early leaves
//! what came, to go on from, unless it is worth nothing ([`Cut::Dropped`]).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::Interest;
use tokio::runtime::Handle;
use tokio::task::coop::consume_budget;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::connection::say_and_close;
use super::listener::Treatment;
use super::pace::{MinRate, Pace};
use super::stream::{Detached, Stream};
use crate::background::{PIECE_BYTES, let_others_run, portion};
use crate::clock::now_ms;
use crate::connections::{Admission, ConnectionId, Role, Told};
use crate::files::hashing::BLOCK_BYTES;
use crate::files::upload::{Cut, Upload};
use crate::files::{Begun, Download, Transfer};
use crate::live::Live;
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::digest::Digest;
use crate::protocol::refusal::{Refusal, SizeMismatch};
use crate::protocol::reply::{Answer, Reply};
use crate::protocol::request::TransferRequest;
use crate::protocol::voice::Voice;
use crate::session::Services;

/// What all transfers have in common.
pub(super) struct Carrier {
    pub(super) background: Handle,
    pub(super) treatment: Live<Treatment>,
    /// Cancelled when the daemon stops.
    pub(super) stopping: CancellationToken,
}

/// A connection on its way to the background threads.
pub(super) struct Handoff {
    pub(super) stream: Detached,
    /// What was read behind the first line.
    pub(super) unread: BytesMut,
    /// What the first line asked for, or why it is refused.
    pub(super) request: Box<Result<TransferRequest, Refusal>>,
    pub(super) voice: Voice,
    pub(super) services: Arc<Services>,
    pub(super) admission: Admission,
    pub(super) told: Told,
}

impl Carrier {
    /// Carries the bytes; returns when the connection is closed.
    pub(super) async fn carry(self, handoff: Handoff) {
        let Self { background, treatment, stopping } = self;
        let min_rate = treatment.read(|treatment| treatment.min_rate);
        if let Err(error) = background.spawn(serve(handoff, min_rate, stopping)).await {
            // Its place and its file go back as it is dropped. A panic of it is an error, and ends nothing else.
            let level = if error.is_panic() { log::Level::Error } else { log::Level::Debug };
            log::log!(level, "a transfer was cut: {error}");
        }
    }
}

async fn serve(handoff: Handoff, min_rate: MinRate, stopping: CancellationToken) {
    let Handoff { stream, unread, request, voice, services, admission, told } = handoff;
    let Ok(stream) = stream.attach() else { return };
    let mut link = Link { stream, unread, pace: Pace::new(min_rate), stopping, told };
    let outcome = match *request {
        Ok(request) => run(&mut link, request, admission.id(), &services).await,
        Err(refusal) => Outcome::Replied(Reply::Refused(refusal)),
    };
    let mut last_words = String::new();
    match outcome {
        Outcome::Replied(reply) => {
            METRICS.answered(&reply);
            voice.answer(&Answer { letter: Some('T'), reference: None, reply }, &mut last_words);
        }
        Outcome::Closed(closing) => {
            METRICS.closed(closing);
            voice.closing(closing, &mut last_words);
        }
        Outcome::Sent => (),
        // A reset, so that whoever fetched the file cannot take a part of it for the whole.
        Outcome::SentInPart => {
            let _ = link.stream.socket().set_zero_linger();
            return;
        }
    }
    // The peer may be gone.
    let _ = say_and_close(link.stream, &last_words).await;
}

/// How a transfer ended.
enum Outcome {
    Replied(Reply),
    Closed(Closing),
    /// All of a file's bytes; nothing is said after them.
    Sent,
    /// Some of them.
    SentInPart,
}

async fn run(link: &mut Link, request: TransferRequest, connection: ConnectionId, services: &Services) -> Outcome {
    let begun = tokio::select! {
        begun = begin(request, connection, services) => begun,
        () = link.stopping.cancelled() => return Outcome::Closed(services.why_it_stops()),
        closing = link.told.told() => return Outcome::Closed(closing),
    };
    match begun {
        Err(refusal) => Outcome::Replied(Reply::Refused(refusal)),
        Ok(Transfer::Download(download)) => match link.send(&download).await {
            Ok(()) => Outcome::Sent,
            Err(lack) => {
                log::debug!("a download was cut: {lack:?}");
                if let Lack::Told(closing) = lack {
                    METRICS.closed(closing);
                }
                Outcome::SentInPart
            }
        },
        Ok(Transfer::Upload(mut upload)) => {
            let patience = services.terms.read(|terms| terms.stop_patience);
            let received = receive(link, &mut upload, patience).await;
            log::debug!("an upload ended: {received:?}");
            upload.end(&received).await;
            match received {
                Ok(digest) => Outcome::Replied(Reply::Received(digest)),
                Err(Cut::Kept(refusal) | Cut::Dropped(refusal)) => Outcome::Replied(Reply::Refused(refusal)),
                Err(Cut::Stopping) => Outcome::Closed(services.why_it_stops()),
                Err(Cut::Told(closing)) => Outcome::Closed(closing),
            }
        }
    }
}

/// Begins a transfer, which is its account's from here on. If an order of the operator's comes in between, nobody knows
/// whether it was to void this ticket: it does.
async fn begin(request: TransferRequest, connection: ConnectionId, services: &Services) -> Result<Transfer, Refusal> {
    let Services { connections, files, reader, .. } = services;
    let as_of = connections.as_of();
    let Begun { account, transfer } = files.begin(request).await?;
    if connections.log_in(connection, &account, Role::Transfer, as_of).is_ok() {
        return Ok(transfer);
    }
    let ban = reader.ban_of(account.id).await?;
    Err(match ban.filter(|ban| ban.holds_at(now_ms())) {
        Some(ban) => Refusal::Banned(Box::new(ban)),
        None => Refusal::BadTicket,
    })
}

async fn receive(link: &mut Link, upload: &mut Upload, stop_patience: Duration) -> Result<Digest, Cut> {
    link.unless_stopped(upload.resume()).await?;
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    while upload.missing_bytes() > 0 {
        let wanted = portion(upload.missing_bytes(), BLOCK_BYTES);
        let filled = link.fill(&mut block, wanted).await;
        // Whatever has come is kept.
        if !block.is_empty() {
            block = upload.take(block).await?;
        }
        match filled {
            Ok(()) => (),
            Err(Lack::Stopping) => return Err(Cut::Stopping),
            Err(Lack::Told(closing)) => return Err(Cut::Told(closing)),
            Err(Lack::TooSlow) => return Err(Cut::Kept(Refusal::TooSlow)),
            Err(Lack::Ended | Lack::Failed) => return Err(upload.cut_short()),
        }
    }
    let digest = link.unless_stopped(upload.settle()).await?;
    if link.has_more() {
        return Err(Cut::Dropped(Refusal::SizeMismatch(SizeMismatch::TooMany)));
    }
    let stopped = async {
        // A ban comes too late now: all of it is here.
        link.stopping.cancelled().await;
        sleep(stop_patience).await;
    };
    tokio::select! {
        biased;
        shared = upload.share(digest) => shared,
        // The room answers nobody any more.
        () = stopped => Err(Cut::Stopping),
    }
}

/// Why bytes do not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// The peer sends nothing more.
    Ended,
    /// The connection is broken, or the disk.
    Failed,
    TooSlow,
    Stopping,
    /// This connection is told to end.
    Told(Closing),
}

/// A connection that carries bytes.
struct Link {
    stream: Stream,
    /// Read already, and not used yet.
    unread: BytesMut,
    pace: Pace,
    stopping: CancellationToken,
    told: Told,
}

impl Link {
    /// Reads until the block holds `wanted` bytes; what has come before a lack is in it too.
    async fn fill(&mut self, block: &mut Vec<u8>, wanted: usize) -> Result<(), Lack> {
        let at_hand = self.unread.len().min(wanted - block.len());
        block.extend_from_slice(&self.unread.split_to(at_hand));
        while block.len() < wanted {
            self.go_on().await?;
            match self.stream.try_read_buf(&mut block.limit(wanted - block.len())) {
                Ok(0) => return Err(Lack::Ended),
                Ok(count) => self.pace.moved(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::READABLE).await?,
                Err(_) => return Err(Lack::Failed),
            }
        }
        Ok(())
    }

    /// Whether bytes have come that nobody asked for.
    fn has_more(&self) -> bool {
        !self.unread.is_empty() || matches!(self.stream.try_read_buf(&mut [0].as_mut_slice()), Ok(1..))
    }

    /// Copies a file to the socket.
    async fn send(&mut self, download: &Download) -> Result<(), Lack> {
        let mut offset = download.offset_bytes;
        while offset < download.size_bytes {
            self.go_on().await?;
            let count = portion(download.size_bytes - offset, PIECE_BYTES);
            match self.stream.try_send_file(&download.file, &mut offset, count) {
                Ok(0) => {
                    log::error!("a shared file is shorter on disk than it was; restore it from a backup");
                    return Err(Lack::Failed);
                }
                Ok(count) => {
                    self.pace.moved(count);
                    let_others_run();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::WRITABLE).await?,
                Err(_) => return Err(Lack::Failed),
            }
        }
        while let Err(error) = self.stream.try_flush() {
            match error.kind() {
                io::ErrorKind::WouldBlock => self.wait(Interest::WRITABLE).await?,
                _ => return Err(Lack::Failed),
            }
        }
        Ok(())
    }

    /// Between any two pieces: a peer that never pauses would otherwise keep this thread to itself, and
    /// never hear that it is to end.
    async fn go_on(&mut self) -> Result<(), Lack> {
        consume_budget().await;
        if self.stopping.is_cancelled() {
            return Err(Lack::Stopping);
        }
        self.told.now().map_or(Ok(()), |closing| Err(Lack::Told(closing)))
    }

    /// Waits for our own work, but not longer than that.
    async fn unless_stopped<T>(&mut self, work: impl Future<Output = Result<T, Cut>>) -> Result<T, Cut> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.stopping.cancelled() => Err(Cut::Stopping),
            closing = self.told.told() => Err(Cut::Told(closing)),
        }
    }

    async fn wait(&mut self, interest: Interest) -> Result<(), Lack> {
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => Err(Lack::Stopping),
            closing = self.told.told() => Err(Lack::Told(closing)),
            ready = self.pace.keep(self.stream.ready(interest)) => match ready {
                None => Err(Lack::TooSlow),
                Some(ready) => ready.map_err(|_| Lack::Failed),
            },
        }
    }
}
