//! The oracle: what clients sent, were answered and heard is compared with each other and with what is stored,
//! and every promise that was not kept is told. Clients keep [`Log`]s; [`Stored`] is read when it is over, or
//! while everyone waits; [`faults`] compares. It knows nothing of sockets and time, so that it can be tried on
//! logs and databases that were doctored (`tests/oracle.rs`): one that cannot fail would prove nothing.
//!
//! What a crash may take: the newest events that were heard and not answered, all of them behind the last one
//! that is stored of that run of the daemon. Everything else is a fault.

mod accounts;
mod files;
mod games;
mod log;
mod order;
mod stored;
mod talk;

use std::fmt;

pub use log::*;
pub use stored::*;

/// The ways in which a promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The database is not intact.
    Damaged,
    /// Answered `OK`, and not there.
    Lost,
    /// There, but not as it was sent, or its parts do not agree.
    Changed,
    /// There more than once, or heard more than once.
    Doubled,
    /// One number, or one ply, that means two things.
    Ambiguous,
    /// One `ref`, two numbers.
    RefTwice,
    /// Heard before what came earlier.
    OutOfOrder,
    /// An `OK` before the events up to it.
    EarlyReply,
    /// Not heard, and nobody was told.
    Gap,
    /// Heard, and not there, where no crash explains it.
    HeardOnly,
    /// A number within a run of the daemon that no event has.
    Hole,
    /// There, and sent by nobody.
    Invented,
    /// There, though its sender was told that nothing happened.
    DoneThoughRefused,
    /// A shared file whose bytes are not there.
    BlobMissing,
    /// A shared file whose bytes are others.
    BlobChanged,
    /// Somebody fetched other bytes than were promised.
    WrongBytes,
}

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: Kind,
    pub words: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.words)
    }
}

/// Collects faults.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, kind: Kind, words: impl Into<String>) {
        self.0.push(Fault { kind, words: words.into() });
    }
}

/// Everything that is wrong with what is stored, in the light of what clients know.
pub fn faults(logs: &[&Log], stored: &Stored) -> Vec<Fault> {
    let mut faults = Faults::default();
    if stored.integrity != "ok" {
        faults.add(Kind::Damaged, &stored.integrity);
    }
    talk::check(logs, stored, &mut faults);
    order::check(logs, stored, &mut faults);
    files::check(logs, stored, &mut faults);
    games::check(logs, stored, &mut faults);
    accounts::check(logs, stored, &mut faults);
    faults.0
}

/// Fails if there is a fault; names the first ones.
#[track_caller]
pub fn assert_faultless(when: &str, faults: &[Fault]) {
    let shown: Vec<String> = faults.iter().take(20).map(Fault::to_string).collect();
    assert!(faults.is_empty(), "{when}: {} faults: {shown:#?}", faults.len());
}
