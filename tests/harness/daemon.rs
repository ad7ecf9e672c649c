//! A running daemon with a directory and a port of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use super::PATIENCE;

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

    /// `parlord --announce` on this daemon's directory.
    pub fn announce(&self, text: &str) -> Output {
        parlord(&self.data()).args(["--announce", text]).output().unwrap()
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
