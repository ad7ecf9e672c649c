//! How a stranger becomes somebody: `U`, `P` and `I`.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::outbox::Item;
use super::{Ending, Member, PresenceGuard, Session, State, Step};
use crate::auth;
use crate::clock::{earliest_now_ms, now_ms};
use crate::games::Arrival;
use crate::protocol::closing::Closing;
use crate::protocol::name::Name;
use crate::protocol::refusal::{Refusal, Unconfirmed};
use crate::protocol::reply::{Answer, Reply, Welcome};
use crate::protocol::request::Presence;
use crate::protocol::secret::Secret;
use crate::protocol::text::Ref;
use crate::protocol::tongue::Tongue;
use crate::room::{Scene, Visitor};
use crate::store::queue::{Position, StoreFailed};
use crate::store::record::{Account, Record, Registered, Registration, TokenHash, TokenRecord};

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
        match self.open_by_password(name, password).await {
            Ok(account) => self.enter(login, account, None).await,
            Err(refusal) => self.refuse_login(login, refusal),
        }
    }

    pub(super) async fn log_in_by_token(&mut self, reference: Option<Ref>, token: Secret, presence: Presence) -> Step {
        let login = Login { letter: 'I', reference, presence };
        let hash = auth::hash_token(token.expose());
        match self.services.reader.account_by_token(hash, earliest_now_ms() - auth::TOKEN_LIFETIME_MS).await {
            Ok(Some(account)) => self.enter(login, account, Some(hash)).await,
            Ok(None) => self.refuse_login(login, Refusal::BadToken),
            Err(error) => self.refuse_login(login, error.into()),
        }
    }

    fn refuse_login(&mut self, login: Login, refusal: Refusal) -> Step {
        let is_last_try = matches!(refusal, Refusal::WrongPassword { tries_left: 0 });
        self.answer(Some(login.letter), login.reference, Reply::Refused(refusal));
        if is_last_try { Step::Break(Ending::Closed(Closing::WrongPassword)) } else { Step::Continue(()) }
    }

    /// The account that a password opens, registered by it if the last `U` found its name to be new.
    async fn open_by_password(&mut self, name: Name, password: Secret) -> Result<Account, Refusal> {
        let services = Arc::clone(&self.services);
        let State::Stranger(stranger) = &mut self.state else { return Err(Refusal::AlreadyIn { instead: None }) };
        if stranger.asked_new.as_ref() == Some(&name) {
            return self.register(name, password).await;
        }
        let known = services.reader.credentials(&name).await?;
        let (account, hash) = known.map(|known| (known.account, known.password_hash)).unzip();
        let attempt = services.guard.attempt(self.peer, account.as_ref().map(|account| account.id)).await?;
        // A name that nobody has takes as long, and costs as much.
        let is_right = services.auth.verify(password, hash).await?;
        match account {
            Some(account) if is_right => Ok(account),
            Some(_) => {
                services.guard.failed(attempt);
                stranger.tries_left = stranger.tries_left.saturating_sub(1);
                Err(Refusal::WrongPassword { tries_left: stranger.tries_left })
            }
            None => {
                services.guard.failed(attempt);
                Err(new_name(&name).map_or_else(|refusal| refusal, Refusal::NoSuchUser))
            }
        }
    }

    async fn register(&mut self, name: Name, password: Secret) -> Result<Account, Refusal> {
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
        services.guard.register(&self.pace)?;
        let turn = services.guard.turn(self.peer).await?;
        let password_hash = services.auth.hash(password).await?;
        drop(turn);
        let slot = services.queue.slot(1).await?;
        let (outcome, registered) = oneshot::channel();
        let registration =
            Registration { name: name.clone(), password_hash, address: self.peer.to_string(), at_ms: now_ms(), outcome };
        services.queue.push(vec![Record::Registration(registration)], vec![slot]);
        match timeout_at(services.queue.confirm_deadline(), registered).await {
            Ok(Ok(Registered::As(account))) => Ok(account),
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
    async fn enter(&mut self, login: Login, account: Account, used_token: Option<TokenHash>) -> Step {
        let deadline = self.services.queue.confirm_deadline();
        let (token, token_position) = match self.keep_token(&login, &account, used_token).await {
            Ok(kept) => kept,
            Err(refusal) => return self.refuse_login(login, refusal),
        };
        let Some(ended) = self.ended.take() else { return self.refuse_login(login, Refusal::AlreadyIn { instead: None }) };
        let (voice, connection) = (self.voice, self.connection);
        let visitor = Visitor { connection, account: account.clone(), voice, ended };
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
                Err(StoreFailed) => {
                    self.ended = Some(visitor.ended);
                    return self.refuse_login(login, Refusal::StoreFailed);
                }
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
        voice.answer(&answer, &mut text);
        services.guard.log_in(&mut self.pace, self.peer, presence.account.id);
        self.state = State::Member(Member { is_listening: cursor.is_some(), presence });
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
    async fn keep_token(
        &self,
        login: &Login,
        account: &Account,
        used: Option<TokenHash>,
    ) -> Result<(Option<String>, Position), Refusal> {
        let (token, hash) = match used {
            Some(hash) => (None, hash),
            None if self.voice.tongue == Tongue::Json && login.letter == 'P' => {
                let (token, hash) = auth::new_token()?;
                (Some(token), hash)
            }
            None => return Ok((None, Position::default())),
        };
        let slot = self.services.queue.slot(1).await?;
        let record = TokenRecord { account: account.id, hash, is_new: token.is_some(), at_ms: now_ms() };
        Ok((token, self.services.queue.push(vec![Record::Token(record)], vec![slot])))
    }
}
