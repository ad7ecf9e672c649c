//! People, who hear words and no numbers and send nothing again; and the operator.

use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use super::member::{Hold, is_passing};
use super::programs::text;
use super::{Dice, Shared};
use crate::harness::oracle::{Answer, Deed, Log, Step};
use crate::harness::{Client, PASSWORD, chat_of, is_reply, parlord};

pub(super) fn talk_in_english(shared: Arc<Shared>, dice: Dice, name: &str) {
    talk(shared, dice, name, "en");
}

pub(super) fn talk_in_chinese(shared: Arc<Shared>, dice: Dice, name: &str) {
    talk(shared, dice, name, "zh");
}

fn talk(shared: Arc<Shared>, mut dice: Dice, name: &str, voice: &'static str) {
    let log = shared.keep(Log::of_person(name));
    let mut person = Person { name: name.to_owned(), voice, shared, log, client: None };
    let mut said = 0;
    while person.enter().is_some() {
        loop {
            if person.shared.gate.is_over() {
                let _ = person.exchange("E");
                return;
            }
            person.shared.pause(&mut dice);
            let texts: Vec<String> = (0..1 + dice.below(8)).map(|more| text(name, said + more, &mut dice)).collect();
            said += texts.len() as u64;
            if person.say(&texts).is_none() {
                break;
            }
        }
    }
}

struct Person {
    name: String,
    voice: &'static str,
    shared: Arc<Shared>,
    log: Hold,
    client: Option<Client>,
}

impl Person {
    fn enter(&mut self) -> Option<()> {
        loop {
            let address = self.shared.gate.pass()?;
            let Ok(stream) = TcpStream::connect(address) else { continue };
            self.client = Some(Client::over(stream));
            if self.log_in().is_some() {
                self.shared.progress.step();
                return Some(());
            }
        }
    }

    /// `None`, here as below, once the connection is lost.
    fn log_in(&mut self) -> Option<()> {
        self.exchange(&format!("V {}", self.voice))?;
        loop {
            self.exchange(&format!("U {}", self.name))?;
            let reply = self.exchange(&format!("P {} {PASSWORD}", self.name))?;
            if reply.starts_with("OK ") {
                return Some(());
            }
            assert!(
                code(&reply).is_some_and(|code| is_passing(code) || code == "unconfirmed"),
                "{} logs in: {reply}",
                self.name
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Says all of it at once, and waits for the answers.
    fn say(&mut self, texts: &[String]) -> Option<()> {
        let mut sent = Vec::new();
        for text in texts {
            sent.push(self.log.lock().unwrap().send(Deed::Say { text: text.clone(), reference: None }));
        }
        let lines: String = texts.iter().map(|text| format!("C - {text}\n")).collect();
        self.client.as_ref()?.stream().write_all(lines.as_bytes()).ok()?;
        for sent in sent {
            let reply = self.reply()?;
            let seq = || reply.split(' ').find_map(|word| word.trim_start_matches('#').parse().ok());
            let answer = match code(&reply) {
                None => Answer::Seq(seq()?),
                Some("unconfirmed") => Answer::Unconfirmed(seq()),
                Some(code) => Answer::Refused(code.to_owned()),
            };
            if !answer.is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
            self.log.lock().unwrap().answer(sent, answer);
            self.shared.progress.step();
        }
        Some(())
    }

    fn exchange(&mut self, request: &str) -> Option<String> {
        self.client.as_ref()?.stream().write_all(format!("{request}\n").as_bytes()).ok()?;
        self.reply()
    }

    /// The next reply; what is read before it is noted.
    fn reply(&mut self) -> Option<String> {
        loop {
            let line = self.client.as_mut()?.line_or_end()?;
            if is_reply(&line) {
                // The reply to a login: OK name count seq …
                let words: Vec<&str> = line.split(' ').collect();
                if let ["OK", name, _, seq, ..] = words[..]
                    && name == self.name
                {
                    self.log.lock().unwrap().steps.push(Step::Entered { seq: seq.parse().unwrap(), token: None });
                }
                return Some(line);
            }
            if let Some(chat) = chat_of(&line) {
                self.log.lock().unwrap().steps.push(Step::Read { from: chat.from, text: chat.text });
            } else if let Some((first, last)) = missed(&line) {
                self.log.lock().unwrap().steps.push(Step::Missed { first, last });
            }
        }
    }
}

/// The code of a refusal.
fn code(reply: &str) -> Option<&str> {
    reply.strip_prefix("ERR ")?.split(' ').next()
}

/// The range that somebody was too slow for.
fn missed(line: &str) -> Option<(u64, u64)> {
    let is_so = line.starts_with("(You were too slow") || line.starts_with("（接收太慢");
    let mut numbers = line.split('#').skip(1).filter_map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    Some((numbers.next()?, numbers.next()?)).filter(|_| is_so)
}

/// The operator, who announces now and then.
pub(super) fn announce(shared: Arc<Shared>, mut dice: Dice, _: &str) {
    let log = shared.keep(Log::of(""));
    for number in 0.. {
        // A process of its own each time: as often as the others do something would be nothing else.
        std::thread::sleep(Duration::from_millis(20 + dice.below(200)));
        shared.pause(&mut dice);
        if shared.gate.pass().is_none() {
            return;
        }
        let text = format!("announcement {number}");
        let sent = log.lock().unwrap().send(Deed::Announce { text: text.clone() });
        let mut command = parlord(&shared.data);
        let status = command.args(["--announce", &text]).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        // A failure leaves open whether it is there: the daemon may have died before it answered.
        if status.success() {
            log.lock().unwrap().answer(sent, Answer::Done);
            shared.progress.step();
        }
    }
}
