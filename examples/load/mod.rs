//! The parts of the load generator, in the order in which a run meets them.
//!
//! | part | what it does |
//! |---|---|
//! | [`arguments`], [`scene`] | the command line: how to report, and what one run is |
//! | [`failure`] | why there is no result |
//! | [`target`] | where the daemon is, source addresses, descriptors |
//! | [`connection`], [`poller`] | bytes in and out without waiting; who has some |
//! | [`wire`], [`lines`] | what is said to the daemon, and what its lines mean |
//! | [`login`], [`crowd`] | one login; all who are in the room |
//! | [`play`], [`talk`] | the run: setting the scene; the loop of saying, waiting and reading |
//! | [`schedule`] | when each message is meant to be sent |
//! | [`marks`], [`receiver`], [`sender`] | messages in a stream of bytes; whether each came, once and in order; when each was answered |
//! | [`newcomers`], [`pages`], [`transfers`] | what happens beside the talk: logins, history, files |
//! | [`process`] | what the daemon and the generator used |
//! | [`latency`], [`report`], [`table`] | the result, for programs and for people |
//!
//! One thread does all but the transfers. On a machine that it shares with the daemon it must be cheap: it waits in
//! one `epoll`, reads many messages at once, and does not allocate for a message.

mod arguments;
mod connection;
mod crowd;
mod failure;
mod latency;
mod lines;
mod login;
mod marks;
mod newcomers;
mod pages;
mod play;
mod poller;
mod process;
mod receiver;
mod report;
mod scene;
mod schedule;
mod sender;
mod table;
mod talk;
mod target;
mod transfers;
mod wire;

use std::process::ExitCode;

use arguments::Arguments;
use failure::Failure;
use report::Report;

/// The whole program.
#[expect(clippy::print_stderr, reason = "the last words of a program")]
pub(crate) fn run() -> ExitCode {
    match measure(&Arguments::read()) {
        Ok(reports) if reports.iter().all(Report::is_sound) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("load: {failure}");
            failure.exit_code()
        }
    }
}

/// Plays one scene after the other, telling people of each as it ends and programs of all at the end.
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "what was measured is what it prints")]
fn measure(arguments: &Arguments) -> Result<Vec<Report>, Failure> {
    let scenes = arguments.scenes()?;
    let is_sweep = arguments.is_sweep();
    if is_sweep && !arguments.json {
        table::print_head();
    }
    let mut reports = Vec::with_capacity(scenes.len());
    for scene in scenes {
        let report = play::play(&arguments.address, scene)?;
        match (arguments.json, is_sweep) {
            (true, _) => (),
            (false, true) => table::print_row(&report),
            (false, false) => table::print(&report),
        }
        report.warnings().iter().for_each(|warning| eprintln!("load: {warning}"));
        reports.push(report);
    }
    if arguments.json {
        let json = if is_sweep { serde_json::to_string(&reports) } else { serde_json::to_string(&reports[0]) };
        println!("{}", json.map_err(|error| Failure::Generator(error.to_string()))?);
    }
    Ok(reports)
}
