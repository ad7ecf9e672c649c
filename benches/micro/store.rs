//! Records are committed, and history is read back, through the real store.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use parlor::protocol::name::Name;
use parlor::protocol::request::RangeEnd;
use parlor::store::queue::{BATCH, Slot};
use parlor::store::read::HistoryQuery;
use parlor::store::record::{Account, EventRecord, Record, Registered, Registration};
use parlor::store::{OpenRoom, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::encode::said;

/// After a large batch the writer pauses 3 ms; that pause is part of nobody's commit but the next one's.
const PAUSE: Duration = Duration::from_millis(5);
/// What history is read from.
const EVENTS: u64 = 100_000;
/// The most that the queue takes at once.
const QUEUE: usize = 4096;

/// A store of its own with somebody in it who speaks.
struct Bench {
    runtime: Runtime,
    store: Store,
    room: OpenRoom,
    speaker: Account,
    last_seq: u64,
    _directory: TempDir,
}

impl Bench {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (store, room) = Store::open(directory.path(), "lobby", Duration::from_secs(30)).unwrap();
        let (outcome, registered) = oneshot::channel();
        let registration = Registration {
            name: Name::parse("alice").unwrap(),
            password_hash: String::new(),
            address: String::new(),
            at_ms: 0,
            outcome,
        };
        let registered = runtime.block_on(async {
            let slot = store.queue.slot(1).await.unwrap();
            store.queue.push(vec![Record::Registration(registration)], vec![slot]);
            registered.await.unwrap()
        });
        let Registered::As(speaker) = registered else { panic!("the name was free") };
        Self { runtime, store, room, speaker, last_seq: room.next_seq - 1, _directory: directory }
    }

    /// Records of talk with their slots.
    fn batch(&mut self, count: usize) -> (Vec<Record>, Vec<Slot>) {
        let first = self.last_seq + 1;
        self.last_seq += count as u64;
        let record = |seq| {
            let Account { id, level, .. } = self.speaker;
            Record::Event(EventRecord { room: self.room.id, author: Some(id), level, event: said(seq) })
        };
        let sizes = (0..count).step_by(BATCH).map(|taken| BATCH.min(count - taken));
        let slots = sizes.map(|size| self.runtime.block_on(self.store.queue.slot(size)).unwrap()).collect();
        ((first..=self.last_seq).map(record).collect(), slots)
    }

    /// Pushes records and waits until they are durable.
    fn commit(&self, (records, slots): (Vec<Record>, Vec<Slot>)) {
        let position = self.store.queue.push(records, slots);
        self.runtime.block_on(self.store.queue.durable_at_last(position));
    }
}

/// From the push to the durable mark, with the disk's `fsync`; one transaction each.
#[divan::bench(args = [1, 16, 256, 4096], sample_count = 50, sample_size = 1)]
fn commit(bencher: Bencher<'_, '_>, count: usize) {
    let bench = std::cell::RefCell::new(Bench::open());
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| {
            let batch = bench.borrow_mut().batch(count);
            std::thread::sleep(PAUSE);
            batch
        })
        .bench_local_values(|batch| bench.borrow().commit(batch));
}

/// What the disk takes of that: a page written over an old one, as the write-ahead log does, and `fdatasync`.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn disk_alone(bencher: Bencher<'_, '_>) {
    const PAGE: [u8; 4096] = [7; 4096];
    const PAGES: u64 = 1024;
    let directory = tempfile::tempdir().unwrap();
    let mut file = File::create(directory.path().join("file")).unwrap();
    (0..PAGES).for_each(|_| file.write_all(&PAGE).unwrap());
    file.sync_all().unwrap();
    let mut next = (0..PAGES).cycle();
    bencher.with_inputs(|| std::thread::sleep(PAUSE)).bench_local_values(|()| {
        file.write_all_at(&PAGE, next.next().unwrap() * PAGE.len() as u64).unwrap();
        file.sync_data().unwrap();
    });
}

/// A page at a random place, events and all, by way of a thread that may block.
#[divan::bench(args = [20, 1000])]
fn history_page(bencher: Bencher<'_, '_>, count: usize) {
    let mut bench = Bench::open();
    while bench.last_seq < EVENTS {
        let batch = bench.batch(QUEUE);
        bench.commit(batch);
    }
    let mut place = 1_u64;
    let mut random_place = || {
        // Knuth's MMIX generator.
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        count as u64 + (place >> 33) % (EVENTS - count as u64)
    };
    bencher.counter(ItemsCount::new(count)).with_inputs(&mut random_place).bench_local_values(|right| {
        let (room, from) = (bench.room.id, RangeEnd::Newest);
        let query = HistoryQuery { room, left: 0, right, count, from, talk_only: true };
        let page = bench.runtime.block_on(bench.store.reader.history(query)).unwrap();
        assert_eq!(page.events.len(), count);
        page
    });
}
