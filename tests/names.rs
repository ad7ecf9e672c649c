//! The promises about names: what PRECIS keeps of them, that accounts get in whatever they are called, and that
//! nobody registers a name that can be taken for somebody else's.

use std::collections::BTreeMap;

use parlor::protocol::name::Name;
use rusqlite::params;
use serde_json::Value;
use unicode_security::skeleton;

use crate::harness::{Client, Daemon, Dice, PASSWORD};

/// Accounts put into the database as no registration would: without what they look like, all with the one password.
fn insert(daemon: &Daemon, names: &[&str]) {
    let database = daemon.database();
    let hash: String = database.query_row("SELECT password_hash FROM base_info LIMIT 1", [], |row| row.get(0)).unwrap();
    for &name in names {
        let sql = "INSERT INTO base_info (name, folded_name, password_hash, address, register_time) VALUES (?1, ?2, ?3, '', 0)";
        database.execute(sql, params![name, Name::stored(name.into()).folded(), hash]).unwrap();
    }
}

#[test]
fn names_are_kept_as_precis_keeps_them() {
    let daemon = Daemon::start();
    for (typed, kept) in [("ａｎｎａ", "anna"), ("Zoe\u{308}", "Zoë"), ("ｶﾞｷﾞ", "ガギ"), ("שָׁלוֹם", "שָׁלוֹם"), ("𞤀𞤣𞤤", "𞤀𞤣𞤤")]
    {
        let mut client = Client::connect(&daemon);
        // In NFC: of the Hebrew word the marks change places.
        let kept = Name::parse(kept).unwrap();
        assert!(client.ask(&format!("U {typed}")).starts_with(&format!("OK new {kept} ")), "{typed}");
        assert!(client.ask(&format!("P {typed} {PASSWORD}")).starts_with(&format!("OK {kept} 1 ")), "{typed}");
        let stored = "SELECT count(*) FROM base_info WHERE name = ?1";
        assert_eq!(daemon.database().query_row(stored, [kept.as_str()], |row| row.get::<_, u64>(0)), Ok(1));
        client.ask("E");
    }
    let mut stranger = Client::connect(&daemon);
    for bad in [
        "ﬁ",
        "x²",
        "aשלום",
        "שלוםa",
        "٣",
        "\u{1112}",
        "l·l",
        "🙂",
        "a\u{ad}b",
        "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{306}\u{307}\u{308}\u{309}\u{30a}",
    ] {
        assert!(stranger.ask(&format!("U {bad}")).starts_with("ERR bad-name "), "{bad}");
        assert!(stranger.ask(&format!("P {bad} {PASSWORD}")).starts_with("ERR bad-name "), "{bad}");
    }
}

#[test]
fn a_name_may_be_spelled_otherwise_when_it_is_registered() {
    let daemon = Daemon::start();
    let mut client = Client::connect(&daemon);
    assert!(client.ask("U finn").starts_with("OK new finn "));
    assert!(client.ask(&format!("P ﬁnn {PASSWORD}")).starts_with("ERR bad-name "), "it folds alike, and is no new name");
    assert!(client.ask(&format!("P Finn {PASSWORD}")).starts_with("OK Finn 1 "));
}

#[test]
fn existing_accounts_get_in_whatever_they_are_called() {
    let mut daemon = Daemon::start();
    Client::enter(&daemon, "alice").ask("E");
    daemon.stop();
    let heap = format!("z{}", "\u{323}\u{306}\u{301}".repeat(5));
    let names = ["🙂", "aשלום", "ﬁnn", "Admin", "-dash", "٣", "l·l", &heap];
    insert(&daemon, &names);
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    for (number, name) in names.into_iter().enumerate() {
        let mut client = Client::connect(&daemon);
        assert!(client.ask(&format!("U {name}")).starts_with(&format!("OK known {name} ")), "{name}");
        assert!(client.ask(&format!("P {name} {PASSWORD}")).starts_with(&format!("OK {name} 2 ")), "{name}");
        alice.expect(&format!("[{name}] entered the room"));
        client.ask(&format!("C {name} hello"));
        alice.expect(&format!("[{name}]: hello"));
        assert!(client.ask(&format!("F {name} {number}.txt")).starts_with("OK "), "{name}");
        // Others name it in what they ask.
        assert!(alice.ask(&format!("R {name}")).starts_with("OK "), "{name}");
        assert!(alice.ask(&format!("G - gomoku @{name}")).starts_with("OK "), "{name}");
        client.skip_to("[alice] invites");
        assert!(client.ask(&format!("D {name} alice")).starts_with("OK "), "{name}");
        client.ask("M resign");
        assert!(client.ask(&format!("G {name} gomoku")).starts_with("OK "), "{name}");
        assert!(alice.ask(&format!("D - {name}")).starts_with("OK "), "{name}");
        alice.ask("M resign");
        assert!(client.ask(&format!("E {name}")).starts_with("OK"), "{name}");
        alice.skip_to(&format!("[{name}] left the room"));
        let mut program = Client::connect(&daemon);
        program.ask("V json");
        program.send(&serde_json::json!({"do": "P", "name": name, "password": PASSWORD, "enter": false}).to_string());
        let token = program.json()["token"].as_str().unwrap().to_owned();
        assert!(Client::connect(&daemon).ask(&format!("I {token}")).starts_with(&format!("OK {name} ")), "{name}");
        alice.skip_to(&format!("[{name}] left the room"));
    }
    // A new one of the kind is refused.
    for name in ["🙃", "bשלום", "root", "-dish"] {
        assert!(Client::connect(&daemon).ask(&format!("U {name}")).starts_with("ERR bad-name "), "{name}");
    }
}

#[test]
fn a_look_alike_is_told_at_once_and_whom_it_looks_like() {
    let daemon = Daemon::start();
    for name in ["Alice", "paypal", "bob", "Ivan", "张力"] {
        Client::enter(&daemon, name).ask("E");
    }
    let mut stranger = Client::connect(&daemon);
    for (name, like) in [
        ("\u{430}lice", "Alice"),
        ("АLICE", "Alice"),
        ("a1ice", "Alice"),
        ("AIice", "Alice"),
        ("paypa1", "paypal"),
        ("рауpal", "paypal"),
        ("b0b", "bob"),
        ("lvan", "Ivan"),
        ("张カ", "张力"),
    ] {
        assert_eq!(
            stranger.ask(&format!("U {name}")),
            format!("ERR look-alike that looks like {like}, who is registered; choose another with U")
        );
        assert!(stranger.ask(&format!("P {name} {PASSWORD}")).starts_with("ERR no-such-user "), "{name}");
    }
    stranger.ask("V zh");
    assert!(stranger.ask("U a1ice").contains("Alice"));
    stranger.ask("V json");
    stranger.send("U a1ice");
    let refusal = stranger.json();
    assert_eq!((&refusal["err"], &refusal["name"]), (&"look-alike".into(), &"Alice".into()));
    for name in ["alicia", "alice2", "bobby", "robert", "张三", "pay-pal"] {
        assert!(stranger.ask(&format!("U {name}")).starts_with(r#"{"ok":"U","account":"new""#), "{name}");
    }
    // An account is known by its own spellings, and reserved names have their look-alikes refused too.
    assert!(stranger.ask("U ALICE").contains("known"));
    stranger.ask("V en");
    for name in ["\u{430}dmin", "r00t", "Adm1n", "管理员"] {
        assert!(stranger.ask(&format!("U {name}")).starts_with("ERR bad-name that name is the server's own"), "{name}");
    }
}

/// Letters and digits that look like one of `a` to `z` or `0` to `9`, by what they look like.
fn doubles() -> BTreeMap<char, Vec<char>> {
    let of = |c: char| skeleton(c.encode_utf8(&mut [0; 4])).collect::<String>();
    let plain: BTreeMap<String, char> = ('a'..='z').chain('0'..='9').map(|c| (of(c), c)).collect();
    let mut doubles = BTreeMap::<char, Vec<char>>::new();
    for c in ('\0'..='\u{1ffff}').filter(|c| c.is_alphanumeric() && !c.is_ascii_lowercase()) {
        if let Some(&plain) = plain.get(&of(c)).filter(|_| Name::parse(&format!("a{c}")).is_ok()) {
            doubles.entry(plain).or_default().push(c);
        }
    }
    doubles
}

/// A name of plain letters, and one that looks like it and is another.
fn confusable_pair(dice: &mut Dice, doubles: &BTreeMap<char, Vec<char>>, number: usize) -> (String, String) {
    loop {
        let plain: Vec<char> = doubles.keys().copied().collect();
        let any = |dice: &mut Dice, of: &[char]| of[usize::try_from(dice.below(of.len() as u64)).unwrap()];
        let length = 3 + dice.below(6);
        let word: String = (0..length).map(|_| any(dice, &plain)).collect::<String>() + &format!("-{number}");
        let other: String = word
            .chars()
            .map(|c| if doubles.contains_key(&c) && dice.below(2) == 0 { any(dice, &doubles[&c]) } else { c })
            .collect();
        let (one, two) = (Name::parse(&word), Name::parse(&other));
        if let (Ok(one), Ok(two)) = (one, two)
            && one != two
        {
            return (word, other);
        }
    }
}

/// Both are asked about while neither is there, and both register at once: the database decides.
#[test]
fn of_500_pairs_that_look_alike_one_each_is_registered() {
    let daemon = Daemon::start();
    let doubles = doubles();
    assert!(doubles.len() > 25 && doubles.values().map(Vec::len).sum::<usize>() > 300, "{doubles:?}");
    let mut dice = Dice::new();
    println!("seed {}", dice.0);
    let mut seconds = 0;
    for number in 0..500 {
        let (one, two) = confusable_pair(&mut dice, &doubles, number);
        let mut clients = [&one, &two].map(|name| {
            let mut client = Client::connect(&daemon);
            client.ask("V json");
            assert!(client.ask(&format!("U {name}")).contains(r#""account":"new""#), "{one} {two}");
            client
        });
        let login = |name: &str| serde_json::json!({"do": "P", "name": name, "password": PASSWORD, "enter": false}).to_string();
        for (client, name) in clients.iter_mut().zip([&one, &two]) {
            client.send(&login(name));
        }
        let [first, second]: [Value; 2] = clients.each_mut().map(Client::json);
        let in_words = format!("{one} {two}: {first} {second}");
        let (won, lost) = if first["ok"] == "P" { (first, second) } else { (second, first) };
        seconds += usize::from(lost["ok"] == "P");
        assert_eq!((&won["ok"], &lost["err"], &lost["name"]), (&"P".into(), &"look-alike".into(), &won["name"]), "{in_words}");
    }
    let accounts = daemon.database().query_row("SELECT count(*) FROM base_info", [], |row| row.get::<_, u64>(0));
    assert_eq!((seconds, accounts), (0, Ok(500)));
}

#[test]
fn who_lost_a_race_of_look_alikes_chooses_another_name() {
    let daemon = Daemon::start();
    let mut clients = ["paypal", "paypa1"].map(|name| {
        let mut client = Client::connect(&daemon);
        assert!(client.ask(&format!("U {name}")).starts_with("OK new "));
        client.send(&format!("P {name} {PASSWORD}"));
        client
    });
    let replies = clients.each_mut().map(Client::reply);
    let loser = usize::from(replies[0].starts_with("OK"));
    assert!(replies[1 - loser].starts_with("OK paypa"), "{replies:?}");
    assert!(replies[loser].starts_with("ERR look-alike that looks like paypa"), "{replies:?}");
    let loser = &mut clients[loser];
    assert!(loser.ask(&format!("P paypa1 {PASSWORD}")).starts_with(if replies[0].starts_with("OK") {
        "ERR no-such-user "
    } else {
        "OK "
    }));
    loser.ask("U friend");
    assert!(loser.ask(&format!("P friend {PASSWORD}")).starts_with("OK friend ") || replies[1].starts_with("OK"));
}

#[test]
fn accounts_from_before_keep_their_names_and_are_looked_like() {
    let mut daemon = Daemon::start();
    Client::enter(&daemon, "first").ask("E");
    daemon.stop();
    insert(&daemon, &["alice", "\u{430}lice", "a1ice", "Ivan"]);
    daemon
        .database()
        .execute("UPDATE base_info SET lookalike = NULL, lookalike_shown = NULL WHERE name = 'first'", [])
        .unwrap();
    for _ in 0..2 {
        daemon.restart();
        for name in ["alice", "\u{430}lice", "a1ice", "Ivan", "first"] {
            Client::enter(&daemon, name).ask("E");
        }
        for (name, like) in [("аliсe", "alice"), ("lvan", "Ivan"), ("f1rst", "none"), ("fir\u{455}t", "first")] {
            let reply = Client::connect(&daemon).ask(&format!("U {name}"));
            let want =
                if like == "none" { "OK new f1rst ".to_owned() } else { format!("ERR look-alike that looks like {like},") };
            assert!(reply.starts_with(&want), "{name}: {reply}");
        }
        let unfilled = "SELECT group_concat(name) FROM (SELECT name FROM base_info WHERE lookalike IS NULL ORDER BY id)";
        assert_eq!(daemon.database().query_row(unfilled, [], |row| row.get::<_, String>(0)).unwrap(), "\u{430}lice,a1ice");
        daemon.stop();
    }
}
