//! The promise about uploads: whole, checked and durable, or nothing that anyone sees; and what a cut one
//! has brought is kept for who brought it.

use std::time::Duration;

use serde_json::json;
use socket2::SockRef;

use crate::harness::{Client, Daemon, begin_upload, eventually, is_shared, noise, sha256, upload};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Sends a part of a file and ends the input there; returns the reply.
fn upload_part(daemon: &Daemon, client: &mut Client, file_name: &str, whole: &[u8], part: usize) -> String {
    let offer = client.offer(file_name);
    let mut transfer = Client::transfer(daemon, offer.line(whole));
    transfer.send_raw(&whole[offer.offset..][..part]);
    transfer.end_input();
    transfer.last_line()
}

#[test]
fn what_goes_up_comes_down() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let bodies = [vec![], vec![b'\n'], vec![0xff; 100_000], noise(1, 64 * KIB), noise(2, 3 * MIB + 1)];
    for (number, whole) in bodies.iter().enumerate() {
        let name = format!("{number}.bin");
        alice.share(&daemon, &name, whole);
        assert_eq!(alice.fetch(&daemon, &name), *whole, "{} bytes", whole.len());
    }
}

#[test]
fn the_hash_may_be_left_out_and_written_in_either_case() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let digits = sha256(b"hello");
    for (name, hash) in [("none", ""), ("upper", &*digits.to_uppercase()), ("lower", &*digits)] {
        let line = format!("T {} 5 {hash}\n", alice.offer(name).ticket);
        let reply = Client::transfer(&daemon, line + "hello").last_line();
        assert!(is_shared(&reply, b"hello"), "{name}: {reply}");
    }
}

#[test]
fn a_cut_upload_goes_on_where_it_stopped() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let whole = noise(1, 2 * MIB);
    let mut offset = 0;
    for part in [1, 100 * KIB, MIB, 7] {
        let reply = upload_part(&daemon, &mut alice, "a.bin", &whole, part);
        assert!(reply.starts_with("ERR size-mismatch "), "{reply}");
        offset += part;
        assert_eq!(alice.offer("a.bin").offset, offset);
    }
    assert!(bob.ask("L - a.bin").starts_with("ERR no-such-file "), "a part is no file");
    assert!(bob.ask("S").starts_with("OK 0"));
    alice.share(&daemon, "a.bin", &whole);
    assert_eq!(bob.fetch(&daemon, "a.bin"), whole);
    daemon.settles_to(&[&sha256(&whole)]);
}

#[test]
fn an_upload_whose_connection_is_reset_goes_on() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, MIB);
    let offer = alice.offer("a.bin");
    let transfer = begin_upload(&daemon, &offer, &whole, 100 * KIB);
    SockRef::from(&transfer.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(transfer);
    eventually("the transfer is over", || alice.ask("F - a.bin").starts_with("OK "));
    // A reset takes along what was not read yet.
    assert!(alice.offer("a.bin").offset <= 100 * KIB);
    alice.share(&daemon, "a.bin", &whole);
}

#[test]
fn going_on_requires_the_hash() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    upload_part(&daemon, &mut alice, "a.txt", b"hello", 2);
    let offer = alice.offer("a.txt");
    let reply = Client::transfer(&daemon, format!("T {} 5\nllo", offer.ticket)).last_line();
    assert!(reply.starts_with("ERR usage "), "{reply}");
    assert_eq!(alice.offer("a.txt").offset, 2, "nothing is lost by it");
    alice.share(&daemon, "a.txt", b"hello");
}

#[test]
fn the_hash_is_that_of_the_whole_file() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    upload_part(&daemon, &mut alice, "a.txt", b"hello", 2);
    // The beginning is another file's.
    let offer = alice.offer("a.txt");
    let reply = Client::transfer(&daemon, format!("{}llo", offer.line(b"Hello"))).last_line();
    assert!(reply.starts_with("ERR hash-mismatch "), "{reply}");
    assert_eq!(alice.offer("a.txt").offset, 0);
    daemon.settles_to(&[]);
}

#[test]
fn a_wrong_hash_keeps_nothing_and_tells_nobody() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("a.txt");
    let reply = Client::transfer(&daemon, format!("{}hallo", offer.line(b"hello"))).last_line();
    assert!(reply.starts_with("ERR hash-mismatch "), "{reply}");
    daemon.settles_to(&[]);
    assert!(alice.only_reply("S").starts_with("OK 0"), "and nothing was told before");
    assert_eq!(alice.offer("a.txt").offset, 0);
    alice.share(&daemon, "a.txt", b"hello");
}

#[test]
fn a_command_run_where_the_file_is_not_shares_nothing() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let offer = alice.offer("a.txt");
    let reply = Client::transfer(&daemon, format!("T {} 0 \n", offer.ticket)).last_line();
    assert!(reply.starts_with("ERR usage ") && reply.contains("directory"), "{reply}");
    assert!(alice.ask("L - a.txt").starts_with("ERR no-such-file "));
    // The ticket is still good where the file is.
    assert!(is_shared(&upload(&daemon, &offer, b"hello"), b"hello"));
}

#[test]
fn withdrawing_what_was_only_offered_kills_the_ticket() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let offer = alice.offer("a.txt");
    assert!(alice.ask("X - a.txt").starts_with("OK "));
    assert!(upload(&daemon, &offer, b"hello").starts_with("ERR bad-ticket "));
    bob.share(&daemon, "a.txt", b"bob's");
    assert!(alice.ask("X - a.txt").starts_with("ERR not-yours "));
}

#[test]
fn a_partial_can_be_given_up_when_somebody_else_has_shared_its_name() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    upload_part(&daemon, &mut alice, "a.txt", b"hello", 2);
    bob.share(&daemon, "a.txt", b"bob's");
    assert!(alice.ask("X - a.txt").starts_with("OK "));
    assert!(daemon.partials().is_empty());
    assert!(alice.ask("X - a.txt").starts_with("ERR not-yours "));
    assert_eq!(Client::transfer(&daemon, format!("T {}\n", bob.find("a.txt").ticket)).bytes(), b"bob's");
}

#[test]
fn bytes_after_the_last_one_are_a_mismatch() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for (whole, body) in [("hello", "hello!"), ("hello", "hello\n"), ("", "x")] {
        let line = alice.offer("a.txt").line(whole.as_bytes());
        let reply = Client::transfer(&daemon, line + body).last_line();
        assert!(reply.starts_with("ERR size-mismatch "), "{body:?} was answered {reply}");
        assert!(alice.only_reply("L - a.txt").starts_with("ERR no-such-file "));
        assert_eq!(alice.offer("a.txt").offset, 0);
    }
}

#[test]
fn another_size_than_the_partials_drops_it() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    upload_part(&daemon, &mut alice, "a.txt", b"hello", 2);
    let offer = alice.offer("a.txt");
    assert_eq!(offer.offset, 2);
    let reply = Client::transfer(&daemon, offer.line(b"hello, world")).last_line();
    assert!(reply.starts_with("ERR size-mismatch "), "{reply}");
    assert_eq!(alice.offer("a.txt").offset, 0);
    alice.share(&daemon, "a.txt", b"hello, world");
}

#[test]
fn while_one_is_running_nobody_uploads_that_name() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let mut program = Client::program(&daemon, "program");
    let offer = alice.offer("a.txt");
    let mut transfer = begin_upload(&daemon, &offer, b"hello", 2);
    for (client, sender) in [(&mut alice, "you"), (&mut bob, "alice")] {
        for name in ["a.txt", "A.TXT"] {
            let reply = client.ask(&format!("F - {name}"));
            assert!(reply.starts_with("ERR file-exists it is being uploaded by "), "{reply}");
            assert!(reply.contains(&format!(" by {sender};")), "{reply}");
        }
    }
    let refusal = program.objects_of("F - a.txt").pop().unwrap();
    assert_eq!((&refusal["err"], &refusal["from"]), (&json!("file-exists"), &json!("alice")));
    assert_eq!(refusal["free_name"], json!("a-2.txt"));
    // Refusals do not harm the one that is running.
    transfer.send_raw(b"llo");
    assert!(is_shared(&transfer.last_line(), b"hello"));
}

#[test]
fn a_partial_holds_the_name_for_nobody_else() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    upload_part(&daemon, &mut alice, "a.txt", b"hello", 2);
    bob.share(&daemon, "a.txt", b"bob's");
    assert!(alice.ask("F - a.txt").starts_with("ERR file-exists "));
    bob.withdraw("a.txt");
    let offer = bob.offer("a.txt");
    assert_eq!(offer.offset, 0, "it is alice's alone");
    drop(begin_upload(&daemon, &offer, b"other", 1));
    eventually("bob's transfer is over", || bob.ask("F - a.txt").starts_with("OK "));
}

#[test]
fn who_has_only_a_partial_drops_it_by_withdrawing() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    upload_part(&daemon, &mut alice, "a.txt", b"hello", 2);
    assert!(bob.ask("X - a.txt").starts_with("ERR no-such-file "));
    assert_eq!(alice.offer("a.txt").offset, 2);
    alice.withdraw("a.txt");
    assert!(alice.ask("X - a.txt").starts_with("ERR no-such-file "));
    daemon.settles_to(&[]);
    assert_eq!(alice.offer("a.txt").offset, 0);
    bob.send("K");
    assert_eq!(bob.line(), "OK", "what nobody saw is not withdrawn before anybody");
}

#[test]
fn an_upload_goes_on_without_its_uploader() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.skip_to("[bob] entered");
    let offer = alice.offer("a.txt");
    let mut transfer = begin_upload(&daemon, &offer, b"hello", 2);
    alice.ask("E");
    assert_eq!(bob.line(), "[alice] left the room");
    transfer.send_raw(b"llo");
    assert!(transfer.last_line().starts_with("OK "));
    bob.expect("[alice] shared a.txt ");
    assert_eq!(bob.fetch(&daemon, "a.txt"), b"hello");
}

#[test]
fn who_does_not_wait_for_the_answer_has_shared_all_the_same() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let whole = noise(1, MIB);
    let offer = alice.offer("a.bin");
    let mut transfer = Client::transfer(&daemon, offer.line(&whole));
    transfer.send_raw(&whole);
    drop(transfer);
    bob.skip_to("[alice] shared a.bin ");
    assert!(bob.fetch(&daemon, "a.bin") == whole);
}

#[test]
fn of_many_who_offer_one_name_at_once_one_gets_it() {
    let daemon = Daemon::start();
    let mut clients = ["alice", "bob", "carol", "dave"].map(|name| Client::enter(&daemon, name));
    for round in 0..20 {
        for (client, name) in clients.iter_mut().zip(["a.txt", "A.txt", "a.TXT", "A.TXT"]) {
            client.send(&format!("F - {round}-{name}"));
        }
        let replies = clients.each_mut().map(Client::reply);
        let granted = replies.iter().filter(|reply| reply.starts_with("OK ")).count();
        let refused = replies.iter().filter(|reply| reply.starts_with("ERR file-exists ")).count();
        assert_eq!((granted, refused), (1, 3), "{replies:#?}");
    }
}

#[test]
fn thirty_two_files_go_up_and_come_down_at_once() {
    const FILES: usize = 32;
    let daemon = Daemon::start();
    // The hashes that come down are what went up: `share` and `fetch` compare them.
    let file = |number: usize| noise(number as u64, 100 * KIB + number);
    std::thread::scope(|scope| {
        for account in 0..FILES / 8 {
            let mut client = Client::enter(&daemon, &format!("account-{account}"));
            let offers: Vec<_> = (0..8).map(|n| account * 8 + n).map(|n| (n, client.offer(&format!("{n}.bin")))).collect();
            for (number, offer) in offers {
                let daemon = &daemon;
                scope.spawn(move || {
                    let whole = file(number);
                    assert!(is_shared(&upload(daemon, &offer, &whole), &whole), "{number}");
                });
            }
        }
    });
    let mut names: Vec<String> = (0..FILES).map(|number| sha256(&file(number))).collect();
    names.sort();
    daemon.settles_to(&names.iter().map(String::as_str).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for account in 0..FILES / 8 {
            let mut client = Client::enter(&daemon, &format!("account-{account}"));
            let asked: Vec<_> = (0..8).map(|n| (account * 8 + n, client.find(&format!("{}.bin", account * 8 + n)))).collect();
            for (number, found) in asked {
                let daemon = &daemon;
                scope.spawn(move || {
                    let mut transfer = Client::transfer(daemon, format!("T {}\n", found.ticket));
                    assert!(transfer.bytes() == file(number), "{number}");
                });
            }
        }
    });
}

#[test]
fn the_same_bytes_may_be_shared_and_withdrawn_by_many_at_once() {
    let daemon = Daemon::start();
    let whole = noise(1, 10 * KIB);
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (daemon, whole) = (&daemon, &whole);
            scope.spawn(move || {
                let name = format!("account-{number}");
                let mut client = Client::enter(daemon, &name);
                for _ in 0..20 {
                    client.share(daemon, &name, whole);
                    assert!(client.fetch(daemon, &name) == *whole);
                    client.withdraw(&name);
                }
            });
        }
    });
    daemon.settles_to(&[]);
}
