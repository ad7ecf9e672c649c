//! Which `ref`s were said lately. Pure.
//!
//! A `ref` is said once for ever. The store knows those that are durable, but a session asks it
//! before the room takes the speech, so the room remembers every `ref` that a question asked at some
//! earlier moment may have missed. It forgets only what was durable long before; a speech whose question
//! is older than that is refused.

use std::collections::{HashMap, VecDeque};

use crate::protocol::text::Ref;
use crate::store::queue::Position;
use crate::store::record::AccountId;

/// How many durable refs are remembered, for questions that are still on their way.
const REMEMBERED: usize = 8192;

type Key = (AccountId, Ref);

/// The refs said lately, each with its number and its place in the store's queue.
#[derive(Default)]
pub(super) struct RecentRefs {
    said: HashMap<Key, (u64, Position)>,
    in_order: VecDeque<(Position, Key)>,
    /// Everything up to here may be forgotten.
    forgotten: Position,
}

impl RecentRefs {
    /// Whether an answer that the store gave at `looked_up` or later can be relied on.
    pub(super) fn covers(&self, looked_up: Position) -> bool {
        looked_up >= self.forgotten
    }

    pub(super) fn find(&self, account: AccountId, reference: &Ref) -> Option<(u64, Position)> {
        // The key is cloned only where a program uses refs.
        self.said.get(&(account, reference.clone())).copied()
    }

    /// Remembers what is being said, so that the same batch can repeat it.
    pub(super) fn note(&mut self, account: AccountId, reference: Ref, seq: u64) {
        self.said.insert((account, reference), (seq, Position::default()));
    }

    /// Sets where in the queue something noted went.
    pub(super) fn place(&mut self, account: AccountId, reference: Ref, seq: u64, position: Position) {
        let key = (account, reference);
        self.said.insert(key.clone(), (seq, position));
        self.in_order.push_back((position, key));
    }

    /// Forgets what has been durable for long enough.
    pub(super) fn forget(&mut self, durable: Position) {
        while self.in_order.len() > REMEMBERED {
            let Some((position, _)) = self.in_order.front() else { return };
            if *position > durable {
                return;
            }
            if let Some((position, key)) = self.in_order.pop_front() {
                self.said.remove(&key);
                self.forgotten = position;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_forgotten_that_a_question_may_have_missed() {
        let mut refs = RecentRefs::default();
        let account = AccountId::from_number(1);
        let reference = |n: usize| Ref::parse(&format!("r{n}")).unwrap();
        for n in 1..=REMEMBERED + 10 {
            refs.place(account, reference(n), n as u64, Position::test(n as u64));
        }
        refs.forget(Position::test(5));
        assert!(refs.covers(Position::test(5)) && !refs.covers(Position::test(4)));
        assert!(refs.find(account, &reference(5)).is_none());
        assert_eq!(refs.find(account, &reference(6)), Some((6, Position::test(6))));
        refs.forget(Position::test(1_000_000));
        assert_eq!(refs.in_order.len(), REMEMBERED);
        assert_eq!(refs.said.len(), REMEMBERED);
    }
}
