//! What only root can try: a network that goes away without a word. Run with `cargo test -- --ignored`.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{Client, PASSWORD, eventually, parlord};

const NEEDS_ROOT: &str = "this test needs root and the programs ip and bash";

/// A child that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A network namespace behind a pair of interfaces; dropping it removes both.
struct Far {
    /// Also the name of the interface in it; ours has an `n` behind it.
    name: String,
    /// Our address on the link.
    address: String,
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect(NEEDS_ROOT);
    assert!(output.status.success(), "{NEEDS_ROOT}: ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Far {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // A network of four addresses of its own, among those set aside for trials (RFC 2544).
        let network = (process * 8 + count) % (1 << 15) * 4;
        let host = |number: u32| std::net::Ipv4Addr::from_bits((198 << 24 | 18 << 16) + network + number);
        let far = Self { name: format!("pl{process}-{count}"), address: host(1).to_string() };
        let name = &far.name;
        ip(&format!("netns add {name}"));
        ip(&format!("link add {name}n type veth peer name {name} netns {name}"));
        ip(&format!("address add {}/30 dev {name}n", host(1)));
        ip(&format!("link set {name}n up"));
        ip(&format!("-n {name} address add {}/30 dev {name}", host(2)));
        ip(&format!("-n {name} link set {name} up"));
        far
    }

    /// Logs somebody in from over there, and returns once they are in.
    fn enter(&self, address: SocketAddr, name: &str) -> (Running, BufReader<ChildStdout>) {
        let script = format!(
            "exec 3<>/dev/tcp/{}/{}; printf 'U {name}\\nP {name} {PASSWORD}\\n' >&3; exec cat <&3",
            address.ip(),
            address.port()
        );
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "bash", "-c", &script]).stdout(Stdio::piped());
        let mut child = Running(command.spawn().expect(NEEDS_ROOT));
        let mut lines = BufReader::new(child.0.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with(&format!("OK {name} ")) {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "{name} does not get in");
        }
        (child, lines)
    }

    /// Waits until everything sent to this side is acknowledged.
    fn wait_until_idle(&self, address: SocketAddr) {
        // Addresses stand there in the machine's byte order, ports do not: `0104A8C0:1C03`.
        let SocketAddr::V4(v4) = address else { unreachable!("the link has no other") };
        let ours = format!("{:08X}:{:04X}", u32::from_ne_bytes(v4.ip().octets()), v4.port());
        eventually("everything is acknowledged", || {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let established = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let mut queues =
                established.filter(|fields| fields[1] == ours && fields[3] == "01").map(|fields| fields[4].to_owned());
            queues.next().is_some_and(|queue| queue.starts_with("00000000:"))
        });
    }

    /// Pulls the plug: from here on nothing arrives, and nobody is told.
    fn unplug(&self) {
        ip(&format!("-n {0} link set {0} down", self.name));
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        // The pair goes with the namespace.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
        let _ = Command::new("ip").args(["link", "delete", &format!("{}n", self.name)]).stderr(Stdio::null()).status();
    }
}

/// A daemon listening here and on the link, with somebody in it from either side.
struct Scene {
    near: Client,
    far: Far,
    _parts: (Running, BufReader<ChildStdout>, BufReader<ChildStdout>, Running, tempfile::TempDir),
}

fn scene(flags: &[&str]) -> Scene {
    let far = Far::new();
    let directory = tempfile::tempdir().unwrap();
    let mut command = parlord(&directory.path().join("data"));
    command.args(["--listen", "127.0.0.1:0", "--listen"]).arg(format!("{}:0", far.address));
    command.args(flags).stdout(Stdio::piped());
    let mut daemon = Running(command.spawn().unwrap());
    let mut ready = BufReader::new(daemon.0.stdout.take().unwrap());
    let [here, there] = [(); 2].map(|()| {
        let mut line = String::new();
        ready.read_line(&mut line).unwrap();
        line.trim().strip_prefix("listening on ").expect("the daemon starts").parse::<SocketAddr>().unwrap()
    });
    let mut near = Client::over(TcpStream::connect(here).unwrap());
    near.log_in("near");
    let (child, lines) = far.enter(there, "distant");
    assert_eq!(near.line(), "[distant] entered the room");
    far.wait_until_idle(there);
    Scene { near, far, _parts: (daemon, ready, lines, child, directory) }
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn a_peer_behind_an_unplugged_link_leaves_the_room() {
    let mut scene = scene(&["--keepalive-idle-s", "1", "--keepalive-interval-s", "1"]);
    scene.far.unplug();
    assert_eq!(scene.near.line(), "[distant] left the room");
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn a_peer_behind_an_unplugged_link_leaves_the_room_also_while_it_is_talked_to() {
    // Keepalive probes nothing while sent bytes are unacknowledged: TCP_USER_TIMEOUT has to end this one.
    let mut scene = scene(&["--keepalive-idle-s", "1", "--keepalive-interval-s", "1", "--stall-timeout-s", "3"]);
    scene.far.unplug();
    let since = Instant::now();
    assert!(scene.near.ask("C - is anybody there").starts_with("OK "));
    assert_eq!(scene.near.line(), "[distant] left the room");
    assert!(since.elapsed() < Duration::from_secs(20));
}
