//! The operator's flags: one order to the running daemon, and its outcome.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Order, Outcome};
use crate::data_dir::ControlPath;
use crate::exit::Failure;

/// How long the daemon may take: longer than it waits for its disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says `text` to everyone in the room of the daemon on `data`; returns what to print.
pub fn announce(data: &Path, text: &str) -> Result<String, Failure> {
    order(data, &Order::Announce { text: text.to_owned() })
}

fn order(data: &Path, order: &Order) -> Result<String, Failure> {
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
