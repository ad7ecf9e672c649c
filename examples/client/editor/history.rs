//! What was said from this line before, and the unfinished line that waits while one looks at it.
//!
//! Owns the order and the bound; edits of a recalled line last only while it is shown. Nothing is written to disk.

use std::collections::VecDeque;

/// Lines remembered.
const LINES: usize = 500;

/// Earlier lines, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: VecDeque<String>,
    /// Which line is shown; `None` for the unfinished one.
    shown: Option<usize>,
    /// The unfinished line while another is shown.
    unfinished: String,
}

impl History {
    /// Remembers a line unless it is blank or the newest already, and goes back to the end.
    pub(super) fn push(&mut self, line: &str) {
        self.leave();
        if line.trim().is_empty() || self.lines.back().is_some_and(|newest| newest == line) {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    /// Forgets the unfinished line and shows none of the earlier ones.
    pub(super) fn leave(&mut self) {
        self.shown = None;
        self.unfinished.clear();
    }

    /// The line before the one shown. `current` is what stands in the editor now.
    pub(super) fn older(&mut self, current: &str) -> Option<&str> {
        let at = self.shown.unwrap_or(self.lines.len()).checked_sub(1)?;
        self.show(at, current)
    }

    /// The line after the one shown, in the end the unfinished one.
    pub(super) fn newer(&mut self) -> Option<String> {
        let at = self.shown? + 1;
        if at == self.lines.len() {
            return self.unfinished();
        }
        self.shown = Some(at);
        self.lines.get(at).cloned()
    }

    /// The oldest line.
    pub(super) fn oldest(&mut self, current: &str) -> Option<&str> {
        self.show(0, current)
    }

    /// The unfinished line, if another is shown.
    pub(super) fn unfinished(&mut self) -> Option<String> {
        self.shown.take()?;
        Some(std::mem::take(&mut self.unfinished))
    }

    /// The newest line that holds the pattern, and is older than the one numbered `before` if there is such: its
    /// number, itself, and where the pattern begins in it.
    pub(super) fn find(&self, pattern: &str, before: Option<usize>) -> Option<(usize, &str, usize)> {
        let older = self.lines.iter().enumerate().take(before.unwrap_or(self.lines.len()));
        older.rev().find_map(|(number, line)| Some((number, line.as_str(), line.rfind(pattern)?)))
    }

    /// Shows a line by its number.
    pub(super) fn show(&mut self, number: usize, current: &str) -> Option<&str> {
        let line = self.lines.get(number)?;
        if self.shown.is_none() {
            current.clone_into(&mut self.unfinished);
        }
        self.shown = Some(number);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_lines_are_kept() {
        let mut history = History::default();
        for number in 0..LINES + 3 {
            history.push(&number.to_string());
        }
        assert_eq!(history.oldest(""), Some("3"));
        history.leave();
        assert_eq!(history.older(""), Some("502"));
    }

    #[test]
    fn blank_lines_and_repetitions_are_not() {
        let mut history = History::default();
        for line in ["one", "one", " ", "", "two", "one"] {
            history.push(line);
        }
        assert_eq!(history.lines, ["one", "two", "one"]);
    }
}
