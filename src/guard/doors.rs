//! How many connections there may be: in all, before login, and of one origin. Whoever comes in holds a
//! [`Place`], and a [`StrangerPlace`] until the login; dropping them gives them back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::network::Origin;
use crate::protocol::closing::Closing;

/// The most connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct DoorLimits {
    /// In all.
    pub connections: usize,
    /// That have not logged in.
    pub strangers: usize,
    /// Of one origin.
    pub of_an_origin: usize,
    /// Of one origin, that have not logged in.
    pub strangers_of_an_origin: usize,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// In all, transfers too.
    connections: usize,
    /// That have not logged in.
    strangers: usize,
}

#[derive(Default)]
struct State {
    all: Counts,
    /// Those that are not trusted. Holds no more entries than there are connections.
    origins: HashMap<Origin, Counts>,
}

/// The count of connections.
pub struct Doors {
    limits: DoorLimits,
    state: Mutex<State>,
}

/// A connection's place, for as long as it lives.
pub struct Place {
    doors: Arc<Doors>,
    origin: Option<Origin>,
}

/// A connection's place among those that have not logged in.
pub struct StrangerPlace {
    doors: Arc<Doors>,
    origin: Option<Origin>,
}

impl Doors {
    pub(super) fn new(limits: DoorLimits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default() })
    }

    /// Lets a connection in, or tells why not. A trusted one has no origin.
    pub(super) fn enter(self: &Arc<Self>, origin: Option<Origin>) -> Result<(Place, StrangerPlace), Closing> {
        let mut guard = self.lock();
        let State { all, origins } = &mut *guard;
        if all.connections >= self.limits.connections || all.strangers >= self.limits.strangers {
            return Err(Closing::Full);
        }
        if let Some(origin) = origin {
            let DoorLimits { of_an_origin, strangers_of_an_origin, .. } = self.limits;
            let of_it = origins.get(&origin).copied().unwrap_or_default();
            if of_it.connections >= of_an_origin || of_it.strangers >= strangers_of_an_origin {
                return Err(Closing::TooMany);
            }
            origins.insert(origin, Counts { connections: of_it.connections + 1, strangers: of_it.strangers + 1 });
        }
        all.connections += 1;
        all.strangers += 1;
        let doors = || Arc::clone(self);
        Ok((Place { doors: doors(), origin }, StrangerPlace { doors: doors(), origin }))
    }

    fn give_back(&self, origin: Option<Origin>, back: Counts) {
        let mut state = self.lock();
        state.all.give_back(back);
        if let Some(origin) = origin
            && let Entry::Occupied(mut of_it) = state.origins.entry(origin)
        {
            of_it.get_mut().give_back(back);
            if *of_it.get() == Counts::default() {
                of_it.remove();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn give_back(&mut self, back: Counts) {
        self.connections -= back.connections;
        self.strangers -= back.strangers;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.doors.give_back(self.origin, Counts { connections: 1, strangers: 0 });
    }
}

impl Drop for StrangerPlace {
    fn drop(&mut self) {
        self.doors.give_back(self.origin, Counts { connections: 0, strangers: 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(word: &str) -> Option<Origin> {
        Some(Origin::of(word.parse().unwrap()))
    }

    #[test]
    fn each_limit_holds_and_places_come_back() {
        let doors = Doors::new(DoorLimits { connections: 5, strangers: 4, of_an_origin: 3, strangers_of_an_origin: 2 });
        let closing = |origin| doors.enter(origin).err();
        let (one, stranger) = doors.enter(origin("192.0.2.1")).unwrap();
        let two = doors.enter(origin("192.0.2.1")).unwrap();
        assert_eq!(closing(origin("192.0.2.1")), Some(Closing::TooMany), "two strangers of an origin");
        drop(stranger);
        let three = doors.enter(origin("192.0.2.1")).unwrap();
        drop(three.1);
        assert_eq!(closing(origin("192.0.2.1")), Some(Closing::TooMany), "three connections of an origin");
        // Trusted ones have no origin, but count.
        let four = doors.enter(None).unwrap();
        let five = doors.enter(origin("2001:db8::1")).unwrap();
        assert_eq!(doors.lock().all, Counts { connections: 5, strangers: 3 });
        assert_eq!(closing(None), Some(Closing::Full));
        drop((one, two, three.0, four, five));
        assert_eq!(doors.lock().all, Counts::default());
        assert!(doors.lock().origins.is_empty());
        let _strangers = [(); 4].map(|()| doors.enter(None).unwrap());
        assert_eq!(closing(None), Some(Closing::Full), "four strangers in all");
    }
}
