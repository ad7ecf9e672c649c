//! Files on the move while the talk goes on: each thread uploads one, fetches it, withdraws it, and begins again. They
//! are threads of their own, at the lowest priority, so that what is seen of them in the talk is the daemon's doing.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::connection::READ_BYTES;
use super::failure::Failure;
use super::scene::Scene;
use super::target::Target;
use super::wire::{Entry, request};

const BLOCK_BYTES: usize = 1 << 20;
/// How long to leave a daemon alone that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// Longer than an upload's record takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The threads. Dropping it stops them.
pub(crate) struct Transfers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<(), Failure>>>,
}

#[derive(Default)]
struct Shared {
    up_bytes: AtomicU64,
    down_bytes: AtomicU64,
    files: AtomicU64,
    stop: AtomicBool,
}

/// How far they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moved {
    pub(crate) up_bytes: u64,
    pub(crate) down_bytes: u64,
    pub(crate) files: u64,
}

/// What they moved in a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Rates {
    pub(crate) up_bytes_per_s: f64,
    pub(crate) down_bytes_per_s: f64,
    /// Sent, fetched and withdrawn in the whole run.
    pub(crate) files: u64,
}

impl Transfers {
    /// Starts them; returns once all of them are logged in.
    pub(crate) fn start(scene: &Scene, target: &Target) -> Result<Self, Failure> {
        let shared = Arc::<Shared>::default();
        let mut transfers = Self { shared: Arc::clone(&shared), threads: Vec::new() };
        for number in 0..scene.transfers {
            let name = format!("load-{}-t{number}", scene.run);
            let mut mover = Mover {
                target: target.clone(),
                desk: Desk::open(target, &name)?,
                file_name: format!("{name}.bin"),
                block: noise(number as u64 + 1),
                blocks: scene.transfer_mib,
                shared: Arc::clone(&shared),
            };
            let thread = thread::Builder::new().name("transfer".into());
            transfers.threads.push(thread.spawn(move || mover.run())?);
        }
        Ok(transfers)
    }

    pub(crate) fn moved(&self) -> Moved {
        let [up_bytes, down_bytes, files] =
            [&self.shared.up_bytes, &self.shared.down_bytes, &self.shared.files].map(|number| number.load(Ordering::Relaxed));
        Moved { up_bytes, down_bytes, files }
    }

    /// Stops them, each once its file is through, and tells how far they came, or what the first of them has to complain of.
    pub(crate) fn finish(mut self) -> Result<Moved, Failure> {
        self.stop().map(|()| self.moved())
    }

    fn stop(&mut self) -> Result<(), Failure> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let ends: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        ends.into_iter().try_for_each(|end| end.unwrap_or_else(|_| Err(Failure::Generator("a transfer panicked".into()))))
    }
}

impl Drop for Transfers {
    fn drop(&mut self) {
        // Whoever did not ask how it ended has a worse failure to tell.
        let _ = self.stop();
    }
}

struct Mover {
    target: Target,
    desk: Desk,
    file_name: String,
    block: Vec<u8>,
    blocks: u64,
    shared: Arc<Shared>,
}

impl Mover {
    fn run(&mut self) -> Result<(), Failure> {
        let shared = Arc::clone(&self.shared);
        // Of this thread alone; if it is not allowed, all are the same.
        let _ = rustix::process::nice(19);
        // Stopped between two files only, so that nothing stays behind.
        for number in (0_u64..).take_while(|_| !shared.stop.load(Ordering::Relaxed)) {
            // No file is like another: the daemon keeps equal ones once.
            self.block[..8].copy_from_slice(&number.to_le_bytes());
            self.upload()?;
            self.download()?;
            self.desk.ask("X", &self.file_name)?;
            self.shared.files.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn upload(&mut self) -> Result<(), Failure> {
        let size_bytes = self.blocks * BLOCK_BYTES as u64;
        loop {
            let ticket = self.desk.ticket("F", &self.file_name)?;
            let mut stream = self.open(&format!("T {ticket} {size_bytes}\n"))?;
            for _ in 0..self.blocks {
                // Whoever refuses closes; what it says is read below.
                if stream.write_all(&self.block).is_err() {
                    break;
                }
                self.shared.up_bytes.fetch_add(BLOCK_BYTES as u64, Ordering::Relaxed);
            }
            let mut reply = Vec::new();
            stream.read_to_end(&mut reply)?;
            match &reply[..] {
                reply if reply.starts_with(b"OK ") => return Ok(()),
                reply if reply.starts_with(b"ERR busy") => thread::sleep(BUSY_PAUSE),
                reply => return Err(Failure::Lost(format!("an upload: {}", String::from_utf8_lossy(reply)))),
            }
        }
    }

    fn download(&mut self) -> Result<(), Failure> {
        let size_bytes = self.blocks * BLOCK_BYTES as u64;
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let ticket = self.desk.ticket("L", &self.file_name)?;
            let mut stream = self.open(&format!("T {ticket}\n"))?;
            let mut came = 0;
            loop {
                let count = match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count as u64,
                    Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                    Err(error) => return Err(Failure::Lost(format!("a download: {error}"))),
                };
                came += count;
                self.shared.down_bytes.fetch_add(count, Ordering::Relaxed);
            }
            if came == size_bytes {
                return Ok(());
            } else if !buffer.starts_with(b"ERR busy") {
                return Err(Failure::Lost(format!("a download ended after {came} bytes of {size_bytes}")));
            }
            thread::sleep(BUSY_PAUSE);
        }
    }

    fn open(&self, line: &str) -> Result<TcpStream, Failure> {
        let mut stream = self.target.connect_and_wait()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(line.as_bytes())?;
        Ok(stream)
    }
}

/// A session that asks for tickets and hears nothing.
struct Desk {
    stream: BufReader<TcpStream>,
    name: String,
}

impl Desk {
    fn open(target: &Target, name: &str) -> Result<Self, Failure> {
        let stream = target.connect_and_wait()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut desk = Self { stream: BufReader::new(stream), name: name.to_owned() };
        desk.say(&Entry::Aside.greeting(name))?;
        desk.granted()?;
        desk.granted()?;
        loop {
            desk.say(&Entry::Aside.password(name))?;
            let reply = desk.reply()?;
            match reply["err"].as_str() {
                None => return Ok(desk),
                Some("busy") => thread::sleep(BUSY_PAUSE),
                Some(_) => return Err(desk.refused(&reply)),
            }
        }
    }

    fn ticket(&mut self, letter: &str, file_name: &str) -> Result<String, Failure> {
        let reply = self.ask(letter, file_name)?;
        reply["ticket"].as_str().map(str::to_owned).ok_or_else(|| self.refused(&reply))
    }

    fn ask(&mut self, letter: &str, file_name: &str) -> Result<Value, Failure> {
        self.say(&request(&json!({"do": letter, "file_name": file_name})))?;
        self.granted()
    }

    fn say(&mut self, lines: &str) -> Result<(), Failure> {
        self.stream.get_mut().write_all(lines.as_bytes()).map_err(|error| self.lost(&error.to_string()))
    }

    fn granted(&mut self) -> Result<Value, Failure> {
        let reply = self.reply()?;
        if reply["ok"].is_string() { Ok(reply) } else { Err(self.refused(&reply)) }
    }

    /// Outside the room there is nothing but replies.
    fn reply(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => Err(self.lost("the daemon closed it")),
            Ok(_) => serde_json::from_str(&line).map_err(|_| self.lost(&format!("{line:?} is no reply"))),
            Err(error) => Err(self.lost(&error.to_string())),
        }
    }

    fn lost(&self, why: &str) -> Failure {
        Failure::Lost(format!("{}: {why}", self.name))
    }

    fn refused(&self, reply: &Value) -> Failure {
        Failure::Lost(format!("{} was refused what it needs: {reply}", self.name))
    }
}

/// Bytes of every value, different ones for each seed.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..BLOCK_BYTES / 8).flat_map(|_| word()).collect()
}
