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
    directory: Box<dyn AsRef<Path> + Send + Sync>,
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

    /// Starts in a directory, or whatever else has a path and cleans up when it is dropped.
    pub fn start_in(directory: impl AsRef<Path> + Send + Sync + 'static, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::try_start_in(directory, &[], flags, variables).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts as the child of another program, such as `strace`, where one is given; or says why it does not start.
    pub fn try_start_in(
        directory: impl AsRef<Path> + Send + Sync + 'static,
        under: &[&str],
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self, String> {
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let variables: Vec<_> = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (child, address) = launch(&directory.as_ref().join("data"), under, &flags, &variables)?;
        Ok(Self { child, address, directory: Box::new(directory), flags, variables })
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        (*self.directory).as_ref().join("data")
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
        let launched = launch(&self.data(), &[], &self.flags, &self.variables);
        (self.child, self.address) = launched.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The database, read beside the daemon or after it.
    pub fn database(&self) -> rusqlite::Connection {
        let database = rusqlite::Connection::open(self.data().join("parlor.db")).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        database
    }

    /// Fails if the database is damaged.
    #[track_caller]
    pub fn assert_intact(&self) {
        let verdict: String = self.database().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
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
    // How full the disk of whoever runs the tests is has nothing to do with them.
    command.env("PARLOR_DISK_RESERVE_MIB", "16");
    command.env_remove("PARLOR_LOG").env("TZ", "UTC");
    command.arg("--data").arg(data);
    command
}

fn launch(
    data: &Path,
    under: &[&str],
    flags: &[String],
    variables: &[(String, String)],
) -> Result<(Child, SocketAddr), String> {
    let mut command = parlord(data);
    command.args(flags).envs(variables.iter().cloned());
    if let [program, arguments @ ..] = under {
        command = run_by(program, arguments, &command);
    }
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{error}: {command:?}"));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let Some(address) = line.trim().strip_prefix("listening on ") else {
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        wait(&mut child);
        return Err(format!("the daemon did not start: {line:?} {log}"));
    };
    Ok((child, address.parse().unwrap()))
}

/// The same command as the last arguments of another program.
fn run_by(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(arguments).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
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
