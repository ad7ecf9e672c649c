//! Names: what is one is harmless wherever it is shown, and is one account in whatever form it is typed.

use caseless::Caseless;
use parlor::protocol::limits::NAME_CHARS;
use parlor::protocol::name::Name;
use unicode_normalization::UnicodeNormalization;

use super::acts_on_terminals;

pub fn holds(input: &[u8]) {
    let Ok(word) = std::str::from_utf8(input) else { return };
    let Ok(name) = Name::parse(word) else { return };
    let shown = name.as_str();
    assert!((1..=NAME_CHARS).contains(&shown.chars().count()), "{shown:?}");
    for text in [shown, name.folded()] {
        let is_foreign = |c: char| c.is_whitespace() || acts_on_terminals(c) || c.is_ascii_punctuation() && !"_-.".contains(c);
        assert!(!text.is_empty() && !text.starts_with('-') && !text.contains(is_foreign), "{text:?}");
    }
    let again = Name::parse(shown).expect("what is shown is a name");
    assert_eq!((again.as_str(), again.folded()), (shown, name.folded()));
    let folded = Name::stored(name.folded().to_owned());
    assert_eq!(folded.folded(), name.folded(), "what is folded folds to itself");
    assert_eq!(Name::stored(shown.to_owned()).folded(), name.folded(), "what comes back from the store");
    // Not what is only compatible: Unicode's own definition tells some letters with U+0345 from their NFKC forms.
    let forms: [String; 3] = [shown.nfc().collect(), shown.nfd().collect(), shown.nfd().default_case_fold().collect()];
    for form in forms {
        assert!(name.is(&form), "{form:?} is {shown:?}");
        if let Ok(other) = Name::parse(&form) {
            assert_eq!(other, name);
        }
    }
    for other in ["x", "-", ""] {
        assert!(!name.is(&format!("{shown}{other}")) || other.is_empty());
    }
}
