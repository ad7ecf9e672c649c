//! A panic while one game is handled: a bug, in its rules perhaps. It ends that game and no other.
//!
//! What the actor held of the game is thrown away, half changed as it may be, and nothing of it is trusted but who
//! hears it. Its seats are free at once. What the store has of it is whole; from there it comes back as an adjourned
//! game, or an invitation that nobody took.

use super::super::Stored;
use super::{Actor, Command, Place};
use crate::panics::{Panicked, contained_now};
use crate::protocol::event::Deed;
use crate::protocol::game::event::{GameNews, News, Uninvited};
use crate::protocol::game::{GameId, Words};
use crate::room::Posting;
use crate::store::queue::Slot;
use crate::store::record::{GameRecord, GameState, Record};

impl Actor {
    /// Takes out the game that was being handled. If it is not known which, none of them can be trusted, and this
    /// ends with all of them.
    pub(super) fn give_up(&mut self, panicked: Panicked) {
        let Some(id) = self.at_hand.take() else { panicked.resume() };
        log::error!(
            "game {id} is broken off, since the daemon failed in it; the others go on. Please report what it panicked at"
        );
        // Telling of it, and dropping what is left, runs the same code again.
        let told = contained_now(|| {
            if let Some(mut table) = self.tables.remove(&id) {
                table.break_off();
            }
            if let Some(mut invitation) = self.invitations.remove(&id) {
                invitation.audience().dismiss_all();
            }
        });
        if told.is_err() {
            log::error!("game {id}: its players could not be told");
        }
        // It comes back from the store.
        self.adjourned.remove(id);
        self.agenda.set(id, None);
        let (tables, invitations) = (&self.tables, &self.invitations);
        let is_there = |id: &GameId| tables.contains_key(id) || invitations.contains_key(id);
        self.places.retain(|_, place| {
            let (Place::At(id) | Place::Inviting(id)) = place;
            is_there(id)
        });
        self.watching.retain(|_, id| is_there(id));
        self.fetch_broken_off(id);
    }

    /// Sends for what the store has of a game, once all that was pushed before is there.
    fn fetch_broken_off(&self, id: GameId) {
        let (queue, reader, mailbox) = (self.queue.clone(), self.reader.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            queue.durable_at_last(queue.newest()).await;
            let slot = queue.wait_for_reserve_slot().await;
            match reader.saved_game(id).await {
                Ok(Some(record)) => mailbox.send(Command::BrokenOff { record: Box::new(record), slot }).await,
                // It was not stored yet.
                Ok(None) => (),
                Err(error) => log::error!("game {id} comes back at the next start: {error}"),
            }
        });
    }

    /// What the store has of a game that was broken off.
    pub(super) async fn keep_broken_off(&mut self, record: GameRecord, slot: Slot) -> Option<Stored> {
        match record.state {
            GameState::Playing => Some(self.adjourn_unseen(record, slot)),
            GameState::Adjourned => {
                self.adjourned.insert(record);
                None
            }
            GameState::Invited => {
                let from = record.first.name.clone();
                let (title, author) = (Words::bare(record.game.clone().into_owned()), Some(record.first.clone()));
                let news = News::Uninvite { from, why: Uninvited::Expired };
                let deed = Deed::Game(Box::new(GameNews { game_id: record.id, title, news }));
                let mut posting = Posting::new(deed, author, None);
                posting.records.push(Record::Game(Box::new(GameRecord { state: GameState::Void, ..record })));
                let posted = self.room.post(posting, slot).await;
                Some(Stored { position: posted.position, seq: Some(posted.seq) })
            }
            GameState::Void | GameState::Over { .. } => None,
        }
    }

    /// Adjourns a game as it was stored, without a look at its board.
    pub(super) fn adjourn_unseen(&mut self, record: GameRecord, slot: Slot) -> Stored {
        let record = GameRecord { state: GameState::Adjourned, ..record };
        self.adjourned.insert(record.clone());
        Stored { position: self.queue.push(vec![Record::Game(Box::new(record))], vec![slot]), seq: None }
    }
}
