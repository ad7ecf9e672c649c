//! A way to a daemon that stays where it is while the daemon goes and comes back elsewhere, and that can hold
//! the bytes of files back until a test has seen what it wanted to see.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use socket2::{Domain, Socket, Type};

/// Passes connections on. The threads end with the connections.
pub struct Relay {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    gate: Mutex<Gate>,
    changed: Condvar,
}

struct Gate {
    target: SocketAddr,
    /// How many bytes of a file pass in either direction.
    file_bytes: u64,
    /// Of all that are open.
    streams: Vec<TcpStream>,
}

impl Relay {
    pub fn start(target: SocketAddr) -> Self {
        // Small, so that what is held back here is not on its way through the kernel instead.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(64 << 10).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        socket.listen(64).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let gate = Gate { target, file_bytes: u64::MAX, streams: Vec::new() };
        let state = Arc::new(State { gate: Mutex::new(gate), changed: Condvar::new() });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                shared.pass(client);
            }
        });
        Self { address, state }
    }

    /// Where connections go from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        self.state.gate.lock().unwrap().target = target;
    }

    /// Cuts what is open, in both directions.
    pub fn cut(&self) {
        for stream in self.state.gate.lock().unwrap().streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets so many bytes of each file pass, and no more until this is said again.
    pub fn allow_file_bytes(&self, count: u64) {
        self.state.gate.lock().unwrap().file_bytes = count;
        self.state.changed.notify_all();
    }
}

impl State {
    fn pass(self: &Arc<Self>, client: TcpStream) {
        let target = self.gate.lock().unwrap().target;
        let Ok(server) = TcpStream::connect(target) else { return };
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        self.gate.lock().unwrap().streams.extend([clone(&client), clone(&server)]);
        let (state, mut from, mut to) = (Arc::clone(self), clone(&client), clone(&server));
        thread::spawn(move || {
            // A file's connection says so with its first letter, and nobody speaks before it.
            let mut first = [0];
            let is_file = matches!(from.peek(&mut first), Ok(1)) && first == *b"T";
            let (back, mut answers, mut listener) = (Arc::clone(&state), clone(&to), clone(&from));
            let returning = thread::spawn(move || back.pump(&mut answers, &mut listener, is_file));
            state.pump(&mut from, &mut to, is_file);
            let _ = returning.join();
        });
    }

    fn pump(&self, from: &mut TcpStream, to: &mut TcpStream, is_file: bool) {
        let (mut buffer, mut passed) = (vec![0; 16 << 10], 0);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            passed += count as u64;
            if is_file {
                drop(self.changed.wait_while(self.gate.lock().unwrap(), |gate| passed > gate.file_bytes).unwrap());
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // The end of one direction is no end of the other.
        let _ = to.shutdown(Shutdown::Write);
    }
}
