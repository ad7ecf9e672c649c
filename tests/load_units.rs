//! The unit tests of the load generator, which stand beside its code.

#![allow(missing_docs, unreachable_pub, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../examples/load/mod.rs"]
mod load;

/// What the example's `main` calls: everything hangs on it.
const _: fn() -> std::process::ExitCode = load::run;
