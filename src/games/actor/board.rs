//! What is done at a board: moves and what else a player can do, looking on, watching.

use super::super::table::{Outcome, Table};
use super::super::{Asker, Done, Stored};
use super::{Actor, Place};
use crate::protocol::game::event::News;
use crate::protocol::game::refusal::{GameRefusal, NoGame};
use crate::protocol::game::reply::{GameReply, GamesPage, Listed, ListedState};
use crate::protocol::game::request::Action;
use crate::protocol::game::{GameId, Offer};
use crate::protocol::refusal::Refusal;
use crate::store::queue::Slot;
use crate::store::record::Account;

impl Actor {
    pub(super) async fn act(
        &mut self,
        asker: &Asker,
        action: Action,
        ply: Option<u64>,
        game_id: Option<GameId>,
        slot: Slot,
    ) -> Result<Done, Refusal> {
        let id = self.own_table(asker)?;
        self.at_hand = Some(id);
        if game_id.is_some_and(|meant| meant != id) {
            return Err(GameRefusal::NoGame(NoGame::Other(id)).into());
        }
        let no_game = GameRefusal::NoGame(NoGame::Playing);
        let table = self.tables.get_mut(&id).ok_or(no_game.clone())?;
        let by = table.side_of(&asker.account).ok_or(no_game)?;
        let now = self.now;
        if table.due().is_some_and(|due| due <= now) {
            // What was due could not happen yet, for want of a slot: a move must not overtake it.
            return Err(Refusal::StoreFailed);
        }
        if !matches!(action, Action::Play(_)) {
            table.check_ply(ply)?;
        }
        let reply = match action {
            Action::Play(typed) => table.play_move(by, &typed, ply, now).map(reply_to),
            Action::Offer(offer) => table.offer(by, offer, now).map(reply_to),
            Action::Resign => table.resign(by, now).map(|()| GameReply::Ended),
            Action::Abort => table.abort(by, now).map(|()| GameReply::Ended),
            Action::Claim => table.claim(by, now).map(|()| GameReply::Ended),
        }?;
        let is_rematch = matches!(reply, GameReply::Offered { offer: Offer::Rematch, is_agreed: true });
        let stored = if is_rematch { self.begin_rematch(id, slot).await } else { self.settle(id, slot).await };
        Ok(Done { reply, hearing: None, stored })
    }

    /// The table where somebody plays, or has just played.
    fn own_table(&self, asker: &Asker) -> Result<GameId, GameRefusal> {
        match self.place(&asker.account.name) {
            Some(Place::At(id)) => Ok(id),
            Some(Place::Inviting(_)) | None => Err(GameRefusal::NoGame(match self.watching.get(&asker.connection) {
                Some(&watched) => NoGame::Watching(watched),
                None => NoGame::Playing,
            })),
        }
    }

    /// Another game at the same table, for the same players and watchers, with sides swapped.
    async fn begin_rematch(&mut self, id: GameId, slot: Slot) -> Option<Stored> {
        let table = self.tables.remove(&id)?;
        self.agenda.set(id, None);
        let next = self.next_id();
        let mut table = table.rematch(next, self.now);
        for seat in table.seats() {
            self.places.insert(seat.account.name.clone(), Place::At(next));
            // Who watched another game meanwhile begins one's own.
            seat.connection.into_iter().for_each(|connection| self.stop_watching(connection));
        }
        self.watching.values_mut().filter(|watched| **watched == id).for_each(|watched| *watched = next);
        let [inviter, joiner] = table.seats().each_ref().map(|seat| seat.account.clone());
        let news = News::Join { from: joiner.name.clone(), inviter: inviter.name };
        let stored = self.announce_beginning(&mut table, news, joiner, slot).await;
        self.tables.insert(next, table);
        self.look_after(next);
        Some(stored)
    }

    /// The board of one's game, to see it again.
    pub(super) fn look(&mut self, asker: &Asker) -> Result<Done, GameRefusal> {
        let id = self.own_table(asker)?;
        self.at_hand = Some(id);
        let table = self.tables.get(&id).ok_or(GameRefusal::NoGame(NoGame::Playing))?;
        Ok(done(GameReply::Board(Box::new(table.look(self.now)))))
    }

    pub(super) fn watch(&mut self, asker: &Asker, id: GameId, with_moves: bool) -> Result<Done, GameRefusal> {
        let connection = asker.connection;
        self.at_hand = Some(id);
        if self.present.get(&asker.account.id) == Some(&connection) {
            self.check_plays_not(asker)?;
        }
        let none = GameRefusal::NoGame(NoGame::UnderWay);
        if !self.tables.get(&id).is_some_and(Table::is_under_way) {
            return Err(none);
        }
        self.stop_watching(connection);
        let table = self.tables.get_mut(&id).ok_or(none)?;
        let cursor = table.audience().admit(connection, asker.voice, ());
        let look = Box::new(table.look(self.now));
        let moves = if with_moves { table.play().moves() } else { Vec::new() };
        self.watching.insert(connection, id);
        Ok(Done { reply: GameReply::Watching { look, moves }, hearing: Some((id, cursor)), stored: None })
    }

    pub(super) fn unwatch(&mut self, asker: &Asker) -> Done {
        self.stop_watching(asker.connection);
        done(GameReply::Unwatched)
    }

    /// What is played, the oldest first; on the first page also one's adjourned games.
    pub(super) fn list(&mut self, account: &Account, page: usize, lines: usize) -> Done {
        let under_way = self.tables.iter().filter(|(_, table)| table.is_under_way());
        let mut ids: Vec<GameId> = self.invitations.keys().chain(under_way.map(|(id, _)| id)).copied().collect();
        ids.sort_unstable();
        let skip = (page - 1).saturating_mul(lines);
        let listed = ids.iter().skip(skip).take(lines).filter_map(|id| self.listed(*id)).collect();
        let next_page = (ids.len() > skip.saturating_add(lines)).then_some(page + 1);
        let adjourned = if page == 1 { self.adjourned_of(account).collect() } else { Vec::new() };
        done(GameReply::Games(GamesPage { listed, adjourned, count: ids.len(), next_page }))
    }

    fn listed(&mut self, id: GameId) -> Option<Listed> {
        self.at_hand = Some(id);
        if let Some(invitation) = self.invitations.get(&id) {
            return Some(invitation.listed());
        }
        let table = self.tables.get(&id)?;
        let players = table.seats().each_ref().map(|seat| seat.account.name.clone());
        let state = ListedState::Playing { players, ply: table.play().count(), is_paused: table.is_paused() };
        Some(Listed { game_id: id, title: table.play().game().title.clone(), clock: table.control(), state })
    }
}

/// What changes nothing that is stored.
fn done(reply: GameReply) -> Done {
    Done { reply, hearing: None, stored: None }
}

fn reply_to(outcome: Outcome) -> GameReply {
    match outcome {
        Outcome::Moved(ply) => GameReply::Moved { ply },
        Outcome::Offered(offer) => GameReply::Offered { offer, is_agreed: false },
        Outcome::Agreed(offer) => GameReply::Offered { offer, is_agreed: true },
    }
}
