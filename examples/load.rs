//! Parlor's load generator: how fast is a daemon, how late is what it tells, and is nothing lost?
//!
//! ```sh
//! parlord --data /tmp/load --bcrypt-cost 4 &
//! load=target/release/examples/load
//! $load --pid $! --receivers 100                           # as fast as it goes
//! $load --pid $! --receivers 100 --rate-per-s 1000         # how late at a steady rate
//! $load --pid $! --receivers 0 --pipeline 4096             # messages on disk a second
//! $load --pid $! --from-receivers 1 --to-receivers 1000 --steps 7 --json
//! ```
//!
//! It registers accounts and speaks in the room: give it a daemon of its own.

#[path = "load/mod.rs"]
mod load;

fn main() -> std::process::ExitCode {
    load::run()
}
