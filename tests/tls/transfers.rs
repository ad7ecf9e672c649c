//! Files through TLS: the same bytes, cut and gone on with, several at once, beside plain ones.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::harness::{Client, Daemon, begin_upload, eventually, noise, upload};

#[test]
fn files_go_both_ways_and_from_either_kind_of_connection() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    for (name, size) in [("nothing", 0), ("one", 1), ("record", 16 << 10), ("more", (16 << 10) + 1), ("large", 5_000_000)] {
        let whole = noise(size as u64, size);
        alice.share(&daemon, name, &whole);
        assert!(alice.fetch(&daemon, name) == whole, "{name}");
        // The ticket says nothing of how it comes.
        let mut plain = TcpStream::connect(daemon.address).unwrap();
        plain.write_all(format!("T {}\n", alice.find(name).ticket).as_bytes()).unwrap();
        let mut came = Vec::new();
        plain.read_to_end(&mut came).unwrap();
        assert!(came == whole, "{name}");
    }
    let found = alice.find("large");
    let rest = Client::transfer(&daemon, format!("T {} 4999000\n", found.ticket)).bytes();
    assert!(rest == noise(5_000_000, 5_000_000)[4_999_000..]);
}

#[test]
fn a_cut_upload_is_gone_on_with() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3_000_000);
    let offer = alice.offer("cut");
    let mut transfer = begin_upload(&daemon, &offer, &whole, 1_000_000);
    // No word of TLS at the end: what came counts.
    transfer.stream().shutdown(std::net::Shutdown::Write).unwrap();
    assert!(transfer.last_line().starts_with("ERR size-mismatch 1000000 of 3000000 bytes came and are kept"));
    let offer = alice.offer("cut");
    assert_eq!(offer.offset, 1_000_000);
    // In its words.
    let mut transfer = Client::transfer(&daemon, [offer.line(&whole).as_bytes(), &whole[offer.offset..1_500_000]].concat());
    transfer.end_input();
    assert!(transfer.last_line().starts_with("ERR size-mismatch 1500000 of 3000000 "));
    // Nor is a broken record a loss of what came before it.
    let offer = alice.offer("cut");
    let mut transfer = Client::transfer(&daemon, [offer.line(&whole).as_bytes(), &whole[offer.offset..2_000_000]].concat());
    transfer.stream().write_all(&[0; 100]).unwrap();
    let _ = transfer.bytes();
    eventually("the cut is noticed", || alice.ask("F - cut").starts_with("OK "));
    let offer = alice.offer("cut");
    assert_eq!(offer.offset, 2_000_000);
    let reply = upload(&daemon, &offer, &whole);
    assert!(reply.starts_with("OK "), "{reply}");
    assert!(alice.fetch(&daemon, "cut") == whole);
}

#[test]
fn a_download_that_is_cut_does_not_look_whole() {
    let mut daemon = Daemon::start_with_tls(&["--stop-timeout-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(2, 8_000_000);
    alice.share(&daemon, "large", &whole);
    let mut slow = Client::connect_slow(&daemon);
    slow.send(&format!("T {}", alice.find("large").ticket));
    assert!(slow.some_bytes(1000) == whole[..1000]);
    daemon.signal("TERM");
    daemon.wait();
    let mut wire = slow.into_wire();
    let mut came = Vec::new();
    // A reset, or an end without `close_notify`.
    assert!(wire.read_to_end(&mut came).is_err());
    assert!(came.len() < whole.len());
}

#[test]
fn several_at_once_and_talk_goes_on() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    let files = [10, 11].map(|seed| noise(seed, 6_000_000));
    let offers = ["a", "b"].map(|name| alice.offer(name));
    thread::scope(|scope| {
        let sent: Vec<_> =
            offers.iter().zip(&files).map(|(offer, whole)| scope.spawn(|| upload(&daemon, offer, whole))).collect();
        (0..20).for_each(|number| assert!(alice.ask(&format!("C - {number}")).starts_with("OK ")));
        sent.into_iter().for_each(|sent| assert!(sent.join().unwrap().starts_with("OK ")));
        let tickets = ["a", "b"].map(|name| alice.find(name).ticket);
        let fetch = |ticket| Client::transfer(&daemon, format!("T {ticket}\n")).bytes();
        let fetched: Vec<_> = tickets.into_iter().map(|ticket| scope.spawn(move || fetch(ticket))).collect();
        let fetched: Vec<Vec<u8>> = fetched.into_iter().map(|fetched| fetched.join().unwrap()).collect();
        assert!(fetched == files);
    });
}
