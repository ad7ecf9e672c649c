//! Events of the room as lines: for people as the server words them, for programs as objects.
//!
//! The words are the server's own, from [`parlor::protocol::voice`], so that a line here is a line of `H`.
//! What others wrote is made harmless before: no control character reaches whoever reads the line, whatever
//! server sent it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parlor::client::RoomEvent;
use parlor::games::rules::put_words;
use parlor::protocol::digest::Digest;
use parlor::protocol::event::{Deed, Event, SharedFile};
use parlor::protocol::file_name::FileName;
use parlor::protocol::game::event::{GameNews, News, Uninvited};
use parlor::protocol::game::{End, GameId, Side, TimeControl, Words};
use parlor::protocol::name::Name;
use parlor::protocol::text::{Text, acts_on_terminals};
use parlor::protocol::tongue::Tongue;
use parlor::protocol::voice::Voice;
use serde_json::{Map, Value, json};

/// Stands for a character that is kept from the reader.
const REFUSED: char = '\u{fffd}';

/// An event as its line, with the line's end.
pub(super) fn line(event: &RoomEvent, tongue: Tongue) -> String {
    match tongue {
        Tongue::Json => object(event),
        Tongue::En | Tongue::Zh => prose(event, tongue),
    }
}

/// The kind of an event and its fields. Everything here reads only these.
fn fields_of(event: &RoomEvent) -> (&str, &Map<String, Value>) {
    // Live it is an `event`; read from the log, an `item`.
    let kind = ["event", "item"].iter().find_map(|&key| event.fields.get(key)?.as_str());
    (kind.unwrap_or_default(), &event.fields)
}

/// One object: `event`, `seq`, `at`, and the other fields by their names.
fn object(event: &RoomEvent) -> String {
    let (kind, fields) = fields_of(event);
    let mut object = format!(r#"{{"event":{},"seq":{},"at":{}"#, json!(kind), event.seq, json!(event.at));
    // Those stand first already, or belong to the request that read it.
    let told = ["event", "item", "ref", "seq", "at"];
    for (key, value) in fields.iter().filter(|(key, _)| !told.contains(&key.as_str())) {
        object += &format!(",{}:{value}", json!(key));
    }
    object.push('}');
    let mut line = String::with_capacity(object.len() + 1);
    for c in object.chars() {
        match c {
            // JSON may hold them as they are; a terminal should not.
            c if acts_on_terminals(c) => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| line += &format!("\\u{unit:04x}"));
            }
            c => line.push(c),
        }
    }
    line + "\n"
}

fn prose(event: &RoomEvent, tongue: Tongue) -> String {
    let (kind, fields) = fields_of(event);
    let mut line = format!("#{} {} ", event.seq, local_time(&event.at));
    match deed(kind, &Fields(fields)) {
        // Its place among the others is told already, and worded by nobody.
        Some(deed) => Voice::new(tongue).event("", &Event { seq: event.seq, at_ms: 0, deed }, &mut line),
        None => line += &format!("({})\n", harmless(kind)),
    }
    line
}

/// Date and time in this computer's zone, as in the server's history.
fn local_time(at: &str) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => harmless(at),
    }
}

/// An event as the server knows it; `None` for one that this version does not know.
fn deed(kind: &str, fields: &Fields<'_>) -> Option<Deed> {
    Some(match kind {
        "chat" => Deed::Chat { from: fields.name("from")?, text: fields.speech()?, reference: None },
        "announcement" => Deed::Announcement { text: fields.speech()? },
        "enter" => Deed::Enter { from: fields.name("from")? },
        "leave" => Deed::Leave { from: fields.name("from")? },
        "file" => {
            let digest = fields.text("sha256").and_then(|word| Digest::parse(&word)).unwrap_or(Digest([0; 32]));
            let file = SharedFile { name: fields.file_name()?, size_bytes: fields.number("size_bytes")?, digest };
            Deed::File { from: fields.name("from")?, file }
        }
        "withdrawn" => {
            let shared_seq = fields.number("shared_seq").unwrap_or_default();
            Deed::Withdrawn { from: fields.name("from"), file_name: fields.file_name()?, shared_seq }
        }
        "started" => Deed::Started,
        "stopping" => Deed::Stopping,
        _ => Deed::Game(Box::new(game_news(kind, fields)?)),
    })
}

fn game_news(kind: &str, fields: &Fields<'_>) -> Option<GameNews> {
    let mut title = Words::bare(fields.text("game")?);
    put_words(&mut title, None);
    let news = match kind {
        "invite" => {
            let clock = fields.text("clock").and_then(|clock| TimeControl::parse(&clock));
            News::Invite { from: fields.name("from")?, clock, seat: fields.name("seat") }
        }
        "uninvite" => {
            let reason = fields.text("reason")?;
            let why = Uninvited::ALL.into_iter().find(|why| why.code() == reason)?;
            News::Uninvite { from: fields.name("from")?, why }
        }
        "join" => News::Join { from: fields.name("from")?, inviter: fields.name("inviter")? },
        "result" => {
            let result = fields.text("result")?;
            let winner = Side::BOTH.into_iter().find(|side| side.code() == result);
            let mut end = End { winner, reason: Words::bare(fields.text("reason")?) };
            put_words(&mut title, Some(&mut end));
            News::Result { players: [fields.name("first")?, fields.name("second")?], end }
        }
        _ => return None,
    };
    Some(GameNews { game_id: GameId(fields.number("game_id")?), title, news })
}

/// What is read from an event's fields, made harmless.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn raw(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    fn text(&self, key: &str) -> Option<String> {
        self.raw(key).map(harmless)
    }

    fn name(&self, key: &str) -> Option<Name> {
        self.text(key).map(Name::stored)
    }

    fn file_name(&self) -> Option<FileName> {
        self.text("file_name").map(FileName::stored)
    }

    /// What somebody said, which may have several lines.
    fn speech(&self) -> Option<Text> {
        let lines: Vec<String> = self.raw("text")?.split('\n').map(harmless).collect();
        Some(Text::stored(lines.join("\n")))
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.0.get(key)?.as_u64()
    }
}

/// What others wrote, as one line that nothing on a terminal acts on.
pub(super) fn harmless(words: &str) -> String {
    let shown = |c| match c {
        '\t' => ' ',
        c if acts_on_terminals(c) => REFUSED,
        c => c,
    };
    words.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use parlor::client::Happening;

    use super::*;

    fn event(kind: &str, fields: Value) -> RoomEvent {
        let Value::Object(mut fields) = fields else { panic!("no object") };
        fields.insert("event".into(), kind.into());
        let what = Happening::Other { kind: kind.into() };
        RoomEvent { seq: 12, at: "2026-11-20T14:03:05.250Z".into(), what, fields }
    }

    /// The line without number and time, which is checked to be there.
    fn worded(kind: &str, fields: Value, tongue: Tongue) -> String {
        let line = line(&event(kind, fields), tongue);
        let rest = line.strip_prefix("#12 2026-11-").unwrap_or_else(|| panic!("{line}"));
        rest.splitn(3, ' ').nth(2).unwrap().to_owned()
    }

    #[test]
    fn people_read_what_the_protocol_says() {
        let game = |more: Value| {
            let mut game = json!({ "from": "alice", "game_id": 7, "game": "gomoku" });
            game.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            game
        };
        let file = json!({ "from": "alice", "file_name": "report.pdf", "size_bytes": 734_003, "sha256": "00".repeat(32) });
        let played = json!({ "first": "alice", "second": "bob", "result": "first", "reason": "five-in-a-row" });
        let called_off = json!({ "first": "alice", "second": "bob", "result": "aborted", "reason": "aborted" });
        for (kind, fields, en) in [
            ("chat", json!({ "from": "alice", "text": "hello" }), "[alice]: hello"),
            ("chat", json!({ "from": "alice", "text": "one\ntwo" }), "[alice]: one\n    two"),
            ("announcement", json!({ "text": "at ten" }), "Administrator: at ten"),
            ("enter", json!({ "from": "alice" }), "[alice] entered the room"),
            ("leave", json!({ "from": "alice" }), "[alice] left the room"),
            ("file", file, "[alice] shared report.pdf (717 KiB) - L - report.pdf fetches it"),
            ("withdrawn", json!({ "from": "alice", "file_name": "a" }), "[alice] withdrew a"),
            ("withdrawn", json!({ "file_name": "a" }), "a is no longer kept"),
            ("invite", game(json!({})), "[alice] invites to gomoku - D - alice takes the seat"),
            (
                "invite",
                game(json!({ "game": "chess", "clock": "5+3", "seat": "bob" })),
                "[alice] invites [bob] to chess 5+3 - D - alice takes the seat",
            ),
            ("uninvite", game(json!({ "reason": "expired" })), "[alice]'s invitation to gomoku has ended (expired)"),
            ("join", game(json!({ "from": "bob", "inviter": "alice" })), "[bob] joined [alice]'s gomoku"),
            ("result", game(played), "[alice] beat [bob] at gomoku (five in a row)"),
            ("result", game(called_off), "[alice] and [bob] called off their gomoku"),
            ("stopping", json!({}), "The server is stopping."),
            ("promoted", json!({ "from": "alice" }), "(promoted)"),
        ] {
            assert_eq!(worded(kind, fields, Tongue::En), format!("{en}\n"), "{kind}");
        }
        assert_eq!(worded("chat", json!({ "from": "小明", "text": "你好" }), Tongue::Zh), "[小明]：你好\n");
    }

    #[test]
    fn programs_read_one_object_a_line() {
        let fields =
            json!({ "item": "chat", "ref": "x-1", "room": "lobby", "seq": 12, "at": "…", "from": "a", "text": "b\nc" });
        assert_eq!(
            line(&event("chat", fields), Tongue::Json),
            "{\"event\":\"chat\",\"seq\":12,\"at\":\"2026-11-20T14:03:05.250Z\",\"from\":\"a\",\"room\":\"lobby\",\"text\":\"b\\nc\"}\n"
        );
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_gets_through() {
        let hostile = "a\u{1b}[2Jb\u{9b}31mc\rd\u{202e}e\u{2066}f\u{7f}g\u{7}h\u{200f}";
        let fields =
            json!({ "from": hostile, "text": hostile, "file_name": hostile, "size_bytes": 1, "game": hostile, "game_id": 1 });
        for kind in ["chat", "announcement", "enter", "file", "withdrawn", "invite", hostile] {
            for tongue in Tongue::ALL {
                let line = line(&RoomEvent { at: hostile.into(), ..event(kind, fields.clone()) }, tongue);
                let inside = line.strip_suffix('\n').unwrap();
                assert!(!inside.chars().any(|c| c.is_control() || acts_on_terminals(c)), "{line:?}");
            }
        }
        // And for programs nothing is lost.
        let object: Value = serde_json::from_str(&line(&event("chat", fields), Tongue::Json)).unwrap();
        assert_eq!(object["text"], hostile);
    }
}
