//! Too much, too long, too large, or no JSON at all.

use std::thread;

use serde_json::json;

use super::server::Server;
use super::{Words, enter, hears_again, leave, peak_mib, still_hears, words};
use crate::harness::{Terminal, is_intact, key, screen_client};

#[test]
fn long_lines_without_blanks_keep_the_screen_and_can_be_scrolled_through() {
    let server = Server::start(words());
    let mut alice = enter(&server);
    let texts = [
        "x".repeat(4096),
        "宽".repeat(1365),
        "\u{301}".repeat(2048),
        "a\u{301}\u{302}\u{303}".repeat(500),
        "👨\u{200d}👩\u{200d}👧\u{200d}".repeat(160),
        "\t".repeat(4096),
        "\n".repeat(4096),
        "\u{200b}".repeat(1365),
        "क्ष".repeat(300),
        "\u{1f1e8}".repeat(1000),
    ];
    for text in &texts {
        server.chat("eve", text);
        server.chat(text, "a name");
    }
    still_hears(&server, &alice, "behind");
    for _ in 0..100 {
        alice.press(key::PAGE_UP);
    }
    alice.wait_for("reading back");
    alice.wait_until("a whole screen", is_intact);
    for size in [(40, 12), (20, 5), (200, 60), (80, 24)] {
        alice.resize(size);
        alice.wait_until("a whole screen", is_intact);
    }
    alice.press(key::ESCAPE);
    alice.wait_for("behind");
    leave(alice);
}

/// The second size is more than any line may have.
#[test]
fn lines_as_long_as_they_may_be_and_longer_are_survived() {
    for size_bytes in [20_000, 1 << 20] {
        let server = Server::start(words());
        let mut alice = enter(&server);
        for text in
            ["x".repeat(size_bytes), "宽 ".repeat(size_bytes / 4), "\u{301}".repeat(size_bytes / 2), "\n".repeat(size_bytes)]
        {
            server.chat("eve", &text);
            server.happens("file", json!({ "from": text, "file_name": text, "size_bytes": 1, "sha256": text }));
        }
        hears_again(&server, &alice, "behind");
        alice.enter_line("still here");
        alice.wait_for("alice: still here");
        let peak = peak_mib(alice.pid());
        assert!(peak < 200, "{peak} MiB");
        leave(alice);
    }
}

#[test]
fn a_line_that_does_not_end_is_given_up() {
    let server = Server::start(words());
    let alice = enter(&server);
    still_hears(&server, &alice, "before");
    server.send(b"{\"event\":\"chat\",\"text\":\"");
    for _ in 0..64 {
        server.send(&vec![b'x'; 1 << 20]);
    }
    hears_again(&server, &alice, "behind");
    let peak = peak_mib(alice.pid());
    assert!(peak < 100, "{peak} MiB");
    leave(alice);
}

#[test]
fn what_is_no_json_is_a_lost_connection_and_no_more() {
    let deep = "[".repeat(30_000);
    let lines: [&[u8]; 9] = [b"no json at all", b"[]", b"null", b"{", b"\"\"", b"{}", b"\xff\xfe\x00", b"", deep.as_bytes()];
    // Side by side: who was lost more than once waits longer each time.
    thread::scope(|scope| {
        for line in lines {
            scope.spawn(move || {
                let server = Server::start(words());
                let alice = enter(&server);
                still_hears(&server, &alice, "before");
                server.send(&[line, b"\n"].concat());
                hears_again(&server, &alice, "behind");
                leave(alice);
            });
        }
    });
}

#[test]
fn fields_of_the_wrong_kind_are_passed_over() {
    let server = Server::start(words());
    let alice = enter(&server);
    let kinds =
        ["chat", "enter", "leave", "file", "withdrawn", "invite", "uninvite", "join", "result", "announcement", "missed"];
    for kind in kinds {
        server.happens(kind, json!({}));
        server.happens(kind, json!({ "from": 7, "text": ["x"], "file_name": null, "size_bytes": -1, "game_id": "x", "at": 5 }));
        server.happens(
            kind,
            json!({ "from": "", "text": "", "file_name": "", "size_bytes": 1e300, "game_id": 0, "game": "", "inviter": "",
            "first": "", "second": "", "result": "", "reason": "", "at": "yesterday", "sha256": "" }),
        );
        still_hears(&server, &alice, &format!("behind {kind}"));
    }
    leave(alice);
}

#[test]
fn numbers_that_go_backwards_or_are_huge_are_survived() {
    let server = Server::start(words());
    let alice = enter(&server);
    still_hears(&server, &alice, "before");
    for seq in [5, 5, 4, 1, 0] {
        server.happens("chat", json!({ "from": "eve", "text": format!("old {seq}"), "seq": seq }));
    }
    still_hears(&server, &alice, "behind");
    for seq in [1_u64 << 40, u64::MAX - 1, u64::MAX] {
        server.happens("chat", json!({ "from": "eve", "text": "far ahead", "seq": seq, "at": "9999-12-31T23:59:59.999Z" }));
    }
    alice.wait_for("far ahead");
    server.tell(&json!({ "event": "missed", "room": "lobby", "first": 0, "last": u64::MAX }));
    server.tell(&json!({ "event": "missed", "room": "lobby", "first": u64::MAX, "last": 0 }));
    alice.wait_until("a whole screen", is_intact);
    leave(alice);
}

#[test]
fn a_login_at_the_end_of_all_numbers_is_survived() {
    let server = Server::start(Words { seq: u64::MAX, ..words() });
    let alice = enter(&server);
    alice.wait_until("a whole screen", is_intact);
    leave(alice);
}

#[test]
fn a_hundred_thousand_events_at_once_are_taken_in_stride() {
    const EVENTS: usize = 100_000;
    let server = Server::start(words());
    let mut alice = Terminal::enter_with(&screen_client(server.address, "alice"), (80, 24));
    still_hears(&server, &alice, "before");
    thread::scope(|scope| {
        scope.spawn(|| {
            let first = 1_000;
            for batch in 0..EVENTS / 1000 {
                let lines: String = (0..1000)
                    .map(|number| {
                        let seq = first + batch * 1000 + number;
                        format!("{{\"event\":\"chat\",\"room\":\"lobby\",\"seq\":{seq},\"at\":\"2026-11-20T12:00:00.000Z\",\"from\":\"eve\",\"text\":\"flood {seq} \u{1f4a7}\"}}\n")
                    })
                    .collect();
                server.send(lines.as_bytes());
            }
        });
        // Keys are answered in the middle of it.
        alice.wait_for("flood");
        alice.press("typed in the flood");
        alice.wait_for("> typed in the flood");
        alice.press("\x15");
    });
    server.happens("chat", json!({ "from": "eve", "text": "the last word", "seq": 200_000 }));
    alice.wait_for("the last word");
    let peak = peak_mib(alice.pid());
    assert!(peak < 200, "{peak} MiB");
    leave(alice);
}
