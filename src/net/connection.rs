//! One connection from its first byte to its last: input to the session, output from its outbox, and
//! a close that arrives.
//!
//! Both directions are one task. The conversation (read a line, let the session take it) and the
//! writer run beside each other, so that a session that waits never keeps events back.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::coop::{consume_budget, unconstrained};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::options::StallBound;
use super::reader::LineReader;
use super::stream::Stream;
use super::transfer::{Carrier, Handoff};
use super::writer::{End, Writer};
use crate::connections::{Admission, Told};
use crate::guard::Admitted;
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::shell::Arrived;
use crate::session::outbox::outbox;
use crate::session::{Caller, Ending, Services, Session, Taken};

/// How long a closed connection is still read, so that the last words arrive: closing a socket with
/// unread input sends a reset, which discards what the peer has not read yet (RFC 1122, 4.2.2.13).
const LINGER: Duration = Duration::from_secs(2);

/// How long the last words of a connection that the server closes may take, beyond the time that the
/// replies before them may wait for the disk.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A connection that was let in: who, when, its entry in the list of connections, and its place.
pub(super) struct Newcomer {
    pub(super) peer: SocketAddr,
    /// When the connection was accepted: what TLS took of the time to the first line is gone.
    pub(super) since: Instant,
    pub(super) admission: Admission,
    pub(super) told: Told,
    pub(super) admitted: Admitted,
}

/// Serves a connection until it ends, or until it is told to.
///
/// The parts are made before the future and moved into it once: an `async fn` would hold its
/// arguments beside them, for as long as the connection lives.
pub(super) fn serve(
    stream: Stream,
    newcomer: Newcomer,
    services: Arc<Services>,
    stall: StallBound,
    carrier: Carrier,
) -> impl Future<Output = ()> {
    let Newcomer { peer, since, admission, told, admitted: Admitted { place, stranger, pace } } = newcomer;
    // Only what is written into commands for the peer depends on it.
    let local = stream.socket().local_addr().unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
    let arrived = Arrived { at: local, over_tls: stream.is_tls() };
    let (read_half, write_half) = stream.into_split();
    let mut reader = LineReader::new(read_half);
    let last_words = services.queue.confirm_timeout() + LAST_WORDS;
    let (outbox, outgoing) = outbox(services.queue.clone());
    let mut writer = Writer::new(write_half, outgoing, stall);
    let connection = admission.id();
    let caller = Caller { connection, peer: peer.ip().to_canonical(), arrived, since, stranger, pace };
    let mut session = Session::new(Arc::clone(&services), caller, outbox);
    async move {
        let (_place, admission, mut told) = (place, admission, told);
        let end = {
            let conversation = pin!(async {
                let ending = tokio::select! {
                    biased;
                    () = carrier.stopping.cancelled() => Ending::Closed(services.why_it_stops()),
                    closing = told.told() => Ending::Closed(closing),
                    ending = converse(&mut reader, &mut session) => ending,
                };
                log::debug!("connection {} from {peer} ends: {ending}", connection.0);
                if matches!(ending, Ending::Transfer(_)) {
                    return ending;
                }
                let deadline = session.deadline();
                session.finish(&ending);
                if matches!(ending, Ending::Closed(_)) {
                    return ending;
                }
                // Whoever asked gets its answers, however slowly it reads; but who never logged in has no more time for
                // that than for the login, and who is told to go goes.
                let closing = tokio::select! {
                    biased;
                    () = carrier.stopping.cancelled() => services.why_it_stops(),
                    closing = told.told() => closing,
                    _ = in_time(deadline, std::future::pending::<()>) => Closing::LoginTimeout,
                };
                METRICS.closed(closing);
                Ending::Closed(closing)
            });
            // Not counted against the task's budget: a flood of lines spends that, and would silence this side.
            let mut writing = pin!(unconstrained(writer.run()));
            tokio::select! {
                biased;
                ending = conversation => match ending {
                    Ending::Transfer(request) => Err(request),
                    _ => Ok(Box::pin(timeout(last_words, writing)).await.unwrap_or(End::Stalled)),
                },
                // The peer is gone; dropping the session leaves the room.
                end = &mut writing => Ok(counted(end)),
            }
        };
        let voice = session.voice();
        // Whoever has not logged in is among the strangers until the connection is gone, but for a transfer.
        let stranger = session.end();
        let end = match end {
            Ok(end) => end,
            // Its first line was its last: nothing has been written.
            Err(request) => {
                let (read_half, unread) = reader.into_parts();
                let Some(stream) = writer.rejoin(read_half) else { return };
                drop(stranger);
                // Boxed, so that other connections do not hold the state of this.
                return Box::pin(carrier.carry(Handoff { stream, unread, request, voice, services, admission, told })).await;
            }
        };
        log::debug!("connection {} from {peer}: {end}", connection.0);
        if matches!(end, End::Said) && writer.shut_down().is_ok() {
            // Boxed, as above.
            let _ = Box::pin(timeout(LINGER, reader.discard())).await;
        }
    }
}

/// Says some last words, then closes such that they arrive.
pub(super) async fn say_and_close(stream: Stream, last_words: &str) -> io::Result<()> {
    let (read_half, write_half) = stream.into_split();
    // Of the kernel's own patience with such a peer nothing is known here.
    timeout(LAST_WORDS, write_half.write_last(last_words.as_bytes())).await??;
    let _ = timeout(LINGER, LineReader::new(read_half).discard()).await;
    Ok(())
}

/// The one closing that has no words: a peer that stalls reads none.
fn counted(end: End) -> End {
    if matches!(end, End::Stalled) {
        METRICS.closed(Closing::Stalled);
    }
    end
}

async fn converse(reader: &mut LineReader, session: &mut Session) -> Ending {
    loop {
        loop {
            if session.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                return Ending::Closed(Closing::LoginTimeout);
            }
            if let Some(until) = session.take_pause() {
                session.say().await;
                in_time(session.deadline(), || sleep_until(until)).await;
                continue;
            }
            let line = match reader.next_line(session.manner()) {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(_) => return Ending::EndOfInput,
            };
            let step = match session.take(line, reader.has_seen_crlf()) {
                Taken::Done(step) => step,
                Taken::Waits(work) => work.await,
            };
            if let ControlFlow::Break(ending) = step {
                return ending;
            }
            // Lines that cause no reply never fill the outbox; they too let others run.
            consume_budget().await;
            if in_time(session.deadline(), || session.has_room()).await.is_none() {
                return Ending::Closed(Closing::LoginTimeout);
            }
        }
        session.say().await;
        let input = &mut *reader;
        match in_time(session.deadline(), move || input.fill()).await {
            None => return Ending::Closed(Closing::LoginTimeout),
            Some(Ok(count @ 1..)) => session.received(count),
            // A reset is an end of input too: what was asked before it is carried out.
            Some(Ok(0) | Err(_)) => return Ending::EndOfInput,
        }
    }
}

/// Waits, but no longer than until the deadline, if there is one. Only logins have one: so the timer is in a box,
/// and what is waited for is made here, or each connection would hold both three times.
async fn in_time<T, W: Future<Output = T>>(deadline: Option<Instant>, waiting: impl FnOnce() -> W) -> Option<T> {
    match deadline {
        Some(deadline) => Box::pin(timeout_at(deadline, waiting())).await.ok(),
        None => Some(waiting().await),
    }
}
