//! What a bug costs that one request runs into: that request, and nothing else.

use std::cell::Cell;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::super::upload::Upload;
use super::super::{Files, Limits, Surroundings, Transfer};
use crate::connections::{ConnectionId, Connections};
use crate::protocol::digest::Digest;
use crate::protocol::file_name::FileName;
use crate::protocol::name::Name;
use crate::protocol::refusal::Refusal;
use crate::protocol::request::TransferRequest;
use crate::protocol::secret::Secret;
use crate::room::Room;
use crate::store::Store;
use crate::store::record::{Account, Record, Registered, Registration};

/// Where the actor panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    Nowhere,
    Offer,
    Share,
    TakeDown,
}

thread_local! {
    static BUG: Cell<Bug> = const { Cell::new(Bug::Nowhere) };
}

pub(super) fn panic_at(place: Bug) {
    assert_ne!(BUG.get(), place, "a bug");
}

const LONG: Duration = Duration::from_secs(600);
/// Longer than anything takes that does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);
const LIMITS: Limits = Limits {
    file_bytes: 1 << 20,
    account_bytes: 1 << 20,
    room_bytes: Some(1 << 20),
    disk_reserve_bytes: 0,
    account_transfers: 4,
    ticket_timeout: LONG,
    keep_partials: LONG,
    keep_files: None,
};

struct Shelf {
    _directory: tempfile::TempDir,
    store: Store,
    files: Files,
    alice: Account,
    slots: [usize; 2],
}

impl Shelf {
    async fn open() -> Self {
        BUG.set(Bug::Nowhere);
        let directory = tempfile::tempdir().unwrap();
        let (store, opened) = Store::open(directory.path(), "lobby", LONG).unwrap();
        let slots = store.queue.free_slots();
        let slot = store.queue.slot(1).await.unwrap();
        let (room, _, _) = Room::open("lobby", opened, store.queue.clone(), Connections::default(), slot).await;
        let (queue, reader, background) = (store.queue.clone(), store.reader.clone(), tokio::runtime::Handle::current());
        let around = Surroundings { room, queue, reader, background, transfers: 4 };
        let (files, _) = Files::open(directory.path(), LIMITS, around).await.unwrap();
        let (outcome, registered) = oneshot::channel();
        let name = Name::stored("alice".into());
        let registration = Registration { name, password_hash: String::new(), address: String::new(), at_ms: 0, outcome };
        store.queue.push(vec![Record::Registration(registration)], vec![store.queue.slot(1).await.unwrap()]);
        let Registered::As(alice) = registered.await.unwrap() else { unreachable!("it was free") };
        Self { _directory: directory, store, files, alice, slots }
    }

    async fn offer(&self, name: &str) -> Result<String, Refusal> {
        let offer = self.files.offer(self.alice.clone(), FileName::parse(name).unwrap());
        timeout(PATIENCE, offer).await.expect("whoever asks is answered").map(|offer| offer.ticket)
    }

    async fn begin(&self, name: &str, whole: &[u8]) -> Box<Upload> {
        let ticket = Secret::new(&self.offer(name).await.unwrap());
        let digest = Some(Digest(Sha256::digest(whole).into()));
        let request = TransferRequest { ticket, size_bytes: Some(whole.len() as u64), digest };
        match self.files.begin(request).await.unwrap().transfer {
            Transfer::Upload(upload) => upload,
            Transfer::Download(_) => unreachable!("it was offered"),
        }
    }

    async fn withdraw(&self, name: &str) -> Result<(), Refusal> {
        let (name, slot) = (FileName::parse(name).unwrap(), self.store.queue.slot(1).await.unwrap());
        let withdrawal = self.files.withdraw(self.alice.clone(), name, ConnectionId(1), slot);
        timeout(PATIENCE, withdrawal).await.expect("whoever asks is answered").map(|_| ())
    }

    async fn is_there(&self, name: &str) -> bool {
        self.files.fetch(self.alice.clone(), FileName::parse(name).unwrap()).await.is_ok()
    }
}

/// Sends the rest, and what becomes of it.
async fn finish(mut upload: Box<Upload>, whole: &[u8]) -> Result<(), String> {
    upload.take(whole.to_vec()).await.unwrap();
    let digest = upload.settle().await.unwrap();
    let shared = timeout(PATIENCE, upload.share(digest)).await.expect("whoever asks is answered");
    upload.end(&shared).await;
    shared.map(|_| ()).map_err(|cut| format!("{cut:?}"))
}

#[tokio::test]
async fn a_request_that_runs_into_a_bug_is_refused_and_running_transfers_go_on() {
    let shelf = Shelf::open().await;
    let running = shelf.begin("a.bin", b"hello").await;
    BUG.set(Bug::Offer);
    assert_eq!(shelf.offer("b.bin").await.unwrap_err().code(), "failed");
    BUG.set(Bug::Nowhere);
    finish(running, b"hello").await.unwrap();
    assert!(shelf.is_there("a.bin").await);
    finish(shelf.begin("b.bin", b"hello too").await, b"hello too").await.unwrap();
    shelf.withdraw("a.bin").await.unwrap();
    assert!(!shelf.is_there("a.bin").await && shelf.is_there("b.bin").await);
}

#[tokio::test]
async fn what_the_room_was_told_before_a_bug_is_so_afterwards() {
    let shelf = Shelf::open().await;
    finish(shelf.begin("a.bin", b"hello").await, b"hello").await.unwrap();
    let upload = shelf.begin("b.bin", b"hello too").await;
    BUG.set(Bug::Share);
    let refused = finish(upload, b"hello too").await.unwrap_err();
    assert!(refused.contains("Failed"), "{refused}");
    BUG.set(Bug::Nowhere);
    assert!(shelf.is_there("a.bin").await && shelf.is_there("b.bin").await);
    // Nothing was told of this one.
    BUG.set(Bug::TakeDown);
    assert_eq!(shelf.withdraw("a.bin").await.unwrap_err().code(), "failed");
    BUG.set(Bug::Nowhere);
    assert!(shelf.is_there("a.bin").await);
    for name in ["a.bin", "b.bin"] {
        shelf.withdraw(name).await.unwrap();
        assert!(!shelf.is_there(name).await);
        finish(shelf.begin(name, b"again").await, b"again").await.unwrap();
    }
    assert_eq!(shelf.store.queue.free_slots(), shelf.slots, "nothing that was taken for a record is kept");
}
