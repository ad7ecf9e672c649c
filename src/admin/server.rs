//! The daemon's end of the control socket: who may give orders, and how many at once.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::orders::Operator;
use super::{Order, Outcome, keeping};
use crate::data_dir::{ControlPath, DataDir};
use crate::logging::Seldom;

/// Orders carried out at once.
const AT_ONCE: usize = 4;
/// How long an operator's program may take to send its order, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest order: an announcement with every byte escaped.
const ORDER_BYTES: u64 = 32 << 10;
/// The system's user who may do everything.
const ROOT: u32 = 0;

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
    pub async fn run(self, operator: Operator) {
        let operator = Arc::new(operator);
        tokio::join!(operator.watch(), self.accept(&operator));
    }

    async fn accept(&self, operator: &Arc<Operator>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut warning = Seldom::default();
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let operator = Arc::clone(operator);
                    tokio::spawn(async move {
                        if let Err(error) = serve(socket, &operator).await {
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

async fn serve(mut socket: UnixStream, operator: &Operator) -> io::Result<()> {
    let uid = socket.peer_cred()?.uid();
    let (read_half, mut write_half) = socket.split();
    let mut input = BufReader::new(read_half.take(ORDER_BYTES));
    let mut line = String::new();
    timeout(PATIENCE, input.read_line(&mut line)).await??;
    let outcome = match serde_json::from_str::<Order>(&line) {
        Ok(Order::KeepFiles { into }) if may_order(uid) => {
            return keeping::serve(into, input, write_half, operator, &user(uid)).await;
        }
        Ok(order) if may_order(uid) => operator.carry_out(order, &user(uid)).await,
        Ok(order) => {
            operator.refuse(order, &user(uid), "only the user whom the daemon runs as may give orders, and root").await
        }
        Err(error) => Outcome::Failed(format!("the daemon does not understand this order: {error}")),
    };
    let mut answer = serde_json::to_string(&outcome)?;
    answer.push('\n');
    timeout(PATIENCE, write_half.write_all(answer.as_bytes())).await?
}

/// The directory lets nobody else come here; but a directory's mode is quickly changed.
fn may_order(uid: u32) -> bool {
    uid == ROOT || uid == rustix::process::geteuid().as_raw()
}

/// One of the system's users, as the audit names it.
pub(crate) fn user(uid: u32) -> String {
    let accounts = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    // Some users are listed elsewhere, in a directory on the network.
    name.map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}
