//! The daemon's program: flags, run, exit code.

use std::io::{self, Write};
use std::num::NonZero;
use std::process::ExitCode;

use parlor::admin::client;
use parlor::backup::{self, Report};
use parlor::config::{Config, LoadError, Loaded};
use parlor::exit::Failure;
use parlor::store::read::READERS;
use parlor::{logging, server};

#[expect(clippy::print_stderr, reason = "the last words of a program that cannot go on, also where no log is kept")]
fn main() -> ExitCode {
    let ended = match Loaded::read(std::env::args_os()) {
        Ok(loaded) => {
            logging::start(loaded.config.log.into());
            run(loaded)
        }
        Err(LoadError::Flags(error)) => error.exit(),
        Err(LoadError::File(error)) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("parlord: {failure}");
            failure.exit_code()
        }
    }
}

fn run(loaded: Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    if let Some(words) = client::give_order(&config.data, &config.operator)? {
        return print([words]);
    }
    if let Some(report) = operate(config)? {
        print(report.lines)?;
        return report.failure.map_or(Ok(()), Err);
    }
    // Only the store's readers block threads; more threads than readers would wait for each other.
    let (workers, readers) = (worker_threads(config), READERS as usize);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(workers).max_blocking_threads(readers).enable_all().build()?;
    let result = runtime.block_on(server::run(loaded));
    // Connections that did not close in time are not waited for.
    runtime.shutdown_background();
    result
}

/// What an order was asked for. Nobody may want all of it (`parlord --audit 1000 | head`).
fn print(lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match lines.into_iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// What is done to a data directory from outside, if a flag asks for it.
fn operate(config: &Config) -> Result<Option<Report>, Failure> {
    let (data, asked) = (&config.data, &config.backups);
    let report = match (&asked.backup, &asked.restore, asked.verify) {
        (Some(into), ..) => backup::back_up(data, into)?,
        (_, Some(from), _) => backup::restore(from, data)?,
        (.., true) => backup::verify(data)?,
        _ => return Ok(None),
    };
    Ok(Some(report))
}

/// Threads for connections. What is said is written by the store's thread meanwhile: one more than there are
/// processors for would take its time, and that of the others, by turns.
fn worker_threads(config: &Config) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    config.worker_threads.map_or_else(|| processors.saturating_sub(1).max(1), usize::from)
}
