//! One connection: lines out, lines in, and the login at its start.

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{Error, Login, Options, Presence, Welcome};

/// A line of the server.
pub(super) type Line = Map<String, Value>;

/// A connection that has logged in.
pub(super) struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    /// The part of a line that has come.
    partial: Vec<u8>,
    /// What has not been taken yet.
    outgoing: Vec<u8>,
}

impl Connection {
    /// Connects and logs in; what comes behind the login's reply is still to be read.
    pub(super) async fn log_in(options: &Options, login: &Login) -> Result<(Self, Welcome), Error> {
        let stream = TcpStream::connect(&options.address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (reader, partial, outgoing) = (BufReader::new(reader), Vec::new(), Vec::new());
        let mut connection = Self { reader, writer, partial, outgoing };
        connection.writer.write_all(b"V json\n").await?;
        connection.answer().await?;
        let reply = match login {
            Login::Token(token) => connection.ask(json!({ "do": "I", "token": token }), options.presence).await?,
            Login::Password { name, password, may_register } => {
                if *may_register {
                    // Without `U` the server takes a new name for a mistake.
                    connection.ask(json!({ "do": "U", "name": name }), Presence::Member).await?;
                }
                connection.ask(json!({ "do": "P", "name": name, "password": password }), options.presence).await?
            }
        };
        Ok((connection, welcome(&reply)?))
    }

    async fn ask(&mut self, mut request: Value, presence: Presence) -> Result<Line, Error> {
        if presence != Presence::Member {
            request["enter"] = json!(false);
            request["listen"] = json!(presence == Presence::Listener);
        }
        self.writer.write_all(format!("{request}\n").as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Line, Error> {
        let line = read_line(&mut self.reader, &mut self.partial).await?;
        if line.get("event").and_then(Value::as_str) == Some("closing") {
            let reason = line.get("reason").and_then(Value::as_str).unwrap_or_default();
            return Err(Error::Closed(reason.to_owned()));
        }
        match Error::refused(&line) {
            Some(refused) => Err(refused),
            None if line.contains_key("ok") => Ok(line),
            None => Err(Error::Protocol("no reply during the login")),
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
    pub(super) async fn exchange(&mut self, reads: bool) -> Result<Option<Line>, Error> {
        tokio::select! {
            line = read_line(&mut self.reader, &mut self.partial), if reads => line.map(Some),
            written = self.writer.write(&self.outgoing), if !self.outgoing.is_empty() => {
                self.outgoing.drain(..written?);
                Ok(None)
            }
            else => std::future::pending().await,
        }
    }
}

/// The next line; its beginning is in `partial` if this is dropped before the rest has come.
async fn read_line(reader: &mut BufReader<OwnedReadHalf>, partial: &mut Vec<u8>) -> Result<Line, Error> {
    reader.read_until(b'\n', partial).await?;
    if partial.last() != Some(&b'\n') {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    let line = serde_json::from_slice(partial).map_err(|_| Error::Protocol("a line that is no object"));
    partial.clear();
    line
}

fn welcome(reply: &Line) -> Result<Welcome, Error> {
    let text = |key: &str| reply.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| reply.get(key).and_then(Value::as_u64);
    let names = reply.get("names").and_then(Value::as_array).into_iter().flatten();
    let names = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let known = text("name").zip(number("count")).zip(number("seq"));
    let ((name, count), seq) = known.ok_or(Error::Protocol("a login's reply without name, count or seq"))?;
    Ok(Welcome { name, count, seq, names, token: text("token") })
}
