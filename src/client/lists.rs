//! What is read in pages: history, who is here, the shelf. All of it can be asked again without harm, and is,
//! when an answer was lost.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::event::Fields;
use super::{Answer, Client, Error, RoomEvent};

/// The longest page of history that a server gives.
const PAGE_EVENTS: usize = 1000;

/// A file that is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// The number of the event that shared it.
    pub seq: u64,
    /// Who shared it.
    pub from: String,
    /// Its name.
    pub file_name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl SharedFile {
    fn read(item: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            seq: item.number("seq")?,
            from: item.text("from")?,
            file_name: item.text("file_name")?,
            size_bytes: item.number("size_bytes")?,
            sha256: item.text("sha256")?,
        })
    }
}

impl Client {
    /// At most `count` events of the log after one number and up to another (the oldest of that range, oldest
    /// first, and never more than 1,000), and whether the range holds more.
    pub async fn history(&self, after: u64, up_to: Option<u64>, count: usize) -> Result<(Vec<RoomEvent>, bool), Error> {
        let right = up_to.map_or(json!("-"), |seq| json!(seq));
        let answer =
            self.look('H', json!({ "left": after, "right": right, "n": format!("+{}", count.min(PAGE_EVENTS)) })).await?;
        Ok(page(answer))
    }

    /// The newest `count` events before a number (of all without one), oldest first; and whether there are
    /// older ones. So a talk is read backwards:
    ///
    /// ```no_run
    /// # async fn example(client: &parlor::client::Client) -> Result<(), parlor::client::Error> {
    /// let (newest, has_older) = client.history_before(None, 50).await?;
    /// if let Some(first) = newest.first()
    ///     && has_older
    /// {
    ///     let (older, _) = client.history_before(Some(first.seq), 50).await?;
    ///     println!("{} before them", older.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history_before(&self, before: Option<u64>, count: usize) -> Result<(Vec<RoomEvent>, bool), Error> {
        let (mut found, mut has_older) = (Vec::new(), true);
        let mut right = before.map(|seq| seq.saturating_sub(1));
        // The server ends a page where it is long enough for it.
        while found.len() < count && has_older {
            if right == Some(0) {
                return Ok((found, false));
            }
            let up_to = right.map_or(json!("-"), |seq| json!(seq));
            let answer =
                self.look('H', json!({ "left": "-", "right": up_to, "n": PAGE_EVENTS.min(count - found.len()) })).await?;
            let (mut older, has_more) = page(answer);
            let Some(first) = older.first() else { return Ok((found, false)) };
            (right, has_older) = (Some(first.seq.saturating_sub(1)), has_more);
            older.append(&mut found);
            found = older;
        }
        Ok((found, has_older))
    }

    /// Who is here, in the order of their folded names. Who comes or goes meanwhile may be missing.
    pub async fn members(&self) -> Result<Vec<String>, Error> {
        let (mut names, mut known) = (Vec::new(), HashSet::new());
        let mut next_page = Some(1);
        while let Some(page) = next_page {
            let answer = self.look('W', json!({ "page": page })).await?;
            let listed = answer.reply.get("names").and_then(Value::as_array).into_iter().flatten();
            let listed = listed.filter_map(Value::as_str).map(str::to_owned);
            names.extend(listed.filter(|name| known.insert(name.clone())));
            next_page = page_after(page, &answer);
        }
        Ok(names)
    }

    /// All files that are shared, newest first, each once. What is shared or withdrawn meanwhile may be
    /// missing, and what is withdrawn may hide another one at the end of a page.
    pub async fn shelf(&self) -> Result<Vec<SharedFile>, Error> {
        let (mut files, mut known) = (Vec::new(), HashSet::new());
        let mut next_page = Some(1);
        while let Some(page) = next_page {
            let answer = self.look('S', json!({ "page": page })).await?;
            let listed = answer.items.iter().filter_map(SharedFile::read);
            files.extend(listed.filter(|file| known.insert(file.seq)));
            next_page = page_after(page, &answer);
        }
        Ok(files)
    }
}

fn page(answer: Answer) -> (Vec<RoomEvent>, bool) {
    let has_more = answer.reply.get("more").and_then(Value::as_bool).unwrap_or_default();
    (answer.items.into_iter().filter_map(|item| RoomEvent::read("item", item)).collect(), has_more)
}

/// Pages that are read of one list: a million names or files.
const MOST_PAGES: u64 = 10_000;

/// The page behind one. Pages only go up, and not for ever, whatever a server says.
fn page_after(page: u64, answer: &Answer) -> Option<u64> {
    answer.number("next_page").filter(|next| *next > page && *next <= MOST_PAGES)
}
