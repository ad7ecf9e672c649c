//! A long day in short: mixed load, with accounts, files, games and connections that come and go, and neither memory
//! nor descriptors that grow. PARLOR_TEST_SOAK_S says how many seconds; a long run fails if they do
//! (`tests/long/soak`).

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::Tally;
use crate::harness::{Daemon, repetitions, seed};

/// How often is looked.
const LOOKS: usize = 120;
/// What memory may grow by from one half of the time to the other, beyond a tenth.
const ROOM_KIB: f64 = 2048.0;
/// And descriptors: connections come and go.
const ROOM_DESCRIPTORS: f64 = 3.0;

#[derive(Clone, Copy)]
struct Look {
    at_s: f64,
    rss_kib: f64,
    descriptors: f64,
}

fn look(daemon: &Daemon, begin: Instant) -> Look {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count();
    let rss_kib = rss.trim().trim_end_matches(" kB").parse().unwrap();
    Look { at_s: begin.elapsed().as_secs_f64(), rss_kib, descriptors: descriptors as f64 }
}

/// By how much a figure grows in a minute: the line with the least squares.
fn slope_per_min(looks: &[Look], figure: fn(&Look) -> f64) -> f64 {
    let mean = |of: &dyn Fn(&Look) -> f64| looks.iter().map(of).sum::<f64>() / looks.len() as f64;
    let (mean_s, mean_figure) = (mean(&|look| look.at_s), mean(&|look| figure(look)));
    let covariance = mean(&|look| (look.at_s - mean_s) * (figure(look) - mean_figure));
    covariance / mean(&|look| (look.at_s - mean_s).powi(2)) * 60.0
}

#[test]
fn memory_and_descriptors_are_flat_while_everything_comes_and_goes() {
    let seconds = repetitions("PARLOR_TEST_SOAK_S", 5);
    let mut daemon = Daemon::start();
    // What is said is kept until the oracle has seen it: less of it where it takes hours.
    let pace = Duration::from_millis(if seconds > 1200 { 100 } else { 10 });
    let mixed = Mixed::start(&daemon, Scene { seed: seed(), pace, guests: 40 });
    assert!(mixed.progress().wait_for(50), "not in time");
    let (begin, mut looks) = (Instant::now(), Vec::new());
    for number in 1..=LOOKS {
        let due = Duration::from_secs_f64(seconds as f64 * number as f64 / LOOKS as f64);
        thread::sleep(due.saturating_sub(begin.elapsed()));
        looks.push(look(&daemon, begin));
    }
    // The first quarter fills what is kept in memory.
    let settled = &looks[LOOKS / 4..];
    let (earlier, later) = settled.split_at(settled.len() / 2);
    let mean = |looks: &[Look], figure: fn(&Look) -> f64| looks.iter().map(figure).sum::<f64>() / looks.len() as f64;
    for (what, figure, room) in [
        ("memory in KiB", (|look| look.rss_kib) as fn(&Look) -> f64, ROOM_KIB),
        ("descriptors", |look| look.descriptors, ROOM_DESCRIPTORS),
    ] {
        let [before, after] = [earlier, later].map(|half| mean(half, figure));
        let (slope, first, last) = (slope_per_min(settled, figure), figure(&looks[0]), figure(&looks[LOOKS - 1]));
        println!("{what}: {first} at first, {before:.0} and {after:.0} on average later, {last} at last; {slope:+.2} a minute");
        // A short run is all beginning.
        let is_long = seconds >= 120;
        assert!(!is_long || after <= before * 1.1 + room, "{what} grow from {before} to {after}");
    }
    let logs = mixed.finish(&mut daemon);
    println!("{seconds} s of everything, 0 faults: {}", Tally::of_all(&logs));
}
