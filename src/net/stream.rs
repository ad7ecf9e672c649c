//! A connection's bytes, as they are or through TLS: whole, or as two halves. Everything beyond this file and
//! [`super::tls`] does not know which.
//!
//! Plain connections are the sockets themselves: one `match` before each call is all that they pay. Nothing here
//! holds bytes but TLS, whose buffers are bounded.

use std::fs::File;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;

use bytes::BufMut;
use rustix::fs::sendfile;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::rustls::ServerConnection;

use super::tls::{DetachedTls, TlsStream};

/// A whole connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Arc<TlsStream>),
}

/// What is read from.
pub(super) enum ReadHalf {
    Plain(OwnedReadHalf),
    Tls(Arc<TlsStream>),
}

/// What is written to.
pub(super) enum WriteHalf {
    Plain(OwnedWriteHalf),
    Tls(Arc<TlsStream>),
}

/// A whole connection on its way from one runtime to another.
pub(super) enum Detached {
    Plain(std::net::TcpStream),
    Tls(DetachedTls),
}

impl Stream {
    /// A connection with which TLS is agreed on.
    pub(super) fn tls(socket: TcpStream, session: ServerConnection) -> Self {
        Stream::Tls(Arc::new(TlsStream::new(socket, session)))
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }

    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(tls) => tls.socket(),
        }
    }

    pub(super) fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Stream::Plain(socket) => {
                let (read_half, write_half) = socket.into_split();
                (ReadHalf::Plain(read_half), WriteHalf::Plain(write_half))
            }
            Stream::Tls(tls) => (ReadHalf::Tls(Arc::clone(&tls)), WriteHalf::Tls(tls)),
        }
    }

    pub(super) fn try_read_buf(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.try_read_buf(buffer),
            Stream::Tls(tls) => tls.try_read_buf(buffer),
        }
    }

    /// Sends up to `count` bytes of a file from `offset` on, which moves on behind what was taken. To a plain socket the
    /// kernel copies them. Not for threads that carry talk: the disk is waited for.
    pub(super) fn try_send_file(&self, file: &File, offset: &mut u64, count: usize) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.try_io(Interest::WRITABLE, || Ok(sendfile(socket, file, Some(offset), count)?)),
            Stream::Tls(tls) => tls.try_send_file(file, offset, count),
        }
    }

    /// Hands the kernel what is still held of what was taken.
    pub(super) fn try_flush(&self) -> io::Result<()> {
        match self {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(tls) => tls.try_flush(),
        }
    }

    /// Waits until there may be something to read, or room to write.
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.ready(interest).await.map(drop),
            Stream::Tls(tls) => tls.ready(interest).await,
        }
    }
}

impl ReadHalf {
    pub(super) fn try_read_buf(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        match self {
            ReadHalf::Plain(socket) => socket.try_read_buf(buffer),
            ReadHalf::Tls(tls) => tls.try_read_buf(buffer),
        }
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            ReadHalf::Plain(socket) => socket.readable().await,
            // Boxed, so that plain connections do not hold the state of this.
            ReadHalf::Tls(tls) => Box::pin(tls.ready(Interest::READABLE)).await,
        }
    }
}

impl WriteHalf {
    pub(super) fn try_write(&self, part: &[u8]) -> io::Result<usize> {
        match self {
            WriteHalf::Plain(socket) => socket.try_write(part),
            WriteHalf::Tls(tls) => tls.try_write_vectored(&[IoSlice::new(part)]),
        }
    }

    pub(super) fn try_write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            WriteHalf::Plain(socket) => socket.try_write_vectored(parts),
            WriteHalf::Tls(tls) => tls.try_write_vectored(parts),
        }
    }

    /// Hands the kernel what is still held of what was taken.
    pub(super) fn try_flush(&self) -> io::Result<()> {
        match self {
            WriteHalf::Plain(_) => Ok(()),
            WriteHalf::Tls(tls) => tls.try_flush(),
        }
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        match self {
            WriteHalf::Plain(socket) => socket.writable().await,
            // Boxed, as above.
            WriteHalf::Tls(tls) => Box::pin(tls.ready(Interest::WRITABLE)).await,
        }
    }

    /// Puts the words of TLS for an end behind everything written; tells whether there is something to flush then.
    pub(super) fn say_end(&self) -> bool {
        match self {
            WriteHalf::Plain(_) => false,
            WriteHalf::Tls(tls) => tls.say_end(),
        }
    }

    /// Ends this direction.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        self.sock_ref().shutdown(Shutdown::Write)
    }

    /// Writes all of it, and the end behind it.
    pub(super) async fn write_last(&self, mut words: &[u8]) -> io::Result<()> {
        while !words.is_empty() {
            match self.try_write(words) {
                Ok(count) => words = &words[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        self.say_end();
        loop {
            match self.try_flush() {
                Ok(()) => return self.shut_down(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn sock_ref(&self) -> SockRef<'_> {
        SockRef::from(match self {
            WriteHalf::Plain(socket) => AsRef::<TcpStream>::as_ref(socket),
            WriteHalf::Tls(tls) => tls.socket(),
        })
    }

    /// The whole connection again, for another runtime.
    pub(super) fn rejoin(self, read_half: ReadHalf) -> Option<Detached> {
        // They are halves of one connection; what can fail is to take it from the runtime.
        match (self, read_half) {
            (WriteHalf::Plain(socket), ReadHalf::Plain(read_half)) => {
                Some(Detached::Plain(socket.reunite(read_half).ok()?.into_std().ok()?))
            }
            (WriteHalf::Tls(tls), ReadHalf::Tls(read_half)) => {
                drop(read_half);
                Some(Detached::Tls(Arc::into_inner(tls)?.detach().ok()?))
            }
            _ => None,
        }
    }
}

impl Detached {
    /// The connection, on the runtime that this is called on.
    pub(super) fn attach(self) -> io::Result<Stream> {
        Ok(match self {
            Detached::Plain(socket) => Stream::Plain(TcpStream::from_std(socket)?),
            Detached::Tls(tls) => Stream::Tls(Arc::new(tls.attach()?)),
        })
    }
}
