//! What stands at the bottom: files on their way, what Tab offers, and the input line or a question.

use std::time::Instant;

use parlor::protocol::voice::size;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::room::transfers::{Direction, Transfer, span};
use super::super::room::{Question, Room};
use super::super::text::{clean, fit, width};
use super::theme::Theme;

/// Bytes of a line from which on their number is shown.
const LONG_LINE_BYTES: usize = 3_500;
const PROMPT: &str = "> ";

/// A row for each file; where there are more than rows, the last one tells how many.
pub(super) fn draw_transfers(frame: &mut Frame<'_>, area: Rect, room: &Room, theme: Theme, now: Instant) {
    let rows = usize::from(area.height);
    let shown = if room.transfers.len() > rows { rows.saturating_sub(1) } else { rows };
    let mut lines: Vec<Line<'_>> =
        room.transfers.iter().take(shown).map(|transfer| transfer_line(transfer, area.width.into(), theme, now)).collect();
    if room.transfers.len() > shown && rows > 0 {
        lines.push(Line::styled(format!("and {} more on their way", room.transfers.len() - shown), theme.faint()));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// `up report.pdf [#####.....]  45%  1.2 MiB/s  0:12`
fn transfer_line(transfer: &Transfer, columns: usize, theme: Theme, now: Instant) -> Line<'static> {
    let arrow = if transfer.direction == Direction::Up { "up  " } else { "down" };
    let Some(progress) = transfer.progress else {
        let doing = if transfer.direction == Direction::Up { "reading the file" } else { "asking" };
        let name = fit(&clean(&transfer.name), columns.saturating_sub(8 + doing.len()));
        return Line::from_iter([Span::styled(format!("{arrow} "), theme.faint()), Span::raw(format!("{name}  {doing}"))]);
    };
    let percent = format!("{:3.0}%", (transfer.part_done() * 100.0).floor());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and far below 2^63")]
    let rate = transfer.rate(now).map_or_else(String::new, |rate| format!("{}/s", size(rate as u64)));
    let left = transfer.time_left(now).map_or_else(String::new, |left| format!("{} left", span(left)));
    let of = if columns >= 70 { format!("of {}", size(progress.size_bytes)) } else { String::new() };
    let details = [of, rate, left].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    let bar = (columns / 4).clamp(8, 40);
    let room_for_name = columns.saturating_sub(5 + 1 + (bar + 2) + 1 + percent.len() + 2);
    let details = fit(&details, room_for_name.saturating_sub(8));
    let name = fit(&clean(&transfer.name), room_for_name.saturating_sub(width(&details)).clamp(1, 40));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the bar's columns")]
    let filled = ((transfer.part_done() * bar as f64) as usize).min(bar);
    let bar = format!("[{}{}]", "#".repeat(filled), "-".repeat(bar - filled));
    Line::from_iter([
        Span::styled(format!("{arrow} "), theme.faint()),
        Span::raw(format!("{name} ")),
        Span::styled(bar, theme.news()),
        Span::raw(format!(" {percent}  ")),
        Span::styled(details, theme.faint()),
    ])
}

/// What Tab offers, in one row.
pub(super) fn draw_choices(frame: &mut Frame<'_>, area: Rect, room: &Room, theme: Theme) {
    let choices: Vec<String> = room.choices.iter().map(|choice| clean(choice.trim_end())).collect();
    let line = fit(&choices.join("  "), area.width.into());
    frame.render_widget(Paragraph::new(Line::styled(line, theme.faint())), area);
}

/// The input line, or what is asked in its place.
pub(super) fn draw_input(frame: &mut Frame<'_>, area: Rect, room: &Room, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let columns = usize::from(area.width);
    if let Some(question) = &room.question {
        let line = Line::styled(fit(&asked(question), columns), theme.strong());
        return frame.render_widget(Paragraph::new(line), area);
    }
    let prompt = match room.editor.searching() {
        Some(sought) => fit(&format!("search {}: ", clean(sought)), columns / 2),
        None => PROMPT.to_owned(),
    };
    let counter = match room.editor.text().len() {
        bytes if bytes >= LONG_LINE_BYTES => format!(" {bytes} of {} bytes", super::super::room::LONGEST_TEXT_BYTES),
        _ => String::new(),
    };
    let room_for_text = columns.saturating_sub(width(&prompt) + counter.len()).max(1);
    let (text, cursor) = room.editor.view(room_for_text);
    let hint = if room.editor.is_empty() && room.editor.searching().is_none() {
        fit(hint(room), room_for_text)
    } else {
        String::new()
    };
    let gap = " ".repeat(room_for_text.saturating_sub(width(&text) + width(&hint)));
    let column = area.x + u16::try_from(width(&prompt)).unwrap_or(0) + cursor;
    let line = Line::from_iter([
        Span::styled(prompt, theme.title()),
        Span::raw(text),
        Span::styled(hint, theme.faint()),
        Span::raw(gap),
        Span::styled(counter, theme.fault()),
    ]);
    frame.render_widget(Paragraph::new(line), area);
    frame.set_cursor_position(Position { x: column.min(area.right().saturating_sub(1)), y: area.y });
}

/// What an empty line could be used for.
fn hint(room: &Room) -> &'static str {
    if room.is_pointing() {
        return "your move: arrows, then Enter; or type to talk";
    }
    match &room.table {
        Some(table) if !table.is_under_way() && table.own.is_some() && table.can_rematch => {
            "/rematch plays again, Esc closes the board"
        }
        Some(table) if !table.is_under_way() => "Esc closes the board",
        _ => "say something, or /help",
    }
}

fn asked(question: &Question) -> String {
    match question {
        Question::Paste { text, lines } => {
            let first = fit(&clean(text.lines().next().unwrap_or_default()), 20);
            format!("Send {lines} lines, beginning \"{first}\"? (y: send, n: edit)")
        }
        Question::Move(typed) => format!("{} is a move. Play it? (y: play, s: say it, n: neither)", clean(typed)),
        Question::Promotion(moves) => {
            let pieces: Vec<&str> = moves.iter().filter_map(|typed| typed.get(typed.len() - 1..)).collect();
            format!("The pawn becomes? ({}; Enter: q, Esc: no move)", pieces.join(", "))
        }
        Question::Quit(loss) => format!("{loss} Leave all the same? (y/n)"),
        Question::NoMove { typed, why } => format!("{} is no move: {}. Say it? (y/n)", clean(typed), clean(why)),
    }
}
