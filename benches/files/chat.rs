//! How long talk takes to arrive while files are moving.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Client, eventually};
use crate::load::{Load, Shape};
use crate::report::{ROUNDS, Row, Spread, verdict};
use crate::transfer::daemon_with_large_file;

const RECEIVERS: usize = 50;
const MESSAGES_A_SECOND: u32 = 500;
const SECONDS: u32 = 10;
const LIMIT: f64 = 3.0;

/// What a receiver sees before the time that its line was due.
const START: &[u8] = b"[sender]: ";

pub fn measure() -> Row {
    let (daemon, _desk) = daemon_with_large_file(&[]);
    let receivers = (0..RECEIVERS).map(|n| Client::enter(&daemon, &format!("receiver{n}")).stream()).collect();
    let room = Room::open(receivers, Client::enter(&daemon, "sender").stream());
    let shape = Shape { uploads: 4, downloads: 4, upload_mib: 256, pace: 0 };
    room.talk(SECONDS / 5);
    let (mut quiet, mut loaded, mut up, mut down) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let alone = |quiet: &mut Vec<_>| {
            rustix::fs::sync();
            quiet.push(room.talk(SECONDS));
        };
        if round % 2 == 0 {
            alone(&mut quiet);
        }
        let mut load = Load::start(daemon.address, shape);
        eventually("the transfers are running", || load.mark().running >= shape.uploads);
        room.talk(1);
        let (before, begin) = (load.mark(), Instant::now());
        loaded.push(room.talk(SECONDS));
        let (after, seconds) = (load.mark(), begin.elapsed().as_secs_f64());
        up.push((after.up_bytes - before.up_bytes) as f64 / 1e9 / seconds);
        down.push((after.down_bytes - before.down_bytes) as f64 / 1e9 / seconds);
        drop(load);
        if round % 2 == 1 {
            alone(&mut quiet);
        }
    }
    let since_sent =
        Spread::of(loaded.iter().zip(&quiet).map(|(loaded, quiet)| loaded.p99_since_sent_ms / quiet.p99_since_sent_ms));
    let ratio = Spread::of(loaded.iter().zip(&quiet).map(|(loaded, quiet)| loaded.p99_ms / quiet.p99_ms));
    let [up, down] = [up, down].map(|rates| Spread::of(rates.into_iter()).median);
    Row {
        what: "chat delivery p99, 500 messages/s to 50, with 4 uploads and 4 downloads (their clients at nice 19)",
        beside: "without transfers",
        goal: verdict("<=", LIMIT, ratio.median <= LIMIT),
        ratio: format!("{ratio}; from when really sent {since_sent}"),
        figures: format!(
            "{}; meanwhile {up:.2} GB/s up, {down:.2} GB/s down | {}",
            Latency::show(&loaded),
            Latency::show(&quiet)
        ),
    }
}

/// What a run of talk took.
struct Latency {
    p50_ms: f64,
    p99_ms: f64,
    p99_since_sent_ms: f64,
}

impl Latency {
    fn show(runs: &[Self]) -> String {
        let median = |of: fn(&Self) -> f64| Spread::of(runs.iter().map(of)).median;
        let (p50, p99, sent) = (median(|run| run.p50_ms), median(|run| run.p99_ms), median(|run| run.p99_since_sent_ms));
        format!("p50 {p50:.2} ms, p99 {p99:.2} ms ({sent:.2} ms from when it was really sent)")
    }
}

/// A line that has arrived: how many microseconds ago it was due, and sent. These differ by how late the
/// generator itself was, and by what a daemon that does not read holds it up.
struct Heard {
    since_due: u32,
    since_sent: u32,
}

impl Heard {
    fn at(now: u32, text: &[u8]) -> Self {
        let mut times = text.split(|byte| *byte == b' ').map(|word| std::str::from_utf8(word).unwrap().parse::<u32>().unwrap());
        let mut since = || now - times.next().unwrap();
        Self { since_due: since(), since_sent: since() }
    }
}

/// A speaker and those who listen, all on one clock.
struct Room {
    clock: Instant,
    sender: TcpStream,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Room {
    fn open(receivers: Vec<TcpStream>, sender: TcpStream) -> Self {
        let room = Self { clock: Instant::now(), sender, heard: Arc::default() };
        let mut replies = room.sender.try_clone().unwrap();
        replies.set_read_timeout(None).unwrap();
        thread::spawn(move || std::io::copy(&mut replies, &mut std::io::sink()));
        let (clock, heard) = (room.clock, Arc::clone(&room.heard));
        thread::spawn(move || listen(receivers, clock, &heard));
        room
    }

    /// Speaks at an even pace, whatever the answers, and waits until everything has arrived.
    fn talk(&self, seconds: u32) -> Latency {
        let count = seconds * MESSAGES_A_SECOND;
        let expected = count as usize * RECEIVERS;
        *self.heard.lock().unwrap() = Vec::with_capacity(expected);
        let first = self.clock.elapsed() + Duration::from_millis(10);
        (0..count).for_each(|n| self.say(first + Duration::from_secs(1) * n / MESSAGES_A_SECOND));
        eventually("every message at every receiver", || self.heard.lock().unwrap().len() >= expected);
        let mut heard = std::mem::take(&mut *self.heard.lock().unwrap());
        assert_eq!(heard.len(), expected);
        let mut percentile_ms = |percent, of: fn(&Heard) -> u32| {
            heard.sort_unstable_by_key(of);
            f64::from(of(&heard[(expected - 1) * percent / 100])) / 1e3
        };
        let p50_ms = percentile_ms(50, |heard| heard.since_due);
        let p99_ms = percentile_ms(99, |heard| heard.since_due);
        Latency { p50_ms, p99_ms, p99_since_sent_ms: percentile_ms(99, |heard| heard.since_sent) }
    }

    /// Waits until a line is due and says it: 64 bytes that begin with when it was due, and when it is sent.
    fn say(&self, due: Duration) {
        thread::sleep(due.saturating_sub(self.clock.elapsed()));
        let times = format!("{} {} ", due.as_micros(), self.clock.elapsed().as_micros());
        (&self.sender).write_all(format!("C - {times:.<64}\n").as_bytes()).unwrap();
    }
}

/// Reads all receivers on one thread, as cheaply as it goes: the daemon needs the rest of the machine.
fn listen(receivers: Vec<TcpStream>, clock: Instant, heard: &Arc<Mutex<Vec<Heard>>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        for stream in receivers {
            stream.set_nonblocking(true).unwrap();
            tokio::spawn(hear(tokio::net::TcpStream::from_std(stream).unwrap(), clock, Arc::clone(heard)));
        }
        std::future::pending::<()>().await;
    });
}

/// Notes when each line of the sender's arrives; passes over all others.
async fn hear(stream: tokio::net::TcpStream, clock: Instant, heard: Arc<Mutex<Vec<Heard>>>) {
    let mut pending = Vec::new();
    loop {
        stream.readable().await.unwrap();
        match stream.try_read_buf(&mut pending) {
            // The daemon's end; before that, what it lacks is missed.
            Ok(0) => return,
            Ok(_) => (),
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => panic!("{error}"),
        }
        let now = clock.elapsed().as_micros() as u32;
        let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else { continue };
        let lines = pending[..end].split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(START));
        heard.lock().unwrap().extend(lines.map(|text| Heard::at(now, text)));
        pending.drain(..=end);
    }
}
