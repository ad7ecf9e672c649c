//! The parts of the bundled client, and which of them a command line asks for.
//!
//! | part | what it does |
//! |---|---|
//! | [`arguments`] | the command line |
//! | [`exit`] | how the program ends: the list of exit codes |
//! | [`password`] | where a password comes from |
//! | [`terminal`] | the full-screen room, if there is no command and both ends are a terminal: it joins the parts below to the keyboard and to `parlor::client` |
//! | [`room`] | the room as one person sees it: what happened, what was typed, what is to be done |
//! | [`screen`] | how that is shown |
//! | [`editor`] | the input line |
//! | [`text`] | what others wrote, made safe and measured for the screen |
//! | [`pipe`], [`socket`], [`lines`] | netcat-style, if one of them is none; its connection, and what its lines mean |
//! | [`verbs`], [`tail`], [`wording`] | one-shot commands; events of the room as lines |

mod arguments;
mod editor;
mod exit;
mod lines;
mod password;
mod pipe;
mod room;
mod screen;
mod socket;
mod tail;
mod terminal;
mod text;
mod verbs;
mod wording;

use std::io::{IsTerminal, stdin, stdout};
use std::process::ExitCode;

use arguments::Arguments;

/// The whole program.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::read();
    let outcome = match &arguments.command {
        Some(verb) => verbs::run(&arguments, verb),
        None if stdin().is_terminal() && stdout().is_terminal() => terminal::run(&arguments),
        None => pipe::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            exit::tell(&failure);
            failure.exit_code()
        }
    }
}
