//! The promise about bad input: whatever bytes come, and wherever they stop, the daemon lives, its
//! memory stays bounded, whole lines mean what they say and broken ones mean nothing.

use std::io::Write;
use std::thread;
use std::time::{Duration, SystemTime};

use socket2::SockRef;

use crate::harness::{Client, Daemon, is_reply, seq_of};

#[test]
fn ten_megabytes_without_a_line_end_cost_one_refusal_and_no_memory() {
    let daemon = Daemon::start();
    for name in [None, Some("alice")] {
        let mut client = Client::connect(&daemon);
        if let Some(name) = name {
            client.log_in(name);
        }
        let before_kb = daemon.peak_memory_kib();
        let part = [b'x'; 64 << 10];
        for _ in 0..160 {
            client.send_raw(&part);
        }
        client.expect("ERR line-too-long ");
        client.send_raw(b" the end\nK\nV\n");
        assert_eq!(client.line(), "OK");
        client.expect("OK parlor ");
        let grown_kb = daemon.peak_memory_kib().saturating_sub(before_kb);
        assert!(grown_kb < 4096, "memory grew by {grown_kb} kB");
    }
}

#[test]
fn an_endless_line_may_end_with_the_input() {
    let daemon = Daemon::start();
    let mut client = Client::enter(&daemon, "alice");
    client.send_raw(&[b'x'; 100_000]);
    client.expect("ERR line-too-long ");
    client.end_input();
    assert_eq!(client.rest(), [""; 0]);
}

#[test]
fn random_bytes_before_login_get_one_reply_a_line() {
    let daemon = Daemon::start();
    let mut random = Random::seeded();
    for _ in 0..40 {
        let mut client = Client::connect(&daemon);
        // A first line of its own, so that none of the random ones can be taken for HTTP.
        assert_eq!(client.ask("K"), "OK");
        let noise = random.noise();
        client.send_raw(&noise);
        client.send_raw(b"\nV json\n{\"do\":\"K\",\"ref\":\"after\"}\n");
        let mut replies = 0;
        loop {
            let line = client.line();
            replies += usize::from(is_reply(&line));
            if line == "{\"ok\":\"K\",\"ref\":\"after\"}" {
                break;
            }
        }
        let lines = noise.iter().filter(|&&byte| byte == b'\n').count() + 3;
        assert_eq!(replies, lines, "{}", noise.escape_ascii());
    }
}

#[test]
fn random_bytes_after_login_leave_the_session_whole() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut random = Random::seeded();
    for voice in ["en", "zh", "json"] {
        let mut client = Client::enter(&daemon, "noisy");
        client.ask(&format!("V {voice}"));
        for _ in 0..10 {
            client.send_raw(&random.noise());
            client.send_raw(b"\nV json\n{\"do\":\"K\",\"ref\":\"after\"}\n");
            client.skip_to("{\"ok\":\"K\",\"ref\":\"after\"}");
            client.ask(&format!("V {voice}"));
        }
        client.send("E -");
    }
    // Whatever was said got through to the others as lines of text.
    for _ in 0..3 {
        alice.skip_to("[noisy] left the room");
    }
    assert!(alice.ask("C - still here").starts_with("OK "));
}

#[test]
fn a_connection_reset_in_mid_line_has_left_and_said_nothing() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = (Client::enter(&daemon, "alice"), Client::enter(&daemon, "bob"));
    alice.skip_to("[bob] entered");
    bob.send_raw(b"C - whole\nC - ha");
    assert_eq!(alice.line(), "[bob]: whole");
    reset(bob);
    assert_eq!(alice.line(), "[bob] left the room");
    // Strangers who do the same leave nothing behind either.
    for half in [&b""[..], b"U al", b"U carol\nP carol corr"] {
        let mut stranger = Client::connect(&daemon);
        stranger.send_raw(half);
        reset(stranger);
    }
    assert_eq!(alice.only_reply("W"), "OK 1 alice");
}

#[test]
fn a_conversation_cut_at_every_byte_means_the_same() {
    let daemon = Daemon::start();
    // The event numbers rise above all other numbers, so that they can be told apart.
    let mut alice = Client::enter(&daemon, "alice");
    for _ in 0..20 {
        alice.ask("C - before");
    }
    alice.ask("E");
    let mut bystander = Client::connect(&daemon);
    let conversation = "U alice\nP alice correct-horse\nC - one\nC alice 二 two\n'three\nH - - 3\nK\nW\nY\nE -\n".as_bytes();
    let whole = converse(&mut bystander, &daemon, &[conversation]);
    let codes: Vec<&str> = whole.iter().filter(|line| is_reply(line)).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(codes, ["OK", "OK", "OK", "OK", "OK", "OK", "OK", "OK", "ERR", "OK"], "{whole:#?}");
    for at in 1..conversation.len() {
        let (head, tail) = conversation.split_at(at);
        assert_eq!(converse(&mut bystander, &daemon, &[head, tail]), whole, "cut at byte {at}");
    }
    let bytes: Vec<&[u8]> = conversation.chunks(1).collect();
    assert_eq!(converse(&mut bystander, &daemon, &bytes), whole, "cut at every byte at once");
}

#[test]
fn a_last_line_without_its_end_is_not_executed() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for (name, last) in [("bob", "C - ha"), ("carol", "C - ha\r"), ("dave", "E"), ("erin", "'")] {
        let mut client = Client::enter(&daemon, name);
        client.send_raw(format!("C - whole\n{last}").as_bytes());
        client.end_input();
        let heard = client.rest();
        let replies: Vec<&String> = heard.iter().filter(|line| is_reply(line)).collect();
        assert_eq!(replies.len(), 1, "{name}: {heard:?}");
        seq_of(replies[0]);
        alice.skip_to(&format!("[{name}] entered"));
        assert_eq!(alice.line(), format!("[{name}]: whole"));
        assert_eq!(alice.line(), format!("[{name}] left the room"));
    }
}

#[test]
fn at_end_of_input_everything_sent_is_answered_and_then_the_server_closes() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut script = Client::connect(&daemon);
    let talk: String = (0..1000).map(|n| format!("C - line {n}\n")).collect();
    script.send_raw(format!("U bob\nP bob correct-horse\n{talk}H - - 3\nW\nK\n").as_bytes());
    script.end_input();
    script.expect("OK new bob ");
    script.expect("OK bob 2 3 ");
    for n in 0..1000 {
        assert_eq!(seq_of(&script.line()), 4 + n);
    }
    for n in 997..1000 {
        assert!(script.line().ends_with(&format!("[bob]: line {n}")));
    }
    script.expect("OK 3 ");
    assert_eq!(script.line(), "OK 2 alice bob");
    assert_eq!(script.line(), "OK");
    assert_eq!(script.rest(), [""; 0]);
    alice.skip_to("[bob]: line 999");
    assert_eq!(alice.line(), "[bob] left the room");
}

#[test]
fn who_leaves_right_after_speaking_does_not_hear_oneself() {
    let daemon = Daemon::start();
    for leave in ["", "E -\n"] {
        // Many at once, so that the room is busy and finds words and leaving in one batch.
        let mut scripts: Vec<(String, Client)> =
            (0..40).map(|n| format!("s{n}")).map(|name| (name.clone(), Client::enter(&daemon, &name))).collect();
        for (_, script) in &mut scripts {
            script.send_raw(format!("C - words\n{leave}").as_bytes());
            script.end_input();
        }
        for (name, script) in &mut scripts {
            let heard = script.rest();
            let own: Vec<&String> = heard.iter().filter(|line| line.starts_with(&format!("[{name}]"))).collect();
            assert!(own.is_empty(), "{name}, leaving by {leave:?}, heard {own:?}");
        }
    }
}

#[test]
fn at_end_of_input_a_strangers_requests_are_answered_too() {
    let daemon = Daemon::start();
    for (requests, replies) in [("", 0), ("K\nU alice\nP alice wrong-password", 2), ("U alice\nP alice correct-horse\n", 2)] {
        let mut script = Client::connect(&daemon);
        script.send_raw(requests.as_bytes());
        script.end_input();
        let heard = script.rest();
        assert_eq!(heard.len(), replies, "{requests:?}: {heard:?}");
    }
}

/// The whole of a conversation sent in these parts, its event numbers counted from its login.
fn converse(bystander: &mut Client, daemon: &Daemon, parts: &[&[u8]]) -> Vec<String> {
    let mut client = Client::connect(daemon);
    for part in parts {
        client.send_raw(part);
        // An answer over another connection: by then the part has been read, and the next one is a
        // segment of its own.
        bystander.ask("K");
    }
    let heard = client.rest();
    let login = heard.iter().find_map(|line| line.strip_prefix("OK alice 1 "));
    let login: u64 = login.unwrap_or_else(|| panic!("no login: {heard:#?}")).split(' ').next().unwrap().parse().unwrap();
    heard.iter().map(|line| counted_from(login, line)).collect()
}

/// A line with its event numbers counted from `first`, and without date and time.
fn counted_from(first: u64, line: &str) -> String {
    let relative = |word: &str| {
        let (mark, number) = word.split_at(usize::from(word.starts_with('#')));
        match number.parse::<u64>() {
            Ok(seq) if seq + 1 >= first => format!("{mark}+{}", seq + 1 - first),
            _ => word.to_owned(),
        }
    };
    let words = line.split(' ').enumerate();
    let dated = line.starts_with('#');
    words.filter(|(at, _)| !dated || !(1..=2).contains(at)).map(|(_, word)| relative(word)).collect::<Vec<_>>().join(" ")
}

/// Ends a connection by a reset instead of an end of input.
fn reset(client: Client) {
    SockRef::from(&client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
}

/// Random numbers (xorshift), whose seed stands in the output of a test that fails.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
        let seed = std::env::var("PARLOR_TEST_SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap());
        println!("run again with PARLOR_TEST_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Bytes that look like requests often enough to get past the first check. Without `E`, `Q` and
    /// `X`, so that none of them asks to leave.
    fn noise(&mut self) -> Vec<u8> {
        const TELLING: &[u8] =
            b"\n\n\n\r\n\r\xff\xff\xfa\xf0\xfb\x1b\xc3\xe4\xbd\xa0\xef\xbb\xbf\x00\t    {}\"'-+:,?UPICHWVK019azAZ";
        let length = self.next() % 4096;
        let byte = |random: &mut Self| match random.next() >> 32 {
            n if n % 4 == 0 => (n >> 8) as u8,
            n => TELLING[(n >> 8) as usize % TELLING.len()],
        };
        let mut bytes: Vec<u8> = (0..length).map(|_| byte(self)).filter(|byte| !b"eEqQxX".contains(byte)).collect();
        if self.next().is_multiple_of(8) {
            bytes.extend(std::iter::repeat_n(b'z', 5000));
        }
        bytes
    }
}

/// Floods a connection from a thread of its own until the daemon closes it; its replies are read and dropped.
fn flood(client: &Client, line: &'static [u8]) -> thread::JoinHandle<()> {
    let (mut writing, mut reading) = (client.stream(), client.stream());
    thread::spawn(move || drop(std::io::copy(&mut reading, &mut std::io::sink())));
    thread::spawn(move || {
        let block = line.repeat(64 * 1024 / line.len());
        while writing.write_all(&block).is_ok() {}
    })
}

/// Lines that cause no reply never fill an outbox: what stops such a peer from keeping a thread of the
/// daemon to itself is only that it has to let others run. More floods than the machine has processors.
#[test]
fn an_endless_flood_of_empty_lines_keeps_nobody_waiting() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let processors = thread::available_parallelism().map_or(2, usize::from);
    let floods: Vec<_> = (0..=processors)
        .map(|n| {
            let flooder = Client::enter(&daemon, &format!("flooder{n}"));
            let thread = flood(&flooder, b"\n");
            (flooder, thread)
        })
        .collect();
    for _ in 0..20 {
        assert!(alice.ask("C - still here").starts_with("OK "));
    }
    // Nor does it keep its own connection from hearing the room.
    let mut deaf = Client::enter(&daemon, "deaf");
    let mut writing = deaf.stream();
    let flooding = thread::spawn(move || while writing.write_all(&[b'\n'; 64 * 1024]).is_ok() {});
    assert!(alice.ask("C - can you hear me").starts_with("OK "));
    deaf.skip_to("[alice]: can you hear me");
    // It hears the signal, too.
    drop(alice);
    assert_eq!(daemon.stop().code(), Some(0));
    drop(deaf);
    flooding.join().unwrap();
    for (flooder, thread) in floods {
        drop(flooder);
        thread.join().unwrap();
    }
}
