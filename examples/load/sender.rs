//! One who speaks: what it has said, and when each message was answered. Replies come in the order of the requests,
//! so the first reply is for the first message that has none.

use std::collections::VecDeque;
use std::time::Duration;

use super::lines::Lines;
use super::wire::{Reply, reply};

/// One who speaks.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    /// Messages so far.
    pub(crate) said: u64,
    lines: Lines,
    /// When each message without a reply was meant to be sent.
    unanswered: VecDeque<Duration>,
    pub(crate) refused: u64,
    /// The first refusal, and replies to nothing.
    pub(crate) complaint: Option<String>,
}

impl Sender {
    /// Notes a message that was meant to be sent at this time.
    pub(crate) fn say(&mut self, meant: Duration) {
        self.said += 1;
        self.unanswered.push_back(meant);
    }

    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.len() as u64
    }

    /// Reads replies; hands on when each message that is on disk now was meant to be sent.
    pub(crate) fn answer(&mut self, bytes: &[u8], mut stored: impl FnMut(Duration)) {
        self.lines.feed(bytes, |line| {
            let Some(reply) = reply(line) else { return };
            let refused = match (reply, self.unanswered.pop_front()) {
                (Reply::Ok, Some(meant)) => return stored(meant),
                (Reply::Ok, None) => "a reply to nothing: ",
                (Reply::Refused, _) => "",
            };
            self.refused += 1;
            self.complaint.get_or_insert_with(|| format!("{refused}{}", String::from_utf8_lossy(line)));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_for_messages_in_their_order() {
        let mut sender = Sender::default();
        (0..4).for_each(|ms| sender.say(Duration::from_millis(ms)));
        let mut stored = Vec::new();
        for bytes in [&b"OK 1\n[a]: OK\nO"[..], b"K 2\nERR store-failed try later\n", b"OK 4\n"] {
            sender.answer(bytes, |meant| stored.push(meant.as_millis()));
        }
        assert_eq!((stored, sender.refused, sender.unanswered()), (vec![0, 1, 3], 1, 0));
        assert_eq!(sender.complaint.as_deref(), Some("ERR store-failed try later"));
        sender.answer(b"OK 5\n", |_| panic!("nothing was asked"));
        assert_eq!(sender.refused, 2);
    }
}
