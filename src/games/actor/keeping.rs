//! How what happens at a table is stored, how a result reaches the room, and how games come back after a
//! start.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::super::play::Play;
use super::super::ratings::Ratings;
use super::super::table::{self, Seat, Setting, Table};
use super::super::{Limits, Stored, Surroundings, rules};
use super::{Actor, Adjourned, Agenda, Command, Place};
use crate::clock::{earliest_now_ms, now_ms};
use crate::mailbox::Mailbox;
use crate::panics::contained;
use crate::protocol::event::Deed;
use crate::protocol::game::event::{GameNews, News};
use crate::protocol::game::reply::{Listed, ListedState};
use crate::protocol::game::{End, GameId, Words};
use crate::room::audience::Audience;
use crate::room::{Posting, Unheard};
use crate::store::queue::{MOST_OUTSTANDING, Slot};
use crate::store::read::games::GamesAtStart;
use crate::store::record::{Account, GameRecord, GameState, Record};

impl Actor {
    pub(in crate::games) async fn open(
        limits: Limits,
        around: Surroundings,
        at_start: GamesAtStart,
        mailbox: Mailbox<Command>,
    ) -> Self {
        let Surroundings { room, queue, was_closed, reader } = around;
        let GamesAtStart { open, last_id, ratings, rated } = at_start;
        // Numbers that were told and not stored when a crash came are not given again.
        let last_id = if was_closed { last_id } else { last_id + MOST_OUTSTANDING };
        let mut actor = Self {
            room,
            queue,
            reader,
            mailbox,
            limits,
            present: HashMap::new(),
            invitations: BTreeMap::new(),
            tables: BTreeMap::new(),
            places: HashMap::new(),
            watching: HashMap::new(),
            adjourned: Adjourned::default(),
            untold: HashMap::new(),
            agenda: Agenda::default(),
            ratings: Ratings::new(ratings, rated),
            last_id,
            now: Instant::now(),
            held_since: None,
            held: Duration::ZERO,
            at_hand: None,
            is_stopped: false,
        };
        for game in open {
            actor.at_hand = Some(game.id);
            let brought_back = contained(actor.bring_back(game)).await;
            brought_back.unwrap_or_else(|panicked| actor.give_up(panicked));
        }
        actor
    }

    async fn bring_back(&mut self, game: GameRecord) {
        match game.state {
            GameState::Adjourned => self.adjourned.insert(game),
            GameState::Playing => self.bring_back_table(game).await,
            // Its maker is gone. If the store fails already, the row stays as it is for the next start.
            GameState::Invited => {
                let record = Record::Game(Box::new(GameRecord { state: GameState::Void, ..game }));
                if let Ok(slot) = self.queue.slot(1).await {
                    self.queue.push(vec![record], vec![slot]);
                }
            }
            GameState::Void | GameState::Over { .. } => (),
        }
    }

    /// A game that was under way comes back, paused until its players do.
    async fn bring_back_table(&mut self, game: GameRecord) {
        let id = game.id;
        let Some(play) = restore(&game) else { return };
        let GameRecord { first, second: Some(second), clock, left, started_ms, .. } = game else { return };
        for player in [&first, &second] {
            self.places.insert(player.name.clone(), Place::At(id));
        }
        let setting = Setting {
            id,
            control: clock,
            seats: [first, second].map(|player| Seat::new(player, None)),
            play,
            left,
            inviter: None,
            started_ms,
            audience: Audience::new(1, table::RING_BYTES),
        };
        self.tables.insert(id, Table::paused(setting, self.limits, self.now));
        match self.queue.slot(1).await {
            // The rules of this version may see an end where those before saw none.
            Ok(slot) => _ = self.settle(id, slot).await,
            Err(_) => self.look_after(id),
        }
    }

    /// Stores what has changed at a table, tells the room a result, and forgets a table that was left.
    pub(super) async fn settle(&mut self, id: GameId, slot: Slot) -> Option<Stored> {
        let room = self.room.id();
        let table = self.tables.get_mut(&id)?;
        if table.take_change() {
            let stored = match table.end().cloned() {
                Some(end) => self.announce_result(id, end, slot).await?,
                None if table.is_left() => {
                    let record = table.record(room, GameState::Adjourned);
                    self.adjourned.insert(record.clone());
                    Stored { position: self.queue.push(vec![Record::Game(Box::new(record))], vec![slot]), seq: None }
                }
                None => {
                    let record = table.record(room, GameState::Playing);
                    Stored { position: self.queue.push(vec![Record::Game(Box::new(record))], vec![slot]), seq: None }
                }
            };
            if let Some(table) = self.tables.get_mut(&id) {
                table.note_stored(stored);
            }
        }
        let stored = self.tables.get(&id).and_then(Table::stored);
        self.look_after(id);
        stored
    }

    /// The result, the ratings and the room's event: one transaction.
    async fn announce_result(&mut self, id: GameId, end: End, slot: Slot) -> Option<Stored> {
        let table = self.tables.get_mut(&id)?;
        let ended_ms = now_ms();
        let accounts = table.seats().each_ref().map(|seat| seat.account.clone());
        let title = table.play().game().title.clone();
        for seat in table.seats().iter().filter(|seat| seat.connection.is_none()) {
            self.untold.insert(seat.account.id, Box::new(table.result(end.clone(), self.now)));
        }
        // Before the ratings are touched: whatever can fail has not failed then.
        let mut record = table.record(self.room.id(), GameState::Playing);
        let may_be_rated = table.play().count() >= 2 && end.reason.code != End::ABORTED.code;
        let ids = accounts.each_ref().map(|account| account.id);
        let rated = may_be_rated.then(|| self.ratings.rate(title.code.clone(), ids, end.winner, earliest_now_ms())).flatten();
        record.state = GameState::Over { end: end.clone(), ended_ms, is_rated: rated.is_some() };
        let mut records = vec![Record::Game(Box::new(record))];
        records.extend(rated.into_iter().flatten().map(Record::Rating));
        let unheard_by = Unheard::ByThese(table.audience().connections().collect());
        let news = News::Result { players: accounts.map(|account| account.name), end };
        let deed = Deed::Game(Box::new(GameNews { game_id: id, title, news }));
        let posted = self.room.post(Posting { deed, author: None, unheard_by, records }, slot).await;
        Some(Stored { position: posted.position, seq: Some(posted.seq) })
    }

    /// Tells the room that a game begins, and stores it as it stands.
    pub(super) async fn announce_beginning(&self, table: &mut Table, news: News, author: Account, slot: Slot) -> Stored {
        // An end that this version's rules see at once is stored when the table is looked after.
        if table.is_under_way() {
            table.take_change();
        }
        let title = table.play().game().title.clone();
        let deed = Deed::Game(Box::new(GameNews { game_id: table.id(), title, news }));
        let unheard_by = Unheard::ByThese(table.audience().connections().collect());
        let records = vec![Record::Game(Box::new(table.record(self.room.id(), GameState::Playing)))];
        let posted = self.room.post(Posting { deed, author: Some(author), unheard_by, records }, slot).await;
        let stored = Stored { position: posted.position, seq: Some(posted.seq) };
        table.note_stored(stored);
        stored
    }

    /// Puts a table down for what happens there next, or forgets it.
    pub(super) fn look_after(&mut self, id: GameId) {
        let Some(table) = self.tables.get(&id) else { return };
        if table.is_left() {
            self.forget_table(id);
        } else {
            self.agenda.set(id, table.due());
        }
    }

    /// Nobody sits there any more: its log ends.
    fn forget_table(&mut self, id: GameId) {
        let Some(mut table) = self.tables.remove(&id) else { return };
        self.watching.retain(|_, watched| *watched != id);
        table.audience().dismiss_all();
        for seat in table.seats() {
            if self.place(&seat.account.name) == Some(Place::At(id)) {
                self.places.remove(&seat.account.name);
            }
        }
        self.agenda.set(id, None);
    }

    /// Somebody's adjourned games, the newest first.
    pub(super) fn adjourned_of(&self, account: &Account) -> impl Iterator<Item = Listed> {
        self.adjourned.of(account).filter_map(listed)
    }

    pub(super) fn next_id(&mut self) -> GameId {
        self.last_id += 1;
        GameId(self.last_id)
    }
}

/// The game as it was stored; `None`, and an error in the log, if this version's rules do not know it so.
pub(super) fn restore(game: &GameRecord) -> Option<Play> {
    let play = rules::find(&game.game).and_then(|kind| Play::restore(kind, &game.moves));
    if play.is_none() {
        log::error!("game {} ({}) cannot be gone on with: its moves are none by this version's rules", game.id, game.game);
    }
    play
}

fn listed(game: &GameRecord) -> Option<Listed> {
    let mut title = Words::bare(game.game.clone().into_owned());
    rules::put_words(&mut title, None);
    let players = [game.first.name.clone(), game.second.as_ref()?.name.clone()];
    let state = ListedState::Adjourned { players, ply: game.moves.split_whitespace().count() };
    Some(Listed { game_id: game.id, title, clock: game.clock, state })
}
