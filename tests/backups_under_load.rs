//! Backups while everybody talks and shares, and backups that are killed: whatever was answered `OK` before a backup
//! began is in it, and there is a whole one at any moment. PARLOR_TEST_BACKUP_KILLS says how many are killed.

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::{Fault, Kind, Log, Stored, assert_faultless, faults};
use crate::harness::{
    Client, Daemon, Dice, back_up, database_of, eventually, names_in, noise, parlord, query, repetitions, seed, start_restored,
    verify,
};

/// A history that takes a backup many steps to copy.
fn fill_history(daemon: &mut Daemon, events: u64) {
    daemon.stop();
    let database = daemon.database();
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < {events} + 1000)
         INSERT INTO chat_history (comment, send_time, level, uid, room, seq, kind)
         SELECT 'of old ' || i || hex(randomblob(60)), 0, 0, NULL, 1, i, 'announcement' FROM n;
         UPDATE room SET reserved_seq = {events} + 2000; PRAGMA wal_checkpoint(TRUNCATE)"
    );
    database.execute_batch(&sql).unwrap();
    drop(database);
    daemon.restart();
}

/// What is missing or damaged of all that these logs know. That there is more is as it should be: they are older.
fn losses(logs: &[Log], stored: &Stored) -> Vec<Fault> {
    const LOSSES: [Kind; 5] = [Kind::Damaged, Kind::Lost, Kind::Doubled, Kind::BlobMissing, Kind::BlobChanged];
    let faults = faults(&logs.iter().collect::<Vec<_>>(), stored);
    faults.into_iter().filter(|fault| LOSSES.contains(&fault.kind)).collect()
}

#[test]
fn backups_end_under_load_and_hold_all_that_was_answered() {
    const BACKUPS: usize = 3;
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let mut daemon = Daemon::start();
    fill_history(&mut daemon, 30_000);
    let mixed = Mixed::start(&daemon, Scene { seed: seed(), pace: Duration::from_millis(2), guests: 4 });
    let mut slowest = Duration::ZERO;
    for number in 1..=BACKUPS {
        assert!(mixed.progress().wait_for(300), "not in time");
        let (logs, began) = (mixed.logs(), Instant::now());
        let out = back_up(&daemon.data(), &into).ok();
        slowest = slowest.max(began.elapsed());
        let steps = |logs: &[Log]| logs.iter().map(|log| log.steps.len()).sum::<usize>();
        let during = steps(&mixed.logs()) - steps(&logs);
        println!("{}; {during} things were done and heard meanwhile", out.lines().next().unwrap());
        assert!(during > 0, "nobody did anything meanwhile");
        verify(&into).ok();
        // Beside the daemon too, with all that goes on.
        verify(&daemon.data()).ok();
        let restored = start_restored(&into, &[]);
        assert_faultless(&format!("backup {number}"), &losses(&logs, &Stored::read(&restored.data())));
        assert!(Client::enter(&restored, "another").ask("C - hello").starts_with("OK "));
    }
    mixed.close();
    daemon.kill();
    mixed.give_up();
    println!("{BACKUPS} backups under load, the slowest in {:.1} s", slowest.as_secs_f32());
}

/// At whatever moment a backup is killed, the earlier one is whole, or the new one is; and the next one finishes it.
#[test]
fn a_backup_that_is_killed_leaves_a_whole_one_and_the_next_goes_on() {
    let kills = repetitions("PARLOR_TEST_BACKUP_KILLS", 12);
    let there = tempfile::tempdir().unwrap();
    let into = there.path().join("backup");
    let mut daemon = Daemon::start();
    fill_history(&mut daemon, 2_000);
    let mut alice = Client::enter(&daemon, "alice");
    for number in 0..10 {
        alice.share(&daemon, &format!("{number}.bin"), &noise(number, 200_000));
    }
    let began = Instant::now();
    back_up(&daemon.data(), &into).ok();
    let whole = began.elapsed();
    let said_in = |into: &Path| -> usize {
        query::<u64>(&database_of(into), "SELECT count(*) FROM chat_history WHERE comment LIKE 'round %'")[0] as usize
    };
    let (mut dice, mut finished) = (Dice::new(), 0);
    for round in 1..=kills {
        let number = round as u64 % 10;
        alice.withdraw(&format!("{number}.bin"));
        alice.share(&daemon, &format!("{number}.bin"), &noise(100 + round as u64, 200_000));
        assert!(alice.ask(&format!("C - round {round}")).starts_with("OK "));
        let before = said_in(&into);
        let mut command = parlord(&daemon.data());
        command.arg("--backup").arg(&into).stdout(Stdio::null()).stderr(Stdio::null());
        let mut backup = command.spawn().unwrap();
        thread::sleep(whole.mul_f64(dice.below(1000) as f64 / 900.0));
        let _ = backup.kill();
        let was_finished = backup.wait().unwrap().success();
        let out = verify(&into).ok();
        let after = said_in(&into);
        assert!(after == round || (after == before && !was_finished), "{before}, then {after} in round {round}: {out}");
        finished += usize::from(after == round);
        if round % 4 == 0 {
            back_up(&daemon.data(), &into).ok();
            assert!(!verify(&into).ok().contains("harmless"));
            assert_eq!((said_in(&into), names_in(&into.join("files")).len()), (round, 10));
        }
    }
    println!("{kills} backups killed, {finished} of them after they were complete; none without a whole backup");
    // And the daemon keeps nothing for those who are gone.
    eventually("only what is shared is there", || daemon.files().len() == 10);
}
