//! What stands on a terminal's screen: rows, places, and whether it is whole.

use std::fmt::Write as _;

use vt100::{MouseProtocolMode, Screen};

/// Whether the bar stands at the top, over all columns, and the prompt at the bottom.
pub fn is_intact(screen: &Screen) -> bool {
    let (rows, columns) = size_of(screen);
    // The second half of a wide character has no look of its own.
    let is_reversed = |cell: &vt100::Cell| cell.inverse() || cell.is_wide_continuation();
    let is_bar = (0..columns).all(|column| screen.cell(0, column).is_some_and(is_reversed));
    let bottom = row(screen, rows - 1);
    is_bar && (bottom.starts_with("> ") || bottom.contains("/n"))
}

/// Whether no frame is being drawn: then the cursor is in the input line, or hidden where something is asked instead.
pub fn is_settled(screen: &Screen) -> bool {
    let ((rows, _), (row, _)) = (size_of(screen), screen.cursor_position());
    !screen.alternate_screen() || screen.hide_cursor() || row == rows - 1
}

/// The rows, without blanks at their ends.
pub fn rows(screen: &Screen) -> Vec<String> {
    let (_, columns) = size_of(screen);
    screen.rows(0, columns).map(|row| row.trim_end().to_owned()).collect()
}

pub fn row(screen: &Screen, number: u16) -> String {
    rows(screen).swap_remove(number.into())
}

/// The first row in which this stands.
pub fn row_with(screen: &Screen, text: &str) -> Option<u16> {
    let index = rows(screen).iter().position(|row| row.contains(text))?;
    Some(index.try_into().unwrap())
}

/// Where this stands, in columns and rows of the screen.
pub fn place_of(screen: &Screen, text: &str) -> Option<(u16, u16)> {
    let row = row_with(screen, text)?;
    let (_, columns) = size_of(screen);
    let column = (0..columns).find(|&column| {
        let rest: String = screen.rows(column, columns - column).nth(row.into()).unwrap();
        rest.starts_with(text)
    })?;
    Some((column, row))
}

/// Rows and columns, as numbers.
pub fn size_of(screen: &Screen) -> (u16, u16) {
    let (rows, columns) = screen.size();
    (rows.get(), columns.get())
}

/// The screen, for the message of a test that fails.
pub fn picture(screen: &Screen) -> String {
    let (_, columns) = size_of(screen);
    let edge = "-".repeat(columns.into());
    let mut picture = format!("+{edge}\n");
    for row in rows(screen) {
        writeln!(picture, "|{row}").unwrap();
    }
    picture + "+" + &edge
}

/// Fails if anything of the full screen is left switched on.
#[track_caller]
pub fn assert_restored(screen: &Screen) {
    assert!(!screen.alternate_screen(), "still on the other screen");
    assert!(!screen.hide_cursor(), "the cursor is hidden");
    assert!(!screen.bracketed_paste(), "pastes are still bracketed");
    assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None, "the mouse is still told");
}
