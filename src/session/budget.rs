//! How much a session may ask: each line is taken from its budgets. What is used up is paid for by a pause, in which
//! the peer is not read; only where others of the same budget wait already is a line refused.

use std::time::Duration;

use tokio::time::Instant;

use super::Session;
use crate::guard::bucket::Verdict;
use crate::protocol::refusal::Refusal;
use crate::protocol::request::{Request, Unreadable};

impl Session {
    /// Until when the peer is not listened to, if it has asked too much. Told once.
    pub fn take_pause(&mut self) -> Option<Instant> {
        self.pause.take()
    }

    /// So many bytes came.
    pub fn received(&mut self, count: usize) {
        if let Some(wait) = self.services.guard.received(&self.pace, count) {
            self.pause_for(wait);
        }
    }

    /// Takes a line from the budgets: with a pause behind it if they are used up, refused where others wait already.
    pub(super) fn spend(&mut self, parsed: Result<Option<Request>, Unreadable>) -> Result<Option<Request>, Unreadable> {
        let cost = match &parsed {
            Ok(None) => return parsed,
            Ok(Some(request)) => request.ask.cost(),
            Err(_) => 1,
        };
        match self.services.guard.request(&self.pace, cost) {
            Verdict::Now => parsed,
            Verdict::After(wait) => {
                self.pause_for(wait);
                parsed
            }
            Verdict::Refused(wait) => {
                let (letter, reference) = match parsed {
                    Ok(request) => request.map(|request| (Some(request.letter), request.reference)).unwrap_or_default(),
                    Err(unreadable) => (unreadable.letter, unreadable.reference),
                };
                Err(Unreadable { letter, reference, refusal: Refusal::slow_down(wait) })
            }
        }
    }

    fn pause_for(&mut self, wait: Duration) {
        self.pause = self.pause.max(Some(Instant::now() + wait));
    }
}
