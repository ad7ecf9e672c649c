//! Who is here, what is shared, and who invites: lists that the server is asked for, and that events keep true
//! from then on.
//!
//! An answer may be older than an event that was heard before it came. So what is heard between asking and
//! the answer is kept, and done once more to the answer.

use std::collections::BTreeMap;

use parlor::client::SharedFile;

/// `protocol.md` allows no longer name, of a person or a file; what is longer is nothing to show at each frame.
const NAME_BYTES: usize = 255;

/// A list by keys, and what was heard since it was asked for.
pub(crate) struct Listing<T> {
    items: BTreeMap<String, T>,
    /// Answers that have not come.
    expected: usize,
    /// Changes by key since the first of them was asked for: what stands there now, or that nothing does.
    heard: BTreeMap<String, Option<T>>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), expected: 0, heard: BTreeMap::new() }
    }
}

impl<T: Clone> Listing<T> {
    /// It is asked for.
    pub(crate) fn expect(&mut self) {
        self.expected += 1;
    }

    /// What the server said.
    pub(crate) fn set(&mut self, items: impl IntoIterator<Item = (String, T)>) {
        self.items = items.into_iter().filter(|(key, _)| key.len() <= NAME_BYTES).collect();
        for (key, change) in self.heard.clone() {
            self.change(&key, change);
        }
        self.give_up();
    }

    /// An answer has come, or never will.
    pub(crate) fn give_up(&mut self) {
        self.expected = self.expected.saturating_sub(1);
        if self.expected == 0 {
            self.heard.clear();
        }
    }

    pub(crate) fn insert(&mut self, key: &str, item: T) {
        self.hear(key, Some(item));
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.hear(key, None);
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.heard.clear();
    }

    fn hear(&mut self, key: &str, change: Option<T>) {
        if key.len() <= NAME_BYTES {
            self.change(key, change.clone());
            if self.expected > 0 {
                self.heard.insert(key.to_owned(), change);
            }
        }
    }

    fn change(&mut self, key: &str, change: Option<T>) {
        match change {
            Some(item) => self.items.insert(key.to_owned(), item),
            None => self.items.remove(key),
        };
    }

    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.items.get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.items.iter().map(|(key, item)| (key.as_str(), item))
    }

    pub(crate) fn count(&self) -> usize {
        self.items.len()
    }
}

/// Who is here, in the order of their names, whatever their case.
#[derive(Default)]
pub(crate) struct Members(Listing<String>);

impl Members {
    pub(crate) fn expect(&mut self) {
        self.0.expect();
    }

    pub(crate) fn give_up(&mut self) {
        self.0.give_up();
    }

    pub(crate) fn set(&mut self, names: impl IntoIterator<Item = String>) {
        self.0.set(names.into_iter().map(|name| (name.to_lowercase(), name)));
    }

    pub(crate) fn enter(&mut self, name: &str) {
        self.0.insert(&name.to_lowercase(), name.to_owned());
    }

    pub(crate) fn leave(&mut self, name: &str) {
        self.0.remove(&name.to_lowercase());
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn count(&self) -> usize {
        self.0.count()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, name)| name.as_str())
    }
}

/// What is shared, the newest first.
#[derive(Default)]
pub(crate) struct Shelf {
    by_name: Listing<SharedFile>,
    /// Sorted when it changes, not at each frame.
    files: Vec<SharedFile>,
}

impl Shelf {
    pub(crate) fn expect(&mut self) {
        self.by_name.expect();
    }

    pub(crate) fn give_up(&mut self) {
        self.by_name.give_up();
    }

    pub(crate) fn set(&mut self, files: Vec<SharedFile>) {
        self.by_name.set(files.into_iter().map(|file| (file.file_name.clone(), file)));
        self.sort();
    }

    pub(crate) fn add(&mut self, file: SharedFile) {
        let name = file.file_name.clone();
        self.by_name.insert(&name, file);
        self.sort();
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
        self.sort();
    }

    fn sort(&mut self) {
        self.files = self.by_name.iter().map(|(_, file)| file.clone()).collect();
        self.files.sort_unstable_by_key(|file| std::cmp::Reverse(file.seq));
    }

    pub(crate) fn files(&self) -> &[SharedFile] {
        &self.files
    }

    /// The file that a line names, and what stands behind it: names may hold blanks, so it is the longest
    /// that is shared.
    pub(crate) fn named<'a>(&self, line: &'a str) -> Option<(&SharedFile, &'a str)> {
        let rest = |file: &SharedFile| {
            let rest = line.strip_prefix(file.file_name.as_str())?;
            (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
        };
        let named = self.files.iter().filter_map(|file| Some((file, rest(file)?)));
        named.max_by_key(|(file, _)| file.file_name.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_before_the_answer_outlasts_it() {
        let mut members = Members::default();
        members.expect();
        members.enter("bob");
        members.leave("carol");
        // The answer is of before.
        members.set(["alice".to_owned(), "Carol".to_owned(), "carol".to_owned()]);
        assert_eq!(members.names().collect::<Vec<_>>(), ["alice", "bob"]);
        members.expect();
        members.set(["alice".to_owned()]);
        assert_eq!(members.names().collect::<Vec<_>>(), ["alice"]);
        members.enter(&"x".repeat(256));
        assert_eq!(members.count(), 1);
    }
}
