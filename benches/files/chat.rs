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
    let ratio = Spread::of(loaded.iter().zip(&quiet).map(|(loaded, quiet)| loaded.p99_ms / quiet.p99_ms));
    let [up, down] = [up, down].map(|rates| Spread::of(rates.into_iter()).median);
    Row {
        what: "chat delivery p99, 500 messages/s to 50, with 4 uploads and 4 downloads (their clients at nice 19)",
        beside: "without transfers",
        goal: verdict("<=", LIMIT, ratio.median <= LIMIT),
        ratio: ratio.to_string(),
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
    /// How late the sender itself was: the generator's part in the above.
    sender_p99_ms: f64,
}

impl Latency {
    fn show(runs: &[Self]) -> String {
        let median = |of: fn(&Self) -> f64| Spread::of(runs.iter().map(of)).median;
        let (p50, p99, sender) = (median(|run| run.p50_ms), median(|run| run.p99_ms), median(|run| run.sender_p99_ms));
        format!("p50 {p50:.2} ms, p99 {p99:.2} ms (sender late: p99 {sender:.2} ms)")
    }
}

/// A speaker and those who listen, all on one clock.
struct Room {
    clock: Instant,
    sender: TcpStream,
    /// Microseconds from when a line was due to its arrival at each receiver.
    latencies: Arc<Mutex<Vec<u32>>>,
}

impl Room {
    fn open(receivers: Vec<TcpStream>, sender: TcpStream) -> Self {
        let room = Self { clock: Instant::now(), sender, latencies: Arc::default() };
        let mut replies = room.sender.try_clone().unwrap();
        replies.set_read_timeout(None).unwrap();
        thread::spawn(move || std::io::copy(&mut replies, &mut std::io::sink()));
        let (clock, latencies) = (room.clock, Arc::clone(&room.latencies));
        thread::spawn(move || listen(receivers, clock, &latencies));
        room
    }

    /// Speaks at an even pace, whatever the answers, and waits until everything has arrived.
    fn talk(&self, seconds: u32) -> Latency {
        let count = seconds * MESSAGES_A_SECOND;
        let expected = count as usize * RECEIVERS;
        *self.latencies.lock().unwrap() = Vec::with_capacity(expected);
        let first = self.clock.elapsed() + Duration::from_millis(10);
        let mut late: Vec<u32> = (0..count).map(|n| self.say(first + Duration::from_secs(1) * n / MESSAGES_A_SECOND)).collect();
        eventually("every message at every receiver", || self.latencies.lock().unwrap().len() >= expected);
        let mut latencies = std::mem::take(&mut *self.latencies.lock().unwrap());
        assert_eq!(latencies.len(), expected);
        let [p50_ms, p99_ms] = [50, 99].map(|percent| percentile_ms(&mut latencies, percent));
        Latency { p50_ms, p99_ms, sender_p99_ms: percentile_ms(&mut late, 99) }
    }

    /// Waits until a line is due and says it: 64 bytes that begin with when it was due. Returns how late
    /// it was, in microseconds.
    fn say(&self, due: Duration) -> u32 {
        thread::sleep(due.saturating_sub(self.clock.elapsed()));
        let late = self.clock.elapsed() - due;
        (&self.sender).write_all(format!("C - {:.<64}\n", format!("{} ", due.as_micros())).as_bytes()).unwrap();
        late.as_micros() as u32
    }
}

fn percentile_ms(microseconds: &mut [u32], percent: usize) -> f64 {
    let place = (microseconds.len() - 1) * percent / 100;
    f64::from(*microseconds.select_nth_unstable(place).1) / 1e3
}

/// Reads all receivers on one thread, as cheaply as it goes: the daemon needs the rest of the machine.
fn listen(receivers: Vec<TcpStream>, clock: Instant, latencies: &Arc<Mutex<Vec<u32>>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        for stream in receivers {
            stream.set_nonblocking(true).unwrap();
            tokio::spawn(hear(tokio::net::TcpStream::from_std(stream).unwrap(), clock, Arc::clone(latencies)));
        }
        std::future::pending::<()>().await;
    });
}

/// Notes when each line of the sender's arrives; passes over all others.
async fn hear(stream: tokio::net::TcpStream, clock: Instant, latencies: Arc<Mutex<Vec<u32>>>) {
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
        let now = clock.elapsed();
        let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else { continue };
        let whole = pending[..end].split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(START));
        let due = whole.map(|text| {
            text.iter().take_while(|byte| byte.is_ascii_digit()).fold(0, |n, byte| n * 10 + u64::from(byte - b'0'))
        });
        latencies.lock().unwrap().extend(due.map(|due| (now.as_micros() as u64).saturating_sub(due) as u32));
        pending.drain(..=end);
    }
}
