//! The promise about the shelf: what there is and whose, how names are taken and given back, and that the
//! same bytes lie there once, for as long as any name stands for them.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, is_shared, noise, sha256};

/// The items of a page for programs, and its reply.
fn page(client: &mut Client, request: &str) -> (Vec<Value>, Value) {
    let mut lines = client.objects_of(request);
    let reply = lines.pop().unwrap();
    lines.retain(|line| line.get("item").is_some());
    assert_eq!((&reply["ok"], &reply["count"]), (&json!("S"), &json!(lines.len())), "{request}");
    (lines, reply)
}

/// Makes an account an administrator's, for which the daemon goes down and up.
fn promote(daemon: &mut Daemon, name: &str) {
    assert_eq!(daemon.stop().code(), Some(0));
    let changed = daemon.database().execute("UPDATE base_info SET level = 1 WHERE name = ?1", [name]).unwrap();
    assert_eq!(changed, 1);
    daemon.restart();
}

#[test]
fn people_are_shown_everything_about_a_file() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let sha256 = alice.share(&daemon, "two words.pdf", &noise(1, 717 << 10));
    let sql = "SELECT strftime('%Y-%m-%d %H:%M:%S', send_time / 1000, 'unixepoch') FROM file_put_record";
    let time: String = daemon.database().query_row(sql, [], |row| row.get(0)).unwrap();
    for voice in ["en", "zh"] {
        alice.ask(&format!("V {voice}"));
        let lines = alice.lines_of("S");
        assert_eq!(lines.len(), 2, "{lines:?}");
        for word in ["two words.pdf", "717 KiB", "alice", &sha256, &time] {
            assert!(lines[0].contains(word), "{word:?} is not in {:?}", lines[0]);
        }
        assert!(lines[1].starts_with("OK 1"), "{lines:?}");
    }
}

#[test]
fn a_file_that_is_called_like_a_reply_is_not_taken_for_one() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for (name, bytes) in [("ERR report", &noise(1, 10)), ("OK 5", &noise(2, 10)), ("OKAY", &noise(3, 10))] {
        alice.share(&daemon, name, bytes);
    }
    for voice in ["en", "zh"] {
        alice.ask(&format!("V {voice}"));
        let lines = alice.lines_of("S");
        let [shelf @ .., reply] = &lines[..] else { panic!() };
        assert!(reply.starts_with("OK 3") && shelf.len() == 3, "{lines:?}");
        assert!(shelf.iter().all(|line| line.starts_with(' ')), "{lines:?}");
    }
}

#[test]
fn the_shelf_comes_newest_first_and_in_pages() {
    const FILES: usize = 105;
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    for number in 0..FILES {
        program.share(&daemon, &format!("{number}.txt"), format!("{number}").as_bytes());
    }
    let names: Vec<String> = (0..FILES).rev().map(|number| format!("{number}.txt")).collect();
    for (request, want, next_page) in [
        ("S", &names[..100], json!(2)),
        ("S 1", &names[..100], json!(2)),
        (r#"{"do":"S","page":2}"#, &names[100..], Value::Null),
        ("S 3", &[], Value::Null),
        ("S 999999999999", &[], Value::Null),
    ] {
        let (items, reply) = page(&mut program, request);
        assert!(items.iter().map(|item| &item["file_name"]).eq(want), "{request}: {items:#?}");
        assert_eq!(reply["next_page"], next_page, "{request}");
    }
    let mut person = Client::enter(&daemon, "person");
    for voice in ["en", "zh"] {
        person.ask(&format!("V {voice}"));
        for (request, want, next) in [
            ("S", &names[..20], Some("S 2")),
            ("S 5", &names[80..100], Some("S 6")),
            ("S 6", &names[100..], None),
            ("S 7", &[], None),
        ] {
            let lines = person.lines_of(request);
            let (reply, lines) = lines.split_last().unwrap();
            assert_eq!(lines.len(), want.len(), "{request}: {lines:#?}");
            assert!(lines.iter().zip(want).all(|(line, name)| line.contains(name)), "{request}: {lines:#?}");
            let words = reply.strip_prefix(&format!("OK {}", want.len())).unwrap_or_else(|| panic!("{request}: {reply}"));
            assert_eq!(words.find("S ").map(|at| words[at..].trim_end_matches(')')), next, "{request}: {reply}");
        }
    }
    for request in ["S 0", "S x", "S 1 2"] {
        assert!(person.ask(request).starts_with("ERR usage "), "{request}");
    }
}

#[test]
fn programs_ask_by_objects_and_are_answered_in_full() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    let ask = |program: &mut Client, request: Value| program.objects_of(&request.to_string());
    let offer = ask(&mut program, json!({"do": "F", "file_name": "a.txt", "ref": "f1"})).pop().unwrap();
    let ticket = &offer["ticket"];
    let want = json!({"ok": "F", "ref": "f1", "ticket": ticket, "offset_bytes": 0, "limit_bytes": 2_147_483_648_u64});
    assert_eq!(offer, want);
    let line = format!("T {} 5\n", ticket.as_str().unwrap());
    let sha256 = sha256(b"hello");
    assert!(is_shared(&Client::transfer(&daemon, line + "hello").last_line(), b"hello"));
    let told = program.json();
    let found = ask(&mut program, json!({"do": "L", "name": "program", "file_name": "a.txt", "ref": "l1"})).pop().unwrap();
    let want = json!({"ok": "L", "ref": "l1", "ticket": found["ticket"], "size_bytes": 5, "sha256": sha256});
    assert_eq!(found, want);
    let shelf = ask(&mut program, json!({"do": "S", "ref": "s1"}));
    let (seq, at) = (&told["seq"], &told["at"]);
    let item = json!({
        "item": "file", "ref": "s1", "room": "lobby", "seq": seq, "at": at,
        "from": "program", "file_name": "a.txt", "size_bytes": 5, "sha256": sha256,
    });
    assert_eq!(shelf, [item, json!({"ok": "S", "ref": "s1", "count": 1})]);
    let withdrawn = ask(&mut program, json!({"do": "X", "file_name": "a.txt", "ref": "x1"}));
    assert_eq!(withdrawn.last(), Some(&json!({"ok": "X", "ref": "x1"})));
}

#[test]
fn a_name_that_is_taken_is_refused_with_the_next_free_one() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.share(&daemon, "Report.pdf", b"one");
    for voice in ["en", "zh"] {
        alice.ask(&format!("V {voice}"));
        bob.ask(&format!("V {voice}"));
        let (to_owner, to_other) = (alice.ask("F - report.pdf"), bob.ask("F - report.pdf"));
        for reply in [&to_owner, &to_other] {
            assert!(reply.starts_with("ERR file-exists ") && reply.ends_with("F - report-2.pdf"), "{reply}");
        }
        assert!(to_other.contains("alice") && !to_other.contains("X - "), "{to_other}");
        assert!(to_owner.contains("X - Report.pdf"), "who may withdraw it is told how: {to_owner}");
    }
    bob.share(&daemon, "REPORT-2.PDF", b"two");
    assert!(bob.ask("F - report.pdf").contains("F - report-3.pdf"));
    bob.ask("V json");
    let mut refusal = bob.objects_of(r#"{"do":"F","file_name":"report.pdf","ref":"f1"}"#).pop().unwrap();
    assert!(refusal["text"].take().is_string());
    let want = json!({"err": "file-exists", "ref": "f1", "from": "alice", "free_name": "report-3.pdf", "uploading": false, "text": null});
    assert_eq!(refusal, want);
}

#[test]
fn the_next_free_name_is_one_that_can_be_offered() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "program");
    let long = ["x".repeat(255), "x".repeat(251) + ".pdf", "文".repeat(85), "x.".to_owned() + &"y".repeat(253)];
    for name in ["notes", "a.tar.gz", "no end.", "report-2.pdf", "-rf"].into_iter().chain(long.iter().map(String::as_str)) {
        program.share(&daemon, name, b"one");
        for _ in 0..3 {
            let refusal = program.objects_of(&format!("F - {name}")).pop().unwrap();
            let free_name = refusal["free_name"].as_str().unwrap_or_else(|| panic!("{refusal}"));
            program.share(&daemon, free_name, b"two");
        }
    }
}

#[test]
fn the_next_free_name_is_nobodys_who_is_about_to_send() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.share(&daemon, "report.pdf", b"one");
    alice.offer("report-2.pdf");
    let reply = bob.ask("F - report.pdf");
    let (_, free) = reply.split_once("F - ").unwrap_or_else(|| panic!("{reply}"));
    bob.offer(free);
}

#[test]
fn what_is_not_there_cannot_be_fetched_or_withdrawn() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let refused = |alice: &mut Client| {
        for request in ["L - a.txt", "X - a.txt"] {
            let reply = alice.ask(request);
            assert!(reply.starts_with("ERR no-such-file "), "{request} was answered {reply}");
        }
    };
    refused(&mut alice);
    alice.share(&daemon, "a.txt", b"hello");
    alice.withdraw("a.txt");
    refused(&mut alice);
}

#[test]
fn files_are_handled_in_ones_own_name_only() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "a.txt", b"hello");
    for letter in ["F", "L", "X"] {
        let reply = alice.ask(&format!("{letter} bob a.txt"));
        assert!(reply.starts_with("ERR not-you "), "{reply}");
        // Who leaves the name out is shown the whole line.
        let reply = alice.ask(&format!("{letter} a.txt"));
        assert!(reply.starts_with("ERR usage ") && reply.ends_with(&format!("{letter} - a.txt")), "{reply}");
    }
    assert!(alice.ask("L ALICE a.txt").starts_with("OK "));
    assert!(alice.ask("F alice b.txt").starts_with("OK "));
    assert!(alice.ask("X Alice a.txt").starts_with("OK"));
}

#[test]
fn one_withdraws_ones_own_files_and_an_administrator_any() {
    let mut daemon = Daemon::start();
    Client::enter(&daemon, "olga").ask("E");
    promote(&mut daemon, "olga");
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let mut olga = Client::enter(&daemon, "olga");
    alice.share(&daemon, "a.txt", b"hello");
    bob.share(&daemon, "b.txt", b"hello");
    let reply = bob.ask("X - a.txt");
    assert!(reply.starts_with("ERR not-yours "), "{reply}");
    assert_eq!(bob.fetch(&daemon, "a.txt"), b"hello");
    alice.withdraw("a.txt");
    olga.withdraw("b.txt");
    // By whom, not whose.
    assert_eq!(bob.skip_to("[alice] withdrew"), "[alice] withdrew a.txt");
    assert_eq!(bob.line(), "[olga] withdrew b.txt");
    assert!(bob.ask("S").starts_with("OK 0"));
}

#[test]
fn a_withdrawn_name_is_free_for_anyone() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    for round in 0..3 {
        alice.share(&daemon, "a.txt", &noise(round, 100));
        alice.withdraw("a.txt");
        bob.share(&daemon, "A.txt", &noise(100 + round, 100));
        assert_eq!(alice.fetch(&daemon, "a.txt"), noise(100 + round, 100));
        assert!(alice.ask("X - a.txt").starts_with("ERR not-yours "));
        bob.withdraw("a.txt");
    }
}

#[test]
fn the_same_bytes_lie_there_once_until_their_last_name_is_withdrawn() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let sha256 = alice.share(&daemon, "a.txt", b"hello");
    bob.share(&daemon, "b.txt", b"hello");
    alice.share(&daemon, "c.txt", b"hello");
    daemon.settles_to(&[&sha256]);
    alice.withdraw("a.txt");
    bob.withdraw("b.txt");
    assert_eq!(bob.fetch(&daemon, "c.txt"), b"hello");
    daemon.settles_to(&[&sha256]);
    alice.withdraw("c.txt");
    daemon.settles_to(&[]);
    bob.share(&daemon, "a.txt", b"hello");
    daemon.settles_to(&[&sha256]);
}
