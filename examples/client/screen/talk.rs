//! The talk's rows.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::room::talk::{Entry, Kind, Row, Talk};
use super::super::text::{fit, width};
use super::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, talk: &mut Talk, theme: Theme) {
    let columns = usize::from(area.width);
    let rows = talk.view(columns, usize::from(area.height));
    // The talk stands at the bottom, as if it had been typed there.
    let blank = usize::from(area.height).saturating_sub(rows.len());
    let blank = std::iter::repeat_n(Line::default(), blank);
    let lines: Vec<Line<'_>> = blank.chain(rows.into_iter().map(|(entry, row)| line(entry, row, columns, theme))).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn line(entry: &Entry, row: Row, columns: usize, theme: Theme) -> Line<'static> {
    match row {
        Row::Day(day) => ruled(&day.strftime("%A %-d %B %Y").to_string(), columns, theme.faint()),
        Row::NewSince => ruled("new since you left", columns, theme.strong()),
        Row::Text { is_first, text } => said(entry, is_first, text, theme),
    }
}

/// Words in the middle of a line across the pane.
fn ruled(words: &str, columns: usize, style: Style) -> Line<'static> {
    let words = fit(words, columns.saturating_sub(4));
    let around = columns.saturating_sub(width(&words) + 2);
    let (before, after) = ("─".repeat(around / 2), "─".repeat(around - around / 2));
    Line::styled(format!("{before} {words} {after}"), style)
}

fn said(entry: &Entry, is_first: bool, text: String, theme: Theme) -> Line<'static> {
    let style = match entry.kind {
        Kind::Chat => Style::new(),
        Kind::Announcement => theme.strong(),
        Kind::Passing | Kind::Pending => theme.faint(),
        Kind::News => theme.news(),
        Kind::Note => Style::new().add_modifier(Modifier::ITALIC),
        Kind::Fault => theme.fault(),
    };
    let mark = if entry.is_mention { Span::styled("»", theme.strong()) } else { Span::raw(" ") };
    if !is_first {
        // The mark goes down the whole text.
        return Line::from_iter([Span::raw("     "), mark, Span::styled(text, style)]);
    }
    let time = match entry.kind {
        // It gets its time when it is heard.
        Kind::Pending => "  …  ".to_owned(),
        _ => entry.at.strftime("%H:%M").to_string(),
    };
    let mut spans = vec![Span::styled(time, theme.faint()), mark];
    if let Some(from) = &entry.from {
        let style = match entry.kind {
            Kind::Announcement => theme.strong(),
            Kind::Pending => theme.faint(),
            _ => theme.name(from),
        };
        spans.push(Span::styled(format!("{from}: "), style));
    }
    spans.push(Span::styled(text, style));
    Line::from(spans)
}
