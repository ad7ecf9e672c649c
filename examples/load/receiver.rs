//! Whether every message came to a receiver, once and in order. Message number `n` is the `n / senders`-th of sender
//! `n % senders`; the messages of one sender must come in its order, those of several in any.

use std::ops::Add;

use super::marks::{Counted, Marks};

/// What went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
}

impl Add for Faults {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            out_of_order: self.out_of_order + other.out_of_order,
        }
    }
}

/// One who hears.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    marks: Marks,
    delivered: u64,
    faults: Faults,
    /// How many of each sender's have passed.
    passed: Box<[u64]>,
    /// Numbers that were skipped, and have not come late.
    skipped: Vec<u64>,
    /// Where marks are only counted: by how much the last number is ahead of the count.
    ahead: i64,
}

impl Receiver {
    pub(crate) fn new(senders: usize) -> Self {
        Self {
            marks: Marks::default(),
            delivered: 0,
            faults: Faults::default(),
            passed: vec![0; senders].into(),
            skipped: Vec::new(),
            ahead: 0,
        }
    }

    /// Looks at every message in these bytes, and hands on its number; returns how many there were. Only numbers
    /// below a bound have been said; what looks like another is somebody else's.
    pub(crate) fn look(&mut self, bytes: &[u8], bound: u64, mut seen: impl FnMut(u64)) -> u64 {
        let mut marks = std::mem::take(&mut self.marks);
        let before = self.delivered;
        marks.each(bytes, |number| {
            if number < bound {
                self.hear(number);
                seen(number);
            }
        });
        self.marks = marks;
        self.delivered - before
    }

    /// Counts the messages in these bytes, and checks the last of them.
    pub(crate) fn count(&mut self, bytes: &[u8]) -> u64 {
        let Counted { count, last } = Marks::count(bytes);
        self.delivered += count;
        if let Some((number, behind)) = last {
            self.check(number, self.delivered - behind);
        }
        count
    }

    /// What went wrong, once nothing comes any more and each sender has said so many.
    pub(crate) fn verdict(mut self, said: &[u64], every_one: bool) -> Faults {
        if every_one {
            self.faults.lost = self.skipped.len() as u64;
            self.faults.lost += said.iter().zip(&self.passed).map(|(said, passed)| said.saturating_sub(*passed)).sum::<u64>();
        } else {
            let said: u64 = said.iter().sum();
            self.faults.doubled = self.faults.doubled.max(self.delivered.saturating_sub(said));
            self.faults.lost = said.saturating_sub(self.delivered - self.faults.doubled);
        }
        self.faults
    }

    fn hear(&mut self, number: u64) {
        self.delivered += 1;
        let senders = self.passed.len() as u64;
        let (sender, nth) = ((number % senders) as usize, number / senders);
        let passed = self.passed[sender];
        if nth >= passed {
            self.skipped.extend((passed..nth).map(|nth| nth * senders + sender as u64));
            self.passed[sender] = nth + 1;
        } else if let Some(at) = self.skipped.iter().position(|&skipped| skipped == number) {
            self.skipped.swap_remove(at);
            self.faults.out_of_order += 1;
        } else {
            self.faults.doubled += 1;
        }
    }

    /// `number` is what the `count`-th message said.
    fn check(&mut self, number: u64, count: u64) {
        let senders = self.passed.len() as u64;
        let (sender, nth) = ((number % senders) as usize, number / senders);
        if senders > 1 {
            // Between several senders there is no order; the numbers of one still grow.
            self.faults.out_of_order += u64::from(nth < self.passed[sender]);
            self.passed[sender] = nth;
            return;
        }
        // A message that is lost puts the number ahead of the count, one that comes twice puts it behind.
        let ahead = number as i64 + 1 - count as i64;
        self.faults.doubled += (self.ahead - ahead).max(0) as u64;
        self.ahead = ahead;
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Message;
    use super::*;

    fn heard(senders: usize, numbers: &[u64], piece: usize) -> [Receiver; 2] {
        let mut message = Message::new(40);
        let stream: Vec<u8> = numbers.iter().flat_map(|&number| message.numbered(number).to_vec()).collect();
        let (mut looked, mut counted) = (Receiver::new(senders), Receiver::new(senders));
        let (mut seen, mut count) = (Vec::new(), 0);
        for bytes in stream.chunks(piece) {
            looked.look(bytes, 6, |number| seen.push(number));
            count += counted.count(bytes);
        }
        assert_eq!((seen.as_slice(), count), (numbers, numbers.len() as u64));
        [looked, counted]
    }

    fn faults(lost: u64, doubled: u64, out_of_order: u64) -> Faults {
        Faults { lost, doubled, out_of_order }
    }

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_counted() {
        for (numbers, found) in [
            (&[0, 1, 2, 3][..], faults(0, 0, 0)),
            (&[0, 2, 3], faults(1, 0, 0)),
            (&[0, 1, 2], faults(1, 0, 0)),
            (&[], faults(4, 0, 0)),
            (&[0, 1, 1, 2, 3], faults(0, 1, 0)),
            (&[0, 2, 1, 3], faults(0, 0, 1)),
            (&[1, 2, 2, 3], faults(1, 1, 0)),
        ] {
            for piece in [1, 30, 60, 1000] {
                let [looked, _] = heard(1, numbers, piece);
                assert_eq!(looked.verdict(&[4], true), found, "{numbers:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn the_messages_of_several_senders_mix_in_any_order() {
        // 0, 2, 4 are of the first, 1, 3, 5 of the second.
        let [looked, counted] = heard(2, &[1, 3, 0, 5, 2, 4], 7);
        assert_eq!((looked.verdict(&[3, 3], true), counted.verdict(&[3, 3], false)), Default::default());
        let [looked, counted] = heard(2, &[1, 0, 5, 2, 3, 4], 1000);
        assert_eq!(looked.verdict(&[3, 3], true), faults(0, 0, 1));
        assert_eq!(counted.verdict(&[3, 3], false), faults(0, 0, 0), "one read, whose last number is in order");
        let [_, counted] = heard(2, &[1, 0, 5, 2, 3, 4], 45);
        assert_eq!(counted.verdict(&[3, 3], false).out_of_order, 1);
    }

    #[test]
    fn what_nobody_said_is_not_heard() {
        let mut receiver = Receiver::new(1);
        assert_eq!(receiver.look(b"[bob]: ^ffffffffffffffff\n", 6, |_| panic!("it is not ours")), 0);
        assert_eq!(receiver.verdict(&[0], true), faults(0, 0, 0));
    }

    #[test]
    fn counting_notices_too_few_and_too_many() {
        for (numbers, found) in [
            (&[0, 1, 2, 3][..], faults(0, 0, 0)),
            (&[0, 2, 3], faults(1, 0, 0)),
            (&[0, 1], faults(2, 0, 0)),
            (&[0, 1, 1, 2, 3], faults(0, 1, 0)),
            // As many as there should be, but not the same.
            (&[0, 0, 2, 3], faults(1, 1, 0)),
        ] {
            let [_, counted] = heard(1, numbers, 45);
            assert_eq!(counted.verdict(&[4], false), found, "{numbers:?}");
        }
    }
}
