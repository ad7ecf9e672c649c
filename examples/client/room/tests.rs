//! An evening in the room, without a terminal and without a server.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use parlor::client::{Error, Event, GameEvent, RoomEvent, Welcome};
use serde_json::{Map, Value, json};

use super::super::text::width;
use super::talk::{Entry, Kind, Row, Talk};
use super::{About, Ask, Question, Room, Told};

pub(crate) fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = value { fields } else { panic!("no object: {value}") }
}

/// An event of the room, as `protocol.md` has it.
pub(crate) fn room_event(seq: u64, mut fields: Value) -> RoomEvent {
    fields["seq"] = json!(seq);
    let minutes = seq % (24 * 60);
    fields["at"] = json!(format!("2026-11-20T{:02}:{:02}:00.000Z", minutes / 60, minutes % 60));
    RoomEvent::of_item(object(fields)).expect("an event")
}

pub(crate) fn game_event(mut fields: Value) -> GameEvent {
    fields["game_id"] = json!(7);
    GameEvent::of_item(object(fields)).expect("an event of a game")
}

pub(crate) fn room(me: &str) -> Room {
    let names = vec!["alice".to_owned(), "bob".to_owned()];
    let welcome = Welcome { name: me.to_owned(), count: 2, seq: 10, names, token: None };
    let mut room = Room::new(&welcome, "parlor.example:7171", TimeZone::UTC, || "2026-11-20T00:20:00Z".parse().unwrap());
    room.take_asks();
    room
}

/// Presses keys: letters as they are, what has a name in angle brackets.
pub(crate) fn press(room: &mut Room, keys: &str) {
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        let (named, after) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).unzip();
        let (code, modifiers) = match named {
            Some("enter") => (KeyCode::Enter, KeyModifiers::NONE),
            Some("tab") => (KeyCode::Tab, KeyModifiers::NONE),
            Some("esc") => (KeyCode::Esc, KeyModifiers::NONE),
            Some("up") => (KeyCode::Up, KeyModifiers::NONE),
            Some("down") => (KeyCode::Down, KeyModifiers::NONE),
            Some("left") => (KeyCode::Left, KeyModifiers::NONE),
            Some("right") => (KeyCode::Right, KeyModifiers::NONE),
            Some("page-up") => (KeyCode::PageUp, KeyModifiers::NONE),
            Some("ctrl-c") => (KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(other) => panic!("no key {other}"),
            None => (KeyCode::Char(letter), KeyModifiers::NONE),
        };
        room.key(KeyEvent::new(code, modifiers), 10);
        rest = after.unwrap_or(&rest[letter.len_utf8()..]);
    }
}

/// What the talk shows, row by row.
fn shown(room: &mut Room) -> Vec<String> {
    let text = |row: Row| match row {
        Row::Text { text, .. } => text,
        Row::NewSince => "--new--".to_owned(),
        Row::Day(day) => format!("--{day}--"),
    };
    room.talk.view(70, 100).into_iter().map(|(_, row)| text(row)).collect()
}

fn line(room: &mut Room, typed: &str) -> Vec<Ask> {
    press(room, typed);
    press(room, "<enter>");
    room.take_asks()
}

fn request(asks: &[Ask]) -> (char, Value) {
    match asks {
        [Ask::Request { letter, arguments, .. }] => (*letter, arguments.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_typed_is_said_and_shown_once() {
    let mut room = room("alice");
    assert_eq!(line(&mut room, "hello"), [Ask::Say("hello".into())]);
    assert_eq!(shown(&mut room), ["hello"]);
    let heard = room_event(11, json!({ "item": "chat", "from": "alice", "text": "hello" }));
    room.hear(Event::Room(heard), Instant::now());
    room.tell(Told::Said { text: "hello".into(), outcome: Ok(()) }, Instant::now());
    assert_eq!(shown(&mut room), ["hello"]);
    assert_eq!(line(&mut room, "  "), []);
    assert_eq!(line(&mut room, "//etc"), [Ask::Say("/etc".into())]);
    assert_eq!(line(&mut room, "/etc"), []);
    assert!(shown(&mut room).join(" ").contains("no command /etc"));
}

#[test]
fn what_was_not_said_is_told_with_its_reason() {
    let mut room = room("alice");
    line(&mut room, "hello");
    room.tell(Told::Said { text: "hello".into(), outcome: Err(Error::OutcomeUnknown) }, Instant::now());
    assert_eq!(shown(&mut room), ["whether this was heard is not known: hello"]);
}

#[test]
fn a_line_that_is_too_long_stays_to_be_shortened() {
    let mut room = room("alice");
    room.paste(&"x".repeat(4097));
    assert_eq!(line(&mut room, ""), []);
    assert_eq!(room.editor.text().len(), 4097);
    press(&mut room, "<ctrl-c>");
    assert!(room.editor.is_empty());
}

#[test]
fn several_pasted_lines_are_asked_about() {
    let mut room = room("alice");
    room.paste("one\r\ntwo\r\n");
    assert!(matches!(room.question, Some(Question::Paste { lines: 2, .. })));
    press(&mut room, "n");
    assert_eq!((room.take_asks(), room.question.is_none(), room.editor.text()), (vec![], true, "one two"));
    press(&mut room, "<ctrl-c>");
    room.paste("one\ntwo");
    press(&mut room, "y");
    assert_eq!(room.take_asks(), [Ask::Say("one\ntwo".into())]);
    // Longer than one message may be: cut between lines.
    room.paste(&vec!["x".repeat(3000); 3].join("\n"));
    press(&mut room, "y");
    let lengths = room.take_asks().into_iter().map(|ask| if let Ask::Say(text) = ask { text.len() } else { 0 });
    assert_eq!(lengths.collect::<Vec<_>>(), [3000, 3000, 3000]);
    room.paste("just one line\n");
    assert_eq!(room.editor.text(), "just one line");
}

#[test]
fn commands_ask_for_what_they_say() {
    let mut room = room("alice");
    assert_eq!(
        request(&line(&mut room, "/invite chess 5+3 @bob")),
        ('G', json!({ "game": "chess", "clock": "5+3", "seat": "bob" }))
    );
    assert_eq!(request(&line(&mut room, "/invite @bob")).1["game"], "gomoku");
    assert_eq!(request(&line(&mut room, "/resign")), ('M', json!({ "move": "resign" })));
    assert_eq!(request(&line(&mut room, "/watch 12")), ('O', json!({ "game_id": 12 })));
    assert_eq!(line(&mut room, "/quit"), [Ask::Quit]);
    assert_eq!(line(&mut room, "still on its way"), [Ask::Say("still on its way".into())]);
    assert_eq!(line(&mut room, "/quit"), [Ask::Quit]);
    room.clock = || "2026-11-20T00:20:05Z".parse().unwrap();
    assert_eq!(line(&mut room, "/quit"), []);
    press(&mut room, "n");
    assert_eq!(line(&mut room, "/get"), []);
    assert_eq!(line(&mut room, "/accept"), []);
    assert!(shown(&mut room).last().unwrap().contains("nobody invites you"));
    let invite = json!({ "item": "invite", "from": "bob", "game_id": 3, "game": "gomoku" });
    room.hear(Event::Room(room_event(12, invite)), Instant::now());
    assert_eq!(room.take_asks(), [Ask::Bell]);
    assert_eq!(request(&line(&mut room, "/accept")), ('D', json!({ "inviter": "bob" })));
    let uninvite = json!({ "item": "uninvite", "from": "bob", "game_id": 3, "game": "gomoku", "reason": "expired" });
    room.hear(Event::Room(room_event(13, uninvite)), Instant::now());
    assert_eq!(line(&mut room, "/accept"), []);
}

#[test]
fn files_are_fetched_by_their_whole_names() {
    let mut room = room("alice");
    for (seq, name) in [(11, "report.pdf"), (12, "report.pdf old")] {
        let file = json!({ "item": "file", "from": "bob", "file_name": name, "size_bytes": 5, "sha256": "00" });
        room.hear(Event::Room(room_event(seq, file)), Instant::now());
    }
    let fetched = |asks: Vec<Ask>| match &asks[..] {
        [Ask::Download { name, directory, .. }] => (name.clone(), directory.display().to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(fetched(line(&mut room, "/get report.pdf /tmp")), ("report.pdf".into(), "/tmp".into()));
    assert_eq!(fetched(line(&mut room, "/get report.pdf old")), ("report.pdf old".into(), ".".into()));
    assert_eq!(line(&mut room, "/get report.pdf"), []);
    assert!(shown(&mut room).last().unwrap().contains("on its way already"));
    assert_eq!(line(&mut room, "/quit"), []);
    press(&mut room, "y");
    assert_eq!(room.take_asks(), [Ask::Quit]);
}

fn begin(room: &mut Room, game: &str, position: &str, now: Instant) {
    let begun = json!({ "item": "begun", "game": game, "at": "2026-11-20T10:00:00.000Z", "first": "alice", "second": "bob",
        "paused": false, "ply": 0, "turn": "alice", "position": position });
    room.hear(Event::Game(game_event(begun)), now);
    room.take_asks();
}

/// The position that a game begins with, as the server writes it.
pub(crate) fn start_of(game: &str) -> String {
    (parlor::games::rules::find(game).unwrap().start)().position()
}

const CHESS: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

#[test]
fn a_move_is_made_by_pointing_and_by_typing() {
    let mut room = room("alice");
    begin(&mut room, "chess", CHESS, Instant::now());
    assert!(room.is_pointing());
    // Enter alone is a slip of the finger.
    press(&mut room, "<enter>");
    assert_eq!((room.take_asks(), room.table.as_ref().unwrap().wants_more), (vec![], true));
    // The cursor begins at e4; down to e2, up again.
    press(&mut room, "<down><down><enter><up><up><enter>");
    assert_eq!(request(&room.take_asks()), ('M', json!({ "move": "e2e4", "ply": 1, "game_id": 7 })));
    press(&mut room, "Nf3<enter>");
    assert_eq!(room.question, Some(Question::Move("Nf3".into())));
    press(&mut room, "s");
    assert_eq!(room.take_asks(), [Ask::Say("Nf3".into())]);
    press(&mut room, "Nf3<enter>y");
    assert_eq!(request(&room.take_asks()).1["move"], "Nf3");
    assert_eq!(line(&mut room, "'Nf3"), [Ask::Say("Nf3".into())]);
    assert_eq!(request(&line(&mut room, "/move e4")).1["move"], "e4");
    assert_eq!(line(&mut room, "'tis the season"), [Ask::Say("'tis the season".into())]);
}

#[test]
fn what_looks_like_a_move_but_is_none_is_not_said_by_mistake() {
    let mut room = room("alice");
    begin(&mut room, "chess", CHESS, Instant::now());
    press(&mut room, "Ke5<enter>");
    assert!(matches!(&room.question, Some(Question::NoMove { typed, .. }) if typed == "Ke5"), "{:?}", room.question);
    press(&mut room, "n");
    assert_eq!((room.take_asks(), room.editor.text()), (vec![], "Ke5"));
    press(&mut room, "<ctrl-c>");
    for speech in ["ok", "good game", "mp3", "route66", "I am at e4 now"] {
        let mut asks = line(&mut room, speech);
        if matches!(&room.question, Some(Question::NoMove { .. })) {
            press(&mut room, "y");
            asks = room.take_asks();
        }
        assert_eq!(asks, [Ask::Say(speech.into())]);
    }
    begin(&mut room, "xiangqi", &start_of("xiangqi"), Instant::now());
    press(&mut room, "炮二平五<enter>");
    assert_eq!(room.question, Some(Question::Move("炮二平五".into())));
}

#[test]
fn who_plays_is_asked_before_leaving_and_one_press_too_many_does_not_leave() {
    let mut room = room("alice");
    press(&mut room, "some words<ctrl-c><ctrl-c>");
    assert_eq!(room.take_asks(), []);
    press(&mut room, "<esc><ctrl-c>");
    assert_eq!(room.take_asks(), [Ask::Quit]);
    begin(&mut room, "chess", CHESS, Instant::now());
    press(&mut room, "<ctrl-c>");
    assert!(matches!(room.question, Some(Question::Quit(_))) && room.take_asks().is_empty());
    press(&mut room, "y");
    assert_eq!(room.take_asks(), [Ask::Quit]);
}

#[test]
fn who_is_replaced_may_come_back_and_keeps_the_line() {
    let mut room = room("alice");
    assert_eq!(line(&mut room, "/reconnect"), []);
    room.hear(Event::Ended { reason: "replaced".into() }, Instant::now());
    assert_eq!(line(&mut room, "who was that"), []);
    assert_eq!(room.editor.text(), "who was that");
    press(&mut room, "<ctrl-c>");
    assert_eq!(line(&mut room, "/reconnect"), [Ask::Again]);
}

#[test]
fn a_pawn_becomes_what_is_chosen() {
    let mut room = room("alice");
    begin(&mut room, "chess", "8/4P3/8/8/8/8/k6K/8 w - - 0 1", Instant::now());
    press(&mut room, "<up><up><up><enter><up><enter>");
    assert!(matches!(&room.question, Some(Question::Promotion(moves)) if moves.len() == 4), "{:?}", room.question);
    press(&mut room, "n");
    assert_eq!(request(&room.take_asks()).1["move"], "e7e8n");
}

#[test]
fn a_column_is_pressed_anywhere() {
    let mut room = room("alice");
    let empty = ["......."; 6].join("/") + " x";
    begin(&mut room, "connect-four", &empty, Instant::now());
    press(&mut room, "<left><enter>");
    assert_eq!(request(&room.take_asks()).1["move"], "3");
}

#[test]
fn the_clock_runs_for_who_is_to_move_and_stands_in_a_pause() {
    let (mut room, now) = (room("alice"), Instant::now());
    let begun = json!({ "item": "begun", "game": "tic-tac-toe", "at": "2026-11-20T10:00:00.000Z", "first": "alice", "second": "bob",
        "paused": false, "ply": 0, "turn": "alice", "position": ".../.../... x", "clock": "1+0", "first_ms": 60_000, "second_ms": 60_000 });
    room.hear(Event::Game(game_event(begun)), now);
    let left = |room: &Room, seconds: u64| {
        let table = room.table.as_ref().unwrap();
        let seats = [super::table::Seat::First, super::table::Seat::Second];
        seats.map(|seat| table.time_left(seat, now + Duration::from_secs(seconds)).unwrap().as_secs())
    };
    assert_eq!(left(&room, 5), [55, 60]);
    let paused =
        game_event(json!({ "item": "paused", "game": "tic-tac-toe", "at": "2026-11-20T10:00:00.000Z", "timeout_ms": 600_000 }));
    room.hear(Event::Game(paused), now + Duration::from_secs(10));
    assert_eq!(left(&room, 30), [50, 60]);
    assert!(!room.is_pointing());
}

#[test]
fn after_a_lost_connection_the_lists_and_the_board_are_asked_for() {
    let mut room = room("alice");
    begin(&mut room, "chess", CHESS, Instant::now());
    room.hear(Event::Lost { retry: Duration::from_secs(1) }, Instant::now());
    assert_eq!(line(&mut room, "still here?"), [Ask::Say("still here?".into())]);
    room.hear(Event::Back, Instant::now());
    let asks = room.take_asks();
    assert!(asks.contains(&Ask::Members) && asks.contains(&Ask::Shelf), "{asks:?}");
    let board = |ask: &&Ask| matches!(ask, Ask::Request { letter: 'M', about: About::Board(7), .. });
    assert_eq!(asks.iter().filter(board).count(), 1);
}

#[test]
fn what_is_new_is_behind_ones_last_leaving() {
    let mut room = room("alice");
    let page = [
        json!({ "item": "enter", "from": "alice" }),
        json!({ "item": "chat", "from": "alice", "text": "bye" }),
        json!({ "item": "leave", "from": "alice" }),
        json!({ "item": "leave", "from": "carol" }),
        json!({ "item": "chat", "from": "bob", "text": "she is gone" }),
        json!({ "item": "enter", "from": "alice" }),
    ];
    let page: Vec<RoomEvent> = (5..).zip(page).map(|(seq, event)| room_event(seq, event)).collect();
    room.tell(Told::Older { before: Some(11), outcome: Ok((page, false)) }, Instant::now());
    let rows = shown(&mut room);
    let new = rows.iter().position(|row| row == "--new--").expect("the line");
    assert_eq!(rows[new + 1], "she is gone");
    assert_eq!(room.take_asks(), []);
}

#[test]
fn in_a_log_that_began_anew_nothing_is_new_since_one_left_the_old_one() {
    let mut room = room("alice");
    let page = vec![room_event(4, json!({ "item": "leave", "from": "alice" }))];
    room.tell(Told::Older { before: Some(11), outcome: Ok((page, false)) }, Instant::now());
    room.hear(Event::NewLog, Instant::now());
    let page = [
        json!({ "item": "started" }),
        json!({ "item": "enter", "from": "alice" }),
        json!({ "item": "chat", "from": "bob", "text": "hello" }),
    ];
    let page: Vec<RoomEvent> = (3..).zip(page).map(|(seq, event)| room_event(seq, event)).collect();
    room.tell(Told::Older { before: None, outcome: Ok((page, false)) }, Instant::now());
    assert!(!shown(&mut room).contains(&"--new--".to_owned()), "{:?}", shown(&mut room));
}

#[test]
fn what_is_said_while_one_is_here_is_not_new() {
    let mut room = room("alice");
    let page = [
        json!({ "item": "chat", "from": "alice", "text": "bye" }),
        json!({ "item": "leave", "from": "alice" }),
        json!({ "item": "enter", "from": "alice" }),
    ];
    let page: Vec<RoomEvent> = (8..).zip(page).map(|(seq, event)| room_event(seq, event)).collect();
    room.tell(Told::Older { before: Some(11), outcome: Ok((page, false)) }, Instant::now());
    room.hear(Event::Room(room_event(11, json!({ "item": "chat", "from": "bob", "text": "hello" }))), Instant::now());
    assert!(!shown(&mut room).contains(&"--new--".to_owned()));
}

#[test]
fn a_view_that_has_come_down_again_follows() {
    let mut room = room("alice");
    for seq in 11..60 {
        room.hear(Event::Room(room_event(seq, json!({ "item": "chat", "from": "bob", "text": "hello" }))), Instant::now());
    }
    room.talk.view(60, 10);
    press(&mut room, "<page-up>");
    assert!(!room.talk.is_following());
    room.key(KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE), 10);
    assert!(room.talk.is_following());
    line(&mut room, "/help");
    let first = room.talk.view(60, 10).first().map(|(_, row)| row.clone());
    assert_eq!(first, Some(Row::Text { is_first: true, text: "/file PATH - shares a file of yours with the room".into() }));
}

#[test]
fn quiet_hides_who_comes_and_goes() {
    let mut room = room("alice");
    room.hear(Event::Room(room_event(11, json!({ "item": "enter", "from": "carol" }))), Instant::now());
    assert_eq!(shown(&mut room), ["carol entered the room"]);
    line(&mut room, "/quiet");
    assert!(!shown(&mut room).contains(&"carol entered the room".to_owned()));
    assert_eq!(room.members.names().collect::<Vec<_>>(), ["alice", "bob", "carol"]);
}

/// The view is always a part of all rows, whatever was scrolled and whatever arrived.
#[test]
fn the_view_is_a_part_of_the_whole_and_does_not_move_by_itself() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |count: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % count
    };
    let entry = |seq: u64, words: usize| {
        let at = jiff::Timestamp::from_second(1_800_000_000 + seq as i64 * 1_000).unwrap().to_zoned(TimeZone::UTC);
        Entry::new(
            Some(seq),
            at,
            if seq.is_multiple_of(3) { Kind::Passing } else { Kind::Chat },
            Some("李雷"),
            &"word ".repeat(words),
        )
    };
    let mut talk = Talk::new(TimeZone::UTC);
    let (mut newest, mut oldest, mut size) = (10_000, 10_000, (30, 7));
    for _ in 0..2_000 {
        match below(8) {
            0 | 1 => {
                newest += 1;
                talk.push(entry(newest, below(30)));
            }
            2 => {
                let older: Vec<Entry> = (oldest - 4..oldest).map(|seq| entry(seq, seq as usize % 20)).collect();
                oldest -= 4;
                talk.push_older(older.into_iter());
            }
            3 | 4 => {
                talk.scroll_up(1 + below(12));
            }
            5 => talk.scroll_down(1 + below(9)),
            6 => talk.is_quiet = below(2) == 0,
            _ => size = (8 + below(60), 1 + below(20)),
        }
        let view = |talk: &mut Talk, height: usize| -> Vec<(Option<u64>, Row)> {
            talk.view(size.0, height).into_iter().map(|(entry, row)| (entry.seq, row)).collect()
        };
        let seen = view(&mut talk, size.1);
        let (anchored, is_following) = (seen.last().cloned(), talk.is_following());
        let whole = view(&mut talk, usize::MAX);
        view(&mut talk, size.1);
        assert!(whole.ends_with(&seen));
        for (_, row) in &seen {
            assert!(!matches!(row, Row::Text { text, .. } if width(text) > size.0.max(9) - 6), "{row:?} in {size:?}");
        }
        if !is_following {
            newest += 1;
            talk.push(entry(newest, 5));
            assert_eq!(view(&mut talk, size.1).last().cloned(), anchored);
        }
    }
    while !talk.is_following() {
        talk.scroll_down(50);
    }
    assert!(talk.view(size.0, size.1).last().is_some_and(|(entry, _)| entry.seq == Some(newest) || talk_is_quiet(newest)));
}

/// Whether the newest entry is of those that are hidden.
fn talk_is_quiet(seq: u64) -> bool {
    seq.is_multiple_of(3)
}
