//! One connection that never waits: bytes that the kernel has not taken yet, and reads into a buffer that all share.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

use super::failure::Failure;

/// What one read takes at most.
pub(crate) const READ_BYTES: usize = 256 << 10;

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Whose it is, for messages.
    name: String,
    /// To be sent, but for those that have been.
    pending: Vec<u8>,
    sent: usize,
}

/// So many sent bytes are not kept in front of those to be sent.
const SENT_BYTES: usize = 1 << 20;

impl Connection {
    /// Takes a stream that does not block.
    pub(crate) fn new(stream: TcpStream, name: String) -> Self {
        Self { stream, name, pending: Vec::new(), sent: 0 }
    }

    /// Puts bytes behind those that are to be sent; `flush` sends them.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    pub(crate) fn has_pending(&self) -> bool {
        self.sent < self.pending.len()
    }

    /// Sends what the kernel takes now.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        while self.has_pending() {
            match self.stream.write(&self.pending[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(self.failed(&error)),
            }
        }
        if !self.has_pending() || self.sent > SENT_BYTES {
            self.pending.drain(..self.sent);
            self.sent = 0;
        }
        Ok(())
    }

    /// Reads once. Empty: there is nothing now. A read that fills the buffer may have left something.
    pub(crate) fn read<'buffer>(&mut self, buffer: &'buffer mut [u8]) -> Result<&'buffer [u8], Failure> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(self.lost("the daemon closed it")),
                Ok(count) => return Ok(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(&[]),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    /// Gives back what the login needed: there may be ten thousand of these.
    pub(crate) fn shrink(&mut self) {
        self.pending.shrink_to_fit();
    }

    fn failed(&self, error: &io::Error) -> Failure {
        match error.kind() {
            ErrorKind::ConnectionRefused => Failure::NobodyThere,
            _ => self.lost(&error.to_string()),
        }
    }

    fn lost(&self, why: &str) -> Failure {
        Failure::Lost(format!("{}: {why}", self.name))
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
