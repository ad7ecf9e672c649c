//! A table of bounded size that forgets what has not been used for longest. Pure.
//!
//! Two maps: what is used is in, or moves to, the young one. When that is half the table, the old one, with whatever
//! nobody has used since, is dropped, and the young one becomes the old. So the table costs one look-up more
//! than a map, never looks through itself, and an attacker from many addresses makes it forget the
//! idle, not grow.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

pub(super) struct Generations<K, V> {
    /// The most entries of each map.
    half: usize,
    young: HashMap<K, Arc<V>>,
    old: HashMap<K, Arc<V>>,
}

impl<K: Copy + Eq + Hash, V: Default> Generations<K, V> {
    pub(super) fn new(size: usize) -> Self {
        Self { half: (size / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    /// The key's entry, made if it is not there. Who holds it keeps it, also when the table forgets it.
    pub(super) fn get(&mut self, key: K) -> Arc<V> {
        if let Some(value) = self.young.get(&key) {
            return Arc::clone(value);
        }
        let value = self.old.remove(&key).unwrap_or_default();
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, Arc::clone(&value));
        value
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn it_never_grows_past_its_size_and_remembers_what_is_used() {
        let mut table = Generations::<u32, AtomicU32>::new(100);
        for number in 0..10_000 {
            table.get(number);
            table.get(7).fetch_add(1, Ordering::Relaxed);
            assert!(table.len() <= 100);
        }
        assert_eq!(table.get(7).load(Ordering::Relaxed), 10_000, "used all the time");
        table.get(9_999).store(5, Ordering::Relaxed);
        assert_eq!(table.get(9_999).load(Ordering::Relaxed), 5);
        table.get(42).store(5, Ordering::Relaxed);
        (20_000..20_100).for_each(|number| _ = table.get(number));
        assert_eq!(table.get(42).load(Ordering::Relaxed), 0, "not used for longest");
    }
}
