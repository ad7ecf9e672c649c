//! Each key on lines with Chinese, emoji families and combining marks in them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::*;
use crate::client::text::width;

const FAMILY: &str = "👨\u{200d}👩\u{200d}👧";

/// A key as emacs writes it: `C-a`, `M-b`, `Left`, `C-Left`, or a character.
fn key(name: &str) -> KeyEvent {
    let mut modifiers = KeyModifiers::NONE;
    let mut rest = name;
    while let Some((prefix, behind)) = rest.split_once('-').filter(|(_, behind)| !behind.is_empty()) {
        modifiers |= match prefix {
            "C" => KeyModifiers::CONTROL,
            "M" => KeyModifiers::ALT,
            "S" => KeyModifiers::SHIFT,
            _ => break,
        };
        rest = behind;
    }
    let code = match rest {
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Backspace" => KeyCode::Backspace,
        "Delete" => KeyCode::Delete,
        "Enter" => KeyCode::Enter,
        "Tab" => KeyCode::Tab,
        "Esc" => KeyCode::Esc,
        "PageUp" => KeyCode::PageUp,
        "Space" => KeyCode::Char(' '),
        c => KeyCode::Char(c.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

/// Presses keys, named and parted by blanks; each must be one of the editor's.
#[track_caller]
fn press(editor: &mut Editor, keys: &str) {
    for name in keys.split(' ') {
        assert!(editor.handle(key(name)), "{name} is nobody's");
    }
}

/// The line with `|` at the cursor.
fn shown(editor: &Editor) -> String {
    let (before, behind) = editor.text().split_at(editor.cursor());
    format!("{before}|{behind}")
}

/// A line with the cursor where `|` stands.
fn editor(line: &str) -> Editor {
    let (before, behind) = line.split_once('|').unwrap();
    let mut editor = Editor::default();
    editor.set(&format!("{before}{behind}"));
    editor.line.move_to(before.len());
    editor
}

#[track_caller]
fn check(before: &str, keys: &str, after: &str) {
    let mut editor = editor(before);
    press(&mut editor, keys);
    assert_eq!(shown(&editor), after, "{before} {keys}");
}

fn said(lines: &[&str]) -> Editor {
    let mut editor = Editor::default();
    for line in lines {
        editor.insert(line);
        editor.take();
    }
    editor
}

#[test]
fn characters_are_typed_at_the_cursor() {
    check("|", "h S-I 你 🎉 Space !", "hI你🎉 !|");
    check("你|好", "们", "你们|好");
    check("e|", "\u{301} x", "e\u{301}x|");
    check("|👧x", "👨 \u{200d} 👩 \u{200d}", &format!("{}|👧x", FAMILY.trim_end_matches('👧')));
}

#[test]
fn the_cursor_moves_by_clusters() {
    let line = format!("你{FAMILY}e\u{301}|");
    check(&line, "Left", &format!("你{FAMILY}|e\u{301}"));
    check(&line, "C-b C-b", &format!("你|{FAMILY}e\u{301}"));
    check(&line, "C-b C-b Left Left", &format!("|你{FAMILY}e\u{301}"));
    check(&format!("|你{FAMILY}e\u{301}"), "C-f Right", &format!("你{FAMILY}|e\u{301}"));
    check(&line, "Right C-f", &line);
    check("你|好", "C-a", "|你好");
    check("你|好", "C-e", "你好|");
    check("你|好", "Home", "|你好");
    check("你|好", "End", "你好|");
}

#[test]
fn and_by_words() {
    for left in ["M-b", "C-Left", "M-Left"] {
        check("say 你好, cafe\u{301}!|", left, "say 你好, |cafe\u{301}!");
        check("say 你好, |x", left, "say |你好, x");
        check("  |x", left, "|  x");
    }
    for right in ["M-f", "C-Right", "M-Right"] {
        check("|say 你好, x", right, "say| 你好, x");
        check("say| 你好, x", right, "say 你好|, x");
        check("x| !", right, "x !|");
    }
}

#[test]
fn characters_are_deleted_by_clusters() {
    for left in ["Backspace", "C-h"] {
        check(&format!("a{FAMILY}|b"), left, "a|b");
        check("e\u{301}|", left, "|");
        check("|好", left, "|好");
    }
    for right in ["Delete", "C-d"] {
        check(&format!("a|{FAMILY}b"), right, "a|b");
        check("你|", right, "你|");
    }
}

#[test]
fn cuts_come_back() {
    check("rm 你/好|", "C-w", "rm |");
    check("rm 你/好  |x", "C-w", "rm |x");
    check("rm 你/好|", "M-Backspace", "rm 你/|");
    check("rm 你/好|", "C-Backspace", "rm 你/|");
    check("rm| 你好!", "M-d", "rm|!");
    check("a|bc", "C-k", "a|");
    check("ab|c", "C-u", "|c");
    check("ab|c", "C-u C-e C-y", "cab|");
    check("|", "C-y", "|");
}

#[test]
fn consecutive_cuts_are_one() {
    check("one 二 three|", "C-w C-w C-a C-y", "二 three|one ");
    check("|one 二 three", "M-d M-d C-e C-y", " threeone 二|");
    check("a b|c d", "C-w C-k C-y", "a bc d|");
    check("a b c|", "C-w C-b C-w C-y", "a b| ");
}

#[test]
fn older_cuts_take_the_place_of_newer_ones() {
    let mut editor = editor("one two three|");
    press(&mut editor, "C-w C-b C-e C-w C-b C-e C-w C-y");
    assert_eq!(shown(&editor), "one |");
    press(&mut editor, "M-y");
    assert_eq!(shown(&editor), "two |");
    press(&mut editor, "M-y");
    assert_eq!(shown(&editor), "three|");
    press(&mut editor, "M-y");
    assert_eq!(shown(&editor), "one |");
    press(&mut editor, "C-b M-y");
    assert_eq!(shown(&editor), "one| ", "nothing was just yanked");
}

#[test]
fn clusters_change_places() {
    check(&format!("你|{FAMILY}x"), "C-t", &format!("{FAMILY}你|x"));
    check("abe\u{301}|", "C-t", "ae\u{301}b|");
    check("|ab", "C-t", "|ab");
    check("a|", "C-t", "a|");
}

#[test]
fn words_change_case() {
    check("| école élan", "M-u", " ÉCOLE| élan");
    check("É|COLE 你", "M-l", "École| 你");
    check("| éCOLE", "M-c", " École|");
    check("|straße", "M-u", "STRASSE|");
    check("你|", "M-u", "你|");
}

#[test]
fn changes_are_undone_step_by_step() {
    let mut editor = Editor::default();
    press(&mut editor, "o n e C-w t w o Space C-t Left 你");
    assert_eq!(shown(&editor), "tw |o".replace("|o", "你|o"));
    for before in ["tw |o", "two |", "|", "one|", "|", "|"] {
        press(&mut editor, "C-7");
        assert_eq!(shown(&editor), before);
    }
    editor.insert("pasted text");
    press(&mut editor, "! C-_");
    assert_eq!(shown(&editor), "pasted text|");
    press(&mut editor, "C-/");
    assert!(editor.is_empty());
}

#[test]
fn the_history_keeps_the_unfinished_line() {
    let mut editor = said(&["one", "二", "二", " "]);
    press(&mut editor, "d r a f t C-p");
    assert_eq!(shown(&editor), "二|");
    press(&mut editor, "Up");
    assert_eq!(shown(&editor), "one|");
    press(&mut editor, "Up x Down");
    assert_eq!(shown(&editor), "二|", "there is none older, and what was changed is not kept");
    press(&mut editor, "C-n");
    assert_eq!(shown(&editor), "draft|");
    press(&mut editor, "C-n");
    assert_eq!(shown(&editor), "draft|");
    press(&mut editor, "M-<");
    assert_eq!(shown(&editor), "one|");
    press(&mut editor, "M->");
    assert_eq!(shown(&editor), "draft|");
    press(&mut editor, "M-> Up C-_");
    assert_eq!(shown(&editor), "二|", "a recalled line has nothing to undo");
    assert_eq!(editor.take(), "二");
    press(&mut editor, "Up Up");
    assert_eq!(shown(&editor), "one|", "said again, but remembered once");
}

#[test]
fn the_history_is_searched_backwards() {
    let mut editor = said(&["make tea", "你好 tea", "make 茶"]);
    press(&mut editor, "x C-r t e");
    assert_eq!(editor.searching(), Some("te"));
    assert_eq!(shown(&editor), "你好 |tea");
    press(&mut editor, "C-r");
    assert_eq!(shown(&editor), "make |tea");
    press(&mut editor, "C-r z");
    assert_eq!(shown(&editor), "make |tea", "none is older");
    press(&mut editor, "Backspace C-h");
    assert_eq!((editor.searching(), shown(&editor)), (Some("t"), "你好 |tea".into()));
    press(&mut editor, "Esc");
    assert_eq!((editor.searching(), shown(&editor)), (None, "x|".into()));
    press(&mut editor, "C-r 茶 C-a");
    assert_eq!((editor.searching(), shown(&editor)), (None, "|make 茶".into()));
    press(&mut editor, "Up Down Down");
    assert_eq!(shown(&editor), "x|");
    press(&mut editor, "C-r 好");
    assert!(!editor.handle(key("Enter")), "the caller takes the line that was found");
    assert_eq!(editor.searching(), None);
    assert_eq!(editor.take(), "你好 tea");
}

#[test]
fn other_keys_are_the_callers() {
    let mut editor = editor("x|");
    for name in
        ["Enter", "Tab", "S-Tab", "PageUp", "Esc", "C-c", "C-z", "C-l", "C-g", "C-Home", "C-Up", "M-x", "M-Enter", "C-M-a"]
    {
        assert!(!editor.handle(key(name)), "{name}");
    }
    assert_eq!(shown(&editor), "x|");
    press(&mut editor, "C-h");
    assert!(!editor.handle(key("C-d")), "nothing is left to delete");
    assert!(!editor.handle(KeyEvent::new_with_kind(KeyCode::Char('x'), KeyModifiers::NONE, KeyEventKind::Release)));
    assert!(editor.handle(KeyEvent::new_with_kind(KeyCode::Char('x'), KeyModifiers::NONE, KeyEventKind::Repeat)));
    assert!(!editor.handle(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::SUPER)));
    assert_eq!(editor.text(), "x");
}

#[test]
fn the_line_is_one_line_without_controls() {
    let mut editor = Editor::default();
    editor.insert("a\r\nb\tc\nd\u{1b}[2J\u{202e}\u{0}e");
    assert_eq!(editor.text(), "a b c d[2Je");
    editor.replace(2..3, "你\n");
    assert_eq!(shown(&editor), "a 你 | c d[2Je");
    editor.replace(3..4, "x");
    editor.replace(0..99, "x");
    assert_eq!(shown(&editor), "a 你 | c d[2Je", "ranges that are none");
    press(&mut editor, "C-_");
    assert_eq!(editor.text(), "a b c d[2Je");
    editor.set("new\nline");
    assert_eq!(shown(&editor), "new line|");
    editor.clear();
    assert!(editor.is_empty());
}

#[test]
fn the_view_follows_the_cursor() {
    for (line, columns, seen, column) in [
        ("|", 5, "", 0),
        ("hello|", 6, "hello", 5),
        ("|hello", 5, "hello", 0),
        ("hello|", 5, "<llo", 4),
        ("abcdefghij|klmno", 9, "<ghijklm>", 5),
        ("abcdefghijklmno|", 9, "<jklmno", 7),
        ("今天天气很好|", 8, "<很好", 5),
        ("|今天天气很好", 8, "今天天>", 0),
        ("今|天", 1, "", 0),
        ("ab|c", 1, "c", 0),
        ("abc|", 0, "", 0),
    ] {
        assert_eq!(editor(line).view(columns), (seen.to_owned(), column), "{line} in {columns}");
    }
    let (seen, column) = editor(&format!("{FAMILY}|\u{fe0f}")).view(20);
    assert_eq!((seen.as_str(), column), ("👨👩👧", 6));
}

#[test]
fn the_view_never_leaves_its_place() {
    let text =
        format!("I say {FAMILY}{FAMILY} 今天天气，很好 cafe\u{301} \u{301}क\u{94d}ष 🇩🇪🇫 {}", "zalgo\u{489}\u{301}".repeat(9));
    let mut editor = Editor::default();
    editor.set(&text);
    press(&mut editor, "C-a");
    loop {
        for columns in 0..120 {
            let (seen, column) = editor.view(columns);
            assert!(width(&seen) <= columns, "{} in {columns}: {seen}", shown(&editor));
            assert!(usize::from(column) < columns.max(1));
            let mut buffer = Buffer::empty(Rect::new(0, 0, 130, 1));
            assert_eq!(usize::from(buffer.set_stringn(0, 0, &seen, 130, Style::default()).0), width(&seen));
            // The character under the cursor is seen there, if the place is wide enough for it and the marks.
            let under = editor.text()[editor.cursor()..].chars().next().filter(|c| c.is_ascii() && columns > 4);
            if let Some(under) = under {
                assert!(buffer[(column, 0)].symbol().starts_with(under), "{} in {columns}: {seen}", shown(&editor));
            }
        }
        let before = editor.cursor();
        press(&mut editor, "Right");
        if editor.cursor() == before {
            break;
        }
    }
}

/// Any keys in any order leave a line without controls and a cursor in it.
#[test]
fn random_keys_do_no_harm() {
    const KEYS: [&str; 40] = [
        "a",
        "Space",
        "你",
        "👩",
        "\u{200d}",
        "\u{301}",
        "🇩",
        "C-a",
        "C-e",
        "C-b",
        "C-f",
        "M-b",
        "M-f",
        "Backspace",
        "Delete",
        "C-w",
        "M-Backspace",
        "M-d",
        "C-k",
        "C-u",
        "C-y",
        "C-y",
        "M-y",
        "C-t",
        "M-u",
        "M-l",
        "M-c",
        "C-_",
        "C-_",
        "Up",
        "Down",
        "M-<",
        "M->",
        "C-r",
        "C-g",
        "Enter",
        "C-d",
        "Esc",
        "x",
        "é",
    ];
    let mut editor = Editor::default();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let name = KEYS[(random % KEYS.len() as u64) as usize];
        if !editor.handle(key(name)) && name == "Enter" {
            editor.take();
        }
        assert!(editor.text().is_char_boundary(editor.cursor()), "{name}");
        let (seen, column) = editor.view(12);
        assert!(width(&seen) <= 12 && column < 12, "{name}: {seen}");
        if editor.text().len() > 400 {
            editor.clear();
        }
    }
}
