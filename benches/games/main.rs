//! What a move costs beside a chat line: from when its player sends it until the opponent has it, in one
//! run with talk at the same load, round by round:
//!
//! ```sh
//! cargo bench --bench games    # about five minutes
//! ```
//!
//! The ratios are of one run, round by round; the times are of the machine.

#![allow(missing_docs, unreachable_pub, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod hall;
#[path = "../../tests/harness/mod.rs"]
#[allow(dead_code, unused_imports)]
mod harness;
#[path = "../common/report.rs"]
mod report;

use hall::{Hall, Latency, Load, Voice};
use report::{ROUNDS, Row, Spread, verdict};

const LIMIT: f64 = 2.0;

/// Who is in the room, and what a measurement is like.
struct Scene {
    what: &'static str,
    pairs: usize,
    voice: Voice,
    /// Moves, and chat lines, of all pairs together.
    per_second: u32,
    seconds: u32,
    /// Whether they move and talk at the same time, or now this and now that.
    is_together: bool,
}

const SCENES: [Scene; 6] = [
    Scene { what: "1 pair, 40/s", pairs: 1, voice: Voice::Json, per_second: 40, seconds: 5, is_together: false },
    Scene { what: "1 pair at nc, 40/s", pairs: 1, voice: Voice::English, per_second: 40, seconds: 5, is_together: false },
    Scene { what: "50 pairs, 100/s", pairs: 50, voice: Voice::Json, per_second: 100, seconds: 5, is_together: false },
    Scene { what: "50 pairs at nc, 100/s", pairs: 50, voice: Voice::English, per_second: 100, seconds: 5, is_together: false },
    Scene { what: "200 pairs, 100/s", pairs: 200, voice: Voice::Json, per_second: 100, seconds: 5, is_together: false },
    Scene {
        what: "50 pairs, 100/s, at the same time",
        pairs: 50,
        voice: Voice::Json,
        per_second: 100,
        seconds: 5,
        is_together: true,
    },
];

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return println!("left out: not run by cargo bench");
    }
    let others = std::fs::read_to_string("/proc/loadavg").unwrap();
    eprintln!("load before: {} (figures taken beside other work are worth nothing)", others.trim());
    report::print(&SCENES.each_ref().map(measure));
}

fn measure(scene: &Scene) -> Row {
    let hall = Hall::open(scene.pairs, scene.voice);
    let load =
        |moves, lines| Load { is_moving: moves, is_talking: lines, per_second: scene.per_second, seconds: scene.seconds };
    hall.run(load(true, true));
    let (mut moves, mut lines) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if scene.is_together {
            let (moved, said) = hall.run(load(true, true));
            moves.push(Latency::of(moved));
            lines.push(Latency::of(said));
            continue;
        }
        // Neither is always the first.
        for is_moving in [round % 2 == 0, round % 2 == 1] {
            let (moved, said) = hall.run(load(is_moving, !is_moving));
            if is_moving { moves.push(Latency::of(moved)) } else { lines.push(Latency::of(said)) }
        }
    }
    let ratio = |of: fn(&Latency) -> f64| Spread::of(moves.iter().zip(&lines).map(|(moved, said)| of(moved) / of(said)));
    let (p50, p99) = (ratio(|latency| latency.p50_ms), ratio(|latency| latency.p99_ms));
    Row {
        what: scene.what,
        beside: "a chat line at the same load",
        goal: verdict("<", LIMIT, p50.median < LIMIT && p99.median < LIMIT),
        ratio: format!("p50 {p50}, p99 {p99}"),
        figures: format!("{} | {}", Latency::show(&moves), Latency::show(&lines)),
    }
}
