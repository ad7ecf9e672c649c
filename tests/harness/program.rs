//! The examples as programs, without a terminal: input, output and standard error are pipes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use super::{Daemon, PASSWORD, PATIENCE, wait};

/// Cargo builds the examples beside the tests, but names no variable for them.
pub fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "not built: `cargo test` builds the examples, `cargo test --test promises` alone does not");
    path
}

/// The bundled client, free of the caller's environment and terminal, for a daemon.
pub fn client(daemon: &Daemon, arguments: &[&str]) -> Command {
    client_at(&daemon.address.to_string(), arguments)
}

/// The same for any address.
pub fn client_at(address: &str, arguments: &[&str]) -> Command {
    // In a session of its own there is no terminal that it could ask for a password.
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(example("client")).arg(address).args(arguments);
    ["ADDRESS", "CA", "PASSWORD", "TLS", "USER"].iter().for_each(|name| _ = command.env_remove(format!("PARLOR_{name}")));
    command.env("TZ", "UTC");
    command
}

/// The same, as somebody with the tests' password, registered if need be.
pub fn client_as(daemon: &Daemon, name: &str, arguments: &[&str]) -> Command {
    let mut command = client(daemon, &["--user", name, "--register"]);
    command.args(arguments).env("PARLOR_PASSWORD", PASSWORD);
    command
}

/// A program that runs. Dropping it kills it.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    errors: Receiver<String>,
    readers: Vec<JoinHandle<()>>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    /// The lines of its output that had not been taken.
    pub out: Vec<String>,
    /// The lines of standard error that had not been taken.
    pub err: Vec<String>,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap_or_else(|error| panic!("{error}: {command:?}"));
        let (output, out) = lines_of(child.stdout.take().unwrap());
        let (errors, err) = lines_of(child.stderr.take().unwrap());
        Self { input: child.stdin.take(), child, output, errors, readers: vec![out, err] }
    }

    /// Runs a command to its end, with this input.
    pub fn run(command: &mut Command, input: impl AsRef<[u8]>) -> Ended {
        let mut program = Self::start(command);
        // It need not read what it does not want.
        let _ = program.input.as_ref().unwrap().write_all(input.as_ref());
        program.end_input();
        program.end()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line.
    pub fn send(&mut self, line: &str) {
        writeln!(self.input.as_ref().unwrap(), "{line}").unwrap();
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// The next line of its output.
    #[track_caller]
    pub fn line(&mut self) -> String {
        self.output.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// The next line of its standard error.
    #[track_caller]
    pub fn error_line(&mut self) -> String {
        self.errors.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// Waits for its end, while its input stays as it is.
    pub fn end(mut self) -> Ended {
        let code = wait(&mut self.child).code();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        Ended { code, out: self.output.try_iter().collect(), err: self.errors.try_iter().collect() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, as they come. A last one without its end shows that by a mark.
fn lines_of(pipe: impl Read + Send + 'static) -> (Receiver<String>, JoinHandle<()>) {
    let (sender, lines) = channel();
    let reader = thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            if pipe.read_until(b'\n', &mut line).unwrap() == 0 {
                return;
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.strip_suffix('\n').map_or_else(|| format!("{line}<no end>"), str::to_owned);
            // The test may have seen enough.
            let _ = sender.send(line);
        }
    });
    (lines, reader)
}
