//! Who waits for which answer, and what a client knows once it has it.

use tokio::sync::oneshot;

use super::{Life, Said};
use crate::protocol::text::Ref;
use crate::room::{Posted, Stale, Told};
use crate::store::queue::Position;
use crate::store::record::{AccountId, Registered};

/// What somebody waits for.
pub(super) enum Waiting {
    Speech {
        speaker: AccountId,
        said: Said,
        told: oneshot::Receiver<Result<Told, Stale>>,
    },
    Registration {
        name: String,
        outcome: oneshot::Receiver<Registered>,
    },
    Move {
        game: u64,
        made: usize,
        position: Position,
    },
    Result {
        game: u64,
        told: oneshot::Receiver<Posted>,
    },
    /// Told, and not durable yet.
    Told {
        speaker: AccountId,
        said: Said,
        told: Told,
    },
    ResultTold {
        game: u64,
        seq: u64,
        position: Position,
    },
}

impl Life<'_> {
    /// Answers whoever can be answered by now.
    pub(super) fn answer(&mut self) {
        let durable = self.queue.durable_position();
        for waiting in std::mem::take(&mut self.waiting) {
            let left = self.answer_one(waiting, durable);
            self.waiting.extend(left);
        }
    }

    fn answer_one(&mut self, waiting: Waiting, durable: Position) -> Option<Waiting> {
        match waiting {
            Waiting::Speech { speaker, said, mut told } => match told.try_recv() {
                Ok(Ok(told)) => self.answer_one(Waiting::Told { speaker, said, told }, durable),
                // Refused, or not yet heard.
                Ok(Err(Stale)) => None,
                Err(_) => Some(Waiting::Speech { speaker, said, told }),
            },
            Waiting::Told { speaker, said, told } => {
                if told.position > durable {
                    return Some(Waiting::Told { speaker, said, told });
                }
                assert_eq!(told.seqs.len(), said.len());
                for (&seq, (words, reference)) in told.seqs.iter().zip(&said) {
                    self.answer_said(speaker, seq, words, reference.as_ref());
                }
                None
            }
            Waiting::Registration { name, mut outcome } => match outcome.try_recv() {
                Ok(Registered::As(account)) => {
                    let before = self.known.registered.insert(name.clone(), account.id);
                    assert_eq!(before, None, "{name} is registered twice");
                    self.people.push(account);
                    None
                }
                Ok(Registered::NameTaken | Registered::LookAlike(_)) => None,
                Err(_) => Some(Waiting::Registration { name, outcome }),
            },
            Waiting::Move { game, made, position } if position <= durable => {
                let game = self.known.games.get_mut(&game)?;
                game.answered = game.answered.max(made);
                None
            }
            Waiting::Result { game, mut told } => match told.try_recv() {
                Ok(Posted { seq, position, .. }) => self.answer_one(Waiting::ResultTold { game, seq, position }, durable),
                Err(_) => Some(Waiting::Result { game, told }),
            },
            Waiting::ResultTold { game, seq, position } if position <= durable => {
                self.known.answered.insert(seq);
                self.known.games.get_mut(&game)?.is_answered_over = true;
                None
            }
            later @ (Waiting::Move { .. } | Waiting::ResultTold { .. }) => Some(later),
        }
    }

    fn answer_said(&mut self, speaker: AccountId, seq: u64, words: &str, reference: Option<&Ref>) {
        let heard = self.known.heard.get(&seq).unwrap_or_else(|| panic!("OK {seq}, and nobody heard of it"));
        assert_eq!(heard.author, Some(speaker), "OK {seq} is somebody else's");
        match reference {
            None => assert_eq!(heard.text, words, "OK {seq}"),
            Some(reference) => {
                let reference = reference.as_str().to_owned();
                assert_eq!(heard.reference.as_ref(), Some(&reference), "OK {seq}");
                let before = *self.known.refs.entry((speaker, reference.clone())).or_insert(seq);
                assert_eq!(before, seq, "{reference} of {speaker:?} has two numbers");
            }
        }
        self.known.answered.insert(seq);
    }
}
