//! What hostile and ordinary writers send, and what is left of it.

use parlor::protocol::text::is_bidi_control;
use std::iter::repeat_n;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::*;

const FAMILY: &str = "👨\u{200d}👩\u{200d}👧\u{200d}👦";

/// Characters that make trouble, and those that must survive beside them.
const POOL: [&str; 62] = [
    "a",
    "b",
    "Z",
    "0",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{1b}",
    "\u{1b}[2J",
    "\u{1b}]8;;http://x\u{7}",
    "\u{9b}31m",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{61c}",
    "\u{200e}",
    "\u{2028}",
    "\u{ad}",
    "\u{feff}",
    "\u{200b}",
    "\u{200c}",
    "\u{200d}",
    "\u{fe0f}",
    "\u{fe0e}",
    "\u{1f3fd}",
    "\u{e0041}",
    "\u{fff9}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{301}",
    "\u{489}",
    "\u{20e3}",
    "中",
    "文",
    "，",
    "。",
    "「",
    "」",
    "한",
    "\u{1100}",
    "\u{1161}",
    "\u{11a8}",
    "👩",
    "❤",
    "🇩",
    "🇪",
    "क",
    "\u{94d}",
    "ष",
    "\u{93e}",
    "ل",
    "ا",
    "می",
    "\u{600}",
    "\u{ff9e}",
];

/// A small generator (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(60) {
            match self.below(8) {
                0 => text.extend(char::from_u32(self.below(0x11_0000) as u32)),
                1 => text.extend(char::from_u32(self.below(0x3000) as u32)),
                2 => text.extend(repeat_n(POOL[self.below(POOL.len())], self.below(12))),
                _ => text.push_str(POOL[self.below(POOL.len())]),
            }
        }
        text
    }
}

/// The columns that ratatui fills when it writes this, and the cells that it leaves.
fn drawn(text: &str) -> (usize, Buffer) {
    let room = width(text) as u16 + 20;
    let mut buffer = Buffer::empty(Rect::new(0, 0, room, 1));
    let (end, _) = buffer.set_stringn(0, 0, text, usize::from(room), Style::default());
    (usize::from(end), buffer)
}

fn assert_harmless(text: &str) {
    let cleaned = clean(text);
    let bad = |c: char| c.is_control() || is_bidi_control(c) || is_ignorable(c) || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!cleaned.contains(bad), "{text:?} became {cleaned:?}");
    for grapheme in cleaned.graphemes(true) {
        let columns = grapheme_width(grapheme);
        assert!((1..=CLUSTER_COLUMNS).contains(&columns), "{text:?}: {grapheme:?} takes {columns}");
    }
    assert_eq!(clean(&cleaned), cleaned, "{text:?}: what is clean stays as it is");
    assert_eq!(drawn(&cleaned).0, width(&cleaned), "{text:?}");
}

fn assert_wraps(text: &str, first_width: usize, width_of_rest: usize) {
    let cleaned = clean(text);
    let ranges = wrap(&cleaned, first_width, width_of_rest);
    let mut covered = 0;
    for (number, range) in ranges.iter().enumerate() {
        let line = &cleaned[range.clone()];
        assert!(cleaned[covered..range.start].chars().all(char::is_whitespace), "{cleaned:?}: lost before {range:?}");
        assert!(!line.is_empty() || cleaned.is_empty(), "{cleaned:?}: an empty line");
        let room = if number == 0 { first_width } else { width_of_rest };
        assert!(width(line) <= room || line.graphemes(true).count() == 1, "{cleaned:?}: {line:?} is wider than {room}");
        covered = range.end;
    }
    assert!(cleaned[covered..].chars().all(char::is_whitespace), "{cleaned:?}: lost its end");
}

#[test]
fn random_texts_become_harmless_and_wrap() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2_000 {
        let text = random.text();
        assert_harmless(&text);
        let (first_width, width_of_rest) = (random.below(20), random.below(20));
        assert_wraps(&text, first_width, width_of_rest);
        for line in lines(&text) {
            assert!(!line.contains('\n'));
        }
        let cleaned = clean(&text);
        assert!(width(&fit(&cleaned, first_width)) <= first_width, "{cleaned:?}");
    }
}

#[test]
fn every_character_alone_is_harmless() {
    let mut text = String::new();
    for c in (0..=0x10_ffff)
        .filter_map(char::from_u32)
        .filter(|c| !matches!(*c, '\u{4e01}'..='\u{9f00}' | '\u{20001}'..='\u{e0000}'))
    {
        text.clear();
        text.push(c);
        let cleaned = clean(&text);
        let columns = width(&cleaned);
        assert!(columns <= 2 || c == '\t', "{c:?} takes {columns}");
        assert!(columns > 0 || cleaned.is_empty(), "{c:?} became {cleaned:?}");
        assert!(!cleaned.contains(char::is_control), "{c:?}");
    }
}

#[test]
fn what_acts_on_a_terminal_leaves_a_mark() {
    for (text, cleaned) in [
        ("\u{1b}[2Jgone", "�[2Jgone"),
        ("\u{1b}]8;;http://evil\u{1b}\\here\u{1b}]8;;\u{7}", "�]8;;http://evil�\\here�]8;;�"),
        ("\u{9b}31mred", "�31mred"),
        ("bell\u{7}\u{7f}", "bell��"),
        ("two\r\nlines", "two��lines"),
        ("invoice\u{202e}fdp.exe", "invoice�fdp.exe"),
        ("\u{2066}x\u{2069}\u{200f}\u{61c}", "�x���"),
        ("\u{fff9}seen\u{fffa}hidden\u{fffb}", "�seen�hidden�"),
        ("\u{fdd0}\u{ffff}\u{378}", "���"),
    ] {
        assert_eq!(clean(text), cleaned, "{text:?}");
        assert_harmless(text);
    }
}

#[test]
fn what_nobody_sees_vanishes() {
    for (text, cleaned) in [
        ("soft\u{ad}hyphen", "softhyphen"),
        ("\u{feff}a\u{200b}b\u{2060}c\u{3164}", "abc"),
        ("🏴\u{e0067}\u{e0062}\u{e007f}", "🏴"),
        ("葛\u{e0100}城", "葛城"),
        ("a\u{200d}b\u{200c}", "ab"),
        ("one\u{2028}two", "one two"),
        ("ｶﾞﾊﾟ", "ｶ゛ﾊ゜"),
    ] {
        assert_eq!(clean(text), cleaned, "{text:?}");
    }
}

#[test]
fn emoji_come_apart() {
    for (text, cleaned, columns) in [
        (FAMILY, "👨👩👧👦", 8),
        ("👍🏽", "👍", 2),
        ("❤\u{fe0f}", "❤", 1),
        ("1\u{fe0f}\u{20e3}", "1\u{20e3}", 1),
        ("🇩🇪", "🇩🇪", 2),
        ("🇩🇪🇫", "🇩🇪F", 3),
    ] {
        assert_eq!(clean(text), cleaned);
        assert_eq!(width(cleaned), columns, "{cleaned}");
        assert_harmless(text);
    }
}

#[test]
fn letters_of_all_scripts_stay() {
    for text in [
        "hello",
        "你好，世界。",
        "こんにちは",
        "한국어",
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "e\u{301}",
        "Ελληνικά",
        "שלום",
        "ไทย",
        "မြန်မာဘာသာ",
        "ភាសាខ្មែរ",
        "සිංහල ශ්\u{200d}රී",
        "தமிழ்",
        "हिन्दी र्त्स्न्य",
        "မောင်း",
        "བོད་སྐད་",
        "አማርኛ",
        "ᠮᠣᠩᠭᠣᠯ",
        "Việt",
        "ｶ゛",
        "　",
    ] {
        assert_eq!(clean(text), text);
        assert_harmless(text);
        assert_wraps(text, 3, 4);
    }
    assert_eq!(width("你好"), 4);
    assert_eq!(width("你好，世界。"), "你好，世界。".width());
}

#[test]
fn marks_are_few_and_stand_on_something() {
    assert_eq!(clean(&format!("a{}b", "\u{301}".repeat(50))), "a\u{301}\u{301}\u{301}\u{301}b");
    assert_eq!(clean("\u{301}x"), "◌\u{301}x");
    assert_eq!(clean("\t\u{301}"), "    ◌\u{301}");
    assert_eq!(clean("\u{1161}"), "�", "a vowel of Hangul without its consonant");
    assert_harmless(&"\u{600}".repeat(500));
    assert_harmless(&"\u{1100}".repeat(500));
    assert_harmless(&"क\u{94d}".repeat(500));
    assert_eq!(width(&clean(&"क\u{94d}".repeat(500))), CLUSTER_COLUMNS);
}

#[test]
fn tabs_reach_the_next_stop() {
    assert_eq!(clean("\tx"), "    x");
    assert_eq!(clean("ab\tx"), "ab  x");
    assert_eq!(clean("你好\tx"), "你好    x");
}

#[test]
fn four_thousand_bytes_of_families_wrap() {
    let families: String = FAMILY
        .chars()
        .cycle()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= 4096).then_some(c)
        })
        .collect();
    assert_harmless(&families);
    for width in 0..5 {
        assert_wraps(&families, 1, width);
    }
}

#[test]
fn lines_end_at_newlines() {
    assert_eq!(lines("a\nb\r\n\nc\n").collect::<Vec<_>>(), ["a", "b", "", "c"]);
    assert_eq!(lines("").collect::<Vec<_>>(), [""]);
    assert_eq!(lines("a\rb\x1b").collect::<Vec<_>>(), ["a�b�"]);
}

#[test]
fn columns_are_those_of_the_buffer() {
    let text = clean(&format!("{FAMILY} 你好 e\u{301} لا \u{1b}[31m ｶﾞ क\u{94d}ष"));
    let (columns, buffer) = drawn(&text);
    assert_eq!(columns, width(&text));
    let cells: String = (0..columns as u16).map(|x| buffer[(x, 0)].symbol()).collect();
    assert_eq!(cells.replace(' ', ""), text.replace(' ', ""), "nothing was left out");
}

#[track_caller]
fn wrapped(text: &str, first_width: usize, width: usize) -> Vec<&str> {
    assert_wraps(text, first_width, width);
    wrap(text, first_width, width).into_iter().map(|range| &text[range]).collect()
}

#[test]
fn lines_break_at_blanks() {
    assert_eq!(wrapped("", 5, 5), [""]);
    assert_eq!(wrapped("the quick brown fox", 10, 10), ["the quick", "brown fox"]);
    assert_eq!(wrapped("the quick brown fox", 3, 11), ["the", "quick brown", "fox"]);
    assert_eq!(wrapped("ab   cd", 3, 3), ["ab", "cd"]);
    assert_eq!(wrapped("  indented text", 11, 11), ["  indented", "text"]);
    assert_eq!(wrapped("10\u{a0}km away", 6, 6), ["10\u{a0}km", "away"]);
    assert_eq!(wrapped("end.  ", 4, 4), ["end."]);
    assert_eq!(wrapped("      ", 2, 2), ["  "]);
}

#[test]
fn words_longer_than_a_line_break_anywhere() {
    assert_eq!(wrapped("see abcdefghij now", 5, 5), ["see", "abcde", "fghij", "now"]);
    assert_eq!(wrapped("e\u{301}e\u{301}e\u{301}", 2, 2), ["e\u{301}e\u{301}", "e\u{301}"]);
    assert_eq!(wrapped("你a", 1, 1), ["你", "a"]);
    assert_eq!(wrapped("你好", 0, 0), ["你", "好"]);
}

#[test]
fn chinese_breaks_between_characters() {
    assert_eq!(wrapped("今天天气很好。", 8, 8), ["今天天气", "很好。"]);
    assert_eq!(wrapped("今天天气，很好", 8, 8), ["今天天", "气，很好"], "a comma does not begin a line");
    assert_eq!(wrapped("他说「你好」吗", 6, 6), ["他说", "「你", "好」吗"], "nor does a bracket end one");
    assert_eq!(wrapped("用Parlor聊天", 8, 8), ["用Parlor", "聊天"]);
    assert_eq!(wrapped("我用Parlor", 6, 6), ["我用", "Parlor"]);
}

#[test]
fn what_is_cut_ends_in_an_ellipsis() {
    for (text, columns, cut) in [
        ("hello", 5, "hello"),
        ("hello", 4, "hel…"),
        ("你好吗", 5, "你好…"),
        ("你好吗", 4, "你…"),
        ("你", 1, "…"),
        ("x", 0, ""),
        ("", 0, ""),
    ] {
        assert_eq!(fit(text, columns), cut);
    }
}
