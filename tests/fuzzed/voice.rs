//! Voices: whatever is told or answered, with whatever names and texts people may have, comes out as whole lines that
//! no terminal acts on, an event never looks like a reply, and a program reads back what was said.

use std::sync::Arc;

use parlor::protocol::closing::Closing;
use parlor::protocol::digest::Digest;
use parlor::protocol::event::{Deed, Event, Missed, SharedFile};
use parlor::protocol::file_name::FileName;
use parlor::protocol::game::GameId;
use parlor::protocol::name::Name;
use parlor::protocol::refusal::{Banned, FileExists, Instead, Refusal, SizeMismatch};
use parlor::protocol::reply::{Answer, Page, Reply, Shelf, Welcome};
use parlor::protocol::request::{HistoryRange, RangeEnd};
use parlor::protocol::text::{Ref, Text};
use parlor::protocol::tongue::Tongue;
use serde_json::Value;

use super::voice_games as games;
use super::{Choices, rendered};

pub fn holds(input: &[u8]) {
    let mut choices = Choices(input);
    match choices.below(8) {
        0 | 1 => event(&event_of(&mut choices)),
        2 => {
            let event = games::table_event(&mut choices);
            rendered::told(|voice, out| voice.table_event(&event, out));
        }
        3 => {
            let listed = games::listed(&mut choices);
            rendered::told(|voice, out| voice.adjourned(&listed, out));
        }
        4 => {
            let missed = Missed { first_seq: choices.number().max(1), last_seq: choices.number() };
            rendered::told(|voice, out| voice.missed("lobby", missed, out));
            rendered::told(|voice, out| voice.missed_moves(GameId(missed.last_seq), out));
            let closing = Closing::ALL[choices.below(Closing::ALL.len())];
            rendered::told(|voice, out| voice.closing(closing, out));
        }
        _ => {
            let reference = Ref::parse(&choices.words());
            let letter = parlor::protocol::commands::COMMANDS.get(choices.below(32)).map(|command| command.letter);
            rendered::answer(&Answer { letter, reference, reply: reply(&mut choices) });
        }
    }
}

fn event(event: &Event) {
    rendered::told(|voice, out| voice.event("lobby", event, out));
    let told = rendered::objects(|voice, out| voice.event("lobby", event, out));
    assert_eq!(told[0].get("seq").and_then(Value::as_u64), Some(event.seq));
    let key = |key: &str| told[0].get(key).and_then(Value::as_str);
    match &event.deed {
        Deed::Chat { from, text, reference } => {
            assert_eq!((key("from"), key("text")), (Some(from.as_str()), Some(text.as_str())));
            assert_eq!(key("ref"), reference.as_ref().map(Ref::as_str));
        }
        Deed::Announcement { text } => assert_eq!(key("text"), Some(text.as_str())),
        Deed::File { file, .. } => assert_eq!(key("file_name"), Some(file.name.as_str())),
        _ => (),
    }
}

/// A name that may be one; somebody else's where the words are none.
pub fn name(choices: &mut Choices<'_>) -> Name {
    Name::parse(&choices.words()).unwrap_or_else(|_| Name::stored("OK".into()))
}

fn text(choices: &mut Choices<'_>) -> Text {
    let words = choices.words().replace('\r', "\n");
    Text::parse_lines(&words).unwrap_or_else(|_| Text::stored("ERR busy\nOK 5\n{\"ok\":\"C\"}".into()))
}

fn file_name(choices: &mut Choices<'_>) -> FileName {
    FileName::parse(&choices.words()).unwrap_or_else(|_| FileName::stored("OK 5".into()))
}

fn shared(choices: &mut Choices<'_>) -> SharedFile {
    SharedFile { name: file_name(choices), size_bytes: choices.number(), digest: Digest([choices.byte(); 32]) }
}

fn event_of(choices: &mut Choices<'_>) -> Event {
    let deed = match choices.below(9) {
        0 => Deed::Announcement { text: text(choices) },
        1 => Deed::Enter { from: name(choices) },
        2 => Deed::Leave { from: name(choices) },
        3 => Deed::File { from: name(choices), file: shared(choices) },
        4 => Deed::Withdrawn {
            from: choices.coin().then(|| name(choices)),
            file_name: file_name(choices),
            shared_seq: choices.number(),
        },
        5 => Deed::Game(Box::new(games::news(choices))),
        6 => [Deed::Started, Deed::Stopping][choices.below(2)].clone(),
        _ => Deed::Chat { from: name(choices), text: text(choices), reference: Ref::parse(&choices.words()) },
    };
    Event { seq: choices.number(), at_ms: at_ms(choices), deed }
}

/// A moment within some hundred years of now.
pub fn at_ms(choices: &mut Choices<'_>) -> i64 {
    i64::try_from(choices.number() % (1 << 42)).unwrap_or_default()
}

fn events(choices: &mut Choices<'_>) -> Vec<Event> {
    (0..choices.below(4)).map(|_| event_of(choices)).collect()
}

fn names(choices: &mut Choices<'_>) -> Vec<Name> {
    (0..choices.below(4)).map(|_| name(choices)).collect()
}

fn range(choices: &mut Choices<'_>) -> HistoryRange {
    HistoryRange {
        left: choices.coin().then(|| choices.number()),
        right: choices.coin().then(|| choices.number()),
        count: choices.coin().then(|| choices.below(200)),
        from: [RangeEnd::Newest, RangeEnd::Oldest][choices.below(2)],
    }
}

fn reply(choices: &mut Choices<'_>) -> Reply {
    let page = choices.coin().then_some(2);
    match choices.below(16) {
        0 => Reply::Known(name(choices)),
        1 => Reply::New(name(choices)),
        2 => {
            let names = names(choices);
            Reply::LoggedIn(Welcome { name: name(choices), count: names.len(), seq: choices.number(), names, token: None })
        }
        3 => Reply::Spoken { seq: choices.number() },
        4 => {
            let further = choices.coin().then(|| range(choices));
            Reply::History(Page { room: Arc::from("lobby"), events: events(choices), further })
        }
        5 => Reply::Who { count: choices.below(9), names: names(choices), next_page: page },
        6 => {
            let files = events(choices).into_iter().filter(|event| matches!(event.deed, Deed::File { .. })).collect();
            Reply::Shelf(Shelf { room: Arc::from("lobby"), files, next_page: page, is_empty: choices.coin() })
        }
        7 => Reply::Received(Digest([choices.byte(); 32])),
        8 => Reply::Speaking(Tongue::ALL[choices.below(3)]),
        9 => Reply::About,
        10 => {
            let letter = parlor::protocol::commands::COMMANDS.get(choices.below(32)).map(|command| command.letter);
            let titles = if letter == Some('G') { games::titles() } else { Vec::new() };
            Reply::Help { letter, stranger: choices.coin(), titles }
        }
        11 | 12 => games::reply(choices).into(),
        _ => Reply::Refused(refusal(choices)),
    }
}

fn refusal(choices: &mut Choices<'_>) -> Refusal {
    let is_own = choices.coin();
    match choices.below(12) {
        0 => Refusal::Banned(Box::new(Banned {
            until_ms: is_own.then(|| at_ms(choices)),
            why: text(choices).as_str().replace('\n', " "),
        })),
        1 => Refusal::FileExists(Box::new(FileExists::Shared {
            file_name: file_name(choices),
            by: name(choices),
            is_own,
            free_name: file_name(choices),
        })),
        2 => Refusal::FileExists(Box::new(FileExists::Uploading { by: name(choices), is_own, free_name: file_name(choices) })),
        3 => Refusal::LookAlike(name(choices)),
        4 => Refusal::NoSuchFile(file_name(choices)),
        5 => Refusal::NoSuchAccount(name(choices)),
        6 => Refusal::NotYours(name(choices)),
        7 => Refusal::NameTaken(name(choices)),
        8 => Refusal::SlowDown { retry_ms: choices.number() },
        9 => Refusal::SizeMismatch(SizeMismatch::TooFew { received_bytes: choices.number(), size_bytes: choices.number() }),
        10 => {
            let said = text(choices).as_str().replace('\n', " ");
            Refusal::NotYou { own: name(choices), instead: Some(Instead::Say(format!("C - {said}"))) }
        }
        _ => games::refusal(choices).into(),
    }
}
