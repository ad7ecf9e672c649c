//! The screen: where the panes are and what stands in them. It draws a [`Room`] and changes nothing in it but
//! what it has seen of its size.

mod board;
mod bottom;
mod layout;
mod side;
mod talk;
#[cfg(test)]
mod tests;
pub(crate) mod theme;

use std::time::Instant;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthChar;

use super::room::{Connection, Room};
use super::text::{clean, fit, width};
use layout::Layout;
use theme::Theme;

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, room: &mut Room, theme: Theme, now: Instant) {
    let layout = Layout::new(frame.area(), room);
    draw_bar(frame, layout.bar, room, theme);
    talk::draw(frame, layout.talk, &mut room.talk, theme);
    room.areas.board = layout.board.and_then(|area| board::draw(frame, area, room, theme, now));
    if let Some(area) = layout.side {
        side::draw(frame, area, room, theme);
    }
    for rule in &layout.rules {
        let lines: Vec<Line<'_>> = (0..rule.height).map(|_| Line::styled("│", theme.faint())).collect();
        frame.render_widget(Paragraph::new(lines), *rule);
    }
    bottom::draw_transfers(frame, layout.transfers, room, theme, now);
    bottom::draw_choices(frame, layout.choices, room, theme);
    bottom::draw_input(frame, layout.input, room, theme);
    part_clusters(frame.buffer_mut());
}

/// Gives each character that has a width a cell of its own. A flag or an Indic conjunct is one cell of two
/// columns to ratatui, but two cells of one to most terminals: when something narrower took its place, its
/// second half would stay. What is written is the same.
fn part_clusters(buffer: &mut Buffer) {
    for index in 0..buffer.content.len() {
        let symbol = buffer.content[index].symbol();
        if symbol.len() < 2 || symbol.chars().filter(|letter| letter.width().unwrap_or(0) > 0).count() < 2 {
            continue;
        }
        let (symbol, style) = (symbol.to_owned(), buffer.content[index].style());
        let (mut at, mut part) = (index, String::new());
        for letter in symbol.chars() {
            if letter.width().unwrap_or(0) > 0 && !part.is_empty() {
                let columns = width(&part);
                buffer.content[at].set_symbol(&std::mem::take(&mut part)).set_style(style);
                at += columns;
            }
            part.push(letter);
        }
        // Never beyond the screen: the whole had room.
        if let Some(cell) = buffer.content.get_mut(at) {
            cell.set_symbol(&part).set_style(style);
        }
    }
}

/// How many rows Page Up scrolls on a screen of this size.
pub(crate) fn page(area: Rect, room: &Room) -> usize {
    usize::from(Layout::new(area, room).talk.height.saturating_sub(2).max(1))
}

/// One line at the top: who, where, with how many, and how the connection is.
fn draw_bar(frame: &mut Frame<'_>, area: Rect, room: &Room, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let state = match &room.connection {
        Connection::Lost => "connection lost, trying again".to_owned(),
        Connection::Over(reason) => format!("closed ({reason})"),
        Connection::Here if !room.talk.is_following() => match room.talk.unseen {
            0 => "reading back - Esc returns".to_owned(),
            unseen => format!("{unseen} new below - Esc returns"),
        },
        Connection::Here => match room.inviters().next() {
            Some(inviter) => {
                let game = room.invitations.get(inviter).map_or("", |open| &open.game);
                format!("{} invites: {} - /accept", clean(inviter), clean(game))
            }
            None if room.talk.is_quiet => "quiet".to_owned(),
            None => String::new(),
        },
    };
    let here =
        if let Connection::Here = room.connection { format!(" · {} here", room.members.count()) } else { String::new() };
    let total = usize::from(area.width);
    let right = fit(&state, total.saturating_sub(2));
    let room_left = total.saturating_sub(width(&right) + 2);
    let me = clean(&room.me);
    let whole = format!(" {me} @ {}{here}", clean(&room.address));
    // Where there is little room, who one is matters least.
    let left = if width(&whole) <= room_left { whole } else { format!(" {me}{here}") };
    let left = fit(&left, room_left);
    let gap = " ".repeat(total.saturating_sub(width(&left) + width(&right) + 1));
    frame.render_widget(Paragraph::new(Line::styled(format!("{left}{gap}{right} "), theme.bar())), area);
}
