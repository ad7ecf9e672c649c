//! The promise about what is refused: each wrong line gets one `ERR` with the right code, whose words
//! say what to do instead, and does nothing else.

use crate::harness::{Client, Daemon, is_heartbeat, seq_of};

/// Before login, with what each is answered; what these close or change is left out.
const BEFORE_LOGIN: &[(&str, &str)] = &[
    ("C - hello", "ERR login-first "),
    ("C alice hello", "ERR login-first "),
    ("H", "ERR login-first "),
    ("H 1 2 3", "ERR login-first "),
    ("W", "ERR login-first "),
    ("W 2", "ERR login-first "),
    ("P alice correct-horse", "ERR no-such-user "),
    ("I 00000000000000000000000000000000", "ERR bad-token "),
    ("hello", "ERR unknown-command "),
    ("K", "OK"),
    ("V", "OK parlor "),
    ("V en", "OK en "),
    ("U alice", "OK new alice "),
];

/// Wrong in number or form, with the form that the refusal must show.
const WRONG_FORMS: &[(&str, &[&str])] = &[
    ("U name", &["U", "U a b", "U a b c"]),
    ("P name password", &["P", "P alice", "P alice "]),
    ("I token", &["I", "I a b"]),
    ("C name text", &["C", "C -", "C - ", "C -    ", "C alice"]),
    (
        "H [left [right [n]]]",
        &["H x", "H -1", "H 1 x", "H 1 2 x", "H 1 2 0", "H 1 2 +0", "H 1 2 3 4", "H 99999999999999999999"],
    ),
    ("W [page]", &["W 0", "W x", "W 1 2", "W -1"]),
    ("V [voice]", &["V fr", "V en zh"]),
    ("K", &["K 1", "K K"]),
    ("? [letter]", &["? CC", "? C H", "? Y"]),
    ("E [name]", &["E a b"]),
];

#[test]
fn every_request_before_login_gets_its_refusal() {
    let daemon = Daemon::start();
    let mut stranger = Client::connect(&daemon);
    for (line, want) in BEFORE_LOGIN {
        let reply = stranger.only_reply(line);
        assert!(reply.starts_with(want), "{line:?} was answered {reply:?}");
    }
    assert!(stranger.only_reply("H").contains("U your-name"), "it says how to log in");
    assert!(stranger.ask("E").starts_with("OK"));
    assert_eq!(stranger.rest(), [""; 0]);
    let rows: u64 = daemon.database().query_row("SELECT count(*) FROM base_info", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0, "nothing came of it");
}

#[test]
fn a_program_before_login_gets_the_same_codes() {
    let daemon = Daemon::start();
    let mut stranger = Client::connect(&daemon);
    stranger.ask("V json");
    for (line, code) in BEFORE_LOGIN.iter().filter_map(|(line, want)| Some((line, want.strip_prefix("ERR ")?.trim()))) {
        let reply = stranger.only_reply(line);
        assert!(reply.starts_with(&format!("{{\"err\":\"{code}\",")), "{line:?} was answered {reply:?}");
    }
}

#[test]
fn wrong_arguments_are_answered_with_the_right_form() {
    let daemon = Daemon::start();
    for voice in ["en", "zh"] {
        let mut member = Client::enter(&daemon, "alice");
        let mut stranger = Client::connect(&daemon);
        member.ask(&format!("V {voice}"));
        stranger.ask(&format!("V {voice}"));
        for (form, lines) in WRONG_FORMS {
            for line in *lines {
                let is_to_enter = ["U", "P", "I"].contains(&&form[..1]);
                if is_to_enter {
                    // Who is in already is told so, whatever the arguments; and never to say a password aloud.
                    let reply = member.only_reply(line);
                    assert!(reply.starts_with("ERR already-in "), "{line:?} was answered {reply:?}");
                    assert!(!reply.contains("C - P"), "{reply}");
                }
                let reply = if is_to_enter { stranger.only_reply(line) } else { member.only_reply(line) };
                assert!(reply.starts_with("ERR usage "), "{line:?} was answered {reply:?}");
                assert!(reply.contains(form), "{line:?} was answered without {form:?}: {reply:?}");
            }
        }
    }
}

#[test]
fn wrong_arguments_before_login_are_usage_too() {
    let daemon = Daemon::start();
    let mut stranger = Client::connect(&daemon);
    for line in WRONG_FORMS.iter().flat_map(|(_, lines)| *lines) {
        let reply = stranger.only_reply(line);
        assert!(reply.starts_with("ERR usage ") || reply.starts_with("ERR login-first "), "{line:?} was answered {reply:?}");
        assert!(!reply.contains("C - "), "a stranger cannot say it: {reply}");
    }
}

#[test]
fn letters_without_a_meaning_are_unknown_commands() {
    // A room for each, so that nobody's entry is heard between replies.
    let daemons = [Daemon::start(), Daemon::start()];
    let mut clients = [
        ("ERR ", Client::connect(&daemons[0])),
        ("ERR ", Client::enter(&daemons[0], "alice")),
        ("{\"err\":\"", Client::program(&daemons[1], "bob")),
    ];
    for letter in "AJQYZyjq".chars() {
        for line in [format!("{letter}"), format!("{letter} - words"), format!("{letter}{letter}")] {
            for (start, client) in &mut clients {
                let reply = client.only_reply(&line);
                assert!(reply.starts_with(&format!("{start}unknown-command")), "{line:?} was answered {reply:?}");
            }
        }
        let reply = clients[2].1.only_reply(format!("{{\"do\":\"{letter}\",\"ref\":\"r{letter}\"}}"));
        assert!(reply.starts_with(&format!("{{\"err\":\"unknown-command\",\"ref\":\"r{letter}\",")), "{reply}");
    }
}

#[test]
fn the_line_that_a_refusal_shows_says_it() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    for (voice, before) in [("en", "to say it: "), ("zh", "要说这句话请发：")] {
        bob.ask(&format!("V {voice}"));
        for (line, code, said) in [
            ("hello there", "unknown-command", "hello there"),
            ("y", "unknown-command", "y"),
            ("I'm late", "unknown-command", "I'm late"),
            ("H the others?", "usage", "H the others?"),
            ("help me", "unknown-command", "help me"),
            ("quit smoking", "unknown-command", "quit smoking"),
            ("u there?", "already-in", "u there?"),
            ("E carol", "not-you", "E carol"),
            ("C hello", "usage", "hello"),
            ("K what?", "usage", "K what?"),
            ("V for vendetta", "usage", "V for vendetta"),
            ("C alice come here", "not-you", "alice come here"),
        ] {
            let reply = bob.only_reply(line);
            assert!(reply.starts_with(&format!("ERR {code} ")), "{line:?} was answered {reply:?}");
            let (_, shown) = reply.split_once(before).unwrap_or_else(|| panic!("no line is shown for {line:?}: {reply:?}"));
            seq_of(&bob.only_reply(shown));
            assert_eq!(alice.line(), format!("[bob]: {said}"));
        }
    }
}

#[test]
fn nobody_speaks_or_leaves_in_anothers_name() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    for line in ["C alice hello", "E alice", "E nobody", "C nobody hello", "C bobby hello", "C Administrator hello"] {
        assert!(bob.only_reply(line).starts_with("ERR not-you you are bob"), "{line}");
    }
    for line in ["C bob one", "c BOB two", "C - three", "C  bob four"] {
        seq_of(&bob.only_reply(line));
    }
    for said in ["one", "two", "three", "four"] {
        assert_eq!(alice.line(), format!("[bob]: {said}"));
    }
}

#[test]
fn what_is_not_utf8_is_refused() {
    let daemon = Daemon::start();
    let (mut alice, mut program) = (Client::enter(&daemon, "alice"), Client::program(&daemon, "robot"));
    alice.skip_to("[robot] entered");
    for line in [
        &b"C - \xc3\x28"[..],
        b"C - \x80",
        b"C - \xed\xa0\x80", // a surrogate
        b"C - \xc0\xaf",     // overlong
        b"C - \xf4\x90\x80\x80",
        b"C - \xe4\xbd",
        b"\xfe\xfe",
        b"C - \xc4\xe3\xba\xc3", // GB18030
    ] {
        assert!(alice.only_reply(line).starts_with("ERR not-utf8 "), "{line:?}");
        assert!(program.only_reply(line).starts_with("{\"err\":\"not-utf8\","), "{line:?}");
    }
}

#[test]
fn what_acts_on_a_terminal_is_refused() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    let c0 = ('\0'..='\u{1f}').filter(|c| !['\t', '\n', '\u{1b}'].contains(c));
    let c1 = '\u{80}'..='\u{9f}';
    let bidi = ['\u{61c}', '\u{200e}', '\u{200f}'].into_iter().chain('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
    let others = "\u{2028}\u{2029}\u{206a}\u{206f}\u{fff9}\u{fffb}\u{fdd0}\u{ffff}\u{10fffe}\u{e0001}\u{e0041}";
    for bad in c0.chain(['\u{7f}']).chain(c1).chain(bidi).chain(others.chars()) {
        // Not at the end, where a CR belongs to the line end.
        for line in
            [format!("C - a{bad}b"), format!("{bad}C - a"), format!("W 1{bad}1"), format!("'{bad}b"), format!("你{bad}好")]
        {
            let reply = bob.only_reply(&line);
            assert!(reply.starts_with("ERR bad-text "), "{line:?} was answered {reply:?}");
        }
    }
    for good in ["tab\there", "👩‍👩‍👧", "می‌خواهم", "e\u{301}"] {
        seq_of(&bob.only_reply(format!("C - {good}")));
        assert_eq!(alice.line(), format!("[bob]: {good}"), "and nothing that was refused has been heard");
    }
}

#[test]
fn arrow_keys_have_their_own_words() {
    let daemon = Daemon::start();
    let (mut member, mut stranger) = (Client::enter(&daemon, "alice"), Client::connect(&daemon));
    for client in [&mut member, &mut stranger] {
        for line in ["\u{1b}[A", "C - \u{1b}[D", "U a\u{1b}[C", "\u{1b}"] {
            assert_eq!(client.only_reply(line), "ERR bad-text arrow keys do not work here; nothing was sent");
        }
    }
}

#[test]
fn control_characters_are_refused_before_login_too() {
    let daemon = Daemon::start();
    let mut stranger = Client::connect(&daemon);
    stranger.ask("U alice");
    for line in
        ["U a\u{7}b", "U a\u{202e}b", "P alice correct\u{1}horse", "P alice correct\u{85}horse", "I x\u{7f}y", "\u{8}U alice"]
    {
        assert!(stranger.only_reply(line).starts_with("ERR bad-text "), "{line:?}");
    }
}

#[test]
fn a_programs_escapes_do_not_smuggle_control_characters_in() {
    let daemon = Daemon::start();
    let mut program = Client::program(&daemon, "robot");
    for text in [r"a\u001b[2J", r"a\u0000", r"a\rb", r"a\u0085b", r"\u202eb", r"a\nb\u0007", r"\u007f"] {
        let reply = program.ask(&format!("{{\"do\":\"C\",\"text\":\"{text}\",\"ref\":\"r\"}}"));
        assert!(reply.starts_with("{\"err\":\"bad-text\",\"ref\":\"r\","), "{text}: {reply}");
    }
    let reply = program.ask(r#"{"do":"W","page":"1\n2"}"#);
    assert!(reply.starts_with("{\"err\":\"bad-text\""), "only a text has lines: {reply}");
    program.send("K");
    assert!(is_heartbeat(&program.line()), "nothing of it was said, else it would be heard first");
}
