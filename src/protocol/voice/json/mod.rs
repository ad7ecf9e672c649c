//! JSON: one object a line. The first key says what the line is: `ok`, `err`, `item` or `event`;
//! the field names are fixed and documented in `protocol.md`. What is about games is in [`games`].

mod games;

use std::fmt::Write;

use jiff::Timestamp;

use super::super::closing::Closing;
use super::super::commands::COMMANDS;
use super::super::digest::Digest;
use super::super::event::{Deed, Event, Missed};
use super::super::game::GameId;
use super::super::game::event::TableEvent;
use super::super::game::reply::Listed;
use super::super::name::Name;
use super::super::refusal::{FileExists, Refusal, Unconfirmed};
use super::super::reply::{Answer, Found, Reply};
use super::super::shell::Endpoint;
use super::super::text::Ref;
use super::super::tongue::Tongue;
use super::Wording;
use super::en::English;
use super::prose::Phrases;

/// The tongue of programs.
pub(super) struct Json;

impl Wording for Json {
    fn event(&self, room: &str, event: &Event, out: &mut String) {
        let mut object = Object::begin(out, "event", event.deed.kind());
        put_event(&mut object, room, event);
        if let Deed::Chat { reference: Some(reference), .. } = &event.deed {
            object.text("ref", reference.as_str());
        }
        object.end();
    }

    fn answer(&self, answer: &Answer, out: &mut String) {
        put_items(answer, out);
        let reference = answer.reference.as_ref();
        if let Reply::Refused(refusal) = &answer.reply {
            return put_refusal(refusal, reference, out);
        }
        let letter = answer.letter.unwrap_or('?');
        let mut object = Object::begin(out, "ok", letter.encode_utf8(&mut [0; 4]));
        object.reference(reference);
        match &answer.reply {
            Reply::Known(name) => object.text("account", "known").text("name", name.as_str()),
            Reply::New(name) => object.text("account", "new").text("name", name.as_str()),
            Reply::LoggedIn(welcome) => {
                object.text("name", welcome.name.as_str()).number("count", welcome.count);
                object.number("seq", welcome.seq).names("names", &welcome.names);
                if let Some(token) = &welcome.token {
                    object.text("token", token);
                }
                &mut object
            }
            Reply::Spoken { seq } => object.number("seq", seq),
            Reply::History(page) => object.number("count", page.events.len()).bool("more", page.further.is_some()),
            Reply::Who { count, names, next_page } => {
                object.number("count", count).names("names", names);
                object.next_page(*next_page)
            }
            Reply::Offered(offered) => {
                object.text("ticket", &offered.ticket).number("offset_bytes", offered.offset_bytes);
                object.number("limit_bytes", offered.limit_bytes).over_tls(&offered.endpoint)
            }
            Reply::Found(Found { ticket, file, endpoint, .. }) => {
                object.text("ticket", ticket).number("size_bytes", file.size_bytes).hex("sha256", file.digest);
                object.over_tls(endpoint)
            }
            Reply::Shelf(shelf) => {
                object.number("count", shelf.files.len());
                object.next_page(shelf.next_page)
            }
            Reply::Game(reply) => games::put_reply(&mut object, reply),
            Reply::Received(digest) => object.hex("sha256", *digest),
            Reply::Speaking(tongue) => object.text("voice", tongue.code()),
            Reply::About => object.text("version", env!("CARGO_PKG_VERSION")).list("voices", Tongue::ALL.map(Tongue::code)),
            Reply::Alive | Reply::Help { .. } | Reply::Withdrawn | Reply::Dropped | Reply::Bye | Reply::Refused(_) => {
                &mut object
            }
        };
        object.end();
    }

    fn closing(&self, closing: Closing, out: &mut String) {
        let mut object = Object::begin(out, "event", "closing");
        object.text("reason", closing.code());
        if let Some(retry_ms) = closing.retry_ms() {
            object.number("retry_ms", retry_ms);
        }
        object.text("text", &English.closing(closing));
        object.end();
    }

    fn table_event(&self, event: &TableEvent, out: &mut String) {
        games::put_table_event("event", None, event, out);
    }

    fn adjourned(&self, game: &Listed, out: &mut String) {
        games::put_listed("event", None, game, out);
    }

    fn missed_moves(&self, game_id: GameId, out: &mut String) {
        games::put_missed_moves(game_id, out);
    }

    fn missed(&self, room: &str, missed: Missed, out: &mut String) {
        let mut object = Object::begin(out, "event", "missed");
        object.text("room", room).number("first", missed.first_seq).number("last", missed.last_seq);
        object.end();
    }
}

/// The lines that answer a request before its reply does.
fn put_items(answer: &Answer, out: &mut String) {
    let reference = answer.reference.as_ref();
    match &answer.reply {
        Reply::History(page) => put_event_items(&page.room, &page.events, reference, out),
        Reply::Shelf(shelf) => put_event_items(&shelf.room, &shelf.files, reference, out),
        Reply::Game(reply) => games::put_items(reply, reference, out),
        Reply::Help { letter, .. } => {
            for command in COMMANDS.iter().filter(|command| letter.is_none_or(|letter| letter == command.letter)) {
                let mut object = Object::begin(out, "item", "help");
                object.reference(reference).text("do", command.letter.encode_utf8(&mut [0; 4]));
                object.text("form", &command.form()).text("text", command.en);
                object.end();
            }
        }
        _ => (),
    }
}

fn put_event_items(room: &str, events: &[Event], reference: Option<&Ref>, out: &mut String) {
    for event in events {
        let mut object = Object::begin(out, "item", event.deed.kind());
        object.reference(reference);
        put_event(&mut object, room, event);
        object.end();
    }
}

fn put_event(object: &mut Object<'_>, room: &str, event: &Event) {
    object.text("room", room).number("seq", event.seq);
    object.time("at", event.at_ms);
    match &event.deed {
        Deed::Chat { from, text, .. } => object.text("from", from.as_str()).text("text", text.as_str()),
        Deed::Announcement { text } => object.text("text", text.as_str()),
        Deed::Enter { from } | Deed::Leave { from } => object.text("from", from.as_str()),
        Deed::File { from, file } => {
            object.text("from", from.as_str()).text("file_name", file.name.as_str());
            object.number("size_bytes", file.size_bytes).hex("sha256", file.digest)
        }
        Deed::Withdrawn { from, file_name, shared_seq } => {
            if let Some(from) = from {
                object.text("from", from.as_str());
            }
            object.text("file_name", file_name.as_str()).number("shared_seq", shared_seq)
        }
        Deed::Game(news) => games::put_news(object, news),
        Deed::Started | Deed::Stopping => object,
    };
}

fn put_refusal(refusal: &Refusal, reference: Option<&Ref>, out: &mut String) {
    let mut object = Object::begin(out, "err", refusal.code());
    object.reference(reference);
    match refusal {
        Refusal::WrongPassword { tries_left } => object.number("tries_left", tries_left),
        Refusal::SlowDown { retry_ms } => object.number("retry_ms", retry_ms),
        Refusal::LookAlike(name) => object.text("name", name.as_str()),
        Refusal::Banned(ban) => {
            if let Some(until_ms) = ban.until_ms {
                object.number("until_ms", until_ms);
            }
            object.text("why", &ban.why)
        }
        Refusal::Unconfirmed(Unconfirmed::Event(seq)) => object.number("seq", seq),
        Refusal::Game(refusal) => games::put_refusal(&mut object, refusal),
        Refusal::FileExists(exists) => match &**exists {
            FileExists::Shared { by, free_name, .. } | FileExists::Uploading { by, free_name, .. } => {
                object.text("from", by.as_str()).text("free_name", free_name.as_str());
                object.bool("uploading", matches!(**exists, FileExists::Uploading { .. }))
            }
        },
        _ => &mut object,
    };
    object.text("text", &English.refusal(refusal));
    object.end();
}

/// A JSON object being written on one line.
struct Object<'a> {
    out: &'a mut String,
}

impl<'a> Object<'a> {
    fn begin(out: &'a mut String, key: &str, value: &str) -> Self {
        out.push_str("{\"");
        out.push_str(key);
        out.push_str("\":");
        put_string(out, value);
        Self { out }
    }

    fn key(&mut self, key: &str) -> &mut String {
        self.out.push_str(",\"");
        self.out.push_str(key);
        self.out.push_str("\":");
        self.out
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        put_string(self.key(key), value);
        self
    }

    fn number(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        let _ = write!(self.key(key), "{value}");
        self
    }

    /// A value that needs quotes but no escapes.
    fn number_as_text(&mut self, key: &str, value: std::fmt::Arguments<'_>) -> &mut Self {
        let _ = write!(self.key(key), "\"{value}\"");
        self
    }

    /// A time in UTC. The three digits are always written, so that times also sort as text.
    fn time(&mut self, key: &str, at_ms: i64) -> &mut Self {
        self.number_as_text(key, format_args!("{:.3}", Timestamp::from_millisecond(at_ms).unwrap_or_default()))
    }

    fn hex(&mut self, key: &str, digest: Digest) -> &mut Self {
        self.number_as_text(key, format_args!("{digest}"))
    }

    fn next_page(&mut self, page: Option<usize>) -> &mut Self {
        match page {
            Some(page) => self.number("next_page", page),
            None => self,
        }
    }

    /// That the other connection, too, is to be made with TLS.
    fn over_tls(&mut self, endpoint: &Endpoint) -> &mut Self {
        if endpoint.over_tls { self.bool("tls", true) } else { self }
    }

    fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.key(key).push_str(if value { "true" } else { "false" });
        self
    }

    fn list<'b>(&mut self, key: &str, values: impl IntoIterator<Item = &'b str>) -> &mut Self {
        let out = self.key(key);
        out.push('[');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            put_string(out, value);
        }
        out.push(']');
        self
    }

    fn names(&mut self, key: &str, names: &[Name]) -> &mut Self {
        self.list(key, names.iter().map(Name::as_str))
    }

    fn reference(&mut self, reference: Option<&Ref>) -> &mut Self {
        match reference {
            Some(reference) => self.text("ref", reference.as_str()),
            None => self,
        }
    }

    fn end(self) {
        self.out.push_str("}\n");
    }
}

/// Appends a JSON string; most need no escape and are copied at once.
fn put_string(out: &mut String, value: &str) {
    if value.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push('"');
        out.push_str(value);
        out.push('"');
    } else {
        // A string always serialises.
        out.push_str(&serde_json::to_string(value).unwrap_or_default());
    }
}
