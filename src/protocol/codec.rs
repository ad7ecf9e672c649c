//! Bytes become lines here: a [`Decoder`] whose bad lines are items, never errors of the stream.
//!
//! `tokio_util::codec::LinesCodec` ends the stream after an overlong or non-UTF-8 line and can lose
//! the lines behind it; here such a line is an [`Input`] like any other and the next one is read as
//! usual. The codec holds no bytes of its own: what it has not used stays in the caller's buffer,
//! untouched, so that a connection can hand the rest of its stream on to somebody else.

use std::io;

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;

use super::limits::{JSON_LINE_BYTES, LINE_BYTES, STRANGER_LINE_BYTES};
use super::parse::letter_of;
use super::refusal::Refusal;
use super::request::{Manner, Unreadable};
use super::tongue::Tongue;

/// One line of input.
#[derive(Debug)]
pub enum Input {
    /// A line of UTF-8, without its line end.
    Line(Line),
    /// A line that cannot be one, and the reply it gets. Reading goes on behind it.
    Fault(Unreadable),
    /// Not a line at all: the connection begins as one with TLS does.
    TlsHello,
}

/// A line as it was sent: valid UTF-8, see [`Line::as_str`].
#[derive(Debug)]
pub struct Line(BytesMut);

impl Line {
    /// The line's text.
    pub fn as_str(&self) -> &str {
        // Checked when the line was made; an impossible failure reads as an empty line.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Splits a byte stream into lines of bounded length.
#[derive(Debug)]
pub struct LineCodec {
    /// The longest line, in bytes without its line end.
    limit_bytes: usize,
    /// The longest line that begins with `{`.
    json_limit_bytes: usize,
    /// How far the buffer was searched for a line end, so that a slow dribble costs linear time.
    searched: usize,
    /// Inside a line that was too long, up to its end.
    is_skipping: bool,
    is_first: bool,
    has_seen_crlf: bool,
}

const TELNET_IAC: u8 = 0xff;
/// A record of a handshake, of any version (RFC 8446, 5.1).
const TLS_HELLO: &[u8] = &[0x16, 0x03];

impl LineCodec {
    /// A codec at the start of a connection.
    pub fn new() -> Self {
        let limit_bytes = STRANGER_LINE_BYTES;
        Self {
            limit_bytes,
            json_limit_bytes: limit_bytes,
            searched: 0,
            is_skipping: false,
            is_first: true,
            has_seen_crlf: false,
        }
    }

    /// Sets the limits that a connection in this state has, from the next line on.
    pub fn set_manner(&mut self, manner: Manner) {
        self.limit_bytes = if manner.logged_in { LINE_BYTES } else { STRANGER_LINE_BYTES };
        self.json_limit_bytes = match manner.tongue {
            Tongue::Json if manner.logged_in => JSON_LINE_BYTES,
            _ => self.limit_bytes,
        };
    }

    /// Whether any line so far ended in CR LF.
    pub fn has_seen_crlf(&self) -> bool {
        self.has_seen_crlf
    }

    /// The limit of a line that begins so. What tells it is looked for within the shorter limit only, where it is
    /// seen however the stream is cut.
    fn limit_for(&self, line: &[u8]) -> usize {
        let first = line.iter().take(self.limit_bytes + 1).find(|&&byte| byte != b' ' && byte != b'\t');
        if first == Some(&b'{') { self.json_limit_bytes } else { self.limit_bytes }
    }

    fn finish(&mut self, mut bytes: BytesMut) -> Input {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if bytes.ends_with(b"\r") {
            self.has_seen_crlf = true;
            bytes.truncate(bytes.len() - 1);
        }
        if bytes.contains(&TELNET_IAC) {
            bytes = without_telnet(&bytes);
        }
        if is_first && bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.advance(3);
        }
        match std::str::from_utf8(&bytes) {
            Ok(_) => Input::Line(Line(bytes)),
            Err(_) => fault(&bytes, Refusal::NotUtf8),
        }
    }
}

impl Default for LineCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder for LineCodec {
    type Item = Input;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Input>> {
        if self.is_first && src.starts_with(TLS_HELLO) {
            self.is_first = false;
            return Ok(Some(Input::TlsHello));
        }
        loop {
            let end = memchr::memchr(b'\n', &src[self.searched..]).map(|at| self.searched + at);
            if self.is_skipping {
                self.searched = 0;
                let Some(end) = end else {
                    // A CR at the end may belong to the line end.
                    let kept = usize::from(src.ends_with(b"\r"));
                    src.advance(src.len() - kept);
                    return Ok(None);
                };
                self.has_seen_crlf |= src[..end].ends_with(b"\r");
                src.advance(end + 1);
                self.is_skipping = false;
                continue;
            }
            let limit_bytes = self.limit_for(src);
            let length = end.unwrap_or(src.len());
            let length = if src[..length].ends_with(b"\r") { length - 1 } else { length };
            if length > limit_bytes {
                // Answered at once: a peer that never ends its line still learns what is wrong.
                self.is_first = false;
                self.is_skipping = true;
                // Its letter is looked for as far as is seen however the stream is cut.
                let start = &src[..length.min(limit_bytes + 1)];
                return Ok(Some(fault(start, Refusal::LineTooLong { limit_bytes })));
            }
            let Some(end) = end else {
                self.searched = src.len();
                return Ok(None);
            };
            self.searched = 0;
            let bytes = src.split_to(end);
            src.advance(1);
            return Ok(Some(self.finish(bytes)));
        }
    }

    /// A last line without its line end is not executed: nobody knows whether it was whole.
    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Input>> {
        self.decode(src)
    }
}

fn fault(line: &[u8], refusal: Refusal) -> Input {
    Input::Fault(Unreadable { letter: letter_of(line), reference: None, refusal })
}

/// A line without the telnet negotiation in it (RFC 854: IAC command, IAC WILL|WONT|DO|DONT option,
/// IAC SB … IAC SE; an escaped IAC IAC is a byte that no UTF-8 has, so it stays and is refused).
fn without_telnet(line: &[u8]) -> BytesMut {
    let mut kept = BytesMut::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(TELNET_IAC, rest) {
        kept.extend_from_slice(&rest[..at]);
        let command = &rest[at..];
        let length = match command.get(1) {
            Some(0xfb..=0xfe) => 3,
            Some(0xfa) => memchr::memmem::find(command, &[TELNET_IAC, 0xf0]).map_or(command.len(), |end| end + 2),
            Some(&TELNET_IAC) => {
                kept.extend_from_slice(&[TELNET_IAC]);
                2
            }
            _ => 2,
        };
        rest = &command[length.min(command.len())..];
    }
    kept.extend_from_slice(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(codec: &mut LineCodec, buffer: &mut BytesMut, seen: &mut Vec<String>) {
        while let Some(input) = codec.decode(buffer).unwrap() {
            seen.push(match input {
                Input::Line(line) => line.as_str().to_owned(),
                Input::Fault(unreadable) => format!("!{}", unreadable.refusal.code()),
                Input::TlsHello => "!tls".to_owned(),
            });
        }
    }

    fn lines(stream: &[u8], step: usize) -> Vec<String> {
        let (mut codec, mut buffer, mut seen) = (LineCodec::new(), BytesMut::new(), Vec::new());
        for part in stream.chunks(step) {
            buffer.extend_from_slice(part);
            drain(&mut codec, &mut buffer, &mut seen);
        }
        seen
    }

    #[test]
    fn a_stream_means_the_same_wherever_it_is_cut() {
        let mut stream = b"\xef\xbb\xbfU alice\nK\r\n\n".to_vec();
        stream.extend_from_slice(&[b'x'; STRANGER_LINE_BYTES]);
        stream.extend_from_slice(b"\r\n");
        stream.extend_from_slice(&[b'y'; STRANGER_LINE_BYTES + 1]);
        stream.extend_from_slice(
            b"\nbad \xc3\x28\n\xff\xfd\x03\xff\xfa\x1f\x00\x50\xff\xf0K\nlone \xff\xff\nyes \xe4\xbd\xa0\nno line end",
        );
        let full = "x".repeat(STRANGER_LINE_BYTES);
        let want = ["U alice", "K", "", &full, "!line-too-long", "!not-utf8", "K", "!not-utf8", "yes 你"];
        for step in (1..=64).chain([stream.len()]) {
            assert_eq!(lines(&stream, step), want, "in parts of {step}");
        }
    }

    #[test]
    fn an_endless_line_is_answered_once_and_costs_no_memory() {
        let (mut codec, mut buffer, mut seen) = (LineCodec::new(), BytesMut::new(), Vec::new());
        for _ in 0..1000 {
            buffer.extend_from_slice(&[b'z'; 10_000]);
            drain(&mut codec, &mut buffer, &mut seen);
            assert!(buffer.is_empty());
        }
        buffer.extend_from_slice(b"\nK\n");
        drain(&mut codec, &mut buffer, &mut seen);
        assert_eq!(seen, ["!line-too-long", "K"]);
    }

    #[test]
    fn a_crlf_is_seen_wherever_it_ends_a_line() {
        let long = format!("{}\r\n", "x".repeat(STRANGER_LINE_BYTES + 1));
        for (stream, want) in [("K\n", false), ("K\r\n", true), ("\r\n", true), ("a\rb\n", false), (&long, true)] {
            for step in [1, 7, stream.len()] {
                let (mut codec, mut buffer) = (LineCodec::new(), BytesMut::new());
                for part in stream.as_bytes().chunks(step) {
                    buffer.extend_from_slice(part);
                    drain(&mut codec, &mut buffer, &mut Vec::new());
                }
                assert_eq!(codec.has_seen_crlf(), want, "{stream:?} in parts of {step}");
            }
        }
    }

    #[test]
    fn json_lines_may_be_longer_after_login() {
        let mut codec = LineCodec::new();
        codec.set_manner(Manner { logged_in: true, tongue: Tongue::Json, is_first: false });
        let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
        for (first, length) in
            [(b'{', JSON_LINE_BYTES), (b'{', JSON_LINE_BYTES + 1), (b'C', LINE_BYTES), (b'C', LINE_BYTES + 1)]
        {
            buffer.extend_from_slice(&[first]);
            buffer.extend(std::iter::repeat_n(b' ', length - 1));
            buffer.extend_from_slice(b"\n");
        }
        drain(&mut codec, &mut buffer, &mut seen);
        let verdicts: Vec<bool> = seen.iter().map(|line| line == "!line-too-long").collect();
        assert_eq!(verdicts, [false, true, false, true]);
    }

    #[test]
    fn what_begins_a_line_is_looked_for_where_it_is_seen_in_parts_too() {
        for (blanks, letter, want) in [
            (LINE_BYTES, b'{', "line"),
            (LINE_BYTES + 1, b'{', "None"),
            (LINE_BYTES, b'T', "Some('T')"),
            (LINE_BYTES + 1, b'T', "None"),
        ] {
            let mut stream = vec![b' '; blanks];
            stream.extend_from_slice(&[letter, b' ', b'x', b'\n']);
            for step in [1, 1000, stream.len()] {
                let (mut codec, mut buffer) = (LineCodec::new(), BytesMut::new());
                codec.set_manner(Manner { logged_in: true, tongue: Tongue::Json, is_first: false });
                let inputs = stream.chunks(step).filter_map(|part| {
                    buffer.extend_from_slice(part);
                    codec.decode(&mut buffer).unwrap()
                });
                let seen: Vec<String> = inputs
                    .map(|input| match input {
                        Input::Line(_) => "line".to_owned(),
                        Input::Fault(unreadable) => format!("{:?}", unreadable.letter),
                        Input::TlsHello => "tls".to_owned(),
                    })
                    .collect();
                assert_eq!(seen, [want], "{blanks} blanks in parts of {step}");
            }
        }
    }

    #[test]
    fn what_is_not_a_line_yet_stays_in_the_buffer() {
        let (mut codec, mut buffer) = (LineCodec::new(), BytesMut::from(&b"K\n\xff\x00raw"[..]));
        assert!(codec.decode(&mut buffer).unwrap().is_some());
        assert!(codec.decode(&mut buffer).unwrap().is_none());
        assert_eq!(&buffer[..], b"\xff\x00raw");
    }
}
