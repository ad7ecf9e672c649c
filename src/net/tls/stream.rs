//! One TLS connection over its socket. The socket is read and written where the plain one would be; TLS turns bytes into
//! others in between and waits for nothing.
//!
//! What must not happen: bytes taken from the writer before those taken earlier are with the kernel. So a peer that reads
//! nothing costs [`HELD_BYTES`], and the writer's count of what was taken is as good as the kernel's.

use std::fs::File;
use std::io::{self, BufRead, IoSlice, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BufMut;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConnection;

/// The most that is taken while nothing of it is with the kernel: one TLS record.
const HELD_BYTES: usize = 16 << 10;
/// How often in a row the socket is read though only TLS's own words come, before others are let run.
const FRUITLESS_READS: u32 = 8;

/// A connection whose handshake is done.
pub(in crate::net) struct TlsStream {
    socket: TcpStream,
    /// Both directions go through it. They are polled by one task, so nobody ever waits for this lock.
    session: Mutex<ServerConnection>,
}

/// A connection on its way from one runtime to another.
pub(in crate::net) struct DetachedTls {
    socket: std::net::TcpStream,
    session: Box<ServerConnection>,
}

impl DetachedTls {
    pub(in crate::net) fn attach(self) -> io::Result<TlsStream> {
        let Self { socket, session } = self;
        Ok(TlsStream { socket: TcpStream::from_std(socket)?, session: Mutex::new(*session) })
    }
}

impl TlsStream {
    /// A connection whose handshake is done.
    pub(in crate::net) fn new(socket: TcpStream, mut session: ServerConnection) -> Self {
        session.set_buffer_limit(Some(HELD_BYTES));
        Self { socket, session: Mutex::new(session) }
    }

    pub(in crate::net) fn detach(self) -> io::Result<DetachedTls> {
        let session = self.session.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(DetachedTls { socket: self.socket.into_std()?, session: Box::new(session) })
    }

    pub(in crate::net) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    fn session(&self) -> MutexGuard<'_, ServerConnection> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is an end of input, whether or not the peer said so in TLS's words: of talk whole lines count, and files
    /// come with their size and hash.
    pub(in crate::net) fn try_read_buf(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        let mut session = self.session();
        // Answers to the peer's TLS that did not fit when they were made. What goes wrong here, reading notices.
        let _ = flush(&mut session, &self.socket);
        for _ in 0..FRUITLESS_READS {
            let mut plain = session.reader();
            match plain.fill_buf() {
                Ok(bytes) => {
                    let count = bytes.len().min(buffer.remaining_mut());
                    buffer.put_slice(&bytes[..count]);
                    plain.consume(count);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) => return Err(error),
            }
            // What was wrong before, now that everything that came ahead of it has been taken.
            session.process_new_packets().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            session.read_tls(&mut Raw(&self.socket))?;
            let _ = session.process_new_packets();
            // Also the alert that tells the peer what is wrong.
            let _ = flush(&mut session, &self.socket);
        }
        // The socket counts as readable still, so whoever waits for it goes on at once, but lets others run.
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub(in crate::net) fn try_write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut session = self.session();
        flush(&mut session, &self.socket)?;
        let count = session.writer().write_vectored(parts)?;
        if count == 0 {
            // It holds nothing and still takes nothing: whoever tried again would do so for ever.
            return Err(io::ErrorKind::WriteZero.into());
        }
        match flush(&mut session, &self.socket) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    pub(in crate::net) fn try_flush(&self) -> io::Result<()> {
        flush(&mut self.session(), &self.socket)
    }

    /// Sends up to `count` bytes of a file from `offset` on, which moves on behind what was taken.
    pub(in crate::net) fn try_send_file(&self, file: &File, offset: &mut u64, count: usize) -> io::Result<usize> {
        // Before the disk is read for nothing.
        self.try_flush()?;
        let mut block = [0; HELD_BYTES];
        let count = file.read_at(&mut block[..count.min(HELD_BYTES)], *offset)?;
        if count == 0 {
            return Ok(0);
        }
        let count = self.try_write_vectored(&[IoSlice::new(&block[..count])])?;
        *offset += count as u64;
        Ok(count)
    }

    /// Puts a `close_notify` behind everything written; tells whether there is something to flush then.
    pub(in crate::net) fn say_end(&self) -> bool {
        let mut session = self.session();
        session.send_close_notify();
        session.wants_write()
    }

    /// Waits until the socket can be read, or written.
    pub(in crate::net) async fn ready(&self, interest: Interest) -> io::Result<()> {
        // Who reads also sends what TLS has to say.
        let interest = if self.session().wants_write() { interest | Interest::WRITABLE } else { interest };
        self.socket.ready(interest).await.map(drop)
    }
}

/// Writes what TLS holds, as far as the kernel takes it.
pub(super) fn flush(session: &mut ServerConnection, socket: &TcpStream) -> io::Result<()> {
    while session.wants_write() {
        session.write_tls(&mut Raw(socket))?;
    }
    Ok(())
}

/// A socket as TLS wants it: to read and to write at once, or not at all.
pub(super) struct Raw<'a>(pub(super) &'a TcpStream);

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
