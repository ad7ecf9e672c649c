//! How an actor is told and asked: a bounded mailbox whose senders wait when it is full.

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

/// The senders' end of an actor's mailbox. Clones are the same mailbox.
pub struct Mailbox<C> {
    commands: mpsc::Sender<C>,
}

impl<C> Clone for Mailbox<C> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone() }
    }
}

impl<C: Send + 'static> Mailbox<C> {
    /// A mailbox for so many commands, and the actor's end of it.
    pub fn new(size: usize) -> (Self, mpsc::Receiver<C>) {
        let (commands, receiver) = mpsc::channel(size);
        (Self { commands }, receiver)
    }

    /// Puts a command behind those that are there.
    pub async fn send(&self, command: C) {
        if self.commands.send(command).await.is_err() {
            // An actor ends only when the daemon does, which also ends whoever waits here.
            std::future::pending::<()>().await;
        }
    }

    /// Sends a command and waits for its answer. Who is not answered waits for ever: an actor gives none
    /// only once it has stopped, and then the daemon is stopping too.
    pub async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> C) -> T {
        let (answer, receiver) = oneshot::channel();
        self.send(command(answer)).await;
        match receiver.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }

    /// Sends a command without waiting, as `drop` must. Where there is no room for it, it comes later
    /// than what is sent meanwhile.
    pub fn tell(&self, command: C) {
        let Err(TrySendError::Full(command)) = self.commands.try_send(command) else { return };
        let mailbox = self.clone();
        tokio::spawn(async move { mailbox.send(command).await });
    }
}
