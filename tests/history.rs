//! `H`: any stretch of the room's log, always oldest first, never less than what its caller has heard
//! or was answered, the same after a restart; the page next to it is one request away.

use serde_json::Value;

use crate::harness::{Client, Daemon, Talker, chat_of, is_reply, seq_of};

/// The request in a reply that shows the page next to it.
fn next_ask(reply: &str) -> Option<String> {
    reply.find("H ").map(|at| reply[at..].to_owned())
}

/// The number that a line of history begins with.
fn number(line: &str) -> u64 {
    let digits = line.strip_prefix('#').and_then(|rest| rest.split(' ').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no line of history: {line}"))
}

/// The numbers of a page for people, whose reply must count them; and the reply.
fn page(client: &mut Client, request: &str) -> (Vec<u64>, String) {
    let mut lines = client.lines_of(request);
    let reply = lines.pop().unwrap();
    let numbers: Vec<u64> = lines.iter().filter(|line| line.starts_with('#')).map(|line| number(line)).collect();
    assert_eq!(seq_of(&reply), numbers.len() as u64, "{request}: {lines:#?}");
    (numbers, reply)
}

/// The numbers of a page for programs, and whether there is more.
fn json_page(client: &mut Client, request: &str) -> (Vec<u64>, bool) {
    let lines = client.lines_of(request);
    let objects: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (reply, rest) = objects.split_last().unwrap();
    let numbers: Vec<u64> =
        rest.iter().filter(|line| line.get("item").is_some()).map(|item| item["seq"].as_u64().unwrap()).collect();
    assert_eq!(reply["count"], numbers.len(), "{request}: {lines:#?}");
    (numbers, reply["more"].as_bool().unwrap())
}

/// Says `count` lines in one write and waits until all are stored; the numbers they got.
fn say(client: &mut Client, count: usize) -> Vec<u64> {
    let lines: String = (1..=count).map(|n| format!("C - line {n}\n")).collect();
    client.send_raw(lines.as_bytes());
    (0..count).map(|_| seq_of(&client.reply())).collect()
}

/// All numbers in the store, with or without coming and going.
fn stored(daemon: &Daemon, all: bool) -> Vec<u64> {
    let sql = format!("SELECT seq FROM chat_history WHERE {all} OR kind NOT IN ('enter', 'leave') ORDER BY seq");
    let database = daemon.database();
    let mut statement = database.prepare(&sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn people_get_the_newest_twenty_lines_with_number_date_and_time() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let seqs = say(&mut alice, 30);
    let mut bob = Client::enter(&daemon, "bob");
    let lines = bob.lines_of("H");
    let database = daemon.database();
    let time_of = "SELECT strftime('%Y-%m-%d %H:%M:%S', send_time / 1000, 'unixepoch') FROM chat_history WHERE seq = ?1";
    let want: Vec<String> = (11..=30)
        .map(|n| {
            let seq = seqs[n - 1];
            let time: String = database.query_row(time_of, [seq], |row| row.get(0)).unwrap();
            format!("#{seq} {time} [alice]: line {n}")
        })
        .collect();
    assert_eq!(lines[..20], want);
    assert_eq!(lines[20..], [format!("OK 20 earlier: H - {}", seqs[10] - 1)]);
    bob.ask("V zh");
    let lines = bob.lines_of("H");
    assert!(lines[0].ends_with("[alice]：line 11"));
    assert_eq!(lines[20], format!("OK 20 更早的：H - {}", seqs[10] - 1));
}

#[test]
fn dates_are_those_of_the_daemons_zone() {
    // Written so that no list of zones is needed; its signs are those of POSIX, turned about.
    let daemon = Daemon::start_with_variables(&[("TZ", "<+1345>-13:45")]);
    let mut alice = Client::enter(&daemon, "alice");
    let seq = say(&mut alice, 1)[0];
    let sql = "SELECT strftime('%Y-%m-%d %H:%M:%S', send_time / 1000 + 49500, 'unixepoch') FROM chat_history WHERE seq = ?1";
    let time: String = daemon.database().query_row(sql, [seq], |row| row.get(0)).unwrap();
    assert_eq!(alice.lines_of("H - - 1")[0], format!("#{seq} {time} [alice]: line 1"));
}

#[test]
fn each_form_shows_its_stretch() {
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    // The daemon's start is 1, the entry 2.
    assert_eq!(say(&mut person, 25), (3..=27).collect::<Vec<_>>());
    let newest = || (8..=27).collect::<Vec<u64>>();
    let oldest = || [1].into_iter().chain(3..=21).collect::<Vec<u64>>();
    for (request, want) in [
        ("H", newest()),
        ("h", newest()),
        ("H -", newest()),
        ("H - -", newest()),
        ("H - - -", newest()),
        ("H 0", newest()),
        ("H - - 20", newest()),
        ("H - - 21", newest()),
        ("H - - 999999999999999999", newest()),
        ("H - 999999999999999999", newest()),
        ("H 0 999999999999999999 999999999999999999", newest()),
        ("H - - +20", oldest()),
        ("H - - +1000", oldest()),
        ("H 0 999999999999999999 +999999999999999999", oldest()),
        ("H 26", vec![27]),
        ("H 24 26", vec![25, 26]),
        ("H 10 20 3", vec![18, 19, 20]),
        ("H 10 20 +3", vec![11, 12, 13]),
        ("H  10   20  +3 ", vec![11, 12, 13]),
        ("H - 4", vec![1, 3, 4]),
        ("H - 4 1", vec![4]),
        ("H - 4 +1", vec![1]),
        ("H 1 2", vec![]),
        ("H 27", vec![]),
        ("H 999999999999999999", vec![]),
        ("H 999999999999999999 999999999999999999 +1", vec![]),
        ("H - 0", vec![]),
        ("H 5 5", vec![]),
        ("H 20 10", vec![]),
    ] {
        assert_eq!(page(&mut person, request).0, want, "{request}");
    }
}

#[test]
fn programs_get_all_kinds_and_up_to_a_thousand() {
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    say(&mut person, 1100);
    let mut program = Client::program(&daemon, "program");
    let last = 1103;
    for (request, want, more) in [
        ("H", last - 19..=last, true),
        (r#"{"do":"H"}"#, last - 19..=last, true),
        ("H - - 1000", last - 999..=last, true),
        (r#"{"do":"H","n":1001}"#, last - 999..=last, true),
        ("H - - 999999999999999999", last - 999..=last, true),
        ("H - - +5000", 1..=1000, true),
        (r#"{"do":"H","left":"-","right":"-","n":"+3"}"#, 1..=3, true),
        (r#"{"do":"H","left":3,"right":5}"#, 4..=5, false),
        (r#"{"do":"H","left":"3","right":"5","n":"1"}"#, 5..=5, true),
        (r#"{"do":"H","left":null,"right":3,"n":3}"#, 1..=3, false),
        ("H 103 - +1000", 104..=last, false),
        ("H 103 - 1000", 104..=last, false),
        ("H 102 - 1000", 104..=last, true),
    ] {
        assert_eq!(json_page(&mut program, request), (want.collect(), more), "{request}");
    }
    assert_eq!(json_page(&mut program, "H 7 7"), (vec![], false));
    let kinds: Vec<Value> = program.objects_of("H - 3").iter_mut().map(|line| line["item"].take()).collect();
    assert_eq!(kinds, ["started".into(), "enter".into(), "chat".into(), Value::Null]);
}

#[test]
fn page_by_page_every_line_is_shown_once() {
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    // Talk with coming and going in between, so that numbers of shown lines have holes.
    for _ in 0..15 {
        say(&mut person, 3);
        Client::enter(&daemon, "guest").ask("E");
        person.skip_to("[guest] left");
    }
    page(&mut person, "H");
    let talk = stored(&daemon, false);
    assert_eq!(talk.len(), 46);
    for voice in ["en", "zh"] {
        person.ask(&format!("V {voice}"));
        for (first, left, right) in [
            ("H", 0, u64::MAX),
            ("H - - 7", 0, u64::MAX),
            ("H - - 1", 0, u64::MAX),
            ("H - - +20", 0, u64::MAX),
            ("H - - +1", 0, u64::MAX),
            ("H 10 50 6", 10, 50),
            ("H 10 50 +6", 10, 50),
            ("H 10 - 23", 10, u64::MAX),
            ("H - 50 +46", 0, 50),
        ] {
            let want: Vec<u64> = talk.iter().copied().filter(|&seq| seq > left && seq <= right).collect();
            let mut shown = Vec::new();
            let mut ask = Some(first.to_owned());
            while let Some(request) = ask {
                let (numbers, reply) = page(&mut person, &request);
                assert!(numbers.is_sorted() && !numbers.is_empty(), "{request}: {numbers:?}");
                shown.extend(numbers);
                assert!(shown.len() <= want.len(), "{first} does not end: {request}");
                ask = next_ask(&reply);
            }
            shown.sort_unstable();
            assert_eq!(shown, want, "{first}");
        }
    }
}

#[test]
fn a_page_of_long_texts_ends_early_and_says_that_there_is_more() {
    const TEXTS: usize = 600;
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    for n in 0..TEXTS {
        person.send_raw(format!("C - {n:04}{}\n", "x".repeat(4080)).as_bytes());
    }
    (0..TEXTS).for_each(|_| _ = seq_of(&person.reply()));
    let mut program = Client::program(&daemon, "program");
    let all = stored(&daemon, true);
    for oldest_first in [false, true] {
        let (mut shown, mut pages) = (Vec::<u64>::new(), 0);
        let mut request = if oldest_first { "H - - +1000".to_owned() } else { "H - - 1000".to_owned() };
        loop {
            let (numbers, more) = json_page(&mut program, &request);
            assert!(numbers.len() < 500, "{} texts in one reply", numbers.len());
            shown.extend(&numbers);
            pages += 1;
            if !more {
                break;
            }
            request = if oldest_first {
                format!("H {} - +1000", numbers.last().unwrap())
            } else {
                format!("H - {} 1000", numbers[0] - 1)
            };
            assert!(shown.len() <= all.len(), "it does not end: {request}");
        }
        shown.sort_unstable();
        assert_eq!(shown, all);
        assert!(pages >= 3);
    }
    // People's pages are small enough to be shown whole.
    assert_eq!(page(&mut person, "H").0, all[all.len() - 21..all.len() - 1]);
}

#[test]
fn what_one_has_just_said_is_shown() {
    const LINES: usize = 400;
    let daemon = Daemon::start();
    for voice in ["en", "json"] {
        let mut client = Client::enter(&daemon, voice);
        client.ask(&format!("V {voice}"));
        let said: String = (1..=LINES).map(|n| format!("C - {voice} {n}\n")).collect();
        client.send_raw(format!("{said}H - - 1000\n").as_bytes());
        (0..LINES).for_each(|_| assert!(!client.reply().contains("rr")));
        let mut shown = Vec::new();
        loop {
            let line = client.line();
            match line.split_once(&format!("{voice} ")) {
                _ if is_reply(&line) => break,
                Some((start, n)) if !start.starts_with("{\"event\"") => shown.push(n.trim_matches(['"', '}']).to_owned()),
                _ => (),
            }
        }
        let most = if voice == "en" { 20 } else { LINES };
        assert_eq!(shown, (LINES - most + 1..=LINES).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn what_one_has_heard_is_shown() {
    let daemon = Daemon::start();
    let mut listener = Client::enter(&daemon, "listener");
    let talker = Talker::start(Client::enter(&daemon, "talker"), |n| n.to_string());
    let mut heard = None;
    for _ in 0..100 {
        heard = loop {
            let line = listener.line();
            if let Some(chat) = chat_of(&line) {
                break Some(chat.text.parse::<usize>().unwrap());
            }
        };
        listener.send("H - - 1");
        let shown = listener.skip_to("#");
        assert!(shown.rsplit(' ').next().unwrap().parse::<usize>().ok() >= heard, "heard {heard:?}, shown {shown}");
        listener.expect("OK 1");
    }
    assert!(talker.stop() > heard.unwrap());
}

#[test]
fn texts_of_several_lines_are_indented_for_people() {
    let daemon = Daemon::start();
    let mut person = Client::enter(&daemon, "person");
    let mut program = Client::program(&daemon, "program");
    person.skip_to("[program] entered");
    program.send(r#"{"do":"C","text":"one\nOK 2\n\n#3 ERR x"}"#);
    let rest = ["    OK 2", "    ", "    #3 ERR x"];
    assert_eq!(person.line(), "[program]: one");
    assert_eq!([person.line(), person.line(), person.line()], rest);
    let lines = person.lines_of("H - - 1");
    assert!(lines[0].starts_with('#') && lines[0].ends_with(" [program]: one"), "{lines:?}");
    assert_eq!(lines[1..4], rest);
    assert_eq!(lines[4..].len(), 1);
    assert!(lines[4].starts_with("OK 1 "), "{lines:?}");
}

#[test]
fn after_a_clean_stop_the_numbers_go_on_without_a_gap() {
    let mut daemon = Daemon::start();
    for round in 0..3 {
        let mut person = Client::enter(&daemon, "person");
        let seqs = say(&mut person, 3);
        // Started, entered, three lines, stopping: six numbers a round.
        assert_eq!(seqs, (round * 6 + 3..=round * 6 + 5).collect::<Vec<_>>());
        daemon.signal("TERM");
        assert_eq!(person.line(), "The server is stopping.");
        // A peer that hangs up when it is told to need not be waited for.
        person.rest();
        drop(person);
        assert_eq!(daemon.wait().code(), Some(0));
        daemon.restart();
    }
    let mut program = Client::program(&daemon, "program");
    let lines = program.objects_of("H - - 1000");
    let items = &lines[..lines.len() - 1];
    assert_eq!(items.iter().map(|item| item["seq"].as_u64().unwrap()).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    let kinds: Vec<&str> = items.iter().map(|item| item["item"].as_str().unwrap()).collect();
    let round = ["started", "enter", "chat", "chat", "chat", "stopping"];
    assert_eq!(kinds, [&round[..], &round, &round, &["started", "enter"]].concat());
    let texts: Vec<&str> = items.iter().filter_map(|item| item["text"].as_str()).collect();
    assert_eq!(texts, ["line 1", "line 2", "line 3"].repeat(3));
    // For people too, the daemon's stop and start are lines of the history.
    program.ask("V en");
    let lines = program.lines_of("H 5 7");
    assert!(lines[0].starts_with("#6 ") && lines[0].ends_with(" The server is stopping."), "{lines:?}");
    assert!(lines[1].starts_with("#7 ") && lines[1].ends_with(" The server started."), "{lines:?}");
}
