//! The promise about downloads: the bytes from the offset on and nothing else, or one line that says why
//! not; who does not take them is cut off, and may go on.

use crate::harness::{Client, Daemon, eventually, noise};

const MIB: usize = 1 << 20;

/// More than the kernel takes for a reader that does not read.
const MORE_THAN_BUFFERS: usize = 12 * MIB;

#[test]
fn a_download_begins_at_its_offset() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 100_000);
    alice.share(&daemon, "a.bin", &whole);
    for offset in [0, 1, 4096, 65_537, 99_999, 100_000] {
        let line = format!("T {} {offset}\n", alice.find("a.bin").ticket);
        assert!(Client::transfer(&daemon, line).bytes() == whole[offset..], "from {offset}");
    }
    for offset in [100_001, 999_999_999_999_999_999_u64] {
        let line = format!("T {} {offset}\n", alice.find("a.bin").ticket);
        let reply = Client::transfer(&daemon, line).last_line();
        assert!(reply.starts_with("ERR size-mismatch "), "{offset} was answered {reply}");
    }
}

#[test]
fn an_empty_file_is_no_bytes() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "empty", b"");
    assert_eq!(alice.find("empty").size, 0);
    for offset in ["", " 0"] {
        let line = format!("T {}{offset}\n", alice.find("empty").ticket);
        assert_eq!(Client::transfer(&daemon, line).bytes(), b"");
    }
}

#[test]
fn a_cut_download_goes_on_from_where_it_stopped() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3 * MIB);
    alice.share(&daemon, "a.bin", &whole);
    let mut taken = Client::transfer(&daemon, format!("T {}\n", alice.find("a.bin").ticket)).some_bytes(MIB + 1);
    let line = format!("T {} {}\n", alice.find("a.bin").ticket, taken.len());
    taken.extend(Client::transfer(&daemon, line).bytes());
    assert!(taken == whole);
}

#[test]
fn who_ends_the_input_after_the_line_gets_everything() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, 3 * MIB);
    alice.share(&daemon, "a.bin", &whole);
    let mut transfer = Client::transfer(&daemon, format!("T {}\n", alice.find("a.bin").ticket));
    transfer.end_input();
    assert!(transfer.bytes() == whole);
}

#[test]
fn what_comes_behind_the_line_is_ignored_and_costs_no_byte() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, MIB);
    alice.share(&daemon, "a.bin", &whole);
    // Closing a socket that has unread input would take along what is still on its way.
    let mut transfer = Client::transfer(&daemon, format!("T {}\n{}", alice.find("a.bin").ticket, "K\n".repeat(50_000)));
    assert!(transfer.bytes() == whole);
}

#[test]
fn a_reader_that_is_too_slow_is_cut_without_words_and_may_go_on() {
    let daemon = Daemon::start_with(&["--max-transfers", "1", "--min-transfer-kib-s", "1024", "--transfer-window-s", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, MORE_THAN_BUFFERS);
    alice.share(&daemon, "a.bin", &whole);
    let mut slow = Client::connect_slow(&daemon);
    slow.send(&format!("T {}", alice.find("a.bin").ticket));
    let mut taken = slow.some_bytes(1);
    // It takes something at each look, which is not enough; the place that it leaves shows that it is cut.
    let line = format!("T {} {}\n", alice.find("a.bin").ticket, whole.len());
    eventually("it is cut", || {
        taken.extend(slow.some_bytes(1000));
        Client::transfer(&daemon, &line).bytes().is_empty()
    });
    taken.extend(slow.bytes());
    assert!(taken.len() < whole.len() && whole.starts_with(&taken), "{} bytes, and no words", taken.len());
    let line = format!("T {} {}\n", alice.find("a.bin").ticket, taken.len());
    taken.extend(Client::transfer(&daemon, line).bytes());
    assert!(taken == whole);
}

#[test]
fn a_reader_that_goes_away_leaves_its_place() {
    let daemon = Daemon::start_with(&["--max-transfers", "1"]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, MORE_THAN_BUFFERS);
    alice.share(&daemon, "a.bin", &whole);
    let mut slow = Client::connect_slow(&daemon);
    slow.send(&format!("T {}", alice.find("a.bin").ticket));
    slow.some_bytes(1);
    let line = format!("T {} {}\n", alice.find("a.bin").ticket, whole.len() - 5);
    assert!(Client::transfer(&daemon, &line).last_line().starts_with("ERR busy "));
    drop(slow);
    let mut end = Vec::new();
    eventually("there is a place again", || {
        end = Client::transfer(&daemon, &line).bytes();
        !end.starts_with(b"ERR busy ")
    });
    assert_eq!(end, whole[whole.len() - 5..]);
}

#[test]
fn a_file_withdrawn_while_it_is_read_is_read_to_its_end() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, MORE_THAN_BUFFERS);
    alice.share(&daemon, "a.bin", &whole);
    let mut slow = Client::connect_slow(&daemon);
    slow.send(&format!("T {}", alice.find("a.bin").ticket));
    let mut taken = slow.some_bytes(1);
    alice.withdraw("a.bin");
    assert!(alice.ask("L - a.bin").starts_with("ERR no-such-file "));
    taken.extend(slow.bytes());
    assert!(taken == whole);
    daemon.settles_to(&[]);
}

#[test]
fn bytes_shared_again_while_an_old_reader_has_them_stay() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(1, MORE_THAN_BUFFERS);
    let sha256 = alice.share(&daemon, "a.bin", &whole);
    let mut slow = Client::connect_slow(&daemon);
    slow.send(&format!("T {}", alice.find("a.bin").ticket));
    let mut taken = slow.some_bytes(1);
    alice.withdraw("a.bin");
    alice.share(&daemon, "b.bin", &whole);
    taken.extend(slow.bytes());
    assert!(taken == whole);
    assert!(alice.fetch(&daemon, "b.bin") == whole);
    daemon.settles_to(&[&sha256]);
}
