//! What the room wants done, done beside the screen: each request is a task of its own that reports back, so
//! that nothing waits for a file, an opponent or a lost connection. Requests go out in the order in which they
//! were asked.

use std::collections::HashMap;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;

use parlor::client::{Client, Error, Progress};
use parlor::protocol::file_name::FileName;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::super::room::transfers::TransferId;
use super::super::room::{Ask, Told};

/// Reports that wait for the screen; whoever has more waits.
const REPORTS: usize = 256;
/// Lines that wait to be said, as while the connection is lost.
const LINES: usize = 256;

/// A request that has been put behind those before it, or what became of it already.
type Begun = Result<Told, Pin<Box<dyn Future<Output = Told> + Send>>>;

/// The hands of the room.
pub(super) struct Asks {
    client: Client,
    reports: mpsc::Sender<Told>,
    speeches: JoinSet<()>,
    transfers: HashMap<TransferId, AbortHandle>,
}

impl Asks {
    pub(super) fn new(client: Client) -> (Self, mpsc::Receiver<Told>) {
        let (reports, told) = mpsc::channel(REPORTS);
        (Self { client, reports, speeches: JoinSet::new(), transfers: HashMap::new() }, told)
    }

    /// Does one; what is the terminal's own is done where the terminal is.
    pub(super) async fn carry_out(&mut self, ask: Ask) {
        let client = self.client.clone();
        match ask {
            Ask::Say(text) => self.say(text).await,
            Ask::Request { letter, arguments, about } => {
                let task = begin(async move {
                    let outcome = client.request(letter, arguments).await;
                    Told::Answered { about, outcome }
                });
                self.report(wait(task.await));
            }
            Ask::Older { before, count } => {
                self.report(async move { Told::Older { before, outcome: client.history_before(before, count).await } });
            }
            Ask::Members => {
                self.report(async move { Told::Members(client.members().await) });
            }
            Ask::Shelf => {
                self.report(async move { Told::Shelf(client.shelf().await) });
            }
            Ask::Upload { id, path, name } => {
                let progress = self.progress(id);
                let task = async move {
                    let outcome = client.upload(&path, &name, progress).await;
                    Told::Transferred(id, outcome.map(|_| None))
                };
                let handle = self.report(task);
                self.transfers.insert(id, handle);
            }
            Ask::Download { id, name, directory } => {
                let progress = self.progress(id);
                let task = async move { Told::Transferred(id, download(&client, &name, &directory, progress).await.map(Some)) };
                let handle = self.report(task);
                self.transfers.insert(id, handle);
            }
            Ask::Cancel(id) => {
                if let Some(transfer) = self.transfers.remove(&id) {
                    transfer.abort();
                }
            }
            Ask::Bell | Ask::Suspend | Ask::Redraw | Ask::Again | Ask::Quit => (),
        }
    }

    /// What is told of a transfer that is over.
    pub(super) fn forget(&mut self, id: TransferId) {
        self.transfers.remove(&id);
    }

    async fn say(&mut self, text: String) {
        while self.speeches.try_join_next().is_some() {}
        let client = self.client.clone();
        let has_room = self.speeches.len() < LINES;
        let task = begin(async move {
            let outcome = match has_room {
                true => client.say(&text).await.map(|_| ()),
                false => Err(IoError::new(ErrorKind::WouldBlock, "too many lines wait to be said already").into()),
            };
            Told::Said { text, outcome }
        });
        let (begun, reports) = (task.await, self.reports.clone());
        self.speeches.spawn(async move {
            // The screen is gone if nobody takes it.
            let _ = reports.send(wait(begun).await).await;
        });
    }

    /// Waits until what was said is on disk. Nobody may wait for its reports any more.
    pub(super) async fn finish(mut self) {
        while self.speeches.join_next().await.is_some() {}
    }

    fn report(&self, task: impl Future<Output = Told> + Send + 'static) -> AbortHandle {
        let reports = self.reports.clone();
        let task = tokio::spawn(async move {
            let told = task.await;
            // The screen is gone if nobody takes it.
            let _ = reports.send(told).await;
        });
        task.abort_handle()
    }

    /// Where a transfer tells how far it is. A screen that is busy hears of the next piece.
    fn progress(&self, id: TransferId) -> impl FnMut(Progress) + Send + use<> {
        let reports = self.reports.clone();
        move |progress| drop(reports.try_send(Told::Progress(id, progress)))
    }
}

/// Polls a request once, which gives it its place behind those before it.
async fn begin(task: impl Future<Output = Told> + Send + 'static) -> Begun {
    let mut task: Pin<Box<dyn Future<Output = Told> + Send>> = Box::pin(task);
    let first = std::future::poll_fn(|context| Poll::Ready(task.as_mut().poll(context))).await;
    match first {
        Poll::Ready(told) => Ok(told),
        Poll::Pending => Err(task),
    }
}

async fn wait(begun: Begun) -> Told {
    match begun {
        Ok(told) => told,
        Err(task) => task.await,
    }
}

/// Fetches a file under its own name, or the next free one: nothing that is there is replaced.
async fn download(client: &Client, name: &str, directory: &Path, progress: impl FnMut(Progress)) -> Result<PathBuf, Error> {
    // The server allows no other; whoever runs it may not be to be trusted.
    if FileName::parse(name).is_err() {
        return Err(IoError::new(ErrorKind::InvalidInput, "its name is no name of a file").into());
    }
    let path = free_path(directory, name);
    client.download(name, &path, progress).await?;
    Ok(path)
}

/// `report.pdf`, or `report (2).pdf` if that is taken.
fn free_path(directory: &Path, name: &str) -> PathBuf {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let candidates = (2..).map(|number| directory.join(format!("{stem} ({number}){ending}")));
    std::iter::once(directory.join(name)).chain(candidates).find(|path| !path.exists()).unwrap_or_default()
}
