//! Talking: who hears what, in which words, in which order. One order for everyone, nobody hears
//! themselves in a people's voice, and leaving is one event however it comes about.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Chat, Client, Daemon, Talker, chat_of, is_reply, seq_of};

#[test]
fn two_people_talk() {
    let daemon = Daemon::start();
    let mut alice = Client::connect(&daemon);
    assert!(alice.ask("U alice").starts_with("OK new alice "));
    assert!(alice.ask("P alice correct-horse").starts_with("OK alice 1 2 "));
    let mut bob = Client::connect(&daemon);
    bob.ask("U bob");
    assert!(bob.ask("P bob tr0ub4dor").starts_with("OK bob 2 3 "));
    alice.expect("[bob] entered the room");
    assert_eq!(alice.ask("C - hello"), "OK 4");
    assert_eq!(bob.line(), "[alice]: hello");
    assert_eq!(seq_of(&bob.ask("C bob hi")), 5);
    assert_eq!(alice.line(), "[bob]: hi");
    assert!(alice.ask("E -").starts_with("OK"));
    assert_eq!(alice.rest(), [""; 0]);
    assert_eq!(bob.line(), "[alice] left the room");
}

/// What one connection heard and was answered.
#[derive(Default)]
struct Heard {
    chats: Vec<Chat>,
    /// The numbers of `chats`, where the voice tells them.
    chat_seqs: Vec<u64>,
    /// The numbers that one's own lines were answered with.
    own_seqs: Vec<u64>,
}

impl Heard {
    /// Reads until so many were heard and answered.
    fn listen(client: &mut Client, chats: usize, own: usize) -> Self {
        let mut heard = Heard::default();
        while heard.chats.len() < chats || heard.own_seqs.len() < own {
            let line = client.line();
            let object: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(chat) = chat_of(&line) {
                heard.chat_seqs.extend(object["seq"].as_u64());
                heard.chats.push(chat);
            } else if is_reply(&line) {
                heard.own_seqs.push(object["seq"].as_u64().unwrap_or_else(|| seq_of(&line)));
            }
        }
        heard
    }
}

#[test]
fn everyone_hears_everyone_else_in_one_order_and_people_not_themselves() {
    const LINES: usize = 100;
    let daemon = Daemon::start();
    // Whose name ends in "talks" does; the last of them is a program, and hears itself.
    let roles =
        [("a-talks", "en"), ("b-talks", "en"), ("c-talks", "zh"), ("d-talks", "json"), ("e", "en"), ("f", "zh"), ("g", "json")];
    let mut clients: Vec<Client> = roles.iter().map(|(name, _)| Client::enter(&daemon, name)).collect();
    for (client, (_, voice)) in clients.iter_mut().zip(roles) {
        client.ask(&format!("V {voice}"));
    }
    let speakers = roles.iter().filter(|(name, _)| name.ends_with("talks")).count();
    let heard: Vec<Heard> = std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .zip(roles)
            .map(|(client, (name, voice))| {
                scope.spawn(move || {
                    let own = if name.ends_with("talks") { LINES } else { 0 };
                    for n in 0..own {
                        client.send(&format!("C - {n}"));
                    }
                    let silent = if voice == "json" { 0 } else { own };
                    Heard::listen(client, speakers * LINES - silent, own)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let all = heard.last().unwrap();
    let first_seq = all.chat_seqs[0];
    assert_eq!(all.chat_seqs, (first_seq..).take(speakers * LINES).collect::<Vec<_>>());
    for ((name, voice), heard) in roles.into_iter().zip(&heard) {
        let audible = |chat: &&Chat| voice == "json" || chat.from != name;
        let want: Vec<Chat> = all.chats.iter().filter(audible).map(|chat| Chat { voice, ..chat.clone() }).collect();
        assert_eq!(heard.chats, want, "{name}");
        // What one is answered is the number that the others hear, and one's lines keep their order.
        let own = all.chats.iter().zip(&all.chat_seqs).filter(|(chat, _)| chat.from == name);
        assert_eq!(heard.own_seqs, own.clone().map(|(_, &seq)| seq).collect::<Vec<_>>(), "{name}");
        assert!(own.enumerate().all(|(n, (chat, _))| chat.text == n.to_string()), "{name}");
    }
}

#[test]
fn nothing_lands_inside_a_list() {
    let daemon = Daemon::start();
    let mut reader = Client::enter(&daemon, "reader");
    // Long lines, so that one list is more than the kernel takes at once.
    for n in 0..20 {
        seq_of(&reader.ask(&format!("C - {n} {}", "x".repeat(4000))));
    }
    let last = seq_of(&reader.ask("C - done"));
    let talker = Talker::start(Client::enter(&daemon, "talker"), |n| n.to_string());
    for voice in ["en", "json"] {
        reader.ask(&format!("V {voice}"));
        let (mut lists, mut events) = (0, 0);
        while lists < 100 || events < 200 {
            reader.send_raw(format!("H - {last} 20\n?\nH - {last} 20\nW\n").repeat(5).as_bytes());
            let mut inside = false;
            let mut replies = 0;
            while replies < 20 {
                let line = reader.line();
                if is_reply(&line) {
                    (inside, replies, lists) = (false, replies + 1, lists + 1);
                } else if ["#", " ", "{\"item\""].iter().any(|start| line.starts_with(start)) {
                    inside = true;
                } else {
                    assert!(!inside, "inside a list: {line}");
                    events += 1;
                }
            }
        }
    }
    talker.stop();
}

#[test]
fn who_is_here_comes_in_pages_of_a_hundred() {
    const MEMBERS: usize = 105;
    let daemon = Daemon::start();
    let names: Vec<String> = (0..MEMBERS).map(|n| format!("m{n:03}")).collect();
    let mut members: Vec<Client> = std::thread::scope(|scope| {
        let threads: Vec<_> = names
            .chunks(MEMBERS.div_ceil(4))
            .map(|names| scope.spawn(|| names.iter().map(|name| Client::enter(&daemon, name)).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let asker = &mut members[0];
    let page = |from: usize, to: usize| format!("OK {MEMBERS} {}", names[from..to].join(" "));
    for (voice, more) in [("en", " (more: W 2)"), ("zh", " (下一页：W 2)")] {
        asker.ask(&format!("V {voice}"));
        assert_eq!(asker.ask("W"), page(0, 100) + more);
        assert_eq!(asker.ask("W 1"), page(0, 100) + more);
        assert_eq!(asker.ask("W 2"), page(100, MEMBERS));
        assert_eq!(asker.ask("W 3"), format!("OK {MEMBERS}"));
        assert_eq!(asker.ask("W 999999999999"), format!("OK {MEMBERS}"));
    }
    asker.ask("V json");
    for (request, want) in [
        ("W", json!({"ok": "W", "count": MEMBERS, "names": names[..100], "next_page": 2})),
        ("{\"do\":\"W\",\"page\":2}", json!({"ok": "W", "count": MEMBERS, "names": names[100..]})),
    ] {
        assert_eq!(asker.objects_of(request).pop(), Some(want));
    }
    // A login names at most twenty.
    let welcome = Client::connect(&daemon).log_in("zoe");
    assert!(welcome.starts_with(&format!("OK zoe {} ", MEMBERS + 1)), "{welcome}");
    assert!(
        welcome.ends_with(&format!("here: {} and 86 more (W lists all) - to speak: C - hello", names[..20].join(", "))),
        "{welcome}"
    );
}

/// How somebody leaves, by the name of who does.
type Way = (&'static str, fn(Client));

#[test]
fn leaving_is_one_event_however_it_comes_about() {
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    let mut program = Client::program(&daemon, "program");
    person.skip_to("[program] entered");
    let ways: [Way; 5] = [
        ("leaves", |mut client| assert!(client.ask("E").starts_with("OK"))),
        ("quits", |mut client| assert!(client.ask("quit").starts_with("OK"))),
        ("ends", |mut client| {
            client.end_input();
            assert_eq!(client.rest(), [""; 0]);
        }),
        ("drops", drop),
        ("resets", |client| {
            socket2::SockRef::from(&client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        }),
    ];
    for (name, leave) in ways {
        let client = Client::enter(&daemon, name);
        leave(client);
        assert_eq!(person.line(), format!("[{name}] entered the room"));
        assert_eq!(person.line(), format!("[{name}] left the room"));
        assert_eq!(program.json()["event"], "enter");
        let mut left = program.json();
        assert!(left["seq"].take().is_u64() && left["at"].take().is_string());
        assert_eq!(left, json!({"event": "leave", "room": "lobby", "seq": null, "at": null, "from": name}));
        assert_eq!(person.ask("W"), "OK 2 person program");
    }
    // In the history it is one row each, of the account that left.
    person.ask("H");
    let database = daemon.database();
    let mut rows = database
        .prepare("SELECT b.name FROM chat_history h JOIN base_info b ON b.id = h.uid WHERE h.kind = 'leave' ORDER BY h.seq")
        .unwrap();
    let left: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(left, ways.map(|(name, _)| name));
}
