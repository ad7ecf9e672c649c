//! What has happened and was not taken by the caller yet: a queue with a bound, so that a caller who does not
//! look never becomes memory, nor keeps anybody's answer from being read.
//!
//! Events of the room that find no room are read again from its log later, which is up to the
//! [catch-up](super::catchup). Events of a game cannot be: the caller is told that something is missing.

use std::collections::{BTreeSet, VecDeque};

use super::{Event, GameEvent};

/// Beyond so many, what happens is not kept.
const MOST: usize = 1024;
/// Games of which something was missed that are remembered; a login plays one and watches one.
const GAMES: usize = 16;

#[derive(Default)]
pub(super) struct Untold {
    events: VecDeque<Event>,
    /// Games of which something found no room. Nothing more is told of them before that is.
    missed: BTreeSet<u64>,
    /// Whether the connection is lost, as far as has been said.
    is_lost: bool,
}

impl Untold {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether one more event is kept.
    pub(super) fn has_room(&self) -> bool {
        self.events.len() < MOST
    }

    /// Whether it is worth reading a page of the log.
    pub(super) fn has_much_room(&self) -> bool {
        self.events.len() <= MOST / 2
    }

    /// Puts an event of the room or of the connection behind the others; the former are the caller's to count.
    pub(super) fn push(&mut self, event: Event) {
        match event {
            Event::Lost { .. } if std::mem::replace(&mut self.is_lost, true) || self.drops_last_return() => return,
            Event::Back => self.is_lost = false,
            _ => (),
        }
        self.events.push_back(event);
    }

    /// A caller who has not heard of the last return need not hear that it did not last: Lost, Back and Lost
    /// are one Lost.
    fn drops_last_return(&mut self) -> bool {
        let last = self.events.iter().rposition(|event| !matches!(event, Event::Back | Event::NewLog));
        let Some(lost_at) = last.filter(|&at| matches!(self.events[at], Event::Lost { .. })) else { return false };
        let is_new_log = self.events.range(lost_at..).any(|event| matches!(event, Event::NewLog));
        self.events.truncate(lost_at + 1);
        if is_new_log {
            self.events.push_back(Event::NewLog);
        }
        true
    }

    pub(super) fn push_game(&mut self, event: GameEvent) {
        if self.missed.contains(&event.game_id) {
            return;
        }
        if self.has_room() {
            self.events.push_back(Event::Game(event));
        } else if self.missed.len() < GAMES {
            self.missed.insert(event.game_id);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.has_much_room() {
            let missed = std::mem::take(&mut self.missed).into_iter().map(GameEvent::missed);
            self.events.extend(missed.map(Event::Game));
        }
        event
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.missed.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::client::GameHappening;

    fn of_game(game_id: u64) -> GameEvent {
        let line = json!({ "event": "back", "game_id": game_id, "game": "chess", "from": "ann" });
        GameEvent::read("event", line.as_object().unwrap().clone()).unwrap()
    }

    fn all(untold: &mut Untold) -> Vec<Event> {
        std::iter::from_fn(|| untold.pop()).collect()
    }

    #[test]
    fn a_game_that_finds_no_room_is_told_as_missed_once_and_goes_on_behind_that() {
        let mut untold = Untold::default();
        (0..2 * MOST).for_each(|_| untold.push_game(of_game(7)));
        for _ in 0..=MOST / 2 {
            untold.push_game(of_game(7));
            untold.pop();
        }
        untold.push_game(of_game(7));
        let told: Vec<GameHappening> = all(&mut untold)
            .into_iter()
            .map(|event| if let Event::Game(event) = event { event.what } else { panic!("{event:?}") })
            .collect();
        let missed: Vec<usize> = (0..told.len()).filter(|&at| told[at] == GameHappening::Missed).collect();
        assert_eq!(missed, [told.len() - 3]);
    }

    #[test]
    fn a_connection_that_comes_and_goes_does_not_flood_who_does_not_look() {
        let mut untold = Untold::default();
        untold.push(Event::Back);
        for number in 0..100 {
            untold.push(Event::Lost { retry: Duration::ZERO });
            if number == 7 {
                untold.push(Event::NewLog);
            }
            untold.push(Event::Back);
        }
        let told = all(&mut untold);
        assert!(matches!(told[..], [Event::Back, Event::Lost { .. }, Event::NewLog, Event::Back]), "{told:?}");
    }
}
