//! The connection of a pipe: two threads, one for each direction, each waiting for the socket alone. With TLS both go
//! through one [`ClientConnection`], which is locked only while bytes become others, never while somebody waits: a server
//! that does not read until it is read from would otherwise wait for ever.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::client::Tls;
use socket2::{SockRef, TcpKeepalive};
use tokio_rustls::rustls::ClientConnection;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// After so much silence the other side is probed, or a peer that has vanished would never be noticed.
const PROBED_AFTER: Duration = Duration::from_secs(30);
const PIECE_BYTES: usize = 16 << 10;

type Session = Option<Arc<Mutex<ClientConnection>>>;

/// What comes from the server.
pub(crate) struct Incoming {
    socket: TcpStream,
    session: Session,
    /// What has come and is not decrypted yet.
    encrypted: VecDeque<u8>,
}

/// What goes to the server.
pub(crate) struct Outgoing {
    socket: TcpStream,
    session: Session,
}

/// Connects, with TLS if it is to be spoken.
pub(crate) fn connect(address: &str, tls: Option<&Tls>) -> io::Result<(Incoming, Outgoing)> {
    let mut socket = connect_plain(address)?;
    let session = tls.map(|tls| shake_hands(&mut socket, address, tls)).transpose()?;
    let incoming = Incoming { socket: socket.try_clone()?, session: session.clone(), encrypted: VecDeque::new() };
    Ok((incoming, Outgoing { socket, session }))
}

fn connect_plain(address: &str) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(ErrorKind::NotFound, "no address of that name");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                let keepalive = TcpKeepalive::new().with_time(PROBED_AFTER).with_interval(PROBED_AFTER / 3);
                SockRef::from(&stream).set_tcp_keepalive(&keepalive.with_retries(3))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn shake_hands(socket: &mut TcpStream, address: &str, tls: &Tls) -> io::Result<Arc<Mutex<ClientConnection>>> {
    let session = ClientConnection::new(tls.config(), Tls::server_name(address)?);
    let mut session = session.map_err(io::Error::other)?;
    socket.set_read_timeout(Some(CONNECT_TIMEOUT))?;
    while session.is_handshaking() {
        let done = session.complete_io(socket);
        done.map_err(|error| if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error })?;
    }
    socket.set_read_timeout(None)?;
    Ok(Arc::new(Mutex::new(session)))
}

fn look(session: &Mutex<ClientConnection>) -> MutexGuard<'_, ClientConnection> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Incoming {
    /// How long each read may take.
    pub(crate) fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(session) = &self.session else { return self.socket.read(buffer) };
        loop {
            match look(session).reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                read => return read,
            }
            if self.encrypted.is_empty() {
                let mut piece = [0; PIECE_BYTES];
                let count = self.socket.read(&mut piece)?;
                self.encrypted.extend(&piece[..count]);
            }
            // What TLS has to answer goes out before what is sent next.
            let mut session = look(session);
            session.read_tls(&mut self.encrypted)?;
            session.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }
}

impl Outgoing {
    /// Ends this direction.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if let Some(session) = &self.session {
            look(session).send_close_notify();
            self.send_encrypted()?;
        }
        self.socket.shutdown(Shutdown::Write)
    }

    fn send_encrypted(&mut self) -> io::Result<()> {
        let Some(session) = &self.session else { return Ok(()) };
        let mut encrypted = Vec::new();
        let mut session = look(session);
        while session.wants_write() {
            session.write_tls(&mut encrypted)?;
        }
        drop(session);
        self.socket.write_all(&encrypted)
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(session) = &self.session else { return self.socket.write(bytes) };
        let count = look(session).writer().write(bytes)?;
        self.send_encrypted()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
