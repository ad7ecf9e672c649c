//! What may be said: text that cannot move a cursor, colour a screen or reverse a line on the
//! terminal of whoever reads it. Also the `ref` a program gives its requests.

use super::limits::{REF_BYTES, TEXT_BYTES};

/// A message's text: not empty, not only blanks, free of control characters and of Unicode's bidi
/// controls. Newlines occur only where a JSON request brought them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Box<str>);

/// Why some characters are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// Nothing, or nothing but blanks.
    Blank,
    /// Longer than [`TEXT_BYTES`] once decoded.
    TooLong,
    /// An escape character: somebody pressed an arrow key, or means harm.
    Escape,
    /// Another control character, or a bidi control.
    Control,
}

impl Text {
    /// Text of a line: what stands there, blanks and all.
    pub fn parse(words: &str) -> Result<Self, TextFault> {
        Self::checked(words, check(words))
    }

    /// Text of a JSON request or of an announcement, which may have several lines.
    pub fn parse_lines(words: &str) -> Result<Self, TextFault> {
        Self::checked(words, words.split('\n').try_for_each(check))
    }

    fn checked(words: &str, verdict: Result<(), TextFault>) -> Result<Self, TextFault> {
        verdict?;
        if words.len() > TEXT_BYTES {
            return Err(TextFault::TooLong);
        }
        if words.chars().all(char::is_whitespace) {
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

/// Refuses control characters (C0 but tab, DEL, C1) and the twelve characters with Unicode's
/// property `Bidi_Control` (UAX #9).
pub fn check(words: &str) -> Result<(), TextFault> {
    if words.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')) {
        return Ok(());
    }
    for c in words.chars() {
        match c {
            '\u{1b}' => return Err(TextFault::Escape),
            '\t' => (),
            c if c.is_control() || is_bidi_control(c) => return Err(TextFault::Control),
            _ => (),
        }
    }
    Ok(())
}

/// Unicode's property `Bidi_Control`: what reorders a line on its way to the reader's eye.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a program names one of its requests by; at most [`REF_BYTES`] bytes, echoed in the reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ref(Box<str>);

impl Ref {
    /// Reads a `ref`; `None` if it is empty, too long or holds control characters.
    pub fn parse(word: &str) -> Option<Self> {
        (!word.is_empty() && word.len() <= REF_BYTES && check(word).is_ok()).then(|| Self(word.into()))
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
        for words in ["hello", "  indented\tand tabbed ", "你好", "👩‍👩‍👧", "می‌خواهم"] {
            assert_eq!(Text::parse(words).unwrap().as_str(), words);
        }
    }

    #[test]
    fn but_nothing_that_acts_on_a_terminal() {
        for (words, fault) in [
            ("", TextFault::Blank),
            (" \t\u{3000}", TextFault::Blank),
            ("\u{1b}[2J", TextFault::Escape),
            ("bell\u{7}", TextFault::Control),
            ("a\rb", TextFault::Control),
            ("two\nlines", TextFault::Control),
            ("c1\u{9b}31m", TextFault::Control),
            ("del\u{7f}", TextFault::Control),
            ("evil\u{202e}txt", TextFault::Control),
            ("\u{2066}x", TextFault::Control),
            ("x\u{200f}", TextFault::Control),
        ] {
            assert_eq!(Text::parse(words), Err(fault), "{words:?}");
        }
        assert_eq!(Text::parse(&"x".repeat(TEXT_BYTES + 1)), Err(TextFault::TooLong));
    }

    #[test]
    fn a_program_may_send_several_lines() {
        assert_eq!(Text::parse_lines("a\nb").unwrap().as_str(), "a\nb");
        assert_eq!(Text::parse_lines("a\n\u{1b}b"), Err(TextFault::Escape));
        assert_eq!(Text::parse_lines("\n\n"), Err(TextFault::Blank));
    }
}
