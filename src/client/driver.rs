//! The task behind a client. It owns the connection, pairs replies with requests, fills the holes that lost
//! connections leave, and comes back.
//!
//! What it promises: each event of the room is told once, in the order of its number; a `C` is sent again
//! until it is answered; every other request is answered once or ends as [`Error::OutcomeUnknown`].

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::{Connection, Line};
use super::{Answer, Command, Error, Event, Login, Options, RoomEvent, Welcome, hex};

/// Requests that wait for their replies at once; the next ones wait to be sent.
const PENDING: usize = 256;
/// Events that are kept for a caller who does not take them; then the server is not read either, which tells
/// it what was missed.
const UNTOLD: usize = 1024;
/// Live events that wait for a hole to be filled; beyond that they are read again behind it.
const LIVE: usize = 1024;
/// Events asked for at once to fill a hole.
const PAGE: &str = "+1000";

/// A request that is not answered.
struct Pending {
    request: Line,
    items: Vec<Line>,
    answer: Answerer,
}

/// Whom a reply is for.
enum Answerer {
    Caller(oneshot::Sender<Result<Answer, Error>>),
    /// A page that fills a hole.
    Refill,
    /// A heartbeat.
    Nobody,
}

/// A hole in the log that is being filled; what happens live waits meanwhile.
struct Refill {
    up_to: u64,
    /// Up to where the page that is on its way goes.
    asked_up_to: u64,
    live: Vec<RoomEvent>,
    /// Whether it was a lost connection that left it.
    is_return: bool,
}

pub(super) struct Driver {
    options: Options,
    login: Login,
    connection: Connection,
    requests: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    /// Events that the caller has not taken.
    untold: VecDeque<Event>,
    /// By the numbers in their refs, in the order in which they were asked.
    pending: BTreeMap<u64, Pending>,
    next_number: u64,
    /// What tells this client's refs from all others'.
    prefix: String,
    /// The newest event of the room that has been told.
    last_seq: u64,
    refill: Option<Refill>,
    heard_at: Instant,
}

/// Why a connection is over.
enum End {
    /// It can be tried again.
    Lost,
    /// It cannot: the reason.
    Ended(String),
    /// Nobody asks any more.
    Dropped,
}

impl Driver {
    pub(super) async fn connect(
        options: Options,
        requests: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Result<(Self, Welcome), Error> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| Error::Protocol("no randomness"))?;
        let prefix = hex(&random);
        let (connection, welcome) = Connection::log_in(&options, &options.login).await?;
        let mut driver = Self {
            login: options.login.clone(),
            last_seq: options.after_seq.unwrap_or(welcome.seq),
            options,
            connection,
            requests,
            events,
            untold: VecDeque::new(),
            pending: BTreeMap::new(),
            next_number: 0,
            prefix,
            refill: None,
            heard_at: Instant::now(),
        };
        driver.has_come_back(&welcome);
        Ok((driver, welcome))
    }

    pub(super) async fn run(mut self) {
        loop {
            let end = self.converse().await;
            self.forget_unanswered(matches!(end, End::Lost));
            let reason = match end {
                End::Dropped => return,
                End::Ended(reason) => reason,
                End::Lost => match self.come_back().await {
                    Ok(()) => continue,
                    Err(End::Ended(reason)) => reason,
                    Err(End::Lost | End::Dropped) => return,
                },
            };
            self.forget_unanswered(false);
            self.untold.push_back(Event::Ended { reason });
            while let Some(event) = self.untold.pop_front() {
                if self.events.send(event).await.is_err() {
                    return;
                }
            }
            return;
        }
    }

    /// Uses the connection until it is over.
    async fn converse(&mut self) -> End {
        let events = self.events.clone();
        loop {
            let (has_room, silent_until) = (self.untold.len() < UNTOLD, self.silent_until());
            tokio::select! {
                line = self.connection.exchange(has_room) => match line {
                    Ok(Some(line)) => {
                        self.heard_at = Instant::now();
                        if let Some(end) = self.take(line) {
                            return end;
                        }
                    }
                    Ok(None) => (),
                    Err(_) => return End::Lost,
                },
                permit = events.reserve(), if !self.untold.is_empty() => self.hand_out(permit.ok()),
                command = self.requests.recv(), if self.pending.len() < PENDING => match command {
                    Some(Command { request, answer }) => self.ask(request, Answerer::Caller(answer)),
                    None => return End::Dropped,
                },
                () = sleep_until(silent_until), if has_room => {
                    if self.is_asking_for_life() {
                        return End::Lost;
                    }
                    self.ask(object(json!({ "do": "K" })), Answerer::Nobody);
                }
            }
        }
    }

    /// Until when nothing need be heard.
    fn silent_until(&self) -> Instant {
        let silence = self.options.silence;
        self.heard_at + if self.is_asking_for_life() { silence } else { silence / 2 }
    }

    fn is_asking_for_life(&self) -> bool {
        self.pending.values().any(|pending| matches!(pending.answer, Answerer::Nobody))
    }

    fn ask(&mut self, mut request: Line, answer: Answerer) {
        let number = self.next_number;
        self.next_number += 1;
        request.insert("ref".to_owned(), json!(format!("{}-{number}", self.prefix)));
        self.connection.put(&request);
        self.pending.insert(number, Pending { request, items: Vec::new(), answer });
    }

    /// Takes a line; tells if the connection is of no more use.
    fn take(&mut self, line: Line) -> Option<End> {
        let Some(kind) = line.get("event").and_then(Value::as_str) else { return self.take_answer(line) };
        match kind {
            "closing" => {
                let reason = line.get("reason").and_then(Value::as_str).unwrap_or_default();
                return Some(closing(reason.to_owned()));
            }
            "missed" if line.contains_key("room") => {
                if let Some(last) = line.get("last").and_then(Value::as_u64) {
                    self.fill_up_to(last, false);
                }
            }
            _ if line.contains_key("seq") => {
                if let Some(event) = RoomEvent::read("event", line) {
                    self.take_live(event);
                }
            }
            _ => self.untold.push_back(Event::Game(line)),
        }
        None
    }

    fn take_live(&mut self, event: RoomEvent) {
        let Some(refill) = &mut self.refill else { return self.tell(event) };
        if refill.live.len() >= LIVE {
            refill.up_to = refill.up_to.max(event.seq);
            refill.live.clear();
        } else {
            refill.live.push(event);
        }
    }

    fn take_answer(&mut self, line: Line) -> Option<End> {
        let reference = line.get("ref").and_then(Value::as_str);
        let number = reference.and_then(|reference| reference.strip_prefix(&self.prefix)?.strip_prefix('-')?.parse().ok());
        let number = number?;
        if line.contains_key("item") {
            self.pending.get_mut(&number)?.items.push(line);
            return None;
        }
        let Pending { items, answer, .. } = self.pending.remove(&number)?;
        match answer {
            Answerer::Nobody => (),
            // The server cannot read at the moment: a later login begins at the hole again.
            Answerer::Refill if line.contains_key("err") => return Some(End::Lost),
            Answerer::Refill => self.take_page(items, line.get("more") == Some(&json!(true))),
            Answerer::Caller(caller) => {
                let refused = Error::refused(&line);
                // Whoever asked may be gone.
                let _ = caller.send(refused.map_or(Ok(Answer { reply: line, items }), Err));
            }
        }
        None
    }

    /// A page of what was missed has come.
    fn take_page(&mut self, items: Vec<Line>, has_more: bool) {
        items.into_iter().filter_map(|item| RoomEvent::read("item", item)).for_each(|event| self.tell(event));
        let Some(refill) = self.refill.take_if(|refill| !has_more && refill.asked_up_to >= refill.up_to) else {
            // More of the same hole, or another one behind it.
            self.last_seq = if has_more { self.last_seq } else { self.last_seq.max(self.asked_up_to()) };
            return self.ask_page();
        };
        // Numbers that were not there do not exist.
        self.last_seq = self.last_seq.max(refill.up_to);
        refill.live.into_iter().for_each(|event| self.tell(event));
        if refill.is_return {
            self.untold.push_back(Event::Back);
        }
    }

    fn asked_up_to(&self) -> u64 {
        self.refill.as_ref().map_or(0, |refill| refill.asked_up_to)
    }

    fn tell(&mut self, event: RoomEvent) {
        if event.seq > self.last_seq {
            self.last_seq = event.seq;
            self.untold.push_back(Event::Room(event));
        }
    }

    /// Reads the log from what was told last up to this number; until then live events wait.
    fn fill_up_to(&mut self, seq: u64, is_return: bool) {
        match &mut self.refill {
            Some(refill) => refill.up_to = refill.up_to.max(seq),
            None => {
                self.refill = Some(Refill { up_to: seq, asked_up_to: seq, live: Vec::new(), is_return });
                self.ask_page();
            }
        }
    }

    fn ask_page(&mut self) {
        let Some(refill) = &mut self.refill else { return };
        refill.asked_up_to = refill.up_to;
        let page = json!({ "do": "H", "left": self.last_seq, "right": refill.up_to, "n": PAGE });
        self.ask(object(page), Answerer::Refill);
    }

    /// What is not answered and cannot be sent again has an unknown outcome; what was said is kept, if there
    /// is a way to send it again.
    fn forget_unanswered(&mut self, can_say_again: bool) {
        let forgotten = self.pending.extract_if(.., |_, pending| !can_say_again || !is_said(&pending.request));
        for (_, pending) in forgotten {
            if let Answerer::Caller(caller) = pending.answer {
                let _ = caller.send(Err(Error::OutcomeUnknown));
            }
        }
    }

    fn hand_out(&mut self, permit: Option<mpsc::Permit<'_, Event>>) {
        match (permit, self.untold.pop_front()) {
            (Some(permit), Some(event)) => permit.send(event),
            // Nobody listens any more, but somebody may still ask.
            _ => self.untold.clear(),
        }
    }

    /// Hands out events while there is no connection.
    async fn tell_until(&mut self, time: Instant) {
        let events = self.events.clone();
        loop {
            tokio::select! {
                () = sleep_until(time) => return,
                permit = events.reserve(), if !self.untold.is_empty() => self.hand_out(permit.ok()),
            }
        }
    }

    /// Logs in again, however often it takes.
    async fn come_back(&mut self) -> Result<(), End> {
        let mut pause = self.options.backoff;
        loop {
            let retry = jittered(pause);
            if self.untold.len() < UNTOLD {
                self.untold.push_back(Event::Lost { retry });
            }
            self.tell_until(Instant::now() + retry).await;
            if self.requests.is_closed() {
                return Err(End::Dropped);
            }
            pause = (pause * 2).min(self.options.longest_backoff);
            let attempt = timeout(self.options.silence, Connection::log_in(&self.options, &self.login)).await;
            match attempt {
                Ok(Ok((connection, welcome))) => {
                    self.connection = connection;
                    self.has_come_back(&welcome);
                    return Ok(());
                }
                Ok(Err(Error::Refused(refusal))) => match refusal.code.as_str() {
                    // The token has died of age; the password may do.
                    "bad-token" if matches!(self.options.login, Login::Password { .. }) => {
                        self.login = self.options.login.clone();
                    }
                    "busy" | "store-failed" | "unconfirmed" => (),
                    _ => return Err(End::Ended(refusal.code)),
                },
                Ok(Err(Error::Closed(reason))) => match closing(reason) {
                    End::Lost => (),
                    end => return Err(end),
                },
                Ok(Err(_)) | Err(_) => (),
            }
        }
    }

    /// A login has succeeded: what was missed is read, and what was said and not answered is said again.
    fn has_come_back(&mut self, welcome: &Welcome) {
        if let Some(token) = &welcome.token {
            self.login = Login::Token(token.clone());
        }
        self.heard_at = Instant::now();
        self.refill = None;
        let said: Vec<&Line> = self.pending.values().map(|pending| &pending.request).collect();
        for request in said {
            self.connection.put(request);
        }
        if self.last_seq < welcome.seq {
            self.fill_up_to(welcome.seq, true);
        } else {
            self.untold.push_back(Event::Back);
        }
    }
}

/// The fields of a value that is an object.
fn object(value: Value) -> Line {
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

/// Whether a request is a `C`, which its ref makes good for once.
fn is_said(request: &Map<String, Value>) -> bool {
    request.get("do").and_then(Value::as_str) == Some("C")
}

/// What a closing reason means for coming back.
fn closing(reason: String) -> End {
    match reason.as_str() {
        "replaced" | "kicked" | "banned" | "not-http" | "wrong-password" => End::Ended(reason),
        _ => End::Lost,
    }
}

/// Half of it to all of it, so that many who were lost at once do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness it is the whole pause.
    let part = getrandom::fill(&mut random).map_or(u16::MAX, |()| u16::from_le_bytes(random));
    pause / 2 + (pause / 2) * u32::from(part) / u32::from(u16::MAX)
}
