//! All who are in the room: they log in, many at a time, and everybody is listened to meanwhile, since each entry is
//! told to all who are there.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::connection::{Connection, READ_BYTES};
use super::failure::Failure;
use super::login::Login;
use super::poller::Poller;
use super::target::Target;
use super::wire::Entry;

/// Logins under way at once. As many as the daemon lets wait for a hash, so that it is hardly ever busy.
const AT_ONCE: usize = 64;
/// How long to wait for that, and for a login.
const PATIENCE: Duration = Duration::from_secs(120);
const TURN: Duration = Duration::from_millis(10);

/// All who are in the room. The token of each is its place.
pub(crate) struct Crowd {
    pub(crate) target: Target,
    pub(crate) members: Vec<Connection>,
    pub(crate) poller: Poller,
    pub(crate) buffer: Vec<u8>,
    clock: Instant,
    tokens: Vec<u64>,
    /// How often the daemon was busy.
    pub(crate) busy: u64,
    /// The newest event that a login told of.
    pub(crate) seq: u64,
}

impl Crowd {
    pub(crate) fn new(target: Target) -> Result<Self, Failure> {
        Ok(Self {
            target,
            members: Vec::new(),
            poller: Poller::new()?,
            buffer: vec![0; READ_BYTES],
            clock: Instant::now(),
            tokens: Vec::new(),
            busy: 0,
            seq: 0,
        })
    }

    /// Logs more of them in; returns how long it took.
    pub(crate) fn admit(&mut self, names: impl Iterator<Item = String>, entry: Entry) -> Result<Duration, Failure> {
        let begin = self.clock.elapsed();
        let mut names = names.peekable();
        let mut logins: VecDeque<(usize, Login)> = VecDeque::new();
        let mut progress = begin;
        while !logins.is_empty() || names.peek().is_some() {
            while logins.len() < AT_ONCE
                && let Some(name) = names.next()
            {
                let place = self.members.len();
                let mut connection = Connection::new(self.target.connect(place)?, name.clone());
                self.poller.add(&connection, place as u64)?;
                logins.push_back((place, Login::begin(&mut connection, name, entry)?));
                self.members.push(connection);
            }
            let now = self.clock.elapsed();
            if now - progress > PATIENCE {
                return Err(Failure::TooLong(format!("no login has come through for {} s", PATIENCE.as_secs())));
            }
            logins.iter_mut().try_for_each(|(place, login)| login.go_on(&mut self.members[*place], now))?;
            let before = logins.len();
            self.listen(TURN, &mut logins)?;
            if logins.len() < before {
                progress = now;
            }
        }
        Ok(self.clock.elapsed() - begin)
    }

    /// Listens until nobody has heard anything for so long.
    pub(crate) fn settle(&mut self, quiet: Duration) -> Result<(), Failure> {
        let begin = self.clock.elapsed();
        let mut last = begin;
        while self.clock.elapsed() - last < quiet {
            if self.listen(TURN, &mut VecDeque::new())? {
                last = self.clock.elapsed();
            }
            if last - begin > PATIENCE {
                return Err(Failure::TooLong("the room does not become quiet: is somebody else in it?".into()));
            }
        }
        Ok(())
    }

    /// Reads what is there, once; those who log in go on, and are taken from the list when they are in. Tells whether
    /// there was anything.
    fn listen(&mut self, timeout: Duration, logins: &mut VecDeque<(usize, Login)>) -> Result<bool, Failure> {
        let now = self.clock.elapsed();
        self.poller.wait(timeout, &mut self.tokens)?;
        for &token in &self.tokens {
            let place = token as usize;
            let bytes = self.members[place].read(&mut self.buffer)?;
            let Some(at) = logins.iter().position(|(whose, _)| *whose == place) else { continue };
            if let Some(entered) = logins[at].1.take(bytes, now)? {
                self.busy += entered.busy;
                self.seq = self.seq.max(entered.seq);
                self.members[place].shrink();
                logins.swap_remove_back(at);
            }
        }
        Ok(!self.tokens.is_empty())
    }
}
