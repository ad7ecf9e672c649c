//! How each event of the room is told once and in order, over holes: what was missed while the connection was
//! lost, what the server left out for a slow reader, what this side had no room for. All of it stands in the
//! room's log and is read from there page by page, when the caller has room for it; what happens live waits
//! behind it.
//!
//! This is the state of it alone: the driver asks for the pages.

use super::untold::Untold;
use super::{Event, RoomEvent};

/// Live events that wait for a hole to be filled; beyond that they are a part of it.
const LIVE: usize = 1024;

pub(super) struct Catchup {
    /// Everything up to here has been told, or does not exist.
    last_seq: u64,
    /// There is a hole up to here, if this is past that.
    up_to: u64,
    /// The page that is on its way: after the one number, up to the other.
    page: Option<(u64, u64)>,
    live: Vec<RoomEvent>,
    /// Whether the hole is to be filled before it can be said that the connection is back.
    owes_back: bool,
}

impl Catchup {
    /// Everything after this number will be told.
    pub(super) fn after(seq: u64) -> Self {
        Self { last_seq: seq, up_to: seq, page: None, live: Vec::new(), owes_back: false }
    }

    pub(super) fn has_hole(&self) -> bool {
        self.up_to > self.last_seq
    }

    /// A login has found this as its newest event.
    pub(super) fn has_come_back(&mut self, seq: u64, untold: &mut Untold) {
        // What waited is older than that.
        self.live.clear();
        self.page = None;
        if self.last_seq > seq {
            // Numbers never go back in one log.
            self.last_seq = seq;
            untold.push(Event::NewLog);
        }
        self.up_to = seq;
        self.owes_back = true;
        self.settle(untold);
    }

    /// Nobody listens, or nothing is to be heard: what is in the hole is not wanted.
    pub(super) fn skip(&mut self, untold: &mut Untold) {
        self.live.clear();
        self.last_seq = self.last_seq.max(self.up_to);
        self.settle(untold);
    }

    pub(super) fn hear(&mut self, event: RoomEvent, untold: &mut Untold) {
        if self.has_hole() && self.live.len() < LIVE {
            self.live.push(event);
        } else if self.has_hole() || !untold.has_room() {
            // What waits has lower numbers: it is a part of the hole now.
            self.up_to = self.up_to.max(event.seq);
            self.live.clear();
        } else {
            self.tell(event, untold);
        }
    }

    /// The server has left out everything up to here.
    pub(super) fn has_missed(&mut self, up_to: u64) {
        self.up_to = self.up_to.max(up_to);
    }

    /// The range of the page to ask for now: after the one number, up to the other.
    pub(super) fn next_page(&mut self, untold: &Untold) -> Option<(u64, u64)> {
        if self.page.is_some() || !self.has_hole() || !untold.has_much_room() {
            return None;
        }
        self.page = Some((self.last_seq, self.up_to));
        self.page
    }

    /// The page was refused: it can be asked for again.
    pub(super) fn has_no_page(&mut self) {
        self.page = None;
    }

    /// An event of the page has come. They come in order, and so each is told at once.
    pub(super) fn take_item(&mut self, event: RoomEvent, untold: &mut Untold) {
        if self.page.is_some_and(|(_, up_to)| event.seq <= up_to) {
            self.tell(event, untold);
        }
    }

    /// All of the page has come.
    pub(super) fn end_page(&mut self, has_more: bool, untold: &mut Untold) {
        let Some((after, up_to)) = self.page.take() else { return };
        if !has_more || self.last_seq == after {
            // Numbers that were not there do not exist.
            self.last_seq = self.last_seq.max(up_to);
        }
        self.settle(untold);
    }

    /// Tells what waits for a hole that is filled.
    fn settle(&mut self, untold: &mut Untold) {
        if self.has_hole() {
            return;
        }
        std::mem::take(&mut self.live).into_iter().for_each(|event| self.tell(event, untold));
        if std::mem::take(&mut self.owes_back) {
            untold.push(Event::Back);
        }
    }

    fn tell(&mut self, event: RoomEvent, untold: &mut Untold) {
        if event.seq > self.last_seq {
            self.last_seq = event.seq;
            untold.push(Event::Room(event));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(seq: u64) -> RoomEvent {
        let line = json!({ "event": "started", "room": "lobby", "seq": seq, "at": "" });
        RoomEvent::read("event", line.as_object().unwrap().clone()).unwrap()
    }

    fn take_page(catchup: &mut Catchup, seqs: impl IntoIterator<Item = u64>, has_more: bool, untold: &mut Untold) {
        seqs.into_iter().for_each(|seq| catchup.take_item(event(seq), untold));
        catchup.end_page(has_more, untold);
    }

    /// Takes everything that is told; a return is a 0, a new log a 1,000,000.
    fn told(untold: &mut Untold) -> Vec<u64> {
        let number = |event| match event {
            Event::Room(event) => event.seq,
            Event::Back => 0,
            Event::NewLog => 1_000_000,
            event => panic!("{event:?}"),
        };
        std::iter::from_fn(|| untold.pop()).map(number).collect()
    }

    #[test]
    fn what_was_missed_comes_before_what_happens_live_and_each_once() {
        let (mut catchup, mut untold) = (Catchup::after(3), Untold::default());
        catchup.has_come_back(9, &mut untold);
        assert_eq!(catchup.next_page(&untold), Some((3, 9)));
        assert_eq!(catchup.next_page(&untold), None);
        catchup.hear(event(10), &mut untold);
        catchup.has_missed(12);
        catchup.hear(event(13), &mut untold);
        take_page(&mut catchup, [4, 5], true, &mut untold);
        assert_eq!(catchup.next_page(&untold), Some((5, 12)));
        catchup.has_no_page();
        assert_eq!(catchup.next_page(&untold), Some((5, 12)));
        // 6 to 8 and 12 are numbers that a crash left out.
        take_page(&mut catchup, [9, 10, 11], false, &mut untold);
        assert_eq!(told(&mut untold), [4, 5, 9, 10, 11, 13, 0]);
        catchup.hear(event(13), &mut untold);
        catchup.hear(event(14), &mut untold);
        assert_eq!(told(&mut untold), [14]);
    }

    #[test]
    fn what_finds_no_room_is_read_again_once_there_is_some() {
        let (mut catchup, mut untold) = (Catchup::after(0), Untold::default());
        (1..=5000).for_each(|seq| catchup.hear(event(seq), &mut untold));
        assert_eq!(catchup.next_page(&untold), None);
        let kept = told(&mut untold);
        let (left, right) = catchup.next_page(&untold).unwrap();
        assert_eq!(kept, (1..=left).collect::<Vec<u64>>());
        take_page(&mut catchup, left + 1..=right, false, &mut untold);
        assert_eq!(told(&mut untold), (left + 1..=5000).collect::<Vec<u64>>());
        assert!(!catchup.has_hole());
    }

    #[test]
    fn a_page_that_is_cut_is_gone_on_with_from_what_came() {
        let (mut catchup, mut untold) = (Catchup::after(0), Untold::default());
        catchup.has_come_back(9, &mut untold);
        catchup.next_page(&untold);
        (1..=4).for_each(|seq| catchup.take_item(event(seq), &mut untold));
        catchup.has_come_back(12, &mut untold);
        assert_eq!(catchup.next_page(&untold), Some((4, 12)));
        assert_eq!(told(&mut untold), [1, 2, 3, 4]);
    }

    #[test]
    fn a_log_whose_numbers_go_back_is_another_one() {
        let (mut catchup, mut untold) = (Catchup::after(90), Untold::default());
        catchup.has_come_back(7, &mut untold);
        assert_eq!(told(&mut untold), [1_000_000, 0]);
        catchup.hear(event(8), &mut untold);
        assert_eq!(told(&mut untold), [8]);
    }

    #[test]
    fn a_page_that_promises_more_and_brings_nothing_is_the_last() {
        let (mut catchup, mut untold) = (Catchup::after(0), Untold::default());
        catchup.has_come_back(5, &mut untold);
        catchup.next_page(&untold);
        take_page(&mut catchup, [70], true, &mut untold);
        assert_eq!((told(&mut untold), catchup.next_page(&untold)), (vec![0], None));
    }
}
