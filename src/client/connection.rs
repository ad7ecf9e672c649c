//! One connection: lines out, lines in, and the login at its start.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split};

use super::event::Fields;
use super::stream::Stream;
use super::{Error, Login, Options, Presence, Welcome};

/// The longest line that is read. Pages of names and texts with all that must be escaped are far shorter.
const LINE_BYTES: usize = 64 << 10;

/// The fields of a line.
pub(super) type Line = Map<String, Value>;

/// A line that has come.
pub(super) struct Incoming {
    pub(super) line: Line,
    /// As it came.
    pub(super) size_bytes: usize,
}

/// A connection that has logged in.
pub(super) struct Connection {
    reader: BufReader<ReadHalf<Stream>>,
    writer: WriteHalf<Stream>,
    /// The part of a line that has come.
    partial: Vec<u8>,
    /// What has not been taken yet.
    outgoing: Vec<u8>,
    /// Whether all that was taken is on its way.
    is_flushed: bool,
}

/// Why a login did not succeed, and how long the server wants to be left alone.
pub(super) type NotIn = (Error, Option<Duration>);

impl Connection {
    /// Connects and logs in; what comes behind the login's reply is still to be read.
    pub(super) async fn log_in(options: &Options, login: &Login) -> Result<(Self, Welcome), NotIn> {
        let attempt = tokio::time::timeout(options.silence, Self::try_log_in(options, login));
        attempt.await.unwrap_or_else(|_| Err(not_in(std::io::Error::from(std::io::ErrorKind::TimedOut))))
    }

    async fn try_log_in(options: &Options, login: &Login) -> Result<(Self, Welcome), NotIn> {
        let stream = Stream::connect(&options.address, options.tls.as_ref()).await.map_err(not_in)?;
        let (reader, writer) = split(stream);
        let (reader, partial, outgoing) = (BufReader::new(reader), Vec::new(), Vec::new());
        let mut connection = Self { reader, writer, partial, outgoing, is_flushed: true };
        connection.ask("V json").await?;
        let request = match login {
            Login::Token(token) => json!({ "do": "I", "token": token }),
            Login::Password { name, password, may_register } => {
                if *may_register {
                    // Without `U` the server takes a new name for a mistake.
                    connection.ask(&json!({ "do": "U", "name": name }).to_string()).await?;
                }
                json!({ "do": "P", "name": name, "password": password })
            }
        };
        let reply = connection.ask(&with_presence(request, options.presence).to_string()).await?;
        Ok((connection, welcome(&reply).map_err(not_in)?))
    }

    async fn ask(&mut self, request: &str) -> Result<Line, NotIn> {
        self.writer.write_all(format!("{request}\n").as_bytes()).await.map_err(not_in)?;
        self.writer.flush().await.map_err(not_in)?;
        let Incoming { line, .. } = read_line(&mut self.reader, &mut self.partial).await.map_err(not_in)?;
        if let Some((reason, retry)) = closing(&line) {
            return Err((Error::Closed(reason), retry));
        }
        match Error::refused(&line) {
            Some(refused) => Err(not_in(refused)),
            None if line.contains_key("ok") => Ok(line),
            None => Err(not_in(Error::Protocol("no reply during the login"))),
        }
    }

    /// Puts a line behind what is to be written.
    pub(super) fn put(&mut self, line: &Line) {
        // A map always serialises.
        self.outgoing.extend(serde_json::to_vec(line).unwrap_or_default());
        self.outgoing.push(b'\n');
    }

    /// Writes what was put, and returns the next line if one is read meanwhile. Nothing is lost if this is
    /// dropped in between.
    pub(super) async fn exchange(&mut self) -> Result<Option<Incoming>, Error> {
        tokio::select! {
            line = read_line(&mut self.reader, &mut self.partial) => line.map(Some),
            sent = send(&mut self.writer, &self.outgoing), if !self.outgoing.is_empty() || !self.is_flushed => {
                self.is_flushed = self.outgoing.is_empty();
                self.outgoing.drain(..sent?);
                Ok(None)
            }
        }
    }
}

/// Sends a part of these bytes; or, where there are none, what TLS still holds of those before.
async fn send(writer: &mut WriteHalf<Stream>, bytes: &[u8]) -> std::io::Result<usize> {
    if bytes.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write(bytes).await }
}

/// The next line; its beginning is in `partial` if this is dropped before the rest has come.
async fn read_line(reader: &mut BufReader<ReadHalf<Stream>>, partial: &mut Vec<u8>) -> Result<Incoming, Error> {
    loop {
        let read = reader.fill_buf().await?;
        if read.is_empty() {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        let end = memchr::memchr(b'\n', read);
        let taken = end.map_or(read.len(), |end| end + 1);
        partial.extend_from_slice(&read[..taken]);
        reader.consume(taken);
        if partial.len() > LINE_BYTES {
            return Err(Error::Protocol("a line without an end"));
        }
        if end.is_some() {
            let line = serde_json::from_slice(partial).map_err(|_| no_object(partial));
            let size_bytes = partial.len();
            partial.clear();
            return Ok(Incoming { line: line?, size_bytes });
        }
    }
}

/// What a line is that is no object: perhaps what a listener with TLS says to who does not speak it.
fn no_object(line: &[u8]) -> Error {
    let is_closing =
        [&b"Closing (needs-tls)"[..], "连接关闭（needs-tls）".as_bytes()].iter().any(|start| line.starts_with(start));
    if is_closing { Error::Closed("needs-tls".to_owned()) } else { Error::Protocol("a line that is no object") }
}

/// The reason of a `closing`, and after what time the server wants to be asked again.
pub(super) fn closing(line: &Line) -> Option<(String, Option<Duration>)> {
    let is_closing = line.get("event").and_then(Value::as_str) == Some("closing");
    is_closing.then(|| (line.text("reason").unwrap_or_default(), line.millis("retry_ms")))
}

fn not_in(error: impl Into<Error>) -> NotIn {
    (error.into(), None)
}

fn with_presence(mut request: Value, presence: Presence) -> Value {
    if presence != Presence::Member {
        request["enter"] = json!(false);
        request["listen"] = json!(presence == Presence::Listener);
    }
    request
}

fn welcome(reply: &Line) -> Result<Welcome, Error> {
    let names = reply.get("names").and_then(Value::as_array).into_iter().flatten();
    let names = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let known = reply.text("name").zip(reply.number("count")).zip(reply.number("seq"));
    let ((name, count), seq) = known.ok_or(Error::Protocol("a login's reply without name, count or seq"))?;
    Ok(Welcome { name, count, seq, names, token: reply.text("token") })
}
