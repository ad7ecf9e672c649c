//! Accepts connections: prepares their sockets, counts them, turns away what is too much, and gets
//! over running out of descriptors without spinning.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Newcomer, say_and_close, serve};
use super::entrance::come_in;
use super::options::{Keepalive, StallBound, prepare};
use super::pace::MinRate;
use super::stream::Stream;
use super::tls::Tls;
use super::transfer::Carrier;
use crate::clock::now_ms;
use crate::live::Live;
use crate::logging::Seldom;
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::voice::Voice;
use crate::session::Services;

/// The pause after a failed accept doubles from the first to the last; a naive loop makes millions of
/// failing calls a second when descriptors run out.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_LAST: Duration = Duration::from_secs(1);
/// Connections that are being told at once why they may not come in; more are closed without a word.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// How long a handshake may take with a peer who is then turned away.
const TURNED_AWAY_WITHIN: Duration = Duration::from_secs(5);

/// What a TLS handshake costs of a budget of requests: some milliseconds of the processor with an RSA key.
const HANDSHAKE_COST: u64 = 10;

/// How connections are treated.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How each is treated.
    pub treatment: Live<Treatment>,
    /// The threads that transfers run on.
    pub background: Handle,
}

/// How a connection is treated, which the operator may change for those that come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// When a silent peer is taken for dead.
    pub keepalive: Keepalive,
    /// How long a peer may take nothing.
    pub stall_timeout: Duration,
    /// The slowest that a transfer may be.
    pub min_rate: MinRate,
}

/// What all listeners share.
pub struct Acceptor {
    services: Arc<Services>,
    settings: Settings,
    /// Cancelled when no more connections are accepted.
    pub closing: CancellationToken,
    /// Cancelled when connections are told to go.
    pub stopping: CancellationToken,
    connections: TaskTracker,
    turned_away: Arc<Semaphore>,
}

impl Acceptor {
    /// An acceptor that accepts nothing yet.
    pub fn new(services: Arc<Services>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            services,
            settings,
            closing: CancellationToken::new(),
            stopping: CancellationToken::new(),
            connections: TaskTracker::new(),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
        })
    }

    /// Accepts from one listener, which may speak TLS, until told to stop.
    pub async fn run(self: Arc<Self>, listener: TcpListener, tls: Option<Arc<Tls>>) {
        let mut pause = PAUSE_FIRST;
        let mut warning = Seldom::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.closing.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    pause = PAUSE_FIRST;
                    self.admit(stream, peer, tls.as_ref());
                }
                // The peer was gone before it was accepted.
                Err(error) if is_of_the_peer(&error) => log::debug!("accept: {error}"),
                Err(error) => {
                    if warning.is_due() {
                        log::warn!("cannot accept connections: {error}; those that are open go on, trying again");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_LAST);
                }
            }
        }
    }

    /// Waits for the connections to end after `stopping`.
    pub async fn drained(&self) {
        self.connections.close();
        self.connections.wait().await;
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.connections.len()
    }

    fn admit(&self, socket: TcpStream, peer: SocketAddr, tls: Option<&Arc<Tls>>) {
        let Treatment { keepalive, stall_timeout, .. } = self.settings.treatment.read(Treatment::clone);
        if let Err(error) = prepare(SockRef::from(&socket), keepalive) {
            log::debug!("connection from {peer} was gone at once: {error}");
            return;
        }
        METRICS.accepted.count();
        let (admission, told) = match self.services.connections.admit(peer.ip(), now_ms) {
            Ok(admission) => admission,
            Err(closing) => return self.turn_away(socket, tls, peer, closing),
        };
        let cost = if tls.is_some() { HANDSHAKE_COST } else { 1 };
        let admitted = match self.services.guard.admit(peer.ip(), cost) {
            Ok(admitted) => admitted,
            Err(closing) => return self.turn_away(socket, tls, peer, closing),
        };
        log::debug!("connection {} from {peer}", admission.id().0);
        let mut newcomer = Newcomer { peer, since: Instant::now(), admission, told, admitted };
        let Settings { treatment, background } = self.settings.clone();
        let carrier = Carrier { background, treatment, stopping: self.stopping.clone() };
        let (services, stall) = (Arc::clone(&self.services), StallBound::new(stall_timeout, keepalive.idle));
        let Some(tls) = tls.map(Arc::clone) else {
            self.connections.spawn(serve(Stream::Plain(socket), newcomer, services, stall, carrier));
            return;
        };
        self.connections.spawn(async move {
            let (tongue, patience) = services.terms.read(|terms| (terms.tongue, terms.first_line_timeout));
            let agreed = come_in(socket, &tls, Voice::new(tongue), newcomer.since + patience);
            let agreed = tokio::select! {
                biased;
                () = carrier.stopping.cancelled() => return,
                // In the middle of a handshake nothing can be told.
                closing = newcomer.told.told() => return METRICS.closed(closing),
                // Boxed, so that what follows does not hold the state of this.
                agreed = Box::pin(agreed) => agreed,
            };
            match agreed {
                Ok(stream) => serve(stream, newcomer, services, stall, carrier).await,
                Err(why) => log::debug!("connection {} from {peer}: no TLS: {why}", newcomer.admission.id().0),
            }
        });
    }

    fn turn_away(&self, socket: TcpStream, tls: Option<&Arc<Tls>>, peer: SocketAddr, closing: Closing) {
        METRICS.closed(closing);
        log::debug!("connection from {peer}: {}", closing.code());
        // Nor is a handshake given to who has used up its address's budget.
        if tls.is_some() && !self.services.guard.affords(peer.ip(), HANDSHAKE_COST) {
            return;
        }
        let Ok(place) = Arc::clone(&self.turned_away).try_acquire_owned() else { return };
        let mut last_words = String::new();
        let voice = Voice::new(self.services.terms.read(|terms| terms.tongue));
        voice.closing(closing, &mut last_words);
        let tls = tls.map(Arc::clone);
        tokio::spawn(async move {
            let stream = match tls {
                None => Some(Stream::Plain(socket)),
                Some(tls) => come_in(socket, &tls, voice, Instant::now() + TURNED_AWAY_WITHIN).await.ok(),
            };
            if let Some(stream) = stream {
                let _ = say_and_close(stream, &last_words).await;
            }
            drop(place);
        });
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted)
}
