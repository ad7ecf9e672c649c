//! What happens: events of the room, of games and of the connection, put where they are seen.

use std::time::Instant;

use parlor::client::{Event, GameEvent, GameHappening, Happening, RoomEvent, SharedFile};
use parlor::protocol::voice::size;
use serde_json::json;

use super::super::text::clean;
use super::absence::Absence;
use super::table::{Seat, Table};
use super::talk::{Entry, Kind};
use super::{About, Connection, Invitation, Room, ask};

impl Room {
    /// Takes something that happens.
    pub(crate) fn hear(&mut self, event: Event, now: Instant) {
        match event {
            Event::Room(event) => self.hear_room(&event, now),
            Event::Game(event) => self.hear_game(&event, now),
            Event::Lost { .. } => {
                self.connection = Connection::Lost;
                self.note("the connection is lost; it is tried again, and what you say meanwhile is kept");
            }
            Event::NewLog => {
                self.talk.clear();
                self.absence = Absence::from_new_log();
                self.note("the room has begun anew: its old talk is no longer there");
                self.ask_older(None);
            }
            Event::Back => self.has_come_back(),
            Event::Ended { reason } => self.has_ended(&reason, now),
        }
    }

    /// A login has succeeded, the first one too.
    fn has_come_back(&mut self) {
        if self.connection != Connection::Lost {
            return;
        }
        self.connection = Connection::Here;
        self.note("the connection is back, nothing was missed");
        self.ask_lists();
        self.look_again();
    }

    /// Asks how the game that is shown stands.
    fn look_again(&mut self) {
        let Some(table) = self.table.as_ref().filter(|table| table.is_under_way()) else { return };
        let about = About::Board(table.game_id);
        self.asks.push(match table.own {
            Some(_) => ask('M', json!({}), about),
            None => ask('O', json!({ "game_id": table.game_id }), about),
        });
    }

    fn has_ended(&mut self, reason: &str, now: Instant) {
        self.connection = Connection::Over(clean(reason));
        self.members.clear();
        if let Some(table) = &mut self.table {
            table.freeze(now);
        }
        self.fault(&match reason {
            "replaced" => {
                "you have logged in somewhere else, so this connection is closed - /reconnect comes back, /quit leaves"
                    .to_owned()
            }
            "kicked" => "the operator has ended your connection (kicked) - /reconnect comes back, /quit leaves".to_owned(),
            "banned" => "the operator does not let you in (banned) - /quit leaves".to_owned(),
            "password-changed" => {
                "the operator has given your account another password (password-changed) - /quit leaves; come back with that"
                    .to_owned()
            }
            _ => format!("the connection is over ({}) - /reconnect tries it again, /quit leaves", clean(reason)),
        });
    }

    /// Puts an event of the room behind the talk, and into the lists that it changes.
    fn hear_room(&mut self, event: &RoomEvent, now: Instant) {
        match &event.what {
            Happening::Enter { from } => self.members.enter(from),
            Happening::Leave { from } => self.members.leave(from),
            Happening::Stopping | Happening::Started => self.members.clear(),
            Happening::File { from, file_name, size_bytes } => {
                let sha256 = event.fields.get("sha256").and_then(|hash| hash.as_str()).unwrap_or_default().to_owned();
                let (from, file_name) = (from.clone(), file_name.clone());
                self.shelf.add(SharedFile { seq: event.seq, from, file_name, size_bytes: *size_bytes, sha256 });
            }
            Happening::Withdrawn { file_name, .. } => self.shelf.remove(file_name),
            Happening::Chat { from, text } if *from == self.me => {
                self.talk.settle(text);
            }
            Happening::Invite { from, seat, game, clock, .. } => {
                let (game, seat) = (to_play(game, clock.as_deref()), seat.clone());
                self.invitations.insert(from, Invitation { game, seat });
                if self.is_invited(from) {
                    self.bell(now);
                }
            }
            Happening::Uninvite { from, .. } | Happening::Join { inviter: from, .. } => self.invitations.remove(from),
            _ => (),
        }
        let Some(entry) = self.entry(event, true) else { return };
        if entry.is_mention {
            self.bell(now);
        }
        self.talk.push(entry);
    }

    /// Whether one may take the seat that somebody offers.
    pub(super) fn is_invited(&self, inviter: &str) -> bool {
        let open = self.invitations.get(inviter).filter(|_| inviter != self.me);
        open.is_some_and(|open| open.seat.as_ref().is_none_or(|seat| *seat == self.me))
    }

    /// Those whose invitations one may accept.
    pub(crate) fn inviters(&self) -> impl Iterator<Item = &str> {
        self.invitations.iter().map(|(inviter, _)| inviter).filter(|inviter| self.is_invited(inviter))
    }

    /// How an event is seen in the talk: what happens now with what can be done about it.
    pub(super) fn entry(&self, event: &RoomEvent, is_now: bool) -> Option<Entry> {
        let at = self.local(&event.at);
        let entry = |kind, from: Option<&str>, text: &str| Some(Entry::new(Some(event.seq), at.clone(), kind, from, text));
        let hint = |shown: bool, hint: String| if shown && is_now { format!(" - {hint}") } else { String::new() };
        match &event.what {
            Happening::Chat { from, text } => {
                let mut entry = Entry::new(Some(event.seq), at, Kind::Chat, Some(from), text);
                entry.is_mention = *from != self.me && names(text, &self.me);
                Some(entry)
            }
            Happening::Announcement { text } => entry(Kind::Announcement, Some("Administrator"), text),
            Happening::Enter { from } => entry(Kind::Passing, None, &format!("{from} entered the room")),
            Happening::Leave { from } => entry(Kind::Passing, None, &format!("{from} left the room")),
            Happening::Started => entry(Kind::Passing, None, "the room was opened"),
            Happening::Stopping => entry(Kind::Passing, None, "the room was closed"),
            Happening::File { from, file_name, size_bytes } => {
                let how = hint(*from != self.me, format!("/get {file_name}"));
                entry(Kind::News, None, &format!("{from} shared {file_name} ({}){how}", size(*size_bytes)))
            }
            Happening::Withdrawn { from: Some(from), file_name } => {
                entry(Kind::News, None, &format!("{from} withdrew {file_name}"))
            }
            Happening::Withdrawn { from: None, file_name } => {
                entry(Kind::News, None, &format!("{file_name} is no longer kept"))
            }
            Happening::Invite { from, game, clock, seat, .. } => {
                let whom = seat.as_ref().map_or_else(String::new, |seat| format!(" {seat}"));
                let is_open = *from != self.me && seat.as_ref().is_none_or(|seat| *seat == self.me);
                let how = hint(is_open, format!("/accept {from}"));
                entry(Kind::News, None, &format!("{from} invites{whom} to {}{how}", to_play(game, clock.as_deref())))
            }
            Happening::Uninvite { from, game, reason, .. } => {
                entry(Kind::Passing, None, &format!("{from}'s invitation to {game} has ended ({reason})"))
            }
            Happening::Join { from, inviter, game_id, game } => {
                let is_own = *from == self.me || *inviter == self.me;
                let how = hint(!is_own, format!("/watch {game_id}"));
                entry(Kind::News, None, &format!("{from} joined {inviter}'s {game}{how}"))
            }
            Happening::Result { game, first, second, result, reason, .. } => {
                entry(Kind::News, None, &result_words(game, [first, second], result, reason))
            }
            // Of a newer server: better silent than wrong.
            Happening::Other { .. } => None,
        }
    }

    fn hear_game(&mut self, event: &GameEvent, now: Instant) {
        if let GameHappening::Begun(board) | GameHappening::Board(board) = &event.what {
            return self.show_board(event, board.clone(), now);
        }
        let Some(table) = self.table.as_mut().filter(|table| table.game_id == event.game_id) else {
            return self.hear_of_absent_game(event);
        };
        table.hear(event, now);
        let (is_own, is_own_turn) = (table.own.is_some(), table.is_own_turn());
        let is_others = |from: &str| is_own && from != self.me;
        match &event.what {
            GameHappening::Move { .. } | GameHappening::Resumed(_) if is_own_turn => self.bell(now),
            GameHappening::Offer { from, offer } if is_others(from) => {
                let (what, command) = match offer.as_str() {
                    "draw" => ("offers a draw", "/draw"),
                    "undo" => ("asks to take a move back", "/undo"),
                    _ => ("offers a rematch", "/rematch"),
                };
                self.note(&format!("{from} {what} - {command} accepts"));
                self.bell(now);
            }
            GameHappening::Idle { from } if is_others(from) => {
                self.note(&format!("{from} has not moved for long - /claim wins the game"));
            }
            GameHappening::Idle { from } if *from == self.me => {
                self.note("you have not moved for long: your opponent may claim the win now");
                self.bell(now);
            }
            GameHappening::Left { from } => self.note(&format!("{from} has left the table; no rematch")),
            GameHappening::Missed => self.look_again(),
            _ => (),
        }
    }

    /// Of a game whose board is not here: what a login tells of games that ended or wait.
    fn hear_of_absent_game(&mut self, event: &GameEvent) {
        let (id, game) = (event.game_id, &event.game);
        match &event.what {
            GameHappening::Over { result, reason, first, second } => {
                let words = result_words(game, [first, second], result, reason);
                self.note(&format!("your game {id} ended while you were away: {words}"));
            }
            GameHappening::Adjourned => {
                self.note(&format!("your {game} (game {id}) is adjourned - /resume {id} goes on with it"))
            }
            _ => (),
        }
    }

    /// Puts a board up, if it is one's own or the one that was asked for.
    pub(super) fn show_board(&mut self, event: &GameEvent, board: parlor::client::Board, now: Instant) {
        let table = Table::new(event.game_id, &event.game, board, &self.me, now);
        let is_watched = self.watched == Some(event.game_id) || self.table.as_ref().is_some_and(|shown| shown.own.is_none());
        if table.own.is_none() && !is_watched {
            return;
        }
        if matches!(event.what, GameHappening::Begun(_)) {
            if table.own.is_none() {
                self.watched = Some(event.game_id);
            } else {
                self.watched = None;
                let opponent = if table.own == Some(Seat::First) { table.name(Seat::Second) } else { table.name(Seat::First) };
                let turn = if table.is_own_turn() { "you move first" } else { "you move second" };
                self.note(&format!("you play {} against {opponent}; {turn}", table.game));
                self.bell(now);
            }
        }
        let before = self.table.take().filter(|before| before.game_id == table.game_id);
        self.table = Some(table.seen_before(before));
    }
}

/// A game with its clock: `chess 5+3`.
pub(super) fn to_play(game: &str, clock: Option<&str>) -> String {
    clock.map_or_else(|| game.to_owned(), |clock| format!("{game} {clock}"))
}

/// How a game between two ended.
pub(super) fn result_words(game: &str, [first, second]: [&str; 2], result: &str, reason: &str) -> String {
    let reason = reason.replace('-', " ");
    match result {
        "first" => format!("{first} beat {second} at {game} ({reason})"),
        "second" => format!("{second} beat {first} at {game} ({reason})"),
        "draw" => format!("{first} and {second} drew at {game} ({reason})"),
        _ => format!("{first} and {second} called off their {game}"),
    }
}

/// Whether a text names somebody, as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    // Names in scripts without blanks stand among other letters.
    let has_blanks = name.is_ascii();
    text.match_indices(&name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_part);
        let after = text[at + name.len()..].chars().next().is_some_and(is_part);
        !has_blanks || !(before || after)
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_name_is_a_word() {
        assert!(names("Alice: tea?", "alice") && names("thanks alice", "alice") && names("@alice!", "alice"));
        assert!(!names("malice", "alice") && !names("alice_2 and alice-3", "alice"));
        assert!(names("李雷你好", "李雷"));
    }
}
