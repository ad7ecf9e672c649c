//! Who has something to be read: `epoll`, level-triggered. What is to be written is not waited for; who has some looks
//! again after a moment.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, Result};

use super::failure::Failure;

/// Events taken at once.
const EVENTS: usize = 512;

/// Tells who can be read.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    pub(crate) fn new() -> std::result::Result<Self, Failure> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(EVENTS) })
    }

    /// Looks at it too, and calls it `token`, until it is closed.
    pub(crate) fn add(&self, source: impl AsFd, token: u64) -> std::result::Result<(), Failure> {
        Ok(epoll::add(&self.epoll, source, EventData::new_u64(token), EventFlags::IN)?)
    }

    /// Waits until something can be read, for this long at most; `tokens` then holds what can.
    pub(crate) fn wait(&mut self, timeout: Duration, tokens: &mut Vec<u64>) -> std::result::Result<(), Failure> {
        // `epoll` waits for whole milliseconds, which is too coarse for a message that is due in 30 µs. `poll` is not.
        let is_fine = !timeout.subsec_nanos().is_multiple_of(1_000_000);
        let rest = if is_fine { Duration::ZERO } else { timeout };
        if is_fine {
            unless_interrupted(poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&timespec(timeout))))?;
        }
        self.events.clear();
        let spare = rustix::buffer::spare_capacity(&mut self.events);
        unless_interrupted(epoll::wait(&self.epoll, spare, Some(&timespec(rest))))?;
        tokens.clear();
        tokens.extend(self.events.iter().map(|event| event.data.u64()));
        Ok(())
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos().into() }
}

/// A signal ends a wait early, and that is all.
fn unless_interrupted(waited: Result<usize>) -> Result<usize> {
    if waited == Err(Errno::INTR) { Ok(0) } else { waited }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    use super::*;

    #[test]
    fn who_can_be_read_is_told_and_a_short_wait_is_short() {
        let mut poller = Poller::new().unwrap();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        poller.add(&theirs, 7).unwrap();
        let mut tokens = vec![1];
        let begin = Instant::now();
        (0..20).for_each(|_| poller.wait(Duration::from_micros(50), &mut tokens).unwrap());
        assert!(begin.elapsed() >= Duration::from_millis(1) && tokens.is_empty());
        ours.write_all(b"x").unwrap();
        for timeout in [Duration::from_millis(60_000), Duration::from_nanos(60_000_000_001)] {
            poller.wait(timeout, &mut tokens).unwrap();
            assert_eq!(tokens, [7]);
        }
    }
}
