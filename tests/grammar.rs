//! The promise about lines: what ends one, how long it may be, which blanks count, what is swallowed,
//! what is said without a letter, and that each request gets exactly one reply, in order.

use crate::harness::{Client, Daemon, is_reply, seq_of};

#[test]
fn who_sends_crlf_is_answered_with_crlf_from_then_on() {
    let daemon = Daemon::start();
    let mut putty = Client::connect(&daemon);
    putty.send("K");
    assert_eq!(putty.raw_line().unwrap(), "OK\n");
    putty.send_raw(b"?\r\nK\nE\r\n");
    while let Some(line) = putty.raw_line() {
        assert!(line.ends_with("\r\n"), "{line:?}");
    }
}

#[test]
fn the_first_crlf_may_come_after_login_and_events_are_answered_so_too() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    // An empty line asks for nothing, but shows the line end.
    alice.send_raw(b"\r\nK\n");
    assert_eq!(alice.raw_line().unwrap(), "OK\r\n");
    bob.ask("C - hello");
    assert_eq!(alice.raw_line().unwrap(), "[bob]: hello\r\n");
    alice.ask("C - hi");
    assert_eq!(bob.raw_line().unwrap(), "[alice]: hi\n");
    let mut replacing = Client::enter(&daemon, "alice");
    let last_words = alice.raw_line().unwrap();
    assert!(last_words.starts_with("Closing (replaced)") && last_words.ends_with("\r\n"), "{last_words:?}");
    replacing.send("K");
    assert_eq!(replacing.raw_line().unwrap(), "OK\n", "another connection has its own line end");
}

#[test]
fn a_refused_line_shows_the_line_end_like_any_other() {
    let daemon = Daemon::start();
    let long = "x".repeat(600) + "\r\n";
    let lines =
        [("unknown", &b"Y\r\n"[..]), ("bad text", b"\x07\r\n"), ("not UTF-8", b"\xc3\x28\r\n"), ("too long", long.as_bytes())];
    let has_lf_after = |line: &[u8]| {
        let mut client = Client::connect(&daemon);
        client.send_raw(line);
        client.expect("ERR ");
        client.send("K");
        client.raw_line().unwrap() == "OK\n"
    };
    let wrong: Vec<&str> = lines.iter().filter(|(_, line)| has_lf_after(line)).map(|&(what, _)| what).collect();
    assert_eq!(wrong, [""; 0], "these lines in CRLF are answered with LF afterwards");
}

#[test]
fn a_byte_order_mark_before_the_first_line_is_ignored() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    assert_eq!(client.ask("\u{feff}K"), "OK");
    assert!(client.ask("\u{feff}K").starts_with("ERR unknown-command "), "but only there");
}

#[test]
fn blanks_between_arguments_count_as_one_and_at_the_end_as_none() {
    let daemon = Daemon::start();
    let mut alice = Client::connect(&daemon);
    assert!(alice.ask("U    alice   ").starts_with("OK new alice "));
    assert!(alice.ask("P     alice correct-horse").starts_with("OK alice 1 2 "));
    for (plain, with_blanks) in
        [("W 1", "W    1  "), ("H - - 3", "H  -   -    3   "), ("V en", "V  en "), ("K", "K   "), ("? C", "?   C  ")]
    {
        assert_eq!(alice.lines_of(plain), alice.lines_of(with_blanks), "{with_blanks:?}");
    }
    assert!(alice.ask("E    -   ").starts_with("OK"));
}

#[test]
fn a_text_keeps_its_blanks() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    for (line, heard) in [
        ("C -  two  blanks  ", "[bob]:  two  blanks  "),
        ("C bob \ttabs\t", "[bob]: \ttabs\t"),
        ("C   - x", "[bob]: x"),
        ("' quoted ", "[bob]:  quoted "),
        ("C - crlf \r", "[bob]: crlf "),
    ] {
        bob.ask(line);
        assert_eq!(alice.line(), heard, "{line:?}");
    }
}

#[test]
fn letters_may_be_of_either_case() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    assert!(client.ask("u alice").starts_with("OK new alice "));
    assert!(client.ask("p alice correct-horse").starts_with("OK alice 1 2 "));
    assert_eq!(client.ask("c - hello"), "OK 3");
    assert!(client.ask("h").starts_with("OK "));
    assert_eq!(client.ask("w"), "OK 1 alice");
    assert!(client.ask("v zh").starts_with("OK zh "));
    assert_eq!(client.ask("k"), "OK");
    assert!(client.ask("i token").starts_with("ERR already-in "));
    assert!(client.ask("e -").starts_with("OK"));
    assert_eq!(client.rest(), [""; 0]);
}

#[test]
fn telnet_negotiation_is_swallowed() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    for negotiation in [
        &b"\xff\xfb\x18"[..],
        b"\xff\xfc\x01",
        b"\xff\xfd\x03\xff\xfe\x05",
        b"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0",
        b"\xff\xf1",
        // What `telnet` sends for Ctrl-C.
        b"\xff\xf4\xff\xfd\x06",
    ] {
        for at in 0..=4 {
            let mut line = b"V  en".to_vec();
            line.splice(at..at, negotiation.iter().copied());
            assert!(client.only_reply(&line).starts_with("OK en "), "{line:?}");
        }
    }
}

#[test]
fn an_empty_line_and_help_before_login_say_in_both_languages_how_to_enter() {
    for lang in ["en", "zh"] {
        let daemon = Daemon::start_with(&["--lang", lang]);
        let mut stranger = Client::connect(&daemon);
        let help = stranger.lines_of("?");
        for how in &help[..2] {
            assert!(how.contains("U ") && how.contains("P "), "{how}");
        }
        assert!(help[0].contains("To enter") && help[1].contains("进入"), "{help:?}");
        assert_eq!(help.last().unwrap(), "OK");
        for line in ["", "help", "\r", "   "] {
            assert_eq!(stranger.lines_of(line).concat(), help.concat(), "{line:?}");
        }
    }
}

#[test]
fn help_is_a_line_for_each_command() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let help = alice.lines_of("?");
    let letters: String = help[..help.len() - 1].iter().map(|line| &line.trim_start()[..1]).collect();
    let mut letters: Vec<char> = letters.chars().collect();
    letters.sort_unstable();
    assert_eq!(String::from_iter(letters), "?BCDEFGHIKLMNOPRSTUVWX");
}

#[test]
fn empty_lines_after_login_are_ignored() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.send_raw(b"\n\r\n  \n \t \nV\n");
    assert!(alice.line().starts_with("OK parlor "));
    let mut program = Client::program(&daemon, "bob");
    program.send_raw(b"\n  \nK\n");
    assert_eq!(program.line(), "{\"ok\":\"K\"}");
}

#[test]
fn quit_and_exit_mean_leaving() {
    let daemon = Daemon::start();
    for word in ["quit", "exit"] {
        let mut stranger = Client::connect(&daemon);
        let mut member = Client::enter(&daemon, "alice");
        for client in [&mut stranger, &mut member] {
            assert!(client.ask(word).starts_with("OK"), "{word}");
            assert_eq!(client.rest(), [""; 0]);
        }
    }
}

#[test]
fn people_speak_without_the_letter() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    for voice in ["en", "zh"] {
        bob.ask(&format!("V {voice}"));
        for (line, said) in
            [("'hello", "hello"), ("你好", "你好"), ("'E", "E"), ("écoute C - x", "écoute C - x"), ("''", "'"), ("🙂", "🙂")]
        {
            let seq = seq_of(&bob.only_reply(line));
            assert_eq!(alice.line(), format!("[bob]: {said}"), "{line:?} in {voice}, number {seq}");
        }
    }
}

#[test]
fn programs_and_strangers_speak_by_the_letter_only() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "robot");
    let mut stranger = Client::connect(&daemon);
    for line in ["'hello", "你好"] {
        assert!(program.only_reply(line).starts_with("{\"err\":\"unknown-command\","), "{line}");
        assert!(stranger.only_reply(line).starts_with("ERR unknown-command "), "{line}");
    }
}

#[test]
fn a_line_may_have_512_bytes_before_login_and_4096_after_it() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    // Trailing blanks fill a heartbeat up to any length.
    for (logged_in, limit_bytes) in [(false, 512), (true, 4096)] {
        if logged_in {
            client.log_in("alice");
        }
        for line_end in ["", "\r"] {
            let longest = format!("{:limit_bytes$}", "K");
            assert_eq!(client.only_reply(format!("{longest}{line_end}")), "OK");
            let reply = client.only_reply(format!("{longest} {line_end}"));
            assert!(reply.starts_with("ERR line-too-long ") && reply.contains(&limit_bytes.to_string()), "{reply}");
        }
    }
    let text = "x".repeat(4092);
    assert!(client.only_reply(format!("C - {text}")).starts_with("OK "));
    assert!(client.only_reply(format!("C - {text}x")).starts_with("ERR line-too-long "));
    assert!(client.only_reply(format!("{{{:4096}", "")).starts_with("ERR line-too-long "), "16 KiB are for programs");
}

#[test]
fn the_limit_grows_with_the_login_even_within_one_segment() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    let text = "x".repeat(4000);
    client.send_raw(format!("U alice\nC - {text}\nP alice correct-horse\nC - {text}\n").as_bytes());
    client.expect("OK new alice ");
    client.expect("ERR line-too-long ");
    client.expect("OK alice 1 2 ");
    client.expect("OK 3");
}

#[test]
fn a_json_request_may_have_16_kib_and_its_text_4096_bytes() {
    let daemon = Daemon::start();
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    let stranger = format!("{{\"do\":\"K\"{:600}}}", "");
    assert!(program.ask(&stranger).contains("line-too-long"), "512 bytes before login, in json too");
    program.log_in("robot");
    // Bytes of the line, bytes of the decoded text, and whether it is taken.
    for (line_bytes, text_bytes, is_taken) in
        [(16_384, 1, true), (16_385, 1, false), (16_384, 4096, true), (5_000, 4096, true), (5_000, 4097, false)]
    {
        let mut line = format!("{{\"do\":\"C\",\"text\":\"{}\"", "x".repeat(text_bytes));
        line.extend(std::iter::repeat_n(' ', line_bytes - 1 - line.len()));
        line.push('}');
        let reply = program.ask(&line);
        let want = if is_taken { "{\"ok\":\"C\"" } else { "{\"err\":\"line-too-long\"" };
        assert!(reply.starts_with(want), "{line_bytes} {text_bytes}: {reply}");
    }
    let escaped = format!("{{\"do\":\"C\",\"text\":\"{}\"}}", "\\u4f60".repeat(1365));
    assert!(program.ask(&escaped).starts_with("{\"ok\":\"C\""), "8 kB of escapes are 4,095 bytes of text");
    let escaped = format!("{{\"do\":\"C\",\"text\":\"{}\"}}", "\\u4f60".repeat(1366));
    assert!(program.ask(&escaped).starts_with("{\"err\":\"line-too-long\""));
    let plain = format!("C - {}", "x".repeat(4093));
    assert!(program.ask(&plain).starts_with("{\"err\":\"line-too-long\""), "a plain line has 4,096 bytes");
}

#[test]
fn pipelined_requests_get_one_reply_each_in_order() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    let long = "x".repeat(5000);
    let conversation: &[(&str, &str)] = &[
        ("K", "OK"),
        ("C - too soon", "ERR login-first "),
        ("U alice", "OK new alice "),
        ("Y", "ERR unknown-command "),
        ("P alice correct-horse", "OK alice 1 2 "),
        ("C - one", "OK 3"),
        ("C - two", "OK 4"),
        ("C bob three", "ERR not-you "),
        ("C - three", "OK 5"),
        (&long, "ERR line-too-long "),
        ("C", "ERR usage "),
        ("K", "OK"),
        ("W", "OK 1 alice"),
        ("'four", "OK 6"),
        ("C - bell\u{7}", "ERR bad-text "),
        ("V zh", "OK zh "),
        ("五", "OK 7"),
        ("U alice", "ERR already-in "),
        ("V en", "OK en "),
        ("H 0", "OK "),
        ("E -", "OK"),
    ];
    let lines: Vec<&str> = conversation.iter().map(|&(line, _)| line).collect();
    // Empty lines between them once they are ignored, that is after the login.
    let (before, after) = lines.split_at(5);
    client.send_raw((before.join("\n") + "\n\n" + &after.join("\n\n") + "\n").as_bytes());
    let heard = client.rest();
    let replies: Vec<&String> = heard.iter().filter(|line| is_reply(line)).collect();
    assert_eq!(replies.len(), conversation.len(), "{heard:#?}");
    for ((line, want), reply) in conversation.iter().zip(replies) {
        assert!(reply.starts_with(want), "{line:.40?} was answered {reply:?}, not {want:?}");
    }
}

#[test]
fn a_browser_is_told_what_this_is_and_closed() {
    let daemon = Daemon::start();
    for first_line in ["GET / HTTP/1.1", "POST /x HTTP/1.0", "OPTIONS * HTTP/1.1", "CONNECT http://example.org HTTP/1.1"] {
        let mut browser = Client::connect(&daemon);
        browser.send_raw(format!("{first_line}\r\nHost: localhost\r\n\r\n").as_bytes());
        browser.expect("Closing (not-http): this is a chat room, not a web server");
        assert_eq!(browser.rest(), [""; 0]);
    }
    let mut person = Client::connect(&daemon);
    person.ask("K");
    assert!(person.only_reply("GET / HTTP/1.1").starts_with("ERR unknown-command "), "later it is only a strange line");
}

#[test]
fn a_browser_that_sends_crlf_is_told_so_in_crlf() {
    let daemon = Daemon::start();
    let mut browser = Client::connect(&daemon);
    browser.send_raw(b"GET / HTTP/1.1\r\n\r\n");
    let last_words = browser.raw_line().unwrap();
    assert!(last_words.ends_with("\r\n"), "{last_words:?}");
}
