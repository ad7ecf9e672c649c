//! The breaking of a cleaned line into lines of a pane: at blanks, between the characters of Chinese and Japanese,
//! and anywhere in a word that is longer than a line. A small part of Unicode's line breaking (UAX #14), enough for
//! talk; owns no widths (see [`super::width`]).

use std::ops::Range;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use super::grapheme_width;

/// What may not begin a line, beside closing brackets and quotes: the ends of sentences, and the marks that
/// lengthen or repeat the character before them.
const NEVER_FIRST: &str = "!%,.:;?}…‥、。！％，．：；？～・･｡､ーｰ々〻ゝゞヽヾ゛゜‼⁇⁈⁉℃°";

/// One grapheme cluster of the line.
struct Cell<'a> {
    start: usize,
    grapheme: &'a str,
    columns: usize,
}

/// Where the lines of a cleaned text are, as byte ranges, when the first has room for `first_width` columns (a name
/// may stand before it) and the others for `width`.
///
/// Blanks at a break belong to no line. A line may be wider than its room only if it is one grapheme, and no line
/// is empty but that of an empty text.
pub(crate) fn wrap(text: &str, first_width: usize, width: usize) -> Vec<Range<usize>> {
    let cells: Vec<Cell<'_>> = text
        .grapheme_indices(true)
        .map(|(start, grapheme)| Cell { start, grapheme, columns: grapheme_width(grapheme) })
        .collect();
    if cells.is_empty() {
        return vec![0..0; 1];
    }
    let byte = |cell: usize| cells.get(cell).map_or(text.len(), |cell| cell.start);
    let mut ranges = Vec::new();
    let mut from = 0;
    while from < cells.len() {
        let room = if from == 0 { first_width } else { width };
        let (end, next) = line_end(&cells, from, room);
        ranges.push(byte(from)..byte(end));
        from = next;
    }
    ranges
}

/// Where the line that begins with cell `from` ends, and the cell that begins the next one.
fn line_end(cells: &[Cell<'_>], from: usize, room: usize) -> (usize, usize) {
    let mut columns = 0;
    let fitting = cells[from..]
        .iter()
        .take_while(|cell| {
            columns += cell.columns;
            columns <= room
        })
        .count();
    let full = from + fitting;
    if full == cells.len() {
        return (full, full);
    }
    // Blanks that lead the text are its indentation; a break behind them would leave an empty line.
    let first_word = from + cells[from..].iter().take_while(|cell| cell.is_blank()).count();
    let break_at = (first_word + 1..=full).rev().find(|&at| may_break(&cells[at - 1], &cells[at]));
    let end = break_at.unwrap_or(full.max(from + 1));
    let next = end + cells[end..].iter().take_while(|cell| cell.is_blank()).count();
    let blanks_before = cells[from..end].iter().rev().take_while(|cell| cell.is_blank()).count();
    if from + blanks_before == end { (end, next) } else { (end - blanks_before, next) }
}

/// Whether a line may end between these two.
fn may_break(before: &Cell<'_>, after: &Cell<'_>) -> bool {
    if before.is_blank() || after.is_blank() {
        return true;
    }
    // Letters of narrow scripts make words, but a wide character is a word by itself.
    (before.columns > 1 || after.columns > 1) && !before.never_last() && !after.never_first()
}

impl Cell<'_> {
    fn is_blank(&self) -> bool {
        const NO_BREAK: [char; 3] = ['\u{a0}', '\u{2007}', '\u{202f}'];
        let mut chars = self.grapheme.chars();
        chars.next().is_some_and(|c| c.is_whitespace() && !NO_BREAK.contains(&c)) && chars.next().is_none()
    }

    fn never_first(&self) -> bool {
        self.first().is_some_and(|c| {
            let quote_or_bracket =
                matches!(c.general_category(), GeneralCategory::ClosePunctuation | GeneralCategory::FinalPunctuation);
            quote_or_bracket || is_undirected(c) || NEVER_FIRST.contains(c)
        })
    }

    fn never_last(&self) -> bool {
        self.first().is_some_and(|c| {
            let quote_or_bracket =
                matches!(c.general_category(), GeneralCategory::OpenPunctuation | GeneralCategory::InitialPunctuation);
            quote_or_bracket || is_undirected(c) || matches!(c, '￥' | '＄' | '$' | '¥' | '@' | '#')
        })
    }

    fn first(&self) -> Option<char> {
        self.grapheme.chars().next()
    }
}

/// Quotes that open and close alike, and blanks that forbid a break on both sides.
fn is_undirected(c: char) -> bool {
    matches!(c, '"' | '\'' | '＂' | '＇' | '\u{a0}' | '\u{2007}' | '\u{202f}')
}
