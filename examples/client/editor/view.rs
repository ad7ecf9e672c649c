//! The part of a line that is seen when it is wider than its place, without memory of what was seen before: the
//! window jumps by a part of its width, so that the text stands still under most keys.

use unicode_segmentation::UnicodeSegmentation;

use super::line::Line;
use crate::client::text::{clean, width as columns_of};

/// Narrower places show no marks of what is hidden, which would leave no room for the text.
const COLUMNS_FOR_MARKS: usize = 4;

/// What is seen of the line in so many columns, with `<` and `>` where more is hidden, and the cursor's column in it.
pub(super) fn view(line: &Line, width: usize) -> (String, u16) {
    let width = width.min(usize::from(u16::MAX));
    let Cells { shown, starts, cursor } = cells(line);
    let columns = |from: usize, to: usize| starts[to] - starts[from];
    // The cursor behind the end takes a column too.
    if columns(0, shown.len()) < width {
        return (shown.concat(), columns(0, cursor) as u16);
    }
    let marks = usize::from(width >= COLUMNS_FOR_MARKS);
    let under_cursor = if cursor < shown.len() { columns(cursor, cursor + 1) } else { 1 };
    let tail = if cursor + 1 < shown.len() { marks } else { 0 };
    let lead = |first: usize| if first > 0 { marks } else { 0 };
    let mut first = 0;
    while first < cursor && lead(first) + columns(first, cursor) + under_cursor + tail > width {
        let step_from = first;
        while first < cursor && columns(step_from, first) < width.div_ceil(3).max(1) {
            first += 1;
        }
    }
    let mut seen = String::new();
    let mut used = lead(first);
    seen.extend((used > 0).then_some('<'));
    let cursor_column = used + columns(first, cursor);
    for (at, cell) in shown.iter().enumerate().skip(first) {
        let mark = if at + 1 < shown.len() { marks } else { 0 };
        used += columns(at, at + 1);
        if used + mark > width {
            seen.extend((marks > 0).then_some('>'));
            break;
        }
        seen.push_str(cell);
    }
    (seen, cursor_column.min(width.saturating_sub(1)) as u16)
}

/// The line as a terminal may show it.
struct Cells {
    /// Its clusters, each clean.
    shown: Vec<String>,
    /// The column at which each begins, and where the last one ends.
    starts: Vec<usize>,
    /// Which of them the cursor is at.
    cursor: usize,
}

/// Each cluster of the line is cleaned by itself, so that the cursor is found again.
fn cells(line: &Line) -> Cells {
    let mut cells = Cells { shown: Vec::new(), starts: vec![0], cursor: 0 };
    let mut columns = 0;
    for (start, cluster) in line.text().grapheme_indices(true) {
        for shown in clean(cluster).graphemes(true) {
            columns += columns_of(shown);
            cells.shown.push(shown.to_owned());
            cells.starts.push(columns);
        }
        if start < line.cursor() {
            cells.cursor = cells.shown.len();
        }
    }
    cells
}
