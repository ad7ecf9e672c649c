//! The task behind a client. It owns the connection, sends what is asked, hands out what happens, and comes
//! back when the connection is lost.
//!
//! What it promises: each event of the room is told once, in the order of its number; a `C` is sent again
//! until it is answered; every other request is answered once or ends as [`Error::OutcomeUnknown`]. The
//! connection is read at all times: an answer never waits for a caller who does not take events.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::backoff::Backoff;
use super::catchup::Catchup;
use super::connection::{Connection, Incoming, Line, closing};
use super::event::Fields;
use super::handle::{Command, Ends, FAREWELL, Farewell};
use super::pending::{Answerer, Pending, Taken};
use super::untold::Untold;
use super::{Answer, Error, Event, GameEvent, Login, Options, Presence, RoomEvent, Welcome};

/// Events asked for at once to fill a hole.
const PAGE: &str = "+1000";
/// When a page that was refused is asked for again.
const PAGE_AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Driver {
    options: Options,
    login: Login,
    /// `None` while it is lost.
    connection: Option<Connection>,
    requests: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    untold: Untold,
    catchup: Catchup,
    pending: Pending,
    backoff: Backoff,
    began_at: Instant,
    heard_at: Instant,
    /// Whether the server has been asked for a sign of life since.
    is_asking_for_life: bool,
    /// Until when no page is asked for.
    page_at: Option<Instant>,
    farewell: Farewell,
    /// Until when what was asked before the leaving may be answered.
    leave_by: Option<Instant>,
    /// `E` is on its way, and nothing comes behind it.
    is_saying_goodbye: bool,
}

/// Why a connection is over.
enum End {
    /// It can be tried again.
    Lost,
    /// It cannot: the reason.
    Ended(String),
}

impl End {
    fn left() -> Self {
        End::Ended("left".to_owned())
    }
}

impl Driver {
    pub(super) async fn connect(options: Options, ends: Ends) -> Result<(Self, Welcome), Error> {
        let Ends { requests, events, farewell } = ends;
        let pending = Pending::new()?;
        let (connection, welcome) = Connection::log_in(&options, &options.login).await.map_err(|(error, _)| error)?;
        let mut driver = Self {
            login: options.login.clone(),
            catchup: Catchup::after(options.after_seq.unwrap_or(welcome.seq)),
            backoff: Backoff::new(&options),
            options,
            connection: Some(connection),
            requests,
            events,
            untold: Untold::default(),
            pending,
            began_at: Instant::now(),
            heard_at: Instant::now(),
            is_asking_for_life: false,
            page_at: None,
            farewell,
            leave_by: None,
            is_saying_goodbye: false,
        };
        driver.has_come_in(&welcome);
        Ok((driver, welcome))
    }

    pub(super) async fn run(mut self) {
        let reason = loop {
            let end = self.converse().await;
            // Also where it was this side that had enough of it.
            self.connection = None;
            self.pending.forget_unanswered(matches!(end, End::Lost));
            let end = if let End::Lost = end { self.come_back().await } else { Some(end) };
            if let Some(End::Ended(reason)) = end {
                break reason;
            }
        };
        let Self { mut requests, mut pending, farewell, mut untold, events, .. } = self;
        pending.forget_unanswered(false);
        requests.close();
        drop(requests);
        farewell.is_over.cancel();
        untold.push(Event::Ended { reason });
        while let Some(event) = untold.pop() {
            if events.send(event).await.is_err() {
                return;
            }
        }
    }

    /// Uses the connection until it is over.
    async fn converse(&mut self) -> End {
        let (events, farewell) = (self.events.clone(), self.farewell.clone());
        loop {
            self.ask_page();
            let wakes_at = self.wakes_at();
            tokio::select! {
                incoming = exchange(&mut self.connection) => match incoming {
                    Ok(incoming) => if let Some(end) = incoming.and_then(|incoming| self.take(incoming)) {
                        return end;
                    },
                    Err(_) => return End::Lost,
                },
                permit = events.reserve(), if !self.untold.is_empty() => self.hand_out(permit.ok()),
                command = self.requests.recv(), if self.pending.has_room() && !self.is_saying_goodbye => match command {
                    Some(Command { request, answer }) => self.ask(request, Answerer::Caller(answer)),
                    None => self.say_goodbye(),
                },
                () = farewell.is_wanted.cancelled(), if self.leave_by.is_none() => {
                    // What is in the mailbox is still taken, and then it is empty for good.
                    self.requests.close();
                    self.leave_by = Some(Instant::now() + FAREWELL);
                }
                () = sleep_until(wakes_at) => if let Some(end) = self.wake() {
                    return end;
                },
            }
        }
    }

    fn wakes_at(&self) -> Instant {
        let silence = self.options.silence;
        let silent_until = self.heard_at + if self.is_asking_for_life { silence } else { silence / 2 };
        [self.page_at, self.leave_by].into_iter().flatten().fold(silent_until, Instant::min)
    }

    fn wake(&mut self) -> Option<End> {
        let now = Instant::now();
        if self.leave_by.is_some_and(|leave_by| leave_by <= now) {
            return Some(End::left());
        }
        self.page_at = self.page_at.filter(|page_at| *page_at > now);
        let is_silent_for = now - self.heard_at;
        if self.is_asking_for_life && is_silent_for >= self.options.silence {
            return Some(End::Lost);
        }
        if !self.is_asking_for_life && is_silent_for >= self.options.silence / 2 {
            self.is_asking_for_life = true;
            self.ask(object(json!({ "do": "K" })), Answerer::Nobody);
        }
        None
    }

    fn ask(&mut self, request: Line, answer: Answerer) {
        // Behind `E` nothing is answered.
        if !self.is_saying_goodbye {
            let line = self.pending.add(request, answer);
            self.connection.iter_mut().for_each(|connection| connection.put(line));
        }
    }

    fn say_goodbye(&mut self) {
        self.ask(object(json!({ "do": "E" })), Answerer::Farewell);
        self.is_saying_goodbye = true;
    }

    /// Asks for a page of the log, if a hole is to be filled and there is room for it.
    fn ask_page(&mut self) {
        if self.page_at.is_some() || self.is_saying_goodbye {
            return;
        }
        if self.events.is_closed() {
            self.catchup.skip(&mut self.untold);
        }
        if let Some((left, right)) = self.catchup.next_page(&self.untold) {
            let page = json!({ "do": "H", "left": left, "right": right, "n": PAGE });
            self.ask(object(page), Answerer::Catchup);
        }
    }

    /// Takes a line; tells if the connection is of no more use.
    fn take(&mut self, incoming: Incoming) -> Option<End> {
        self.heard_at = Instant::now();
        self.is_asking_for_life = false;
        let line = &incoming.line;
        let Some(kind) = line.get("event").and_then(Value::as_str) else { return self.take_answer(incoming) };
        if let Some((reason, retry)) = closing(line) {
            self.backoff.is_told(retry);
            return Some(end_for(reason));
        }
        if kind == "missed" && line.contains_key("room") {
            self.catchup.has_missed(line.number("last").unwrap_or_default());
        } else if line.contains_key("seq") {
            if let Some(event) = RoomEvent::read("event", incoming.line) {
                self.catchup.hear(event, &mut self.untold);
            }
        } else if let Some(event) = GameEvent::read("event", incoming.line) {
            self.untold.push_game(event);
        }
        None
    }

    fn take_answer(&mut self, incoming: Incoming) -> Option<End> {
        match self.pending.take(incoming) {
            Ok(Taken::Part | Taken::Answer(Answerer::Nobody, _)) => None,
            Ok(Taken::CatchupItem(item)) => {
                if let Some(event) = RoomEvent::read("item", item) {
                    self.catchup.take_item(event, &mut self.untold);
                }
                None
            }
            Ok(Taken::Answer(Answerer::Farewell, _)) => Some(End::left()),
            Ok(Taken::Answer(Answerer::Catchup, page)) => {
                self.end_page(page);
                None
            }
            Ok(Taken::Answer(Answerer::Caller(caller), outcome)) => {
                // Whoever asked may be gone.
                let _ = caller.send(outcome);
                None
            }
            Err(_) => Some(End::Lost),
        }
    }

    fn end_page(&mut self, page: Result<Answer, Error>) {
        let reply = match page {
            Ok(Answer { reply, .. }) => reply,
            Err(error) => {
                self.catchup.has_no_page();
                self.page_at = Some(Instant::now() + error.retry().unwrap_or(PAGE_AGAIN));
                return;
            }
        };
        self.catchup.end_page(reply.get("more") == Some(&json!(true)), &mut self.untold);
    }

    fn hand_out(&mut self, permit: Option<mpsc::Permit<'_, Event>>) {
        match permit.zip(self.untold.pop()) {
            Some((permit, event)) => permit.send(event),
            // Nobody listens any more, but somebody may still ask.
            None => self.untold.clear(),
        }
    }

    /// Logs in again, however often it takes; or tells why not.
    async fn come_back(&mut self) -> Option<End> {
        let farewell = self.farewell.clone();
        if farewell.is_wanted.is_cancelled() {
            return Some(End::left());
        }
        self.backoff.has_lived(self.began_at.elapsed());
        loop {
            let pause = self.backoff.pause();
            self.untold.push(Event::Lost { retry: pause });
            let (options, login) = (self.options.clone(), self.login.clone());
            let attempt = async {
                sleep(pause).await;
                Connection::log_in(&options, &login).await
            };
            let attempted = tokio::select! {
                attempted = attempt => attempted,
                never = self.hand_out_all() => match never {},
                () = farewell.is_wanted.cancelled() => return Some(End::left()),
            };
            match attempted {
                Ok((mut connection, welcome)) => {
                    self.pending.to_say_again().for_each(|line| connection.put(line));
                    self.connection = Some(connection);
                    self.has_come_in(&welcome);
                    return None;
                }
                Err((error, retry)) => {
                    self.backoff.is_told(retry.or(error.retry()));
                    if let Some(end) = self.end_after(error) {
                        return Some(end);
                    }
                }
            }
        }
    }

    /// Hands out events; never ready.
    async fn hand_out_all(&mut self) -> Infallible {
        let events = self.events.clone();
        while !self.untold.is_empty() {
            let permit = events.reserve().await;
            self.hand_out(permit.ok());
        }
        pending().await
    }

    /// What a login that failed means for the next one.
    fn end_after(&mut self, error: Error) -> Option<End> {
        match error {
            Error::Refused(refusal) => match refusal.code.as_str() {
                // The token has died of age, or with the daemon's database; the password may do.
                "bad-token"
                    if matches!(self.login, Login::Token(_)) && matches!(self.options.login, Login::Password { .. }) =>
                {
                    self.login = self.options.login.clone();
                    None
                }
                "busy" | "slow-down" | "store-failed" | "unconfirmed" => None,
                _ => Some(End::Ended(refusal.code)),
            },
            Error::Closed(reason) => match end_for(reason) {
                End::Lost => None,
                end => Some(end),
            },
            _ => None,
        }
    }

    /// A login has succeeded: what was missed is to be read.
    fn has_come_in(&mut self, welcome: &Welcome) {
        if let Some(token) = &welcome.token {
            self.login = Login::Token(token.clone());
        }
        self.began_at = Instant::now();
        self.heard_at = self.began_at;
        (self.is_asking_for_life, self.page_at) = (false, None);
        self.catchup.has_come_back(welcome.seq, &mut self.untold);
        if self.options.presence == Presence::Silent {
            self.catchup.skip(&mut self.untold);
        }
    }
}

async fn exchange(connection: &mut Option<Connection>) -> Result<Option<Incoming>, Error> {
    match connection {
        Some(connection) => connection.exchange().await,
        None => Err(Error::Over),
    }
}

/// The fields of a value that is an object.
fn object(value: Value) -> Line {
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

/// What a closing reason means for coming back.
fn end_for(reason: String) -> End {
    match reason.as_str() {
        "replaced" | "kicked" | "banned" | "needs-tls" | "not-http" | "not-tls" | "password-changed" | "wrong-password" => {
            End::Ended(reason)
        }
        _ => End::Lost,
    }
}
