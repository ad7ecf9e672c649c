//! What peers with TLS cost the daemon, at most.

use std::io::Write;
use std::net::TcpStream;

use crate::harness::{Client, Daemon, seq_of};

/// What one that hears the room and reads nothing may take more than when it was idle: the README's formula, 72 KiB less
/// 13. TLS's part of it is one record of 16 KiB that the kernel did not take.
const STALLED_KIB: u64 = 72 - 13;

#[test]
fn who_reads_nothing_through_tls_costs_a_bounded_piece_of_memory() {
    const STALLED: usize = 100;
    let daemon = Daemon::start_with_tls(&[]);
    let mut talker = Client::over(TcpStream::connect(daemon.address).unwrap());
    talker.log_in("talker");
    // More than the ring holds, so that what is said below finds it full.
    let mut say = |count: usize| {
        let lines = format!("C - {}\n", "x".repeat(1000)).repeat(count);
        let mut stream = talker.stream();
        let sending = std::thread::spawn(move || stream.write_all(lines.as_bytes()).unwrap());
        let replies: Vec<u64> = (0..count).map(|_| seq_of(&talker.reply())).collect();
        sending.join().unwrap();
        assert_eq!(replies.len(), count);
    };
    say(6000);
    let stalled: Vec<Client> = (0..STALLED)
        .map(|number| {
            let mut client = Client::connect_slow(&daemon);
            client.log_in(&format!("slow{number}"));
            client
        })
        .collect();
    let before = daemon.peak_memory_kib();
    say(6000);
    let grown = daemon.peak_memory_kib() - before;
    assert!(grown < STALLED as u64 * STALLED_KIB, "{grown} KiB for {STALLED} of them");
    drop(stalled);
}
