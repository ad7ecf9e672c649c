//! A bad network between a client and a daemon: it splits what passes as it likes, holds it up, and cuts
//! connections in the middle of a line.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::Dice;

/// Passes connections on to a daemon. The threads end with the connections.
pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    /// Bytes after which a connection is cut, at random between these.
    cut_after: Range<u64>,
    target: Mutex<SocketAddr>,
    cuts: AtomicUsize,
}

impl Proxy {
    /// Every connection is cut after some number of bytes within a range.
    pub fn start(target: SocketAddr, cut_after: Range<u64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { cut_after, target: Mutex::new(target), cuts: AtomicUsize::new(0) });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for (number, client) in (1_u64..).zip(listener.incoming()) {
                let Ok(client) = client else { return };
                shared.pass(client, number);
            }
        });
        Self { address, state }
    }

    /// Leads connections to another daemon from now on; those that are passed on are not touched.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.state.target.lock().unwrap() = target;
    }

    /// How many connections have been cut.
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::Relaxed)
    }
}

impl State {
    fn pass(self: &Arc<Self>, client: TcpStream, number: u64) {
        let Ok(server) = TcpStream::connect(*self.target.lock().unwrap()) else { return };
        let mut dice = Dice(number);
        let Range { start, end } = self.cut_after;
        let allowed = start + dice.below(end - start);
        let passed = Arc::new(AtomicU64::new(0));
        for (from, to, seed) in [(&client, &server, 1), (&server, &client, 2)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            // Each piece on its own, and none waits for the one before to be acknowledged.
            let _ = to.set_nodelay(true);
            let (state, passed) = (Arc::clone(self), Arc::clone(&passed));
            thread::spawn(move || {
                let mut dice = Dice(number * 2 + seed);
                let is_cut = pump(&from, &to, &mut dice, |count| passed.fetch_add(count, Ordering::Relaxed) + count > allowed);
                if is_cut {
                    state.cuts.fetch_add(1, Ordering::Relaxed);
                }
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }
}

/// Passes bytes in pieces of any size, sometimes a moment late; true if it ended because enough had passed.
fn pump(mut from: &TcpStream, mut to: &TcpStream, dice: &mut Dice, is_enough: impl Fn(u64) -> bool) -> bool {
    let mut buffer = [0; 4096];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer) else { return false };
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + dice.below(rest.len() as u64) as usize);
            if is_enough(piece.len() as u64) {
                // A part of it still arrives.
                let _ = to.write_all(&piece[..piece.len() / 2]);
                return true;
            }
            if dice.below(50) == 0 {
                thread::sleep(Duration::from_millis(1));
            }
            if to.write_all(piece).is_err() {
                return false;
            }
            rest = after;
        }
    }
}
