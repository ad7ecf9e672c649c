//! The bundled client: a full-screen room at a terminal, a well-behaved netcat in a pipe, and verbs for scripts.
//!
//! ```sh
//! cargo run --release --example client -- 127.0.0.1:7171 --user alice
//! echo 'C - the backup is done' | PARLOR_PASSWORD=… client --user bot
//! client --user bot --password-file secret upload report.pdf
//! ```

#[path = "client/mod.rs"]
mod client;

fn main() -> std::process::ExitCode {
    client::run()
}
