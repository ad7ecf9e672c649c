//! What somebody in the room can do: speak, read back, look around.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::outbox::Spoken;
use super::{Session, State};
use crate::games::rules;
use crate::protocol::event::{Deed, Event};
use crate::protocol::game::event::News;
use crate::protocol::limits::{HISTORY_LINES, HISTORY_LINES_JSON};
use crate::protocol::refusal::Refusal;
use crate::protocol::reply::{Page, Reply};
use crate::protocol::request::{HistoryRange, RangeEnd};
use crate::protocol::text::{Ref, Text};
use crate::room::{Mark, Speech, Stale, Told, Utterance};
use crate::store::read::HistoryQuery;
use crate::store::record::Account;

impl Session {
    /// Hands to the room what was gathered. The replies wait in the outbox until they are durable, so
    /// that the next lines can be read meanwhile.
    pub async fn say(&mut self) {
        if !self.unsaid.is_empty() {
            // Boxed for the sake of idle connections, as in `take`.
            Box::pin(self.say_gathered()).await;
        }
    }

    async fn say_gathered(&mut self) {
        self.take_level();
        let said = std::mem::take(&mut self.unsaid);
        let references: Vec<_> = said.iter().map(|(_, reference)| reference.clone()).collect();
        let deadline = self.services.queue.confirm_deadline();
        match self.tell_room(said).await {
            // In the outbox as soon as the room has it: what is heard is answered, whatever ends this session.
            Ok(told) => self.outbox.put_spoken(Spoken { voice: self.voice, references, deadline, told }),
            Err(refusal) => {
                for reference in references {
                    self.answer(Some('C'), reference, Reply::Refused(refusal.clone()));
                }
            }
        }
    }

    async fn tell_room(&self, said: Vec<(Text, Option<Ref>)>) -> Result<oneshot::Receiver<Result<Told, Stale>>, Refusal> {
        let State::Member(member) = &self.state else { return Err(Refusal::LoginFirst) };
        let slot = self.services.queue.slot(said.len()).await?;
        let mut utterances: Vec<Utterance> =
            said.into_iter().map(|(text, reference)| Utterance { text, reference, said_before: None }).collect();
        // Before the store is asked: what becomes durable later, the room remembers.
        let looked_up = self.services.queue.durable_position();
        if utterances.iter().any(|utterance| utterance.reference.is_some()) {
            self.look_up_refs(member.account(), &mut utterances).await?;
        }
        let (connection, speaker) = (self.connection, member.account().clone());
        Ok(self.services.room.speak(Speech { connection, speaker, utterances, looked_up, slot }).await)
    }

    /// Asks the store which of the utterances were said before.
    async fn look_up_refs(&self, speaker: &Account, utterances: &mut [Utterance]) -> Result<(), Refusal> {
        let asked: Vec<Ref> = utterances.iter().filter_map(|utterance| utterance.reference.clone()).collect();
        let seqs = self.services.reader.said_before(speaker.id, asked).await?;
        let with_refs = utterances.iter_mut().filter(|utterance| utterance.reference.is_some());
        with_refs.zip(seqs).for_each(|(utterance, seq)| utterance.said_before = seq);
        Ok(())
    }

    pub(super) async fn who(&self, page: usize) -> Result<Reply, Refusal> {
        let found = self.services.room.who(page).await;
        Ok(Reply::Who { count: found.count, names: found.names, next_page: found.has_more.then(|| page + 1) })
    }

    /// A page of history: never less than what its caller has heard or was answered.
    pub(super) async fn history(&self, range: HistoryRange) -> Result<Reply, Refusal> {
        let services = &self.services;
        let mark = self.catch_up().await?;
        let is_for_people = self.voice.tongue.is_for_people();
        let most = if is_for_people { HISTORY_LINES } else { HISTORY_LINES_JSON };
        let query = HistoryQuery {
            room: services.room.id(),
            left: range.left.unwrap_or(0),
            right: range.right.unwrap_or(u64::MAX).min(mark.seq),
            count: range.count.unwrap_or(HISTORY_LINES).min(most),
            from: range.from,
            talk_only: is_for_people,
        };
        let mut found = services.reader.history(query).await?;
        found.events.iter_mut().for_each(put_words);
        let further = match (found.events.first(), found.events.last()) {
            (Some(first), Some(last)) if found.has_more => Some(match range.from {
                RangeEnd::Newest => HistoryRange { right: Some(first.seq - 1), ..range },
                RangeEnd::Oldest => HistoryRange { left: Some(last.seq), ..range },
            }),
            _ => None,
        };
        Ok(Reply::History(Page { room: Arc::clone(services.room.name()), events: found.events, further }))
    }

    /// Waits until the store knows everything that has happened in the room.
    pub(super) async fn catch_up(&self) -> Result<Mark, Refusal> {
        let (room, queue) = (&self.services.room, &self.services.queue);
        let mark = room.mark().await;
        queue.durable(mark.position, queue.confirm_deadline()).await.map_err(|_| Refusal::StoreFailed)?;
        Ok(mark)
    }
}

/// The store keeps codes of games; their words are with their rules.
fn put_words(event: &mut Event) {
    let Deed::Game(news) = &mut event.deed else { return };
    let end = if let News::Result { end, .. } = &mut news.news { Some(end) } else { None };
    rules::put_words(&mut news.title, end);
}
