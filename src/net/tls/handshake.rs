//! The beginning of a TLS connection: who speaks TLS gets through, who does not is known by the first byte, before
//! anything is computed.

use std::io;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::{self, ServerConnection};

use super::Tls;
use super::stream::{Raw, flush};

/// The first byte of every TLS connection: a record of the handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 0x16;

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::net) enum Refused {
    /// The peer speaks something else, or nothing at all: who speaks TLS speaks first.
    #[error("the peer does not speak TLS")]
    NotTls,
    /// The peer began to speak TLS and did not go on.
    #[error("too slow")]
    TooSlow,
    /// The peer speaks TLS, but not such that it can be agreed on; it has been told by an alert.
    #[error("{0}")]
    Disagreed(rustls::Error),
    /// The peer is gone.
    #[error("{0}")]
    Lost(#[from] io::Error),
}

/// Agrees on TLS with a peer.
pub(in crate::net) async fn shake_hands(socket: &TcpStream, tls: &Tls, deadline: Instant) -> Result<ServerConnection, Refused> {
    let mut first = [0];
    let peeked = timeout_at(deadline, socket.peek(&mut first)).await;
    match peeked {
        Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        Ok(Ok(_)) if first[0] == HANDSHAKE => (),
        Ok(Ok(_)) | Err(_) => return Err(Refused::NotTls),
        Ok(Err(error)) => return Err(error.into()),
    }
    timeout_at(deadline, agree(socket, tls)).await.unwrap_or(Err(Refused::TooSlow))
}

async fn agree(socket: &TcpStream, tls: &Tls) -> Result<ServerConnection, Refused> {
    let mut session = ServerConnection::new(tls.current()).map_err(Refused::Disagreed)?;
    while session.is_handshaking() || session.wants_write() {
        match advance(&mut session, socket) {
            Ok(()) => (),
            Err(Halt::Waits) => {
                let interest = if session.wants_write() { Interest::WRITABLE } else { Interest::READABLE };
                socket.ready(interest).await?;
            }
            Err(Halt::Disagreed(error)) => return Err(Refused::Disagreed(error)),
            Err(Halt::Lost(error)) => return Err(error.into()),
        }
    }
    Ok(session)
}

/// What keeps a handshake from going on.
enum Halt {
    /// The peer has to send, or to read.
    Waits,
    Disagreed(rustls::Error),
    Lost(io::Error),
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::WouldBlock { Halt::Waits } else { Halt::Lost(error) }
    }
}

/// Writes what is to be written, or else reads once.
fn advance(session: &mut ServerConnection, socket: &TcpStream) -> Result<(), Halt> {
    flush(session, socket)?;
    if !session.is_handshaking() {
        return Ok(());
    }
    if session.read_tls(&mut Raw(socket))? == 0 {
        return Err(Halt::Lost(io::ErrorKind::UnexpectedEof.into()));
    }
    session.process_new_packets().map(drop).map_err(|error| {
        // The alert is short, and the first that this socket is given.
        let _ = flush(session, socket);
        Halt::Disagreed(error)
    })
}
