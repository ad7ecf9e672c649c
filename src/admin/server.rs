//! The daemon's end of the control socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Order, Outcome};
use crate::data_dir::{ControlPath, DataDir};
use crate::logging::Seldom;
use crate::protocol::limits::{MARKS_IN_A_RUN, TEXT_BYTES};
use crate::protocol::text::{Text, TextFault};
use crate::session::Services;

/// Orders carried out at once.
const AT_ONCE: usize = 4;
/// How long an operator's program may take to send its order.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest order: an announcement with every byte escaped.
const ORDER_BYTES: u64 = 32 << 10;

/// The bound socket.
pub struct Control {
    listener: UnixListener,
    way: ControlPath,
}

impl Control {
    /// Binds the socket. The directory is held by this daemon, so a socket found there is a dead one's.
    pub fn bind(data: &DataDir) -> io::Result<Self> {
        let way = ControlPath::new(data.path())?;
        match std::fs::remove_file(way.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
        let listener = UnixListener::bind(way.path())?;
        Ok(Self { listener, way })
    }

    /// Carries out orders until dropped.
    pub async fn run(self, services: Arc<Services>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut warning = Seldom::default();
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let services = Arc::clone(&services);
                    tokio::spawn(async move {
                        if let Err(error) = serve(socket, &services).await {
                            log::warn!("control socket: {error}");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    if warning.is_due() {
                        log::warn!("control socket: {error}");
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Nothing depends on it: the next daemon removes what it finds.
        let _ = std::fs::remove_file(self.way.path());
    }
}

async fn serve(mut socket: UnixStream, services: &Services) -> io::Result<()> {
    let (read_half, mut write_half) = socket.split();
    let mut line = String::new();
    timeout(PATIENCE, BufReader::new(read_half.take(ORDER_BYTES)).read_line(&mut line)).await??;
    let outcome = match serde_json::from_str(&line) {
        Ok(Order::Announce { text }) => announce(&text, services).await,
        Err(error) => Outcome::Failed(format!("the daemon does not understand this order: {error}")),
    };
    let mut answer = serde_json::to_string(&outcome)?;
    answer.push('\n');
    write_half.write_all(answer.as_bytes()).await
}

async fn announce(text: &str, services: &Services) -> Outcome {
    let text = match Text::parse_lines(text) {
        Ok(text) => text,
        Err(TextFault::Blank) => return Outcome::Failed("there is nothing to announce".into()),
        Err(TextFault::TooLong) => return Outcome::Failed(format!("an announcement has at most {TEXT_BYTES} bytes")),
        Err(TextFault::Escape | TextFault::Control) => {
            return Outcome::Failed("an announcement may not hold control characters".into());
        }
        Err(TextFault::Marks) => {
            let words = format!("an announcement has at most {MARKS_IN_A_RUN} combining marks on one letter");
            return Outcome::Failed(words);
        }
    };
    let deadline = services.queue.confirm_deadline();
    let Ok(slot) = services.queue.slot(1).await else {
        return Outcome::Failed("the daemon cannot store anything at the moment; nothing was announced".into());
    };
    let announced = services.room.announce(text, slot).await;
    if services.queue.durable(announced.position, deadline).await.is_err() {
        return Outcome::Failed("announced, but not stored yet; do not repeat it".into());
    }
    let plural = if announced.listeners == 1 { "" } else { "s" };
    Outcome::Done(format!("announced to {} connection{plural}", announced.listeners))
}
