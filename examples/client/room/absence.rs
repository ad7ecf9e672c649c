//! Since when one was away, read from the room's own log: it tells who came and who went.

use parlor::client::{Happening, RoomEvent};

/// Events that are read, at the most, to find out.
const WORTH_READING: usize = 3_000;

/// The search for one's last leaving, from the newest event backwards.
pub(crate) struct Absence {
    /// The event by which one came this time, or an older one: what is asked about is before it.
    entry: u64,
    name: String,
    /// The oldest stop of the daemon that was met: whoever was there then went with it.
    stop: Option<u64>,
    read: usize,
    found: Found,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    NotYet,
    Since(u64),
    /// Never here before, or pushed out by another connection.
    Never,
}

impl Absence {
    pub(crate) fn before(entry: u64, name: &str) -> Self {
        Self { entry, name: name.to_owned(), stop: None, read: 0, found: Found::NotYet }
    }

    /// Of a log that has only begun nobody was away from.
    pub(crate) fn from_new_log() -> Self {
        Self { entry: 0, name: String::new(), stop: None, read: 0, found: Found::Never }
    }

    /// Looks at a page of the log, older than all that was looked at.
    pub(crate) fn read(&mut self, page: &[RoomEvent]) {
        self.read += page.len();
        for event in page.iter().rev() {
            if self.found != Found::NotYet {
                return;
            }
            match &event.what {
                _ if event.seq >= self.entry => (),
                Happening::Leave { from } if *from == self.name => self.found = Found::Since(event.seq),
                Happening::Enter { from } if *from == self.name => {
                    self.found = self.stop.map_or(Found::Never, Found::Since);
                }
                Happening::Started | Happening::Stopping => self.stop = Some(event.seq),
                _ => (),
            }
        }
    }

    /// Whether it is worth reading on.
    pub(crate) fn is_open(&self) -> bool {
        self.found == Found::NotYet && self.read < WORTH_READING
    }

    /// The number by which one left, and the one by which one came again.
    pub(crate) fn between(&self) -> Option<(u64, u64)> {
        if let Found::Since(left) = self.found { Some((left, self.entry)) } else { None }
    }
}
