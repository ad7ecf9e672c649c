//! The promise that nothing which acts on a terminal, or heaps marks on a letter, reaches somebody else: whatever
//! Unicode comes in through whichever field.

use parlor::protocol::digest::Digest;
use parlor::protocol::event::{Deed, Event, SharedFile};
use parlor::protocol::game::GameId;
use parlor::protocol::game::event::{GameNews, News};
use parlor::protocol::name::Name;
use parlor::protocol::parse::parse;
use parlor::protocol::reply::{Answer, Page, Reply};
use parlor::protocol::request::{Ask, Manner, Request};
use parlor::protocol::text::Text;
use parlor::protocol::tongue::Tongue;
use parlor::protocol::voice::Voice;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::harness::{Client, Daemon, PASSWORD, is_reply, parlord};

/// Said here once more, so that a slip in the code is not repeated by its test.
const FORBIDDEN: &[(u32, u32)] = &[
    (0x00, 0x08),
    (0x0b, 0x1f),
    (0x7f, 0x9f),
    (0x61c, 0x61c),
    (0x200e, 0x200f),
    (0x2028, 0x202e),
    (0x2066, 0x206f),
    (0xfdd0, 0xfdef),
    (0xfff9, 0xfffb),
    (0xfffe, 0xffff),
    (0x1fffe, 0x1ffff),
    (0x10fffe, 0x10ffff),
];
const FLAG: &str = "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";

/// What is wrong with something that a peer is sent, if anything is. Each line ends in LF or CR LF. A refusal may repeat
/// to its asker a name under a heap of marks, and nothing else of all this.
fn harm_in(sent: &str) -> Option<String> {
    let is_refusal = sent.starts_with("ERR ") || sent.starts_with("{\"err\":");
    let sent = sent.replace("\r\n", "\n").replace(FLAG, "");
    let mut marks = 0;
    for c in sent.chars() {
        let code = u32::from(c);
        if FORBIDDEN.iter().any(|&(first, last)| (first..=last).contains(&code)) || (0xe0000..=0xe007f).contains(&code) {
            return Some(format!("U+{code:04X} in {sent:?}"));
        }
        marks = match c.general_category_group() {
            GeneralCategoryGroup::Mark => marks + 1,
            _ if ['\u{200d}', '\u{ad}'].contains(&c) => marks,
            _ => 0,
        };
        if marks > 8 && !is_refusal {
            return Some(format!("{marks} marks in {sent:?}"));
        }
    }
    None
}

/// Words of which about half are refused, and the rest as strange as may be.
fn words() -> impl Strategy<Value = String> {
    let forbidden = prop::sample::select(FORBIDDEN).prop_flat_map(|(first, last)| first..=last);
    let forbidden = forbidden.prop_map(|code| char::from_u32(code).unwrap().to_string());
    let piece = prop_oneof![
        12 => "[a-z0-9]{1,5}",
        6 => "\\PC{1,3}",
        4 => prop::sample::select(vec![" ", "　", "👩\u{200d}👩\u{200d}👧", "❤\u{fe0f}", FLAG, "می\u{200c}خواهم", "שָׁלוֹם", "ﬁ", "ａ", "\u{ad}", "\u{feff}"])
            .prop_map(str::to_owned),
        1 => "[\u{300}-\u{36f}\u{489}\u{fb5}\u{ad}\u{200d}]{1,24}",
        1 => forbidden,
        1 => prop::sample::select(vec!["\u{1b}[2J", "\u{9b}31m", "\u{e0041}", "\u{e0001}", "\r", "\t", "\\u202e"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// Each field that a line can bring words in, in the form for people and in that for programs. What is
/// written with JSON's escapes is decoded behind the check of the line.
fn lines_with(words: &str) -> Vec<(bool, Tongue, String)> {
    let escaped: String = words.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let mut lines = vec![
        (true, Tongue::En, format!("C - {words}")),
        (true, Tongue::En, format!("'{words}")),
        (true, Tongue::En, words.to_owned()),
    ];
    for letter in ["C", "U", "P", "F -", "L -", "X -", "R", "D -", "G - gomoku", "M", "W", "E", "V", "?", "T", "I"] {
        let logged_in = !["U", "P", "I", "T"].contains(&letter);
        lines.push((logged_in, Tongue::Zh, format!("{letter} {words}")));
    }
    let object = |logged_in, object: serde_json::Value| {
        let plain =
            object.to_string().replace("WORDS", &serde_json::to_string(words).unwrap().trim_matches('"').replace('\n', "\\n"));
        let escaped = object.to_string().replace("WORDS", &escaped);
        [(logged_in, Tongue::Json, plain), (logged_in, Tongue::Json, escaped)]
    };
    lines.extend(object(true, json!({"do": "C", "text": "a\nWORDS", "ref": "r"})));
    lines.extend(object(true, json!({"do": "C", "text": "hello", "ref": "WORDS"})));
    lines.extend(object(true, json!({"do": "K", "ref": "WORDS"})));
    lines.extend(object(true, json!({"do": "F", "file_name": "WORDS"})));
    lines.extend(object(true, json!({"do": "L", "file_name": "WORDS"})));
    lines.extend(object(true, json!({"do": "G", "game": "WORDS", "clock": "WORDS"})));
    lines.extend(object(true, json!({"do": "G", "name": "WORDS", "game": "chess"})));
    lines.extend(object(true, json!({"do": "M", "move": "WORDS"})));
    lines.extend(object(true, json!({"do": "D", "inviter": "WORDS"})));
    lines.extend(object(true, json!({"do": "R", "name": "WORDS"})));
    lines.extend(object(true, json!({"do": "WORDS"})));
    lines.extend(object(false, json!({"do": "U", "name": "WORDS"})));
    lines.extend(object(false, json!({"do": "P", "name": "WORDS", "password": "WORDS"})));
    lines
}

fn name(words: &str) -> Name {
    Name::parse(words).unwrap()
}

/// What the room would hear of a request.
fn deeds_of(request: &Request) -> Vec<Deed> {
    let alice = || name("alice");
    match &request.ask {
        Ask::Chat { text, .. } => {
            vec![Deed::Chat { from: alice(), text: text.clone(), reference: request.reference.clone() }]
        }
        Ask::Account { name: sought } | Ask::Password { name: sought, .. } => {
            let Ok(from) = Name::parse(sought.as_str()) else { return Vec::new() };
            let news = News::Invite { from: from.clone(), clock: None, seat: Some(from.clone()) };
            vec![
                Deed::Enter { from: from.clone() },
                Deed::Leave { from: from.clone() },
                Deed::Chat { from, text: Text::parse("hello").unwrap(), reference: request.reference.clone() },
                Deed::Game(Box::new(GameNews {
                    game_id: GameId(1),
                    title: parlor::games::rules::GAMES[0].title.clone(),
                    news,
                })),
            ]
        }
        Ask::Offer(file) | Ask::Fetch(file) | Ask::Withdraw(file) => {
            let name = file.file_name.clone();
            vec![
                Deed::Withdrawn { from: Some(alice()), file_name: name.clone(), shared_seq: 1 },
                Deed::File {
                    from: alice(),
                    file: SharedFile { name: name.numbered(2), size_bytes: 1, digest: Digest([7; 32]) },
                },
                Deed::File { from: alice(), file: SharedFile { name, size_bytes: 1, digest: Digest([7; 32]) } },
            ]
        }
        _ => Vec::new(),
    }
}

/// What clients are sent of a line, in every voice: the events of the request, live and in history, and a refusal's words.
fn sent_of(line: &str, manner: Manner) -> Vec<String> {
    let answered = |letter, reference, reply| {
        let answer = Answer { letter, reference, reply };
        Voice::all()
            .map(|voice| {
                let mut out = String::new();
                voice.answer(&answer, &mut out);
                out
            })
            .collect::<Vec<_>>()
    };
    match parse(line, manner) {
        Ok(None) => Vec::new(),
        Err(unreadable) => answered(unreadable.letter, unreadable.reference, Reply::Refused(unreadable.refusal)),
        Ok(Some(request)) => {
            let deeds = deeds_of(&request).into_iter();
            let events: Vec<Event> = deeds.map(|deed| Event { seq: 1, at_ms: 0, deed }).collect();
            let live = Voice::all().flat_map(|voice| events.iter().map(move |event| (voice, event))).map(|(voice, event)| {
                let mut out = String::new();
                voice.event("lobby", event, &mut out);
                out
            });
            let page = Page { room: "lobby".into(), events: events.clone(), further: None };
            live.chain(answered(Some('H'), request.reference, Reply::History(page))).collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_nothing_harmful_goes_out(words in words()) {
        for (logged_in, tongue, line) in lines_with(&words) {
            if line.contains('\n') {
                continue;
            }
            for sent in sent_of(&line, Manner { logged_in, tongue, is_first: !logged_in }) {
                prop_assert_eq!(harm_in(&sent), None, "of {:?}", line);
            }
        }
    }
}

#[test]
fn the_test_would_see_harm() {
    for bad in ["\u{202e}", "\u{1b}", "\u{2028}", "\u{e0041}", &"\u{301}".repeat(9), &"\u{301}\u{ad}".repeat(9), "a\rb"] {
        assert!(harm_in(bad).is_some(), "{bad:?}");
    }
    let strange = ["K", "C - 👩‍👧", FLAG, "可\u{fe0f}\t"];
    assert!(strange.into_iter().all(|good| harm_in(good).is_none()));
    let runner = &mut TestRunner::deterministic();
    let samples: Vec<String> = (0..400).map(|_| words().new_tree(runner).unwrap().current()).collect();
    let accepted = samples.iter().filter(|words| Text::parse(words).is_ok()).count();
    assert!((100..350).contains(&accepted), "both kinds are tried: {accepted} of 400");
}

#[test]
fn nothing_harmful_reaches_a_peer_or_the_log() {
    let mut daemon = Daemon::start_with_variables(&[("PARLOR_LOG", "debug")]);
    let mut listeners = ["en", "zh", "json"].map(|voice| {
        let mut listener = Client::connect(&daemon);
        listener.ask(&format!("V {voice}"));
        listener.log_in(&format!("in-{voice}"));
        listener
    });
    let (mut person, mut program) = (Client::enter(&daemon, "mallory"), Client::program(&daemon, "robot"));
    let runner = &mut TestRunner::deterministic();
    for _ in 0..12 {
        let words = words().new_tree(runner).unwrap().current();
        let mut stranger = Client::connect(&daemon);
        stranger.ask("V json");
        for (logged_in, tongue, line) in lines_with(&words) {
            // What would end the connection, or take it elsewhere, is left out.
            if line.contains('\n')
                || "EVTI".contains(line.chars().next().unwrap().to_ascii_uppercase())
                || line.starts_with("P ")
            {
                continue;
            }
            let client = match tongue {
                Tongue::Json if logged_in => &mut program,
                _ if logged_in => &mut person,
                _ => &mut stranger,
            };
            client.send(&line);
        }
        stranger.end_input();
        stranger.rest();
        let announced = parlord(&daemon.data()).args(["--announce", &words.replace('\0', "")]).output().unwrap();
        assert_eq!(announced.status.success(), Text::parse_lines(&words.replace('\0', "")).is_ok(), "{words:?}");
        for client in [&mut person, &mut program] {
            client.send(r#"C - "done""#);
        }
    }
    for client in [&mut person, &mut program] {
        client.end_input();
        assert_eq!(client.rest().iter().find_map(|line| harm_in(line)), None);
    }
    for listener in &mut listeners {
        listener.end_input();
        let heard = listener.rest();
        assert!(heard.len() > 30, "{} lines were heard", heard.len());
        assert_eq!(heard.iter().find_map(|line| harm_in(line)), None);
    }
    daemon.stop();
    let log = daemon.log();
    assert!(log.contains("mallory"), "{log}");
    assert_eq!(harm_in(&log), None);
}

#[test]
fn a_heap_of_marks_has_its_own_words() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    let zalgo = format!("he comes{}", "\u{322}\u{30a}\u{489}".repeat(3));
    for (voice, words) in [
        ("en", "ERR bad-text at most 8 combining marks may stand on one letter; nothing was sent"),
        ("zh", "ERR bad-text 一个字符上最多有 8 个组合符号；没有发送任何内容"),
    ] {
        bob.ask(&format!("V {voice}"));
        assert_eq!(bob.only_reply(format!("C - {zalgo}")), words);
        assert!(bob.only_reply(format!("F - {zalgo}")).starts_with("ERR bad-file-name "));
    }
    bob.ask("V json");
    let reply = bob.only_reply(json!({"do": "C", "text": format!("two\n{zalgo}"), "ref": "r"}).to_string());
    assert!(reply.starts_with(r#"{"err":"bad-text","ref":"r","#), "{reply}");
    assert!(bob.only_reply(json!({"do": "C", "text": "hello", "ref": zalgo}).to_string()).starts_with(r#"{"err":"bad-json""#));
    for good in [
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 1\u{fe0f}\u{20e3} ❤\u{fe0f}",
        FLAG,
        "\u{f67}\u{f90}\u{fb5}\u{fa8}\u{fb3}\u{fba}\u{fbc}\u{fbb}\u{f82}",
        "בְּרֵאשִׁ֖ית",
        "Vie\u{323}\u{302}t",
        "ผู้ใหญ่",
        "क्षत्रिय",
        "می\u{200c}خواهم",
        "soft\u{ad}hyphen",
    ] {
        assert!(bob.ask(&format!("C - {good}")).starts_with(r#"{"ok":"C""#), "{good}");
        assert_eq!(alice.line(), format!("[bob]: {good}"));
    }
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "robot");
    for text in [r"\ud800", r"\udc00", r"\ud800x", r"\ud83d\ud83d"] {
        let reply = program.ask(&format!(r#"{{"do":"C","text":"{text}"}}"#));
        assert!(reply.starts_with(r#"{"err":"bad-json""#), "{text}: {reply}");
    }
    assert!(program.ask(r#"{"do":"C","text":"\ud83d\ude42"}"#).starts_with(r#"{"ok":"C""#));
}

/// Whatever a name's letters are, a refusal that repeats it is one line.
#[test]
fn a_name_that_is_sought_is_repeated_in_one_line() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for request in ["R 🙂", "R aשלום", "G - gomoku @🙂"] {
        let lines = alice.lines_of(request);
        assert!(lines.len() == 1 && lines[0].starts_with("ERR no-such-user "), "{request}: {lines:?}");
    }
    assert!(alice.ask("D - 🙂").starts_with("ERR no-invitation "));
    let mut stranger = Client::connect(&daemon);
    for request in ["U 🙂".to_owned(), format!("P 🙂 {PASSWORD}"), "U -x".to_owned()] {
        let reply = stranger.ask(&request);
        assert!(is_reply(&reply) && reply.starts_with("ERR bad-name "), "{request}: {reply}");
    }
}
