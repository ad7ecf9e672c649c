//! Both sides of a transfer as a client does them: tickets, bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Client, Daemon, PASSWORD};

pub const MIB: u64 = 1 << 20;
pub const GIB: u64 = 1 << 30;

/// What clients of every server read into.
pub const READ_BYTES: usize = 256 << 10;

/// Limits that nothing here should run into.
pub const FLAGS: &[&str] = &["--log", "warn", "--max-transfers", "64", "--max-account-transfers", "64"];

/// A file's bytes: one MiB of noise, again and again.
pub struct Content {
    block: Vec<u8>,
    pub size: u64,
}

impl Content {
    pub fn new(seed: u64, mib: u64) -> Self {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        let mut word = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        Self { block: (0..MIB / 8).flat_map(|_| word()).collect(), size: mib * MIB }
    }

    pub fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.size / MIB).map(|_| self.block.as_slice())
    }

    pub fn sha256(&self) -> String {
        let hash = self.blocks().fold(Sha256::new(), |hash, block| hash.chain_update(block)).finalize();
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Sends all of it.
    pub fn send(&self, stream: &mut TcpStream) {
        self.blocks().for_each(|block| stream.write_all(block).unwrap());
    }
}

/// A session that asks for tickets and hears nothing.
pub struct Desk {
    client: Client,
    pub address: SocketAddr,
}

impl Desk {
    pub fn open(address: SocketAddr) -> Self {
        let mut client = Client::over(TcpStream::connect(address).unwrap());
        client.ask("V json");
        let mut desk = Self { client, address };
        desk.ask(&json!({"do": "U", "name": "files"}));
        desk.ask(&json!({"do": "P", "name": "files", "password": PASSWORD, "enter": false}));
        desk
    }

    fn ask(&mut self, request: &Value) -> Value {
        let reply = self.client.ask(&request.to_string());
        assert!(reply.starts_with("{\"ok\""), "{request}: {reply}");
        serde_json::from_str(&reply).unwrap()
    }

    /// A ticket: `F` for an upload, `L` for a download.
    pub fn ticket(&mut self, letter: &str, file_name: &str) -> String {
        self.ask(&json!({"do": letter, "file_name": file_name}))["ticket"].as_str().unwrap().to_owned()
    }

    pub fn withdraw(&mut self, file_name: &str) {
        self.ask(&json!({"do": "X", "file_name": file_name}));
    }

    /// Shares a file, durable when this returns.
    pub fn share(&mut self, file_name: &str, content: &Content) {
        let ticket = self.ticket("F", file_name);
        let mut stream = begin_upload(self.address, &ticket, content.size, "");
        content.send(&mut stream);
        finish_upload(stream);
    }
}

/// Connects and sends the line before the bytes.
pub fn begin_upload(address: SocketAddr, ticket: &str, size: u64, sha256: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("T {ticket} {size} {sha256}").trim_end().as_bytes()).unwrap();
    stream.write_all(b"\n").unwrap();
    stream
}

/// Waits for the word that it is durable.
pub fn finish_upload(mut stream: TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("OK "), "{reply}");
}

/// Reads up to the end; `came` is told of every piece.
pub fn drain(stream: &mut TcpStream, mut came: impl FnMut(&[u8])) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => came(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A daemon that shares one file, `large`, of a GiB.
pub fn daemon_with_large_file(more_flags: &[&str]) -> (Daemon, Desk) {
    let daemon = Daemon::start_with(&[FLAGS, more_flags].concat());
    let mut desk = Desk::open(daemon.address);
    desk.share("large", &Content::new(1, 1024));
    (daemon, desk)
}
