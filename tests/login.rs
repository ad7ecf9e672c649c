//! The promise about becoming somebody by `U` and `P`: who is known, who is new, which names and
//! passwords there can be, and that a password is kept nowhere.

use std::path::Path;

use crate::harness::{Client, Daemon, PASSWORD};

#[test]
fn the_replies_to_u_invite_to_what_comes_next() {
    let daemon = Daemon::start();
    for (lang, new, known) in [
        ("en", "OK new alice - nobody has that name; to register it: P alice ", "OK known alice - to log in: P alice "),
        ("zh", "OK new bob - 此名字尚未注册；注册请发：P bob ", "OK known bob - 登录请发：P bob "),
    ] {
        let name = if lang == "en" { "alice" } else { "bob" };
        let mut client = Client::connect(&daemon);
        client.ask(&format!("V {lang}"));
        assert!(client.ask(&format!("U {name}")).starts_with(new));
        assert!(client.ask(&format!("P {name} {PASSWORD}")).starts_with(&format!("OK {name} ")));
        let mut client = Client::connect(&daemon);
        client.ask(&format!("V {lang}"));
        assert!(client.ask(&format!("U {name}")).starts_with(known));
    }
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    assert_eq!(program.ask("U ALICE"), r#"{"ok":"U","account":"known","name":"alice"}"#);
    assert_eq!(program.ask(r#"{"do":"U","name":"carol","ref":"r"}"#), r#"{"ok":"U","ref":"r","account":"new","name":"carol"}"#);
}

#[test]
fn the_third_wrong_password_closes() {
    let daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("E");
    let mut guesser = Client::connect(&daemon);
    assert_eq!(guesser.ask("P alice guess-1"), "ERR wrong-password 2 tries left");
    // Asking again, for whomever, gives no new tries.
    guesser.ask("U alice");
    guesser.ask("U nobody");
    assert_eq!(guesser.ask("P alice guess-2"), "ERR wrong-password 1 try left");
    assert!(guesser.ask("P alice guess-3").starts_with("ERR wrong-password 0 "));
    guesser.expect("Closing (wrong-password)");
    assert_eq!(guesser.rest(), [""; 0]);
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    for tries_left in (0..3).rev() {
        program.send("P alice guess");
        let reply = program.json();
        assert_eq!((&reply["err"], &reply["tries_left"]), (&"wrong-password".into(), &tries_left.into()));
    }
    assert_eq!(program.json()["reason"], "wrong-password");
    assert_eq!(program.rest(), [""; 0]);
    assert!(Client::connect(&daemon).log_in("alice").starts_with("OK alice "), "the account is not locked by it");
}

#[test]
fn a_wrong_password_may_be_corrected() {
    let daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("E");
    let mut alice = Client::connect(&daemon);
    for wrong in ["correct-hors", "correct-horsf", "correct-horse ", "Correct-horse", "x"].chunks(2).next().unwrap() {
        assert!(alice.ask(&format!("P alice {wrong}")).starts_with("ERR wrong-password "));
    }
    assert!(alice.ask("P alice correct-horse").starts_with("OK alice "));
}

#[test]
fn only_the_u_just_before_makes_a_p_register() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    assert!(client.ask("P alice correct-horse").starts_with("ERR no-such-user "));
    client.ask("U alice");
    assert!(client.ask("P bob correct-horse").starts_with("ERR no-such-user "), "U asked for another name");
    client.ask("U bob");
    assert!(client.ask("P alice correct-horse").starts_with("ERR no-such-user "), "U asked for another name last");
    client.ask("U alice");
    client.ask("K");
    assert!(client.ask("P alice correct-horse").starts_with("OK alice 1 2 "), "a heartbeat in between changes nothing");
    assert_eq!(names_in(&daemon), ["alice"]);
}

#[test]
fn a_password_has_6_to_71_bytes() {
    let daemon = Daemon::start();
    let longest = "p".repeat(71);
    for (name, bad, good) in [
        ("a", "12345", "123456"),
        ("b", &*"p".repeat(72), &*longest),
        ("c", "é", "ééé"),
        ("d", &*"密".repeat(24), &*"密".repeat(23)),
        ("e", " ", "      "),
    ] {
        let mut client = Client::connect(&daemon);
        client.ask(&format!("U {name}"));
        assert!(client.ask(&format!("P {name} {bad}")).starts_with("ERR bad-password "), "{} bytes", bad.len());
        let welcome = client.ask(&format!("P {name} {good}"));
        assert!(welcome.starts_with(&format!("OK {name} ")), "still new, so it registers: {welcome}");
    }
    // The last byte counts, and bytes that bcrypt would not read do not open it.
    for wrong in [&longest[..70], &format!("{}q", &longest[..70]), &format!("{longest}p")] {
        assert!(
            Client::connect(&daemon).ask(&format!("P b {wrong}")).starts_with("ERR wrong-password 2 "),
            "{} bytes",
            wrong.len()
        );
    }
}

#[test]
fn a_password_keeps_the_blanks_at_its_ends() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    client.ask("U alice");
    assert!(client.ask("P alice  two  words ").starts_with("OK alice "));
    for wrong in ["two  words", " two  words", "two  words ", " two words ", " two  words  "] {
        let reply = Client::connect(&daemon).ask(&format!("P alice {wrong}"));
        assert!(reply.starts_with("ERR wrong-password "), "{wrong:?} {reply}");
    }
    assert!(Client::connect(&daemon).ask("P   alice  two  words \r").starts_with("OK alice "), "a CR is no part of it");
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    assert!(program.ask(r#"{"do":"P","name":"alice","password":" two  words "}"#).starts_with("{\"ok\":\"P\""));
}

#[test]
fn names_are_letters_and_digits_of_any_script() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    let longest = "名".repeat(32);
    for name in ["a", "Ünal", "张三", "प्रिया", "o.k_-1", "۳", "_", ".x", &longest, &"x".repeat(32)] {
        let reply = client.ask(&format!("U {name}"));
        assert!(reply.starts_with(&format!("OK new {name} ")), "{reply}");
    }
    let too_long = "名".repeat(33);
    for name in ["-alice", "-", "a@b", "a/b", "a:b", "[alice]", "🙂", "a\u{200d}b", "a,b", "a'b", &too_long, &"x".repeat(33)]
    {
        for request in [format!("U {name}"), format!("P {name} {PASSWORD}")] {
            let reply = client.ask(&request);
            assert!(reply.starts_with("ERR bad-name "), "{request}: {reply}");
        }
    }
    assert!(client.ask(&format!("U {too_long}")).contains("32"), "the words tell the limit");
}

#[test]
fn the_servers_names_are_reserved() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    for name in [
        "Administrator",
        "administrator",
        "admin",
        "ADMIN",
        "root",
        "Root",
        "server",
        "system",
        "parlor",
        "管理员",
        "ｒｏｏｔ",
        "ｒｏａｄ",
    ] {
        // The last one is no reserved name, to see that fullwidth letters as such are not refused.
        let want = if name == "ｒｏａｄ" { "OK new " } else { "ERR bad-name " };
        let reply = client.ask(&format!("U {name}"));
        assert!(reply.starts_with(want), "{name}: {reply}");
    }
    assert!(client.ask("U administrators").starts_with("OK new "), "only the whole name");
}

#[test]
fn one_account_has_many_spellings_and_is_shown_as_registered() {
    let daemon = Daemon::start();
    let mut bob = Client::enter(&daemon, "bob");
    for (registered, others) in
        [("Alice", &["alice", "ALICE", "ａｌｉｃｅ"][..]), ("Straße", &["STRASSE", "ﬆrasse"]), ("é", &["e\u{301}", "É"])]
    {
        Client::enter(&daemon, registered).ask("E");
        bob.expect(&format!("[{registered}] entered the room"));
        bob.expect(&format!("[{registered}] left the room"));
        for other in others {
            let mut client = Client::connect(&daemon);
            assert!(client.ask(&format!("U {other}")).starts_with(&format!("OK known {registered} ")), "{other}");
            assert!(client.ask(&format!("P {other} {PASSWORD}")).starts_with(&format!("OK {registered} 2 ")), "{other}");
            bob.expect(&format!("[{registered}] entered the room"));
            client.ask(&format!("C {other} hello"));
            bob.expect(&format!("[{registered}]: hello"));
            assert!(client.ask(&format!("E {other}")).starts_with("OK"));
            bob.expect(&format!("[{registered}] left the room"));
        }
    }
    assert_eq!(names_in(&daemon), ["bob", "Alice", "Straße", "é"]);
}

#[test]
fn whoever_is_in_is_in() {
    let daemon = Daemon::start();
    for voice in ["en", "zh"] {
        let mut alice = Client::enter(&daemon, "alice");
        alice.ask(&format!("V {voice}"));
        for line in ["U bob", "U alice", "P alice correct-horse", "P bob correct-horse", "I 00000000000000000000000000000000"] {
            assert!(alice.only_reply(line).starts_with("ERR already-in "), "{line}");
        }
        assert_eq!(alice.only_reply("W"), "OK 1 alice");
    }
    let mut program = Client::program(&daemon, "robot");
    assert!(program.only_reply(r#"{"do":"P","name":"robot","password":"x"}"#).starts_with("{\"err\":\"already-in\""));
}

#[test]
fn the_welcome_tells_who_is_here_by_at_most_20_names() {
    let daemon = Daemon::start();
    let mut crowd: Vec<Client> = Vec::new();
    for count in 1..=21 {
        let mut client = Client::connect(&daemon);
        let welcome = client.log_in(&format!("m{count:02}"));
        // Number 1 is the daemon's start, and each who enters is one more.
        assert!(welcome.starts_with(&format!("OK m{count:02} {count} {} ", count + 1)), "{welcome}");
        assert_eq!(welcome.matches("m").count(), 1 + count.min(20) + usize::from(count == 21), "{welcome}");
        crowd.push(client);
    }
    let mut program = Client::connect(&daemon);
    program.ask("V json");
    program.ask("U robot");
    program.send(&format!("P robot {PASSWORD}"));
    let welcome = program.json();
    assert_eq!((&welcome["count"], &welcome["seq"], &welcome["name"]), (&22.into(), &23.into(), &"robot".into()));
    assert_eq!(welcome["names"].as_array().unwrap().len(), 20);
}

#[test]
fn a_password_is_neither_logged_nor_stored() {
    let mut daemon = Daemon::start_with_variables(&[("PARLOR_LOG", "trace")]);
    let (secret, wrong) = ("hunter2-and-more", "hunter3-and-less");
    let mut client = Client::connect(&daemon);
    client.ask("V json");
    client.ask("U alice");
    // Right, wrong, cut short, misspelt and broken: in every way that it can reach a message.
    client.ask(&format!(r#"{{"do":"P","name":"bob","password":"{secret}"}}"#));
    client.ask(&format!(r#"{{"do":"P","name":"alice","password":"{secret}"#));
    client.ask(&format!(r#"{{"do":"P","name":"alice","password":"{secret}","enter":"{secret}"}}"#));
    client.ask(&format!("PP alice {secret}"));
    client.ask(&format!("P alice {secret}"));
    client.ask(&format!("P alice {secret}"));
    for _ in 0..3 {
        let mut client = Client::connect(&daemon);
        client.ask(&format!("P alice {wrong}"));
        client.ask(&format!("P alice {secret}\u{7}"));
    }
    assert!(Client::connect(&daemon).ask(&format!("P alice {secret}")).starts_with("OK alice "));
    let hash: String = daemon.database().query_row("SELECT password_hash FROM base_info", [], |row| row.get(0)).unwrap();
    assert!(hash.starts_with("$2"), "{hash}");
    // Killed, so that the write-ahead log is still there to be searched.
    daemon.kill();
    let log = daemon.log();
    assert!(log.contains("alice"), "it logs so much as the name: {log}");
    for word in [secret, wrong] {
        assert!(!log.contains(word), "{log}");
        assert_eq!(files_with(&daemon.data(), word.as_bytes()), [""; 0]);
    }
    assert_ne!(files_with(&daemon.data(), hash.as_bytes()), [""; 0], "the search finds what is there");
}

fn names_in(daemon: &Daemon) -> Vec<String> {
    let database = daemon.database();
    let mut names = database.prepare("SELECT name FROM base_info ORDER BY id").unwrap();
    names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The files of the data directory in which these bytes stand.
pub(crate) fn files_with(data: &Path, bytes: &[u8]) -> Vec<String> {
    let files =
        std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_file());
    let found = files.filter(|file| memchr::memmem::find(&std::fs::read(file.path()).unwrap(), bytes).is_some());
    found.map(|file| file.file_name().into_string().unwrap()).collect()
}
