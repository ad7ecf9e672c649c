//! Hostile peers and a hostile server: whatever they say, the screen stays whole, nothing but what is drawn
//! reaches the terminal, and the program lives and leaves when it is told to.

mod boards;
mod floods;
pub mod server;
mod words;

use std::fs;

use vt100::Screen;

use crate::harness::{Exit, Terminal, eventually, is_intact, row, row_with, rows, size_of};
use server::{Server, Words};

/// What a terminal would obey, or show in a way that nobody could have meant.
const POISON: &[&str] = &[
    "\x1b[2J\x1b[H\x1b[31mred",
    "\x1b]0;a title\x07\x1b]2;another\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "\x1b[?1049l\x1b[?25l\x1b[?1000h\x1bc",
    "\x1b[6n\x1b[c\x1b[5i\x1bP$q\x1b\\",
    "\u{9b}2J\u{9d}0;title\u{9c}\u{90}q\u{9c}",
    "\r\n\x0b\x0c\x08\x08\x08\x7f\0\x07\x0e\x0f",
    "\u{202e}reversed\u{2066}\u{2069}\u{200f}\u{61c}",
    "z\u{351}\u{352}\u{353}\u{354}\u{355}\u{356}\u{357}\u{358}\u{359}\u{35a}\u{35b}\u{35c}\u{35d}\u{35e}\u{35f}",
    "👨\u{200d}👩\u{200d}👧\u{200d}👦👩🏽\u{200d}🚀🏳\u{fe0f}\u{200d}🌈🇨🇳🇨",
    "\u{2028}\u{2029}\u{85}\u{feff}\u{fff9}\u{e0041}\u{ad}",
    "宽宽宽宽宽宽\u{301}\u{301}\u{ff9e}\u{1f1e6}",
    "%s%n{}{0}$(reboot)`reboot`",
];

/// The client in this server's room.
fn enter(server: &Server) -> Terminal {
    Terminal::enter(server.address, "alice")
}

/// The column of the line between the talk and what is beside it.
fn edge(screen: &Screen) -> Option<u16> {
    let (rows, columns) = size_of(screen);
    let is_line = |column: u16, row: u16| screen.cell(row, column).is_some_and(|cell| cell.contents() == "│");
    (0..columns).find(|&column| (1..rows - 1).all(|row| is_line(column, row)))
}

/// All that is seen but for the talk: the bar, what stands beside the talk, and the input.
fn around_talk(screen: &Screen) -> Option<Vec<String>> {
    let ((height, columns), edge) = (size_of(screen), edge(screen)?);
    let beside = screen.rows(edge, columns - edge).take(usize::from(height) - 1).skip(1);
    Some(std::iter::once(row(screen, 0)).chain(beside).chain([row(screen, height - 1)]).collect())
}

/// Waits for a word of honest people behind what was hostile, on a whole screen.
#[track_caller]
fn still_hears(server: &Server, terminal: &Terminal, word: &str) {
    server.chat("eve", word);
    terminal.wait_until(word, |screen| {
        is_intact(screen) && rows(screen).iter().any(|row| row.ends_with(word) || row.contains(&format!("{word} ")))
    });
}

/// The same where the connection may have been lost meanwhile: it is said until it is heard.
#[track_caller]
fn hears_again(server: &Server, terminal: &Terminal, word: &str) {
    eventually(word, || {
        server.chat("eve", word);
        let screen = terminal.screen();
        is_intact(&screen) && row_with(&screen, word).is_some()
    });
}

/// Leaves the room, and looks at every byte that the terminal was ever sent.
#[track_caller]
fn leave(mut terminal: Terminal) -> Exit {
    terminal.enter_line("/quit");
    // It asks whoever plays; nobody minds the answer where there is no question.
    terminal.press("y");
    let oddities = terminal.oddities();
    let exit = terminal.exit();
    assert!(exit.status.success(), "{}", exit.status);
    exit.assert_restored();
    assert!(oddities.others.is_empty(), "the terminal was told: {:#?}", oddities.others);
    assert_harmless(&exit.bytes);
    exit
}

/// Fails if there is anything among the bytes that a full screen does not need.
#[track_caller]
fn assert_harmless(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("what is written is UTF-8");
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let around = rest.as_str().chars().take(20).collect::<String>();
        match c {
            '\x1b' => {
                assert_eq!(rest.next(), Some('['), "an escape sequence: {around:?}");
                let mut sequence = String::new();
                let end = loop {
                    let next = rest.next().expect("a whole sequence");
                    sequence.push(next);
                    if matches!(next, '@'..='~') {
                        break next;
                    }
                };
                // The cursor, colours, erasing, and modes; questions and everything else are none of its business.
                let is_mode = matches!(end, 'h' | 'l') && is_mode(&sequence[..sequence.len() - 1]);
                assert!(is_mode || matches!(end, 'H' | 'm' | 'J' | 'K'), "a sequence: {sequence:?}");
            }
            '\r' | '\n' | '\x07' => (),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                panic!("a bidi control before {around:?}")
            }
            _ => assert!(!c.is_control(), "{c:?} before {around:?}"),
        }
    }
}

/// Whether these are modes that a full screen switches: the other screen, the cursor, pastes, the mouse, and
/// frames drawn at once.
fn is_mode(parameters: &str) -> bool {
    let known = ["25", "1000", "1002", "1003", "1006", "1007", "1015", "1049", "2004", "2026"];
    parameters.strip_prefix('?').is_some_and(|modes| modes.split(';').all(|mode| known.contains(&mode)))
}

/// The most memory that a process ever had at once.
fn peak_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn words() -> Words {
    Words::default()
}
