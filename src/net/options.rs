//! What is asked of the kernel for a socket.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// When a silent peer is taken for dead.
#[derive(Clone, Copy, Debug)]
pub struct Keepalive {
    /// After this long without a byte the first probe is sent.
    pub idle: Duration,
    /// The pause between probes.
    pub interval: Duration,
}

/// Probes that may stay unanswered.
const PROBES: u32 = 3;

/// Prepares an accepted socket.
pub(super) fn prepare(socket: SockRef<'_>, keepalive: Keepalive) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(keepalive.idle).with_interval(keepalive.interval).with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)
}

/// Bounds how long the kernel keeps a connection whose peer takes no data (RFC 5482), or lifts the bound.
///
/// Only while something is waiting: on Linux a user timeout also takes the place of the keepalive
/// count (`tcp_keepalive_timer`), so that a permanent one of ten minutes would keep a dead idle peer
/// for ten minutes instead of one.
pub(super) fn bound_stall(socket: SockRef<'_>, bound: Option<Duration>) {
    if let Err(error) = socket.set_tcp_user_timeout(bound) {
        log::debug!("cannot set the TCP user timeout: {error}");
    }
}
