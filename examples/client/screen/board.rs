//! The board of the game that is played or watched.

use std::time::Instant;

use parlor::games::rules;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::room::table::{LOW, Seat, Square, Table};
use super::super::room::transfers::span;
use super::super::room::{BoardArea, Room};
use super::super::text::{fit, width};
use super::theme::Theme;

/// Columns of the rows' numbers.
const LABELS: u16 = 3;
/// The narrowest pane: the clocks and the words need as much.
const NARROWEST: u16 = 26;
/// Rows beside the squares: title, two names, the columns' letters, two lines of words.
const AROUND: u16 = 6;
/// The same where there is little room: names, letters and words in a line each.
const LITTLE_AROUND: u16 = 3;

/// Columns and rows that a board takes, given what there is: the squares are twice as large where they fit.
pub(super) fn size(table: &Table, columns: u16, rows: u16) -> (u16, u16) {
    let large = size_of(table, large(cell(table)));
    if large.0 <= columns && large.1 <= rows { large } else { size_of(table, cell(table)) }
}

fn size_of(table: &Table, cell: (u16, u16)) -> (u16, u16) {
    let squares = squares(table);
    let columns = LABELS + squares.0 * cell.0 + 1;
    (columns.max(NARROWEST), squares.1 * cell.1 + AROUND)
}

fn squares(table: &Table) -> (u16, u16) {
    let number = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    (number(table.columns()), number(table.rows()))
}

/// Columns and rows of a square.
fn cell(table: &Table) -> (u16, u16) {
    if table.game == "xiangqi" { (3, 1) } else { (2, 1) }
}

fn large((columns, rows): (u16, u16)) -> (u16, u16) {
    (columns * 2, rows * 2)
}

/// Draws the board; returns where its squares are.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, room: &Room, theme: Theme, now: Instant) -> Option<BoardArea> {
    let table = room.table.as_ref()?;
    let columns = usize::from(area.width);
    let (small, fits) = (cell(table), |cell| {
        let size = size_of(table, cell);
        size.0 <= area.width && size.1 <= area.height
    });
    let cell = if fits(large(small)) { large(small) } else { small };
    let is_whole = fits(cell);
    let mut lines =
        if is_whole { heading(table, columns, theme, now) } else { vec![short_heading(table, columns, theme, now)] };
    let around = if is_whole { AROUND } else { LITTLE_AROUND };
    let squares = Squares::new(table, area, cell, area.height.saturating_sub(around) / cell.1);
    let top = area.y + u16::try_from(lines.len()).unwrap_or(0);
    lines.extend(squares.lines(theme, room.is_pointing()));
    lines.push(squares.letters(theme));
    let words = words(table, room, now);
    let words = if is_whole { words } else { vec![joined(words)] };
    lines.extend(
        words
            .into_iter()
            .map(|(text, is_strong)| Line::styled(fit(&text, columns), if is_strong { theme.strong() } else { Style::new() })),
    );
    frame.render_widget(Paragraph::new(lines), area);
    let count = (squares.count.0, squares.count.1);
    Some(BoardArea { x: area.x + LABELS, y: top, cell, first: squares.first, count })
}

/// The part of the board that is seen: all of it, or what is around the cursor or the last move.
struct Squares<'a> {
    table: &'a Table,
    cell: (u16, u16),
    /// As seen, not as counted: a turned board begins with its last row.
    first: (usize, usize),
    count: (usize, usize),
}

impl<'a> Squares<'a> {
    fn new(table: &'a Table, area: Rect, cell: (u16, u16), rows: u16) -> Self {
        let fits = usize::from(area.width.saturating_sub(LABELS) / cell.0);
        let count = (table.columns().min(fits), table.rows().min(usize::from(rows)));
        let focus = if table.is_own_turn() { table.cursor } else { *table.last.last().unwrap_or(&table.cursor) };
        let focus = if table.is_turned() { turned(table, focus) } else { focus };
        let around = |at: usize, shown: usize, all: usize| at.saturating_sub(shown / 2).min(all - shown);
        let first = (around(focus.column, count.0, table.columns()), around(focus.row, count.1, table.rows()));
        Self { table, cell, first, count }
    }

    fn square(&self, column: usize, row: usize) -> Square {
        let seen = Square { column: self.first.0 + column, row: self.first.1 + row };
        if self.table.is_turned() { turned(self.table, seen) } else { seen }
    }

    fn lines(&self, theme: Theme, is_pointing: bool) -> Vec<Line<'static>> {
        let targets: Vec<Square> = self.table.targets().collect();
        let row_of = |row: usize| {
            let label = self.table.row_label(self.square(0, row).row);
            let mut spans = vec![Span::styled(format!("{label:>2} "), theme.faint())];
            for column in 0..self.count.0 {
                let square = self.square(column, row);
                let is_target = targets.contains(&square);
                let (glyph, style) = self.look(square, is_target, is_pointing, theme);
                let after = usize::from(self.cell.0).saturating_sub(width(&glyph));
                spans.push(Span::styled(glyph, style));
                // Behind a piece stands what can be done with it.
                let mark = match self.table.piece(square) {
                    Some(_) if self.table.picked == Some(square) => "*",
                    Some(_) if is_target => "+",
                    _ => "",
                };
                spans.push(Span::styled(format!("{mark:after$}"), theme.strong()));
            }
            // A square that is two rows high has its piece in the upper one.
            let below = std::iter::repeat_n(Line::default(), usize::from(self.cell.1) - 1);
            std::iter::once(Line::from(spans)).chain(below)
        };
        (0..self.count.1).flat_map(row_of).collect()
    }

    /// What stands on a square, and how it looks.
    fn look(&self, square: Square, is_target: bool, is_pointing: bool, theme: Theme) -> (String, Style) {
        let table = self.table;
        let piece = table.piece(square);
        // Where every empty square is a target, marking them tells nothing.
        let marks_targets = matches!(table.game.as_str(), "chess" | "xiangqi" | "reversi");
        let (glyph, mut style) = match piece {
            Some(piece) => (glyph(table, piece), theme.piece(is_first(table, piece))),
            None if is_target && marks_targets => ("+".to_owned(), theme.strong()),
            None => (".".to_owned(), theme.faint()),
        };
        if table.last.contains(&square) {
            style = style.patch(theme.last());
        }
        if is_pointing && table.cursor == square {
            style = style.patch(theme.cursor());
        }
        (glyph, style)
    }

    /// The columns' letters.
    fn letters(&self, theme: Theme) -> Line<'static> {
        let mut line = " ".repeat(usize::from(LABELS));
        for column in 0..self.count.0 {
            line.push(self.table.column_label(self.square(column, 0).column));
            line.push_str(&" ".repeat(usize::from(self.cell.0) - 1));
        }
        Line::styled(line, theme.faint())
    }
}

fn turned(table: &Table, square: Square) -> Square {
    let mirrored = |at: usize, count: usize| count.saturating_sub(at + 1);
    Square { column: mirrored(square.column, table.columns()), row: mirrored(square.row, table.rows()) }
}

/// Whose a piece is: in chess and xiangqi the capitals are the first's, elsewhere the `x`.
fn is_first(table: &Table, piece: char) -> bool {
    if matches!(table.game.as_str(), "chess" | "xiangqi") { piece.is_ascii_uppercase() } else { piece == 'x' }
}

/// How a piece is shown. Letters and characters of one known width everywhere; the sides differ in more than
/// their colour.
fn glyph(table: &Table, piece: char) -> String {
    const RED: [(char, char); 7] = [('K', '帅'), ('A', '仕'), ('B', '相'), ('N', '马'), ('R', '车'), ('C', '炮'), ('P', '兵')];
    const BLACK: [(char, char); 7] =
        [('k', '将'), ('a', '士'), ('b', '象'), ('n', '馬'), ('r', '車'), ('c', '砲'), ('p', '卒')];
    let chinese = RED.iter().chain(&BLACK).find(|(letter, _)| *letter == piece && table.game == "xiangqi");
    chinese.map_or(piece, |(_, character)| *character).to_string()
}

/// The game, then who plays it, the second above the first as they sit; with their clocks.
fn heading(table: &Table, columns: usize, theme: Theme, now: Instant) -> Vec<Line<'static>> {
    let clock = table.clock.as_ref().map_or_else(String::new, |clock| format!(" {clock}"));
    let title = format!("{}{clock} · game {}", table.game, table.game_id);
    let players = [Seat::Second, Seat::First].map(|seat| player(table, seat, columns, theme, now));
    std::iter::once(Line::styled(fit(&title, columns), theme.title())).chain(players).collect()
}

fn player(table: &Table, seat: Seat, columns: usize, theme: Theme, now: Instant) -> Line<'static> {
    let clock = clock(table, seat, now);
    let to_move = if table.turn() == Some(seat) && table.is_under_way() { ">" } else { " " };
    let name = fit(table.name(seat), columns.saturating_sub(6 + clock.len()));
    let stones = stones(table, seat);
    let gap = " ".repeat(columns.saturating_sub(width(&name) + width(stones) + clock.len() + 4));
    Line::from_iter([
        Span::styled(format!("{to_move} "), theme.strong()),
        Span::styled(stones, theme.piece(seat == Seat::First)),
        Span::raw(" "),
        Span::styled(name.clone(), theme.name(&name)),
        Span::raw(gap),
        Span::raw(clock),
    ])
}

/// What a side's pieces are called: `x`, `white`.
fn stones(table: &Table, seat: Seat) -> &'static str {
    rules::find(&table.game).map_or("", |game| &game.sides[seat as usize].en)
}

fn clock(table: &Table, seat: Seat, now: Instant) -> String {
    table.time_left(seat, now).map_or_else(String::new, |left| match left {
        left if left < LOW => format!("{:.1}", (left.as_secs_f64() * 10.0).floor() / 10.0),
        left => span(left),
    })
}

/// Both players in one line.
fn short_heading(table: &Table, columns: usize, theme: Theme, now: Instant) -> Line<'static> {
    let one = |seat: Seat| format!("{} {} {}", stones(table, seat), table.name(seat), clock(table, seat, now));
    let line = format!("{} - {}", one(Seat::First).trim_end(), one(Seat::Second).trim_end());
    Line::styled(fit(&line, columns), theme.title())
}

/// How the game stands, in at most two lines; strong where it concerns who reads it.
fn words(table: &Table, room: &Room, now: Instant) -> Vec<(String, bool)> {
    let left = |until: Instant| span(until.saturating_duration_since(now));
    let last = table.last_played.as_ref().map_or_else(String::new, |last| format!("last: {last}"));
    let state = match (&table.end, &table.away, table.paused, table.turn()) {
        (Some(end), ..) => (end.clone(), true),
        (_, Some((who, until)), ..) => (format!("{who} is away, {} to come back", left(*until)), true),
        (_, _, Some(until), _) => (format!("paused, waits {} for both", left(until)), true),
        (.., Some(_)) if table.is_own_turn() && table.is_futile => ("no move there".to_owned(), true),
        (.., Some(_)) if table.is_own_turn() && table.wants_more => ("Enter once more moves here".to_owned(), true),
        (.., Some(_)) if table.is_own_turn() => ("your move".to_owned(), true),
        (.., Some(seat)) => (format!("{} is to move", table.name(seat)), false),
        _ => (String::new(), false),
    };
    let more = match (&table.offer, &table.idle) {
        (Some((offer, by)), _) if *by != room.me => format!("{by} offers: {offer} · {last}"),
        (Some((offer, _)), _) => format!("offered: {offer} · {last}"),
        (None, Some(who)) if *who != room.me && table.own.is_some() => format!("/claim wins · {last}"),
        _ if table.own.is_none() => "you watch · /watch stops".to_owned(),
        _ => last,
    };
    vec![state, (more, false)]
}

/// One line of several.
fn joined(words: Vec<(String, bool)>) -> (String, bool) {
    let is_strong = words.iter().any(|(_, is_strong)| *is_strong);
    let words: Vec<String> = words.into_iter().map(|(words, _)| words).filter(|words| !words.is_empty()).collect();
    (words.join(" · "), is_strong)
}
