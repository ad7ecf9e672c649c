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
    let unreachable = |error: std::io::Error| {
        Failure::Control(match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                format!("no parlord is running on {}; start it, or name its directory with --data", data.display())
            }
            _ => format!("cannot reach the parlord on {}: {error}", data.display()),
        })
    };
    let way = ControlPath::new(data).map_err(unreachable)?;
    let mut socket = UnixStream::connect(way.path()).map_err(unreachable)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
    let line = serde_json::to_string(order).map_err(|error| Failure::Control(error.to_string()))?;
    writeln!(socket, "{line}").map_err(unreachable)?;
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer).map_err(unreachable)?;
    match serde_json::from_str(&answer) {
        Ok(Outcome::Done(words)) => Ok(words),
        Ok(Outcome::Failed(why)) => Err(Failure::Control(why)),
        Err(_) => Err(Failure::Control("the daemon ended before it answered; look at its log".into())),
    }
}
