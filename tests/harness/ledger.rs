//! Uploads that go on until the daemon is gone, and what must be found of them afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::{Client, Daemon, Progress, eventually, is_reply, is_shared, noise, sha256, upload};

const UPLOADERS: [&str; 4] = ["ann", "ben", "cleo", "dora"];

/// How many files an uploader keeps on the shelf; then it takes some back.
const KEPT: usize = 6;

/// How far a file has come, as its uploader was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Begun and not answered: it is shared, kept in part, or has never arrived.
    Begun,
    /// Answered `OK`.
    Shared,
    /// Taken back without an answer.
    Withdrawing,
    /// Its `X` was answered `OK`.
    Withdrawn,
}

#[derive(Clone, Debug)]
struct Upload {
    owner: &'static str,
    seed: u64,
    size: usize,
    sha256: String,
    fate: Fate,
}

impl Upload {
    fn whole(&self) -> Vec<u8> {
        noise(self.seed, self.size)
    }
}

/// What the shelf says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shelved {
    owner: String,
    size: u64,
    sha256: String,
}

type Shelf = BTreeMap<String, Shelved>;

/// What was found by all checks together.
#[derive(Default)]
pub struct Tally {
    whole: usize,
    kept_in_part: usize,
    gone_on_with: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { whole, kept_in_part, gone_on_with } = self;
        write!(
            f,
            "{whole} times a listed file was whole, {kept_in_part} times an upload was kept in part, {gone_on_with} gone on with"
        )
    }
}

/// Every upload so far, by its file's name.
#[derive(Clone, Default)]
pub struct Ledger(BTreeMap<String, Upload>);

impl Ledger {
    /// How many uploads were answered, those taken back since included.
    pub fn answered(&self) -> usize {
        self.0.values().filter(|upload| upload.fate != Fate::Begun).count()
    }

    /// Compares what was answered with what is on the shelf; says what is lost or damaged.
    pub fn damage(&self, daemon: &Daemon) -> Vec<String> {
        let mut reader = Client::program(daemon, "reader");
        let shelf = shelf(&mut reader);
        let mut damage = Vec::new();
        for (name, upload) in &self.0 {
            match (upload.fate, shelf.get(name)) {
                (Fate::Shared, None) => damage.push(format!("{name} was answered OK and is not on the shelf")),
                (Fate::Withdrawn, Some(_)) => damage.push(format!("{name} was withdrawn and is on the shelf")),
                _ => (),
            }
        }
        for (name, shelved) in &shelf {
            let whole = Client::transfer(daemon, format!("T {}\n", reader.find(name).ticket)).bytes();
            let Some(upload) = self.0.get(name) else {
                damage.push(format!("{name} is on the shelf and was never begun"));
                continue;
            };
            let due = Shelved { owner: upload.owner.into(), size: upload.size as u64, sha256: upload.sha256.clone() };
            if *shelved != due || whole != upload.whole() {
                damage.push(format!("{name}: {shelved:?} with {} bytes, instead of {due:?}", whole.len()));
            }
        }
        damage
    }

    /// Everything that must hold after a restart. Goes on with every other upload that was cut, and
    /// notes what became of those that were not answered.
    pub fn check(&mut self, daemon: &Daemon, tally: &mut Tally) {
        assert_eq!(self.damage(daemon), [""; 0]);
        let mut reader = Client::program(daemon, "reader");
        let shelf = shelf(&mut reader);
        assert_eq!(replay(&mut reader), shelf, "the events are not those of the shelf");
        assert_records_match_events(daemon);
        let blobs: BTreeSet<&str> = shelf.values().map(|shelved| shelved.sha256.as_str()).collect();
        eventually("only what the shelf names and parts of uploads are on the disk", || {
            daemon.files().iter().filter(|name| !name.starts_with("partial-")).eq(&blobs)
        });
        self.settle(&shelf);
        tally.whole += shelf.len();
        self.go_on_with_some(daemon, tally);
    }

    fn settle(&mut self, shelf: &Shelf) {
        for (name, upload) in &mut self.0 {
            upload.fate = match upload.fate {
                _ if shelf.contains_key(name) => Fate::Shared,
                Fate::Withdrawing => Fate::Withdrawn,
                fate => fate,
            };
        }
    }

    /// Offers every cut upload again, and goes on with every other one.
    fn go_on_with_some(&mut self, daemon: &Daemon, tally: &mut Tally) {
        let mut owners: BTreeMap<&str, Client> = BTreeMap::new();
        let parts = daemon.partials();
        let mut kept = 0;
        for (number, (name, upload)) in self.0.iter_mut().filter(|(_, upload)| upload.fate == Fate::Begun).enumerate() {
            let owner = owners.entry(upload.owner).or_insert_with(|| Client::enter(daemon, upload.owner));
            let offer = owner.offer(name);
            kept += usize::from(offer.offset > 0);
            if number % 2 == 0 {
                let whole = upload.whole();
                let reply = self::upload(daemon, &offer, &whole);
                assert!(is_shared(&reply, &whole), "{name}: {reply}");
                assert!(owner.fetch(daemon, name) == whole, "{name}");
                upload.fate = Fate::Shared;
                tally.gone_on_with += 1;
            }
        }
        assert_eq!(kept, parts.len(), "uploads that can be gone on with, and parts on the disk: {parts:?}");
        tally.kept_in_part += kept;
    }
}

/// The shelf, page by page.
fn shelf(reader: &mut Client) -> Shelf {
    let (mut shelf, mut page) = (Shelf::new(), json!(1));
    while !page.is_null() {
        let mut lines = reader.objects_of(&json!({"do": "S", "page": page}).to_string());
        let reply = lines.pop().unwrap();
        lines.retain(|line| line["item"] == "file");
        assert_eq!(reply["count"], lines.len(), "{reply}");
        for file in lines {
            let (name, shelved) = shelved(&file);
            assert_eq!(shelf.insert(name, shelved), None, "twice on the shelf: {file}");
        }
        page = reply["next_page"].clone();
    }
    shelf
}

/// The shelf as the room's events tell it.
fn replay(reader: &mut Client) -> Shelf {
    let (mut shelf, mut last, mut is_more) = (Shelf::new(), json!(0), true);
    while is_more {
        let mut lines = reader.objects_of(&json!({"do": "H", "left": last, "n": "+1000"}).to_string());
        is_more = lines.pop().unwrap()["more"] == true;
        lines.retain(|line| line["event"].is_null());
        for event in &lines {
            if event["item"] == "file" {
                let (name, shelved) = shelved(event);
                assert_eq!(shelf.insert(name, shelved), None, "shared twice: {event}");
            } else if event["item"] == "withdrawn" {
                let gone = shelf.remove(event["file_name"].as_str().unwrap());
                assert!(gone.is_some_and(|gone| event["from"] == gone.owner), "{event}");
            }
        }
        last = lines.last().map_or(last, |event| event["seq"].clone());
    }
    shelf
}

fn shelved(file: &Value) -> (String, Shelved) {
    let word = |key: &str| file[key].as_str().unwrap_or_else(|| panic!("no {key}: {file}")).to_owned();
    let size = file["size_bytes"].as_u64().unwrap();
    (word("file_name"), Shelved { owner: word("from"), size, sha256: word("sha256") })
}

/// Neither a record without its event nor an event without its record.
fn assert_records_match_events(daemon: &Daemon) {
    let database = daemon.database();
    let seqs = |sql: &str| -> Vec<(u64, String)> {
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    for (kind, seq) in [("file", "seq"), ("withdrawn", "withdrawn_seq")] {
        let events = seqs(&format!("SELECT seq, comment FROM chat_history WHERE kind = '{kind}' ORDER BY seq"));
        let records = seqs(&format!("SELECT {seq}, file_name FROM file_put_record WHERE {seq} IS NOT NULL ORDER BY {seq}"));
        assert_eq!(records, events, "the records and the events of kind {kind}");
    }
}

/// Four people who share files until the daemon is gone.
pub struct Uploading {
    pub progress: Arc<Progress>,
    pub ledger: Arc<Mutex<Ledger>>,
    threads: Vec<JoinHandle<()>>,
}

impl Uploading {
    /// Goes on with what was cut before, then shares new files.
    pub fn start(daemon: &Daemon, ledger: Ledger, dice: &mut Dice) -> Self {
        let (progress, ledger) = (Arc::<Progress>::default(), Arc::new(Mutex::new(ledger)));
        let start = |owner| {
            let uploader = Uploader {
                owner,
                client: Client::enter(daemon, owner),
                address: daemon.address,
                dice: Dice(dice.below(u64::MAX)),
                progress: Arc::clone(&progress),
                ledger: Arc::clone(&ledger),
            };
            thread::spawn(|| uploader.run())
        };
        let threads = UPLOADERS.map(start).into();
        Self { progress, ledger, threads }
    }

    /// Once the daemon is gone: what they were told.
    pub fn end(self) -> Ledger {
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        Arc::into_inner(self.ledger).unwrap().into_inner().unwrap()
    }
}

struct Uploader {
    owner: &'static str,
    client: Client,
    address: SocketAddr,
    dice: Dice,
    progress: Arc<Progress>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Uploader {
    fn run(mut self) {
        for name in self.own(Fate::Begun) {
            if self.share(&name).is_none() {
                return;
            }
        }
        while self.share_another().is_some() {}
    }

    /// One's own files of one fate.
    fn own(&self, fate: Fate) -> Vec<String> {
        let ledger = self.ledger.lock().unwrap();
        let own = ledger.0.iter().filter(|(_, upload)| upload.owner == self.owner && upload.fate == fate);
        own.map(|(name, _)| name.clone()).collect()
    }

    fn set(&self, name: &str, fate: Fate) {
        self.ledger.lock().unwrap().0.get_mut(name).unwrap().fate = fate;
        self.progress.step();
    }

    /// `None`, here as below, once the daemon is gone.
    fn share_another(&mut self) -> Option<()> {
        // Mostly small ones, so that many are about to be finished; some that others share too.
        let bits = 8 + self.dice.below(13);
        let (seed, size) = match self.dice.below(4) {
            0 => (bits, 1 << (bits - 1)),
            _ => (self.dice.below(u64::MAX), self.dice.below(1 << bits) as usize),
        };
        let upload = Upload { owner: self.owner, seed, size, sha256: sha256(&noise(seed, size)), fate: Fate::Begun };
        let name = format!("{}-{:016x}.bin", self.owner, self.dice.below(u64::MAX));
        self.ledger.lock().unwrap().0.insert(name.clone(), upload);
        self.share(&name)?;
        let mut shared = self.own(Fate::Shared);
        while shared.len() > KEPT {
            let name = shared.swap_remove(self.dice.below(shared.len() as u64) as usize);
            self.set(&name, Fate::Withdrawing);
            let reply = self.ask(&format!("X - {name}"))?;
            assert!(reply.starts_with("OK"), "{name}: {reply}");
            self.set(&name, Fate::Withdrawn);
        }
        Some(())
    }

    /// Shares a file of the ledger, from where it was cut.
    fn share(&mut self, name: &str) -> Option<()> {
        let upload = self.ledger.lock().unwrap().0[name].clone();
        let reply = self.ask(&format!("F - {name}"))?;
        let ["OK", ticket, offset, ..] = reply.split(' ').collect::<Vec<_>>()[..] else { panic!("{name}: {reply}") };
        let (whole, offset) = (upload.whole(), offset.parse::<usize>().unwrap());
        let mut transfer = Client::over(TcpStream::connect(self.address).ok()?);
        let mut stream = transfer.stream();
        stream.write_all(format!("T {ticket} {} {}\n", whole.len(), upload.sha256).as_bytes()).ok()?;
        for piece in whole[offset..].chunks(32 << 10) {
            // Whoever is refused in the middle is told why.
            if stream.write_all(piece).is_err() {
                break;
            }
            self.progress.step();
        }
        let reply = transfer.line_or_end()?;
        assert!(is_shared(&reply, &whole), "{name}: {reply}");
        self.set(name, Fate::Shared);
        Some(())
    }

    fn ask(&mut self, request: &str) -> Option<String> {
        self.client.stream().write_all(format!("{request}\n").as_bytes()).ok()?;
        std::iter::from_fn(|| self.client.line_or_end()).find(|line| is_reply(line))
    }
}

/// Numbers that nobody chose.
pub struct Dice(pub u64);

impl Dice {
    pub fn new() -> Self {
        Self(getrandom::u64().unwrap())
    }

    /// One below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
