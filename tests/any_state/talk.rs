//! One connection that sends whatever it likes and counts what comes back.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;
use socket2::SockRef;

use super::lines::{self, Scene, Sent};
use crate::harness::{Client, Daemon, Dice, PASSWORD, is_reply};

/// Lines sent without waiting for replies.
const AT_ONCE: u64 = 8;

/// A connection in some state.
pub struct Talk {
    reader: BufReader<TcpStream>,
    dice: Dice,
    pub scene: Scene,
    is_in: bool,
    is_json: bool,
    has_crlf: bool,
    sent_lines: usize,
}

/// What came up to the reply to the request behind a batch, or to the end.
struct Heard {
    replies: Vec<String>,
    /// The last line, if the connection ended.
    last: Option<String>,
    has_ended: bool,
}

impl Talk {
    pub fn connect(daemon: &Daemon, seed: u64, scene: Scene) -> Self {
        let mut dice = Dice(seed);
        // Each from an address of its own, so that wrong passwords make nobody else wait.
        let [a, b, c] = [(); 3].map(|()| 2 + dice.below(250));
        let stream = Client::connect_from(daemon, &format!("127.{a}.{b}.{c}")).stream();
        let has_crlf = dice.below(4) == 0;
        Self { reader: BufReader::new(stream), dice, scene, is_in: false, is_json: false, has_crlf, sent_lines: 0 }
    }

    /// Sends a request of the preparation and returns its reply.
    pub fn ask(&mut self, line: &str) -> String {
        self.write(format!("{line}\n").as_bytes());
        self.sent_lines += 1;
        std::iter::from_fn(|| self.read_line()).find(|line| is_reply(line)).unwrap_or_else(|| panic!("{line:?} has no reply"))
    }

    /// Logs in, in some voice; `presence` are the keys of an object that say how to be in the room.
    pub fn log_in(&mut self, presence: &str) {
        let voice = ["en", "zh", "json"][self.dice.below(3) as usize];
        let own = self.scene.own.clone();
        if voice == "json" || !presence.is_empty() {
            self.ask("V json");
            self.is_json = true;
        } else {
            self.ask(&format!("V {voice}"));
        }
        self.ask(&format!("U {own}"));
        let reply = if self.is_json {
            self.ask(&format!(r#"{{"do":"P","name":"{own}","password":"{PASSWORD}"{presence}}}"#))
        } else {
            self.ask(&format!("P {own} {PASSWORD}"))
        };
        assert!(reply.starts_with("OK ") || reply.starts_with("{\"ok\":\"P\""), "{reply}");
        self.is_in = true;
        if self.is_json && voice != "json" {
            self.ask(&format!("V {voice}"));
            self.is_json = false;
        }
    }

    /// Sends batches, each of which must be answered as it should, and then ends somehow.
    pub fn run(mut self, batches: usize) {
        for _ in 0..batches {
            if !self.batch() {
                return;
            }
        }
        self.end();
    }

    fn line(&mut self) -> Sent {
        self.sent_lines += 1;
        let reference = format!("r{}", self.sent_lines);
        match self.dice.below(60) {
            // Where it comes first, it is no protocol of ours, or a transfer.
            0 if self.sent_lines == 1 => Sent { bytes: b"GET / HTTP/1.1".to_vec(), reference: None },
            1 if self.sent_lines == 1 => Sent { bytes: b"T 3d8b1b7c23735981d05d3c210e8cee33".to_vec(), reference: None },
            2 => Sent {
                bytes: [b"E".as_slice(), b"quit", b"E -", b"exit"][self.dice.below(4) as usize].to_vec(),
                reference: None,
            },
            3 if !self.is_in => Sent { bytes: format!("P {} {PASSWORD}", self.scene.own).into_bytes(), reference: None },
            _ => lines::line(&mut self.dice, &self.scene, self.is_in, self.is_json, &reference),
        }
    }

    /// Lines up to the first behind which the state may be another.
    fn lines(&mut self) -> Vec<Sent> {
        let mut lines = Vec::new();
        for _ in 0..=self.dice.below(AT_ONCE) {
            let line = self.line();
            // The request behind the batch is known by its reply, which no other may have.
            if line.bytes.trim_ascii().eq_ignore_ascii_case(b"V") {
                continue;
            }
            let may_log_in = !self.is_in && line.may_log_in();
            if let Some(voice) = line.bytes.strip_prefix(b"V ") {
                self.is_json = voice == b"json";
            }
            lines.push(line);
            if may_log_in {
                break;
            }
        }
        lines
    }

    fn bytes(&mut self, lines: &[Sent]) -> Vec<u8> {
        let end: &[u8] = if self.has_crlf { b"\r\n" } else { b"\n" };
        lines.iter().flat_map(|line| [line.bytes.as_slice(), end]).flatten().copied().collect()
    }

    /// False once the connection is over.
    fn batch(&mut self) -> bool {
        let lines = self.lines();
        let mut bytes = self.bytes(&lines);
        bytes.extend_from_slice(b"V\n");
        if !self.write(&bytes) {
            // It was closed before; why was told then.
            return false;
        }
        let heard = self.read_batch();
        self.check(&lines, &heard);
        !heard.has_ended
    }

    fn check(&mut self, lines: &[Sent], heard: &Heard) {
        let answered: Vec<&Sent> = lines.iter().filter(|line| line.is_answered(self.is_in)).collect();
        let replies = &heard.replies;
        let context = || format!("{lines:#?} of {}\nare answered {replies:#?}, last comes {:?}", self.scene.own, heard.last);
        for (line, reply) in answered.iter().zip(replies) {
            if let (Some(reference), Ok(reply)) = (&line.reference, serde_json::from_str::<Value>(reply)) {
                assert_eq!(reply["ref"], **reference, "the replies come in the order of the requests: {}", context());
            }
        }
        if !heard.has_ended {
            assert_eq!(replies.len(), answered.len(), "one reply each: {}", context());
            self.note_login(answered.last().copied(), replies.last());
            return;
        }
        assert!(replies.len() <= answered.len(), "one reply each: {}", context());
        // Told why, or asked for.
        let is_closing = heard.last.as_ref().is_some_and(|line| {
            ["Closing (", "连接关闭（", "{\"event\":\"closing\""].iter().any(|start| line.starts_with(start))
        });
        let asked = replies.len().checked_sub(1).is_some_and(|last| answered[last].may_end());
        assert!(is_closing || asked, "no reason for an end: {}", context());
    }

    fn note_login(&mut self, line: Option<&Sent>, reply: Option<&String>) {
        let (Some(line), Some(reply)) = (line, reply) else { return };
        let is_login = match serde_json::from_str::<Value>(reply) {
            Ok(reply) => reply["ok"] == "P" || reply["ok"] == "I",
            Err(_) => reply.starts_with("OK ") && line.may_log_in(),
        };
        self.is_in |= is_login;
    }

    /// Reads up to the reply to `V`, or to the end.
    fn read_batch(&mut self) -> Heard {
        let mut heard = Heard { replies: Vec::new(), last: None, has_ended: false };
        while let Some(line) = self.read_line() {
            if line.starts_with("OK parlor ") || line.starts_with("{\"ok\":\"V\",\"version\"") {
                return heard;
            }
            if is_reply(&line) {
                heard.replies.push(line.clone());
            }
            heard.last = Some(line);
        }
        heard.has_ended = true;
        heard
    }

    /// Ends the connection in one of the ways that connections end.
    fn end(mut self) {
        let lines = self.lines();
        let bytes = self.bytes(&lines);
        let stream = self.reader.get_ref().try_clone().unwrap();
        match self.dice.below(6) {
            // Gone, with requests under way.
            0 => _ = self.write(&bytes),
            // Gone in the middle of a line.
            1 => _ = self.write(&bytes[..bytes.len() / 2]),
            // Reset.
            2 => {
                self.write(&bytes);
                SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
            }
            // Reads nothing more and goes later than its words.
            3 => {
                self.write(&bytes);
                let _ = stream.shutdown(Shutdown::Read);
            }
            // All that was asked is answered, but not what stands behind the last line end.
            4 => {
                self.write(&bytes);
                self.write(b"C - no line end");
                let _ = stream.shutdown(Shutdown::Write);
                let heard = self.read_batch();
                assert!(heard.has_ended);
                let answered = lines.iter().filter(|line| line.is_answered(self.is_in)).count();
                let is_cut = lines.iter().any(Sent::may_end);
                assert!(
                    heard.replies.len() == answered || is_cut && heard.replies.len() < answered,
                    "{lines:#?} {:#?}",
                    heard.replies
                );
            }
            _ => {
                self.write(b"E\n");
                while self.read_line().is_some() {}
            }
        }
    }

    /// In parts of any size; false if the peer has closed.
    fn write(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let at = if self.dice.below(3) == 0 { bytes.len() } else { 1 + self.dice.below(bytes.len() as u64) as usize };
            let (part, rest) = bytes.split_at(at.min(bytes.len()));
            if self.reader.get_mut().write_all(part).is_err() {
                return false;
            }
            bytes = rest;
        }
        true
    }

    /// The next line; `None` at the end, of whatever kind.
    fn read_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(String::from_utf8(line).unwrap().trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => panic!("no line in time"),
            Err(_) => None,
        }
    }
}
