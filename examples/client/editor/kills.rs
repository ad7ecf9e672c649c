//! What was cut from the line and may be put back: readline's kill ring, and the states that undo returns to.

use std::collections::VecDeque;

use super::line::Line;

/// Cuts remembered, as many as readline does.
const KILLS: usize = 10;
/// Steps that can be undone.
const UNDO_STEPS: usize = 200;

/// On which side of the cursor something was cut: consecutive cuts join in the order of the text.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Before,
    After,
}

/// The last cuts, the one to yank next at the end.
#[derive(Debug, Default)]
pub(super) struct KillRing {
    kills: VecDeque<String>,
}

impl KillRing {
    /// Remembers a cut, with the one just before it if they belong together.
    pub(super) fn push(&mut self, cut: String, side: Side, joins_the_last: bool) {
        if let Some(last) = self.kills.back_mut().filter(|_| joins_the_last) {
            match side {
                Side::Before => last.insert_str(0, &cut),
                Side::After => last.push_str(&cut),
            }
            return;
        }
        if self.kills.len() == KILLS {
            self.kills.pop_front();
        }
        self.kills.push_back(cut);
    }

    pub(super) fn newest(&self) -> Option<&str> {
        self.kills.back().map(String::as_str)
    }

    /// Turns the ring: the cut before the newest one is the next to yank.
    pub(super) fn turn(&mut self) {
        if !self.kills.is_empty() {
            self.kills.rotate_right(1);
        }
    }
}

/// Earlier states of the line.
#[derive(Debug, Default)]
pub(super) struct Undo {
    steps: VecDeque<Line>,
}

impl Undo {
    /// Remembers the line as it was before a change.
    pub(super) fn push(&mut self, before: Line) {
        if self.steps.len() == UNDO_STEPS {
            self.steps.pop_front();
        }
        self.steps.push_back(before);
    }

    pub(super) fn pop(&mut self) -> Option<Line> {
        self.steps.pop_back()
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_bounded_and_turns() {
        let mut ring = KillRing::default();
        ring.turn();
        assert_eq!(ring.newest(), None);
        for number in 0..KILLS + 2 {
            ring.push(number.to_string(), Side::After, false);
        }
        assert_eq!(ring.newest(), Some("11"));
        for _ in 0..KILLS - 1 {
            ring.turn();
        }
        assert_eq!(ring.newest(), Some("2"), "the oldest that is left");
    }

    #[test]
    fn cuts_join_in_the_order_of_the_text() {
        let mut ring = KillRing::default();
        ring.push("b".into(), Side::After, false);
        ring.push("c".into(), Side::After, true);
        ring.push("a".into(), Side::Before, true);
        assert_eq!(ring.newest(), Some("abc"));
    }
}
