//! The task behind the games. It alone seats players and lets them move, in the order of their requests.
//!
//! This file holds who is here and what is due; [`lobby`] is how a game comes about, [`board`] what is done
//! at one, [`keeping`] how its changes are stored and how games come back, [`failing`] how a bug in one ends it
//! alone. The actor waits for the room,
//! which never waits, and for nobody else. What happens by itself (a flag, a lost player) needs a slot in
//! the store's queue like everything else. While the store fails nobody can move, so no clock runs either.

mod board;
mod failing;
mod keeping;
mod lobby;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::adjourned::Adjourned;
use super::agenda::Agenda;
use super::ratings::Ratings;
use super::table::Table;
use super::{Arrival, Asker, Counts, Done, Limits, Want};
use crate::connections::ConnectionId;
use crate::mailbox::Mailbox;
use crate::panics::{contained, contained_now};
use crate::protocol::game::GameId;
use crate::protocol::game::event::TableEvent;
use crate::protocol::game::refusal::GameRefusal;
use crate::protocol::limits::ADJOURNED_AT_LOGIN;
use crate::protocol::name::Name;
use crate::protocol::refusal::Refusal;
use crate::room::log::Cursor;
use crate::room::{Room, Scene, Visitor};
use crate::store::queue::{Queue, Slot};
use crate::store::read::Reader;
use crate::store::record::{Account, AccountId, GameRecord};
use lobby::Invitation;

/// How long something waits that found no slot.
const NO_SLOT_PAUSE: Duration = Duration::from_millis(100);

/// What the games are asked; see the methods of [`super::Games`].
pub(super) enum Command {
    Enter { visitor: Visitor, slot: Slot, answer: oneshot::Sender<(Scene, Arrival)> },
    Depart { connection: ConnectionId, account: Account },
    SetVoice { asker: Asker, answer: oneshot::Sender<Vec<(GameId, Cursor)>> },
    Ask { asker: Asker, want: Want, answer: oneshot::Sender<Result<Done, Refusal>> },
    BrokenOff { record: Box<GameRecord>, slot: Slot },
    SetLimits(Limits),
    Count { answer: oneshot::Sender<Counts> },
    Stop { answer: oneshot::Sender<()> },
}

/// Where somebody has a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the board of an open invitation, alone.
    Inviting(GameId),
    /// At a table.
    At(GameId),
}

pub(super) struct Actor {
    room: Room,
    queue: Queue,
    reader: Reader,
    /// Its own.
    mailbox: Mailbox<Command>,
    limits: Limits,
    /// Who is in the room, over which connection.
    present: HashMap<AccountId, ConnectionId>,
    invitations: BTreeMap<GameId, Invitation>,
    tables: BTreeMap<GameId, Table>,
    places: HashMap<Name, Place>,
    watching: HashMap<ConnectionId, GameId>,
    adjourned: Adjourned,
    /// Results that their players have not been told, being away: of each the newest, until the next login.
    untold: HashMap<AccountId, Box<TableEvent>>,
    agenda: Agenda,
    ratings: Ratings,
    last_id: u64,
    /// What time it is, for all that one command does: what is due by then happens before it. This time
    /// stands still while the store fails.
    now: Instant,
    /// Since when it stands still.
    held_since: Option<Instant>,
    /// For how long it has stood still in all.
    held: Duration,
    /// The game that is being handled: what a panic at this moment costs.
    at_hand: Option<GameId>,
    is_stopped: bool,
}

impl Actor {
    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Command>) {
        loop {
            let due = self.agenda.next().filter(|_| self.held_since.is_none()).map(|due| due + self.held);
            tokio::select! {
                command = mailbox.recv() => {
                    let Some(command) = command else { return };
                    // What was due before a command comes before it: a flag that has fallen has fallen.
                    self.let_all_happen().await;
                    self.obey(command).await;
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.let_all_happen().await,
                () = self.queue.failing_changed(self.held_since.is_some()) => self.hold_or_go_on(),
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        if self.is_stopped {
            return;
        }
        // Whoever asked may be gone; then the answer is dropped, here and below. What it held goes back.
        self.at_hand = None;
        match command {
            Command::Ask { asker, want, answer } => {
                let done = contained(self.ask(asker, want)).await;
                _ = answer.send(done.unwrap_or_else(|panicked| {
                    self.give_up(panicked);
                    Err(Refusal::Failed)
                }));
            }
            Command::Enter { visitor, slot, answer } => _ = answer.send(self.enter(visitor, slot).await),
            Command::Depart { connection, account } => {
                let left = contained(self.leave_games(connection, &account)).await;
                left.unwrap_or_else(|panicked| self.give_up(panicked));
                // Whoever hears the room, a member or not.
                self.room.leave(connection);
            }
            Command::SetVoice { asker, answer } => {
                let heard = contained_now(|| self.set_voice(&asker));
                _ = answer.send(heard.unwrap_or_else(|panicked| {
                    self.give_up(panicked);
                    Vec::new()
                }));
            }
            Command::BrokenOff { record, slot } => _ = self.keep_broken_off(*record, slot).await,
            Command::SetLimits(limits) => self.limits = limits,
            Command::Count { answer } => _ = answer.send(self.counts()),
            Command::Stop { answer } => {
                self.is_stopped = true;
                self.agenda = Agenda::default();
                let _ = answer.send(());
            }
        }
    }

    async fn ask(&mut self, asker: Asker, want: Want) -> Result<Done, Refusal> {
        let is_players = !matches!(want, Want::Watch { .. } | Want::Unwatch | Want::List { .. });
        if is_players && self.present.get(&asker.account.id) != Some(&asker.connection) {
            return Err(GameRefusal::MembersOnly.into());
        }
        match want {
            Want::Act { action, ply, game_id, slot } => self.act(&asker, action, ply, game_id, slot).await,
            Want::Look => Ok(self.look(&asker)?),
            Want::Invite { game, control, seat, slot } => Ok(self.invite(asker, game, control, seat, slot).await?),
            Want::Resume { game_id, slots } => Ok(self.resume(asker, game_id, slots).await?),
            Want::Withdraw { slot } => Ok(self.withdraw(&asker, slot).await?),
            Want::Take { inviter, slots } => Ok(self.take(asker, &inviter, slots).await?),
            Want::Watch { game_id, with_moves } => Ok(self.watch(&asker, game_id, with_moves)?),
            Want::Unwatch => Ok(self.unwatch(&asker)),
            Want::List { page, lines } => Ok(self.list(&asker.account, page, lines)),
        }
    }

    fn place(&self, name: &Name) -> Option<Place> {
        self.places.get(name).copied()
    }

    async fn enter(&mut self, visitor: Visitor, slot: Slot) -> (Scene, Arrival) {
        let arrival = contained_now(|| self.come_to_game(&visitor));
        let arrival = arrival.unwrap_or_else(|panicked| {
            self.give_up(panicked);
            Arrival::default()
        });
        // Behind it, since the room ends the session that this one replaces.
        (self.room.enter(visitor, slot).await, arrival)
    }

    fn come_to_game(&mut self, visitor: &Visitor) -> Arrival {
        let &Visitor { connection, ref account, voice, .. } = visitor;
        self.present.insert(account.id, connection);
        let result = self.untold.remove(&account.id);
        let adjourned = self.adjourned_of(account).take(ADJOURNED_AT_LOGIN).collect();
        let mut arrival = Arrival { hearing: None, look: None, result, adjourned };
        match self.place(&account.name) {
            Some(Place::Inviting(id)) => {
                self.at_hand = Some(id);
                let invitation = self.invitations.get_mut(&id);
                arrival.hearing = invitation.map(|invitation| (id, invitation.hand_over(connection, voice)));
            }
            Some(Place::At(id)) => {
                self.at_hand = Some(id);
                if let Some(table) = self.tables.get_mut(&id) {
                    table.arrive(account, connection, self.now);
                    arrival.hearing = Some((id, table.audience().admit(connection, voice, ())));
                    arrival.look = table.is_under_way().then(|| Box::new(table.look(self.now)));
                }
                self.look_after(id);
            }
            None => (),
        }
        arrival
    }

    async fn leave_games(&mut self, connection: ConnectionId, account: &Account) {
        self.stop_watching(connection);
        if self.present.get(&account.id) == Some(&connection) {
            self.present.remove(&account.id);
            match self.place(&account.name) {
                Some(Place::Inviting(id)) => self.maker_left(id).await,
                Some(Place::At(id)) => {
                    self.at_hand = Some(id);
                    if let Some(table) = self.tables.get_mut(&id) {
                        table.depart(connection, self.now);
                    }
                    self.look_after(id);
                }
                None => (),
            }
        }
    }

    fn set_voice(&mut self, asker: &Asker) -> Vec<(GameId, Cursor)> {
        let &Asker { connection, voice, .. } = asker;
        let own = self.place(&asker.account.name).map(|(Place::Inviting(id) | Place::At(id))| id);
        let mut hearings = Vec::new();
        for id in own.into_iter().chain(self.watching.get(&connection).copied()) {
            self.at_hand = Some(id);
            let invitation = self.invitations.get_mut(&id).map(Invitation::audience);
            let audience = invitation.or_else(|| self.tables.get_mut(&id).map(Table::audience));
            hearings.extend(audience.and_then(|audience| audience.set_voice(connection, voice)).map(|cursor| (id, cursor)));
        }
        hearings
    }

    /// Lets happen what is due by itself by this time, in whichever games that works.
    async fn let_all_happen(&mut self) {
        while let Err(panicked) = contained(self.let_happen()).await {
            self.give_up(panicked);
        }
    }

    async fn let_happen(&mut self) {
        self.at_hand = None;
        self.now = self.held_since.unwrap_or_else(Instant::now) - self.held;
        while let Some(id) = self.agenda.due(self.now).filter(|_| self.held_since.is_none()) {
            self.at_hand = Some(id);
            let due = self.agenda.next();
            let Some(slot) = self.queue.reserve_slot() else {
                self.agenda.set(id, Some(self.now + NO_SLOT_PAUSE));
                continue;
            };
            if self.invitations.contains_key(&id) {
                self.end_invitation(id, None, slot).await;
            } else if let Some(table) = self.tables.get_mut(&id) {
                table.tick(self.now);
                self.settle(id, slot).await;
            } else {
                self.agenda.set(id, None);
            }
            if self.agenda.next() == due && self.agenda.due(self.now) == Some(id) {
                log::error!("game {id}: something is due that does not happen");
                self.agenda.set(id, None);
            }
        }
    }

    /// The store begins to fail, or works again: nobody can move meanwhile, so no time passes.
    fn hold_or_go_on(&mut self) {
        match self.held_since.take() {
            Some(since) => self.held += since.elapsed(),
            None => self.held_since = Some(Instant::now()),
        }
    }

    fn counts(&self) -> Counts {
        let under_way = self.tables.values().filter(|table| table.is_under_way()).count();
        Counts { under_way, invitations: self.invitations.len(), adjourned: self.adjourned.count() }
    }

    fn stop_watching(&mut self, connection: ConnectionId) {
        let Some(id) = self.watching.remove(&connection) else { return };
        let before = self.at_hand.replace(id);
        if let Some(table) = self.tables.get_mut(&id) {
            table.dismiss(connection);
        }
        self.at_hand = before;
    }
}
