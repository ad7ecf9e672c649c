//! Account names: what may be one, and when two are the same.

use std::sync::Arc;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::limits::NAME_CHARS;

/// Names that nobody may register, since people would take their owner for the server.
const RESERVED: [&str; 7] = ["administrator", "admin", "root", "server", "system", "parlor", "管理员"];

/// An account's name: 1 to 32 letters and digits of any script, `_`, `-` and `.`, not beginning
/// with `-` or a combining mark.
///
/// Two names are one account when their NFKC case-folded forms are equal (Unicode 5.18, `toNFKC_Casefold`
/// but for default-ignorable characters, which no name may hold).
#[derive(Clone, Debug)]
pub struct Name {
    shown: Arc<str>,
    folded: Arc<str>,
}

/// Why a word is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// More than [`NAME_CHARS`] characters.
    TooLong,
    /// A character that is neither letter, digit, `_`, `-` nor `.`, or a bad first one.
    BadCharacter,
    /// One of the names the server keeps for itself.
    Reserved,
}

impl Name {
    /// Reads a name as somebody typed it.
    pub fn parse(word: &str) -> Result<Self, NameFault> {
        if word.chars().count() > NAME_CHARS {
            return Err(NameFault::TooLong);
        }
        let folded = fold(word);
        // The folded form is checked too: a few single letters decompose into words with blanks in them.
        if !is_well_formed(word) || !is_well_formed(&folded) {
            return Err(NameFault::BadCharacter);
        }
        if RESERVED.contains(&folded.as_str()) {
            return Err(NameFault::Reserved);
        }
        Ok(Self { shown: word.into(), folded: folded.into() })
    }

    /// A name that was accepted once and comes back from the store: never checked again, so that an
    /// account stays usable when the rules for new names grow stricter.
    pub fn stored(shown: String) -> Self {
        let folded = fold(&shown);
        Self { shown: shown.into(), folded: folded.into() }
    }

    /// The name as it was registered.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form in which names are compared.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether `word` names this account, in any case and composition.
    pub fn is(&self, word: &str) -> bool {
        *self.shown == *word || *self.folded == fold(word)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The form in which names are compared: NFKC case-folded.
pub(super) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    // Folding can undo normalisation and the other way round; the second pass settles it.
    word.nfd().default_case_fold().nfkc().collect::<String>().chars().default_case_fold().nfkc().collect()
}

fn is_well_formed(word: &str) -> bool {
    let mut characters = word.chars();
    let Some(first) = characters.next() else { return false };
    first != '-' && is_name_character(first) && !is_mark(first) && characters.all(is_name_character)
}

fn is_name_character(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => true,
        c if c.is_ascii() => false,
        c => {
            c.general_category_group() == GeneralCategoryGroup::Letter
                || is_mark(c)
                || c.general_category() == unicode_properties::GeneralCategory::DecimalNumber
        }
    }
}

/// Combining marks belong to letters in many scripts (Hindi cannot be written without), but need one before them.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_of_any_script_are_names() {
        for word in ["alice", "Ünal", "张三", "प्रिया", "o.k_-1", "٣", "ａｌｉｃｅ", &"x".repeat(32)] {
            assert!(Name::parse(word).is_ok(), "{word}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        let long = "x".repeat(33);
        for (word, fault) in [
            ("", NameFault::BadCharacter),
            ("-alice", NameFault::BadCharacter),
            ("a b", NameFault::BadCharacter),
            ("a@b", NameFault::BadCharacter),
            ("🙂", NameFault::BadCharacter),
            ("\u{301}a", NameFault::BadCharacter),
            ("a\u{200d}b", NameFault::BadCharacter),
            ("\u{fdfa}", NameFault::BadCharacter),
            (long.as_str(), NameFault::TooLong),
            ("ADMIN", NameFault::Reserved),
            ("ｒｏｏｔ", NameFault::Reserved),
            ("管理员", NameFault::Reserved),
        ] {
            assert_eq!(Name::parse(word).map(|_| ()), Err(fault), "{word}");
        }
    }

    #[test]
    fn case_and_composition_do_not_make_another_name() {
        for (one, other) in [("Alice", "alice"), ("ａｌｉｃｅ", "Alice"), ("é", "e\u{301}"), ("STRASSE", "straße"), ("Σ", "ς")]
        {
            let name = Name::parse(one).unwrap();
            assert_eq!(name, Name::parse(other).unwrap(), "{one} {other}");
            assert!(name.is(other));
            assert_eq!(name.as_str(), one);
        }
        assert_ne!(Name::parse("alice").unwrap(), Name::parse("alicf").unwrap());
    }
}
