//! Account names: what may be one, when two are the same, and when two look alike.
//!
//! Rules are for new names: [`Name::parse`] is asked before a registration. Everywhere else a name is only
//! [`Name::sought`], so that an account stays usable whatever it is called. [`precis`] is the standard's part of the
//! rules, [`looks`] what names look like.

pub mod looks;
mod precis;

use std::sync::{Arc, LazyLock};

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::limits::{NAME_BYTES_SOUGHT, NAME_CHARS};
use super::text;

/// Names that nobody may register, since people would take their owner for the server.
const RESERVED: [&str; 7] = ["administrator", "admin", "root", "server", "system", "parlor", "管理员"];

/// An account's name. A new one is 1 to 32 letters and digits of any script, `_`, `-` and `.`, not beginning
/// with `-` or a combining mark, as PRECIS allows and keeps them (RFC 8265, UsernameCasePreserved).
///
/// Two names are one account when their NFKC case-folded forms are equal (Unicode 5.18, `toNFKC_Casefold`
/// but for default-ignorable characters, which no new name may hold).
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
    /// A character that is neither letter, digit, `_`, `-` nor `.`, a bad first one, or directions mixed.
    BadCharacter,
    /// Too many combining marks on one letter.
    Marks,
    /// One of the names the server keeps for itself, or what looks like one.
    Reserved,
}

impl Name {
    /// Reads a name that somebody wants to register, and makes it what PRECIS keeps of it.
    pub fn parse(word: &str) -> Result<Self, NameFault> {
        let name = Self::sought(word)?;
        let kept = if word.is_ascii() { word.to_owned() } else { precis::enforce(word).ok_or(NameFault::BadCharacter)? };
        // What is kept must be kept as it is when it is typed (RFC 8264, 7): marks out of order may not be.
        if !kept.is_ascii() && precis::enforce(&kept).as_deref() != Some(&kept) {
            return Err(NameFault::BadCharacter);
        }
        if kept.chars().count() > NAME_CHARS {
            return Err(NameFault::TooLong);
        }
        // The folded form is checked too: folding must not make of a letter what is none.
        if !is_well_formed(&kept) || !is_well_formed(&name.folded) {
            return Err(NameFault::BadCharacter);
        }
        text::check_shown(&kept).map_err(|_| NameFault::Marks)?;
        // Whoever types it again, as it was typed or as it is shown, must mean this account. Folding tells apart a few
        // letters whose marks PRECIS brings into another order.
        let kept = Self::stored(kept);
        if kept != name {
            return Err(NameFault::BadCharacter);
        }
        let name = kept;
        if is_reserved(&name) { Err(NameFault::Reserved) } else { Ok(name) }
    }

    /// Reads a name by which somebody means an account: any word, since the account may be older than the rules for
    /// new names.
    pub fn sought(word: &str) -> Result<Self, NameFault> {
        match word.len() {
            0 => Err(NameFault::BadCharacter),
            1..=NAME_BYTES_SOUGHT => Ok(Self::stored(word.to_owned())),
            _ => Err(NameFault::TooLong),
        }
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

fn is_reserved(name: &Name) -> bool {
    static LOOKS: LazyLock<Vec<String>> = LazyLock::new(|| looks::of_words(&RESERVED));
    let looks = name.looks();
    RESERVED.contains(&&*name.folded) || LOOKS.contains(&looks.folded) || LOOKS.contains(&looks.shown)
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

    fn fault(word: &str) -> Option<NameFault> {
        Name::parse(word).err()
    }

    #[test]
    fn letters_and_digits_of_any_script_are_names() {
        for word in ["alice", "Ünal", "张三", "प्रिया", "o.k_-1", "۳", "ａｌｉｃｅ", "Nguyễn", "สมชาย", "בֹּקֶר", &"x".repeat(32)]
        {
            assert!(Name::parse(word).is_ok(), "{word}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for (words, want) in [
            (
                &[
                    "",
                    "-alice",
                    "a b",
                    "a@b",
                    "🙂",
                    "\u{301}a",
                    "a\u{200d}b",
                    "\u{fdfa}",
                    "ﬁ",
                    "aשלום",
                    "l·l",
                    "ᾂ\u{ff9e}",
                    "Ἠ\u{ff9e}\u{345}",
                ][..],
                NameFault::BadCharacter,
            ),
            (&[&"x".repeat(33), &"ｘ".repeat(33), &"x".repeat(10_000)], NameFault::TooLong),
            (&[&format!("a{}", "\u{323}\u{306}\u{301}".repeat(4))], NameFault::Marks),
        ] {
            for word in words {
                assert_eq!(fault(word), Some(want), "{word}");
            }
        }
        // Composed, it is as long as a name may be.
        assert_eq!(fault(&"e\u{301}".repeat(32)), None);
    }

    #[test]
    fn the_servers_names_and_what_looks_like_them_are_reserved() {
        for word in
            ["ADMIN", "ｒｏｏｔ", "管理员", "\u{430}dmin", "АDМIN", "adm1n", "r00t", "Parl\u{43e}r", "systern", "ѕуѕtеm"]
        {
            assert_eq!(fault(word), Some(NameFault::Reserved), "{word}");
        }
        for word in ["administrators", "adam", "rot", "servant", "管理"] {
            assert_eq!(fault(word), None, "{word}");
        }
    }

    #[test]
    fn case_and_composition_do_not_make_another_name() {
        for (one, other, shown) in [
            ("Alice", "alice", "Alice"),
            ("ａｌｉｃｅ", "Alice", "alice"),
            ("e\u{301}", "é", "é"),
            ("STRASSE", "straße", "STRASSE"),
            ("Σ", "ς", "Σ"),
        ] {
            let name = Name::parse(one).unwrap();
            assert_eq!(name, Name::parse(other).unwrap(), "{one} {other}");
            assert_eq!(name, Name::sought(other).unwrap(), "{one} {other}");
            assert!(name.is(other));
            assert_eq!(name.as_str(), shown);
        }
        assert_ne!(Name::parse("alice").unwrap(), Name::parse("alicf").unwrap());
    }

    #[test]
    fn an_account_is_found_whatever_it_is_called() {
        for word in ["🙂", "aשלום", "-x", "Admin", "ﬁ", "two words"] {
            assert!(fault(word).is_some(), "{word}");
            assert_eq!(Name::sought(word).unwrap(), Name::stored(word.into()), "{word}");
        }
    }
}
