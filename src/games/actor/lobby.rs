//! How a game comes about: somebody invites, somebody takes the seat. Also how an invitation comes to
//! nothing, and how an adjourned game is gone on with.

use tokio::time::Instant;

use super::super::play::Play;
use super::super::rules::{self, Game};
use super::super::table::{RING_BYTES, Seat, Setting, Table};
use super::super::{Asker, Done, Stored};
use super::{Actor, NO_SLOT_PAUSE, Place, record};
use crate::clock::now_ms;
use crate::protocol::event::Deed;
use crate::protocol::game::event::{GameNews, News, Uninvited};
use crate::protocol::game::refusal::{GameRefusal, NoGame};
use crate::protocol::game::reply::{GameReply, Listed, ListedState};
use crate::protocol::game::{GameId, Side, TimeControl};
use crate::protocol::name::Name;
use crate::protocol::refusal::Refusal;
use crate::protocol::voice::Voice;
use crate::room::audience::Audience;
use crate::room::log::Cursor;
use crate::room::{ConnectionId, Posting};
use crate::store::queue::Slot;
use crate::store::read::games::SavedGame;
use crate::store::record::{Account, GameRecord, GameState, Record, RoomId};

/// What somebody invites to.
struct Proposal {
    id: GameId,
    game: &'static Game,
    control: Option<TimeControl>,
    /// Whom the seat is for alone.
    seat: Option<Name>,
    /// The adjourned game that is to be gone on with.
    resumed: Option<Box<SavedGame>>,
}

/// An open invitation: a board with one player at it, who hears its log already.
pub(super) struct Invitation {
    proposal: Proposal,
    inviter: Account,
    connection: ConnectionId,
    invited_ms: i64,
    /// Why it ends, if that waits for a slot.
    ending: Option<Uninvited>,
    audience: Audience<()>,
}

impl Invitation {
    pub(super) fn audience(&mut self) -> &mut Audience<()> {
        &mut self.audience
    }

    /// The maker has come over another connection.
    pub(super) fn hand_over(&mut self, connection: ConnectionId, voice: Voice) -> Cursor {
        self.audience.dismiss(self.connection);
        self.connection = connection;
        self.audience.admit(connection, voice, ())
    }

    pub(super) fn listed(&self) -> Listed {
        let Proposal { id, game, control, seat, .. } = &self.proposal;
        let state = ListedState::Open { from: self.inviter.name.clone(), seat: seat.clone() };
        Listed { game_id: *id, title: game.title.clone(), clock: *control, state }
    }

    /// Its row; an adjourned game has one already, which stays as it is.
    fn record(&self, state: GameState, room: RoomId) -> Option<Record> {
        let Proposal { id, game, control, resumed: None, .. } = &self.proposal else { return None };
        Some(Record::Game(Box::new(GameRecord {
            id: *id,
            room,
            level: self.inviter.level,
            game: game.title.code.clone(),
            first: self.inviter.id,
            second: None,
            started_ms: self.invited_ms,
            clock: *control,
            left: None,
            moves: String::new(),
            state,
        })))
    }

    fn news(&self, news: News) -> Deed {
        let Proposal { id, game, .. } = &self.proposal;
        Deed::Game(Box::new(GameNews { game_id: *id, title: game.title.clone(), news }))
    }
}

/// An invitation that a stop of the daemon ended.
pub(super) fn void(saved: &SavedGame, room: RoomId) -> GameRecord {
    GameRecord {
        id: saved.id,
        room,
        level: saved.first.level,
        game: saved.game.clone().into(),
        first: saved.first.id,
        second: None,
        started_ms: saved.started_ms,
        clock: saved.clock,
        left: None,
        moves: String::new(),
        state: GameState::Void,
    }
}

impl Actor {
    pub(super) async fn invite(
        &mut self,
        asker: Asker,
        game: &'static Game,
        control: Option<TimeControl>,
        seat: Option<Name>,
        slots: Vec<Slot>,
    ) -> Result<Done, Refusal> {
        if seat.as_ref() == Some(&asker.account.name) {
            return Err(GameRefusal::OwnInvitation.into());
        }
        self.check_is_free(&asker)?;
        let id = self.next_id();
        self.open_invitation(asker, Proposal { id, game, control, seat, resumed: None }, slots).await
    }

    /// Offers to go on with an adjourned game; if the other has offered it, it goes on.
    pub(super) async fn resume(&mut self, asker: Asker, saved: Box<SavedGame>, slots: Vec<Slot>) -> Result<Done, Refusal> {
        let none = || GameRefusal::NoGame(NoGame::Adjourned);
        let players = [Some(&saved.first), saved.second.as_ref()];
        let is_adjourned = matches!(saved.state, GameState::Adjourned) && !self.tables.contains_key(&saved.id);
        let opponent = players.iter().position(|player| player.is_some_and(|player| player.id == asker.account.id));
        let opponent = opponent.filter(|_| is_adjourned).and_then(|own| players[1 - own]).ok_or_else(none)?.name.clone();
        if let Some(Place::Inviting(id)) = self.place(&opponent)
            && id == saved.id
        {
            return self.take(asker, &opponent, slots).await;
        }
        self.check_is_free(&asker)?;
        let game = rules::find(&saved.game).ok_or_else(none)?;
        let (id, control) = (saved.id, saved.clock);
        let proposal = Proposal { id, game, control, seat: Some(opponent), resumed: Some(saved) };
        self.open_invitation(asker, proposal, slots).await
    }

    /// Refuses whoever invites or plays already. Who sits at a finished game leaves it.
    fn check_is_free(&mut self, asker: &Asker) -> Result<(), GameRefusal> {
        match self.place(&asker.account.name) {
            Some(Place::Inviting(_)) => Err(GameRefusal::AlreadyInviting),
            Some(Place::At(_)) => self.leave_finished(asker),
            None => Ok(()),
        }
    }

    fn leave_finished(&mut self, asker: &Asker) -> Result<(), GameRefusal> {
        let Some(Place::At(id)) = self.place(&asker.account.name) else { return Ok(()) };
        let Some(table) = self.tables.get_mut(&id) else { return Ok(()) };
        if table.is_under_way() {
            let side = table.side_of(&asker.account).unwrap_or(Side::First);
            return Err(GameRefusal::AlreadyPlaying(table.opponent(side).name.clone()));
        }
        table.leave();
        self.look_after(id);
        Ok(())
    }

    async fn open_invitation(&mut self, asker: Asker, proposal: Proposal, mut slots: Vec<Slot>) -> Result<Done, Refusal> {
        let slot = slots.pop().ok_or(Refusal::StoreFailed)?;
        let Asker { account: inviter, connection, voice } = asker;
        let Proposal { id, game, control, .. } = proposal;
        let seat = proposal.seat.clone();
        let mut audience = Audience::new(1, RING_BYTES);
        let cursor = audience.admit(connection, voice, ());
        let invitation =
            Invitation { proposal, inviter: inviter.clone(), connection, invited_ms: now_ms(), ending: None, audience };
        let deed = invitation.news(News::Invite { from: inviter.name.clone(), clock: control, seat: seat.clone() });
        let mut posting = Posting::new(deed, Some(inviter.clone()), Some(connection));
        posting.records.extend(invitation.record(GameState::Invited, self.room.id()));
        self.places.insert(inviter.name, Place::Inviting(id));
        self.invitations.insert(id, invitation);
        self.agenda.set(id, Some(Instant::now() + self.limits.invitation_timeout));
        let posted = self.room.post(posting, slot).await;
        Ok(Done {
            reply: GameReply::Invited { game_id: id, title: game.title.clone(), seat },
            hearing: Some((id, cursor)),
            stored: Some(Stored { position: posted.position, seq: Some(posted.seq) }),
        })
    }

    pub(super) async fn withdraw(&mut self, asker: &Asker, mut slots: Vec<Slot>) -> Result<Done, Refusal> {
        let slot = slots.pop().ok_or(Refusal::StoreFailed)?;
        let Some(Place::Inviting(id)) = self.place(&asker.account.name) else {
            return Err(GameRefusal::NoInvitation(None).into());
        };
        let stored = self.end_invitation(id, Some(Uninvited::Withdrawn), slot).await;
        Ok(Done { reply: GameReply::Uninvited, hearing: None, stored })
    }

    /// The maker of an invitation has left the room.
    pub(super) async fn maker_left(&mut self, id: GameId) {
        if let Some(slot) = self.queue.leaving_slot() {
            self.end_invitation(id, Some(Uninvited::Left), slot).await;
        } else if let Some(invitation) = self.invitations.get_mut(&id) {
            invitation.ending = Some(Uninvited::Left);
            self.agenda.set(id, Some(Instant::now() + NO_SLOT_PAUSE));
        }
    }

    /// Ends an invitation that nobody took; why, if it is not known from before.
    pub(super) async fn end_invitation(&mut self, id: GameId, why: Option<Uninvited>, slot: Slot) -> Option<Stored> {
        let mut invitation = self.invitations.remove(&id)?;
        self.agenda.set(id, None);
        self.places.remove(&invitation.inviter.name);
        invitation.audience.dismiss_all();
        let why = why.or(invitation.ending).unwrap_or(Uninvited::Expired);
        let from = invitation.inviter.name.clone();
        // Who ends it knows it from the reply.
        let asked_over = matches!(why, Uninvited::Withdrawn | Uninvited::Busy).then_some(invitation.connection);
        let mut posting =
            Posting::new(invitation.news(News::Uninvite { from, why }), Some(invitation.inviter.clone()), asked_over);
        posting.records.extend(invitation.record(GameState::Void, self.room.id()));
        let posted = self.room.post(posting, slot).await;
        Some(Stored { position: posted.position, seq: Some(posted.seq) })
    }

    /// Takes somebody's seat: the one place where a game gets its second player.
    pub(super) async fn take(&mut self, asker: Asker, inviter: &Name, mut slots: Vec<Slot>) -> Result<Done, Refusal> {
        let slot = slots.pop().ok_or(Refusal::StoreFailed)?;
        let id = self.offered_seat(&asker, inviter)?;
        self.leave_finished(&asker)?;
        if let (Some(Place::Inviting(own)), Some(slot)) = (self.place(&asker.account.name), slots.pop()) {
            self.end_invitation(own, Some(Uninvited::Busy), slot).await;
        }
        let Some(invitation) = self.invitations.remove(&id) else {
            return Err(GameRefusal::NoInvitation(Some(inviter.clone())).into());
        };
        Ok(self.begin(invitation, asker, slot).await)
    }

    /// The invitation of `inviter`, if its seat is to be had by who asks.
    fn offered_seat(&self, asker: &Asker, inviter: &Name) -> Result<GameId, GameRefusal> {
        let own = &asker.account.name;
        if own == inviter {
            return Err(GameRefusal::OwnInvitation);
        }
        if let Some(Place::At(id)) = self.place(own)
            && let Some(table) = self.tables.get(&id).filter(|table| table.is_under_way())
        {
            let side = table.side_of(&asker.account).unwrap_or(Side::First);
            return Err(GameRefusal::AlreadyPlaying(table.opponent(side).name.clone()));
        }
        match self.place(inviter) {
            Some(Place::Inviting(id)) => match self.invitations.get(&id).filter(|invitation| invitation.ending.is_none()) {
                None => Err(GameRefusal::NoInvitation(Some(inviter.clone()))),
                Some(invitation) => match &invitation.proposal.seat {
                    Some(seat) if seat != own => Err(GameRefusal::Reserved(seat.clone())),
                    Some(_) | None => Ok(id),
                },
            },
            Some(Place::At(id)) => match self.tables.get(&id).and_then(|table| table.taker(inviter)) {
                Some(taker) if taker != own => Err(GameRefusal::Taken(taker.clone())),
                Some(_) | None => Err(GameRefusal::NoInvitation(Some(inviter.clone()))),
            },
            None => Err(GameRefusal::NoInvitation(Some(inviter.clone()))),
        }
    }

    async fn begin(&mut self, invitation: Invitation, joiner: Asker, slot: Slot) -> Done {
        let Invitation { proposal, inviter, connection, mut audience, .. } = invitation;
        let Proposal { id, game, control, resumed, .. } = proposal;
        let Asker { account, connection: joiners, voice } = joiner;
        self.stop_watching(connection);
        self.stop_watching(joiners);
        let cursor = audience.admit(joiners, voice, ());
        let inviters_seat = Seat::new(inviter.clone(), Some(connection));
        let joiners_seat = Seat::new(account.clone(), Some(joiners));
        let by = Some(inviter.id);
        let setting = match resumed {
            None => {
                let seats = [inviters_seat, joiners_seat];
                Setting { id, control, seats, play: Play::new(game), left: None, inviter: by, started_ms: now_ms(), audience }
            }
            Some(saved) => {
                let is_inviters_game = saved.first.id == inviter.id;
                let seats = if is_inviters_game { [inviters_seat, joiners_seat] } else { [joiners_seat, inviters_seat] };
                // The moves were restored when the invitation was made by the same rules, or by none.
                let play = Play::restore(game, &saved.moves).unwrap_or_else(|| Play::new(game));
                Setting { id, control, seats, play, left: saved.left, inviter: by, started_ms: saved.started_ms, audience }
            }
        };
        let mut table = Table::begun(setting, self.limits, Instant::now());
        let side = table.side_of(&account).unwrap_or(Side::Second);
        for name in [&inviter.name, &account.name] {
            self.places.insert(name.clone(), Place::At(id));
        }
        let news = News::Join { from: account.name.clone(), inviter: inviter.name.clone() };
        let stored = self.post_beginning(&mut table, news, account, slot).await;
        let reply = GameReply::Seated { game_id: id, title: game.title.clone(), opponent: inviter.name, side };
        self.tables.insert(id, table);
        self.look_after(id);
        Done { reply, hearing: Some((id, cursor)), stored: Some(stored) }
    }

    /// Tells the room that a game begins, and stores it as it stands.
    pub(super) async fn post_beginning(&self, table: &mut Table, news: News, author: Account, slot: Slot) -> Stored {
        table.take_change();
        let title = table.play().game().title.clone();
        let deed = Deed::Game(Box::new(GameNews { game_id: table.id(), title, news }));
        let partners = table.audience().connections().collect();
        let records = vec![Record::Game(Box::new(record(table, GameState::Playing, self.room.id())))];
        let posted = self.room.post(Posting { deed, author: Some(author), from: None, partners, records }, slot).await;
        Stored { position: posted.position, seq: Some(posted.seq) }
    }
}
