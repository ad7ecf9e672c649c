//! Many transfers that go on and on, from a process of their own at the lowest priority: on a machine
//! shared with the daemon, what is measured beside them is the daemon's fairness and not the generator's.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::transfer::{Content, Desk, MIB, begin_upload, drain, finish_upload};

/// What the transfers look like.
#[derive(Clone, Copy)]
pub struct Shape {
    pub uploads: u64,
    pub downloads: u64,
    /// Of each file that is uploaded; downloads fetch `large`.
    pub upload_mib: u64,
    /// Of each transfer, in MiB a second; 0 for as fast as it goes.
    pub pace: u64,
}

/// How far the transfers are.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub up_bytes: u64,
    pub down_bytes: u64,
    /// Transfers whose bytes are flowing.
    pub running: u64,
}

/// The process, seen from the one that measures. Dropping it ends the transfers and waits for it.
pub struct Load {
    process: Child,
    requests: Option<ChildStdin>,
    marks: BufReader<ChildStdout>,
}

impl Load {
    pub fn start(address: SocketAddr, shape: Shape) -> Self {
        let Shape { uploads, downloads, upload_mib, pace } = shape;
        let numbers = [uploads, downloads, upload_mib, pace].map(|number| number.to_string());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["load", &address.to_string()]).args(numbers).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (requests, marks) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, requests, marks }
    }

    pub fn mark(&mut self) -> Mark {
        self.requests.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut line = String::new();
        self.marks.read_line(&mut line).unwrap();
        let numbers: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
        let [up_bytes, down_bytes, running] = numbers[..] else { panic!("the generator ended: {line:?}") };
        Mark { up_bytes, down_bytes, running }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}

/// What the transfers' threads share.
#[derive(Default)]
struct Shared {
    up_bytes: AtomicU64,
    down_bytes: AtomicU64,
    running: AtomicU64,
    stop: AtomicBool,
}

/// The process itself: answers each line of its input with a mark, and ends with its input once the
/// transfers that are running have ended.
pub fn generate(arguments: &[String]) {
    let (address, numbers) = arguments.split_first().unwrap();
    let address = address.parse().unwrap();
    let numbers: Vec<u64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
    let [uploads, downloads, upload_mib, pace] = numbers[..] else { panic!("{numbers:?}") };
    rustix::process::nice(19).unwrap();
    let shared = Arc::<Shared>::default();
    let uploaders = (0..uploads).map(|n| {
        let shared = Arc::clone(&shared);
        let seed = u64::from(std::process::id()) << 8 | n;
        thread::spawn(move || upload_on(address, &Content::new(seed, upload_mib), &format!("file-{seed}"), pace, &shared))
    });
    let downloaders = (0..downloads).map(|_| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || download_on(address, pace, &shared))
    });
    let threads: Vec<_> = uploaders.chain(downloaders).collect();
    for _ in std::io::stdin().lines() {
        let [up, down, running] =
            [&shared.up_bytes, &shared.down_bytes, &shared.running].map(|number| number.load(Ordering::Relaxed));
        println!("{up} {down} {running}");
    }
    shared.stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn upload_on(address: SocketAddr, content: &Content, file_name: &str, pace: u64, shared: &Shared) {
    let mut desk = Desk::open(address);
    while !shared.stop.load(Ordering::Relaxed) {
        let ticket = desk.ticket("F", file_name);
        let mut stream = begin_upload(address, &ticket, content.size, "");
        let mut pace = Pace::of(pace);
        for (n, block) in content.blocks().enumerate() {
            stream.write_all(block).unwrap();
            shared.up_bytes.fetch_add(MIB, Ordering::Relaxed);
            shared.running.fetch_add(u64::from(n == 0), Ordering::Relaxed);
            pace.moved(MIB);
        }
        shared.running.fetch_sub(1, Ordering::Relaxed);
        finish_upload(stream);
        desk.withdraw(file_name);
    }
}

fn download_on(address: SocketAddr, pace: u64, shared: &Shared) {
    let mut desk = Desk::open(address);
    while !shared.stop.load(Ordering::Relaxed) {
        let ticket = desk.ticket("L", "large");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("T {ticket}\n").as_bytes()).unwrap();
        let mut pace = Pace::of(pace);
        let mut first = true;
        drain(&mut stream, |piece| {
            shared.down_bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
            shared.running.fetch_add(u64::from(std::mem::take(&mut first)), Ordering::Relaxed);
            pace.moved(piece.len() as u64);
        });
        assert!(!first, "a download without bytes");
        shared.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Holds a transfer to a rate.
struct Pace {
    begin: Instant,
    bytes: u64,
    mib_s: u64,
}

impl Pace {
    fn of(mib_s: u64) -> Self {
        Self { begin: Instant::now(), bytes: 0, mib_s }
    }

    fn moved(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.mib_s > 0 {
            let due = Duration::from_secs_f64(self.bytes as f64 / (self.mib_s * MIB) as f64);
            thread::sleep(due.saturating_sub(self.begin.elapsed()));
        }
    }
}
