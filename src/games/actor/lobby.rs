//! How a game comes about: somebody invites, somebody takes the seat. Also how an invitation comes to
//! nothing, and how an adjourned game is gone on with.

use super::super::play::Play;
use super::super::rules::Game;
use super::super::table::{RING_BYTES, Seat, Setting, Table};
use super::super::{Asker, Done, Stored};
use super::keeping::restore;
use super::{Actor, NO_SLOT_PAUSE, Place};
use crate::clock::now_ms;
use crate::connections::ConnectionId;
use crate::protocol::event::Deed;
use crate::protocol::game::event::{GameNews, News, Uninvited};
use crate::protocol::game::refusal::{GameRefusal, NoGame};
use crate::protocol::game::reply::{GameReply, Listed, ListedState};
use crate::protocol::game::{GameId, Side, TimeControl};
use crate::protocol::name::Name;
use crate::protocol::voice::Voice;
use crate::room::Posting;
use crate::room::audience::Audience;
use crate::room::log::Cursor;
use crate::store::queue::Slot;
use crate::store::record::{Account, GameRecord, GameState, Record, RoomId};

/// What somebody invites to.
struct Proposal {
    id: GameId,
    game: &'static Game,
    control: Option<TimeControl>,
    /// Whom the seat is for alone.
    seat: Option<Name>,
    /// The adjourned game that is to be gone on with.
    resumed: Option<Box<Resumed>>,
}

/// An adjourned game, as it was stored and as it stands.
struct Resumed {
    record: GameRecord,
    play: Play,
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
        // Back before the room was told that they are gone: then they never were.
        (self.connection, self.ending) = (connection, None);
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
            game: game.title.code.clone(),
            first: self.inviter.clone(),
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

impl Actor {
    pub(super) async fn invite(
        &mut self,
        asker: Asker,
        game: &'static Game,
        control: Option<TimeControl>,
        seat: Option<Name>,
        slot: Slot,
    ) -> Result<Done, GameRefusal> {
        if seat.as_ref() == Some(&asker.account.name) {
            return Err(GameRefusal::OwnInvitation);
        }
        self.check_is_free(&asker)?;
        let id = self.next_id();
        Ok(self.open_invitation(asker, Proposal { id, game, control, seat, resumed: None }, slot).await)
    }

    /// Offers to go on with an adjourned game; if the other has offered it, it goes on.
    pub(super) async fn resume(
        &mut self,
        asker: Asker,
        game_id: Option<GameId>,
        slots: [Slot; 2],
    ) -> Result<Done, GameRefusal> {
        let none = GameRefusal::NoGame(NoGame::Adjourned);
        let found = self.adjourned.of(&asker.account).find(|game| game_id.is_none_or(|id| id == game.id));
        let record = found.cloned().ok_or(none.clone())?;
        let GameRecord { id, clock: control, .. } = record;
        let players = [Some(&record.first), record.second.as_ref()].into_iter().flatten();
        let opponent = players.map(|player| &player.name).find(|name| **name != asker.account.name).ok_or(none.clone())?;
        let opponent = opponent.clone();
        if self.place(&opponent) == Some(Place::Inviting(id)) {
            return self.take(asker, &opponent, slots).await;
        }
        self.check_is_free(&asker)?;
        self.at_hand = Some(id);
        let play = restore(&record).ok_or(none)?;
        let (game, resumed) = (play.game(), Some(Box::new(Resumed { record, play })));
        let [slot, _] = slots;
        Ok(self.open_invitation(asker, Proposal { id, game, control, seat: Some(opponent), resumed }, slot).await)
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
        self.check_plays_not(asker)?;
        if let Some(Place::At(id)) = self.place(&asker.account.name)
            && let Some(table) = self.tables.get_mut(&id)
        {
            self.at_hand = Some(id);
            table.leave(&asker.account, self.now);
            self.look_after(id);
        }
        Ok(())
    }

    /// Refuses whoever is in the middle of a game.
    pub(super) fn check_plays_not(&self, asker: &Asker) -> Result<(), GameRefusal> {
        let Some(Place::At(id)) = self.place(&asker.account.name) else { return Ok(()) };
        let table = self.tables.get(&id).filter(|table| table.is_under_way());
        match table.and_then(|table| table.opponent_of(&asker.account)) {
            Some(opponent) => Err(GameRefusal::AlreadyPlaying(opponent.name.clone())),
            None => Ok(()),
        }
    }

    async fn open_invitation(&mut self, asker: Asker, proposal: Proposal, slot: Slot) -> Done {
        let Asker { account: inviter, connection, voice } = asker;
        let Proposal { id, game, control, .. } = proposal;
        self.at_hand = Some(id);
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
        self.agenda.set(id, Some(self.now + self.limits.invitation_timeout));
        let posted = self.room.post(posting, slot).await;
        Done {
            reply: GameReply::Invited { game_id: id, title: game.title.clone(), clock: control, seat },
            hearing: Some((id, cursor)),
            stored: Some(Stored { position: posted.position, seq: Some(posted.seq) }),
        }
    }

    pub(super) async fn withdraw(&mut self, asker: &Asker, slot: Slot) -> Result<Done, GameRefusal> {
        let Some(Place::Inviting(id)) = self.place(&asker.account.name) else {
            return Err(GameRefusal::NoInvitation(None));
        };
        let stored = self.end_invitation(id, Some(Uninvited::Withdrawn), slot).await;
        Ok(Done { reply: GameReply::Uninvited, hearing: None, stored })
    }

    /// The maker of an invitation has left the room.
    pub(super) async fn maker_left(&mut self, id: GameId) {
        if let Some(slot) = self.queue.reserve_slot() {
            self.end_invitation(id, Some(Uninvited::Left), slot).await;
        } else if let Some(invitation) = self.invitations.get_mut(&id) {
            invitation.ending = Some(Uninvited::Left);
            self.agenda.set(id, Some(self.now + NO_SLOT_PAUSE));
        }
    }

    /// Ends an invitation that nobody took; why, if it is not known from before.
    pub(super) async fn end_invitation(&mut self, id: GameId, why: Option<Uninvited>, slot: Slot) -> Option<Stored> {
        self.at_hand = Some(id);
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
    pub(super) async fn take(&mut self, asker: Asker, inviter: &Name, slots: [Slot; 2]) -> Result<Done, GameRefusal> {
        let [slot, for_own] = slots;
        let id = self.offered_seat(&asker, inviter)?;
        match self.place(&asker.account.name) {
            Some(Place::Inviting(own)) => _ = self.end_invitation(own, Some(Uninvited::Busy), for_own).await,
            Some(Place::At(_)) => self.leave_finished(&asker)?,
            None => (),
        }
        match self.invitations.remove(&id) {
            Some(invitation) => Ok(self.begin(invitation, asker, slot).await),
            None => Err(GameRefusal::NoInvitation(Some(inviter.clone()))),
        }
    }

    /// The invitation of `inviter`, if its seat is to be had by who asks.
    fn offered_seat(&self, asker: &Asker, inviter: &Name) -> Result<GameId, GameRefusal> {
        let own = &asker.account.name;
        if own == inviter {
            return Err(GameRefusal::OwnInvitation);
        }
        self.check_plays_not(asker)?;
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
        self.at_hand = Some(id);
        let Asker { account, connection: joiners, voice } = joiner;
        self.stop_watching(connection);
        self.stop_watching(joiners);
        let cursor = audience.admit(joiners, voice, ());
        let mut seats = [Seat::new(inviter.clone(), Some(connection)), Seat::new(account.clone(), Some(joiners))];
        let (mut play, mut left, mut started_ms) = (Play::new(game), None, now_ms());
        if let Some(resumed) = resumed {
            let Resumed { record, play: resumed } = *resumed;
            self.adjourned.remove(id);
            if record.first.id != inviter.id {
                seats.reverse();
            }
            (play, left, started_ms) = (resumed, record.left, record.started_ms);
        }
        let side = if seats[0].account.id == account.id { Side::First } else { Side::Second };
        let setting = Setting { id, control, seats, play, left, inviter: Some(inviter.id), started_ms, audience };
        let mut table = Table::begun(setting, self.limits, self.now);
        for name in [&inviter.name, &account.name] {
            self.places.insert(name.clone(), Place::At(id));
        }
        let news = News::Join { from: account.name.clone(), inviter: inviter.name.clone() };
        let stored = self.announce_beginning(&mut table, news, account, slot).await;
        let reply = GameReply::Seated { game_id: id, title: game.title.clone(), opponent: inviter.name, side };
        self.tables.insert(id, table);
        self.look_after(id);
        Done { reply, hearing: Some((id, cursor)), stored: Some(stored) }
    }
}
