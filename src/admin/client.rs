//! The operator's flags: one order to the running daemon, and its outcome.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::terminal::new_password;
use super::{Order, Outcome};
use crate::config::OperatorOptions;
use crate::data_dir::ControlPath;
use crate::exit::Failure;

/// How long the daemon may take: longer than it waits for its disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gives the order that the flags hold to the daemon on `data`; returns what to print, or `None` if there is none.
pub fn give_order(data: &Path, options: &OperatorOptions) -> Result<Option<String>, Failure> {
    match order_of(options.clone())? {
        Some(order) => give(data, &order).map(Some),
        None => Ok(None),
    }
}

fn order_of(options: OperatorOptions) -> Result<Option<Order>, Failure> {
    // At most one of them is there: the flags exclude each other.
    Ok(match options {
        OperatorOptions { status: true, json, .. } => Some(Order::Status { json }),
        OperatorOptions { bans: true, .. } => Some(Order::Bans),
        OperatorOptions { audit: Some(count), .. } => Some(Order::Audit { count }),
        OperatorOptions { announce: Some(text), .. } => Some(Order::Announce { text }),
        OperatorOptions { kick: Some(name), .. } => Some(Order::Kick { name }),
        OperatorOptions { ban: Some(whom), ban_time, why, .. } => {
            Some(Order::Ban { whom, for_s: ban_time.map(|time| time.as_secs()), why: why.unwrap_or_default() })
        }
        OperatorOptions { unban: Some(whom), .. } => Some(Order::Unban { whom }),
        OperatorOptions { grant: Some(name), .. } => Some(Order::Grant { name }),
        OperatorOptions { revoke: Some(name), .. } => Some(Order::Revoke { name }),
        OperatorOptions { set_password: Some(name), .. } => {
            let password = new_password(&name).map_err(|why| Failure::Control(format!("{why}; nothing was changed")))?;
            Some(Order::SetPassword { name, password })
        }
        _ => None,
    })
}

fn give(data: &Path, order: &Order) -> Result<String, Failure> {
    let Some(mut socket) = connect(data)? else {
        return Err(Failure::Control(format!(
            "no parlord is running on {}; start it, or name its directory with --data",
            data.display()
        )));
    };
    let line = serde_json::to_string(order).map_err(|error| Failure::Control(error.to_string()))?;
    let mut answer = String::new();
    let asked = writeln!(socket, "{line}").and_then(|()| BufReader::new(socket).read_line(&mut answer));
    asked.map_err(|error| unreachable(data, &error))?;
    outcome(&answer)
}

/// The way to the daemon on `data`; `None` if there is none.
pub(super) fn connect(data: &Path) -> Result<Option<UnixStream>, Failure> {
    let connected = ControlPath::new(data).and_then(|way| UnixStream::connect(way.path()));
    match connected {
        Ok(socket) => {
            socket.set_read_timeout(Some(PATIENCE)).map_err(|error| unreachable(data, &error))?;
            Ok(Some(socket))
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(unreachable(data, &error)),
    }
}

fn unreachable(data: &Path, error: &std::io::Error) -> Failure {
    Failure::Control(format!("cannot reach the parlord on {}: {error}", data.display()))
}

/// What the daemon's answer says.
pub(super) fn outcome(answer: &str) -> Result<String, Failure> {
    match serde_json::from_str(answer) {
        Ok(Outcome::Done(words)) => Ok(words),
        Ok(Outcome::Failed(why)) => Err(Failure::Control(why)),
        Err(_) => Err(Failure::Control("the daemon ended before it answered; look at its log".into())),
    }
}
