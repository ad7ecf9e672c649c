//! Netcat-style: lines go to the server as they are, its lines come out at once.
//!
//! Beyond netcat it logs in, knows when everything that was asked has been answered, and tells by its exit
//! code how it went. It reads lines only to count: what passes is never changed, but that a last line
//! without its end gets one (the server would not execute it). A first line `T ticket …` without a login makes the
//! connection carry a file, of which not even that is true.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::arguments::Arguments;
use super::exit::{self, Failure};
use super::lines::{Heard, Lines, heard, is_goodbye, is_request, is_transfer};
use super::password;
use super::socket::{Incoming, Outgoing, connect};

/// For a reply during the login; a busy server refuses sooner.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// No reply during a login is longer.
const REPLY_BYTES: u64 = 64 << 10;

/// Copies both ways until the connection is over.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Asked for before there is a connection that would wait meanwhile.
    let password = arguments.user.as_deref().map(|name| password::find(arguments, name)).transpose()?;
    let unreachable = |error: &io::Error| Failure::unreachable(&arguments.address, error);
    let tls = arguments.trust()?;
    let (incoming, mut outgoing) = connect(&arguments.address, tls.as_ref()).map_err(|error| unreachable(&error))?;
    let mut reader = BufReader::new(incoming);
    let mut greeting = Greeting { reader: &mut reader, writer: &mut outgoing };
    if let Some(voice) = arguments.voice {
        greeting.ask(&format!("V {}", voice.tongue().code()))?.map_err(Failure::Refused)?;
    }
    if let (Some(name), Some(password)) = (&arguments.user, &password) {
        greeting.log_in(name, password, arguments.register)?;
    }
    let can_transfer = arguments.voice.is_none() && arguments.user.is_none();
    let sent = Arc::new(Mutex::new(Sent { can_transfer, ..Sent::default() }));
    let sending = Arc::clone(&sent);
    // Not joined: it may wait for input that never comes.
    thread::spawn(move || send(io::stdin().lock(), &mut outgoing, &sending));
    let mut received = Received::default();
    match received.copy(&mut reader, &mut io::stdout().lock()) {
        Ok(()) => judge(received, &look(&sent)),
        Err(error) => Failure::of_output(&error),
    }
}

/// What stands before the conversation; none of its replies is for standard output.
struct Greeting<'a> {
    reader: &'a mut BufReader<Incoming>,
    writer: &'a mut Outgoing,
}

impl Greeting<'_> {
    /// Asks, and returns the reply's words, or those of a refusal.
    fn ask(&mut self, request: &str) -> Result<Result<String, String>, Failure> {
        let lost = |error: io::Error| match error.kind() {
            ErrorKind::WouldBlock => Failure::Lost("the server does not answer".to_owned()),
            _ => Failure::Lost(format!("the connection was lost during the login: {}", exit::words(&error))),
        };
        self.writer.write_all(format!("{request}\n").as_bytes()).map_err(lost)?;
        self.reader.get_ref().set_timeout(Some(LOGIN_TIMEOUT)).map_err(lost)?;
        let mut line = Vec::new();
        self.reader.by_ref().take(REPLY_BYTES).read_until(b'\n', &mut line).map_err(lost)?;
        self.reader.get_ref().set_timeout(None).map_err(lost)?;
        let line = line.trim_ascii_end();
        match heard(line) {
            Heard::Granted => Ok(Ok(String::from_utf8_lossy(line).into_owned())),
            Heard::Refused(words) => Ok(Err(words)),
            Heard::Closing(reason) => Err(Failure::closed(&reason)),
            Heard::Other if line.is_empty() => {
                Err(Failure::Lost("the server closed the connection during the login".to_owned()))
            }
            Heard::Other => Err(Failure::Lost("what answers there is no parlord".to_owned())),
        }
    }

    fn log_in(&mut self, name: &str, password: &str, may_register: bool) -> Result<(), Failure> {
        let account = self.ask(&format!("U {name}"))?.map_err(Failure::LoginRefused)?;
        if !may_register && (account.starts_with("OK new ") || account.contains(r#""account":"new""#)) {
            return Err(Failure::unregistered(name));
        }
        self.ask(&format!("P {name} {password}"))?.map(|_| ()).map_err(Failure::LoginRefused)
    }
}

/// What has gone to the server.
#[derive(Default)]
struct Sent {
    /// Whether a first line may make this the transfer of a file.
    can_transfer: bool,
    is_transfer: bool,
    /// Requests that will be answered.
    requests: u64,
    said_goodbye: bool,
    /// Whether the input has come to its end, and the server been told so.
    has_ended: bool,
    /// Why the input could not be read to its end.
    unread: Option<io::Error>,
}

impl Sent {
    fn note(&mut self, line: &[u8]) {
        self.is_transfer |= self.can_transfer && is_transfer(line);
        self.can_transfer = false;
        // What stands behind a goodbye is not executed.
        self.requests += u64::from(!self.said_goodbye && is_request(line));
        self.said_goodbye |= is_goodbye(line);
    }
}

fn look(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    // Plain numbers, right at every moment.
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends the input, and ends the connection's sending side behind it. What is sent is noted before, so that
/// no reply can come to a request that is not known.
fn send(mut input: impl BufRead, server: &mut Outgoing, sent: &Mutex<Sent>) {
    let mut lines = Lines::default();
    loop {
        let bytes = match input.fill_buf() {
            Ok([]) => break,
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                look(sent).unread = Some(error);
                break;
            }
        };
        let count = bytes.len();
        lines.take(bytes, |line| look(sent).note(line));
        // A connection that is over is told by its other side.
        if server.write_all(bytes).is_err() {
            return;
        }
        input.consume(count);
    }
    if lines.is_inside() && !look(sent).is_transfer {
        lines.take(b"\n", |line| look(sent).note(line));
        if server.write_all(b"\n").is_err() {
            return;
        }
    }
    look(sent).has_ended = true;
    // In vain only where it is over already.
    let _ = server.end();
}

/// What has come from the server.
#[derive(Default)]
struct Received {
    lines: u64,
    replies: u64,
    refusals: u64,
    last: Option<Heard>,
    /// What ended the connection, if it was not its regular end.
    error: Option<io::Error>,
}

impl Received {
    /// Copies until the connection is over; an error is the output's.
    fn copy(&mut self, server: &mut impl BufRead, output: &mut impl Write) -> io::Result<()> {
        let mut lines = Lines::default();
        loop {
            let bytes = match server.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.error = Some(error);
                    return Ok(());
                }
            };
            let count = bytes.len();
            lines.take(bytes, |line| self.note(heard(line)));
            output.write_all(bytes)?;
            output.flush()?;
            server.consume(count);
        }
    }

    fn note(&mut self, line: Heard) {
        self.lines += 1;
        self.replies += u64::from(matches!(line, Heard::Granted | Heard::Refused(_)));
        self.refusals += u64::from(matches!(line, Heard::Refused(_)));
        self.last = Some(line);
    }
}

/// How it went, now that the connection is over.
fn judge(received: Received, sent: &Sent) -> Result<(), Failure> {
    if let Some(error) = &sent.unread {
        return Err(Failure::Unreadable { what: "standard input".to_owned(), why: exit::words(error) });
    }
    let is_answered = if sent.is_transfer {
        // The server closes when it has what it wants, or has sent all. A file may hold any line.
        received.error.is_none() && !(received.lines == 1 && matches!(received.last, Some(Heard::Closing(_))))
    } else {
        (sent.has_ended || sent.said_goodbye) && received.replies >= sent.requests
    };
    match (received.last, received.error) {
        (Some(Heard::Refused(words)), _) if is_answered && sent.is_transfer && received.lines == 1 => {
            Err(Failure::Refused(words))
        }
        _ if is_answered && (received.refusals == 0 || sent.is_transfer) => Ok(()),
        _ if is_answered => Err(Failure::Refused(format!("{} of {} requests", received.refusals, received.replies))),
        (Some(Heard::Closing(reason)), _) => Err(Failure::closed(&reason)),
        (_, Some(error)) => Err(Failure::Lost(format!("the connection was lost: {}", exit::words(&error)))),
        (_, None) => Err(Failure::Lost("the connection was lost before all was answered".to_owned())),
    }
}
