//! Where the daemon is and how it is reached: its address, addresses to come from when one has not enough ports, and
//! descriptors for many connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};

use super::failure::Failure;

/// Connections from one address to one port: a little less than Linux has ports for them.
const CONNECTIONS_PER_SOURCE: usize = 20_000;
/// What is open besides connections.
const OTHER_DESCRIPTORS: u64 = 64;

/// A daemon to connect to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    words: String,
}

impl Target {
    /// Finds the address.
    pub(crate) fn find(words: &str) -> Result<Self, Failure> {
        let unreachable = |why| Failure::Unreachable { address: words.to_owned(), why };
        let address = words.to_socket_addrs().map_err(unreachable)?.next();
        let address = address.ok_or_else(|| unreachable(io::Error::new(io::ErrorKind::NotFound, "no such host")))?;
        Ok(Self { address, words: words.to_owned() })
    }

    /// Begins a connection, the `number`-th of this run. It need not be there yet when this returns.
    pub(crate) fn connect(&self, number: usize) -> Result<TcpStream, Failure> {
        self.begin(number).map_err(|why| Failure::Unreachable { address: self.words.clone(), why })
    }

    /// A connection that waits, for a thread of its own.
    pub(crate) fn connect_and_wait(&self) -> Result<TcpStream, Failure> {
        let connected = TcpStream::connect(self.address);
        let stream = connected.map_err(|why| Failure::Unreachable { address: self.words.clone(), why })?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn begin(&self, number: usize) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source(self.address.ip(), number) {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&self.address.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => Err(error),
            _ => Ok(socket.into()),
        }
    }
}

/// Where the `number`-th connection comes from, if it matters: on the loopback all of 127.0.0.0/8 is ours.
fn source(target: IpAddr, number: usize) -> Option<IpAddr> {
    let more = u8::try_from(number / CONNECTIONS_PER_SOURCE).unwrap_or(u8::MAX - 2).min(u8::MAX - 2);
    (more > 0 && target.is_ipv4() && target.is_loopback()).then(|| Ipv4Addr::new(127, 0, 0, 1 + more).into())
}

/// Raises the descriptor limit as far as the system lets this user; fails if that is not enough.
pub(crate) fn raise_descriptor_limit(connections: usize) -> Result<(), Failure> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let needed = connections as u64 + OTHER_DESCRIPTORS;
    match maximum {
        Some(maximum) if maximum < needed => Err(Failure::System(io::Error::other(format!(
            "{needed} descriptors, and only {maximum} are allowed (ulimit -Hn {needed})"
        )))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_connections_come_from_several_addresses() {
        let loopback: IpAddr = [127, 0, 0, 1].into();
        assert_eq!(source(loopback, 19_999), None);
        assert_eq!(source(loopback, 20_000), Some([127, 0, 0, 2].into()));
        assert_eq!(source(loopback, 65_000), Some([127, 0, 0, 4].into()));
        assert_eq!(source([10, 0, 0, 1].into(), 65_000), None);
    }
}
