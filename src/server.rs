//! Wires the parts together, starts them in order and stops them in the reverse one.
//!
//! Stopping: no more connections; games stand still; the room's last event; every connection is told and written to its
//! end; everything queued is stored; the numbers not used are given back. All within one deadline. If the store has died, there
//! is nothing to wait for: whoever waits is told that the outcome is unknown, and the daemon is gone within a second.

use std::io::Write;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::admin::orders::Operator;
use crate::admin::server::Control;
use crate::auth::Auth;
use crate::background::Background;
use crate::backup::restore::{refuse_backup, refuse_unfinished};
use crate::clock::now_ms;
use crate::config::{Changeable, Config, Loaded, seconds};
use crate::connections::Connections;
use crate::data_dir::DataDir;
use crate::exit::Failure;
use crate::files::{self, DirectoryError, Files, OpenError};
use crate::games::{self, Games};
use crate::guard::Guard;
use crate::guard::network::Network;
use crate::live::Live;
use crate::net::listener::{self, Acceptor};
use crate::net::{Tls, Treatment};
use crate::reload::{Levers, Settings};
use crate::room::Room;
use crate::session::Services;
use crate::store::record::{BanRecord, Barred};
use crate::store::{Closed, Store};

/// The one room, until there are more.
const ROOM: &str = "lobby";
/// Descriptors that are not for connections and their files: database, listeners, control socket, runtime.
const DESCRIPTORS_IN_RESERVE: u64 = 128;
/// How long stopping may take once the store is dead: nothing is left to be stored, only to be told.
const DEAD_STORE_PATIENCE: Duration = Duration::from_millis(800);

/// Runs the daemon until it is told to stop.
pub async fn run(loaded: Loaded) -> Result<(), Failure> {
    let (mut stop_signals, mut hang_up) = (StopSignals::new()?, signal(SignalKind::hangup())?);
    let config = loaded.config.clone();
    refuse_backup(&config.data)?;
    let data = DataDir::take(&config.data)?;
    refuse_unfinished(data.path())?;
    // Before the database is touched. Who connects meanwhile waits in the kernel's queue.
    let tls = config.tls.files().map_err(Failure::Flags)?.map(Tls::load).transpose()?.map(Arc::new);
    let listeners = bind(&config, tls.as_ref())?;
    let (store, opened) = Store::open(data.path(), ROOM, seconds(config.confirm_timeout_s))?;
    let control = Control::bind(&data)?;
    // The store has just been opened and can take one record.
    let slot = store.queue.slot(1).await.map_err(|_| Failure::Internal("the store"))?;
    let connections = connections_at_start(&store).await?;
    let (room, started, room_task) = Room::open(ROOM, opened, store.queue.clone(), connections.clone(), slot).await;
    if store.queue.durable(started.position, store.queue.confirm_deadline()).await.is_err() {
        return close(store, Instant::now(), false, Some(Failure::Internal("the store")));
    }
    let background = Background::start()?;
    let (files, files_task) = open_files(&config, &data, &store, &room, &background).await?;
    let (games, games_task) = open_games(&config, &store, &room, opened.was_closed).await?;
    let max_connections = max_connections(&config);
    warn_of_trust(&config);
    warn_of_plain_logins(&config);
    if config.tls.tls_listen.is_empty() && (config.tls.tls_cert.is_some() || config.tls.tls_key.is_some()) {
        log::warn!("--tls-cert and --tls-key are of no use without --tls-listen: TLS is spoken nowhere");
    }
    let Changeable { terms, treatment, .. } = Changeable::from(&config);
    let terms = Live::new(terms);
    let services = Arc::new(Services {
        connections,
        room: room.clone(),
        queue: store.queue.clone(),
        reader: store.reader.clone(),
        auth: Auth::start(config.bcrypt_cost)?,
        guard: Guard::new(config.guard.limits(max_connections)),
        files: files.clone(),
        games: games.clone(),
        terms: terms.clone(),
    });
    let operator = Operator::new(Arc::clone(&services), data.path().to_owned()).await.map_err(|error| {
        log::error!("what was ordered: {error}");
        Failure::Internal("the store")
    })?;
    let control = tokio::spawn(control.run(operator));
    log::info!("parlord {} on {}, at most {max_connections} connections", env!("CARGO_PKG_VERSION"), config.data.display());
    let levers = Levers { terms, treatment: Live::new(treatment), queue: store.queue.clone(), files, games: games.clone() };
    let acceptor = start_accepting(services, listeners, &levers.treatment, background.handle().clone())?;
    let mut settings = Settings::new(loaded, levers);

    let failed = failed(&store, room_task, files_task, games_task);
    let failure = outlast(failed, &mut stop_signals, &mut hang_up, &mut settings, tls.as_deref()).await;
    log::info!("stopping; connections open: {}", acceptor.count());
    let mut patience = settings.stop_timeout();
    if store.queue.is_dead() {
        patience = patience.min(DEAD_STORE_PATIENCE);
        // Whoever waits for the store is told that it will not come before anybody is told to go.
        tokio::time::sleep(patience / 4).await;
    }
    let deadline = Instant::now() + patience;
    control.abort();
    let room_is_closed = stop_talking(&acceptor, &games, &room, deadline, failure.is_some()).await;
    close(store, deadline, room_is_closed, failure)
}

/// Nobody is connected, but networks may be banned.
async fn connections_at_start(store: &Store) -> Result<Connections, Failure> {
    let now_ms = now_ms();
    let bans = store.reader.bans(now_ms).await.map_err(|error| {
        log::error!("who is banned: {error}");
        Failure::Internal("the store")
    })?;
    let connections = Connections::default();
    for BanRecord { whom, terms, .. } in bans.into_iter().map(|named| named.ban) {
        let Barred::Network(network) = whom else { continue };
        match network.parse() {
            Ok(network) => _ = connections.ban(network, terms.until_ms, now_ms),
            Err(error) => log::error!("a ban of {network:?} is of no use: {error}"),
        }
    }
    Ok(connections)
}

async fn open_files(
    config: &Config,
    data: &DataDir,
    store: &Store,
    room: &Room,
    background: &Background,
) -> Result<(Files, JoinHandle<()>), Failure> {
    let around = files::Surroundings {
        room: room.clone(),
        queue: store.queue.clone(),
        reader: store.reader.clone(),
        background: background.handle().clone(),
        transfers: usize::try_from(config.files.max_transfers).unwrap_or(usize::MAX),
    };
    let opened = Files::open(data.path(), config.files.limits(), around).await;
    opened.map_err(|error| match error {
        OpenError::Directory(DirectoryError::Unsynced(error)) => Failure::Unsynced(error.to_string()),
        OpenError::Directory(DirectoryError::Io(source)) => Failure::DataDirectory { data: data.path().to_owned(), source },
        OpenError::Records(error) => {
            log::error!("what is shared: {error}");
            Failure::Internal("the store")
        }
    })
}

async fn open_games(config: &Config, store: &Store, room: &Room, was_closed: bool) -> Result<(Games, JoinHandle<()>), Failure> {
    let around =
        games::Surroundings { room: room.clone(), was_closed, queue: store.queue.clone(), reader: store.reader.clone() };
    Games::open(config.games.limits(), around).await.map_err(|error| {
        log::error!("the games: {error}");
        Failure::Internal("the store")
    })
}

/// A socket that listens, and TLS if it is to be spoken there.
type Listener = (TcpListener, Option<Arc<Tls>>);

fn bind(config: &Config, tls: Option<&Arc<Tls>>) -> Result<Vec<Listener>, Failure> {
    let plain = config.listen.iter().map(|&address| (address, None));
    let encrypted = config.tls.tls_listen.iter().map(|&address| (address, tls.cloned()));
    let mut listeners = Vec::new();
    for (address, tls) in plain.chain(encrypted) {
        listeners.push((listen(address).map_err(|source| Failure::Listen { address, source })?, tls));
    }
    Ok(listeners)
}

/// After a restart everyone comes back at once; whoever finds no place in the queue is kept waiting for seconds by
/// the system. It takes less than this if `net.core.somaxconn` is less.
const WAITING_TO_BE_ACCEPTED: u32 = 4096;

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // What lingers of connections to the daemon before this one does not keep the address.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_TO_BE_ACCEPTED)
}

/// How many connections there may be, transfers too: what was asked for, as far as the descriptors go.
fn max_connections(config: &Config) -> usize {
    // A transfer holds its file beside its connection.
    let in_reserve = DESCRIPTORS_IN_RESERVE + u64::from(config.files.max_transfers);
    let allowed = raise_descriptor_limit().saturating_sub(in_reserve).max(1);
    let wanted = config.max_connections.map_or(allowed, u64::from);
    if wanted > allowed {
        log::warn!("--max-connections {wanted} is more than the descriptor limit allows: {allowed} it is (see ulimit -Hn)");
    }
    usize::try_from(wanted.min(allowed)).unwrap_or(usize::MAX)
}

/// Whoever comes by a tunnel or a proxy on this machine seems to come from this machine.
fn warn_of_trust(config: &Config) {
    let trusts_loopback =
        config.guard.trusted().iter().any(|trusted| Network::LOOPBACK.iter().any(|own| own.overlaps(*trusted)));
    let listeners = || config.listen.iter().chain(&config.tls.tls_listen);
    if trusts_loopback && listeners().any(|address| !address.ip().to_canonical().is_loopback()) {
        log::warn!(
            "others can connect, and this machine's own addresses are trusted (--trust): if a proxy or a tunnel (nginx, ssh -R, \
             Tor) runs here, everyone who comes through it has no budgets; then give --trust none"
        );
    }
}

/// Whoever is on the way to a plain listener reads what passes, passwords too.
fn warn_of_plain_logins(config: &Config) {
    let reachable = config.listen.iter().filter(|address| !address.ip().to_canonical().is_loopback());
    let reachable: Vec<_> = reachable.map(ToString::to_string).collect();
    if !reachable.is_empty() && !config.tls.allow_plain_login {
        log::warn!(
            "passwords, files and tickets can be read by anyone on the way to {}; --tls-listen encrypts them, \
             --allow-plain-login silences this warning",
            reachable.join(", ")
        );
    }
}

/// What a hang-up signal asks for: the files that the flags name are read again. What cannot be used is told, and then
/// what was read before stays in use.
fn reload(settings: &mut Settings, tls: Option<&Tls>) {
    let has_file = settings.reload();
    match tls.map(Tls::reload) {
        None if has_file => (),
        None => log::info!("SIGHUP: there is nothing to read again"),
        Some(Ok(())) => log::info!("SIGHUP: the certificate has been read again; it is shown to new connections"),
        Some(Err(error)) => log::warn!("SIGHUP: the old certificate stays in use: {error}"),
    }
}

fn start_accepting(
    services: Arc<Services>,
    listeners: Vec<Listener>,
    treatment: &Live<Treatment>,
    background: Handle,
) -> Result<Arc<Acceptor>, Failure> {
    let settings = listener::Settings { treatment: treatment.clone(), background };
    let acceptor = Acceptor::new(services, settings);
    let mut ready = Vec::new();
    for (listener, tls) in listeners {
        ready.push((listener.local_addr()?, if tls.is_some() { " with TLS" } else { "" }));
        tokio::spawn(Arc::clone(&acceptor).run(listener, tls));
    }
    let mut out = std::io::stdout().lock();
    for (address, how) in ready {
        writeln!(out, "listening on {address}{how}")?;
    }
    out.flush()?;
    Ok(acceptor)
}

/// Ends the talk: nobody comes in, everyone is told, what was said is answered. Tells whether the room
/// has answered that nothing more will happen in it.
async fn stop_talking(acceptor: &Acceptor, games: &Games, room: &Room, deadline: Instant, has_failed: bool) -> bool {
    acceptor.closing.cancel();
    // Before the players are told: that their connections end is no loss then.
    let stop = async {
        games.stop().await;
        room.stop().await
    };
    let room_is_closed = !has_failed && tokio::time::timeout_at(deadline.into(), stop).await.is_ok();
    acceptor.stopping.cancel();
    // Half of what is left, at most, is for peers: those still waiting for the disk are told in the
    // first half of that (`stop_patience`), those that do not read are cut at its end.
    let patience = deadline.saturating_duration_since(Instant::now()) / 2;
    if tokio::time::timeout(patience, acceptor.drained()).await.is_err() {
        log::info!("connections that did not close in time and are cut: {}", acceptor.count());
    }
    room_is_closed
}

fn close(store: Store, deadline: Instant, room_is_closed: bool, failure: Option<Failure>) -> Result<(), Failure> {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
    let closed = store.close(left, room_is_closed);
    match (failure, closed) {
        (_, Closed::Dead(death)) => Err(death.into()),
        (Some(failure), _) => Err(failure),
        (None, Closed::Drained) => {
            log::info!("stopped; everything is stored");
            Ok(())
        }
        (None, Closed::Unstored(unstored)) => Err(Failure::Unstored { unstored }),
    }
}

/// Waits for what ends the daemon, and does meanwhile what a hang-up signal asks for.
async fn outlast(
    failed: impl Future<Output = &'static str>,
    stop_signals: &mut StopSignals,
    hang_up: &mut Signal,
    settings: &mut Settings,
    tls: Option<&Tls>,
) -> Option<Failure> {
    let mut failed = pin!(failed);
    loop {
        tokio::select! {
            name = stop_signals.received() => {
                log::info!("{name}");
                return None;
            }
            _ = hang_up.recv() => reload(settings, tls),
            why = &mut failed => return Some(Failure::Internal(why)),
        }
    }
}

/// Resolves when something without which there is no daemon has died.
async fn failed(store: &Store, room: JoinHandle<()>, files: JoinHandle<()>, games: JoinHandle<()>) -> &'static str {
    tokio::select! {
        () = store.died() => "the store",
        _ = room => "the room",
        _ = files => "the files",
        _ = games => "the games",
    }
}

/// The signals that stop the daemon.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    /// Caught so that a file size limit (`ulimit -f`) is a failed write like a full disk, not a death.
    _file_size: Signal,
}

impl StopSignals {
    fn new() -> std::io::Result<Self> {
        /// SIGXFSZ, which tokio has no name for.
        const FILE_SIZE: i32 = 25;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _file_size: signal(SignalKind::from_raw(FILE_SIZE))?,
        })
    }

    async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Raises the descriptor limit as far as the system lets this user; returns what it is then.
fn raise_descriptor_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current.or(current).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::Record;

    fn running() -> JoinHandle<()> {
        tokio::spawn(std::future::pending())
    }

    #[tokio::test]
    async fn a_room_that_panics_ends_the_daemon_and_what_was_queued_is_stored() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(directory.path(), ROOM, Duration::from_secs(600)).unwrap();
        let room = tokio::spawn(async { panic!("a bug") });
        let why = failed(&store, room, running(), running()).await;
        let ended = close(store, Instant::now() + Duration::from_secs(60), false, Some(Failure::Internal(why)));
        assert!(matches!(ended, Err(Failure::Internal("the room"))));
    }

    #[tokio::test]
    async fn a_writer_that_panics_is_what_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(directory.path(), ROOM, Duration::from_secs(600)).unwrap();
        store.queue.push(vec![Record::Bug], vec![store.queue.slot(1).await.unwrap()]);
        let why = failed(&store, running(), running(), running()).await;
        let ended = close(store, Instant::now() + Duration::from_secs(60), false, Some(Failure::Internal(why)));
        assert!(matches!(ended, Err(Failure::Internal("the store"))));
    }
}
