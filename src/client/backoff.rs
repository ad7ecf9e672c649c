//! How long to wait before coming back: a moment at first, twice as long each time, with some chance in it.

use std::time::Duration;

use super::Options;

/// No server keeps anybody away for longer.
const LONGEST_TOLD: Duration = Duration::from_secs(600);

pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    /// What the server has asked for.
    told: Option<Duration>,
}

impl Backoff {
    pub(super) fn new(options: &Options) -> Self {
        let (first, longest) = (options.backoff, options.longest_backoff);
        Self { first, longest, next: first, told: None }
    }

    /// A connection has lived for so long. One that ends as soon as it has begun is no reason to hurry.
    pub(super) fn has_lived(&mut self, lived: Duration) {
        if lived >= self.longest {
            self.next = self.first;
        }
    }

    /// The server has told when it wants to be asked again.
    pub(super) fn is_told(&mut self, retry: Option<Duration>) {
        self.told = retry.map(|retry| retry.min(LONGEST_TOLD));
    }

    /// The pause before the next attempt.
    pub(super) fn pause(&mut self) -> Duration {
        let own = self.next;
        self.next = (own * 2).min(self.longest);
        match self.told.take() {
            // Many were told the same: they come one after another, and none too early.
            Some(told) => told + part_of(told / 2),
            None => own / 2 + part_of(own / 2),
        }
    }
}

/// Nothing to all of it, so that many who were lost at once do not come back at once.
fn part_of(pause: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness it is the whole pause.
    let part = getrandom::fill(&mut random).map_or(u16::MAX, |()| u16::from_le_bytes(random));
    pause * u32::from(part) / u32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Login;

    #[test]
    fn pauses_grow_until_a_connection_lasts_and_are_never_shorter_than_the_server_wants() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(1));
        let options = Options::new("", Login::Token(String::new()));
        let mut backoff = Backoff::new(&Options { backoff: first, longest_backoff: longest, ..options });
        for most in [100, 200, 400, 800, 1000, 1000].map(Duration::from_millis) {
            let pause = backoff.pause();
            assert!(most / 2 <= pause && pause <= most, "{pause:?}");
            backoff.has_lived(longest / 2);
        }
        backoff.is_told(Some(Duration::from_secs(10)));
        let pause = backoff.pause().as_secs_f64();
        assert!((10.0..=15.0).contains(&pause), "{pause}");
        backoff.is_told(Some(Duration::MAX));
        assert!(backoff.pause() <= LONGEST_TOLD * 2);
        backoff.has_lived(longest);
        assert!(backoff.pause() <= first);
    }
}
