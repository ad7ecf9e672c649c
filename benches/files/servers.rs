//! The programs that Parlor is measured beside, and what a process uses.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::harness::eventually;

/// Whether a program is there; says what to install if it is not.
pub fn found(program: &str, package: &str) -> bool {
    let found = Command::new(program).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("left out: no {program}; on Debian: apt install {package}");
    }
    found
}

/// A program that must succeed.
#[track_caller]
pub fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}: {status}");
}

/// A port that was free a moment ago.
pub fn free_port(host: &str) -> SocketAddr {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}

/// nginx with one worker, serving a directory.
pub struct Nginx {
    master: Child,
    pub address: SocketAddr,
}

impl Nginx {
    /// The whole file in one sendfile, and the header in its first packet; no other settings were faster
    /// here.
    pub fn start(host: &str, root: &Path) -> Self {
        let address = free_port(host);
        let root = root.to_str().unwrap();
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {root}/nginx-{kind};"))
            .concat();
        let settings = format!(
            "{user} worker_processes 1; daemon off; pid {root}/nginx.pid; error_log stderr; events {{}}
            http {{ access_log off; sendfile on; sendfile_max_chunk 0; tcp_nopush on; {temporary}
            server {{ listen {address}; root {root}; }} }}"
        );
        let file = format!("{root}/nginx.conf");
        std::fs::write(&file, settings).unwrap();
        let master = Command::new("nginx").args(["-e", "stderr", "-c", &file]).spawn().unwrap();
        eventually("nginx listens", || TcpStream::connect(address).is_ok());
        Self { master, address }
    }

    /// The process that does the work.
    pub fn worker(&self) -> i32 {
        let master = self.master.id();
        let children = std::fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap();
        children.trim().parse().unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not SIGKILL: the worker would stay.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.master), rustix::process::Signal::TERM);
        let _ = self.master.wait();
    }
}

/// socat, writing what one connection sends to a file.
pub struct Socat {
    process: Child,
    pub address: SocketAddr,
}

impl Socat {
    pub fn start(file: &str) -> Self {
        let address = free_port("127.0.0.1");
        let listen = format!("TCP-LISTEN:{},bind=127.0.0.1,reuseaddr", address.port());
        let open = format!("OPEN:{file},creat,trunc");
        let process = Command::new("socat").args(["-u", "-b", "262144", &listen, &open]).spawn().unwrap();
        // It takes one connection only, so a trial one would be the last.
        eventually("socat listens", || is_listening(address.port()));
        Self { process, address }
    }

    /// Waits until it has written everything.
    pub fn wait(mut self) {
        assert!(self.process.wait().unwrap().success());
    }
}

/// Whether some socket listens on the port, without connecting to it.
fn is_listening(port: u16) -> bool {
    const LISTEN: &str = "0A";
    let local = format!(":{port:04X}");
    std::fs::read_to_string("/proc/net/tcp").unwrap().lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|address| address.ends_with(&local)) && words.nth(1) == Some(LISTEN)
    })
}

/// Seconds that a process has computed.
pub fn cpu_seconds(pid: i32) -> f64 {
    ticks(&format!("/proc/{pid}/stat"), 0) as f64 / TICKS_A_SECOND
}

/// Seconds that the processes have computed which this one started and waited for.
pub fn cpu_seconds_of_children() -> f64 {
    ticks("/proc/self/stat", 2) as f64 / TICKS_A_SECOND
}

const TICKS_A_SECOND: f64 = 100.0;

/// User and system time: `skip` 0 for a process's own (fields 14 and 15), 2 for its children's.
fn ticks(stat: &str, skip: usize) -> u64 {
    let stat = std::fs::read_to_string(stat).unwrap();
    // The second field, a name in brackets, may hold blanks.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11 + skip).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

/// A process's resident memory, in bytes.
pub fn resident_bytes(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
