//! The daemon's program: flags, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use parlor::admin::client;
use parlor::config::Config;
use parlor::exit::Failure;
use parlor::store::read::READERS;
use parlor::{logging, server};

fn main() -> ExitCode {
    let config = Config::parse();
    logging::start(config.log.into());
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("parlord: {failure}");
            failure.exit_code()
        }
    }
}

fn run(config: Config) -> Result<(), Failure> {
    if let Some(text) = &config.announce {
        println!("{}", client::announce(&config.data, text)?);
        return Ok(());
    }
    // Only the store's readers block threads; more threads than readers would wait for each other.
    let readers = READERS as usize;
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(readers).enable_all().build()?;
    let result = runtime.block_on(server::run(config));
    // Connections that did not close in time are not waited for.
    runtime.shutdown_background();
    result
}
