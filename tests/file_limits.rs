//! The promise about limits: how large, how many, how much, how slow; what is refused for one of them is
//! refused before its bytes come, and works once there is room.

use crate::harness::{Client, Daemon, begin_upload, eventually, is_shared, noise, upload};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

#[test]
fn too_large_is_said_before_the_body_comes() {
    let daemon = Daemon::start_with(&["--max-file-mib", "1"]);
    let mut alice = Client::program(&daemon, "alice");
    assert_eq!(alice.objects_of("F - a.bin").pop().unwrap()["limit_bytes"], MIB);
    for size in [MIB as u64 + 1, u64::from(u32::MAX) + 1, 999_999_999_999_999_999] {
        let line = format!("T {} {size}\n", alice.offer("a.bin").ticket);
        let reply = Client::transfer(&daemon, line).last_line();
        assert!(reply.starts_with("ERR too-large "), "{size} was answered {reply}");
    }
    alice.share(&daemon, "a.bin", &noise(1, MIB));
}

#[test]
fn too_large_is_heard_by_who_is_sending_already() {
    let daemon = Daemon::start_with(&["--max-file-mib", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let reply = upload(&daemon, &alice.offer("a.bin"), &noise(1, 8 * MIB));
    assert!(reply.starts_with("ERR too-large "), "{reply}");
}

#[test]
fn an_upload_that_falls_silent_is_cut_and_may_go_on() {
    let daemon = Daemon::start_with(&["--transfer-window-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 300 * KIB);
    let mut transfer = Client::transfer(&daemon, alice.offer("a.bin").line(&whole));
    transfer.send_raw(&whole[..10]);
    assert!(transfer.last_line().starts_with("ERR too-slow "));
    assert_eq!(alice.offer("a.bin").offset, 10);
    alice.share(&daemon, "a.bin", &whole);
}

#[test]
fn an_upload_that_dribbles_is_cut_and_may_go_on() {
    let daemon = Daemon::start_with(&["--min-transfer-kib-s", "512", "--transfer-window-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 4 * MIB);
    let mut sent = 1000;
    let mut transfer = begin_upload(&daemon, &alice.offer("a.bin"), &whole, sent);
    // A little at each look, which is not enough.
    eventually("it is cut", || {
        transfer.send_raw(&whole[sent..sent + 1000]);
        sent += 1000;
        alice.ask("F - a.bin").starts_with("OK ")
    });
    assert!(transfer.last_line().starts_with("ERR too-slow "));
    assert!((1000..=sent).contains(&alice.offer("a.bin").offset));
    alice.share(&daemon, "a.bin", &whole);
}

#[test]
fn a_least_rate_of_nothing_cuts_nobody() {
    let flags = ["--min-transfer-kib-s", "0", "--transfer-window-s", "1", "--ticket-timeout-s", "2"];
    let daemon = Daemon::start_with(&flags);
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let mut transfer = begin_upload(&daemon, &alice.offer("a.txt"), b"hello", 2);
    // A ticket that is too old shows that more than the window has passed.
    alice.offer("b.txt");
    eventually("the offer's time is over", || bob.ask("F - b.txt").starts_with("OK "));
    transfer.send_raw(b"llo");
    assert!(is_shared(&transfer.last_line(), b"hello"));
}

#[test]
fn an_account_has_so_many_transfers_at_once() {
    let daemon = Daemon::start_with(&["--max-account-transfers", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    let first = alice.offer("a.txt");
    let second = alice.offer("b.txt");
    let mut transfer = begin_upload(&daemon, &first, b"hello", 2);
    for _ in 0..3 {
        let reply = upload(&daemon, &second, b"hello");
        assert!(reply.starts_with("ERR busy "), "{reply}");
    }
    bob.share(&daemon, "c.txt", b"bob's");
    let found = alice.find("c.txt");
    let line = format!("T {}\n", found.ticket);
    assert!(Client::transfer(&daemon, &line).last_line().starts_with("ERR busy "), "downloads count too");
    transfer.send_raw(b"llo");
    assert!(transfer.last_line().starts_with("OK "));
    // The tickets stayed good.
    eventually("there is a place again", || !upload(&daemon, &second, b"hello").starts_with("ERR busy "));
    assert_eq!(alice.fetch(&daemon, "b.txt"), b"hello");
    let mut fetched = Vec::new();
    eventually("there is a place again", || {
        fetched = Client::transfer(&daemon, &line).bytes();
        !fetched.starts_with(b"ERR busy ")
    });
    assert_eq!(fetched, b"bob's");
}

#[test]
fn there_are_so_many_transfers_at_once_in_all() {
    let daemon = Daemon::start_with(&["--max-transfers", "2"]);
    let mut clients = ["alice", "bob", "carol"].map(|name| Client::enter(&daemon, name));
    let [alice, bob, carol] = &mut clients;
    let offers = [alice.offer("a.txt"), bob.offer("b.txt"), carol.offer("c.txt")];
    let mut running = [&offers[0], &offers[1]].map(|offer| begin_upload(&daemon, offer, b"hello", 2));
    let reply = upload(&daemon, &offers[2], b"hello");
    assert!(reply.starts_with("ERR busy "), "{reply}");
    running[0].send_raw(b"llo");
    assert!(running[0].last_line().starts_with("OK "));
    eventually("there is a place again", || upload(&daemon, &offers[2], b"hello").starts_with("OK "));
    running[1].send_raw(b"llo");
    assert!(running[1].last_line().starts_with("OK "));
}

#[test]
fn an_account_may_share_so_many_bytes() {
    let daemon = Daemon::start_with(&["--max-account-files-mib", "1"]);
    let mut alice = Client::program(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.share(&daemon, "a.bin", &noise(1, 600 * KIB));
    let granted = alice.objects_of("F - b.bin").pop().unwrap();
    assert_eq!(granted["limit_bytes"], 424 * KIB, "what is left of it");
    let reply = upload(&daemon, &alice.offer("b.bin"), &noise(2, 424 * KIB + 1));
    assert!(reply.starts_with("ERR too-large "), "{reply}");
    alice.share(&daemon, "b.bin", &noise(3, 424 * KIB));
    assert_eq!(alice.objects_of("F - c.bin").pop().unwrap()["err"], "quota");
    bob.share(&daemon, "c.bin", &noise(4, MIB));
    // What is withdrawn counts no longer.
    alice.withdraw("b.bin");
    alice.share(&daemon, "d.bin", &noise(5, 424 * KIB));
}

#[test]
fn what_is_on_its_way_counts_whole() {
    let daemon = Daemon::start_with(&["--max-account-files-mib", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 600 * KIB);
    let (first, second) = (alice.offer("a.bin"), alice.offer("b.bin"));
    let mut transfer = begin_upload(&daemon, &first, &whole, 1);
    let reply = upload(&daemon, &second, &whole);
    assert!(reply.starts_with("ERR too-large "), "{reply}");
    transfer.send_raw(&whole[1..]);
    assert!(is_shared(&transfer.last_line(), &whole));
}

#[test]
fn the_room_holds_so_many_bytes() {
    let daemon = Daemon::start_with(&["--max-room-files-mib", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::enter(&daemon, "bob");
    alice.share(&daemon, "a.bin", &noise(1, 600 * KIB));
    bob.share(&daemon, "b.bin", &noise(2, 424 * KIB));
    for client in [&mut alice, &mut bob] {
        let reply = client.ask("F - c.bin");
        assert!(reply.starts_with("ERR quota "), "{reply}");
    }
    alice.withdraw("a.bin");
    bob.share(&daemon, "c.bin", &noise(3, 600 * KIB));
}

#[test]
fn an_account_shares_at_most_10_000_files() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "a.txt", b"hello");
    drop(alice);
    daemon.stop();
    // Numbers far beyond those that the room gives in this test.
    let sql = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999) \
        INSERT INTO file_put_record (file_name, send_time, level, uid, room, seq, folded_name, size_bytes, sha256) \
        SELECT n || '.txt', send_time, level, uid, room, 1000000 + n, n || '.txt', size_bytes, sha256 FROM file_put_record, n";
    assert_eq!(daemon.database().execute(sql, []).unwrap(), 9999);
    daemon.restart();
    let mut alice = Client::enter(&daemon, "alice");
    let reply = alice.ask("F - b.txt");
    assert!(reply.starts_with("ERR quota "), "{reply}");
    alice.withdraw("5000.txt");
    alice.share(&daemon, "b.txt", b"other");
    assert!(alice.ask("F - c.txt").starts_with("ERR quota "));
}
