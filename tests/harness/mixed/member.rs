//! A program in the room: an account, its connection, and its log. It comes back by token.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Shared;
use crate::harness::oracle::{Answer, Deed, Event, Log, Step};
use crate::harness::{Client, PASSWORD};

/// A log that its client writes and the oracle reads.
pub type Hold = Arc<Mutex<Log>>;

/// How long to leave a daemon alone that refuses for the moment, unless it says how long.
const PAUSE: Duration = Duration::from_millis(50);

pub struct Member {
    pub name: String,
    pub shared: Arc<Shared>,
    log: Hold,
    token: Option<String>,
    /// Where the daemon is, while there is a connection.
    connection: Option<(Client, SocketAddr)>,
}

impl Member {
    pub(super) fn new(shared: Arc<Shared>, name: &str) -> Self {
        let log = shared.keep(Log::of(name));
        Self { name: name.to_owned(), shared, log, token: None, connection: None }
    }

    /// Waits for a daemon and logs in, as often as it takes; `None` when all is over.
    pub(super) fn enter(&mut self) -> Option<()> {
        self.connection = None;
        loop {
            let address = self.shared.gate.pass()?;
            if self.log_in(address).is_some() {
                self.shared.progress.step();
                return Some(());
            }
        }
    }

    /// `None`, here as below, once the connection is lost.
    fn log_in(&mut self, address: SocketAddr) -> Option<()> {
        let client = Client::over(TcpStream::connect(address).ok()?);
        self.connection = Some((client, address));
        self.write_raw(b"V json\n")?;
        self.reply()?;
        loop {
            let reply = match &self.token {
                Some(token) => self.exchange(&json!({"do": "I", "token": token}))?,
                None => {
                    self.exchange(&json!({"do": "U", "name": self.name}))?;
                    self.exchange(&json!({"do": "P", "name": self.name, "password": PASSWORD}))?
                }
            };
            let Some(code) = reply["err"].as_str() else { return Some(()) };
            assert!(is_passing(code) || code == "unconfirmed", "{} logs in: {reply}", self.name);
            rest(&reply);
        }
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.connection.as_ref().map(|(_, address)| *address)
    }

    /// The next login is by password.
    pub(super) fn forget_token(&mut self) {
        self.token = None;
    }

    /// Gone from one moment to the next.
    pub(super) fn hang_up(&mut self) {
        if let Some((client, _)) = self.connection.take() {
            let _ = client.stream().shutdown(Shutdown::Both);
        }
    }

    /// Leaves with a word.
    pub(super) fn leave(&mut self) {
        let _ = self.exchange(&json!({"do": "E"}));
        self.connection = None;
    }

    pub(super) fn note(&self, step: Step) {
        self.log.lock().unwrap().steps.push(step);
    }

    pub(super) fn sends(&self, deed: Deed) -> usize {
        self.log.lock().unwrap().send(deed)
    }

    pub(super) fn is_answered(&self, sent: usize, answer: Answer) {
        self.log.lock().unwrap().answer(sent, answer);
        self.shared.progress.step();
    }

    pub(super) fn write(&mut self, request: &Value) -> Option<()> {
        self.write_raw(format!("{request}\n").as_bytes())
    }

    pub(super) fn write_raw(&mut self, bytes: &[u8]) -> Option<()> {
        self.connection.as_ref()?.0.stream().write_all(bytes).ok()
    }

    /// The next line, noted if it is heard.
    pub(super) fn next(&mut self) -> Option<Value> {
        let line: Value = serde_json::from_str(&self.connection.as_mut()?.0.line_or_end()?).unwrap();
        if let Some(step) = heard(&line) {
            self.note(step);
        } else if line["ok"] == "P" || line["ok"] == "I" {
            let token = line["token"].as_str().map(str::to_owned);
            self.token = token.clone().or(self.token.take());
            // Before anything is heard: it comes behind this line.
            self.note(Step::Entered { seq: line["seq"].as_u64().unwrap(), token });
        }
        Some(line)
    }

    /// The next reply.
    pub(super) fn reply(&mut self) -> Option<Value> {
        loop {
            let line = self.next()?;
            if line["ok"].is_string() || line["err"].is_string() {
                return Some(line);
            }
        }
    }

    /// Sends a request and returns its reply.
    pub(super) fn exchange(&mut self, request: &Value) -> Option<Value> {
        self.write(request)?;
        self.reply()
    }

    /// Does something that shall last; returns its reply.
    pub(super) fn does(&mut self, deed: Deed, request: &Value) -> Option<Value> {
        let sent = self.sends(deed);
        let reply = self.exchange(request)?;
        self.is_answered(sent, answer(&reply));
        Some(reply)
    }
}

/// What a reply means to the oracle.
pub(super) fn answer(reply: &Value) -> Answer {
    match (reply["err"].as_str(), reply["seq"].as_u64(), reply["game_id"].as_u64()) {
        (Some("unconfirmed"), seq, _) => Answer::Unconfirmed(seq),
        (Some(code), ..) => Answer::Refused(code.to_owned()),
        (None, Some(seq), _) => Answer::Seq(seq),
        (None, None, Some(game)) => Answer::Game(game),
        (None, None, None) => Answer::Done,
    }
}

/// Whether the same can be asked again after a while.
pub(super) fn is_passing(code: &str) -> bool {
    ["busy", "slow-down", "store-failed", "disk-full"].contains(&code)
}

/// Waits as long as a refusal says.
pub(super) fn rest(refusal: &Value) {
    thread::sleep(refusal["retry_ms"].as_u64().map_or(PAUSE, Duration::from_millis));
}

/// What an event is to the oracle.
fn heard(line: &Value) -> Option<Step> {
    let kind = line["event"].as_str()?;
    let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    if kind == "move" {
        let (game, ply) = (line["game_id"].as_u64().unwrap(), line["ply"].as_u64().unwrap() as usize);
        return Some(Step::Saw { game, ply, played: word("move") });
    }
    if kind == "missed" && line["room"].is_string() {
        return Some(Step::Missed { first: line["first"].as_u64().unwrap(), last: line["last"].as_u64().unwrap() });
    }
    let seq = line["seq"].as_u64()?;
    let text = match kind {
        "chat" | "announcement" => word("text"),
        "file" | "withdrawn" => word("file_name"),
        _ => line["game_id"].as_u64().map(|game| game.to_string()).unwrap_or_default(),
    };
    Some(Step::Heard(Event { seq, kind: kind.to_owned(), from: word("from"), text }))
}
