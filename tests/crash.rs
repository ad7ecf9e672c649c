//! `OK` means "on disk": whatever was answered is found after a `kill -9`, once, as it was sent, and a number that
//! anybody has heard never means anything else afterwards. PARLOR_TEST_KILLS says how many kills, PARLOR_TEST_SEED
//! who does what; PARLOR_TEST_STRICT=1 holds the daemon to its times (`tests/long/kill9`).

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::{Stored, Tally, assert_faultless};
use crate::harness::{Client, Daemon, Dice, Spread, eventually, is_strict, repetitions, seed};

/// In which a daemon starts after a crash.
const START: Duration = Duration::from_secs(1);

#[test]
fn every_ok_is_honoured_after_kill_9_under_mixed_load_and_the_daemon_is_back_at_once() {
    let kills = repetitions("PARLOR_TEST_KILLS", 6);
    let mut dice = Dice(seed());
    let mut daemon = Daemon::start();
    let mixed = Mixed::start(&daemon, Scene { seed: dice.below(u64::MAX), pace: Duration::from_millis(2), guests: 40 });
    let (mut starts, mut begun_files) = (Spread::default(), 0);
    for kill in 1..=kills {
        // Mostly soon, sometimes when much has happened.
        let enough = [100, 300, 300, 1500][dice.below(4) as usize];
        let has_come = mixed.progress().wait_for(dice.below(enough));
        // The moment is the dice's, also between one step and the next.
        thread::sleep(Duration::from_micros(dice.below(20_000)));
        mixed.close();
        daemon.kill();
        mixed.wait_until_all_are_out();
        starts.time(|| daemon.restart());
        let stored = Stored::read(&daemon.data());
        assert_faultless(&format!("after kill {kill}"), &mixed.faults(&stored));
        begun_files += assert_no_strays(&daemon, &stored);
        mixed.open(&daemon);
        assert!(has_come, "not in time");
    }
    let logs = mixed.finish(&mut daemon);
    println!(
        "{kills} times kill -9, 0 faults: {}; {begun_files} parts of uploads kept; starts: {starts}",
        Tally::of_all(&logs)
    );
    assert!(!is_strict() || starts.max() < START, "{starts}");
}

/// Neither bytes that nothing names nor two parts of one upload. Returns how many parts there are.
fn assert_no_strays(daemon: &Daemon, stored: &Stored) -> usize {
    let shared = stored.files.iter().filter(|row| row.withdrawn_seq.is_none());
    let due: BTreeSet<&str> = shared.map(|row| row.sha256.as_str()).collect();
    eventually("only what the shelf names and parts of uploads are on the disk", || {
        daemon.files().iter().filter(|name| !name.starts_with("partial-")).eq(&due)
    });
    daemon.partials().len()
}

#[test]
fn a_number_heard_but_not_stored_at_the_crash_stays_a_hole() {
    let mut daemon = Daemon::start();
    let mut alice = Client::program(&daemon, "alice");
    // Nothing can be stored while somebody else writes.
    let lock = daemon.database();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    alice.send(r#"{"do":"C","text":"lost","ref":"r1"}"#);
    let lost = alice.json()["seq"].as_u64().unwrap();
    daemon.kill();
    drop(lock);
    daemon.restart();
    let mut alice = Client::program(&daemon, "alice");
    let again = alice.objects_of(r#"{"do":"C","text":"said again","ref":"r1"}"#);
    let seq = again.last().unwrap()["seq"].as_u64().unwrap();
    assert!(seq > lost, "{again:?}");
    let sql = "SELECT count(*) FROM chat_history WHERE seq = ?1 OR comment = 'lost'";
    assert_eq!(daemon.database().query_row(sql, [lost], |row| row.get::<_, u64>(0)).unwrap(), 0);
}

#[test]
fn a_ref_answered_before_the_crash_is_answered_alike_after_it() {
    let mut daemon = Daemon::start();
    let request = r#"{"do":"C","text":"once","ref":"r1"}"#;
    let first = Client::program(&daemon, "alice").objects_of(request).pop().unwrap();
    assert_eq!(first["ok"], "C");
    daemon.kill();
    daemon.restart();
    let mut alice = Client::program(&daemon, "alice");
    assert_eq!(alice.objects_of(request), [first]);
    let sql = "SELECT count(*) FROM chat_history WHERE comment = 'once'";
    assert_eq!(daemon.database().query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap(), 1);
}
