//! What the screen looks like, kept as text: each scene at the sizes that were promised. After a change that
//! is meant: `INSTA_UPDATE=always cargo test --test client`, then look at what changed.

use std::time::{Duration, Instant};

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use parlor::client::{Event, Progress};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use super::super::room::tests::{game_event, press, room, room_event, start_of};
use super::super::room::{Ask, Room, Told};
use super::theme::Theme;
use super::width;

const SIZES: [(u16, u16); 3] = [(40, 12), (80, 24), (200, 60)];

fn draw(room: &mut Room, (columns, rows): (u16, u16), theme: Theme, now: Instant) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| super::draw(frame, room, theme, now)).unwrap();
    terminal
}

/// The screen as text, between bars so that what is blank is seen.
fn text(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let row = |y: u16| {
        let (mut line, mut hidden) = (String::from("|"), 0);
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            // Behind a wide character stands a cell that is not seen.
            if hidden == 0 {
                line.push_str(symbol);
                hidden = width(symbol);
            }
            hidden = hidden.saturating_sub(1);
        }
        line + "|\n"
    };
    (0..buffer.area.height).map(row).collect()
}

/// Compares a scene with what was kept, at each size.
fn keep(name: &str, room: &mut Room, now: Instant) {
    for size in SIZES {
        let terminal = draw(room, size, Theme::Plain, now);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text(&terminal));
    }
}

fn hear(room: &mut Room, seq: u64, event: Value) {
    room.hear(Event::Room(room_event(seq, event)), Instant::now());
}

/// A talk with most of what there is.
fn evening() -> Room {
    let mut room = room("alice");
    let page = [
        json!({ "item": "enter", "from": "alice" }),
        json!({ "item": "leave", "from": "alice" }),
        json!({ "item": "chat", "from": "李雷", "text": "你好，爱丽丝！明天下午三点我们在老地方见面，别忘了带上那本关于分布式系统的书。" }),
        json!({ "item": "chat", "from": "bob", "text": "alice: the report is on the shelf, have a look when you find the time" }),
        json!({ "item": "enter", "from": "alice" }),
    ];
    let page = (6..).zip(page).map(|(seq, event)| room_event(seq, event)).collect();
    room.tell(Told::Older { before: Some(11), outcome: Ok((page, false)) }, Instant::now());
    hear(&mut room, 11, json!({ "item": "enter", "from": "李雷" }));
    hear(
        &mut room,
        12,
        json!({ "item": "file", "from": "bob", "file_name": "report.pdf", "size_bytes": 733_912, "sha256": "" }),
    );
    hear(
        &mut room,
        13,
        json!({ "item": "file", "from": "李雷", "file_name": "会议纪要（最终版）.docx", "size_bytes": 20_480, "sha256": "" }),
    );
    hear(&mut room, 14, json!({ "item": "chat", "from": "alice", "text": "cafe\u{301} 👨‍👩‍👧 and\ntwo lines\tin one text" }));
    hear(&mut room, 1450, json!({ "item": "announcement", "text": "closing at ten" }));
    hear(&mut room, 1451, json!({ "item": "invite", "from": "bob", "game_id": 4, "game": "chess", "clock": "5+3" }));
    room
}

fn position(ply: u64, turn: &str, text: &str) -> Value {
    json!({ "ply": ply, "turn": turn, "position": text, "first_ms": 293_000, "second_ms": 8_400 })
}

/// A game under way: `moves` were played, and this is how it stands.
fn play(room: &mut Room, now: Instant, game: &str, names: [&str; 2], start: &str, moves: &[(&str, &str)]) {
    let merged = |mut event: Value, position: Value| {
        for (key, value) in position.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    };
    let at = "2026-11-20T10:00:00.000Z";
    let begun = json!({ "item": "begun", "game": game, "at": at, "first": names[0], "second": names[1], "clock": "5+3", "paused": false });
    room.hear(Event::Game(game_event(merged(begun, position(0, names[0], start)))), now);
    for (index, (played, text)) in moves.iter().enumerate() {
        let event = json!({ "item": "move", "game": game, "at": at, "from": names[index % 2], "move": played });
        let after = position(index as u64 + 1, names[(index + 1) % 2], text);
        room.hear(Event::Game(game_event(merged(event, after))), now);
    }
}

fn gomoku(stones: &[(usize, usize, char)], turn: char) -> String {
    let mut rows = vec![vec!['.'; 15]; 15];
    for &(column, row, stone) in stones {
        rows[15 - row][column - 1] = stone;
    }
    rows.iter().map(|row| row.iter().collect::<String>()).collect::<Vec<_>>().join("/") + " " + &turn.to_string()
}

#[test]
fn the_talk() {
    keep("talk", &mut evening(), Instant::now());
}

#[test]
fn an_empty_room() {
    keep("empty", &mut room("alice"), Instant::now());
}

#[test]
fn files_on_their_way() {
    let (mut room, now) = (evening(), Instant::now());
    room.take_asks();
    press(&mut room, "/get report.pdf<enter>/get 会议纪要（最终版）.docx<enter>");
    let ids: Vec<u64> =
        room.take_asks().iter().filter_map(|ask| if let Ask::Download { id, .. } = ask { Some(*id) } else { None }).collect();
    let tell = |room: &mut Room, id, done_bytes, size_bytes, at: Duration| {
        room.tell(Told::Progress(id, Progress { done_bytes, size_bytes }), now + at);
    };
    tell(&mut room, ids[0], 100_000, 733_912, Duration::ZERO);
    tell(&mut room, ids[0], 300_000, 733_912, Duration::from_secs(1));
    keep("transfers", &mut room, now + Duration::from_secs(1));
}

#[test]
fn a_game_of_gomoku() {
    let (mut room, now) = (evening(), Instant::now());
    let first = gomoku(&[(8, 8, 'x')], 'o');
    let second = gomoku(&[(8, 8, 'x'), (9, 9, 'o')], 'x');
    play(&mut room, now, "gomoku", ["alice", "李雷"], &gomoku(&[], 'x'), &[("h8", &first), ("i9", &second)]);
    keep("gomoku", &mut room, now + Duration::from_secs(2));
}

#[test]
fn a_game_of_chess_from_the_other_side_with_a_piece_picked_up() {
    let (mut room, now) = (evening(), Instant::now());
    let start = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
    let after = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1";
    play(&mut room, now, "chess", ["bob", "alice"], start, &[("e4", after)]);
    press(&mut room, "<down><down><down><enter>");
    keep("chess", &mut room, now);
}

#[test]
fn a_game_of_xiangqi_that_is_watched_while_a_player_is_away() {
    let (mut room, now) = (evening(), Instant::now());
    room.take_asks();
    press(&mut room, "/watch 7<enter>");
    let board = json!({ "item": "board", "game": "xiangqi", "at": "2026-11-20T10:00:00.000Z", "first": "韩梅梅", "second": "李雷",
        "paused": false, "away": "李雷", "timeout_ms": 42_000, "ply": 0, "turn": "韩梅梅",
        "position": start_of("xiangqi") });
    room.hear(Event::Game(game_event(board)), now);
    keep("xiangqi", &mut room, now);
}

#[test]
fn a_game_that_is_over() {
    let (mut room, now) = (evening(), Instant::now());
    let after = "x../.../... o";
    play(&mut room, now, "tic-tac-toe", ["alice", "bob"], ".../.../... x", &[("a3", after)]);
    let over = json!({ "item": "over", "game": "tic-tac-toe", "at": "2026-11-20T10:00:00.000Z", "first": "alice", "second": "bob",
        "result": "first", "reason": "resigned" });
    room.hear(Event::Game(game_event(over)), now);
    keep("over", &mut room, now);
}

#[test]
fn what_tab_offers_and_what_is_asked() {
    let mut room = evening();
    press(&mut room, "/re<tab>");
    keep("choices", &mut room, Instant::now());
    room.paste("one\ntwo\nthree");
    keep("question", &mut room, Instant::now());
}

#[test]
fn a_lost_connection_and_a_closed_one() {
    let mut room = evening();
    room.hear(Event::Lost { retry: Duration::from_secs(1) }, Instant::now());
    let screen = text(&draw(&mut room, (80, 24), Theme::Plain, Instant::now()));
    assert!(screen.contains("connection lost, trying again"), "{screen}");
    room.hear(Event::Ended { reason: "replaced".into() }, Instant::now());
    let screen = text(&draw(&mut room, (80, 24), Theme::Plain, Instant::now()));
    assert!(screen.contains("closed (replaced)"), "{screen}");
}

/// No size breaks it, with whatever there is to show.
#[test]
fn every_size_can_be_drawn() {
    let (mut room, now) = (evening(), Instant::now());
    press(&mut room, "/get report.pdf<enter>/get other<enter>");
    play(&mut room, now, "gomoku", ["alice", "李雷"], &gomoku(&[], 'x'), &[]);
    for columns in (0..60).chain([100, 300]) {
        for rows in (0..30).chain([80]) {
            draw(&mut room, (columns, rows), Theme::Many, now);
            // The mouse may be pressed on whatever is there now.
            let press = MouseEventKind::Down(MouseButton::Left);
            room.mouse(MouseEvent { kind: press, column: columns / 2, row: rows / 2, modifiers: KeyModifiers::NONE });
        }
    }
}

#[test]
fn the_mouse_reaches_the_square_that_is_seen_there() {
    let (mut room, now) = (room("alice"), Instant::now());
    play(&mut room, now, "gomoku", ["alice", "bob"], &gomoku(&[], 'x'), &[]);
    let screen = text(&draw(&mut room, (80, 24), Theme::Plain, now));
    // The row that begins with 8 behind the line, and in it the column of h: found as a person would.
    let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains("│ 8 .")).unwrap();
    let left = line.chars().position(|letter| letter == '│').unwrap() - 1;
    room.take_asks();
    let kind = MouseEventKind::Down(MouseButton::Left);
    let column = u16::try_from(left + 1 + 3 + 7 * 2).unwrap();
    room.mouse(MouseEvent { kind, column, row: u16::try_from(row).unwrap(), modifiers: KeyModifiers::NONE });
    match &room.take_asks()[..] {
        [Ask::Request { letter: 'M', arguments, .. }] => assert_eq!(arguments["move"], "h8"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_colour_nothing_is_coloured_and_names_keep_theirs() {
    let (mut room, now) = (evening(), Instant::now());
    play(&mut room, now, "gomoku", ["alice", "bob"], &gomoku(&[], 'x'), &[]);
    for (theme, may_be_coloured) in [(Theme::Plain, false), (Theme::Eight, true), (Theme::Many, true)] {
        let terminal = draw(&mut room, (200, 60), theme, now);
        let cells = &terminal.backend().buffer().content;
        let is_coloured = cells.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert_eq!(is_coloured, may_be_coloured, "{theme:?}");
        assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
    }
    assert_eq!(Theme::Many.name("alice"), Theme::Many.name("Alice"));
}
