//! What has happened since the start, as numbers: one of each, like the process that they are about. Pure counters,
//! written where something happens anyway, read by the operator.
//!
//! Counting is a relaxed addition, once a reply, a batch or a closing: never once a delivery.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::closing::Closing;
use crate::protocol::refusal::Refusal;
use crate::protocol::reply::Reply;

/// The numbers of this process.
pub static METRICS: Metrics = Metrics::new();

/// A number that only grows.
#[derive(Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many there have been.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Metrics {
    /// Connections accepted.
    pub accepted: Counter,
    /// Requests answered.
    pub requests: Counter,
    /// Messages that people said and that were answered.
    pub messages: Counter,
    /// Lines of the room's log that somebody was to hear, once for each who was.
    pub deliveries: Counter,
    refusals: [Counter; Refusal::CODES.len()],
    closings: [Counter; Closing::ALL.len()],
}

impl Metrics {
    /// Nothing has happened yet.
    pub(crate) const fn new() -> Self {
        Self {
            accepted: Counter::new(),
            requests: Counter::new(),
            messages: Counter::new(),
            deliveries: Counter::new(),
            refusals: [const { Counter::new() }; Refusal::CODES.len()],
            closings: [const { Counter::new() }; Closing::ALL.len()],
        }
    }

    /// A request has its reply.
    pub fn answered(&self, reply: &Reply) {
        self.requests.count();
        match reply {
            Reply::Refused(refusal) => self.refused(refusal),
            Reply::Spoken { .. } => self.messages.count(),
            _ => (),
        }
    }

    /// Some messages have theirs, which are all alike.
    pub fn all_answered(&self, replies: &[Reply]) {
        match replies {
            [Reply::Spoken { .. }, ..] => {
                self.requests.add(replies.len() as u64);
                self.messages.add(replies.len() as u64);
            }
            others => others.iter().for_each(|reply| self.answered(reply)),
        }
    }

    /// One that had its reply has got this one in its place.
    pub fn refused(&self, refusal: &Refusal) {
        if let Ok(place) = Refusal::CODES.binary_search(&refusal.code()) {
            self.refusals[place].count();
        }
    }

    /// The server has closed a connection.
    pub fn closed(&self, closing: Closing) {
        self.closings[closing as usize].count();
    }

    /// How often requests were refused, by code, of those codes that there were.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refusal::CODES.into_iter().zip(&self.refusals).map(|(code, counter)| (code, counter.get())).filter(|(_, n)| *n > 0)
    }

    /// How often connections were closed, by reason, of those reasons that there were.
    pub fn closings(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = Closing::ALL.into_iter().zip(&self.closings);
        all.map(|(closing, counter)| (closing.code(), counter.get())).filter(|(_, n)| *n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_and_each_reason_has_its_own_counter() {
        let metrics = Metrics::new();
        assert!(Refusal::CODES.is_sorted(), "they are looked up by halves");
        for closing in Closing::ALL {
            assert_eq!(Closing::ALL[closing as usize], closing);
            metrics.closed(closing);
        }
        assert_eq!(metrics.closings().count(), Closing::ALL.len());
        metrics.answered(&Reply::Refused(Refusal::Busy));
        metrics.answered(&Reply::Refused(Refusal::BusyTransfers));
        metrics.answered(&Reply::Refused(Refusal::WrongPassword { tries_left: 1 }));
        metrics.answered(&Reply::Spoken { seq: 1 });
        assert_eq!(metrics.refusals().collect::<Vec<_>>(), [("busy", 2), ("wrong-password", 1)]);
        assert_eq!((metrics.requests.get(), metrics.messages.get()), (4, 1));
    }
}
