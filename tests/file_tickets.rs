//! The promise about tickets: each is good for one transfer of one file in one direction, for whoever
//! holds it, until its time is over; and about the line that brings it, wherever segments end.

use crate::harness::{Client, Daemon, PASSWORD, begin_upload, eventually, is_heartbeat, is_shared, noise, sha256, upload};
use crate::login::files_with;

/// A transfer that must be refused: with one line, no bytes, and the end of the connection.
#[track_caller]
fn refused(daemon: &Daemon, line: &str, code: &str) {
    let reply = Client::transfer(daemon, format!("{line}\n")).last_line();
    assert!(reply.starts_with(&format!("ERR {code} ")), "{line:?} was answered {reply:?}");
}

#[test]
fn a_ticket_is_good_once() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("a.txt");
    assert!(is_shared(&upload(&daemon, &offer, b"hello"), b"hello"));
    refused(&daemon, offer.line(b"hello").trim_end(), "bad-ticket");
    let found = alice.find("a.txt");
    let line = format!("T {}", found.ticket);
    assert_eq!(Client::transfer(&daemon, format!("{line}\n")).bytes(), b"hello");
    refused(&daemon, &line, "bad-ticket");
}

#[test]
fn of_many_who_use_one_ticket_at_once_one_gets_through() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for round in 0..10 {
        let name = format!("{round}.txt");
        let offer = alice.offer(&name);
        let request = offer.line(b"hello") + "hello";
        let ask = |request: &str| {
            let mut transfers = [(); 8].map(|()| Client::transfer(&daemon, request));
            transfers.each_mut().map(|transfer| String::from_utf8(transfer.bytes()).unwrap())
        };
        let uploads = ask(&request);
        assert_eq!(uploads.iter().filter(|reply| is_shared(reply, b"hello")).count(), 1, "{uploads:#?}");
        let downloads = ask(&format!("T {}\n", alice.find(&name).ticket));
        assert_eq!(downloads.iter().filter(|bytes| *bytes == "hello").count(), 1, "{downloads:#?}");
        let bad = uploads.iter().chain(&downloads).filter(|reply| reply.starts_with("ERR bad-ticket ")).count();
        assert_eq!(bad, 14, "{uploads:#?} {downloads:#?}");
    }
}

#[test]
fn of_100_connections_at_once_with_one_ticket_one_gets_the_file() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "shared", b"hello");
    let line = format!("T {}\n", alice.find("shared").ticket);
    let start = &std::sync::Barrier::new(100);
    let replies: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let tries = [(); 100].map(|()| {
            let mut transfer = Client::connect(&daemon);
            let line = &line;
            scope.spawn(move || {
                start.wait();
                transfer.send_raw(line.as_bytes());
                transfer.bytes()
            })
        });
        tries.into_iter().map(|transfer| transfer.join().unwrap()).collect()
    });
    assert_eq!(replies.iter().filter(|reply| *reply == b"hello").count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.starts_with(b"ERR bad-ticket ")).count(), 99);
}

#[test]
fn an_account_has_so_many_tickets_and_the_oldest_dies_first() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    bob.share(&daemon, "shared", b"hello");
    let found: Vec<_> = (0..65).map(|_| alice.find("shared")).collect();
    refused(&daemon, &format!("T {}", found[0].ticket), "bad-ticket");
    for found in &found[1..] {
        assert_eq!(Client::transfer(&daemon, format!("T {}\n", found.ticket)).bytes(), b"hello");
    }
}

#[test]
fn a_ticket_is_128_bits_and_another_each_time() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "shared", b"hello");
    let mut tickets: Vec<String> = (0..20).flat_map(|_| [alice.offer("a.txt").ticket, alice.find("shared").ticket]).collect();
    assert!(tickets.iter().all(|ticket| ticket.len() == 32 && ticket.bytes().all(|b| b.is_ascii_hexdigit())), "{tickets:?}");
    tickets.sort();
    tickets.dedup();
    assert_eq!(tickets.len(), 40);
}

#[test]
fn a_ticket_has_its_time_to_begin() {
    let daemon = Daemon::start_with(&["--ticket-timeout-s", "2"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.share(&daemon, "shared", b"hello");
    let found = alice.find("shared");
    let offer = alice.offer("a.txt");
    assert!(bob.ask("F - a.txt").starts_with("ERR file-exists "), "an offer holds the name for its time");
    eventually("the offer's time is over", || bob.ask("F - a.txt").starts_with("OK "));
    refused(&daemon, offer.line(b"hello").trim_end(), "bad-ticket");
    refused(&daemon, &format!("T {}", found.ticket), "bad-ticket");
    // What has begun in time may take longer.
    let offer = alice.offer("b.txt");
    let mut slow = begin_upload(&daemon, &offer, b"hello", 2);
    let later = alice.offer("c.txt");
    eventually("a later offer's time is over", || bob.ask("F - c.txt").starts_with("OK "));
    slow.send_raw(b"llo");
    assert!(slow.last_line().starts_with("OK "));
    refused(&daemon, later.line(b"hello").trim_end(), "bad-ticket");
}

#[test]
fn a_ticket_is_for_one_direction() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let sha256 = alice.share(&daemon, "shared", b"hello");
    let offer = alice.offer("a.txt");
    refused(&daemon, &format!("T {}", offer.ticket), "bad-ticket");
    let found = alice.find("shared");
    refused(&daemon, &format!("T {} 5 {sha256}", found.ticket), "bad-ticket");
    assert!(alice.ask("L - a.txt").starts_with("ERR no-such-file "));
    assert_eq!(alice.fetch(&daemon, "shared"), b"hello");
}

#[test]
fn a_guess_is_refused_and_costs_the_real_one_nothing() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "shared", b"hello");
    let offer = alice.offer("a.txt");
    let found = alice.find("shared");
    for real in [&offer.ticket, &found.ticket] {
        let off_by_one = real.replacen(|c| c != '0', "0", 1);
        for guess in
            [&off_by_one, &real[1..], &format!("{real}0"), &"0".repeat(32), "x", "-", "%s", "../a.txt", &"9".repeat(400)]
        {
            refused(&daemon, &format!("T {guess}"), "bad-ticket");
            refused(&daemon, &format!("T {guess} 5"), "bad-ticket");
            refused(&daemon, &format!("T {guess} 5 {}", sha256(b"hello")), "bad-ticket");
        }
    }
    assert!(upload(&daemon, &offer, b"hello").starts_with("OK "));
    assert_eq!(Client::transfer(&daemon, format!("T {}\n", found.ticket)).bytes(), b"hello");
}

#[test]
fn a_line_of_another_form_is_usage_and_the_end() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let digits = sha256(b"hello");
    let offer = alice.offer("a.txt");
    refused(&daemon, "T", "usage");
    for rest in [
        "x",
        "-1",
        "5.0",
        "5 x",
        &format!("5 {}", &digits[1..]),
        &format!("5 {digits}0"),
        &format!("5 {}g", &digits[1..]),
        &format!("{digits} 5"),
        &format!("5 {digits} 0"),
    ] {
        refused(&daemon, &format!("T {} {rest}", alice.offer("a.txt").ticket), "usage");
    }
    refused(&daemon, offer.line(b"hello").trim_end(), "bad-ticket");
    assert_eq!(alice.offer("a.txt").offset, 0);
    daemon.settles_to(&[]);
}

#[test]
fn a_line_that_cannot_be_read_is_the_end_too() {
    let daemon = Daemon::start();
    let long = format!("T {}", "x".repeat(1000));
    for (line, code) in [("T \u{1} 5", "bad-text"), ("T x\u{202e} 5", "bad-text"), (&*long, "line-too-long")] {
        // What follows are bytes of a file, not requests.
        let reply = Client::transfer(&daemon, format!("{line}\nU alice\nE\n")).last_line();
        assert!(reply.starts_with(&format!("ERR {code} ")), "{line:?} was answered {reply:?}");
    }
}

#[test]
fn refusals_are_in_the_daemons_language() {
    let daemon = Daemon::start_with(&["--lang", "zh"]);
    let reply = Client::transfer(&daemon, format!("T {}\n", "0".repeat(32))).last_line();
    assert!(reply.starts_with("ERR bad-ticket ") && !reply.is_ascii(), "{reply}");
}

#[test]
fn withdrawing_a_file_kills_its_tickets() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "a.txt", b"hello");
    let [used, early, late] = [(); 3].map(|()| alice.find("a.txt").ticket);
    assert_eq!(Client::transfer(&daemon, format!("T {used}\n")).bytes(), b"hello");
    alice.withdraw("a.txt");
    refused(&daemon, &format!("T {early}"), "bad-ticket");
    // Another file of that name is not what it was given for.
    alice.share(&daemon, "a.txt", b"other");
    refused(&daemon, &format!("T {late}"), "bad-ticket");
}

#[test]
fn a_new_offer_kills_the_one_before() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let before = alice.offer("A.txt");
    let other_file = alice.offer("b.txt");
    let newest = alice.offer("a.TXT");
    refused(&daemon, before.line(b"hello").trim_end(), "bad-ticket");
    for offer in [newest, other_file] {
        assert!(upload(&daemon, &offer, b"hello").starts_with("OK "));
    }
    // Of downloads there may be many.
    for found in [alice.find("a.txt"), alice.find("a.txt"), alice.find("a.txt")].iter().rev() {
        assert_eq!(Client::transfer(&daemon, format!("T {}\n", found.ticket)).bytes(), b"hello");
    }
}

#[test]
fn whoever_holds_a_ticket_may_use_it_and_it_counts_for_who_asked() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    // Transfers are made by strangers' connections, and these know nobody's name.
    let offer = alice.offer("a.txt");
    alice.ask("E");
    bob.skip_to("[alice] left");
    assert!(upload(&daemon, &offer, b"hello").starts_with("OK "));
    bob.expect("[alice] shared a.txt ");
}

#[test]
fn a_transfer_must_be_the_first_line() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut program = Client::program(&daemon, "program");
    alice.skip_to("[program] entered");
    let mut stranger = Client::connect(&daemon);
    stranger.ask("K");
    let offer = alice.offer("a.txt");
    for client in [&mut stranger, &mut alice] {
        let reply = client.only_reply(offer.line(b"hello").trim_end());
        assert!(reply.starts_with("ERR not-first "), "{reply}");
    }
    let reply = program.only_reply(format!("T {}", offer.ticket));
    assert!(reply.starts_with(r#"{"err":"not-first","#), "{reply}");
    assert!(is_heartbeat(&stranger.ask("K")));
    stranger.log_in("stranger");
    assert!(upload(&daemon, &offer, b"hello").starts_with("OK "), "the ticket is still good");
}

/// Uploads in parts, each of which has been read before the next one comes.
fn upload_in_parts(daemon: &Daemon, bystander: &mut Client, parts: &[&[u8]]) -> String {
    let mut transfer = Client::connect(daemon);
    for part in parts {
        transfer.send_raw(part);
        bystander.ask("K");
    }
    transfer.last_line()
}

#[test]
fn line_and_body_may_be_cut_anywhere() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bystander = Client::connect(&daemon);
    let bodies: [&[u8]; 3] = [b"", &[0xff; 16], b"\n\xef\xbb\xbfT\n\r\nE -\n\xff\xfb\x01\0\x1b[2J"];
    for (number, whole) in bodies.into_iter().enumerate() {
        let name = format!("{number}.bin");
        let length = alice.offer(&name).line(whole).len() + whole.len();
        for at in 0..length {
            let offer = alice.offer(&name);
            let request = [offer.line(whole).as_bytes(), whole].concat();
            // Those with the hash prove that the bytes arrived, those without that the hash told is theirs.
            let reply = if at == 0 && !whole.is_empty() {
                let plain = [format!("T {} {}\n", offer.ticket, whole.len()).as_bytes(), whole].concat();
                upload_in_parts(&daemon, &mut bystander, &plain.chunks(1).collect::<Vec<_>>())
            } else {
                upload_in_parts(&daemon, &mut bystander, &[&request[..at], &request[at..]])
            };
            assert!(is_shared(&reply, whole), "body {number}, cut at byte {at}: {reply}");
            alice.withdraw(&name);
        }
    }
}

#[test]
fn the_line_of_a_download_may_be_cut_anywhere() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bystander = Client::connect(&daemon);
    let whole = noise(1, 1000);
    alice.share(&daemon, "a.bin", &whole);
    for at in 1.."T 0123456789abcdef0123456789abcdef 10\n".len() {
        let line = format!("T {} 10\n", alice.find("a.bin").ticket);
        let (head, tail) = line.as_bytes().split_at(at);
        let mut transfer = Client::transfer(&daemon, head);
        bystander.ask("K");
        transfer.send_raw(tail);
        assert_eq!(transfer.bytes(), whole[10..], "cut at byte {at}");
    }
}

#[test]
fn the_line_may_end_in_cr_lf_and_begin_with_a_byte_order_mark() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for (number, whole) in [&b"\r\n"[..], b"\nhello\n", b"\r", b"hello\r\n"].into_iter().enumerate() {
        let name = format!("{number}.txt");
        let line = alice.offer(&name).line(whole).replace('\n', "\r\n");
        let mut transfer = Client::transfer(&daemon, [line.as_bytes(), whole].concat());
        let reply = transfer.raw_line().unwrap();
        assert!(is_shared(&reply, whole) && reply.ends_with("\r\n"), "answered in kind: {reply:?}");
        assert_eq!(transfer.raw_line(), None);
        // The line end of a download is its request's alone.
        let line = format!("\u{feff}t {}\r\n", alice.find(&name).ticket);
        assert_eq!(Client::transfer(&daemon, line).bytes(), whole);
    }
}

#[test]
fn a_transfer_needs_no_login_in_time() {
    let daemon = Daemon::start_with(&["--first-line-timeout-s", "2", "--login-timeout-s", "2"]);
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("a.txt");
    let mut slow = begin_upload(&daemon, &offer, b"hello", 2);
    // A stranger's end shows that more time has passed than a stranger has.
    Client::connect(&daemon).expect("Closing (login-timeout)");
    slow.send_raw(b"llo");
    assert!(slow.last_line().starts_with("OK "));
    // Half of the line is no transfer yet.
    let mut half = Client::transfer(&daemon, "T 0123");
    half.expect("Closing (login-timeout)");
}

#[test]
fn a_ticket_is_written_down_nowhere() {
    let mut daemon = Daemon::start_with_variables(&[("PARLOR_LOG", "trace")]);
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("a.txt");
    let mut slow = begin_upload(&daemon, &offer, b"hello", 2);
    let unused = alice.offer("b.txt");
    let names = daemon.files().concat();
    slow.send_raw(b"llo");
    assert!(slow.last_line().starts_with("OK "));
    let found = alice.find("a.txt");
    daemon.kill();
    let log = daemon.log();
    assert!(!log.contains(PASSWORD));
    for ticket in [offer.ticket, unused.ticket, found.ticket] {
        assert!(!log.contains(&ticket) && !names.contains(&ticket));
        assert_eq!(files_with(&daemon.data(), ticket.as_bytes()), [""; 0]);
    }
}
