//! What may be said: text that cannot move a cursor, colour a screen, reverse a line or draw over its neighbours on
//! the terminal of whoever reads it. Also the `ref` a program gives its requests.
//!
//! Two checks: [`check`] is for every line that comes in, [`check_shown`] for what others are shown of it. Only the
//! second counts marks, since a name that was registered before they were counted must still open its account.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::limits::{MARKS_IN_A_RUN, REF_BYTES, TEXT_BYTES};

/// A message's text: not empty, not only blanks, nothing that a terminal acts on, no letter under a heap of marks.
/// Newlines occur only where a JSON request brought them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Box<str>);

/// Why some characters are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// Nothing, or nothing that can be seen.
    Blank,
    /// Longer than [`TEXT_BYTES`] once decoded.
    TooLong,
    /// An escape character: somebody pressed an arrow key, or means harm.
    Escape,
    /// Another character that acts on a terminal, see [`acts_on_terminals`].
    Control,
    /// More than [`MARKS_IN_A_RUN`] combining marks in a run.
    Marks,
}

impl Text {
    /// Text of a line: what stands there, blanks and all.
    pub fn parse(words: &str) -> Result<Self, TextFault> {
        Self::checked(words, check_shown(words))
    }

    /// Text of a JSON request or of an announcement, which may have several lines.
    pub fn parse_lines(words: &str) -> Result<Self, TextFault> {
        Self::checked(words, words.split('\n').try_for_each(check_shown))
    }

    fn checked(words: &str, verdict: Result<(), TextFault>) -> Result<Self, TextFault> {
        verdict?;
        if words.len() > TEXT_BYTES {
            return Err(TextFault::TooLong);
        }
        if words.chars().all(is_unseen) {
            return Err(TextFault::Blank);
        }
        Ok(Self(words.into()))
    }

    /// Text that was accepted once and comes back from the store.
    pub fn stored(words: String) -> Self {
        Self(words.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Refuses what acts on a terminal, and invisible tags but for those of a flag.
pub fn check(words: &str) -> Result<(), TextFault> {
    if is_plain(words) {
        return Ok(());
    }
    let mut rest = words.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => return Err(TextFault::Escape),
            BLACK_FLAG => skip_tags_of_flag(&mut rest),
            c if acts_on_terminals(c) || is_tag(c) => return Err(TextFault::Control),
            _ => (),
        }
    }
    Ok(())
}

/// As [`check`], and refuses a run of more than [`MARKS_IN_A_RUN`] combining marks (the categories Mn, Mc and Me).
/// What is invisible between them (Cf) does not end a run: they would still be drawn on one letter.
pub fn check_shown(words: &str) -> Result<(), TextFault> {
    if is_plain(words) {
        return Ok(());
    }
    check(words)?;
    let mut run = 0;
    for c in words.chars() {
        run = match category(c) {
            GeneralCategory::Format => run,
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark => run + 1,
            _ => 0,
        };
        if run > MARKS_IN_A_RUN {
            return Err(TextFault::Marks);
        }
    }
    Ok(())
}

fn is_plain(words: &str) -> bool {
    words.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~'))
}

/// What must never reach somebody's terminal or line-reading program unescaped:
///
/// - control characters (C0 but tab, DEL, C1) and Unicode's bidi controls (UAX #9);
/// - the separators of lines and paragraphs (U+2028, U+2029), at which some programs begin a new line;
/// - interlinear annotations (U+FFF9 to U+FFFB) and the deprecated format controls (U+206A to U+206F), which change
///   how what follows them is shown;
/// - noncharacters, which are not for interchange.
pub fn acts_on_terminals(c: char) -> bool {
    match c {
        '\t' | ' '..='~' => false,
        '\u{2028}' | '\u{2029}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' => true,
        c => c.is_control() || is_bidi_control(c) || u32::from(c) & 0xfffe == 0xfffe,
    }
}

/// Unicode's property `Bidi_Control`: what reorders a line on its way to the reader's eye.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What the flag of a part of a country begins with, as that of England.
const BLACK_FLAG: char = '\u{1f3f4}';
const TAG_END: char = '\u{e007f}';

/// Tags are an invisible copy of ASCII: what they say would be read by programs and seen by nobody.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Passes over the tags behind a black flag, if they name a part of a country (UTS #51, ED-14a).
fn skip_tags_of_flag(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    let is_in_code = |c: &char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let mut length = 0;
    let end = loop {
        match ahead.next() {
            Some(c) if is_in_code(&c) => length += 1,
            end => break end,
        }
    };
    if end == Some(TAG_END) && (3..=6).contains(&length) {
        *rest = ahead;
    }
}

/// A character's category, as far as it matters here: most of what people write is letters, and known to be without a
/// look into a table.
fn category(c: char) -> GeneralCategory {
    match c {
        '\u{ad}' => GeneralCategory::Format,
        '\0'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{52f}' => GeneralCategory::OtherLetter,
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => {
            GeneralCategory::OtherLetter
        }
        c => c.general_category(),
    }
}

/// Blanks, and what is drawn as nothing: format characters, selectors, the fillers of Korean, an empty braille cell.
fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}')
        || matches!(c, '\u{e0100}'..='\u{e01ef}')
        || category(c) == GeneralCategory::Format
}

/// What a program names one of its requests by; at most [`REF_BYTES`] bytes, echoed in the reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ref(Box<str>);

impl Ref {
    /// Reads a `ref`; `None` if it is empty, too long or no text: others are shown it.
    pub fn parse(word: &str) -> Option<Self> {
        (!word.is_empty() && word.len() <= REF_BYTES && check_shown(word).is_ok()).then(|| Self(word.into()))
    }

    /// The `ref` as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_may_say_what_they_like() {
        for words in [
            "hello",
            "  indented\tand tabbed ",
            "你好",
            "👩‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 1️⃣ #️⃣ ❤️ ☺︎ 🇩🇪",
            "می‌خواهم",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "soft\u{ad}hyphen, zero\u{200b}width, \u{feff}mark, word\u{2060}joiner, ᠮᠠᠨ\u{180e}ᠠ",
            "private \u{e0b0}",
        ] {
            assert_eq!(Text::parse(words).map(|text| text.as_str().to_owned()), Ok(words.to_owned()));
        }
    }

    #[test]
    fn no_script_needs_more_marks_than_there_may_be() {
        for words in [
            "\u{f67}\u{f90}\u{fb5}\u{fa8}\u{fb3}\u{fba}\u{fbc}\u{fbb}\u{f82}", // the ten powers, in Tibetan
            "བསྒྲུབས་ཧཱུྃ",
            "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים",
            "Nguye\u{302}\u{303}n, Vie\u{323}\u{302}t",
            "ที่นี่ น้ำ ผู้ใหญ่",
            "क्षत्रिय र्त्स्न्य हिन्दी",
            "ரொட்டி, শ্রী, မြန်မာ, ខ្ញុំ",
            "مُحَمَّدٌ",
            "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}",
            "x\u{305}\u{305}\u{305}",
        ] {
            assert_eq!(check_shown(words), Ok(()), "{words}");
        }
    }

    #[test]
    fn what_is_known_without_a_table_is_right() {
        use GeneralCategory::{EnclosingMark, Format, NonspacingMark, SpacingMark};
        for c in '\0'..=char::MAX {
            let matters = |category| matches!(category, Format | NonspacingMark | SpacingMark | EnclosingMark);
            let real = c.general_category();
            assert!(category(c) == real || !matters(real) && !matters(category(c)), "{c:?} is {real:?}");
        }
    }

    #[test]
    fn a_heap_of_marks_is_none_of_them() {
        let marks = |count| "\u{301}\u{489}\u{903}".chars().cycle().take(count).collect::<String>();
        for (words, want) in [
            (format!("a{}", marks(8)), Ok(())),
            (format!("a{}", marks(9)), Err(TextFault::Marks)),
            (marks(9), Err(TextFault::Marks)),
            (format!("a{0}b{0}", marks(8)), Ok(())),
            // What is invisible does not end a run.
            (format!("a{0}\u{200d}{0}", marks(5)), Err(TextFault::Marks)),
            (format!("a{0}\u{34f}{0}", marks(4)), Err(TextFault::Marks)),
            (format!("☺{}", "\u{fe0f}".repeat(9)), Err(TextFault::Marks)),
        ] {
            assert_eq!(check_shown(&words), want, "{words:?}");
            assert_eq!(check(&words), Ok(()));
        }
        assert_eq!(Text::parse_lines(&format!("ok\na{}", marks(9))), Err(TextFault::Marks));
        assert!(Ref::parse(&marks(9)).is_none());
    }

    #[test]
    fn but_nothing_that_acts_on_a_terminal() {
        for (words, fault) in [
            ("", TextFault::Blank),
            (" \t\u{3000}", TextFault::Blank),
            ("\u{200b}\u{ad}\u{3164}\u{feff} \u{2800}", TextFault::Blank),
            ("\u{1b}[2J", TextFault::Escape),
            ("bell\u{7}", TextFault::Control),
            ("a\rb", TextFault::Control),
            ("two\nlines", TextFault::Control),
            ("next\u{85}line", TextFault::Control),
            ("c1\u{9b}31m", TextFault::Control),
            ("del\u{7f}", TextFault::Control),
            ("evil\u{202e}txt", TextFault::Control),
            ("\u{2066}x", TextFault::Control),
            ("x\u{200f}", TextFault::Control),
            ("a\u{2028}b", TextFault::Control),
            ("a\u{2029}b", TextFault::Control),
            ("a\u{206a}b", TextFault::Control),
            ("a\u{fff9}b\u{fffa}c\u{fffb}", TextFault::Control),
            ("a\u{ffff}", TextFault::Control),
            ("a\u{1fffe}", TextFault::Control),
            ("a\u{fdd0}", TextFault::Control),
        ] {
            assert_eq!(Text::parse(words), Err(fault), "{words:?}");
        }
        assert_eq!(Text::parse(&"x".repeat(TEXT_BYTES + 1)), Err(TextFault::TooLong));
    }

    #[test]
    fn tags_stand_in_flags_only() {
        let tagged = |words: &str| words.bytes().map(|b| char::from_u32(0xe0000 + u32::from(b)).unwrap()).collect::<String>();
        for (before, tags, end, is_flag) in [
            ("🏴", "gbsct", "\u{e007f}", true),
            ("🏴", "usca", "\u{e007f}", true),
            ("🏴", "gbsct", "", false),
            ("🏴x", "gbsct", "\u{e007f}", false),
            ("a", "gbsct", "\u{e007f}", false),
            ("🏴", "buy now", "\u{e007f}", false),
            ("🏴", "ignoreall", "\u{e007f}", false),
            ("", "", "\u{e0001}", false),
        ] {
            let words = format!("a{before}{}{end} b", tagged(tags));
            assert_eq!(check(&words).is_ok(), is_flag, "{words:?}");
        }
    }

    #[test]
    fn a_program_may_send_several_lines() {
        assert_eq!(Text::parse_lines("a\nb").unwrap().as_str(), "a\nb");
        assert_eq!(Text::parse_lines("a\n\u{1b}b"), Err(TextFault::Escape));
        assert_eq!(Text::parse_lines("\n\n"), Err(TextFault::Blank));
    }
}
