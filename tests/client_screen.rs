//! The client's full screen, as its users see it: the real program at a real pseudo-terminal, with a real
//! daemon behind it.

mod entering;
mod files;
mod games;
mod leaving;
mod outages;
mod reading;
mod sizes;
mod talking;
mod typing;

use vt100::Screen;

use crate::harness::{Daemon, Terminal, is_intact, key, place_of, rows, size_of};

/// Two who are in the room and see each other.
fn two(daemon: &Daemon) -> (Terminal, Terminal) {
    let alice = Terminal::enter(daemon.address, "alice");
    let bob = Terminal::enter(daemon.address, "bob");
    alice.wait_for("2 here");
    bob.wait_for("2 here");
    (alice, bob)
}

/// Two at a board; the first one moves first.
fn seat(first: &mut Terminal, second: &mut Terminal, game: &str) {
    first.enter_line(&format!("/invite {game}"));
    second.wait_for("/accept");
    second.enter_line("/accept");
    first.wait_for("your move");
    second.wait_for("is to move");
}

/// The column of the line between the talk and what is beside it, if it is straight from the bar to the input.
fn edge(screen: &Screen) -> Option<u16> {
    let (rows, columns) = size_of(screen);
    let is_line = |column: u16, row: u16| screen.cell(row, column).is_some_and(|cell| cell.contents() == "│");
    (0..columns).find(|&column| (1..rows - 1).all(|row| is_line(column, row)))
}

/// The rows of the talk, which ends at an edge.
fn talk(screen: &Screen) -> Vec<String> {
    let (rows, columns) = size_of(screen);
    let width = edge(screen).unwrap_or(columns);
    screen.rows(0, width).take(usize::from(rows) - 1).skip(1).map(|row| row.trim_end().to_owned()).collect()
}

/// A board on the screen: where its first square is seen, and how far it is from one to the next.
struct Board {
    left: u16,
    /// Columns from one square to the next.
    step: u16,
    letters: String,
    /// Where the letters stand, below the squares.
    row: u16,
}

fn board(screen: &Screen) -> Option<Board> {
    for letters in ["abcdefgh", "hgfedcba", "1234567"] {
        for step in [2, 3, 4, 6] {
            let gap = " ".repeat(usize::from(step) - 1);
            let line = letters.chars().map(String::from).collect::<Vec<_>>().join(&gap);
            if let Some((left, row)) = place_of(screen, &line) {
                return Some(Board { left, step, letters: letters.to_owned(), row });
            }
        }
    }
    None
}

/// Where a square of a board is seen, by the letters below it and the numbers beside it.
fn place(screen: &Screen, square: &str) -> Option<(u16, u16)> {
    let (letter, number) = square.split_at(1);
    let Board { left, step, letters, .. } = board(screen)?;
    // The letters that are looked for are the first of perhaps more.
    let along = match letters.find(letter) {
        Some(index) => index.try_into().unwrap(),
        None => u16::from(letter.as_bytes()[0] - b'a'),
    };
    let label = format!("{number:>2} ");
    let row = screen.rows(left - 3, 3).position(|beside| beside == label)?;
    Some((left + step * along, row.try_into().unwrap()))
}

/// What stands on a square.
fn on(screen: &Screen, square: &str) -> Option<String> {
    let (column, row) = place(screen, square)?;
    Some(screen.cell(row, column)?.contents().to_owned())
}

/// Where the cursor of a board is: the one square that is reversed.
fn cursor(screen: &Screen) -> Option<(u16, u16)> {
    let (rows, columns) = size_of(screen);
    let places = (1..rows - 1).flat_map(|row| (0..columns).map(move |column| (column, row)));
    places.into_iter().find(|&(column, row)| screen.cell(row, column).is_some_and(vt100::Cell::inverse))
}

/// Goes to a square with the arrows and presses Enter.
fn point(terminal: &mut Terminal, square: &str) {
    terminal.wait_until("a cursor on the board", |screen| cursor(screen).is_some() && place(screen, square).is_some());
    let screen = terminal.screen();
    let ((column, row), (to_column, to_row)) = (cursor(&screen).unwrap(), place(&screen, square).unwrap());
    let across = if to_column > column { key::RIGHT } else { key::LEFT };
    let along = if to_row > row { key::DOWN } else { key::UP };
    let step = board(&screen).unwrap().step;
    // Squares that are twice as wide are twice as high.
    let height = if step < 4 { 1 } else { 2 };
    terminal.press(&across.repeat((to_column.abs_diff(column) / step).into()));
    terminal.press(&along.repeat((to_row.abs_diff(row) / height).into()));
    terminal.wait_until("the cursor there", |screen| cursor(screen) == Some((to_column, to_row)));
    if (column, row) == (to_column, to_row) {
        // A cursor that was not moved is asked about.
        terminal.press(key::ENTER);
        terminal.wait_for("Enter once more");
    }
    terminal.press(key::ENTER);
}

/// Waits until the screen is whole and this stands on it.
fn settles(terminal: &Terminal, text: &str) {
    terminal.wait_until(text, |screen| is_intact(screen) && rows(screen).iter().any(|row| row.contains(text)));
}
