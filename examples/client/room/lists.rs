//! Lists that were asked for, as lines in the talk: games, ratings, the shelf, a record.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use parlor::client::SharedFile;
use parlor::protocol::voice::size;
use serde_json::{Map, Value, json};

use super::super::text::clean;
use super::hear::{result_words, to_play};
use super::{About, Invitation, Room, ask};

/// An item of an answer, read by what `protocol.md` calls its fields.
struct Item<'a>(&'a Map<String, Value>);

impl Item<'_> {
    fn raw(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn text(&self, key: &str) -> String {
        clean(self.raw(key))
    }

    fn number(&self, key: &str) -> f64 {
        self.0.get(key).and_then(Value::as_f64).unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.raw("item")
    }

    fn game(&self) -> String {
        let clock = self.0.get("clock").and_then(Value::as_str).map(clean);
        to_play(&self.text("game"), clock.as_deref())
    }

    /// A line of the list of games.
    fn played(&self) -> String {
        let (game, id) = (self.game(), self.number("game_id"));
        let [first, second, from] = ["first", "second", "from"].map(|key| self.text(key));
        match self.kind() {
            "invitation" => format!("{from} invites to {game} - /accept {from}"),
            "adjourned" => format!("{game}: {first} and {second}, adjourned - /resume {id:.0}"),
            _ => format!("{game}: {first} and {second} - /watch {id:.0}"),
        }
    }

    /// A line of the list of ratings: a rating, or a game that was played.
    fn rated(&self) -> String {
        if self.kind() == "rating" {
            let [rating, deviation, games] = ["rating", "deviation", "games"].map(|key| self.number(key));
            let plural = if games == 1.0 { "game" } else { "games" };
            return format!("{}: {} {rating:.0} ±{deviation:.0}, {games:.0} {plural}", self.game(), self.text("name"));
        }
        let [first, second, result, reason] = ["first", "second", "result", "reason"].map(|key| self.text(key));
        let (words, id) = (result_words(&self.game(), [&first, &second], &result, &reason), self.number("game_id"));
        format!("game {id:.0}: {words} - /record {id:.0}")
    }
}

impl Room {
    /// Asks for the games, to be shown when they come.
    pub(super) fn list_games(&mut self) {
        self.shows_games = true;
        self.invitations.expect();
        self.asks.push(ask('N', json!({}), About::Games));
    }

    /// The games now: who invites is known from then on; shown if that was asked.
    pub(super) fn has_read_games(&mut self, items: &[Map<String, Value>]) {
        let items = || items.iter().map(Item);
        let open = items().filter(|item| item.kind() == "invitation").map(|item| {
            let seat = item.0.get("seat").and_then(Value::as_str).map(str::to_owned);
            (item.raw("from").to_owned(), Invitation { game: item.game(), seat })
        });
        self.invitations.set(open);
        if std::mem::take(&mut self.shows_games) {
            self.show(items().map(|item| item.played()).collect(), "nobody plays - /invite invites to a game");
        }
    }

    pub(super) fn show_ratings(&mut self, items: &[Map<String, Value>]) {
        self.show(items.iter().map(|item| Item(item).rated()).collect(), "no rated games yet");
    }

    pub(super) fn show_shelf(&mut self) {
        let line = |file: &SharedFile| format!("{} ({}) from {}", file.file_name, size(file.size_bytes), file.from);
        let lines = self.shelf.files().iter().map(line).collect();
        self.show(lines, "nothing is shared - /file PATH shares a file");
    }

    /// A record in the talk, or in a new file.
    pub(super) fn show_record(&mut self, items: &[Map<String, Value>], file: Option<PathBuf>) {
        let record: Vec<String> = items.iter().map(|item| Item(item).raw("text").to_owned()).collect();
        let Some(path) = file else { return self.show(record, "the record is empty") };
        let shown = clean(&path.display().to_string());
        let written = File::create_new(path).and_then(|mut file| file.write_all((record.join("\n") + "\n").as_bytes()));
        match written {
            Ok(()) => self.note(&format!("the record is saved as {shown}")),
            Err(error) => self.fault(&format!("{shown}: {error}")),
        }
    }

    fn show(&mut self, lines: Vec<String>, nothing: &str) {
        self.note(&if lines.is_empty() { nothing.to_owned() } else { lines.join("\n") });
    }
}
