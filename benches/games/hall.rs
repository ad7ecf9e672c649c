//! Pairs who play and talk at an even pace, all on one clock.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::player::peaceful_moves;
use crate::harness::{Client, Daemon, Dice, eventually};
use crate::report::Spread;

/// In which voice everyone listens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    Json,
    English,
}

/// What is done, at which pace, for how long.
#[derive(Clone, Copy)]
pub struct Load {
    pub is_moving: bool,
    pub is_talking: bool,
    pub per_second: u32,
    pub seconds: u32,
}

/// What a run took.
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Latency {
    pub fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        let percentile = |percent: usize| micros[(micros.len() - 1) * percent / 100] as f64 / 1e3;
        Self { p50_ms: percentile(50), p99_ms: percentile(99) }
    }

    pub fn show(runs: &[Self]) -> String {
        let median = |of: fn(&Self) -> f64| Spread::of(runs.iter().map(of)).median;
        format!("p50 {:.3} ms, p99 {:.3} ms", median(|run| run.p50_ms), median(|run| run.p99_ms))
    }
}

/// What the listeners note of one pair.
#[derive(Default)]
struct Pair {
    /// When the last move was sent, in microseconds of the hall's clock.
    sent: AtomicU64,
    /// Moves that have arrived at the opponent.
    arrived: AtomicUsize,
    /// Replies that either has had.
    replies: [AtomicUsize; 2],
}

/// What has arrived: microseconds since it was sent.
#[derive(Default)]
struct Heard {
    moves: Vec<u64>,
    lines: Vec<u64>,
}

struct Shared {
    clock: Instant,
    pairs: Vec<Pair>,
    heard: Mutex<Heard>,
}

impl Shared {
    fn now(&self) -> u64 {
        self.clock.elapsed().as_micros() as u64
    }
}

/// A room full of pairs.
pub struct Hall {
    _daemon: Daemon,
    /// The connections of each pair, first movers first.
    seats: Vec<[TcpStream; 2]>,
    moves: Vec<String>,
    shared: Arc<Shared>,
}

impl Hall {
    pub fn open(pairs: usize, voice: Voice) -> Self {
        let daemon = Daemon::start();
        let enter = |name: String| match voice {
            Voice::Json => Client::program(&daemon, &name).stream(),
            Voice::English => Client::enter(&daemon, &name).stream(),
        };
        let seats: Vec<_> = (0..pairs).map(|pair| [0, 1].map(|side| enter(name(pair, side)))).collect();
        let pairs = (0..pairs).map(|_| Pair::default()).collect();
        let shared = Arc::new(Shared { clock: Instant::now(), pairs, heard: Mutex::default() });
        let listeners = seats.iter().enumerate().flat_map(|(pair, streams)| {
            let shared = &shared;
            [0, 1].map(|side| Listener {
                stream: streams[side].try_clone().unwrap(),
                ear: Ear::new(pair, side, voice),
                shared: Arc::clone(shared),
            })
        });
        let listeners: Vec<Listener> = listeners.collect();
        thread::spawn(move || listen(listeners));
        Self { _daemon: daemon, seats, moves: peaceful_moves(&mut Dice(1)), shared }
    }

    fn say(&self, pair: usize, side: usize, line: &str) {
        (&self.seats[pair][side]).write_all(line.as_bytes()).unwrap();
    }

    /// Sends the same request for each pair and waits for the replies.
    fn ask_all(&self, side: usize, line: impl Fn(usize) -> String) {
        let replies = |pair: usize| self.shared.pairs[pair].replies[side].load(Ordering::Acquire);
        let before: Vec<usize> = (0..self.seats.len()).map(replies).collect();
        (0..self.seats.len()).for_each(|pair| self.say(pair, side, &line(pair)));
        eventually("everyone is answered", || before.iter().enumerate().all(|(pair, before)| replies(pair) > *before));
    }

    /// Moves and talks; returns how many microseconds each move, and each line, took to arrive.
    pub fn run(&self, load: Load) -> (Vec<u64>, Vec<u64>) {
        let count = (load.per_second * load.seconds) as usize;
        let pairs = self.seats.len();
        assert!(count.div_ceil(pairs) <= self.moves.len(), "the board is full before the end");
        if load.is_moving {
            self.shared.pairs.iter().for_each(|pair| pair.arrived.store(0, Ordering::Release));
            self.ask_all(0, |_| "G - gomoku\n".into());
            self.ask_all(1, |pair| format!("D - {}\n", name(pair, 0)));
        }
        *self.shared.heard.lock().unwrap() = Heard::default();
        let (first, step) = (self.shared.clock.elapsed() + Duration::from_millis(50), Duration::from_secs(1) / load.per_second);
        for number in 0..count as u32 {
            let (pair, turn) = (number as usize % pairs, number as usize / pairs);
            if load.is_moving {
                self.wait_until(first + step * number);
                self.make_move(pair, turn);
            }
            if load.is_talking {
                self.wait_until(first + step * number + step / 2);
                self.say(pair, turn % 2, &format!("C - {}\n", self.shared.now()));
            }
        }
        let expected = |is_done: bool| if is_done { count } else { 0 };
        eventually("everything has arrived", || {
            let heard = self.shared.heard.lock().unwrap();
            heard.moves.len() >= expected(load.is_moving) && heard.lines.len() >= expected(load.is_talking)
        });
        if load.is_moving {
            self.ask_all(0, |_| "M resign\n".into());
        }
        let Heard { moves, lines } = std::mem::take(&mut *self.shared.heard.lock().unwrap());
        assert_eq!((moves.len(), lines.len()), (expected(load.is_moving), expected(load.is_talking)));
        (moves, lines)
    }

    fn wait_until(&self, due: Duration) {
        thread::sleep(due.saturating_sub(self.shared.clock.elapsed()));
    }

    fn make_move(&self, pair: usize, turn: usize) {
        let state = &self.shared.pairs[pair];
        // At these paces the last one has arrived long ago.
        eventually("the last move has arrived", || state.arrived.load(Ordering::Acquire) == turn);
        state.sent.store(self.shared.now(), Ordering::Release);
        self.say(pair, turn % 2, &format!("M {}\n", self.moves[turn]));
    }
}

fn name(pair: usize, side: usize) -> String {
    format!("{}{pair}", ["a", "b"][side])
}

/// What one connection listens for: replies, what the other of the pair says, and the other's moves.
struct Ear {
    pair: usize,
    side: usize,
    voice: Voice,
    /// Found in the lines in which the other speaks, and moves.
    from_other: String,
    moved_other: String,
    /// The board of a move that the other has made is coming.
    is_board_coming: bool,
}

enum Sound {
    Reply,
    Move,
    /// Said at this time.
    Line(u64),
}

impl Ear {
    fn new(pair: usize, side: usize, voice: Voice) -> Self {
        let other = name(pair, 1 - side);
        let (from_other, moved_other) = match voice {
            Voice::Json => (format!("\"from\":\"{other}\""), format!("\"from\":\"{other}\"")),
            Voice::English => (format!("[{other}]: "), format!("[{other}] played ")),
        };
        Self { pair, side, voice, from_other, moved_other, is_board_coming: false }
    }

    fn hear(&mut self, line: &str) -> Option<Sound> {
        match self.voice {
            Voice::Json => self.hear_json(line),
            Voice::English => self.hear_english(line),
        }
    }

    fn hear_json(&self, line: &str) -> Option<Sound> {
        if line.starts_with("{\"ok\"") {
            return Some(Sound::Reply);
        }
        if line.starts_with("{\"event\":\"move\"") && line.contains(&self.moved_other) {
            return Some(Sound::Move);
        }
        if line.starts_with("{\"event\":\"chat\"") && line.contains(&self.from_other) {
            let (_, text) = line.split_once("\"text\":\"").unwrap();
            return Some(Sound::Line(text.split('"').next().unwrap().parse().unwrap()));
        }
        assert!(!line.starts_with("{\"err\""), "{line}");
        None
    }

    /// A board has arrived with its last line, which tells whose turn it is.
    fn hear_english(&mut self, line: &str) -> Option<Sound> {
        if line.starts_with("    ") {
            let is_arrived = self.is_board_coming && line.contains(" to move");
            self.is_board_coming &= !is_arrived;
            return is_arrived.then_some(Sound::Move);
        }
        if line.starts_with("OK") {
            return Some(Sound::Reply);
        }
        if let Some(text) = line.strip_prefix(&self.from_other) {
            return Some(Sound::Line(text.parse().unwrap()));
        }
        assert!(!line.starts_with("ERR"), "{line}");
        self.is_board_coming |= line.contains(&self.moved_other);
        None
    }
}

struct Listener {
    stream: TcpStream,
    ear: Ear,
    shared: Arc<Shared>,
}

/// Reads everyone on one thread, as cheaply as it goes: the daemon needs the rest of the machine.
fn listen(listeners: Vec<Listener>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        for listener in listeners {
            tokio::spawn(listener.run());
        }
        std::future::pending::<()>().await;
    });
}

impl Listener {
    async fn run(mut self) {
        self.stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(self.stream.try_clone().unwrap()).unwrap();
        let mut pending = Vec::new();
        loop {
            stream.readable().await.unwrap();
            match stream.try_read_buf(&mut pending) {
                // The daemon's end.
                Ok(0) => return,
                Ok(_) => (),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
                Err(error) => panic!("{error}"),
            }
            let now = self.shared.now();
            let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else { continue };
            for line in std::str::from_utf8(&pending[..end]).unwrap().split('\n') {
                if let Some(sound) = self.ear.hear(line) {
                    self.note(sound, now);
                }
            }
            pending.drain(..=end);
        }
    }

    fn note(&self, sound: Sound, now: u64) {
        let pair = &self.shared.pairs[self.ear.pair];
        let heard = || self.shared.heard.lock().unwrap();
        match sound {
            Sound::Reply => _ = pair.replies[self.ear.side].fetch_add(1, Ordering::AcqRel),
            Sound::Move => {
                heard().moves.push(now - pair.sent.load(Ordering::Acquire));
                pair.arrived.fetch_add(1, Ordering::AcqRel);
            }
            Sound::Line(sent) => heard().lines.push(now - sent),
        }
    }
}
