//! What the tests stand on: a daemon of their own (real binary, own directory, own port) and clients
//! that speak lines over TCP. Nothing here sleeps: every wait is for a line, an end of input or an
//! exit, with a deadline after which the test fails and says what it had seen.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes on the slowest machine; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const PASSWORD: &str = "correct-horse";

/// A running daemon. Dropping it kills it and removes its directory.
pub struct Daemon {
    child: Child,
    pub address: SocketAddr,
    directory: tempfile::TempDir,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Daemon {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts with more flags than the tests' usual ones.
    pub fn start_with(flags: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), flags, &[])
    }

    /// Starts with environment variables, such as `TZ` or `PARLOR_LOG`.
    pub fn start_with_variables(variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &[], variables)
    }

    pub fn start_in(directory: tempfile::TempDir, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let variables: Vec<_> = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (child, address) = launch(&directory.path().join("data"), &flags, &variables);
        Self { child, address, directory, flags, variables }
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// `kill -9`, and no wait for anything but the death.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the exit.
    pub fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// SIGTERM, and the exit that follows.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Starts again on the same directory, with the same flags.
    pub fn restart(&mut self) {
        (self.child, self.address) = launch(&self.data(), &self.flags, &self.variables);
    }

    /// The database, read beside the daemon or after it.
    pub fn database(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.data().join("parlor.db")).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        database
    }

    /// What the daemon wrote to standard error, once it has exited.
    pub fn log(&mut self) -> String {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of the daemon's binary, cheap to hash with and free of the caller's environment.
pub fn parlord(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlord"));
    // As variables, so that a test can still give them as flags.
    command.env("PARLOR_LISTEN", "127.0.0.1:0").env("PARLOR_BCRYPT_COST", "4");
    command.env_remove("PARLOR_LOG").env("TZ", "UTC");
    command.arg("--data").arg(data);
    command
}

fn launch(data: &Path, flags: &[String], variables: &[(String, String)]) -> (Child, SocketAddr) {
    let mut command = parlord(data);
    command.args(flags).envs(variables.iter().cloned());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let Some(address) = line.trim().strip_prefix("listening on ") else {
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        panic!("the daemon did not start: {line:?} {log}");
    };
    (child, address.parse().unwrap())
}

/// Waits for a child's exit.
pub fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "it does not exit");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One connection, line by line.
pub struct Client {
    reader: BufReader<TcpStream>,
    /// Everything received, for the message of a test that fails.
    seen: Vec<String>,
}

impl Client {
    pub fn connect(daemon: &Daemon) -> Self {
        Self::over(TcpStream::connect(daemon.address).unwrap())
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { reader: BufReader::new(stream), seen: Vec::new() }
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
        self.reader.get_mut().shutdown(Shutdown::Write).unwrap();
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

    /// Passes over lines until one begins like this.
    pub fn skip_to(&mut self, start: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(start) {
                return line;
            }
        }
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.raw_line()).map(|line| line.trim_end().to_owned()).collect()
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

    /// A second handle on the socket, to write from another thread or to reset the connection.
    pub fn stream(&self) -> TcpStream {
        self.reader.get_ref().try_clone().unwrap()
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
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<usize>,
}

impl Talker {
    /// `word(n)` is the n-th thing said, counted from 0.
    pub fn start(mut client: Client, word: impl Fn(usize) -> String + Send + 'static) -> Self {
        const AT_ONCE: usize = 8;
        let stop = std::sync::Arc::<std::sync::atomic::AtomicBool>::default();
        let stopped = std::sync::Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut said = 0;
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
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
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

impl Daemon {
    /// `parlord --announce` on this daemon's directory.
    pub fn announce(&self, text: &str) -> std::process::Output {
        parlord(&self.data()).args(["--announce", text]).output().unwrap()
    }
}

impl Client {
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
}

/// Whether a line answers `K`.
pub fn is_heartbeat(line: &str) -> bool {
    line == "OK" || line == "{\"ok\":\"K\"}"
}

/// Looks again until it holds, for what no line tells: a row, a descriptor, a memory figure.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Client {
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
}
