//! The promise about what the room hears of files: each sharing and each withdrawal once, in everyone's
//! voice, and again in the history, whatever happens to the daemon.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, is_heartbeat, noise, seq_of};

/// An event or item without what differs from run to run, after a look at its form.
fn masked(mut line: Value) -> Value {
    assert!(line["seq"].take().is_u64() && line["at"].take().as_str().unwrap().ends_with('Z'));
    line
}

#[test]
fn a_sharing_is_told_once_in_every_voice() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let mut program = Client::program(&daemon, "program");
    alice.skip_to("[program] entered");
    bob.ask("V zh");
    let sha256 = alice.share(&daemon, "two words.pdf", &noise(1, 717 << 10));
    // The uploader's talk is another connection than the upload's.
    assert_eq!(alice.line(), "[alice] shared two words.pdf (717 KiB) - L - two words.pdf fetches it");
    assert_eq!(bob.line(), "[alice] 共享了 two words.pdf（717 KiB）；取文件请发：L - two words.pdf");
    let line = program.line();
    assert!(line.starts_with(r#"{"event":"file","room":"lobby","seq":"#), "{line}");
    let want = json!({
        "event": "file", "room": "lobby", "seq": null, "at": null,
        "from": "alice", "file_name": "two words.pdf", "size_bytes": 717 << 10, "sha256": sha256,
    });
    assert_eq!(masked(serde_json::from_str(&line).unwrap()), want);
    for client in [&mut alice, &mut bob, &mut program] {
        assert!(is_heartbeat(&client.only_reply("K")), "told once");
    }
}

#[test]
fn a_withdrawal_is_told_once_in_every_voice_but_to_the_person_who_asked() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let mut carol = Client::enter(&daemon, "carol");
    let mut program = Client::program(&daemon, "program");
    bob.ask("V zh");
    alice.share(&daemon, "two words.pdf", b"hello");
    for client in [&mut alice, &mut bob, &mut carol] {
        while !client.line().contains("two words.pdf") {}
    }
    let shared = program.json();
    assert!(alice.only_reply("X - TWO words.pdf").starts_with("OK"), "and no event");
    assert!(is_heartbeat(&alice.only_reply("K")), "nor later");
    assert_eq!(bob.line(), "[alice] 撤下了 two words.pdf");
    assert_eq!(carol.line(), "[alice] withdrew two words.pdf");
    let line = program.line();
    assert!(line.starts_with(r#"{"event":"withdrawn","room":"lobby","seq":"#), "{line}");
    let want = json!({
        "event": "withdrawn", "room": "lobby", "seq": null, "at": null, "from": "alice",
        "file_name": "two words.pdf", "shared_seq": shared["seq"],
    });
    assert_eq!(masked(serde_json::from_str(&line).unwrap()), want);
    for client in [&mut bob, &mut carol, &mut program] {
        assert!(is_heartbeat(&client.only_reply("K")), "told once");
    }
    // A program hears its own.
    program.share(&daemon, "b.txt", b"hello");
    assert_eq!(program.json()["event"], "file");
    let lines = program.objects_of("X - b.txt");
    assert_eq!((&lines[0]["event"], &lines[1]), (&json!("withdrawn"), &json!({"ok": "X"})));
}

#[test]
fn files_have_their_numbers_among_the_talk() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let before = seq_of(&alice.ask("C - before"));
    alice.share(&daemon, "a.txt", b"hello");
    alice.withdraw("a.txt");
    assert_eq!(seq_of(&alice.ask("C - after")), before + 3);
}

#[test]
fn history_shelf_and_files_are_there_after_a_stop_and_after_a_crash() {
    let mut daemon = Daemon::start();
    let whole = noise(1, 717 << 10);
    let mut alice = Client::enter(&daemon, "alice");
    let sha256 = alice.share(&daemon, "a.pdf", &whole);
    alice.share(&daemon, "b.pdf", b"hello");
    alice.withdraw("b.pdf");
    let seq = seq_of(&alice.ask("C - done"));
    for end in [|daemon: &mut Daemon| _ = daemon.stop(), Daemon::kill] {
        drop(alice);
        end(&mut daemon);
        daemon.restart();
        alice = Client::enter(&daemon, "alice");
        for (voice, shared, withdrawn) in [
            ("en", "[alice] shared a.pdf (717 KiB) - L - a.pdf fetches it", "[alice] withdrew b.pdf"),
            ("zh", "[alice] 共享了 a.pdf（717 KiB）；取文件请发：L - a.pdf", "[alice] 撤下了 b.pdf"),
        ] {
            alice.ask(&format!("V {voice}"));
            let lines = alice.lines_of(&format!("H {} {seq}", seq - 4));
            assert_eq!(lines.len(), 5, "{lines:#?}");
            assert!(lines[0].starts_with(&format!("#{} ", seq - 3)) && lines[0].ends_with(shared), "{lines:#?}");
            assert!(lines[1].contains("b.pdf") && lines[2].ends_with(withdrawn), "{lines:#?}");
        }
        alice.ask("V json");
        let items = alice.objects_of(&format!("H {} {seq} 3", seq - 4));
        let shelf = alice.objects_of("S");
        let file = json!({
            "item": "file", "room": "lobby", "seq": null, "at": null,
            "from": "alice", "file_name": "a.pdf", "size_bytes": whole.len(), "sha256": sha256,
        });
        let withdrawn = json!({
            "item": "withdrawn", "room": "lobby", "seq": null, "at": null, "from": "alice",
            "file_name": "b.pdf", "shared_seq": seq - 2,
        });
        assert_eq!(shelf.len(), 2, "{shelf:#?}");
        assert_eq!(shelf[0], alice.objects_of(&format!("H {} {}", seq - 4, seq - 3))[0], "the same item");
        assert_eq!(masked(shelf[0].clone()), file);
        assert_eq!(masked(items[1].clone()), withdrawn);
        assert!(alice.fetch(&daemon, "a.pdf") == whole);
        daemon.settles_to(&[&sha256]);
        assert!(alice.ask("F - a.pdf").contains("file-exists"), "the name is still taken");
    }
}
