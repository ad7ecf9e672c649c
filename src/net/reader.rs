//! One connection's input: bytes from the socket, lines out of the codec. Holds no buffer while idle.

use std::io;

use bytes::BytesMut;
use tokio::task::coop::consume_budget;
use tokio_util::codec::Decoder;

use super::stream::ReadHalf;
use crate::protocol::codec::{Input, LineCodec};
use crate::protocol::request::Manner;

/// The most read at once.
const READ_BYTES: usize = 16 << 10;

/// Reads lines.
pub(super) struct LineReader {
    stream: ReadHalf,
    codec: LineCodec,
    buffer: BytesMut,
}

impl LineReader {
    pub(super) fn new(stream: ReadHalf) -> Self {
        Self { stream, codec: LineCodec::new(), buffer: BytesMut::new() }
    }

    /// What is read from, and what was read from it and not used.
    pub(super) fn into_parts(self) -> (ReadHalf, BytesMut) {
        (self.stream, self.buffer)
    }

    /// The next line among the bytes already read.
    pub(super) fn next_line(&mut self, manner: Manner) -> io::Result<Option<Input>> {
        self.codec.set_manner(manner);
        self.codec.decode(&mut self.buffer)
    }

    /// Whether the peer ends its lines in CR LF.
    pub(super) fn has_seen_crlf(&self) -> bool {
        self.codec.has_seen_crlf()
    }

    /// Waits for more bytes and tells how many came; none at the end of input. Nothing is lost if this is dropped in between.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        loop {
            // A peer that never pauses would otherwise keep this task, and its thread, to itself.
            consume_budget().await;
            self.buffer.reserve(READ_BYTES);
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                Err(error) => return Err(error),
            }
            // An idle connection holds no more than the part of a line it has sent.
            self.buffer = BytesMut::from(&self.buffer[..]);
            self.stream.readable().await?;
        }
    }

    /// Reads and throws away until the end of input.
    pub(super) async fn discard(&mut self) -> io::Result<()> {
        loop {
            self.buffer.clear();
            if self.fill().await? == 0 {
                return Ok(());
            }
        }
    }
}
