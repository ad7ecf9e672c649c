//! Download of one GiB, beside nginx: the same file on disk, the same reader.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;

use crate::rates::Series;
use crate::report::{ROUNDS, Row};
use crate::servers::{self, Nginx, found, run};
use crate::transfer::{GIB, daemon_with_large_file, drain};

/// Downloads of each in a round. Single ones scatter so much over loopback that nginx beside itself would
/// miss the goal now and then; eight in turns scatter by a twentieth.
const TURNS: u32 = 8;

/// The reader, a process of its own so that it can be in another network: sends the request, prints
/// how many nanoseconds it took from connecting to the end, and how many bytes came.
pub fn fetch(address: &str, request: &str) {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut in_header = request.starts_with("GET ");
    let mut bytes = 0;
    drain(&mut stream, |piece| {
        bytes += piece.len();
        if std::mem::take(&mut in_header) {
            let header = piece.windows(4).position(|four| four == b"\r\n\r\n").expect("a header in the first piece");
            bytes -= header + 4;
        }
    });
    println!("{} {bytes}", begin.elapsed().as_nanos());
}

/// Runs the reader; `prefix` is a command to run it under. Returns the seconds that it took.
fn fetch_from(prefix: &[&str], address: SocketAddr, request: &str) -> f64 {
    let this = std::env::current_exe().unwrap();
    let mut words = prefix.to_vec();
    words.push(this.to_str().unwrap());
    let output = Command::new(words[0]).args(&words[1..]).args(["fetch", &address.to_string(), request]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (nanoseconds, bytes) =
        said.trim().split_once(' ').unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(bytes.parse(), Ok(GIB), "the whole file, and nothing but the file");
    nanoseconds.parse::<f64>().unwrap() / 1e9
}

pub fn over_loopback() -> Option<Row> {
    measure("download of 1 GiB over loopback", "127.0.0.1", &[])
}

/// Over a pair of virtual network cards, the reader in a network namespace of its own.
pub fn over_veth() -> Option<Row> {
    let pair = VethPair::make();
    measure("download of 1 GiB over a veth pair", VethPair::NEAR, &pair.prefix())
}

fn measure(what: &'static str, host: &str, prefix: &[&str]) -> Option<Row> {
    if !found("nginx", "nginx-light") {
        return None;
    }
    let (daemon, mut desk) = daemon_with_large_file(&["--listen", &format!("{host}:0")]);
    let root = tempfile::tempdir().unwrap();
    let blob = std::fs::read_dir(daemon.data().join("files")).unwrap().next().unwrap().unwrap().path();
    // A second name for Parlor's own file: the same pages in the cache, laid out in the same way.
    std::fs::hard_link(blob, root.path().join("large")).unwrap();
    let nginx = Nginx::start(host, root.path());
    let worker = nginx.worker();
    rustix::fs::sync();
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    for round in 0..=ROUNDS {
        let (mut our_part, mut their_part) = ((0.0, 0.0), (0.0, 0.0));
        for turn in 0..TURNS {
            let mut parlor = || {
                let ticket = desk.ticket("L", "large");
                timed(daemon.pid(), &mut our_part, || fetch_from(prefix, daemon.address, &format!("T {ticket}\n")));
            };
            let mut other = || {
                timed(worker, &mut their_part, || fetch_from(prefix, nginx.address, "GET /large HTTP/1.0\r\n\r\n"));
            };
            // Who comes second might find the machine in another state.
            if turn % 2 == 0 {
                parlor();
                other();
            } else {
                other();
                parlor();
            }
        }
        // The first round warms the cache and is not counted.
        if round > 0 {
            ours.add(our_part);
            theirs.add(their_part);
        }
    }
    Some(Row::of_rates(what, "nginx, sendfile", &ours, &theirs, 0.95))
}

/// Adds a transfer's share of a round: its seconds and the server's CPU seconds, for each GiB.
fn timed(server: i32, (seconds, cpu_seconds): &mut (f64, f64), transfer: impl FnOnce() -> f64) {
    let before = servers::cpu_seconds(server);
    *seconds += transfer() / f64::from(TURNS);
    *cpu_seconds += (servers::cpu_seconds(server) - before) / f64::from(TURNS);
}

/// Two virtual network cards: one here, one in a namespace of its own. Dropping it removes both.
struct VethPair;

impl VethPair {
    const NAMESPACE: &str = "parlor-bench";
    const NEAR: &str = "10.231.77.1";

    fn make() -> Self {
        run("ip", &["netns", "add", Self::NAMESPACE]);
        let pair = Self;
        let near = format!("{}/30", Self::NEAR);
        run("ip", &["link", "add", "parlor-near", "type", "veth", "peer", "name", "parlor-far", "netns", Self::NAMESPACE]);
        run("ip", &["addr", "add", &near, "dev", "parlor-near"]);
        run("ip", &["link", "set", "parlor-near", "up"]);
        run("ip", &["-n", Self::NAMESPACE, "addr", "add", "10.231.77.2/30", "dev", "parlor-far"]);
        run("ip", &["-n", Self::NAMESPACE, "link", "set", "parlor-far", "up"]);
        pair
    }

    /// Runs a command on the far side.
    fn prefix(&self) -> [&'static str; 4] {
        ["ip", "netns", "exec", Self::NAMESPACE]
    }
}

impl Drop for VethPair {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", Self::NAMESPACE]).status();
    }
}
