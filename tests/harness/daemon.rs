//! A running daemon with a directory and a port of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use super::{Identity, PATIENCE, TlsPort, Wire};

/// A running daemon. Dropping it kills it and removes its directory.
pub struct Daemon {
    child: Child,
    /// Where no TLS is spoken.
    pub address: SocketAddr,
    /// Where TLS is, which clients then speak.
    pub tls: Option<TlsPort>,
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

    /// Starts with a listener for TLS too, which clients use.
    pub fn start_with_tls(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let identity = Identity::write(directory.path());
        Self::start_as(identity, directory, flags)
    }

    /// The same with a certificate of the caller's.
    pub fn start_as(identity: Identity, directory: impl AsRef<Path> + Send + Sync + 'static, flags: &[&str]) -> Self {
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let launched = Self::launch(Box::new(directory), &[], flags, Vec::new(), Some(identity));
        launched.unwrap_or_else(|error| panic!("{error}"))
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
        // The same promises, all clients over TLS.
        let identity = std::env::var_os("PARLOR_TEST_TLS").map(|_| Identity::write(directory.as_ref()));
        Self::launch(Box::new(directory), under, flags, variables, identity)
    }

    fn launch(
        directory: Box<dyn AsRef<Path> + Send + Sync>,
        under: &[&str],
        mut flags: Vec<String>,
        variables: Vec<(String, String)>,
        identity: Option<Identity>,
    ) -> Result<Self, String> {
        flags.extend(identity.iter().flat_map(Identity::flags));
        let data = (*directory).as_ref().join("data");
        let (child, address, tls_address) = launch(&data, under, &flags, &variables, identity.is_some())?;
        let tls = tls_address.zip(identity).map(|(address, identity)| TlsPort { address, identity });
        Ok(Self { child, address, tls, directory, flags, variables })
    }

    /// Where clients connect to.
    pub fn entrance(&self) -> SocketAddr {
        self.tls.as_ref().map_or(self.address, |tls| tls.address)
    }

    /// What a client speaks over a connection there.
    pub fn wire(&self, socket: TcpStream) -> Wire {
        match &self.tls {
            None => Wire::Plain(socket),
            Some(tls) => tls.over(socket),
        }
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        (*self.directory).as_ref().join("data")
    }

    pub fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// The most memory that it has had.
    pub fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Processor time used so far, in hundredths of a second.
    pub fn processor_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // After the program's name, which stands in parentheses, utime and stime are the 12th and 13th.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
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
        let launched = launch(&self.data(), &[], &self.flags, &self.variables, self.tls.is_some());
        let tls_address;
        (self.child, self.address, tls_address) = launched.unwrap_or_else(|error| panic!("{error}"));
        self.tls.iter_mut().zip(tls_address).for_each(|(tls, address)| tls.address = address);
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
    has_tls: bool,
) -> Result<(Child, SocketAddr, Option<SocketAddr>), String> {
    let mut command = parlord(data);
    command.args(flags).envs(variables.iter().cloned());
    if let [program, arguments @ ..] = under {
        command = run_by(program, arguments, &command);
    }
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{error}: {command:?}"));
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut next_address = |how: &str| {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").and_then(|rest| rest.strip_suffix(how)?.parse().ok());
        address.ok_or(line)
    };
    let ready = next_address("").and_then(|plain| Ok((plain, has_tls.then(|| next_address(" with TLS")).transpose()?)));
    match ready {
        Ok((address, tls_address)) => Ok((child, address, tls_address)),
        Err(line) => {
            let mut log = String::new();
            child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
            wait(&mut child);
            Err(format!("the daemon did not start: {line:?} {log}"))
        }
    }
}

/// The same command as the last arguments of another program.
pub(super) fn run_by(program: &str, arguments: &[&str], command: &Command) -> Command {
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
