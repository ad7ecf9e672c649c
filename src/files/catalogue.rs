//! What is shared with the room at the moment, by name: pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::quota::Usage;
use crate::protocol::digest::Digest;
use crate::protocol::event::SharedFile;
use crate::protocol::file_name::FileName;
use crate::protocol::name::Name;
use crate::store::record::AccountId;

/// A shared file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The event that shared it.
    pub(super) seq: u64,
    pub(super) at_ms: i64,
    pub(super) owner: AccountId,
    pub(super) owner_name: Name,
    pub(super) file: SharedFile,
}

/// The shelf. Its size on disk is counted name by name: one blob with two names counts twice, so that
/// nobody's space depends on what others share.
#[derive(Default)]
pub(super) struct Catalogue {
    by_name: HashMap<Arc<str>, Entry>,
    by_account: HashMap<AccountId, Usage>,
    total: Usage,
    names_of: HashMap<Digest, usize>,
}

impl Catalogue {
    pub(super) fn get(&self, name: &FileName) -> Option<&Entry> {
        self.by_name.get(name.folded())
    }

    /// Puts a file on the shelf, under a name that is not there.
    pub(super) fn insert(&mut self, entry: Entry) {
        self.by_account.entry(entry.owner).or_default().add(entry.file.size_bytes);
        self.total.add(entry.file.size_bytes);
        *self.names_of.entry(entry.file.digest).or_default() += 1;
        let replaced = self.by_name.insert(entry.file.name.folded().into(), entry);
        debug_assert!(replaced.is_none());
    }

    pub(super) fn remove(&mut self, name: &FileName) -> Option<Entry> {
        let entry = self.by_name.remove(name.folded())?;
        let size_bytes = entry.file.size_bytes;
        self.total.subtract(size_bytes);
        let usage = self.by_account.entry(entry.owner).or_default();
        usage.subtract(size_bytes);
        if usage.files == 0 {
            self.by_account.remove(&entry.owner);
        }
        let names = self.names_of.entry(entry.file.digest).or_default();
        *names -= 1;
        if *names == 0 {
            self.names_of.remove(&entry.file.digest);
        }
        Some(entry)
    }

    /// Whether some name stands for these bytes.
    pub(super) fn names(&self, digest: Digest) -> bool {
        self.names_of.contains_key(&digest)
    }

    pub(super) fn usage(&self, account: AccountId) -> Usage {
        self.by_account.get(&account).copied().unwrap_or_default()
    }

    pub(super) fn total(&self) -> Usage {
        self.total
    }

    /// A file that was shared before `before_ms`.
    pub(super) fn older_than(&self, before_ms: i64) -> Option<&Entry> {
        self.by_name.values().find(|entry| entry.at_ms < before_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, owner: i64, size_bytes: u64, digest: u8) -> Entry {
        Entry {
            seq: 1,
            at_ms: 1000,
            owner: AccountId::from_number(owner),
            owner_name: Name::parse("alice").unwrap(),
            file: SharedFile { name: FileName::parse(name).unwrap(), size_bytes, digest: Digest([digest; 32]) },
        }
    }

    #[test]
    fn what_is_withdrawn_is_no_longer_counted() {
        let mut shelf = Catalogue::default();
        for (name, owner, size_bytes, digest) in [("a", 1, 10_000, 7), ("b", 1, 20_000, 7), ("c", 2, 5, 8)] {
            shelf.insert(entry(name, owner, size_bytes, digest));
        }
        let [one, two] = [1, 2].map(AccountId::from_number);
        assert_eq!(shelf.usage(one), Usage { files: 2, size_bytes: 30_000 });
        let name = |words| FileName::parse(words).unwrap();
        assert!(shelf.remove(&name("A")).is_some() && shelf.remove(&name("a")).is_none());
        assert!(shelf.names(Digest([7; 32])), "b has the same bytes");
        assert!(shelf.remove(&name("b")).is_some() && !shelf.names(Digest([7; 32])));
        assert_eq!(shelf.usage(one), Usage::default());
        let least = Usage { files: 1, size_bytes: 4096 };
        assert_eq!((shelf.usage(two), shelf.total()), (least, least));
    }
}
