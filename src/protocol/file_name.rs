//! Names of shared files: what may be one, and when two are the same.
//!
//! A name is a label that strangers give; it never becomes a path of the server, and a client that
//! uses it as one of its own must find it harmless: no directories, nothing hidden, nothing that a
//! terminal acts on.

use std::sync::Arc;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::limits::FILE_NAME_BYTES;
use super::name::fold;
use super::text::{self, TextFault};

/// A shared file's name: 1 to 255 bytes, without `/`, `\`, control or format characters, not
/// beginning with a dot (a pasted download must not replace somebody's `.profile`).
///
/// Two names are the same when their NFKC case-folded forms are, joiners and variation selectors
/// left out: they would be one file, or look like one, on many computers.
#[derive(Clone, Debug)]
pub struct FileName {
    shown: Arc<str>,
    folded: Arc<str>,
}

/// Why some words are no file name, and the nearest that would be one.
#[derive(Clone, Debug)]
pub struct FileNameFault {
    /// What is wrong.
    pub wrong: FileNameWrong,
    /// The same without directories and leading dots, if that is a name.
    pub instead: Option<FileName>,
}

/// What is wrong with a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileNameWrong {
    /// It is a path.
    Path,
    /// It begins with a dot.
    Hidden,
    /// It is longer than [`FILE_NAME_BYTES`].
    TooLong,
    /// It has characters that nobody can see, or no others.
    BadCharacter,
    /// It has too many combining marks on one letter.
    Marks,
}

impl FileName {
    /// Reads a name as somebody typed it; blanks at its ends are dropped.
    pub fn parse(words: &str) -> Result<Self, FileNameFault> {
        let words = words.trim_matches([' ', '\t']);
        check(words).map(|()| Self::stored(words.to_owned())).map_err(|wrong| {
            let base = words.rsplit(['/', '\\']).next().unwrap_or_default();
            let base = base.trim_start_matches([' ', '\t', '.']);
            let instead = check(base).is_ok().then(|| Self::stored(base.to_owned()));
            FileNameFault { wrong, instead }
        })
    }

    /// A name that was accepted once and comes back from the store.
    pub fn stored(shown: String) -> Self {
        let folded = fold(&shown.chars().filter(|&c| !is_ignorable(c)).collect::<String>());
        Self { shown: shown.into(), folded: folded.into() }
    }

    /// The same, with the form that it was stored with: names that were told apart once stay so when the
    /// rules of folding change.
    pub fn folded_as(shown: String, folded: String) -> Self {
        Self { shown: shown.into(), folded: folded.into() }
    }

    /// The name as it was first shared.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form in which names are compared.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The `number`th name after this one: `report-2.pdf`, `report-3.pdf` …
    pub fn numbered(&self, number: u32) -> Self {
        let (stem, extension) = match self.shown.rsplit_once('.') {
            Some((stem, _)) => self.shown.split_at(stem.strip_suffix(".tar").unwrap_or(stem).len()),
            None => (&*self.shown, ""),
        };
        let end = format!("-{number}{extension}");
        // A name whose extension is most of it loses that instead.
        let end = if end.len() < FILE_NAME_BYTES { end } else { format!("-{number}") };
        let room = stem.floor_char_boundary(FILE_NAME_BYTES - end.len());
        Self::stored(stem[..room].to_owned() + &end)
    }
}

impl PartialEq for FileName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for FileName {}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

fn check(words: &str) -> Result<(), FileNameWrong> {
    if words.contains(['/', '\\']) {
        Err(FileNameWrong::Path)
    } else if words.starts_with('.') {
        Err(FileNameWrong::Hidden)
    } else if words.len() > FILE_NAME_BYTES {
        Err(FileNameWrong::TooLong)
    } else if words.chars().all(|c| c.is_whitespace() || is_ignorable(c)) || !words.chars().all(is_visible) {
        Err(FileNameWrong::BadCharacter)
    } else {
        text::check_shown(words).map_err(|fault| match fault {
            TextFault::Marks => FileNameWrong::Marks,
            _ => FileNameWrong::BadCharacter,
        })
    }
}

fn is_visible(c: char) -> bool {
    is_ignorable(c)
        || !matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// The joiners that some scripts and many emoji need, and variation selectors.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(words: &str) -> FileName {
        FileName::parse(words).unwrap_or_else(|fault| panic!("{words}: {fault:?}"))
    }

    #[test]
    fn what_people_call_files_is_a_name() {
        let long = "x".repeat(FILE_NAME_BYTES);
        for words in ["report.pdf", "年度报告 2026.xlsx", "it's $(x) \"q\";.pdf", "-rf", "a..b", "👩\u{200d}👧.png", "*", &long]
        {
            assert_eq!(name(words).as_str(), words);
        }
        assert_eq!(name("  two  blanks \t").as_str(), "two  blanks");
    }

    #[test]
    fn everything_else_is_refused_with_the_nearest_name() {
        let (long, heap) = ("x".repeat(FILE_NAME_BYTES + 1), format!("a{}.txt", "\u{301}".repeat(9)));
        for (words, wrong, instead) in [
            ("../x", FileNameWrong::Path, Some("x")),
            ("/etc/passwd", FileNameWrong::Path, Some("passwd")),
            ("C:\\My Files\\.a b.txt", FileNameWrong::Path, Some("a b.txt")),
            ("C:\\ a. b", FileNameWrong::Path, Some("a. b")),
            ("x/ . .y", FileNameWrong::Path, Some("y")),
            ("a/..", FileNameWrong::Path, None),
            ("a/", FileNameWrong::Path, None),
            (".profile", FileNameWrong::Hidden, Some("profile")),
            ("..", FileNameWrong::Hidden, None),
            (&long, FileNameWrong::TooLong, None),
            ("a\tb", FileNameWrong::BadCharacter, None),
            ("a\0b", FileNameWrong::BadCharacter, None),
            ("a\u{200b}b", FileNameWrong::BadCharacter, None),
            ("a\u{2028}b", FileNameWrong::BadCharacter, None),
            ("\u{202e}fdp.exe", FileNameWrong::BadCharacter, None),
            ("\u{3000}\u{200d}", FileNameWrong::BadCharacter, None),
            ("", FileNameWrong::BadCharacter, None),
            ("a\u{ffff}b", FileNameWrong::BadCharacter, None),
            (&heap, FileNameWrong::Marks, None),
        ] {
            let fault = FileName::parse(words).unwrap_err();
            assert_eq!((fault.wrong, fault.instead.as_ref().map(FileName::as_str)), (wrong, instead), "{words:?}");
        }
    }

    #[test]
    fn case_composition_and_joiners_do_not_make_another_name() {
        for (one, other) in [
            ("Report.PDF", "report.pdf"),
            ("é.txt", "e\u{301}.txt"),
            ("ａ.txt", "a.txt"),
            ("a\u{200d}b", "ab"),
            ("☺\u{fe0f}", "☺"),
        ] {
            assert_eq!(name(one), name(other));
        }
        assert_ne!(name("a.txt"), name("b.txt"));
    }

    #[test]
    fn numbered_names_keep_their_extension_and_fit() {
        for (words, want) in
            [("report.pdf", "report-2.pdf"), ("all.tar.gz", "all-2.tar.gz"), ("README", "README-2"), ("a.b.c", "a.b-2.c")]
        {
            assert_eq!(name(words).numbered(2).as_str(), want);
        }
        for words in ["你".repeat(85), format!("a.{}", "x".repeat(253)), format!("{}.pdf", "é".repeat(125))] {
            let numbered = name(&words).numbered(1234);
            assert!(numbered.as_str().len() <= FILE_NAME_BYTES && check(numbered.as_str()).is_ok());
            assert_ne!(numbered, name(&words));
        }
    }
}
