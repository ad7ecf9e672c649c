//! The keyboard, the mouse and the clipboard.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::completion::{Sources, complete};
use super::table::Pressed;
use super::{Ask, Question, Room};

/// Rows that a turn of the wheel scrolls.
const WHEEL_ROWS: usize = 3;

impl Room {
    /// Takes a key; `page` is how many rows Page Up scrolls.
    pub(crate) fn key(&mut self, key: KeyEvent, page: usize) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        if key.code != KeyCode::Tab {
            self.choices.clear();
        }
        let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        self.has_cleared &= is_interrupt;
        if self.question.is_some() {
            return self.answer_question(key);
        }
        // A search is the line's own affair, up to the key that ends it.
        if self.editor.searching().is_some() && self.editor.handle(key) {
            return;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && self.control(key.code) {
            return;
        }
        match key.code {
            KeyCode::Enter => self.submit(),
            KeyCode::Tab => self.complete(),
            KeyCode::PageUp => self.scroll_up(page),
            KeyCode::PageDown => self.talk.scroll_down(page),
            KeyCode::Up if key.modifiers.contains(KeyModifiers::SHIFT) => self.scroll_up(1),
            KeyCode::Down if key.modifiers.contains(KeyModifiers::SHIFT) => self.talk.scroll_down(1),
            KeyCode::Esc => self.escape(),
            code if self.is_pointing() && key.modifiers.is_empty() && self.point(code) => (),
            _ => {
                self.editor.handle(key);
            }
        }
    }

    /// The keys with Ctrl that are not the line's.
    fn control(&mut self, code: KeyCode) -> bool {
        match code {
            // One press too many behind those that cleared the line is no wish to leave.
            KeyCode::Char('c') if self.editor.is_empty() && !self.has_cleared => self.quit(),
            KeyCode::Char('c') => {
                self.has_cleared = !self.editor.is_empty();
                self.editor.clear();
            }
            KeyCode::Char('d') if self.editor.is_empty() => self.quit(),
            KeyCode::Char('z') => self.asks.push(Ask::Suspend),
            KeyCode::Char('l') => self.asks.push(Ask::Redraw),
            KeyCode::End => self.talk.follow(),
            KeyCode::Home => self.scroll_up(usize::MAX / 2),
            _ => return false,
        }
        true
    }

    fn escape(&mut self) {
        match &mut self.table {
            Some(table) if table.picked.is_some() => table.picked = None,
            Some(table) if !table.is_under_way() && self.talk.is_following() => self.table = None,
            _ => self.talk.follow(),
        }
    }

    fn scroll_up(&mut self, rows: usize) {
        if self.talk.scroll_up(rows) {
            self.read_on();
        }
    }

    fn submit(&mut self) {
        if self.is_pointing() {
            return self.press();
        }
        // Only whole lines are remembered; what was searched for stands in the line.
        let line = self.editor.take();
        self.enter(&line);
    }

    /// Moves the cursor on the board.
    fn point(&mut self, code: KeyCode) -> bool {
        let Some(table) = &mut self.table else { return false };
        match code {
            KeyCode::Left => table.move_cursor(-1, 0),
            KeyCode::Right => table.move_cursor(1, 0),
            KeyCode::Up => table.move_cursor(0, -1),
            KeyCode::Down => table.move_cursor(0, 1),
            _ => return false,
        }
        true
    }

    fn press(&mut self) {
        let Some(table) = &mut self.table else { return };
        match table.press() {
            Pressed::Nothing => (),
            Pressed::Move(typed) => self.play(&typed),
            Pressed::Promotion(moves) => self.question = Some(Question::Promotion(moves)),
        }
    }

    /// One choice is put in; of several what they agree on, and they are shown.
    fn complete(&mut self) {
        let sources = Sources {
            members: self.members.names().filter(|name| *name != self.me).collect(),
            shared: self.shelf.files().iter().map(|file| file.file_name.as_str()).collect(),
            transfers: self.transfers.iter().map(|transfer| transfer.name.as_str()).collect(),
            inviters: self.inviters().collect(),
        };
        let before = &self.editor.text()[..self.editor.cursor()];
        let Some(completion) = complete(before, &sources) else { return };
        let typed = &before[completion.range.clone()];
        let agreed = completion.common();
        let with = if agreed.len() >= typed.len() { agreed.to_owned() } else { typed.to_owned() };
        self.editor.replace(completion.range, &with);
        self.choices = if completion.choices.len() > 1 { completion.choices } else { Vec::new() };
    }

    /// Text from the clipboard: one line goes into the input line, several are asked about.
    pub(crate) fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim_end_matches('\n');
        if self.question.is_some() {
            return;
        }
        let lines = text.lines().count();
        self.choices.clear();
        if lines > 1 {
            let text = format!("{}{text}", self.editor.text());
            self.question = Some(Question::Paste { text, lines });
        } else {
            self.editor.insert(text);
        }
    }

    fn answer_question(&mut self, key: KeyEvent) {
        let is_control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        let is_no = is_control_c || matches!(key.code, KeyCode::Esc | KeyCode::Char('n' | 'N'));
        let is_yes = matches!(key.code, KeyCode::Enter | KeyCode::Char('y' | 'Y'));
        let Some(question) = self.question.take() else { return };
        match question {
            Question::Paste { text, .. } if is_yes => {
                self.editor.clear();
                self.say_lines(&text);
            }
            Question::Move(typed) if is_yes => self.play(&typed),
            Question::Move(typed) if key.code == KeyCode::Char('s') => self.say(&typed),
            Question::Move(typed) if is_no => self.editor.set(&typed),
            Question::Quit(_) if is_yes => self.asks.push(Ask::Quit),
            Question::NoMove { typed, .. } if is_yes => self.say(&typed),
            Question::NoMove { typed, .. } if is_no => self.editor.set(&typed),
            // It goes into the line, where it can be looked at.
            Question::Paste { text, .. } if is_no => self.editor.set(&text),
            // Here n is a knight.
            Question::Promotion(moves) => match key.code {
                _ if is_control_c || key.code == KeyCode::Esc => (),
                KeyCode::Enter => self.promote(&moves, 'q'),
                KeyCode::Char(piece) if moves.iter().any(|typed| typed.ends_with(piece.to_ascii_lowercase())) => {
                    self.promote(&moves, piece.to_ascii_lowercase());
                }
                _ => self.question = Some(Question::Promotion(moves)),
            },
            _ if is_no => (),
            other => self.question = Some(other),
        }
    }

    fn promote(&mut self, moves: &[String], piece: char) {
        if let Some(typed) = moves.iter().find(|typed| typed.ends_with(piece)) {
            self.play(typed);
        }
    }

    /// The mouse: the wheel scrolls, a press on the board is a press there.
    pub(crate) fn mouse(&mut self, mouse: MouseEvent) {
        match mouse.kind {
            MouseEventKind::ScrollUp => self.scroll_up(WHEEL_ROWS),
            MouseEventKind::ScrollDown => self.talk.scroll_down(WHEEL_ROWS),
            MouseEventKind::Down(MouseButton::Left) => {
                let square = self.square_at(mouse.column, mouse.row);
                if let (None, Some(square), Some(table)) = (&self.question, square, &mut self.table) {
                    table.point(square);
                    self.press();
                }
            }
            _ => (),
        }
    }
}
