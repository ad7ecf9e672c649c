//! Reads a room's log from any point and goes on with what happens live: the recipe "Catching up" of
//! `protocol.md`, with nothing but the standard library and serde_json. One event a line.
//!
//! ```sh
//! PARLOR_PASSWORD=correct-horse cargo run --example read_log -- 127.0.0.1:7171 alice 0
//! ```
//!
//! It logs in beside whoever is there by that account (`"enter":false`), so nobody is pushed out.

#![expect(clippy::print_stdout, reason = "one event a line is what it prints")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

/// A connection in voice `json`.
struct Connection {
    lines: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: &str) -> Result<Self, Box<dyn Error>> {
        let mut connection = Self { lines: BufReader::new(TcpStream::connect(address)?) };
        connection.lines.get_mut().write_all(b"V json\n")?;
        connection.read()?;
        Ok(connection)
    }

    fn send(&mut self, request: &Value) -> Result<(), Box<dyn Error>> {
        Ok(writeln!(self.lines.get_mut(), "{request}")?)
    }

    fn read(&mut self) -> Result<Value, Box<dyn Error>> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Sends a request and returns its reply; every other line goes to `other`.
    fn ask(&mut self, request: &Value, mut other: impl FnMut(Value)) -> Result<Value, Box<dyn Error>> {
        self.send(request)?;
        loop {
            let line = self.read()?;
            if line.get("err").is_some() {
                return Err(format!("{}: {}", line["err"], line["text"]).into());
            } else if line.get("ok").is_some() {
                return Ok(line);
            }
            other(line);
        }
    }

    /// Prints the events in (last, right]; live ones that arrive meanwhile go to `live`.
    fn print_history(&mut self, mut last: u64, right: u64, live: &mut Vec<Value>) -> Result<(), Box<dyn Error>> {
        loop {
            let request = json!({"do": "H", "left": last, "right": right, "n": "+1000"});
            let reply = self.ask(&request, |line| match line.get("item") {
                Some(_) => {
                    last = line["seq"].as_u64().unwrap_or(last);
                    println!("{line}");
                }
                None => live.push(line),
            })?;
            if reply["more"] != true {
                return Ok(());
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, from @ ..] = arguments.as_slice() else {
        return Err("usage: read_log HOST:PORT NAME [AFTER-SEQ], with the password in PARLOR_PASSWORD".into());
    };
    let last: u64 = from.first().map_or(Ok(0), |seq| seq.parse())?;
    let password = std::env::var("PARLOR_PASSWORD").map_err(|_| "PARLOR_PASSWORD is not set")?;
    let mut connection = Connection::open(address)?;
    let login = json!({"do": "P", "name": name, "password": password, "enter": false, "listen": true});
    let entry = connection.ask(&login, |_| ())?["seq"].as_u64().unwrap_or(0);
    let mut live = Vec::new();
    connection.print_history(last, entry, &mut live)?;
    loop {
        for event in std::mem::take(&mut live) {
            match (event["event"].as_str(), event["first"].as_u64(), event["last"].as_u64()) {
                (Some("missed"), Some(first), Some(last)) => connection.print_history(first - 1, last, &mut live)?,
                (Some("closing"), ..) => return Err(format!("closing: {}", event["text"]).into()),
                _ => println!("{event}"),
            }
        }
        if live.is_empty() {
            live.push(connection.read()?);
        }
    }
}
