//! A panic while something is done about one file: a bug. Whoever asked is refused, and everything else goes on.
//!
//! The lists of what is shared and of what has come are thrown away, half changed as they may be, and made anew from the
//! store and from the directory. Kept are those whose changes are one step each: tickets, running transfers, holds.

use std::collections::HashMap;

use super::Actor;
use crate::files::catalogue::Catalogue;
use crate::files::disk::Extent;
use crate::panics::Panicked;
use crate::protocol::refusal::Refusal;

impl Actor {
    /// What was done, or a refusal if that panicked.
    pub(super) async fn unless_panicked<T>(&mut self, done: Result<Result<T, Refusal>, Panicked>) -> Result<T, Refusal> {
        match done {
            Ok(done) => done,
            Err(panicked) => {
                self.start_over(panicked).await;
                Err(Refusal::Failed)
            }
        }
    }

    /// Makes the lists anew. If they cannot be had, the files end here, and the daemon with them.
    pub(super) async fn start_over(&mut self, panicked: Panicked) {
        log::error!("files: one request has failed the daemon; transfers and talk go on. Please report what it panicked at");
        // What the room has heard of must be in it.
        self.queue.durable_at_last(self.queue.newest()).await;
        let shared = match self.reader.shared(self.room.id()).await {
            Ok(shared) => shared,
            Err(error) => {
                log::error!("files: what is shared cannot be read: {error}");
                panicked.resume()
            }
        };
        let mut found = match self.disk.partials() {
            Ok(found) => found,
            Err(error) => {
                log::error!("files: {error}");
                panicked.resume()
            }
        };
        self.catalogue = Catalogue::default();
        for entry in super::entries(shared) {
            // Bytes of a file that is shared are no part of one any more.
            found.remove(&super::key(self.room.id(), entry.owner, &entry.file.name));
            self.catalogue.insert(entry);
        }
        let is_of_use = |extent: &Extent| (1..=extent.size_bytes).contains(&extent.received_bytes);
        self.partials =
            found.into_iter().filter(|(key, extent)| is_of_use(extent) || self.running.writes(*key)).collect::<HashMap<_, _>>();
    }
}
