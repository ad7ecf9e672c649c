//! Pages of history asked for while the talk goes on, at random places of the log, at a steady rate. Those who ask are
//! not in the room and hear nothing of it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use super::connection::Connection;
use super::failure::Failure;
use super::latency::{Latency, Percentiles};
use super::lines::Lines;
use super::poller::Poller;
use super::scene::Scene;
use super::schedule::Schedule;
use super::wire::{Reply, page, reply};

/// Connections that share the questions, so that one slow page does not make all later ones late.
pub(crate) const READERS: usize = 4;

/// Those who read history.
pub(crate) struct Pages {
    schedule: Schedule,
    readers: Vec<Reader>,
    /// The newest event that may be asked for.
    seq: u64,
    dice: u64,
    asked: u64,
    refused: u64,
    latency: Latency,
}

struct Reader {
    connection: Connection,
    lines: Lines,
    /// When each page that has not come was meant to be asked for.
    unanswered: VecDeque<Duration>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct History {
    pub(crate) asked: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) latency_us: Option<Percentiles>,
}

impl Pages {
    /// Takes over those who have logged in for it.
    pub(crate) fn new(scene: &Scene, readers: Vec<Connection>, seq: u64) -> Result<Self, Failure> {
        let reader = |connection| Reader { connection, lines: Lines::default(), unanswered: VecDeque::new() };
        Ok(Self {
            schedule: Schedule::new(scene.warmup(), scene.history_per_s.unwrap_or(1.0)),
            readers: readers.into_iter().map(reader).collect(),
            seq: seq.max(1),
            dice: 0x9e37_79b9_7f4a_7c15,
            asked: 0,
            refused: 0,
            latency: Latency::new()?,
        })
    }

    /// Has the poller look at them.
    pub(crate) fn watch(&self, poller: &Poller, first_token: u64) -> Result<(), Failure> {
        (first_token..).zip(&self.readers).try_for_each(|(token, reader)| poller.add(&reader.connection, token))
    }

    /// When to look here again.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        (!self.readers.is_empty()).then(|| self.schedule.time_of(self.asked))
    }

    /// Whether all that were asked for have come.
    pub(crate) fn are_all_here(&self) -> bool {
        self.readers.iter().all(|reader| reader.unanswered.is_empty())
    }

    /// Asks for what is due.
    pub(crate) fn turn(&mut self, now: Duration) -> Result<(), Failure> {
        if self.readers.is_empty() {
            return Ok(());
        }
        for number in self.asked..self.schedule.due_at(now) {
            let right = 1 + self.random() % self.seq;
            let count = self.readers.len() as u64;
            let reader = &mut self.readers[(number % count) as usize];
            reader.connection.queue(page(right).as_bytes());
            reader.unanswered.push_back(self.schedule.time_of(number));
            self.asked += 1;
        }
        self.readers.iter_mut().try_for_each(|reader| reader.connection.flush())
    }

    /// Reads what has come for one of them.
    pub(crate) fn read(&mut self, number: u64, buffer: &mut [u8], now: Duration) -> Result<(), Failure> {
        let Reader { connection, lines, unanswered } = &mut self.readers[number as usize];
        let bytes = connection.read(buffer)?;
        lines.feed(bytes, |line| match (reply(line), unanswered.front()) {
            (Some(Reply::Ok), Some(&meant)) => {
                self.latency.record(now.saturating_sub(meant));
                unanswered.pop_front();
            }
            (Some(_), _) => {
                self.refused += 1;
                unanswered.pop_front();
            }
            (None, _) => (),
        });
        Ok(())
    }

    /// What came of it; `None` if nobody asks.
    pub(crate) fn outcome(&self) -> Option<History> {
        let latency_us = self.latency.percentiles();
        let done = latency_us.map_or(0, |latency| latency.count);
        (!self.readers.is_empty()).then_some(History { asked: self.asked, done, refused: self.refused, latency_us })
    }

    /// Xorshift: any place will do, the same ones in every run.
    fn random(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }
}
