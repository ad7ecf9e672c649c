//! How a stranger becomes somebody: `U`, `P` and `I`.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::outbox::Item;
use super::{Ending, Member, PresenceGuard, Session, State, Step};
use crate::auth;
use crate::clock::{earliest_now_ms, now_ms};
use crate::connections::{AsOf, Role};
use crate::games::Arrival;
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::name::Name;
use crate::protocol::refusal::{Banned, Refusal, Unconfirmed};
use crate::protocol::reply::{Answer, Reply, Welcome};
use crate::protocol::request::Presence;
use crate::protocol::secret::Secret;
use crate::protocol::text::Ref;
use crate::protocol::tongue::Tongue;
use crate::room::{Scene, Visitor};
use crate::store::queue::{Position, StoreFailed};
use crate::store::record::{Account, Record, Registered, Registration, TokenDeed, TokenHash, TokenRecord};

/// A name that nobody has yet, as it would be registered: the rules are only for these.
fn new_name(name: &Name) -> Result<Name, Refusal> {
    Name::parse(name.as_str()).map_err(Refusal::BadName)
}

/// What a login is asked with, for its reply.
struct Login {
    letter: char,
    reference: Option<Ref>,
    presence: Presence,
}

/// What a password or a token opens.
struct Opened {
    account: Account,
    key: Key,
    /// Before the account was looked up.
    as_of: AsOf,
}

/// What it was opened with.
enum Key {
    /// The password of this hash.
    Password(String),
    /// The token of this hash.
    Token(TokenHash),
}

/// Refuses an account that is banned now.
fn check_ban(ban: Option<Banned>) -> Result<(), Refusal> {
    match ban.filter(|ban| ban.holds_at(now_ms())) {
        Some(ban) => Err(Refusal::Banned(Box::new(ban))),
        None => Ok(()),
    }
}

impl Session {
    pub(super) async fn ask_account(&mut self, name: Name) -> Result<Reply, Refusal> {
        self.forget_asked();
        if let Some(known) = self.services.reader.credentials(&name).await? {
            return Ok(Reply::Known(known.account.name));
        }
        let name = new_name(&name)?;
        if let Some(like) = self.services.reader.look_alike(&name).await? {
            return Err(Refusal::LookAlike(like));
        }
        if let State::Stranger(stranger) = &mut self.state {
            stranger.asked_new = Some(name.clone());
        }
        Ok(Reply::New(name))
    }

    pub(super) async fn log_in_by_password(
        &mut self,
        reference: Option<Ref>,
        name: Name,
        password: Secret,
        presence: Presence,
    ) -> Step {
        let login = Login { letter: 'P', reference, presence };
        match self.open_by_password(name, password, presence).await {
            Ok(opened) => self.enter(login, opened).await,
            Err(refusal) => self.refuse_login(login, refusal),
        }
    }

    pub(super) async fn log_in_by_token(&mut self, reference: Option<Ref>, token: Secret, presence: Presence) -> Step {
        let login = Login { letter: 'I', reference, presence };
        match self.open_by_token(auth::hash_token(token.expose()), presence).await {
            Ok(opened) => self.enter(login, opened).await,
            Err(refusal) => self.refuse_login(login, refusal),
        }
    }

    fn refuse_login(&mut self, login: Login, refusal: Refusal) -> Step {
        self.services.connections.log_out(self.connection, Role::Stranger);
        let is_last_try = matches!(refusal, Refusal::WrongPassword { tries_left: 0 });
        self.answer(Some(login.letter), login.reference, Reply::Refused(refusal));
        if is_last_try { Step::Break(Ending::Closed(Closing::WrongPassword)) } else { Step::Continue(()) }
    }

    /// What a password opens: whose this connection is from here on.
    async fn open_by_password(&mut self, name: Name, password: Secret, presence: Presence) -> Result<Opened, Refusal> {
        loop {
            let as_of = self.services.connections.as_of();
            let (account, password_hash) = self.account_by_password(&name, &password).await?;
            let opened = Opened { account, key: Key::Password(password_hash), as_of };
            if self.is_taken(&opened, presence) {
                return Ok(opened);
            }
        }
    }

    /// The same for a token.
    async fn open_by_token(&self, hash: TokenHash, presence: Presence) -> Result<Opened, Refusal> {
        loop {
            let as_of = self.services.connections.as_of();
            let owner = self.services.reader.token_owner(hash).await?.ok_or(Refusal::BadToken)?;
            check_ban(owner.ban)?;
            if owner.used_ms < earliest_now_ms() - auth::TOKEN_LIFETIME_MS {
                return Err(Refusal::BadToken);
            }
            let opened = Opened { account: owner.account, key: Key::Token(hash), as_of };
            if self.is_taken(&opened, presence) {
                return Ok(opened);
            }
        }
    }

    /// Puts this connection down as the account's; false if an order of the operator's came in between, so that
    /// the account has to be looked at again.
    fn is_taken(&self, opened: &Opened, presence: Presence) -> bool {
        let role = match presence {
            Presence::Member => Role::Member,
            Presence::Listener => Role::Listener,
            Presence::Silent => Role::Silent,
        };
        self.services.connections.log_in(self.connection, &opened.account, role, opened.as_of).is_ok()
    }

    /// The account that a password opens, registered by it if the last `U` found its name to be new; and the
    /// password's hash.
    async fn account_by_password(&mut self, name: &Name, password: &Secret) -> Result<(Account, String), Refusal> {
        let services = Arc::clone(&self.services);
        let State::Stranger(stranger) = &mut self.state else { return Err(Refusal::AlreadyIn { instead: None }) };
        services.guard.has_turns(self.peer)?;
        if stranger.asked_new.as_ref() == Some(name) {
            return self.register(name.clone(), password.clone()).await;
        }
        let known = services.reader.credentials(name).await?;
        let attempt = services.guard.attempt(self.peer, known.as_ref().map(|known| known.account.id)).await?;
        // A name that nobody has takes as long, and costs as much.
        let hash = known.as_ref().map(|known| known.password_hash.clone());
        let is_right = services.auth.verify(password.clone(), hash).await?;
        match known {
            Some(known) if is_right => {
                check_ban(known.ban)?;
                Ok((known.account, known.password_hash))
            }
            Some(_) => {
                services.guard.failed(attempt);
                stranger.tries_left = stranger.tries_left.saturating_sub(1);
                Err(Refusal::WrongPassword { tries_left: stranger.tries_left })
            }
            None => {
                services.guard.failed(attempt);
                Err(new_name(name).map_or_else(|refusal| refusal, Refusal::NoSuchUser))
            }
        }
    }

    async fn register(&mut self, name: Name, password: Secret) -> Result<(Account, String), Refusal> {
        // It may be spelled otherwise than it was asked about.
        let name = new_name(&name)?;
        if !password.is_acceptable() {
            return Err(Refusal::BadPassword);
        }
        let services = Arc::clone(&self.services);
        // Claimed before looking, so that nobody registers it between the look and the hash.
        let claim = services.auth.claim(&name);
        if claim.is_none() || services.reader.credentials(&name).await?.is_some() {
            return Err(self.name_is_taken(name));
        }
        let turn = services.guard.turn(self.peer).await?;
        services.guard.register(&self.pace)?;
        let password_hash = services.auth.hash(password).await?;
        drop(turn);
        let slot = services.queue.slot(1).await?;
        let (outcome, registered) = oneshot::channel();
        let registration = Registration {
            name: name.clone(),
            password_hash: password_hash.clone(),
            address: self.peer.to_string(),
            at_ms: now_ms(),
            outcome,
        };
        services.queue.push(vec![Record::Registration(registration)], vec![slot]);
        match timeout_at(services.queue.confirm_deadline(), registered).await {
            Ok(Ok(Registered::As(account))) => {
                self.forget_asked();
                Ok((account, password_hash))
            }
            Ok(Ok(Registered::NameTaken)) => Err(self.name_is_taken(name)),
            Ok(Ok(Registered::LookAlike(like))) => {
                self.forget_asked();
                Err(Refusal::LookAlike(like))
            }
            Ok(Err(_)) | Err(_) => {
                // It may still come true: then the next `P` logs in.
                self.forget_asked();
                Err(Refusal::Unconfirmed(Unconfirmed::Registration))
            }
        }
    }

    fn name_is_taken(&mut self, name: Name) -> Refusal {
        self.forget_asked();
        Refusal::NameTaken(name)
    }

    /// The last `U` is out of date: the next `P` logs in instead of registering.
    fn forget_asked(&mut self) {
        if let State::Stranger(stranger) = &mut self.state {
            stranger.asked_new = None;
        }
    }

    /// Into the room. The reply is sent once the entry is durable; an entry that does not become so
    /// in time is taken back by closing the connection.
    async fn enter(&mut self, login: Login, opened: Opened) -> Step {
        let deadline = self.services.queue.confirm_deadline();
        let Opened { account, key, as_of } = opened;
        let (token, token_position) = match self.keep_token(&account, key).await {
            Ok(kept) => kept,
            Err(refusal) => return self.refuse_login(login, refusal),
        };
        let (voice, connection) = (self.voice, self.connection);
        let visitor = Visitor { connection, account: account.clone(), voice };
        let services = Arc::clone(&self.services);
        let room = &services.room;
        // From here on the room may know this connection, whatever becomes of the login.
        let presence = PresenceGuard { games: services.games.clone(), account: account.clone(), connection };
        let mut arrival = Arrival::default();
        let scene = match login.presence {
            Presence::Member => match services.queue.slot(1).await {
                Ok(slot) => {
                    let (scene, found) = services.games.enter(visitor, slot).await;
                    arrival = found;
                    scene
                }
                Err(StoreFailed) => return self.refuse_login(login, Refusal::StoreFailed),
            },
            Presence::Listener => room.listen(visitor).await,
            Presence::Silent => room.glance().await,
        };
        let Scene { count, names, seq, position, cursor } = scene;
        if services.queue.durable(position.max(token_position), deadline).await.is_err() {
            self.answer(Some(login.letter), login.reference, Reply::Refused(Refusal::Unconfirmed(Unconfirmed::Event(seq))));
            return Step::Break(Ending::Closed(Closing::StoreFailed));
        }
        log::debug!("connection {} is {}", connection.0, account.name);
        let welcome = Welcome { name: account.name.clone(), count, seq, names, token };
        let mut text = String::new();
        let answer = Answer { letter: Some(login.letter), reference: login.reference, reply: Reply::LoggedIn(welcome) };
        METRICS.answered(&answer.reply);
        voice.answer(&answer, &mut text);
        services.guard.log_in(&mut self.pace, self.peer, presence.account.id);
        self.state = State::Member(Member { is_listening: cursor.is_some(), presence, as_of });
        let mut hearings: Vec<_> = cursor.map(|cursor| self.room_hearing(cursor)).into_iter().collect();
        let Arrival { hearing, look, result, adjourned } = arrival;
        look.iter().chain(&result).for_each(|event| voice.table_event(event, &mut text));
        adjourned.iter().for_each(|game| voice.adjourned(game, &mut text));
        hearings.extend(hearing.map(|hearing| self.game_hearing(hearing)));
        let text = text.into();
        self.outbox.put(if hearings.is_empty() { Item::Text(text) } else { Item::Hear { text, hearings } });
        Step::Continue(())
    }

    /// Issues a token to a program that logs in by password, or marks the one it came with as used.
    async fn keep_token(&self, account: &Account, key: Key) -> Result<(Option<String>, Position), Refusal> {
        let (token, hash, deed) = match key {
            Key::Token(hash) => (None, hash, TokenDeed::Used),
            Key::Password(password_hash) if self.voice.tongue == Tongue::Json => {
                let (token, hash) = auth::new_token()?;
                (Some(token), hash, TokenDeed::Issued { password_hash })
            }
            Key::Password(_) => return Ok((None, Position::default())),
        };
        let slot = self.services.queue.slot(1).await?;
        let record = TokenRecord { account: account.id, hash, deed, at_ms: now_ms() };
        Ok((token, self.services.queue.push(vec![Record::Token(record)], vec![slot])))
    }
}
