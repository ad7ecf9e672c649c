//! Requests that wait for their replies. Replies come in the order of the requests, so that each belongs to the
//! oldest one: also a reply without a `ref`, to a line in which the server could not read one.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::connection::{Incoming, Line};
use super::{Answer, Error, hex};

/// Requests that wait at once; the next ones wait to be sent.
const MOST: usize = 256;
/// The longest answer that is kept: a page of history is at most a few MiB.
const ANSWER_BYTES: usize = 32 << 20;

/// What a line completes.
pub(super) enum Taken {
    /// Nothing yet.
    Part,
    /// A line of a page that fills a hole. It is not kept until the page is whole: on a connection that is cut
    /// again and again no page ever might be.
    CatchupItem(Line),
    /// An answer, and whom it is for.
    Answer(Answerer, Result<Answer, Error>),
}

/// Whom a reply is for.
pub(super) enum Answerer {
    Caller(oneshot::Sender<Result<Answer, Error>>),
    /// A page that fills a hole.
    Catchup,
    /// A heartbeat.
    Nobody,
    /// `E`.
    Farewell,
}

struct Request {
    line: Line,
    answer: Answerer,
    /// Whether an earlier connection was lost before it was answered.
    is_repeated: bool,
}

pub(super) struct Pending {
    requests: VecDeque<Request>,
    /// The items of the oldest one.
    items: Vec<Line>,
    items_bytes: usize,
    /// What tells this login's refs from all others'.
    prefix: String,
    next_number: u64,
}

impl Pending {
    pub(super) fn new() -> Result<Self, Error> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| Error::Protocol("no randomness"))?;
        let (requests, items) = (VecDeque::new(), Vec::new());
        Ok(Self { requests, items, items_bytes: 0, prefix: hex(&random), next_number: 0 })
    }

    pub(super) fn has_room(&self) -> bool {
        self.requests.len() < MOST
    }

    /// Gives a request its `ref`, and lets it wait. Returns it as it is to be sent.
    pub(super) fn add(&mut self, mut line: Line, answer: Answerer) -> &Line {
        line.insert("ref".to_owned(), json!(format!("{}-{}", self.prefix, self.next_number)));
        self.next_number += 1;
        &self.requests.push_back_mut(Request { line, answer, is_repeated: false }).line
    }

    /// Takes a line that is no event.
    pub(super) fn take(&mut self, incoming: Incoming) -> Result<Taken, Error> {
        let Incoming { line, size_bytes } = incoming;
        let oldest = self.requests.front().ok_or(Error::Protocol("a reply to nothing"))?;
        if line.get("ref").is_some_and(|reference| Some(reference) != oldest.line.get("ref")) {
            return Err(Error::Protocol("a reply to another request"));
        }
        if line.contains_key("item") {
            if let Answerer::Catchup = oldest.answer {
                return Ok(Taken::CatchupItem(line));
            }
            self.items_bytes += size_bytes;
            self.items.push(line);
            let is_endless = self.items_bytes > ANSWER_BYTES;
            return if is_endless { Err(Error::Protocol("an answer without an end")) } else { Ok(Taken::Part) };
        }
        let refused = Error::refused(&line);
        if refused.is_none() && !line.contains_key("ok") {
            // Of a later version of the protocol.
            return Ok(Taken::Part);
        }
        let items = std::mem::take(&mut self.items);
        self.items_bytes = 0;
        let Some(request) = self.requests.pop_front() else { return Ok(Taken::Part) };
        let outcome = match refused {
            None => Ok(Answer { reply: line, items }),
            // That nothing has happened is said of this attempt alone: an earlier one may have been heard.
            Some(error) if request.is_repeated && matches!(error.code(), Some("busy" | "slow-down" | "store-failed")) => {
                Err(Error::OutcomeUnknown)
            }
            Some(error) => Err(error),
        };
        Ok(Taken::Answer(request.answer, outcome))
    }

    /// The connection is over. What is not answered and cannot be sent again has an unknown outcome; what was
    /// said is kept, if there is a way to send it again.
    pub(super) fn forget_unanswered(&mut self, can_say_again: bool) {
        self.items.clear();
        self.items_bytes = 0;
        for mut request in std::mem::take(&mut self.requests) {
            match request.answer {
                Answerer::Caller(caller) if !(can_say_again && is_said(&request.line)) => {
                    // Whoever asked may be gone.
                    let _ = caller.send(Err(Error::OutcomeUnknown));
                }
                Answerer::Caller(_) => {
                    request.is_repeated = true;
                    self.requests.push_back(request);
                }
                Answerer::Catchup | Answerer::Nobody | Answerer::Farewell => (),
            }
        }
    }

    /// What is to be said again, in the order in which it was asked.
    pub(super) fn to_say_again(&self) -> impl Iterator<Item = &Line> {
        self.requests.iter().map(|request| &request.line)
    }
}

/// Whether a request is a `C`, which its ref makes good for once.
fn is_said(request: &Line) -> bool {
    request.get("do").and_then(Value::as_str) == Some("C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Line {
        value.as_object().unwrap().clone()
    }

    fn take(pending: &mut Pending, line: Value) -> Result<Taken, Error> {
        pending.take(Incoming { line: object(line), size_bytes: 1 })
    }

    fn outcome(pending: &mut Pending, line: Value) -> Result<Answer, Error> {
        let Ok(Taken::Answer(_, outcome)) = take(pending, line) else { panic!() };
        outcome
    }

    fn asked(pending: &mut Pending, letter: &str) -> (Value, oneshot::Receiver<Result<Answer, Error>>) {
        let (answer, answered) = oneshot::channel();
        let line = pending.add(object(json!({ "do": letter })), Answerer::Caller(answer));
        (line["ref"].clone(), answered)
    }

    #[test]
    fn a_reply_is_the_oldest_requests_and_no_others() {
        let mut pending = Pending::new().unwrap();
        assert!(take(&mut pending, json!({ "ok": "K" })).is_err());
        let (first, _) = asked(&mut pending, "C");
        let (second, _) = asked(&mut pending, "S");
        assert!(take(&mut pending, json!({ "ok": "S", "ref": second })).is_err());
        assert!(take(&mut pending, json!({ "item": "file", "ref": second })).is_err());
        // The server could not read its ref.
        let refused = outcome(&mut pending, json!({ "err": "bad-text", "text": "no" }));
        assert_eq!(refused.unwrap_err().code(), Some("bad-text"));
        assert!(take(&mut pending, json!({ "ok": "C", "ref": first })).is_err());
        assert!(matches!(take(&mut pending, json!({ "item": "file", "ref": second })), Ok(Taken::Part)));
        let answer = outcome(&mut pending, json!({ "ok": "S", "ref": second }));
        assert_eq!(answer.unwrap().items.len(), 1);
        let _ = asked(&mut pending, "S");
        let endless = Incoming { line: object(json!({ "item": "file" })), size_bytes: ANSWER_BYTES + 1 };
        assert!(pending.take(endless).is_err());
    }

    #[test]
    fn what_was_said_is_said_again_and_its_refusal_then_tells_nothing() {
        let mut pending = Pending::new().unwrap();
        let (first, mut heard) = asked(&mut pending, "C");
        let (_, mut moved) = asked(&mut pending, "M");
        let (second, _) = asked(&mut pending, "C");
        pending.forget_unanswered(true);
        assert!(matches!(moved.try_recv().unwrap(), Err(Error::OutcomeUnknown)));
        assert!(heard.try_recv().is_err());
        assert_eq!(pending.to_say_again().map(|line| line["ref"].clone()).collect::<Vec<_>>(), [first.clone(), second.clone()]);
        let refused = outcome(&mut pending, json!({ "err": "store-failed", "ref": first }));
        assert!(matches!(refused, Err(Error::OutcomeUnknown)));
        let refused = outcome(&mut pending, json!({ "err": "unconfirmed", "ref": second, "seq": 9 }));
        assert_eq!(refused.unwrap_err().code(), Some("unconfirmed"));
    }
}
