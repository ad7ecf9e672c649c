//! Servers that are no daemon: they do what no daemon does, or what one does once in a year.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parlor::client::{Client, Error, Event, GameHappening, Options, Presence};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{enter, next, options};

/// The server's end of a connection.
pub struct Talk {
    pub reader: BufReader<TcpStream>,
}

impl Talk {
    /// The next request, a plain one as its letter and its `line`; `None` at the end.
    pub fn request(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| json!({ "do": line[..1], "line": line })))
    }

    pub fn write(&mut self, bytes: &[u8]) {
        // The client may have had enough.
        let _ = self.reader.get_mut().write_all(bytes);
    }

    fn tell(&mut self, line: Value) {
        self.write(format!("{line}\n").as_bytes());
    }

    pub fn grant(&mut self, request: &Value, mut reply: Value) {
        reply["ok"] = request["do"].clone();
        reply["ref"] = request["ref"].clone();
        self.tell(reply);
    }

    /// Answers everything up to the login, which finds this event as the newest.
    pub fn log_in(&mut self, seq: u64) {
        while let Some(request) = self.request() {
            let is_login = ["P", "I"].iter().any(|letter| request["do"] == *letter);
            let here = json!({ "name": "alice", "count": 1, "seq": seq, "names": ["alice"] });
            self.grant(&request, if is_login { here } else { json!({}) });
            if is_login {
                return;
            }
        }
    }

    /// Grants everything, until the end.
    fn grant_all(&mut self) {
        while let Some(request) = self.request() {
            self.grant(&request, json!({ "seq": 9, "count": 0, "more": false }));
        }
    }
}

/// Serves connections; `serve` is given their numbers, from 0.
pub fn server(serve: impl Fn(usize, &mut Talk) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (serve, reader) = (Arc::clone(&serve), BufReader::new(stream.unwrap()));
            thread::spawn(move || serve(number, &mut Talk { reader }));
        }
    });
    address
}

/// Passes over everything until the connection is lost; returns the pause before it is tried again.
async fn lost(events: &mut parlor::client::Events) -> Duration {
    loop {
        if let Event::Lost { retry } = next(events).await {
            return retry;
        }
    }
}

#[test]
fn a_server_that_is_none_is_left_and_tried_again() {
    let nonsense: [&[u8]; 4] =
        [&[b'x'; 1 << 20], b"no object\n", b"{\"ok\":\"S\",\"ref\":\"of another\"}\n", b"{\"ok\":\"S\"}\n"];
    let address = server(move |number, talk| {
        talk.log_in(1);
        match nonsense.get(number) {
            Some(bytes) => {
                talk.write(bytes);
                // It is the client that closes.
                let _ = talk.reader.read_to_end(&mut Vec::new());
            }
            None => talk.grant_all(),
        }
    });
    Runtime::new().unwrap().block_on(async {
        let (alice, mut events) = enter(&options(address, "alice")).await;
        for _ in nonsense {
            lost(&mut events).await;
            assert!(matches!(next(&mut events).await, Event::Back));
        }
        assert_eq!(alice.say("hello").await.unwrap(), 9);
    });
}

#[test]
fn what_a_server_tells_of_coming_back_is_kept_to() {
    let address = server(|number, talk| {
        talk.log_in(1);
        if number == 0 {
            talk.tell(json!({ "event": "closing", "reason": "shutting-down", "text": "", "retry_ms": 700 }));
        } else {
            talk.grant_all();
        }
    });
    Runtime::new().unwrap().block_on(async {
        let (_alice, mut events) = enter(&options(address, "alice")).await;
        let retry = lost(&mut events).await;
        assert!(Duration::from_millis(700) <= retry && retry <= Duration::from_millis(1050), "{retry:?}");
        assert!(matches!(next(&mut events).await, Event::Back));
    });
}

#[test]
fn what_may_have_been_heard_before_is_not_told_as_refused() {
    let address = server(|number, talk| {
        talk.log_in(1);
        let request = talk.request().unwrap();
        // The first connection is cut here.
        if number == 1 {
            talk.tell(json!({ "err": "store-failed", "text": "nothing happened", "ref": request["ref"] }));
            let request = talk.request().unwrap();
            talk.tell(json!({ "err": "store-failed", "text": "nothing happened", "ref": request["ref"] }));
            talk.grant_all();
        }
    });
    Runtime::new().unwrap().block_on(async {
        let (alice, _events) = enter(&options(address, "alice")).await;
        assert!(matches!(alice.say("once").await, Err(Error::OutcomeUnknown)));
        assert_eq!(alice.say("again").await.unwrap_err().code(), Some("store-failed"));
    });
}

#[test]
fn a_page_that_the_server_cannot_read_is_asked_for_again_on_the_same_connection() {
    let address = server(|number, talk| {
        assert_eq!(number, 0);
        talk.log_in(3);
        let request = talk.request().unwrap();
        assert_eq!((&request["do"], &request["left"], &request["right"]), (&json!("H"), &json!(1), &json!(3)));
        talk.tell(json!({ "err": "store-failed", "text": "nothing happened", "ref": request["ref"] }));
        talk.tell(json!({ "event": "started", "room": "lobby", "seq": 4, "at": "" }));
        let request = talk.request().unwrap();
        talk.tell(json!({ "item": "stopping", "room": "lobby", "seq": 2, "at": "", "ref": request["ref"] }));
        talk.grant(&request, json!({ "count": 1, "more": false }));
        talk.grant_all();
    });
    Runtime::new().unwrap().block_on(async {
        let (_alice, mut events) = enter(&Options { after_seq: Some(1), ..options(address, "alice") }).await;
        let mut seqs = Vec::new();
        for _ in 0..3 {
            match next(&mut events).await {
                Event::Room(event) => seqs.push(event.seq),
                Event::Back => seqs.push(0),
                event => panic!("{event:?}"),
            }
        }
        assert_eq!(seqs, [2, 4, 0]);
    });
}

#[test]
fn a_server_that_falls_silent_is_asked_and_then_left() {
    let silence = Duration::from_millis(600);
    let (heartbeats, asked) = std::sync::mpsc::channel();
    let address = server(move |number, talk| {
        talk.log_in(1);
        if number == 0 {
            while let Some(request) = talk.request() {
                heartbeats.send(request["do"].clone()).unwrap();
            }
        }
        talk.grant_all();
    });
    Runtime::new().unwrap().block_on(async {
        let (alice, mut events) = enter(&Options { silence, ..options(address, "alice") }).await;
        lost(&mut events).await;
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), ["K"]);
        assert_eq!(alice.say("hello").await.unwrap(), 9);
        // Nor is a login waited for without end.
        let mute = TcpListener::bind("127.0.0.1:0").unwrap();
        let mute = Options { silence, ..options(mute.local_addr().unwrap(), "alice") };
        assert!(matches!(Client::connect(mute).await, Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut));
    });
}

#[test]
fn what_later_versions_add_is_passed_over_or_told_as_it_is() {
    let address = server(|_, talk| {
        talk.log_in(1);
        talk.tell(json!({ "event": "weather", "text": "rain" }));
        talk.tell(json!({ "event": "weather", "game_id": 7, "text": "rain" }));
        talk.tell(json!({ "event": "missed", "game_id": 7 }));
        talk.tell(json!({ "event": "chat", "room": "lobby", "seq": 2, "at": "", "words": "no text" }));
        talk.grant_all();
    });
    Runtime::new().unwrap().block_on(async {
        let (_alice, mut events) = enter(&options(address, "alice")).await;
        assert!(matches!(next(&mut events).await, Event::Back));
        let Event::Game(event) = next(&mut events).await else { panic!() };
        assert_eq!((event.what, &event.fields["text"]), (GameHappening::Other { kind: "weather".into() }, &json!("rain")));
        let Event::Game(event) = next(&mut events).await else { panic!() };
        assert_eq!((event.game_id, event.game.as_str(), event.what), (7, "", GameHappening::Missed));
        let Event::Room(event) = next(&mut events).await else { panic!() };
        assert_eq!(event.fields["words"], "no text");
    });
}

#[test]
fn who_hears_nothing_reads_nothing_of_what_was_missed_either() {
    let address = server(|number, talk| {
        talk.log_in(1 + 50 * number as u64);
        if number > 0 {
            let request = talk.request().unwrap();
            assert_eq!(request["do"], "W", "what was not asked for");
            talk.grant(&request, json!({ "count": 1, "names": ["alice"] }));
            talk.grant_all();
        }
    });
    Runtime::new().unwrap().block_on(async {
        let silent = Options { presence: Presence::Silent, ..options(address, "alice") };
        let (alice, mut events) = enter(&silent).await;
        lost(&mut events).await;
        assert!(matches!(next(&mut events).await, Event::Back));
        assert_eq!(alice.members().await.unwrap(), ["alice"]);
    });
}
