//! Where the panes are, for a size and for what there is to show. Panes without anything take no room; what
//! does not fit gives way in this order: the side, the board beside the talk, the board's edges, the bar.

use ratatui::layout::Rect;

use super::super::room::Room;
use super::super::room::table::Table;
use super::board;

/// Columns that the talk keeps beside a board.
const TALK_BESIDE: u16 = 30;
/// And beside one whose squares are twice as large.
const TALK_BESIDE_LARGE: u16 = 80;
/// Columns of the side: who is here, what is shared.
const SIDE: (u16, u16) = (18, 30);
/// A screen with fewer columns has no side.
const NARROW: u16 = 60;

/// The panes. One that is not shown is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) bar: Rect,
    pub(crate) talk: Rect,
    pub(crate) board: Option<Rect>,
    pub(crate) side: Option<Rect>,
    pub(crate) transfers: Rect,
    pub(crate) choices: Rect,
    pub(crate) input: Rect,
    /// Lines between columns.
    pub(crate) rules: Vec<Rect>,
}

impl Layout {
    pub(crate) fn new(area: Rect, room: &Room) -> Self {
        let mut layout = Self::default();
        let mut body = area;
        let take_bottom = |body: &mut Rect, rows: u16| {
            let rows = rows.min(body.height);
            body.height -= rows;
            Rect { y: body.y + body.height, height: rows, ..*body }
        };
        layout.input = take_bottom(&mut body, 1);
        layout.choices = take_bottom(&mut body, u16::from(!room.choices.is_empty() && area.height > 4));
        let transfers = u16::try_from(room.transfers.len()).unwrap_or(u16::MAX);
        layout.transfers = take_bottom(&mut body, transfers.min((area.height / 6).max(1)));
        if body.height > 3 {
            layout.bar = Rect { height: 1, ..body };
            (body.y, body.height) = (body.y + 1, body.height - 1);
        }
        if let Some(table) = &room.table {
            layout.place_board(&mut body, table);
        }
        let side = layout.side_width(body.width);
        if layout.board.is_none_or(|board| board.y == body.y) && side > 0 {
            layout.side = Some(layout.take_right(&mut body, side));
        }
        layout.talk = body;
        layout
    }

    /// Columns at the right of the body, behind a line.
    fn take_right(&mut self, body: &mut Rect, columns: u16) -> Rect {
        let column = Rect { x: body.x + body.width - columns, width: columns, ..*body };
        // A blank and the line.
        body.width -= columns + 2;
        self.rules.push(Rect { x: body.x + body.width + 1, width: 1, ..*body });
        column
    }

    /// Beside the talk where both fit, above it where not.
    fn place_board(&mut self, body: &mut Rect, table: &Table) {
        let room_beside = body.width.saturating_sub(TALK_BESIDE + 2);
        let (columns, rows) = board::size(table, body.width.saturating_sub(TALK_BESIDE_LARGE), body.height);
        if columns <= room_beside && body.width >= NARROW {
            let column = self.take_right(body, columns);
            self.board = Some(Rect { height: rows.min(column.height), ..column });
            // What the board leaves of its column is for who is here.
            let left = column.height.saturating_sub(rows + 1);
            if left >= 3 {
                self.side = Some(Rect { y: column.y + rows + 1, height: left, ..column });
            }
        } else {
            // Two rows of talk, at the least.
            let (_, rows) = board::size(table, body.width, 0);
            let rows = rows.min(body.height.saturating_sub(2));
            self.board = Some(Rect { height: rows, ..*body });
            (body.y, body.height) = (body.y + rows, body.height - rows);
        }
    }

    /// The columns of the side, the same whatever it shows; none where there is no room, or where it has another
    /// place already.
    fn side_width(&self, body_columns: u16) -> u16 {
        let needed = if self.board.is_some() { TALK_BESIDE + 22 } else { NARROW };
        if body_columns < needed || self.side.is_some() { 0 } else { (body_columns / 4).clamp(SIDE.0, SIDE.1) }
    }
}
