//! The unit tests of the bundled client, which stand beside its code.

#![allow(missing_docs, unreachable_pub, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../examples/client/mod.rs"]
mod client;

/// What the example's `main` calls: everything hangs on it.
const _: fn() -> std::process::ExitCode = client::run;
