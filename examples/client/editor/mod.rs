//! The input line: readline's editing, history and search, on grapheme clusters.
//!
//! Owns what is being written and what was written before. Knows nothing of the room: the caller takes the line at
//! Enter, completes at Tab, and draws [`Editor::view`] with the cursor in it.

mod history;
mod keys;
mod kills;
mod line;
mod view;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use history::History;
use keys::{Command, Target, command, is_control};
use kills::{KillRing, Side, Undo};
use line::Line;

/// A line being written.
#[derive(Debug, Default)]
pub(crate) struct Editor {
    line: Line,
    history: History,
    kills: KillRing,
    undo: Undo,
    last: Last,
    search: Option<Search>,
}

/// What the last key did, where that decides what the next one does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Other,
    Typed,
    Killed,
    /// Put text back that begins here.
    Yanked(usize),
}

/// A search back through the history.
#[derive(Debug)]
struct Search {
    pattern: String,
    /// The number of the line that is shown for it.
    found: Option<usize>,
    /// What stood in the editor when it began.
    before: Line,
}

impl Editor {
    /// The line as it would be sent.
    pub(crate) fn text(&self) -> &str {
        self.line.text()
    }

    /// Where the next character goes, in bytes.
    pub(crate) fn cursor(&self) -> usize {
        self.line.cursor()
    }

    /// Whether nothing is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Throws the line away.
    pub(crate) fn clear(&mut self) {
        self.set("");
    }

    /// Puts another line in the place of this one, the cursor at its end. That cannot be undone.
    pub(crate) fn set(&mut self, text: &str) {
        self.search = None;
        self.history.leave();
        self.load(Line::new(text));
    }

    /// Puts text in at the cursor as one step of undo. Newlines and tabs become blanks, other controls vanish.
    pub(crate) fn insert(&mut self, text: &str) {
        self.replace(self.cursor()..self.cursor(), text);
    }

    /// Puts text in the place of a part of the line, the cursor behind it. A range that is not one of whole characters
    /// of the line changes nothing.
    pub(crate) fn replace(&mut self, range: Range<usize>, with: &str) {
        self.end_search();
        self.change(|line| line.replace(range, with));
        self.last = Last::Other;
    }

    /// Takes the line away to be sent, and remembers it in the history.
    pub(crate) fn take(&mut self) -> String {
        let text = self.text().to_owned();
        self.history.push(&text);
        self.clear();
        text
    }

    /// What is searched for in the history, while that goes on.
    pub(crate) fn searching(&self) -> Option<&str> {
        self.search.as_ref().map(|search| search.pattern.as_str())
    }

    /// What is seen of the line in so many columns, safe to be drawn, and the column of the cursor in it.
    /// `<` and `>` stand where more is hidden.
    pub(crate) fn view(&self, width: usize) -> (String, u16) {
        view::view(&self.line, width)
    }

    /// Does what the key asks for; `false` if it is not one of the editor's.
    ///
    /// Enter, Tab, Esc and Ctrl-C are never, nor is Ctrl-D on an empty line; but while a search goes on, Esc ends it.
    pub(crate) fn handle(&mut self, key: KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return false;
        }
        if self.search_key(key) {
            return true;
        }
        let before = std::mem::take(&mut self.last);
        if is_control(key, 'd') && self.is_empty() {
            return false;
        }
        let Some(command) = command(key) else { return false };
        self.last = self.run(command, before);
        true
    }

    fn run(&mut self, command: Command, last: Last) -> Last {
        match command {
            Command::Type(c) => {
                let mut bytes = [0; 4];
                let typed = c.encode_utf8(&mut bytes);
                if last == Last::Typed {
                    self.line.insert(typed);
                } else {
                    self.change(|line| line.insert(typed));
                }
                return Last::Typed;
            }
            Command::Move(target) => self.line.move_to(self.position(target)),
            Command::Delete(target) => {
                let range = self.range_to(target);
                self.change(|line| line.cut(range));
            }
            Command::Kill(target) => {
                self.kill(target, last == Last::Killed);
                return Last::Killed;
            }
            Command::Yank => return self.yank(self.cursor()),
            Command::YankPop => {
                // Only what was just yanked can be changed for an older cut.
                let Last::Yanked(start) = last else { return last };
                self.kills.turn();
                return self.yank(start);
            }
            Command::Transpose => self.change(Line::transpose),
            Command::ChangeCase(case) => self.change(|line| line.change_case(case)),
            Command::Undo => {
                if let Some(before) = self.undo.pop() {
                    self.line = before;
                }
            }
            Command::Older => self.recall(|history, current| history.older(current).map(str::to_owned)),
            Command::Newer => self.recall(|history, _| history.newer()),
            Command::Oldest => self.recall(|history, current| history.oldest(current).map(str::to_owned)),
            Command::Unfinished => self.recall(|history, _| history.unfinished()),
            Command::Search => {
                self.search = Some(Search { pattern: String::new(), found: None, before: self.line.clone() });
            }
        }
        Last::Other
    }

    /// Changes the line so that it can be undone.
    fn change<T>(&mut self, change: impl FnOnce(&mut Line) -> T) -> T {
        let before = self.line.clone();
        let outcome = change(&mut self.line);
        if self.line.text() != before.text() {
            self.undo.push(before);
        }
        outcome
    }

    /// Shows another line, whose changes begin anew.
    fn load(&mut self, line: Line) {
        self.line = line;
        self.undo.clear();
        self.last = Last::Other;
    }

    fn recall(&mut self, from: impl FnOnce(&mut History, &str) -> Option<String>) {
        if let Some(text) = from(&mut self.history, self.line.text()) {
            self.load(Line::new(&text));
        }
    }

    fn kill(&mut self, target: Target, joins_the_last: bool) {
        let range = self.range_to(target);
        let side = if range.start < self.cursor() { Side::Before } else { Side::After };
        let cut = self.change(|line| line.cut(range));
        if !cut.is_empty() {
            self.kills.push(cut, side, joins_the_last);
        }
    }

    /// Puts the newest cut in the place of what stands between `start` and the cursor.
    fn yank(&mut self, start: usize) -> Last {
        let Some(kill) = self.kills.newest().map(str::to_owned) else { return Last::Other };
        let range = start..self.cursor();
        self.change(|line| line.replace(range, &kill));
        Last::Yanked(start)
    }

    fn position(&self, target: Target) -> usize {
        match target {
            Target::Start => 0,
            Target::End => self.text().len(),
            Target::Left => self.line.left(),
            Target::Right => self.line.right(),
            Target::WordLeft => self.line.word_left(),
            Target::WordRight => self.line.word_right(),
            Target::BlankLeft => self.line.blank_left(),
        }
    }

    fn range_to(&self, target: Target) -> Range<usize> {
        let position = self.position(target);
        position.min(self.cursor())..position.max(self.cursor())
    }

    /// What a key does while a search goes on. Any other ends it with the line that was found, and then does its own.
    fn search_key(&mut self, key: KeyEvent) -> bool {
        let Some(search) = &mut self.search else { return false };
        let no_letter = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        let older_than = match key.code {
            _ if is_control(key, 'r') => search.found,
            _ if is_control(key, 'g') || key.code == KeyCode::Esc => {
                let before = std::mem::take(&mut search.before);
                self.search = None;
                self.line = before;
                return true;
            }
            _ if key.code == KeyCode::Backspace || is_control(key, 'h') => {
                search.pattern.pop();
                None
            }
            KeyCode::Char(c) if !no_letter => {
                search.pattern.push(c);
                search.found.map(|number| number + 1)
            }
            _ => {
                self.end_search();
                return false;
            }
        };
        self.find(older_than);
        true
    }

    /// Shows the newest line older than the one of this number that holds what is searched for; none changes nothing.
    fn find(&mut self, older_than: Option<usize>) {
        let Some(search) = self.search.as_mut().filter(|search| !search.pattern.is_empty()) else { return };
        if let Some((number, line, start)) = self.history.find(&search.pattern, older_than) {
            search.found = Some(number);
            self.line = Line::new(line);
            self.line.move_to(start);
        }
    }

    /// Ends a search with the line that it found.
    fn end_search(&mut self) {
        let Some(Search { found: Some(number), before, .. }) = self.search.take() else { return };
        self.history.show(number, before.text());
        self.undo.clear();
        self.last = Last::Other;
    }
}
