//! What is asked of the kernel for a socket.

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::time::Duration;

use rustix::ioctl::{Getter, Opcode, ioctl};
use socket2::{SockRef, TcpKeepalive};
use tokio::time::{Instant, Sleep, sleep};

/// When a silent peer is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Bounds how long the kernel waits for a peer to acknowledge what it is sent (RFC 5482).
///
/// Only while something is unacknowledged: on Linux a user timeout also takes the place of the
/// keepalive count (`tcp_keepalive_timer`), so that a permanent one of ten minutes would keep a dead
/// idle peer for ten minutes instead of one. The other way round, keepalive does not run while
/// something is unacknowledged. So the first write sets the bound, and a look every `interval` lifts
/// it once everything has arrived.
pub(super) struct StallBound {
    timeout: Duration,
    interval: Duration,
    /// Runs while the bound is set.
    until_look: Option<Pin<Box<Sleep>>>,
}

impl StallBound {
    pub(super) fn new(timeout: Duration, interval: Duration) -> Self {
        Self { timeout, interval, until_look: None }
    }

    /// How long a peer may take nothing.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Something is about to be written.
    pub(super) fn set(&mut self, socket: SockRef<'_>) {
        if self.until_look.is_none() {
            set_user_timeout(&socket, Some(self.timeout));
            self.until_look = Some(Box::pin(sleep(self.interval)));
        }
    }

    /// Waits until it is time to look whether the bound is still needed.
    pub(super) async fn look_due(&mut self) {
        match &mut self.until_look {
            Some(until_look) => until_look.await,
            None => std::future::pending().await,
        }
    }

    /// Lifts the bound if everything written has been acknowledged.
    pub(super) fn look(&mut self, socket: SockRef<'_>) {
        if unacknowledged_bytes(&socket).unwrap_or(0) == 0 {
            self.until_look = None;
            set_user_timeout(&socket, None);
        } else if let Some(until_look) = &mut self.until_look {
            until_look.as_mut().reset(Instant::now() + self.interval);
        }
    }
}

fn set_user_timeout(socket: &SockRef<'_>, timeout: Option<Duration>) {
    if let Err(error) = socket.set_tcp_user_timeout(timeout) {
        log::debug!("cannot set the TCP user timeout: {error}");
    }
}

/// How many of the bytes written the peer has not acknowledged yet (tcp(7), SIOCOUTQ).
#[expect(unsafe_code, reason = "no safe interface to this ioctl exists")]
fn unacknowledged_bytes(socket: &SockRef<'_>) -> rustix::io::Result<c_int> {
    /// SIOCOUTQ, in Linux's `sockios.h` the same as TIOCOUTQ.
    const SIOCOUTQ: Opcode = 0x5411;
    // SAFETY: on a TCP socket SIOCOUTQ writes one int where `Getter` has room for it, and reads nothing.
    unsafe { ioctl(socket.as_fd(), Getter::<SIOCOUTQ, c_int>::new()) }
}
