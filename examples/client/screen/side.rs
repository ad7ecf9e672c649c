//! Who is here, and the shelf.

use parlor::protocol::voice::size;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::room::Room;
use super::super::text::{clean, fit, width};
use super::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, room: &Room, theme: Theme) {
    let columns = usize::from(area.width);
    let rows = usize::from(area.height);
    let files = room.shelf.files();
    // The shelf gets what it needs, at most half; who is here gets the rest.
    let shelf_rows = if files.is_empty() { 0 } else { (files.len() + 2).min(rows / 2) };
    let mut lines = list("here", room.members.count(), rows - shelf_rows, theme, || {
        let name = |name: &str| Line::styled(fit(&clean(name), columns), theme.name(name));
        room.members.names().map(name)
    });
    if shelf_rows > 2 {
        let blank = rows.saturating_sub(shelf_rows - 1).saturating_sub(lines.len());
        // Right behind the names, with a blank between.
        lines.extend(std::iter::repeat_n(Line::default(), blank.min(1)));
        let file_line = |file: &parlor::client::SharedFile| {
            let size = size(file.size_bytes);
            let name = fit(&clean(&file.file_name), columns.saturating_sub(size.len() + 1));
            let gap = " ".repeat(columns.saturating_sub(width(&name) + size.len()));
            Line::from_iter([Span::raw(name + &gap), Span::styled(size, theme.faint())])
        };
        lines.extend(list("shelf", files.len(), shelf_rows - 1, theme, || files.iter().map(file_line)));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// A heading and as many as fit; the last row tells of the rest.
fn list<'a, I: Iterator<Item = Line<'a>>>(
    title: &'static str,
    count: usize,
    rows: usize,
    theme: Theme,
    items: impl FnOnce() -> I,
) -> Vec<Line<'a>> {
    let mut lines =
        vec![Line::from_iter([Span::styled(title, theme.title()), Span::styled(format!(" {count}"), theme.faint())])];
    let room = rows.saturating_sub(1);
    if count <= room || room < 2 {
        // The heading tells how many there are.
        lines.extend(items().take(room));
    } else {
        let shown = room.saturating_sub(1);
        lines.extend(items().take(shown));
        lines.push(Line::styled(format!("and {} more", count - shown), theme.faint()));
    }
    lines.truncate(rows);
    lines
}
