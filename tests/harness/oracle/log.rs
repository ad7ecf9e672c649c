//! What the clients of one account know, in the order in which they came to know it.

use std::fmt;
use std::ops::AddAssign;

/// The log of an account; the operator's is that of no account.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub account: String,
    /// People hear no numbers, and not themselves.
    pub is_person: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// A login of a member was answered `OK`: what is heard from here on has higher numbers.
    Entered {
        seq: u64,
        token: Option<String>,
    },
    Sent(Deed),
    /// `sent` is the place of what is answered in the log.
    Answered {
        sent: usize,
        answer: Answer,
    },
    /// A live event, with its number.
    Heard(Event),
    /// What a person reads that somebody says: no number.
    Read {
        from: String,
        text: String,
    },
    /// The server told that these were not sent.
    Missed {
        first: u64,
        last: u64,
    },
    /// A move that a player or watcher was told.
    Saw {
        game: u64,
        ply: usize,
        played: String,
    },
    /// A download that came to its end.
    Fetched {
        file_name: String,
        due: (usize, String),
        got: (usize, String),
    },
}

/// What is asked for and shall last. No account sends one text twice but with its `ref`, and nobody uses
/// a file's name twice.
#[derive(Clone, Debug)]
pub enum Deed {
    Say { text: String, reference: Option<String> },
    Announce { text: String },
    Share { file_name: String, size_bytes: usize, sha256: String },
    Withdraw { file_name: String },
    Invite,
    TakeSeat,
    Move { game: u64, ply: usize, played: String },
    Resign { game: u64 },
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// `OK`, with the number of the event.
    Seq(u64),
    /// `OK`, with the number of the game.
    Game(u64),
    /// `OK`.
    Done,
    /// Nothing happened.
    Refused(String),
    /// It may happen, and has this number.
    Unconfirmed(Option<u64>),
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Seq(_) | Self::Game(_) | Self::Done)
    }
}

/// An event of the room's log. Its text is what was said, the file's name or the game's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub seq: u64,
    pub kind: String,
    pub from: String,
    pub text: String,
}

impl Log {
    pub fn of(account: &str) -> Self {
        Self { account: account.to_owned(), ..Self::default() }
    }

    pub fn of_person(account: &str) -> Self {
        Self { is_person: true, ..Self::of(account) }
    }

    /// Notes what is about to be sent; returns its place.
    pub fn send(&mut self, deed: Deed) -> usize {
        self.steps.push(Step::Sent(deed));
        self.steps.len() - 1
    }

    pub fn answer(&mut self, sent: usize, answer: Answer) {
        self.steps.push(Step::Answered { sent, answer });
    }

    /// Each deed that was sent, with its answer if there is one.
    pub(super) fn deeds(&self) -> impl Iterator<Item = (&Deed, Option<&Answer>)> {
        let mut answers = vec![None; self.steps.len()];
        for step in &self.steps {
            if let Step::Answered { sent, answer } = step {
                answers[*sent] = Some(answer);
            }
        }
        self.steps.iter().zip(answers).filter_map(|(step, answer)| match step {
            Step::Sent(deed) => Some((deed, answer)),
            _ => None,
        })
    }

    /// What is answered by a step.
    pub(super) fn deed(&self, sent: usize) -> &Deed {
        match &self.steps[sent] {
            Step::Sent(deed) => deed,
            other => panic!("{other:?} cannot be answered"),
        }
    }
}

/// How much the logs hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub logins: usize,
    pub answered: usize,
    pub unanswered: usize,
    pub refused: usize,
    pub heard: usize,
    pub fetched: usize,
    said: usize,
    announced: usize,
    shared: usize,
    withdrawn: usize,
    seats: usize,
    moves: usize,
}

impl Tally {
    pub fn of(log: &Log) -> Self {
        let mut tally = Self::default();
        for step in &log.steps {
            match step {
                Step::Entered { .. } => tally.logins += 1,
                Step::Heard(_) | Step::Read { .. } | Step::Saw { .. } => tally.heard += 1,
                Step::Fetched { .. } => tally.fetched += 1,
                _ => (),
            }
        }
        for (deed, answer) in log.deeds() {
            match answer {
                Some(answer) if answer.is_ok() => tally.count(deed),
                Some(Answer::Refused(_)) => tally.refused += 1,
                _ => tally.unanswered += 1,
            }
        }
        tally
    }

    pub fn of_all(logs: &[Log]) -> Self {
        let mut all = Self::default();
        logs.iter().for_each(|log| all += Self::of(log));
        all
    }

    fn count(&mut self, deed: &Deed) {
        self.answered += 1;
        *match deed {
            Deed::Say { .. } => &mut self.said,
            Deed::Announce { .. } => &mut self.announced,
            Deed::Share { .. } => &mut self.shared,
            Deed::Withdraw { .. } => &mut self.withdrawn,
            Deed::Invite | Deed::TakeSeat => &mut self.seats,
            Deed::Move { .. } | Deed::Resign { .. } => &mut self.moves,
        } += 1;
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self { logins, answered, unanswered, refused, heard, fetched, said, announced, shared, withdrawn, seats, moves } =
            other;
        self.logins += logins;
        self.answered += answered;
        self.unanswered += unanswered;
        self.refused += refused;
        self.heard += heard;
        self.fetched += fetched;
        self.said += said;
        self.announced += announced;
        self.shared += shared;
        self.withdrawn += withdrawn;
        self.seats += seats;
        self.moves += moves;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { logins, answered, unanswered, refused, heard, fetched, said, announced, shared, withdrawn, seats, moves } =
            self;
        write!(
            f,
            "{logins} logins and {answered} requests answered OK ({said} messages, {announced} announcements, {shared} files \
             shared, {withdrawn} withdrawn, {seats} invitations and seats, {moves} moves), {unanswered} not answered, \
             {refused} refused; {heard} events heard, {fetched} files fetched"
        )
    }
}
