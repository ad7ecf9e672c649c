//! What was said, as far back as it has been read: entries, the view on them, and where it stands.
//!
//! The view is held by its lowest line, so that nothing that arrives moves what somebody is reading. Lines
//! are wrapped when they are shown, and kept for the width they were wrapped for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::text;

/// Entries that are kept. The oldest are given up while the view follows the newest, and can be read again.
const KEPT: usize = 5_000;
/// Entries that may arrive below a view that looks back; with more it follows again.
const WAITING_BELOW: usize = 5_000;
/// Texts of a server that keeps to `protocol.md` are no longer; what is longer would be wrapped at each frame.
const LOG_TEXT_BYTES: usize = 4 << 10;
/// Lists and records that this screen shows of its own.
const OWN_TEXT_BYTES: usize = 64 << 10;
/// Columns before a text: the time, and the mark of a mention.
pub(crate) const GUTTER: usize = 6;

/// What an entry is, which decides how it looks and whether it counts as news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Somebody spoke.
    Chat,
    /// The operator spoke.
    Announcement,
    /// Somebody came or went.
    Passing,
    /// A file or a game.
    News,
    /// This client says something to its user.
    Note,
    /// This client says that something failed.
    Fault,
    /// Said, and not heard by the room yet.
    Pending,
}

/// One thing in the talk.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its number in the room's log; none for what only this screen shows.
    pub(crate) seq: Option<u64>,
    pub(crate) at: Zoned,
    pub(crate) kind: Kind,
    /// Who speaks, cleaned.
    pub(crate) from: Option<String>,
    /// Whether it names the reader.
    pub(crate) is_mention: bool,
    /// Its lines, cleaned.
    lines: Vec<String>,
    wrapped: RefCell<Option<(usize, Rc<[Row]>)>>,
}

/// One row of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// A new day begins.
    Day(Date),
    /// What follows was said while one was away.
    NewSince,
    /// A part of an entry.
    Text {
        /// Whether it is the entry's first, which shows the time and who.
        is_first: bool,
        text: String,
    },
}

impl Entry {
    pub(crate) fn new(seq: Option<u64>, at: Zoned, kind: Kind, from: Option<&str>, said: &str) -> Self {
        let most = if seq.is_some() { LOG_TEXT_BYTES } else { OWN_TEXT_BYTES };
        let lines = match said.len().checked_sub(most) {
            None | Some(0) => text::lines(said).collect(),
            Some(_) => {
                let kept = &said[..said.floor_char_boundary(most)];
                text::lines(&format!("{kept}… ({} bytes are left out)", said.len() - kept.len())).collect()
            }
        };
        let from = from.map(text::clean);
        Self { seq, at, kind, from, is_mention: false, lines, wrapped: RefCell::new(None) }
    }

    /// The text of its rows, without what stands before it.
    fn rows(&self, width: usize) -> Rc<[Row]> {
        let mut wrapped = self.wrapped.borrow_mut();
        match &*wrapped {
            Some((for_width, rows)) if *for_width == width => Rc::clone(rows),
            _ => Rc::clone(&wrapped.insert((width, self.wrap(width).into())).1),
        }
    }

    fn wrap(&self, width: usize) -> Vec<Row> {
        let room = width.saturating_sub(GUTTER).max(1);
        // `alice: ` stands before the first row.
        let name = self.from.as_ref().map_or(0, |from| text::width(from) + 2);
        let mut rows = Vec::new();
        for line in &self.lines {
            let first = if rows.is_empty() { room.saturating_sub(name) } else { room };
            for part in text::wrap(line, first, room) {
                let is_first = rows.is_empty();
                rows.push(Row::Text { is_first, text: line[part].to_owned() });
            }
        }
        if rows.is_empty() {
            rows.push(Row::Text { is_first: true, text: String::new() });
        }
        rows
    }

    /// Whether it is worth a line "new since you left".
    fn is_news(&self) -> bool {
        matches!(self.kind, Kind::Chat | Kind::Announcement | Kind::News)
    }
}

/// The talk and the view on it.
pub(crate) struct Talk {
    entries: VecDeque<Entry>,
    zone: TimeZone,
    /// How many entries were ever put before the first one: an entry's place in the log of this screen is
    /// its index less this, which does not change.
    before: i64,
    /// The lowest row that is shown; the newest if there is none.
    anchor: Option<Anchor>,
    /// The numbers between which one was away, if they are known.
    pub(crate) away_between: Option<(u64, u64)>,
    pub(crate) has_older: bool,
    pub(crate) is_reading_older: bool,
    /// Which page that is.
    pub(crate) asked_before: Option<u64>,
    /// The oldest number that was read, whether it is shown or not.
    pub(crate) oldest_read: Option<u64>,
    /// Neither coming nor going is shown.
    pub(crate) is_quiet: bool,
    /// News that arrived below the view.
    pub(crate) unseen: usize,
    /// Everything that arrived below it.
    below: usize,
    /// The size that was last shown.
    size: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchor {
    place: i64,
    row: usize,
}

impl Talk {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self {
            entries: VecDeque::new(),
            zone,
            before: 0,
            anchor: None,
            away_between: None,
            has_older: true,
            is_reading_older: false,
            asked_before: None,
            oldest_read: None,
            is_quiet: false,
            unseen: 0,
            below: 0,
            size: (80, 20),
        }
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Puts what happened now behind all else.
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.anchor.is_some() {
            self.unseen += usize::from(entry.is_news());
            self.below += 1;
            if self.below > WAITING_BELOW {
                self.follow();
            }
        }
        self.entries.push_back(entry);
        // A page that is on its way goes before the first one that is here.
        while self.anchor.is_none() && self.entries.len() > KEPT && !self.is_reading_older {
            let given_up = self.entries.pop_front();
            self.oldest_read = given_up.and_then(|entry| entry.seq).map(|seq| seq + 1).or(self.oldest_read);
            self.before -= 1;
            self.has_older = true;
        }
    }

    /// Puts older ones, the oldest first, before all else.
    pub(crate) fn push_older(&mut self, older: impl DoubleEndedIterator<Item = Entry>) {
        for entry in older.rev() {
            self.entries.push_front(entry);
            self.before += 1;
        }
    }

    /// Whether something that was said before a time was not heard yet.
    pub(crate) fn has_pending(&self, since: &Zoned) -> bool {
        self.entries.iter().rev().any(|entry| entry.kind == Kind::Pending && entry.at < *since)
    }

    /// Removes the oldest entry that waits to be heard, if its text is this.
    pub(crate) fn settle(&mut self, said: &str) {
        let lines: Vec<String> = text::lines(said).collect();
        let waiting = self.entries.iter().position(|entry| entry.kind == Kind::Pending && entry.lines == lines);
        if let Some(index) = waiting {
            self.entries.remove(index);
        }
    }

    /// Forgets everything, as another log begins.
    pub(crate) fn clear(&mut self) {
        let (zone, size) = (self.zone.clone(), self.size);
        *self = Self { is_quiet: self.is_quiet, size, ..Self::new(zone) };
    }

    /// Shows the newest entry from its first row on, if it is longer than the pane.
    pub(crate) fn show_beginning(&mut self) {
        self.follow();
        let (Some(newest), (_, height)) = (self.entries.len().checked_sub(1), self.size) else { return };
        if self.rows(newest, None).len() > height {
            self.anchor = Some(Anchor { place: self.place(newest), row: height.saturating_sub(1) });
        }
    }

    /// Before which entry the line "new since you left" stands.
    fn first_new(&self) -> Option<usize> {
        let (left, came) = self.away_between?;
        let is_known = self.entries.iter().any(|entry| entry.seq.is_some_and(|seq| seq <= left));
        let is_new = |entry: &Entry| entry.seq.is_some_and(|seq| seq > left && seq < came) && entry.is_news();
        self.entries.iter().position(is_new).filter(|_| is_known)
    }

    fn is_shown(&self, entry: &Entry) -> bool {
        !(self.is_quiet && entry.kind == Kind::Passing)
    }

    /// The rows of one entry, with the lines before it.
    fn rows(&self, index: usize, first_new: Option<usize>) -> Vec<Row> {
        let entry = &self.entries[index];
        if !self.is_shown(entry) {
            return Vec::new();
        }
        let mut rows = Vec::new();
        let before = self.entries.range(..index).rev().find(|entry| self.is_shown(entry));
        let day = entry.at.date();
        if before.map_or(!self.has_older, |before| before.at.date() != day) {
            rows.push(Row::Day(day));
        }
        if first_new == Some(index) {
            rows.push(Row::NewSince);
        }
        rows.extend(entry.rows(self.size.0).iter().cloned());
        rows
    }

    /// The rows that are seen at a size, from the top, each with its entry.
    pub(crate) fn view(&mut self, width: usize, height: usize) -> Vec<(&Entry, Row)> {
        self.size = (width, height);
        let first_new = self.first_new();
        let (mut index, mut upto) = self.bottom();
        let mut seen = Vec::new();
        while seen.len() < height
            && let Some(entry) = self.entries.get(index)
        {
            let rows = self.rows(index, first_new);
            let count = upto.take().map_or(rows.len(), |row: usize| rows.len().min(row + 1));
            seen.extend(rows.into_iter().take(count).rev().map(|row| (entry, row)));
            let Some(above) = index.checked_sub(1) else { break };
            index = above;
        }
        seen.truncate(height);
        seen.reverse();
        seen
    }

    /// The lowest entry that is seen, and its lowest row.
    fn bottom(&self) -> (usize, Option<usize>) {
        match self.anchor {
            // An entry that waited to be heard may have gone meanwhile.
            Some(Anchor { place, row }) => (self.index(place), Some(row)),
            None => (self.entries.len().saturating_sub(1), None),
        }
    }

    fn index(&self, place: i64) -> usize {
        usize::try_from(place + self.before).unwrap_or(0).min(self.entries.len().saturating_sub(1))
    }

    fn place(&self, index: usize) -> i64 {
        index as i64 - self.before
    }

    /// Whether the newest is seen.
    pub(crate) fn is_following(&self) -> bool {
        self.anchor.is_none()
    }

    pub(crate) fn follow(&mut self) {
        (self.anchor, self.unseen, self.below) = (None, 0, 0);
    }

    /// Moves the view up by some rows, never further than to a full screen of the oldest.
    /// True if the oldest that is here is seen: then it is time to read more.
    pub(crate) fn scroll_up(&mut self, rows: usize) -> bool {
        let first_new = self.first_new();
        let (bottom, row) = self.bottom();
        if self.entries.is_empty() {
            return true;
        }
        let shown = |index: usize| self.rows(index, first_new).len();
        // Counted from the top: how many rows stand at and above the lowest.
        let lowest = row.map_or_else(|| shown(bottom), |row| shown(bottom).min(row + 1));
        let mut above = lowest;
        let mut index = bottom;
        while index > 0 && above < rows + self.size.1 {
            index -= 1;
            above += shown(index);
        }
        let steps = rows.min(above.saturating_sub(self.size.1));
        let is_at_top = above < rows + self.size.1;
        self.anchor = self.up(bottom, lowest, steps, shown).or(self.anchor);
        is_at_top || index == 0
    }

    /// The anchor so many rows above a lowest row (counted from 1).
    fn up(&self, mut index: usize, mut lowest: usize, mut steps: usize, shown: impl Fn(usize) -> usize) -> Option<Anchor> {
        if steps == 0 {
            return None;
        }
        while steps >= lowest {
            steps -= lowest;
            index = index.checked_sub(1)?;
            lowest = shown(index);
        }
        Some(Anchor { place: self.place(index), row: lowest - steps - 1 })
    }

    /// Moves the view down; at its end it follows again.
    pub(crate) fn scroll_down(&mut self, rows: usize) {
        let Some(Anchor { place, row }) = self.anchor else { return };
        let first_new = self.first_new();
        let (mut index, mut row) = (self.index(place), row + rows);
        loop {
            let count = self.rows(index, first_new).len();
            let is_last = !self.entries.range(index + 1..).any(|entry| self.is_shown(entry));
            if is_last && row + 1 >= count {
                return self.follow();
            }
            if row < count {
                self.anchor = Some(Anchor { place: self.place(index), row });
                return;
            }
            row -= count;
            index += 1;
        }
    }
}
