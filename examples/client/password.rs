//! Where a password comes from: a file, the environment, or whoever sits at the terminal. It is never shown,
//! and never a part of the command line, which everyone on the computer can read.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::arguments::Arguments;
use super::exit::{self, Failure};

/// Enough for any password, and an end for a file that has no lines.
const LINE_BYTES: u64 = 4096;

/// The password that `name` logs in with.
pub(crate) fn find(arguments: &Arguments, name: &str) -> Result<String, Failure> {
    match given(arguments)? {
        Some(password) => Ok(password),
        None => ask(&format!("password of {name}: ")),
    }
}

/// The password that was given by a file or the environment.
pub(crate) fn given(arguments: &Arguments) -> Result<Option<String>, Failure> {
    let word = env::var_os("PARLOR_PASSWORD").filter(|word| !word.is_empty());
    match (&arguments.password_file, word) {
        (Some(path), _) => checked(first_line(path)?).map(Some),
        (None, Some(word)) => {
            let word = word.into_string().map_err(|_| Failure::Usage("PARLOR_PASSWORD is not UTF-8".to_owned()))?;
            checked(word).map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// Asks whoever sits at the terminal, without showing what is typed.
pub(crate) fn ask(prompt: &str) -> Result<String, Failure> {
    let none = |_| Failure::Usage("no password: set PARLOR_PASSWORD, or give --password-file FILE".to_owned());
    checked(rpassword::prompt_password(prompt).map_err(none)?)
}

fn checked(password: String) -> Result<String, Failure> {
    match password {
        empty if empty.is_empty() => Err(Failure::Usage("the password is empty".to_owned())),
        // A line end in it would make a request of what stands behind it.
        strange if strange.contains(char::is_control) => Err(Failure::Usage("the password has control characters".to_owned())),
        password => Ok(password),
    }
}

fn first_line(path: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::unreadable(path, exit::words(&error));
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o077 != 0) {
        let path = path.display();
        exit::tell(&format_args!("others may read the password in {path}; chmod 600 closes it"));
    }
    let mut line = String::new();
    BufReader::new(file.take(LINE_BYTES)).read_line(&mut line).map_err(unreadable)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}
