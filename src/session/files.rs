//! What somebody in the room can do with files: offer, fetch, look at the shelf, withdraw. The bytes
//! come and go over connections of their own, see `net`.

use std::sync::Arc;

use super::{Session, State};
use crate::files::{FetchTicket, OfferTicket, Withdrawal};
use crate::protocol::limits::{SHELF_LINES, SHELF_LINES_JSON};
use crate::protocol::refusal::{Instead, Refusal, Unconfirmed};
use crate::protocol::reply::{Found, Offered, Reply, Shelf};
use crate::protocol::request::FileRequest;
use crate::protocol::shell::Endpoint;
use crate::store::record::Account;

impl Session {
    pub(super) async fn offer(&self, request: FileRequest) -> Result<Reply, Refusal> {
        let account = self.who_asks('F', &request)?;
        let file_name = request.file_name;
        let offer = self.services.files.offer(account, file_name.clone()).await?;
        let OfferTicket { ticket, timeout, offset_bytes, limit_bytes } = offer;
        let (ticket_timeout_s, endpoint) = (timeout.as_secs(), self.endpoint());
        Ok(Reply::Offered(Offered { ticket, file_name, offset_bytes, limit_bytes, ticket_timeout_s, endpoint }))
    }

    pub(super) async fn fetch(&self, request: FileRequest) -> Result<Reply, Refusal> {
        let account = self.who_asks('L', &request)?;
        let FetchTicket { ticket, timeout, file } = self.services.files.fetch(account, request.file_name).await?;
        Ok(Reply::Found(Found { ticket, file, ticket_timeout_s: timeout.as_secs(), endpoint: self.endpoint() }))
    }

    pub(super) async fn shelf(&self, page: usize) -> Result<Reply, Refusal> {
        self.catch_up().await?;
        let services = &self.services;
        let lines = if self.voice.tongue.is_for_people() { SHELF_LINES } else { SHELF_LINES_JSON };
        let skip = (page - 1).saturating_mul(lines);
        let mut files = services.reader.shelf(services.room.id(), skip, lines + 1).await?;
        let next_page = (files.len() > lines).then_some(page + 1);
        files.truncate(lines);
        let is_empty = page == 1 && files.is_empty();
        Ok(Reply::Shelf(Shelf { room: Arc::clone(services.room.name()), files, next_page, is_empty }))
    }

    pub(super) async fn withdraw(&self, request: FileRequest) -> Result<Reply, Refusal> {
        let account = self.who_asks('X', &request)?;
        let queue = &self.services.queue;
        let slot = queue.slot(1).await?;
        let deadline = queue.confirm_deadline();
        match self.services.files.withdraw(account, request.file_name, self.connection, slot).await? {
            Withdrawal::Withdrawn { seq, position } => {
                queue.durable(position, deadline).await.map_err(|_| Refusal::Unconfirmed(Unconfirmed::Event(seq)))?;
                Ok(Reply::Withdrawn)
            }
            Withdrawal::Dropped => Ok(Reply::Dropped),
        }
    }

    /// The account that asks about a file, if it asks in its own name.
    fn who_asks(&self, letter: char, request: &FileRequest) -> Result<Account, Refusal> {
        let State::Member(member) = &self.state else { return Err(Refusal::LoginFirst) };
        // The file's name was probably meant to have blanks in it.
        self.check_is_own(request.name.as_deref(), |name| Instead::Ask(format!("{letter} - {name} {}", request.file_name)))?;
        Ok(member.account().clone())
    }

    /// Where the peer reaches this daemon.
    fn endpoint(&self) -> Endpoint {
        self.services.terms.read(|terms| terms.advertised.endpoint(self.arrived))
    }
}
