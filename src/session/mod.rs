//! A session: what one connection may ask, and what is done about it.
//!
//! Lines come in from `net`, replies go out through the [`outbox`]. This file holds the state of a
//! session and the one table from requests to handlers; [`budget`] is how much may be asked, [`login`] how a stranger
//! becomes somebody, [`talk`], [`files`] and [`games`] what somebody can do. A session knows handles
//! ([`services`]: room, files, games, store, auth), never sockets.

mod budget;
mod ending;
mod files;
mod games;
mod login;
mod member;
pub mod outbox;
mod services;
mod talk;

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::connections::{ConnectionId, Role};
use crate::games::Asker;
use crate::guard::Pace;
use crate::guard::doors::StrangerPlace;
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::codec::Input;
use crate::protocol::game::GameId;
use crate::protocol::limits::PASSWORD_TRIES;
use crate::protocol::name::Name;
use crate::protocol::parse;
use crate::protocol::refusal::{Instead, Refusal};
use crate::protocol::reply::{Answer, Reply};
use crate::protocol::request::{Ask, Manner, Request, TransferRequest, Unreadable};
use crate::protocol::shell::Arrived;
use crate::protocol::text::{Ref, Text};
use crate::protocol::tongue::Tongue;
use crate::protocol::voice::{LineEnd, Voice};
use crate::room::log::Cursor;
use crate::store::queue::BATCH;
use crate::store::record::Account;
pub use ending::Ending;
use member::{Member, PresenceGuard};
use outbox::{Hearing, Item, Outbox, Source};
pub use services::{Services, Terms};

/// What a line leaves to do once talk is gathered.
enum Work {
    /// Hand the gathered talk to the room: it is a whole batch.
    Say,
    /// Carry out a request.
    Answer(Request),
    /// Refuse a line.
    Refuse(Unreadable),
    /// Hand the connection on: what follows are bytes of a file.
    Transfer(Result<TransferRequest, Refusal>),
}

impl Work {
    fn refuse(unreadable: Unreadable, manner: Manner) -> Self {
        let is_transfer = manner.is_first && unreadable.letter == Some('T');
        if is_transfer { Work::Transfer(Err(unreadable.refusal)) } else { Work::Refuse(unreadable) }
    }
}

/// Whether a session goes on.
type Step = ControlFlow<Ending>;

/// What becomes of a line.
pub enum Taken<'a> {
    /// It has been taken.
    Done(ControlFlow<Ending>),
    /// It is being carried out.
    Waits(Pin<Box<dyn Future<Output = ControlFlow<Ending>> + Send + 'a>>),
}

/// Who is at the other end of a connection.
pub struct Caller {
    /// The connection.
    pub connection: ConnectionId,
    /// The peer's address.
    pub peer: IpAddr,
    /// The daemon's end of this connection.
    pub arrived: Arrived,
    /// When it was accepted.
    pub since: Instant,
    /// Its place among the strangers, given back at the login.
    pub stranger: StrangerPlace,
    /// Its budgets.
    pub pace: Pace,
}

/// One connection's session.
pub struct Session {
    services: Arc<Services>,
    connection: ConnectionId,
    peer: IpAddr,
    arrived: Arrived,
    outbox: Outbox,
    voice: Voice,
    state: State,
    /// What was said and not yet handed to the room, so that a burst of lines is one batch.
    unsaid: Vec<(Text, Option<Ref>)>,
    pace: Pace,
    /// Until when the peer is not listened to: it has asked too much.
    pause: Option<Instant>,
}

enum State {
    Stranger(Stranger),
    Member(Member),
    /// The session has ended; only its last words are still on their way.
    Gone {
        stranger: Option<StrangerPlace>,
    },
}

/// Before login.
struct Stranger {
    since: Instant,
    has_sent_line: bool,
    /// The name that the last `U` found to be new.
    asked_new: Option<Name>,
    tries_left: u32,
    place: StrangerPlace,
}

impl Session {
    /// A session at the start of a connection.
    pub fn new(services: Arc<Services>, caller: Caller, outbox: Outbox) -> Self {
        let voice = Voice::new(services.terms.read(|terms| terms.tongue));
        let Caller { connection, peer, arrived, since, stranger: place, pace } = caller;
        let tries_left = PASSWORD_TRIES;
        let state = State::Stranger(Stranger { since, has_sent_line: false, asked_new: None, tries_left, place });
        Self { services, connection, peer, arrived, outbox, voice, state, unsaid: Vec::new(), pace, pause: None }
    }

    /// The voice that the peer is spoken to in.
    pub fn voice(&self) -> Voice {
        self.voice
    }

    /// What the meaning of the next line depends on.
    pub fn manner(&self) -> Manner {
        let is_first = matches!(&self.state, State::Stranger(stranger) if !stranger.has_sent_line);
        Manner { logged_in: matches!(self.state, State::Member(_)), tongue: self.voice.tongue, is_first }
    }

    /// By when the next line has to come.
    pub fn deadline(&self) -> Option<Instant> {
        let State::Stranger(stranger) = &self.state else { return None };
        let of = |terms: &Terms| match stranger.has_sent_line {
            true => terms.login_timeout,
            false => terms.first_line_timeout.min(terms.login_timeout),
        };
        Some(stranger.since + self.services.terms.read(of))
    }

    /// Waits until there is room for the reply to another request.
    pub async fn has_room(&self) {
        self.outbox.has_room().await;
    }

    /// Takes one line of input. Talk is only gathered here and waits for nothing; everything else is boxed, so
    /// that an idle connection does not hold the state of what it does rarely.
    pub fn take(&mut self, input: Input, peer_sends_crlf: bool) -> Taken<'_> {
        if peer_sends_crlf && self.voice.line_end == LineEnd::Lf {
            return Taken::Waits(Box::pin(async {
                self.turn_to_crlf().await;
                match self.gather(input)? {
                    None => Step::Continue(()),
                    Some(work) => self.work(work).await,
                }
            }));
        }
        match self.gather(input) {
            ControlFlow::Break(ending) => Taken::Done(Step::Break(ending)),
            ControlFlow::Continue(None) => Taken::Done(Step::Continue(())),
            ControlFlow::Continue(Some(work)) => Taken::Waits(Box::pin(self.work(work))),
        }
    }

    /// The end of it: what is left is the place of a stranger, if it never was more.
    pub fn end(mut self) -> Option<StrangerPlace> {
        match std::mem::replace(&mut self.state, State::Gone { stranger: None }) {
            State::Stranger(Stranger { place, .. }) => Some(place),
            State::Gone { stranger } => stranger,
            State::Member(_) => None,
        }
    }

    /// Ends the session: out of the room, and the last words to the peer.
    pub fn finish(&mut self, ending: &Ending) {
        let before = std::mem::replace(&mut self.state, State::Gone { stranger: None });
        if let State::Stranger(Stranger { place, .. }) = before {
            self.state = State::Gone { stranger: Some(place) };
        }
        self.services.connections.log_out(self.connection, Role::Leaving);
        let &Ending::Closed(closing) = ending else {
            let text = Bytes::new();
            return self.outbox.put(Item::Close { text, after_the_log: false });
        };
        let mut text = String::new();
        self.voice.closing(closing, &mut text);
        METRICS.closed(closing);
        // When the daemon stops, the room's last event comes before the last words.
        let after_the_log = closing == Closing::ShuttingDown;
        if after_the_log {
            let patience = self.services.terms.read(|terms| terms.stop_patience);
            self.outbox.give_up_at(Instant::now() + patience);
        }
        self.outbox.put(Item::Close { text: text.into(), after_the_log });
    }

    /// Reads a line, and puts what is said to the room to what was said before it; returns what else
    /// there is to do.
    fn gather(&mut self, input: Input) -> ControlFlow<Ending, Option<Work>> {
        let manner = self.manner();
        if let State::Stranger(stranger) = &mut self.state {
            stranger.has_sent_line = true;
        }
        let parsed = match input {
            Input::Line(line) if manner.is_first && parse::is_http(line.as_str()) => {
                return ControlFlow::Break(Ending::Closed(Closing::NotHttp));
            }
            Input::Line(line) => parse::parse(line.as_str(), manner),
            Input::Fault(unreadable) => Err(unreadable),
            Input::TlsHello => return ControlFlow::Break(Ending::Closed(Closing::NotTls)),
        };
        ControlFlow::Continue(match self.spend(parsed) {
            Ok(None) => None,
            Ok(Some(Request { letter, reference, ask: Ask::Chat { name, text } })) => {
                // The whole line was probably meant: its first word stands where a name should.
                match self.check_is_own(name.as_deref(), |name| Instead::Say(format!("C - {name} {}", text.as_str()))) {
                    Ok(()) => {
                        self.unsaid.push((text, reference));
                        (self.unsaid.len() == BATCH).then_some(Work::Say)
                    }
                    Err(refusal) => Some(Work::refuse(Unreadable { letter: Some(letter), reference, refusal }, manner)),
                }
            }
            Ok(Some(Request { ask: Ask::Transfer(request), .. })) => Some(Work::Transfer(Ok(request))),
            Ok(Some(request)) => Some(Work::Answer(request)),
            Err(unreadable) => Some(Work::refuse(unreadable, manner)),
        })
    }

    async fn work(&mut self, work: Work) -> Step {
        self.take_level();
        self.say().await;
        match work {
            Work::Say => Step::Continue(()),
            Work::Refuse(Unreadable { letter, reference, refusal }) => {
                self.answer(letter, reference, Reply::Refused(refusal));
                Step::Continue(())
            }
            Work::Transfer(request) => Step::Break(Ending::Transfer(Box::new(request))),
            Work::Answer(Request { letter, reference, ask }) => self.carry_out(letter, reference, ask).await,
        }
    }

    async fn carry_out(&mut self, letter: char, reference: Option<Ref>, ask: Ask) -> Step {
        let reply = match ask {
            Ask::Password { name, password, presence } => {
                return self.log_in_by_password(reference, name, password, presence).await;
            }
            Ask::Token { token, presence } => return self.log_in_by_token(reference, token, presence).await,
            Ask::Voice(Some(tongue)) => {
                self.set_tongue(reference, tongue).await;
                return Step::Continue(());
            }
            Ask::Offer(request) => self.offer(request).await,
            Ask::Fetch(request) => self.fetch(request).await,
            Ask::Shelf { page } => self.shelf(page).await,
            Ask::Withdraw(request) => self.withdraw(request).await,
            Ask::Game(ask) => {
                self.ask_games(letter, reference, ask).await;
                return Step::Continue(());
            }
            Ask::Account { name } => self.ask_account(name).await,
            Ask::History(range) => self.history(range).await,
            Ask::Who { page } => self.who(page).await,
            Ask::Leave { name } => {
                self.check_is_own(name.as_deref(), |name| Instead::Say(format!("C - E {name}"))).map(|()| Reply::Bye)
            }
            Ask::Voice(None) => Ok(Reply::About),
            Ask::Heartbeat => Ok(Reply::Alive),
            Ask::Help(letter) => {
                let titles = if letter == Some('G') { games::titles() } else { Vec::new() };
                Ok(Reply::Help { letter, stranger: matches!(self.state, State::Stranger(_)), titles })
            }
            // Never come here, see `gather`.
            Ask::Chat { .. } | Ask::Transfer(_) => Err(Refusal::Usage { letter, instead: None }),
        };
        let is_leaving = matches!(reply, Ok(Reply::Bye));
        self.answer(Some(letter), reference, reply.unwrap_or_else(Reply::Refused));
        if is_leaving { Step::Break(Ending::Left) } else { Step::Continue(()) }
    }

    /// What is asked from here on is asked with the level that the account has now.
    fn take_level(&mut self) {
        if let State::Member(member) = &mut self.state
            && let Some((as_of, level)) = self.services.connections.level_since(self.connection, member.as_of)
        {
            (member.as_of, member.presence.account.level) = (as_of, level);
        }
    }

    /// Refuses a request in somebody else's name; `meant` is what may have been meant by it.
    fn check_is_own(&self, name: Option<&str>, meant: impl FnOnce(&str) -> Instead) -> Result<(), Refusal> {
        match (&self.state, name) {
            (State::Member(member), Some(name)) if !member.account().name.is(name) => {
                // A program has no use for a line.
                let instead = self.voice.tongue.is_for_people().then(|| meant(name));
                Err(Refusal::NotYou { own: member.account().name.clone(), instead })
            }
            _ => Ok(()),
        }
    }

    /// The reply to a request, as it is sent and counted.
    fn encode(&self, letter: Option<char>, reference: Option<Ref>, reply: Reply) -> Bytes {
        METRICS.answered(&reply);
        self.word(letter, reference, reply)
    }

    fn word(&self, letter: Option<char>, reference: Option<Ref>, reply: Reply) -> Bytes {
        let mut text = String::new();
        self.voice.answer(&Answer { letter, reference, reply }, &mut text);
        text.into()
    }

    fn answer(&self, letter: Option<char>, reference: Option<Ref>, reply: Reply) {
        self.outbox.put(Item::Text(self.encode(letter, reference, reply)));
    }

    async fn turn_to_crlf(&mut self) {
        self.say().await;
        let voice = Voice { line_end: LineEnd::CrLf, ..self.voice };
        self.set_voice(voice, |_| Bytes::new()).await;
    }

    async fn set_tongue(&mut self, reference: Option<Ref>, tongue: Tongue) {
        let voice = Voice { tongue, ..self.voice };
        self.set_voice(voice, |session| session.encode(Some('V'), reference, Reply::Speaking(tongue))).await;
    }

    /// Changes the voice at one point of the room's log: what came before it is heard in the old
    /// voice, then comes the reply, in the new one already, then everything after.
    async fn set_voice(&mut self, voice: Voice, reply: impl FnOnce(&Self) -> Bytes) {
        self.voice = voice;
        let text = reply(self);
        let mut hearings = Vec::new();
        if let State::Member(member) = &self.state {
            if member.is_listening {
                let cursor = self.services.room.set_voice(self.connection, voice).await;
                hearings.extend(cursor.map(|cursor| self.room_hearing(cursor)));
            }
            let asker = self.asker(member.account().clone());
            let games = self.services.games.set_voice(asker).await;
            hearings.extend(games.into_iter().map(|game| self.game_hearing(game)));
        }
        self.outbox.put(if hearings.is_empty() { Item::Text(text) } else { Item::Turn { text, hearings } });
    }

    /// Who asks the games, over this connection.
    fn asker(&self, account: Account) -> Asker {
        Asker { account, connection: self.connection, voice: self.voice }
    }

    fn room_hearing(&self, cursor: Cursor) -> Hearing {
        Hearing { cursor, voice: self.voice, source: Source::Room(Arc::clone(self.services.room.name())) }
    }

    fn game_hearing(&self, (game_id, cursor): (GameId, Cursor)) -> Hearing {
        Hearing { cursor, voice: self.voice, source: Source::Game(game_id) }
    }
}
