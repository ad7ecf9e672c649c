//! Both ends of the order that keeps the daemon from removing files: whoever copies or examines what the database said
//! at some moment finds every blob that it names, also one that is withdrawn meanwhile.
//!
//! The files are kept for as long as the connection is open, so that a program that is killed keeps nothing. A second
//! line tells the daemon what was done; without it the work was broken off. A backup has its row in the audit either way.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::orders::Operator;
use super::{Order, Outcome, client};
use crate::exit::Failure;

/// Who may keep the files at once. They leave places for other orders.
static PLACES: Semaphore = Semaphore::const_new(2);

/// The flag's end: the daemon removes no file until this is dropped.
pub struct Keeping {
    socket: BufReader<UnixStream>,
}

impl Keeping {
    /// Asks the daemon on `data`; `None` if there is none. They are backed up into a directory, or only examined.
    pub fn begin(data: &Path, into: Option<&Path>) -> Result<Option<Self>, Failure> {
        let Some(socket) = client::connect(data)? else { return Ok(None) };
        let mut keeping = Self { socket: BufReader::new(socket) };
        keeping.say(&Order::KeepFiles { into: into.map(|into| into.display().to_string()) })?;
        Ok(Some(keeping))
    }

    /// Whether the daemon has kept them until now.
    pub fn is_kept(&mut self) -> bool {
        // It says nothing unasked, so that all there can be to read is the end.
        let is_kept = self.socket.get_ref().set_nonblocking(true).is_ok()
            && matches!(self.socket.fill_buf(), Err(error) if error.kind() == ErrorKind::WouldBlock);
        is_kept && self.socket.get_ref().set_nonblocking(false).is_ok()
    }

    /// Tells the daemon what was done. If it has ended meanwhile, that changes nothing of what was done.
    pub fn end(mut self, done: &str) {
        if let Err(error) = self.say(&Order::Kept { done: done.to_owned() }) {
            log::warn!("the daemon was not told of it: {error}");
        }
    }

    fn say(&mut self, order: &Order) -> Result<String, Failure> {
        let line = serde_json::to_string(order).map_err(|error| Failure::Control(error.to_string()))?;
        let mut answer = String::new();
        let said = writeln!(self.socket.get_mut(), "{line}").and_then(|()| self.socket.read_line(&mut answer));
        said.map_err(|error| Failure::Control(format!("cannot reach the daemon: {error}")))?;
        client::outcome(&answer)
    }
}

/// The daemon's end.
pub(super) async fn serve(
    into: Option<String>,
    mut input: impl AsyncBufRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    operator: &Operator,
    who: &str,
) -> io::Result<()> {
    let Ok(_place) = PLACES.try_acquire() else {
        let refusal = Outcome::Failed("two others are copying or examining the files; try again when they are done".into());
        return answer(&mut output, &refusal).await;
    };
    let kept = operator.services.files.keep_all().await;
    answer(&mut output, &Outcome::Done(String::new())).await?;
    let mut line = String::new();
    let ended = input.read_line(&mut line).await;
    drop(kept);
    let done = match (ended, serde_json::from_str(&line)) {
        (Ok(_), Ok(Order::Kept { done })) => Some(done),
        _ => None,
    };
    let order = Order::KeepFiles { into };
    match done {
        Some(done) => {
            operator.note(order, who, &done).await;
            answer(&mut output, &Outcome::Done(String::new())).await
        }
        None => {
            operator.refuse(order, who, "it was broken off").await;
            Ok(())
        }
    }
}

async fn answer(output: &mut (impl AsyncWrite + Unpin), outcome: &Outcome) -> io::Result<()> {
    let mut answer = serde_json::to_string(outcome)?;
    answer.push('\n');
    output.write_all(answer.as_bytes()).await
}
