//! What became of requests: answers, refusals, progress.

use std::path::PathBuf;
use std::time::Instant;

use parlor::client::{Answer, Error, GameEvent, GameHappening, Progress, RoomEvent, SharedFile};
use serde_json::Value;

use super::super::text::clean;
use super::refusals::reason;
use super::transfers::{Direction, TransferId};
use super::{About, Ask, Room};

/// What became of an [`Ask`].
#[derive(Debug)]
pub(crate) enum Told {
    Said {
        text: String,
        outcome: Result<(), Error>,
    },
    /// A page of the log before this number.
    Older {
        before: Option<u64>,
        outcome: Result<(Vec<RoomEvent>, bool), Error>,
    },
    Members(Result<Vec<String>, Error>),
    Shelf(Result<Vec<SharedFile>, Error>),
    Progress(TransferId, Progress),
    /// A transfer is over; a download stands at this path.
    Transferred(TransferId, Result<Option<PathBuf>, Error>),
    Answered {
        about: About,
        outcome: Result<Answer, Error>,
    },
}

impl Room {
    /// Takes what became of a request.
    pub(crate) fn tell(&mut self, told: Told, now: Instant) {
        match told {
            Told::Said { outcome: Ok(()), .. } => (),
            Told::Said { text, outcome: Err(error) } => self.was_not_said(&text, &error),
            // Another log has begun meanwhile, or what stood behind the page has been given up.
            Told::Older { before, .. } if before != self.talk.asked_before => (),
            Told::Older { outcome: Ok((events, has_more)), .. } => self.has_read_older(&events, has_more),
            Told::Older { outcome: Err(error), .. } => {
                self.talk.is_reading_older = false;
                if !matches!(error, Error::OutcomeUnknown | Error::Over) {
                    self.fault(&format!("older lines cannot be read: {}", reason(&error)));
                }
            }
            Told::Members(Ok(names)) => self.members.set(names),
            Told::Shelf(Ok(files)) => self.shelf.set(files),
            // They are asked again after the next login.
            Told::Members(Err(_)) => self.members.give_up(),
            Told::Shelf(Err(_)) => self.shelf.give_up(),
            Told::Progress(id, progress) => {
                if let Some(transfer) = self.transfers.iter_mut().find(|transfer| transfer.id == id) {
                    transfer.advance(progress, now);
                }
            }
            Told::Transferred(id, outcome) => self.has_transferred(id, outcome),
            Told::Answered { about, outcome } => self.was_answered(about, outcome, now),
        }
    }

    fn was_not_said(&mut self, text: &str, error: &Error) {
        self.talk.settle(text);
        let shown: String = text.lines().next().unwrap_or_default().chars().take(40).collect();
        self.fault(&match error {
            Error::OutcomeUnknown => format!("whether this was heard is not known: {shown}"),
            _ => format!("not said ({}): {shown}", reason(error)),
        });
    }

    fn has_read_older(&mut self, events: &[RoomEvent], has_more: bool) {
        let entries: Vec<_> = events.iter().filter_map(|event| self.entry(event, false)).collect();
        self.talk.push_older(entries.into_iter());
        (self.talk.has_older, self.talk.is_reading_older) = (has_more, false);
        self.talk.oldest_read = events.first().map(|event| event.seq).or(self.talk.oldest_read);
        self.absence.read(events);
        self.talk.away_between = self.absence.between();
        if has_more && self.absence.is_open() {
            let oldest = events.first().map(|event| event.seq);
            self.ask_older(oldest);
        }
    }

    fn has_transferred(&mut self, id: TransferId, outcome: Result<Option<PathBuf>, Error>) {
        let Some(index) = self.transfers.iter().position(|transfer| transfer.id == id) else { return };
        let transfer = self.transfers.remove(index);
        let name = clean(&transfer.name);
        match outcome {
            // The room's own event tells of it.
            Ok(None) => (),
            Ok(Some(path)) => self.note(&format!("{name} is saved as {}", clean(&path.display().to_string()))),
            Err(error) => {
                let deed = if transfer.direction == Direction::Up { "shared" } else { "fetched" };
                self.fault(&format!("{name} is not {deed}: {}", reason(&error)));
            }
        }
    }

    fn was_answered(&mut self, about: About, outcome: Result<Answer, Error>, now: Instant) {
        match (about, outcome) {
            (About::Deed(_), Ok(_)) => (),
            (About::Board(_), Ok(answer)) => self.has_looked(answer, now),
            (About::Board(id), Err(error)) if error.code() == Some("no-game") => {
                if let Some(table) = self.table.as_mut().filter(|table| table.game_id == id && table.is_under_way()) {
                    table.end = Some("the game is over".to_owned());
                } else {
                    self.watched = self.watched.filter(|watched| *watched != id);
                    self.fault(&format!("game {id} is not under way - /games lists those that are"));
                }
            }
            (About::Games, Ok(answer)) => self.has_read_games(&answer.items),
            (About::Ratings, Ok(answer)) => self.show_ratings(&answer.items),
            (About::Record(file), Ok(answer)) => self.show_record(&answer.items, file),
            (About::Deed(what), Err(error)) => self.fault(&format!("{what}: {}", reason(&error))),
            (about @ (About::Board(_) | About::Games | About::Ratings | About::Record(_)), Err(error)) => {
                if about == About::Games {
                    self.invitations.give_up();
                }
                // What was lost with a connection is asked again behind it.
                if !matches!(error, Error::OutcomeUnknown) {
                    self.fault(&reason(&error));
                }
            }
        }
    }

    /// The board that `M` or `O` answered with, behind the moves so far.
    fn has_looked(&mut self, answer: Answer, now: Instant) {
        let events = answer.items.into_iter().filter_map(GameEvent::of_item);
        let mut last = None;
        for event in events {
            match &event.what {
                GameHappening::Board(board) => self.show_board(&event, board.clone(), now),
                GameHappening::Other { kind } if kind == "move" => {
                    last = event.fields.get("move").and_then(Value::as_str).map(clean);
                }
                GameHappening::Move { played, .. } => last = Some(clean(played)),
                _ => (),
            }
        }
        if let Some(table) = self.table.as_mut().filter(|_| last.is_some()) {
            table.last_played = last;
        }
    }

    /// Reads more of the log if its oldest part that is here is seen.
    pub(super) fn read_on(&mut self) {
        if self.talk.has_older && !self.talk.is_reading_older {
            let oldest = self.talk.oldest_read;
            self.ask_older(oldest);
        }
    }

    /// Stops transfers that are on their way.
    pub(super) fn cancel(&mut self, name: &str) {
        let found = self.transfers.iter().position(|transfer| transfer.name == name);
        let Some(index) = found.or_else(|| (name.is_empty() && self.transfers.len() == 1).then_some(0)) else {
            return self.fault(&format!("no transfer of {} is running", if name.is_empty() { "a file" } else { name }));
        };
        let transfer = self.transfers.remove(index);
        self.asks.push(Ask::Cancel(transfer.id));
        self.note(&format!("{} is stopped; what came through is kept for a while, to go on from", clean(&transfer.name)));
    }
}
