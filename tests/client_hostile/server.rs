//! A server that speaks voice `json` as `protocol.md` has it, but says whatever a test puts into its mouth.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::harness::PATIENCE;

/// What it says when it is asked.
#[derive(Clone)]
pub struct Words {
    /// The reply to a login says that one's name is this.
    pub me: Value,
    pub names: Value,
    /// The newest number at the login.
    pub seq: u64,
    /// Items of `H`, `S` and `N`.
    pub history: Vec<Value>,
    pub shelf: Vec<Value>,
    pub games: Vec<Value>,
    /// Refuses every login with this code and these words.
    pub refuses: Option<(&'static str, String)>,
    /// The words of all other refusals.
    pub no: String,
    /// Lines in place of the reply to a request of this letter.
    pub instead: Vec<(&'static str, Vec<String>)>,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            me: json!("alice"),
            names: json!(["alice", "eve"]),
            seq: 10,
            history: Vec::new(),
            shelf: Vec::new(),
            games: Vec::new(),
            refuses: None,
            no: "no".to_owned(),
            instead: Vec::new(),
        }
    }
}

/// The server. Its threads end with the connections.
pub struct Server {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    words: Words,
    seq: AtomicU64,
    /// The connection that has logged in last.
    room: Mutex<Option<TcpStream>>,
    entered: Condvar,
    /// Whoever writes writes whole lines.
    writing: Mutex<()>,
}

impl Server {
    pub fn start(words: Words) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seq = AtomicU64::new(words.seq);
        let state = Arc::new(State { words, seq, room: Mutex::default(), entered: Condvar::new(), writing: Mutex::default() });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || state.serve(&stream));
            }
        });
        Self { address, state }
    }

    /// Sends bytes to whoever has logged in last.
    pub fn send(&self, bytes: &[u8]) {
        let room = self.state.room.lock().unwrap();
        let (room, timeout) = self.state.entered.wait_timeout_while(room, PATIENCE, |room| room.is_none()).unwrap();
        assert!(!timeout.timed_out(), "nobody logs in");
        let mut stream = room.as_ref().unwrap().try_clone().unwrap();
        drop(room);
        let _writing = self.state.writing.lock().unwrap();
        // A client that has had enough hangs up.
        let _ = stream.write_all(bytes);
    }

    /// An object as a line.
    pub fn tell(&self, line: &Value) {
        self.send(format!("{line}\n").as_bytes());
    }

    /// An event of the room with the next number.
    pub fn happens(&self, kind: &str, fields: Value) {
        self.tell(&self.state.event(kind, fields));
    }

    /// Somebody speaks.
    pub fn chat(&self, from: &str, text: &str) {
        self.happens("chat", json!({ "from": from, "text": text }));
    }

    /// An event of a game.
    pub fn plays(&self, kind: &str, mut fields: Value) {
        let object = fields.as_object_mut().unwrap();
        object.entry("event").or_insert(json!(kind));
        object.entry("game_id").or_insert(json!(7));
        object.entry("game").or_insert(json!("gomoku"));
        object.entry("at").or_insert(json!("2026-11-20T12:00:00.000Z"));
        self.tell(&fields);
    }
}

impl State {
    fn event(&self, kind: &str, mut fields: Value) -> Value {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let object = fields.as_object_mut().unwrap();
        object.insert("event".to_owned(), json!(kind));
        object.entry("room").or_insert(json!("lobby"));
        object.entry("seq").or_insert(json!(seq));
        object.entry("at").or_insert(json!("2026-11-20T12:00:00.000Z"));
        fields
    }

    fn serve(&self, stream: &TcpStream) {
        let mut writer = stream.try_clone().unwrap();
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if line == "V json" {
                let _ = writer.write_all(b"{\"ok\":\"V\",\"voice\":\"json\"}\n");
                continue;
            }
            let Ok(request) = serde_json::from_str::<Value>(&line) else { return };
            let letter = request["do"].as_str().unwrap_or_default().to_owned();
            let answers = self.answers(&letter, &request);
            let _writing = self.writing.lock().unwrap();
            for answer in answers {
                if writer.write_all(format!("{answer}\n").as_bytes()).is_err() {
                    return;
                }
            }
            if matches!(letter.as_str(), "P" | "I") && self.words.refuses.is_none() {
                *self.room.lock().unwrap() = Some(stream.try_clone().unwrap());
                self.entered.notify_all();
            }
        }
    }

    fn answers(&self, letter: &str, request: &Value) -> Vec<String> {
        let words = &self.words;
        if let Some((_, lines)) = words.instead.iter().find(|(meant, _)| *meant == letter) {
            let reference = request["ref"].to_string();
            return lines.iter().map(|line| line.replace("\"REF\"", &reference)).collect();
        }
        let with_ref = |items: &[Value]| -> Vec<Value> {
            let with_ref = |item: &Value| {
                let mut item = item.clone();
                item["ref"] = request["ref"].clone();
                item
            };
            items.iter().map(with_ref).collect()
        };
        let mut lines = match letter {
            "H" => with_ref(&words.history),
            "S" => with_ref(&words.shelf),
            "N" => with_ref(&words.games),
            _ => Vec::new(),
        };
        let mut reply = match letter {
            "U" => json!({ "ok": "U", "account": "known", "name": request["name"] }),
            "P" | "I" => match &words.refuses {
                Some((code, text)) => json!({ "err": code, "text": text, "tries_left": 2 }),
                None => {
                    let seq = self.seq.load(Ordering::Relaxed);
                    json!({ "ok": letter, "name": words.me, "count": 2, "seq": seq, "names": words.names, "token": "t" })
                }
            },
            "W" => json!({ "ok": "W", "count": 2, "names": words.names }),
            "H" => json!({ "ok": "H", "count": lines.len(), "more": false }),
            "S" | "N" => json!({ "ok": letter, "count": lines.len() }),
            "K" | "E" => json!({ "ok": letter }),
            "C" => {
                let fields = json!({ "from": words.me, "text": request["text"], "ref": request["ref"] });
                let event = self.event("chat", fields);
                let seq = event["seq"].clone();
                lines.push(event);
                json!({ "ok": "C", "seq": seq })
            }
            _ => json!({ "err": "not-now", "text": words.no }),
        };
        if !request["ref"].is_null() {
            reply["ref"] = request["ref"].clone();
        }
        lines.push(reply);
        lines.iter().map(Value::to_string).collect()
    }
}
