//! One login, from the first line to the answer to the password. All of it is sent at once; a daemon that has too many
//! passwords to hash says so, and is asked again after a moment.

use std::time::Duration;

use super::connection::Connection;
use super::failure::Failure;
use super::lines::Lines;
use super::wire::{Entry, Reply, is_busy, is_closing, newest_seq, reply};

/// How long to leave a daemon alone that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// A login under way.
#[derive(Debug)]
pub(crate) struct Login {
    name: String,
    entry: Entry,
    lines: Lines,
    /// Replies so far, refusals that pass not counted: to the voice, the name and the password.
    replies: u8,
    /// When to send the password again.
    again_at: Option<Duration>,
    busy: u64,
}

/// How a login ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entered {
    /// The newest event of the room.
    pub(crate) seq: u64,
    /// How often the daemon was busy.
    pub(crate) busy: u64,
}

impl Login {
    /// Sends all that a login needs.
    pub(crate) fn begin(connection: &mut Connection, name: String, entry: Entry) -> Result<Self, Failure> {
        connection.queue(entry.greeting(&name).as_bytes());
        connection.queue(entry.password(&name).as_bytes());
        connection.flush()?;
        Ok(Self { name, entry, lines: Lines::default(), replies: 0, again_at: None, busy: 0 })
    }

    /// Goes on with what has come; tells once it is through.
    pub(crate) fn take(&mut self, bytes: &[u8], now: Duration) -> Result<Option<Entered>, Failure> {
        let mut outcome = Ok(None);
        let (replies, busy, again_at, name) = (&mut self.replies, &mut self.busy, &mut self.again_at, &self.name);
        self.lines.feed(bytes, |line| {
            let is_password = *replies == 2;
            match reply(line) {
                _ if *replies > 2 || outcome.is_err() => (),
                Some(Reply::Ok) => {
                    *replies += 1;
                    if is_password {
                        outcome = Ok(Some(Entered { seq: newest_seq(line).unwrap_or(0), busy: *busy }));
                    }
                }
                Some(Reply::Refused) if is_password && is_busy(line) => {
                    *busy += 1;
                    *again_at = Some(now + BUSY_PAUSE);
                }
                None if !is_closing(line) => (),
                Some(Reply::Refused) | None => {
                    let answer = String::from_utf8_lossy(line).trim_end().to_owned();
                    outcome = Err(Failure::LoginRefused { name: name.clone(), answer });
                }
            }
        });
        outcome
    }

    /// Sends what is to be sent by now.
    pub(crate) fn go_on(&mut self, connection: &mut Connection, now: Duration) -> Result<(), Failure> {
        if self.again_at.is_some_and(|at| at <= now) {
            self.again_at = None;
            connection.queue(self.entry.password(&self.name).as_bytes());
        }
        connection.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Voice;
    use super::*;

    fn login() -> Login {
        let entry = Entry::Member(Voice::En);
        Login { name: "load-1".into(), entry, lines: Lines::default(), replies: 0, again_at: None, busy: 0 }
    }

    #[test]
    fn the_third_reply_is_the_one() {
        for size in [1, 7, 1000] {
            let mut login = login();
            let text = b"OK en\nOK new load-1\nOK load-1 2 17 here: load-0, load-1\n[a]: OK\n";
            let outcomes = text.chunks(size).filter_map(|bytes| login.take(bytes, Duration::ZERO).unwrap());
            assert_eq!(outcomes.collect::<Vec<_>>(), [Entered { seq: 17, busy: 0 }]);
        }
    }

    #[test]
    fn a_busy_daemon_is_asked_again_and_a_refusal_ends_it() {
        let mut login = login();
        assert_eq!(login.take(b"OK en\nOK new load-1\nERR busy later\n", Duration::ZERO).unwrap(), None);
        assert_eq!(login.again_at, Some(BUSY_PAUSE));
        assert_eq!(login.take(b"OK load-1 2 3 here\n", BUSY_PAUSE).unwrap(), Some(Entered { seq: 3, busy: 1 }));
        let refused = super::tests::login().take(b"OK en\nERR bad-name no\n", Duration::ZERO);
        assert!(matches!(refused, Err(Failure::LoginRefused { .. })), "{refused:?}");
    }
}
