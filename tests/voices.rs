//! Where one voice ends and the next begins, and how a program that was away finds what it missed:
//! in both, every event comes once.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Client, Daemon, Talker, chat_of, is_reply, seq_of};

/// The voice that a reply to `V` says is in force from now on.
fn voice_of(reply: &str) -> &'static str {
    ["en", "zh", "json"]
        .into_iter()
        .find(|voice| reply.starts_with(&format!("OK {voice} ")) || reply == format!(r#"{{"ok":"V","voice":"{voice}"}}"#))
        .unwrap_or_else(|| panic!("no reply to V: {reply}"))
}

/// Who changes voices while another talks, and checks that all of it comes once, each in the voice in force.
struct Changer {
    client: Client,
    voice: &'static str,
    /// What the talker's next line says.
    next: Option<usize>,
    /// How much was heard in each voice.
    heard: BTreeMap<&'static str, usize>,
}

impl Changer {
    /// The next line, checked if the talker said it.
    fn line(&mut self) -> String {
        let line = self.client.line();
        if let Some(chat) = chat_of(&line).filter(|chat| chat.from == "talker") {
            let n: usize = chat.text.parse().unwrap();
            assert_eq!((chat.voice, n), (self.voice, self.next.unwrap_or(n)), "voice in force and next number");
            self.next = Some(n + 1);
            *self.heard.entry(chat.voice).or_default() += 1;
        }
        line
    }

    /// Reads up to the reply to `V`.
    fn change_to(&mut self, voice: &str) {
        let reply = loop {
            let line = self.line();
            let is_of_speech =
                line.starts_with("{\"ok\":\"C\"") || line.strip_prefix("OK ").is_some_and(|words| words.parse::<u64>().is_ok());
            if is_reply(&line) && !is_of_speech {
                break line;
            }
        };
        self.voice = voice_of(&reply);
        assert_eq!(self.voice, voice);
    }
}

/// Changes voice many times, in one write for each of `requests`, `before` standing before each `V`.
fn change_voices(before: &str, requests: &[&[&str]], rounds: usize) {
    let daemon = Daemon::start();
    // Every voice is in use by somebody else too, so that none of its logs ends with the change.
    let _others = ["en", "zh", "json"].map(|voice| {
        let mut client = Client::enter(&daemon, voice);
        client.ask(&format!("V {voice}"));
        client
    });
    let client = Client::enter(&daemon, "changer");
    let mut changer = Changer { client, voice: "en", next: None, heard: BTreeMap::new() };
    let talker = Talker::start(Client::enter(&daemon, "talker"), |n| n.to_string());
    for asked in requests.iter().cycle().take(rounds * requests.len()) {
        let lines: String = asked.iter().map(|voice| format!("{before}V {voice}\n")).collect();
        changer.client.send_raw(lines.as_bytes());
        asked.iter().for_each(|voice| changer.change_to(voice));
        // Some of the new voice is heard before it changes again.
        (0..3).for_each(|_| _ = changer.line());
    }
    let said = talker.stop();
    // Nothing is lost at the end either.
    while changer.next != Some(said) {
        changer.line();
    }
    assert!(changer.heard.len() == 3 && changer.heard.values().all(|&count| count >= rounds), "{:?}", changer.heard);
}

#[test]
fn a_change_of_voice_takes_effect_at_one_event() {
    // One by one, and several in one write; the same voice twice is a change too.
    change_voices("", &[&["json"], &["zh"], &["json", "en"], &["en"], &["en", "json", "json", "zh", "json"]], 40);
}

#[test]
fn a_change_of_voice_behind_ones_own_words_takes_effect_at_one_event() {
    // The change waits behind a reply that waits for the disk, while the room goes on talking.
    change_voices("C - mine\n", &[&["json"], &["zh"], &["en"], &["json", "zh", "en"]], 20);
}

#[test]
fn one_hears_oneself_in_json_and_only_there() {
    let daemon = Daemon::start();
    let mut client = Client::enter(&daemon, "client");
    client.send("C - 1\nV json\nC - 2\nV zh\nC - 3\nV json\nC - 4\nV en\nC - 5\nK");
    let mut voice = "en";
    let mut heard = Vec::new();
    let mut spoken = 0;
    loop {
        let line = client.line();
        if let Some(chat) = chat_of(&line) {
            assert_eq!((chat.voice, chat.from.as_str()), (voice, "client"));
            heard.push(chat.text);
        } else if line == "OK" {
            break;
        } else if line.contains("\"ok\":\"V\"") || line.starts_with("OK en") || line.starts_with("OK zh") {
            voice = voice_of(&line);
        } else {
            // The reply to a line said in one voice is in that voice.
            assert_eq!(line.starts_with("{\"ok\":\"C\""), voice == "json", "{line}");
            spoken += 1;
        }
    }
    assert_eq!((heard, spoken), (vec!["2".into(), "4".into()], 5));
}

#[test]
fn a_voice_may_be_chosen_before_login() {
    let daemon = Daemon::start();
    let mut other = Client::enter(&daemon, "other");
    for (voice, heard) in [("en", "[other]: x"), ("zh", "[other]：x"), ("json", "{\"event\":\"chat\"")] {
        let mut client = Client::connect(&daemon);
        assert_eq!(voice_of(&client.ask(&format!("v {}", voice.to_uppercase()))), voice);
        client.log_in(voice);
        other.ask("C - x");
        client.expect(heard);
    }
}

/// A program that keeps every number it is shown, from wherever it comes.
#[derive(Default)]
struct Reader {
    seqs: Vec<u64>,
    /// Up to here everything is known.
    last: u64,
}

impl Reader {
    /// The recipe: log in, then `H last seq +1000` until the entry is reached. Live events come in between.
    fn catch_up(&mut self, daemon: &Daemon) -> Client {
        let mut client = Client::connect(daemon);
        client.ask("V json");
        let welcome: Value = serde_json::from_str(&client.log_in("reader")).unwrap();
        let entry = welcome["seq"].as_u64().unwrap();
        let mut pages = 0;
        while self.last < entry {
            client.send(&format!("H {} {entry} +1000", self.last));
            let mut newest = None;
            let reply = loop {
                let line = client.json();
                if line.get("ok").is_some() {
                    break line;
                }
                let seq = line["seq"].as_u64().unwrap();
                // What is live comes after the entry, what is shown up to it.
                assert_eq!(line.get("event").is_some(), seq > entry, "{line}");
                if line.get("item").is_some() {
                    newest = Some(seq);
                }
                self.seqs.push(seq);
            };
            self.last = if reply["more"] == true { newest.unwrap() } else { entry };
            pages += 1;
        }
        assert!(pages > 0);
        client
    }

    /// Speaks so many times and hears the room meanwhile, itself included.
    fn take_part(&mut self, client: &mut Client, times: usize) {
        for _ in 0..times {
            client.send("C - own");
            let mut own = None;
            let mut answered = None;
            while own.is_none() || own != answered {
                let line = client.json();
                let seq = line["seq"].as_u64();
                if line.get("event").is_some() {
                    self.seqs.push(seq.unwrap());
                    if line["from"] == "reader" {
                        own = seq;
                    }
                } else {
                    assert_eq!(line["ok"], "C");
                    answered = seq;
                }
            }
        }
        self.last = *self.seqs.iter().max().unwrap();
    }
}

#[test]
fn who_was_away_finds_every_number_once() {
    let daemon = Daemon::start();
    // More than one page to begin with.
    let mut early = Client::enter(&daemon, "early");
    early.send_raw("C - early\n".repeat(1500).as_bytes());
    (0..1500).for_each(|_| _ = seq_of(&early.reply()));
    let talker = Talker::start(Client::enter(&daemon, "talker"), |n| n.to_string());
    let mut reader = Reader::default();
    for _ in 0..3 {
        let mut client = reader.catch_up(&daemon);
        reader.take_part(&mut client, 20);
        drop(client);
        // Coming and going are numbers too, and so is what was said meanwhile.
        early.skip_to("[reader] left");
        (0..20).for_each(|_| _ = early.skip_to("[talker]"));
    }
    let mut client = reader.catch_up(&daemon);
    talker.stop();
    // The talker's leaving is the last that happens while it listens.
    loop {
        let event = client.json();
        reader.seqs.push(event["seq"].as_u64().unwrap());
        if event["event"] == "leave" {
            break;
        }
    }
    client.ask("H - - 1");
    let database = daemon.database();
    let mut statement = database.prepare("SELECT seq FROM chat_history ORDER BY seq").unwrap();
    let stored: Vec<u64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    reader.seqs.sort_unstable();
    // What differs, for whoever has to read a failure.
    let twice: Vec<u64> = reader.seqs.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    let never: Vec<u64> = stored.iter().copied().filter(|seq| reader.seqs.binary_search(seq).is_err()).collect();
    assert_eq!((twice, never), (vec![], vec![]), "shown twice, never shown");
    assert_eq!(reader.seqs, stored);
    assert_eq!(stored, (1..=stored.len() as u64).collect::<Vec<_>>());
}
