//! The disk that a backup is made on: it fills up, or the power goes. Run with `cargo test -- --ignored`.

use std::path::Path;
use std::process::Command;

use crate::harness::{Client, Daemon, Volume, back_up, names_in, noise, parlord, said, verify};

/// A daemon with a file, and a disk for its backups.
fn scene() -> (Daemon, Client, Volume) {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    alice.share(&daemon, "first.bin", &noise(1, 1 << 20));
    (daemon, alice, Volume::new(64))
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn a_backup_onto_a_disk_that_is_full_leaves_the_earlier_one_whole() {
    let (daemon, mut alice, volume) = scene();
    let into = volume.as_ref().join("backup");
    back_up(&daemon.data(), &into).ok();
    let before = names_in(&into);
    for (seed, free_bytes) in [(2, 16 << 10), (3, 256 << 10), (4, 2 << 20)] {
        alice.share(&daemon, &format!("{seed}.bin"), &noise(seed, 4 << 20));
        volume.leave_free(free_bytes);
        back_up(&daemon.data(), &into).fails(73, &["backup/", "parlord: "]);
        assert_eq!(names_in(&into), before, "with {free_bytes} bytes left");
        assert!(verify(&into).ok().contains("files: 1 file (1.0 MiB), all sound"));
        volume.leave_free(u64::MAX);
    }
    back_up(&daemon.data(), &into).ok();
    let out = verify(&into).ok();
    assert!(out.contains("files: 4 files (13 MiB), all sound") && !out.contains("harmless"), "{out}");
}

/// A backup each of whose calls that have to reach the disk is answered as if it had been made.
fn lies_about_syncs(data: &Path, into: &Path) -> Command {
    const SYNCS: &str = "fsync,fdatasync,sync_file_range,syncfs,sync,msync";
    let command = parlord(data);
    let mut lying = Command::new("strace");
    lying.args(["-f", "-o", "/dev/null", "-e", &format!("trace={SYNCS}"), "-e", &format!("inject={SYNCS}:retval=0")]);
    lying.arg(command.get_program()).args(command.get_args()).arg("--backup").arg(into);
    lying
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn a_backup_that_says_done_survives_a_power_cut() {
    let (daemon, mut alice, volume) = scene();
    let into = volume.as_ref().join("backup");
    for seed in 2..6 {
        alice.share(&daemon, &format!("{seed}.bin"), &noise(seed, 300_000));
        back_up(&daemon.data(), &into).ok();
        let cut = volume.after_power_cut();
        let out = verify(&cut.as_ref().join("backup")).ok();
        assert!(out.contains(&format!("files: {seed} files")), "{out}");
    }
}

/// That the test above can fail.
#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn without_the_calls_that_sync_a_power_cut_loses_the_backup() {
    let (daemon, _alice, volume) = scene();
    let into = volume.as_ref().join("backup");
    volume.sync();
    said(&mut lies_about_syncs(&daemon.data(), &into)).ok();
    let cut = volume.after_power_cut();
    assert_ne!(verify(&cut.as_ref().join("backup")).code, Some(0));
}
