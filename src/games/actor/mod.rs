//! The task behind the games. It alone seats players and lets them move, in the order of their requests.
//!
//! This file holds who is here, what is due, and how a table's changes are stored; [`lobby`] is how a game
//! comes about, [`board`] what is done at one. The actor waits for the room, which never waits, and for
//! nobody else. What happens by itself (a flag, a lost player) needs a slot in the store's queue like
//! everything else; while none is to be had, it happens a little later.

mod board;
mod lobby;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::agenda::Agenda;
use super::play::Play;
use super::ratings::Ratings;
use super::rules;
use super::table::{self, Seat, Setting, Table};
use super::{Arrival, Asker, Done, Limits, Stored, Surroundings, Want};
use crate::clock::now_ms;
use crate::protocol::event::Deed;
use crate::protocol::game::event::{GameNews, News};
use crate::protocol::game::refusal::GameRefusal;
use crate::protocol::game::{End, GameId};
use crate::protocol::name::Name;
use crate::protocol::refusal::Refusal;
use crate::room::audience::Audience;
use crate::room::log::Cursor;
use crate::room::{ConnectionId, Posting, Room};
use crate::store::queue::{Queue, Slot};
use crate::store::read::games::{GamesAtStart, SavedGame};
use crate::store::record::{Account, AccountId, GameRecord, GameState, Record, RoomId};
use lobby::Invitation;

/// How long something waits that found no slot.
const NO_SLOT_PAUSE: Duration = Duration::from_millis(100);

/// What the games are asked; see the methods of [`super::Games`].
pub(super) enum Command {
    Arrive { asker: Asker, answer: oneshot::Sender<Option<Arrival>> },
    Depart { connection: ConnectionId, account: Account },
    SetVoice { asker: Asker, answer: oneshot::Sender<Vec<(GameId, Cursor)>> },
    Ask { asker: Asker, want: Want, slots: Vec<Slot>, answer: oneshot::Sender<Result<Done, Refusal>> },
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
    limits: Limits,
    /// Who is in the room, over which connection.
    present: HashMap<AccountId, ConnectionId>,
    invitations: BTreeMap<GameId, Invitation>,
    tables: BTreeMap<GameId, Table>,
    places: HashMap<Name, Place>,
    watching: HashMap<ConnectionId, GameId>,
    agenda: Agenda,
    ratings: Ratings,
    last_id: u64,
    is_stopped: bool,
}

impl Actor {
    pub(super) async fn open(limits: Limits, around: Surroundings, at_start: GamesAtStart) -> Self {
        let Surroundings { room, queue, .. } = around;
        let GamesAtStart { open, last_id, ratings, rated } = at_start;
        let mut actor = Self {
            room,
            queue,
            limits,
            present: HashMap::new(),
            invitations: BTreeMap::new(),
            tables: BTreeMap::new(),
            places: HashMap::new(),
            watching: HashMap::new(),
            agenda: Agenda::default(),
            ratings: Ratings::new(ratings, rated),
            last_id,
            is_stopped: false,
        };
        for saved in open {
            actor.bring_back(saved).await;
        }
        actor
    }

    /// A game that was under way comes back, paused until its players do. An invitation does not: its maker is gone.
    async fn bring_back(&mut self, saved: SavedGame) {
        if matches!(saved.state, GameState::Invited) {
            let record = Record::Game(Box::new(lobby::void(&saved, self.room.id())));
            // At the start there are slots; if the store fails already, the row stays for the next one.
            if let Ok(slot) = self.queue.slot(1).await {
                self.queue.push(vec![record], vec![slot]);
            }
            return;
        }
        let SavedGame { id, game, first, second: Some(second), .. } = &saved else { return };
        let play = rules::find(game).and_then(|game| Play::restore(game, &saved.moves));
        let Some(play) = play else {
            return log::error!("game {id} ({game}) cannot be gone on with: its moves are none of this version's rules");
        };
        for player in [first, second] {
            self.places.insert(player.name.clone(), Place::At(*id));
        }
        let setting = Setting {
            id: *id,
            control: saved.clock,
            seats: [first, second].map(|player| Seat::new(player.clone(), None)),
            play,
            left: saved.left,
            inviter: None,
            started_ms: saved.started_ms,
            audience: Audience::new(1, table::RING_BYTES),
        };
        let table = Table::paused(setting, self.limits, Instant::now());
        self.agenda.set(*id, table.due());
        self.tables.insert(*id, table);
    }

    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Command>) {
        loop {
            let due = self.agenda.next();
            tokio::select! {
                command = mailbox.recv() => {
                    let Some(command) = command else { return };
                    // What was due before a command comes before it: a flag that has fallen has fallen.
                    self.let_happen().await;
                    self.obey(command).await;
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.let_happen().await,
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        if self.is_stopped {
            return;
        }
        // Whoever asked may be gone; then the answer is dropped, here and below. What it held goes back.
        match command {
            Command::Ask { asker, want, slots, answer } => _ = answer.send(self.ask(asker, want, slots).await),
            Command::Arrive { asker, answer } => _ = answer.send(self.arrive(asker)),
            Command::Depart { connection, account } => self.depart(connection, &account).await,
            Command::SetVoice { asker, answer } => _ = answer.send(self.set_voice(&asker)),
            Command::Stop { answer } => {
                self.is_stopped = true;
                self.agenda = Agenda::default();
                let _ = answer.send(());
            }
        }
    }

    async fn ask(&mut self, asker: Asker, want: Want, slots: Vec<Slot>) -> Result<Done, Refusal> {
        let is_players = !matches!(want, Want::Watch(_) | Want::List { .. });
        if is_players && self.present.get(&asker.account.id) != Some(&asker.connection) {
            return Err(GameRefusal::MembersOnly.into());
        }
        match want {
            Want::Act { action, ply, game_id } => self.act(&asker, action, ply, game_id, slots).await,
            Want::Look => self.look(&asker),
            Want::Invite { game, control, seat } => self.invite(asker, game, control, seat, slots).await,
            Want::Resume(saved) => self.resume(asker, saved, slots).await,
            Want::Withdraw => self.withdraw(&asker, slots).await,
            Want::Take { inviter } => self.take(asker, &inviter, slots).await,
            Want::Watch(Some(id)) => self.watch(&asker, id),
            Want::Watch(None) => Ok(self.unwatch(&asker)),
            Want::List { page, lines } => Ok(self.list(page, lines)),
        }
    }

    fn place(&self, name: &Name) -> Option<Place> {
        self.places.get(name).copied()
    }

    fn arrive(&mut self, asker: Asker) -> Option<Arrival> {
        let Asker { account, connection, voice } = asker;
        self.present.insert(account.id, connection);
        match self.place(&account.name)? {
            Place::Inviting(id) => {
                let hearing = self.invitations.get_mut(&id)?.hand_over(connection, voice);
                Some(Arrival { hearing: (id, hearing), look: None })
            }
            Place::At(id) => {
                let now = Instant::now();
                let table = self.tables.get_mut(&id)?;
                table.arrive(table.side_of(&account)?, connection, now);
                let hearing = table.audience().admit(connection, voice, ());
                let look = table.is_under_way().then(|| Box::new(table.look(now)));
                self.agenda.set(id, table.due());
                Some(Arrival { hearing: (id, hearing), look })
            }
        }
    }

    async fn depart(&mut self, connection: ConnectionId, account: &Account) {
        self.stop_watching(connection);
        if self.present.get(&account.id) != Some(&connection) {
            return;
        }
        self.present.remove(&account.id);
        match self.place(&account.name) {
            Some(Place::Inviting(id)) => self.maker_left(id).await,
            Some(Place::At(id)) => {
                let Some(table) = self.tables.get_mut(&id) else { return };
                table.depart(connection, Instant::now());
                self.look_after(id);
            }
            None => (),
        }
    }

    fn set_voice(&mut self, asker: &Asker) -> Vec<(GameId, Cursor)> {
        let &Asker { connection, voice, .. } = asker;
        let own = self.place(&asker.account.name).map(|(Place::Inviting(id) | Place::At(id))| id);
        let mut hearings = Vec::new();
        for id in own.into_iter().chain(self.watching.get(&connection).copied()) {
            let invitation = self.invitations.get_mut(&id).map(Invitation::audience);
            let audience = invitation.or_else(|| self.tables.get_mut(&id).map(Table::audience));
            hearings.extend(audience.and_then(|audience| audience.set_voice(connection, voice)).map(|cursor| (id, cursor)));
        }
        hearings
    }

    /// Lets happen what is due by itself.
    async fn let_happen(&mut self) {
        while let Some(id) = self.agenda.due(Instant::now()) {
            let Some(slot) = self.queue.leaving_slot() else {
                self.agenda.set(id, Some(Instant::now() + NO_SLOT_PAUSE));
                continue;
            };
            if self.invitations.contains_key(&id) {
                self.end_invitation(id, None, slot).await;
            } else if let Some(table) = self.tables.get_mut(&id) {
                table.tick(Instant::now());
                self.settle(id, slot).await;
            } else {
                self.agenda.set(id, None);
            }
        }
    }

    /// Stores what has changed at a table, tells the room a result, and forgets a table that was left.
    async fn settle(&mut self, id: GameId, slot: Slot) -> Option<Stored> {
        let table = self.tables.get_mut(&id)?;
        let mut stored = None;
        if table.take_change() {
            stored = Some(match table.has_ended().cloned() {
                Some(end) => self.announce_result(id, end, slot).await?,
                None => {
                    let state = if table.is_left() { GameState::Adjourned } else { GameState::Playing };
                    let record = record(table, state, self.room.id());
                    Stored { position: self.queue.push(vec![Record::Game(Box::new(record))], vec![slot]), seq: None }
                }
            });
        }
        if let (Some(table), Some(stored)) = (self.tables.get_mut(&id), stored) {
            table.note_stored(stored);
        }
        self.look_after(id);
        stored
    }

    /// Puts a table down for what happens there next, or forgets it.
    fn look_after(&mut self, id: GameId) {
        let Some(table) = self.tables.get(&id) else { return };
        if table.is_left() {
            self.forget_table(id);
        } else {
            self.agenda.set(id, table.due());
        }
    }

    /// The result, the ratings and the room's event: one transaction.
    async fn announce_result(&mut self, id: GameId, end: End, slot: Slot) -> Option<Stored> {
        let table = self.tables.get_mut(&id)?;
        let ended_ms = now_ms();
        let accounts = table.seats().each_ref().map(|seat| seat.account.clone());
        let title = table.play().game().title.clone();
        let may_be_rated = table.play().count() >= 2 && end.reason.code != End::ABORTED.code;
        let ids = accounts.each_ref().map(|account| account.id);
        let rated = may_be_rated.then(|| self.ratings.rate(title.code.clone(), ids, end.winner, ended_ms)).flatten();
        let state = GameState::Over { end: end.clone(), ended_ms, is_rated: rated.is_some() };
        let mut records = vec![Record::Game(Box::new(record(table, state, self.room.id())))];
        records.extend(rated.into_iter().flatten().map(Record::Rating));
        let partners = table.audience().connections().collect();
        let news = News::Result { players: accounts.map(|account| account.name), end };
        let deed = Deed::Game(Box::new(GameNews { game_id: id, title, news }));
        let posted = self.room.post(Posting { deed, author: None, from: None, partners, records }, slot).await;
        Some(Stored { position: posted.position, seq: Some(posted.seq) })
    }

    /// Nobody sits there any more: its log ends.
    fn forget_table(&mut self, id: GameId) {
        let Some(mut table) = self.tables.remove(&id) else { return };
        table.audience().connections().for_each(|connection| _ = self.watching.remove(&connection));
        table.audience().dismiss_all();
        for seat in table.seats() {
            if self.place(&seat.account.name) == Some(Place::At(id)) {
                self.places.remove(&seat.account.name);
            }
        }
        self.agenda.set(id, None);
    }

    fn stop_watching(&mut self, connection: ConnectionId) {
        let table = self.watching.remove(&connection).and_then(|id| self.tables.get_mut(&id));
        if let Some(table) = table {
            table.audience().dismiss(connection);
        }
    }

    fn next_id(&mut self) -> GameId {
        self.last_id += 1;
        GameId(self.last_id)
    }
}

/// A table as it is stored.
fn record(table: &Table, state: GameState, room: RoomId) -> GameRecord {
    let [first, second] = table.seats();
    GameRecord {
        id: table.id(),
        room,
        level: first.account.level,
        game: table.play().game().title.code.clone(),
        first: first.account.id,
        second: Some(second.account.id),
        started_ms: table.started_ms(),
        clock: table.control(),
        left: table.left(Instant::now()),
        moves: table.play().notation(),
        state,
    }
}
