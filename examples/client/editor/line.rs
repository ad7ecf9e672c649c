//! A line of text with a cursor in it, and the motions and cuts that readline knows, by grapheme clusters.
//!
//! Owns the rule that the text is one line without controls. Knows no keys and remembers nothing: what was killed,
//! undone or said before is its callers' matter.

use parlor::protocol::text::is_bidi_control;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// The text as it will be sent, joiners and all, and a cursor on a character's boundary.
///
/// The cursor may stand inside a cluster while one is being typed (an emoji family arrives in seven keys).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    cursor: usize,
}

/// Which letters a word gets.
#[derive(Clone, Copy)]
pub(super) enum Case {
    Upper,
    Lower,
    Capital,
}

impl Line {
    pub(super) fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Puts text in at the cursor, which moves behind it.
    pub(super) fn insert(&mut self, text: &str) {
        self.replace(self.cursor..self.cursor, text);
    }

    /// Puts text in the place of a range and the cursor behind it; a range that is none of the text's is left alone.
    pub(super) fn replace(&mut self, range: Range<usize>, with: &str) {
        if self.text.get(range.clone()).is_none() {
            return;
        }
        let with = one_line(with);
        self.cursor = range.start + with.len();
        self.text.replace_range(range, &with);
    }

    /// Cuts a range out; the cursor moves to where it was.
    pub(super) fn cut(&mut self, range: Range<usize>) -> String {
        let cut = self.text.get(range.clone()).unwrap_or_default().to_owned();
        self.replace(range, "");
        cut
    }

    pub(super) fn move_to(&mut self, cursor: usize) {
        if self.text.is_char_boundary(cursor) {
            self.cursor = cursor;
        }
    }

    /// The start of the cluster before the cursor.
    pub(super) fn left(&self) -> usize {
        self.before_cursor().map_or(0, |(start, _)| start)
    }

    /// The end of the cluster at the cursor.
    pub(super) fn right(&self) -> usize {
        let at_cursor = self.text.grapheme_indices(true).find(|(start, cluster)| start + cluster.len() > self.cursor);
        at_cursor.map_or(self.text.len(), |(start, cluster)| start + cluster.len())
    }

    /// The start of the word that the cursor is in or behind; words are of letters and digits.
    pub(super) fn word_left(&self) -> usize {
        self.skip_left(is_word)
    }

    /// The end of the word that the cursor is in or before.
    pub(super) fn word_right(&self) -> usize {
        let rest = self.text.grapheme_indices(true).filter(|(start, _)| *start >= self.cursor);
        let mut behind_gap = rest.skip_while(|(_, cluster)| !is_word(cluster)).skip_while(|(_, cluster)| is_word(cluster));
        behind_gap.next().map_or(self.text.len(), |(start, _)| start)
    }

    /// The start of what stands between blanks before the cursor.
    pub(super) fn blank_left(&self) -> usize {
        self.skip_left(|cluster| !cluster.starts_with(char::is_whitespace))
    }

    /// Swaps the clusters around the cursor, at the end the two before it, and moves behind both.
    pub(super) fn transpose(&mut self) {
        let end = self.right();
        let mut clusters = self.text[..end].grapheme_indices(true).rev();
        if let (Some((second, _)), Some((first, _))) = (clusters.next(), clusters.next()) {
            let swapped = [&self.text[second..end], &self.text[first..second]].concat();
            self.replace(first..end, &swapped);
        }
    }

    /// Changes the letters from the cursor to the end of the word, and moves there.
    pub(super) fn change_case(&mut self, case: Case) {
        let range = self.cursor..self.word_right();
        let changed = match case {
            Case::Upper => self.text[range.clone()].to_uppercase(),
            Case::Lower => self.text[range.clone()].to_lowercase(),
            Case::Capital => capitalised(&self.text[range.clone()]),
        };
        self.replace(range, &changed);
    }

    fn before_cursor(&self) -> Option<(usize, &str)> {
        self.text.grapheme_indices(true).take_while(|(start, _)| *start < self.cursor).last()
    }

    /// Goes left over what is not wanted and then over what is.
    fn skip_left(&self, wanted: impl Fn(&str) -> bool) -> usize {
        let before = self.text[..self.cursor].grapheme_indices(true).rev();
        let mut behind_gap = before.skip_while(|(_, cluster)| !wanted(cluster)).skip_while(|(_, cluster)| wanted(cluster));
        behind_gap.next().map_or(0, |(start, cluster)| start + cluster.len())
    }
}

/// Newlines and tabs become blanks; other controls vanish, and so do those of direction, which the server refuses.
fn one_line(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let blanks = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c });
    blanks.filter(|&c| !c.is_control() && !is_bidi_control(c)).collect()
}

fn is_word(cluster: &str) -> bool {
    cluster.starts_with(char::is_alphanumeric)
}

fn capitalised(text: &str) -> String {
    let start = text.find(char::is_alphanumeric).unwrap_or(text.len());
    let (gap, word) = text.split_at(start);
    let first = word.chars().next();
    let rest = &word[first.map_or(0, char::len_utf8)..];
    gap.chars().chain(first.into_iter().flat_map(char::to_uppercase)).collect::<String>() + &rest.to_lowercase()
}
