//! What is done at a board: moves and what else a player can do, looking on, watching.

use tokio::time::Instant;

use super::super::rules::GAMES;
use super::super::table::{Outcome, Table};
use super::super::{Asker, Done, Stored};
use super::lobby::Invitation;
use super::{Actor, Place};
use crate::protocol::game::event::News;
use crate::protocol::game::refusal::{GameRefusal, NoGame};
use crate::protocol::game::reply::{GameReply, Games, Listed, ListedState};
use crate::protocol::game::request::Action;
use crate::protocol::game::{GameId, Offer};
use crate::protocol::refusal::Refusal;
use crate::store::queue::Slot;

impl Actor {
    pub(super) async fn act(
        &mut self,
        asker: &Asker,
        action: Action,
        ply: Option<u64>,
        game_id: Option<GameId>,
        mut slots: Vec<Slot>,
    ) -> Result<Done, Refusal> {
        let slot = slots.pop().ok_or(Refusal::StoreFailed)?;
        let id = self.own_table(asker)?;
        if game_id.is_some_and(|meant| meant != id) {
            return Err(GameRefusal::NoGame(NoGame::Other(id)).into());
        }
        let no_game = GameRefusal::NoGame(NoGame::Playing);
        let table = self.tables.get_mut(&id).ok_or(no_game.clone())?;
        let by = table.side_of(&asker.account).ok_or(no_game)?;
        let now = Instant::now();
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
        let stored = if matches!(reply, GameReply::Offered { offer: Offer::Rematch, is_agreed: true }) {
            self.begin_rematch(id, slot).await
        } else {
            self.settle(id, slot).await
        };
        // A move that is repeated may not be durable yet, nor what it was repeated for.
        let stored = stored.or_else(|| self.tables.get(&id).and_then(Table::stored));
        Ok(Done { reply, hearing: None, stored })
    }

    /// The table where somebody plays, or has just played.
    fn own_table(&self, asker: &Asker) -> Result<GameId, GameRefusal> {
        match self.place(&asker.account.name) {
            Some(Place::At(id)) => Ok(id),
            Some(Place::Inviting(_)) | None => Err(GameRefusal::NoGame(NoGame::Playing)),
        }
    }

    /// Another game at the same table, for the same players and watchers, with sides swapped.
    async fn begin_rematch(&mut self, id: GameId, slot: Slot) -> Option<Stored> {
        let table = self.tables.remove(&id)?;
        self.agenda.set(id, None);
        let next = self.next_id();
        let mut table = table.rematch(next, Instant::now());
        for seat in table.seats() {
            self.places.insert(seat.account.name.clone(), Place::At(next));
            // Who watched another game meanwhile begins one's own.
            seat.connection.into_iter().for_each(|connection| self.stop_watching(connection));
        }
        self.watching.values_mut().filter(|watched| **watched == id).for_each(|watched| *watched = next);
        let [inviter, joiner] = table.seats().each_ref().map(|seat| seat.account.clone());
        let news = News::Join { from: joiner.name.clone(), inviter: inviter.name };
        let stored = self.post_beginning(&mut table, news, joiner, slot).await;
        self.tables.insert(next, table);
        self.look_after(next);
        Some(stored)
    }

    /// The board of one's game, to see it again.
    pub(super) fn look(&self, asker: &Asker) -> Result<Done, Refusal> {
        let table = self.own_table(asker)?;
        let table = self.tables.get(&table).ok_or(GameRefusal::NoGame(NoGame::Playing))?;
        Ok(done(GameReply::Board(Box::new(table.look(Instant::now())))))
    }

    pub(super) fn watch(&mut self, asker: &Asker, id: GameId) -> Result<Done, Refusal> {
        let connection = asker.connection;
        if let Ok(own) = self.own_table(asker)
            && let Some(table) = self.tables.get(&own).filter(|table| table.is_under_way())
            && let Some(seat) = table.seats().iter().find(|seat| seat.connection == Some(connection))
        {
            let opponent = table.seats().iter().find(|other| other.account.id != seat.account.id);
            let opponent = opponent.unwrap_or(seat).account.name.clone();
            return Err(GameRefusal::AlreadyPlaying(opponent).into());
        }
        if !self.tables.get(&id).is_some_and(Table::is_under_way) {
            return Err(GameRefusal::NoGame(NoGame::UnderWay).into());
        }
        self.stop_watching(connection);
        self.watching.insert(connection, id);
        let table = self.tables.get_mut(&id).ok_or(GameRefusal::NoGame(NoGame::UnderWay))?;
        let cursor = table.audience().admit(connection, asker.voice, ());
        let (look, moves) = (Box::new(table.look(Instant::now())), table.play().moves());
        Ok(Done { reply: GameReply::Watching { look, moves }, hearing: Some((id, cursor)), stored: None })
    }

    pub(super) fn unwatch(&mut self, asker: &Asker) -> Done {
        self.stop_watching(asker.connection);
        done(GameReply::Unwatched)
    }

    /// What is played, the oldest first.
    pub(super) fn list(&self, page: usize, lines: usize) -> Done {
        let invitations = self.invitations.values().map(Invitation::listed);
        let tables = self.tables.iter().filter(|(_, table)| table.is_under_way()).map(|(&id, table)| {
            let players = table.seats().each_ref().map(|seat| seat.account.name.clone());
            let state = ListedState::Playing { players, ply: table.play().count(), is_paused: table.is_paused() };
            Listed { game_id: id, title: table.play().game().title.clone(), clock: table.control(), state }
        });
        let mut listed: Vec<Listed> = invitations.chain(tables).collect();
        listed.sort_by_key(|listed| listed.game_id);
        let (count, skip) = (listed.len(), (page - 1).saturating_mul(lines));
        let listed: Vec<Listed> = listed.into_iter().skip(skip).take(lines).collect();
        let next_page = (count > skip.saturating_add(lines)).then_some(page + 1);
        let titles = GAMES.iter().map(|game| game.title.clone()).collect();
        done(GameReply::Games(Games { listed, count, next_page, titles }))
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
