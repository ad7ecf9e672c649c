//! Who shares files, goes on with what was cut, takes files back and fetches those of others.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

use super::member::{Member, answer, is_passing, rest};
use super::{Dice, Shared};
use crate::harness::oracle::{Answer, Deed, Step};
use crate::harness::{Client, noise, sha256};

/// How many files somebody keeps on the shelf; then they take some back.
const KEPT: usize = 4;

struct File {
    name: String,
    whole: Vec<u8>,
    sha256: String,
}

struct Sharer {
    member: Member,
    dice: Dice,
    /// Begun and not known to be there.
    begun: Option<File>,
    shared: Vec<String>,
    /// Asked to be taken back, and not answered.
    withdrawing: Option<String>,
    count: u64,
}

pub(super) fn share(shared: Arc<Shared>, dice: Dice, name: &str) {
    let member = Member::new(shared, name);
    let mut sharer = Sharer { member, dice, begun: None, shared: Vec::new(), withdrawing: None, count: 0 };
    while sharer.member.enter().is_some() {
        while sharer.go_on().is_some() {
            if sharer.member.shared.gate.is_over() && sharer.begun.is_none() && sharer.withdrawing.is_none() {
                return sharer.member.leave();
            }
        }
    }
}

impl Sharer {
    /// One thing; `None`, here as below, once the connection is lost.
    fn go_on(&mut self) -> Option<()> {
        self.member.shared.pause(&mut self.dice);
        if self.shared.len() > KEPT && self.withdrawing.is_none() {
            let place = self.dice.below(self.shared.len() as u64) as usize;
            self.withdrawing = Some(self.shared.swap_remove(place));
        }
        if let Some(name) = self.withdrawing.clone() {
            return self.withdraw(name);
        }
        if self.begun.is_none() && self.dice.below(3) == 0 {
            return self.fetch();
        }
        let file = self.begun.take().unwrap_or_else(|| self.next_file());
        self.begun = Some(file);
        self.share()
    }

    /// Mostly a small one, so that many are about to be finished; some have the bytes of another one.
    fn next_file(&mut self) -> File {
        self.count += 1;
        let bits = 8 + self.dice.below(11);
        let (seed, size) = match self.dice.below(4) {
            0 => (bits, 1 << (bits - 1)),
            _ => (self.dice.below(u64::MAX), self.dice.below(1 << bits) as usize),
        };
        let whole = noise(seed, size);
        File { name: format!("{} {}.bin", self.member.name, self.count), sha256: sha256(&whole), whole }
    }

    /// Offers what was begun, and sends it from where it was cut.
    fn share(&mut self) -> Option<()> {
        let file = self.begun.as_ref()?;
        let name = file.name.clone();
        let deed = Deed::Share { file_name: name.clone(), size_bytes: file.whole.len(), sha256: file.sha256.clone() };
        let sent = self.member.sends(deed);
        let offer = self.member.exchange(&json!({"do": "F", "file_name": name}))?;
        let reply = match offer["err"].as_str() {
            None => send(file, &offer, self.member.address()?)?,
            // It had arrived, and only the answer had not.
            Some("file-exists") if offer["from"] == *self.member.name && offer["uploading"] == false => "OK".to_owned(),
            Some(code) if is_passing(code) || code == "file-exists" => return self.refused(sent, &offer),
            Some(_) => panic!("{name}: {offer}"),
        };
        match reply.split(' ').take(2).collect::<Vec<_>>()[..] {
            ["OK", ..] => {
                self.member.is_answered(sent, Answer::Done);
                self.begun = None;
                self.shared.push(name);
            }
            // Nobody knows yet: the next offer tells.
            ["ERR", "unconfirmed" | "too-slow" | "size-mismatch"] | ["Closing", ..] => (),
            ["ERR", code] if is_passing(code) => rest(&Value::Null),
            _ => panic!("{name}: {reply}"),
        }
        Some(())
    }

    fn refused(&mut self, sent: usize, refusal: &Value) -> Option<()> {
        self.member.is_answered(sent, answer(refusal));
        rest(refusal);
        Some(())
    }

    fn withdraw(&mut self, name: String) -> Option<()> {
        let sent = self.member.sends(Deed::Withdraw { file_name: name.clone() });
        let reply = self.member.exchange(&json!({"do": "X", "file_name": name}))?;
        match reply["err"].as_str() {
            None => (),
            Some("unconfirmed") => (),
            Some(code) if is_passing(code) => return self.refused(sent, &reply),
            // It was taken back, and only the answer had not arrived.
            Some("no-such-file") => {
                self.withdrawing = None;
                self.member.is_answered(sent, Answer::Done);
                return Some(());
            }
            Some(_) => panic!("{name}: {reply}"),
        }
        self.member.is_answered(sent, answer(&reply));
        self.withdrawing = None;
        Some(())
    }

    /// Fetches one from the newest page of the shelf.
    fn fetch(&mut self) -> Option<()> {
        let mut names = Vec::new();
        self.member.write(&json!({"do": "S"}))?;
        loop {
            let line = self.member.next()?;
            if line["item"] == "file" {
                names.push(line["file_name"].as_str()?.to_owned());
            } else if line["ok"].is_string() || line["err"].is_string() {
                break;
            }
        }
        if names.is_empty() {
            return Some(());
        }
        let name = names.swap_remove(self.dice.below(names.len() as u64) as usize);
        let found = self.member.exchange(&json!({"do": "L", "file_name": name}))?;
        let (Some(ticket), Some(size)) = (found["ticket"].as_str(), found["size_bytes"].as_u64()) else { return Some(()) };
        let mut stream = TcpStream::connect(self.member.address()?).ok()?;
        stream.write_all(format!("T {ticket}\n").as_bytes()).ok()?;
        let bytes = Client::over(stream).bytes();
        // Only who is answered after it was not cut off by the daemon's end. What is withdrawn meanwhile is refused.
        self.member.exchange(&json!({"do": "K"}))?;
        let is_refused = bytes.starts_with(b"ERR ") && bytes.len() as u64 != size;
        if !is_refused {
            let (due, got) = ((size as usize, found["sha256"].as_str()?.to_owned()), (bytes.len(), sha256(&bytes)));
            self.member.note(Step::Fetched { file_name: name, due, got });
        }
        Some(())
    }
}

/// Sends what an offer asks for; returns the reply.
fn send(file: &File, offer: &Value, address: SocketAddr) -> Option<String> {
    let (ticket, offset) = (offer["ticket"].as_str()?, offer["offset_bytes"].as_u64()? as usize);
    let mut transfer = Client::over(TcpStream::connect(address).ok()?);
    let mut stream = transfer.stream();
    stream.write_all(format!("T {ticket} {} {}\n", file.whole.len(), file.sha256).as_bytes()).ok()?;
    for piece in file.whole[offset..].chunks(32 << 10) {
        // Whoever is refused in the middle is told why.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    transfer.line_or_end()
}
