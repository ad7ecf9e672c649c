//! A client, line by line, and what lines mean.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::{Daemon, PASSWORD, PATIENCE, Wire};

/// One connection, line by line.
pub struct Client {
    reader: BufReader<Wire>,
    /// Everything received, for the message of a test that fails.
    seen: Vec<String>,
}

impl Client {
    /// With TLS where the daemon was started such that clients speak it.
    pub fn connect(daemon: &Daemon) -> Self {
        Self::over_wire(daemon.wire(TcpStream::connect(daemon.entrance()).unwrap()))
    }

    /// A client whose kernel takes next to nothing for it, so that it is slow as soon as it does not read.
    pub fn connect_slow(daemon: &Daemon) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(8 << 10).unwrap();
        socket.connect(&daemon.entrance().into()).unwrap();
        Self::over_wire(daemon.wire(socket.into()))
    }

    /// A client that comes from another of this machine's addresses, such as `127.0.0.2`.
    pub fn connect_from(daemon: &Daemon, address: &str) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(address.parse().unwrap(), 0).into()).unwrap();
        socket.connect(&daemon.entrance().into()).unwrap();
        Self::over_wire(daemon.wire(socket.into()))
    }

    pub fn over(stream: TcpStream) -> Self {
        Self::over_wire(Wire::Plain(stream))
    }

    pub fn over_wire(wire: Wire) -> Self {
        let socket = wire.socket();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { reader: BufReader::new(wire), seen: Vec::new() }
    }

    /// Registers `name`, or logs it in.
    pub fn enter(daemon: &Daemon, name: &str) -> Self {
        let mut client = Self::connect(daemon);
        client.log_in(name);
        client
    }

    /// Like `enter`, in voice `json`.
    pub fn program(daemon: &Daemon, name: &str) -> Self {
        let mut client = Self::connect(daemon);
        assert!(client.ask("V json").contains("json"));
        client.log_in(name);
        client
    }

    /// `U` and `P`; returns the reply to `P`.
    pub fn log_in(&mut self, name: &str) -> String {
        let known = self.ask(&format!("U {name}"));
        assert!(known.contains("known") || known.contains("new"), "{known}");
        let reply = self.ask(&format!("P {name} {PASSWORD}"));
        assert!(reply.starts_with(&format!("OK {name} ")) || reply.starts_with("{\"ok\":\"P\""), "{reply}");
        reply
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        self.send_raw(format!("{line}\n").as_bytes());
    }

    /// Ends the input, as `nc -N` does.
    pub fn end_input(&mut self) {
        self.reader.get_mut().end_input();
    }

    /// The next line with its line end; `None` at the end.
    pub fn raw_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) => (),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no line in time; seen: {:#?}", self.seen)
            }
            Err(error) => panic!("{error}; seen: {:#?}", self.seen),
        }
        let line = String::from_utf8(line).unwrap();
        self.seen.push(line.clone());
        Some(line)
    }

    /// The next line.
    pub fn line(&mut self) -> String {
        let line = self.raw_line().unwrap_or_else(|| panic!("the connection ended; seen: {:#?}", self.seen));
        line.trim_end_matches(['\r', '\n']).to_owned()
    }

    /// The next line, which must begin like this.
    #[track_caller]
    pub fn expect(&mut self, start: &str) -> String {
        let line = self.line();
        assert!(line.starts_with(start), "expected {start:?}, got {line:?}; seen: {:#?}", self.seen);
        line
    }

    /// Sends a request and returns its reply, passing over events and lists.
    pub fn ask(&mut self, request: &str) -> String {
        self.send(request);
        self.reply()
    }

    /// The next reply, passing over everything else.
    pub fn reply(&mut self) -> String {
        loop {
            let line = self.line();
            if is_reply(&line) {
                return line;
            }
        }
    }

    /// Sends a request and returns all lines up to its reply, events too.
    pub fn lines_of(&mut self, request: &str) -> Vec<String> {
        self.send(request);
        let mut lines = vec![self.line()];
        while lines.last().is_some_and(|line| !is_reply(line)) {
            lines.push(self.line());
        }
        lines
    }

    /// Sends a request whose reply must be the very next line, and the only one: the heartbeat sent
    /// with it is answered right behind.
    #[track_caller]
    pub fn only_reply(&mut self, request: impl AsRef<[u8]>) -> String {
        self.send_raw(&[request.as_ref(), b"\nK\n"].concat());
        let reply = self.line();
        assert!(is_reply(&reply), "{reply:?} is no reply; seen: {:#?}", self.seen);
        let heartbeat = self.line();
        assert!(is_heartbeat(&heartbeat), "{heartbeat:?} follows {reply:?}; seen: {:#?}", self.seen);
        reply
    }

    /// Passes over lines until one begins like this.
    pub fn skip_to(&mut self, start: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(start) {
                return line;
            }
        }
    }

    /// The next whole line, or `None` once the connection is over in whatever way: for a daemon that
    /// is killed, and for a flood of lines, which is not kept for the message of a failing test.
    pub fn line_or_end(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(_) => line.pop_if(|last| *last == b'\n').map(|_| String::from_utf8(line).unwrap()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => panic!("no line in time"),
            Err(_) => None,
        }
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.raw_line()).map(|line| line.trim_end().to_owned()).collect()
    }

    /// Every byte up to the end of the connection, in whatever way it ends.
    pub fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no end in time, after {} bytes", bytes.len())
            }
            _ => bytes,
        }
    }

    /// So many bytes.
    pub fn some_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The next line as an object.
    pub fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Sends a request in voice `json` and returns all lines up to its reply.
    pub fn objects_of(&mut self, request: &str) -> Vec<Value> {
        self.lines_of(request).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A second handle on the socket, to reset the connection, or to write from another thread where no TLS is spoken.
    pub fn stream(&self) -> TcpStream {
        self.reader.get_ref().socket().try_clone().unwrap()
    }

    /// The connection itself, when no line is left unread.
    pub fn into_wire(self) -> Wire {
        self.reader.into_inner()
    }

    pub fn wire(&self) -> &Wire {
        self.reader.get_ref()
    }
}

/// Whether a line is a reply, in any voice.
pub fn is_reply(line: &str) -> bool {
    line == "OK" || ["OK ", "ERR ", "{\"ok\"", "{\"err\""].iter().any(|start| line.starts_with(start))
}

/// The number in an `OK seq`.
pub fn seq_of(reply: &str) -> u64 {
    let seq = reply.strip_prefix("OK ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    seq.unwrap_or_else(|| panic!("not an OK with a number: {reply}"))
}

/// Whether a line answers `K`.
pub fn is_heartbeat(line: &str) -> bool {
    line == "OK" || line == "{\"ok\":\"K\"}"
}

/// Something said, as its line tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// The voice of the line: `en`, `zh` or `json`.
    pub voice: &'static str,
    pub from: String,
    pub text: String,
}

/// What a live line says that somebody said; `None` for every other line.
pub fn chat_of(line: &str) -> Option<Chat> {
    if line.starts_with("{\"event\":\"chat\"") {
        let event: Value = serde_json::from_str(line).unwrap();
        let field = |key: &str| event[key].as_str().unwrap().to_owned();
        return Some(Chat { voice: "json", from: field("from"), text: field("text") });
    }
    let (from, text) = line.strip_prefix('[')?.split_once(']')?;
    let (voice, text) = match text.strip_prefix(": ") {
        Some(text) => ("en", text),
        None => ("zh", text.strip_prefix('：')?),
    };
    Some(Chat { voice, from: from.to_owned(), text: text.to_owned() })
}

/// Says things to the room in batches until told to stop; a talk that never pauses for a listener.
pub struct Talker {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<usize>,
}

impl Talker {
    /// `word(n)` is the n-th thing said, counted from 0.
    pub fn start(mut client: Client, word: impl Fn(usize) -> String + Send + 'static) -> Self {
        const AT_ONCE: usize = 8;
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut said = 0;
            while !stopped.load(Ordering::Relaxed) {
                let lines: String = (said..said + AT_ONCE).map(|n| format!("C - {}\n", word(n))).collect();
                client.send_raw(lines.as_bytes());
                for _ in 0..AT_ONCE {
                    let reply = client.reply();
                    assert!(!reply.contains("ERR") && !reply.contains("err"), "{reply}");
                }
                said += AT_ONCE;
            }
            said
        });
        Self { stop, thread }
    }

    /// Ends the talk; returns how many things were said.
    pub fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
