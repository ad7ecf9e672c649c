//! A disk that fills up: files stop at the reserve, and talk and logins live on it. Run with
//! `cargo test -- --ignored`.

use std::io::Write;
use std::thread;

use crate::harness::{Client, Daemon, Volume, begin_upload, eventually, is_shared, noise, upload};

const RESERVE: u64 = 8 << 20;

fn start() -> (Volume, Daemon) {
    let volume = Volume::new(64);
    let daemon = Daemon::start_in(volume.clone(), &["--disk-reserve-mib", "8"], &[]);
    (volume, daemon)
}

/// What must go on being stored on a disk that is full for files.
fn assert_life_goes_on(daemon: &Daemon, somebody: &mut Client) {
    for number in 0..100 {
        let reply = somebody.ask(&format!("C - {number} {}", "x".repeat(1000)));
        assert!(reply.starts_with("OK "), "{reply}");
    }
    for name in ["newcomer", "newcomer", "another"] {
        Client::enter(daemon, name).ask("E -");
    }
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn below_the_reserve_new_files_are_refused_and_everything_else_goes_on() {
    let (volume, daemon) = start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 1 << 20);
    alice.share(&daemon, "before.bin", &whole);
    let offer = alice.offer("during.bin");
    volume.leave_free(RESERVE - (1 << 20));
    assert!(alice.ask("F - another.bin").starts_with("ERR disk-full "));
    assert!(upload(&daemon, &offer, &whole).starts_with("ERR disk-full "));
    assert_life_goes_on(&daemon, &mut alice);
    assert!(alice.fetch(&daemon, "before.bin") == whole);
    alice.withdraw("before.bin");
    volume.leave_free(u64::MAX);
    alice.share(&daemon, "another.bin", &whole);
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn an_upload_that_runs_into_the_reserve_is_cut_and_can_be_gone_on_with() {
    let (volume, daemon) = start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 16 << 20);
    let offer = alice.offer("large.bin");
    let mut transfer = begin_upload(&daemon, &offer, &whole, 1 << 20);
    let part = daemon.data().join("files").join(&daemon.partials()[0]);
    eventually("some of it is on the disk", || part.metadata().unwrap().len() > 0);
    volume.leave_free(RESERVE);
    let (mut stream, rest) = (transfer.stream(), whole[1 << 20..].to_vec());
    // It may be cut in the middle of a write.
    let pouring = thread::spawn(move || drop(stream.write_all(&rest)));
    assert!(transfer.last_line().starts_with("ERR disk-full "));
    pouring.join().unwrap();
    assert!(volume.free_bytes() > RESERVE / 2, "{} bytes are left", volume.free_bytes());
    assert_life_goes_on(&daemon, &mut alice);
    volume.leave_free(u64::MAX);
    let offer = alice.offer("large.bin");
    assert!(offer.offset > 0);
    assert!(is_shared(&upload(&daemon, &offer, &whole), &whole));
    assert!(alice.fetch(&daemon, "large.bin") == whole);
}
