//! Which names look alike: the skeletons of UTS 39 (Unicode Security Mechanisms), section 4.
//!
//! A skeleton replaces each character by the one that it can be taken for. Two are made of a name. One of its folded
//! form: case is no difference, so `АLICE` with a Cyrillic letter looks like `alice`. And one of the name as it is
//! shown, since folding also takes likenesses away: `Ivan` is taken for `lvan`, and `ivan` is not. Two names look
//! alike if any skeleton of the one is one of the other.
//!
//! A skeleton is folded and made again, so that `b0b`, whose nought is taken for a capital O, looks like `bob`.

use unicode_security::skeleton;

use super::{Name, fold};

/// The forms in which names look alike. They are kept in the database: when the tables of `unicode-security` change,
/// those there have to be made anew by a step of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks {
    /// Of the folded name.
    pub folded: String,
    /// Of the name as it is shown.
    pub shown: String,
}

impl Name {
    /// What the name looks like.
    pub fn looks(&self) -> Looks {
        Looks { folded: look_of(&self.folded), shown: look_of(&self.shown) }
    }
}

/// What words look like, in lower case and in capitals.
pub(super) fn of_words(words: &[&str]) -> Vec<String> {
    words.iter().flat_map(|word| [look_of(word), look_of(&word.to_uppercase())]).collect()
}

fn look_of(word: &str) -> String {
    let once: String = skeleton(word).collect();
    skeleton(&fold(&once)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_alike(one: &str, other: &str) -> bool {
        let (one, other) = (Name::stored(one.into()).looks(), Name::stored(other.into()).looks());
        [&one.folded, &one.shown].into_iter().any(|look| *look == other.folded || *look == other.shown)
    }

    #[test]
    fn what_the_eye_takes_for_another_name_looks_like_it() {
        for (one, other) in [
            ("alice", "\u{430}lice"), // Cyrillic а
            ("alice", "\u{410}LICE"), // in capitals
            ("Alice", "AIice"),       // a capital i
            ("alice", "AIice"),
            ("alice", "a1ice"),
            ("Ivan", "lvan"),
            ("paypal", "paypa1"),
            ("bob", "b0b"),
            ("BOB", "\u{412}O\u{412}"),       // all Cyrillic but for one
            ("abc", "\u{430}\u{42c}\u{441}"), // all Cyrillic
            ("scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}"),
            ("alpha", "\u{3b1}lph\u{3b1}"), // Greek
            ("力", "カ"),
            ("工口", "エロ"),
            // Innocent, but the standard has them.
            ("tom", "torn"),
            ("Ian", "Lan"),
        ] {
            assert!(look_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn other_names_do_not() {
        for (one, other) in [
            ("alice", "alicia"),
            ("Neil", "Nell"),
            ("jose", "josé"),
            ("muller", "müller"),
            ("user12", "user21"),
            ("a.b", "ab"),
            ("a-b", "a_b"),
            ("张三", "张二"),
            ("田", "由"),
            ("дима", "дина"),
            ("carl", "karl"),
            ("vvv", "w"),
        ] {
            assert!(!look_alike(one, other), "{one} {other}");
        }
        let numbered: std::collections::BTreeSet<String> = (0..1000).map(|n| look_of(&format!("guest-{n}"))).collect();
        assert_eq!(numbered.len(), 1000, "numbers are told apart");
    }
}
