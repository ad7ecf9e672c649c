//! PRECIS for names: the profile UsernameCasePreserved of RFC 8265, that is width mapping, the IdentifierClass of
//! RFC 8264 with its rules of context, NFC, and the Bidi rule of RFC 5893.
//!
//! The rules are those of `precis-profiles`, with two of its limits mended. Its tables of characters end with
//! Unicode 6.3, so that many Chinese characters and whole scripts would be unassigned: what came later is judged by
//! the same algorithm with the tables of today. And its Bidi rule lets marks stand at the end of a name only, which
//! no pointed Hebrew or Arabic word and no word of Thaana would pass.

use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core::profile::Rules;
use precis_profiles::precis_core::{DerivedPropertyValue, IdentifierClass, StringClass};
use unicode_normalization::{UnicodeNormalization, is_nfkc};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The name as PRECIS keeps it: width-mapped and in NFC; `None` if it is none. What is composed differently is
/// composed first, since some computers type Korean as single letters, which the IdentifierClass refuses.
pub(super) fn enforce(word: &str) -> Option<String> {
    let profile = UsernameCasePreserved::new();
    let narrow = profile.width_mapping_rule(word.nfc().collect::<String>()).ok()?;
    TodaysIdentifiers.allows(&narrow).ok()?;
    let kept = profile.normalization_rule(narrow).ok()?;
    let without_marks: String = kept.chars().filter(|&c| !is_nonspacing(c)).collect();
    profile.directionality_rule(without_marks).ok()?;
    (!kept.is_empty()).then(|| kept.into_owned())
}

/// The IdentifierClass with the tables of today.
struct TodaysIdentifiers;

impl StringClass for TodaysIdentifiers {
    fn get_value_from_char(&self, c: char) -> DerivedPropertyValue {
        match IdentifierClass::default().get_value_from_char(c) {
            DerivedPropertyValue::Unassigned if is_letter_digit(c) && !has_compat(c) => DerivedPropertyValue::PValid,
            value => value,
        }
    }

    fn get_value_from_codepoint(&self, cp: u32) -> DerivedPropertyValue {
        char::from_u32(cp).map_or(DerivedPropertyValue::Disallowed, |c| self.get_value_from_char(c))
    }
}

/// Category A of RFC 8264, LetterDigits.
fn is_letter_digit(c: char) -> bool {
    use GeneralCategory as Is;
    matches!(
        c.general_category(),
        Is::LowercaseLetter
            | Is::UppercaseLetter
            | Is::OtherLetter
            | Is::DecimalNumber
            | Is::ModifierLetter
            | Is::NonspacingMark
            | Is::SpacingMark
    )
}

/// Category Q of RFC 8264, HasCompat.
fn has_compat(c: char) -> bool {
    !is_nfkc(c.encode_utf8(&mut [0; 4]))
}

/// What has the bidi class NSM, which the Bidi rule allows everywhere but at the beginning.
fn is_nonspacing(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_kept_narrow_and_composed() {
        for (word, kept) in [
            ("Alice", "Alice"),
            ("ａｌｉｃｅ", "alice"),
            ("e\u{301}", "é"),
            ("ｶﾞｷﾞ", "ガギ"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("\u{212b}", "Å"),
        ] {
            assert_eq!(enforce(word).as_deref(), Some(kept), "{word}");
        }
    }

    #[test]
    fn what_the_class_has_no_place_for_is_refused() {
        for word in [
            "",
            "a b",
            "ﬁ",          // has a compatible form
            "x²",         // likewise
            "\u{1112}",   // a part of an old Korean syllable
            "🙂",         // a symbol
            "a\u{200d}b", // a joiner out of its context
            "a\u{ad}b",   // ignorable
            "a\u{20dd}",  // an enclosing mark
            "\u{378}",    // unassigned
            "Ⅳ",          // a letter of another kind
            "\u{640}",    // an exception of RFC 5892
            "٣۳",         // two kinds of Arabic digits
        ] {
            assert_eq!(enforce(word), None, "{word}");
        }
    }

    #[test]
    fn directions_are_not_mixed() {
        for word in ["שלום", "שלום_5", "محمد", "محمد٣"] {
            assert!(enforce(word).is_some(), "{word}");
        }
        for word in ["aשלום", "שלוםa", "٣", "_שלום", "שלום_", "محمد٣5"] {
            assert_eq!(enforce(word), None, "{word}");
        }
    }

    #[test]
    fn marks_may_stand_inside_a_word_from_right_to_left() {
        for word in ["שָׁלוֹם", "مُحَمَّد", "ދިވެހި"] {
            assert!(enforce(word).is_some(), "{word}");
        }
    }

    #[test]
    fn letters_younger_than_the_tables_of_the_crate_are_letters() {
        // Adlam, Georgian capitals, extensions E and G of Han.
        for word in ["𞤀𞤣𞤤𞤢𞤥", "ᲐᲑ", "\u{2b820}", "\u{30000}"] {
            assert!(enforce(word).is_some(), "{word}");
        }
        assert_eq!(enforce("\u{1fae0}"), None, "a young emoji is no letter");
    }

    proptest! {
        #[test]
        fn what_is_kept_stays_as_it_is(word in "\\PC{1,8}") {
            if let Some(kept) = enforce(&word) {
                prop_assert_eq!(enforce(&kept), Some(kept.clone()));
                prop_assert_eq!(super::super::fold(&kept), super::super::fold(&word));
            }
        }
    }
}
