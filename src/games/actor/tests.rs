//! What a bug in the rules of one game costs: that game, and nothing else.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::super::rules::bug::{self, BUG, Bug};
use super::super::rules::{self, Game};
use super::super::{Arrival, Asker, Done, Games, Limits, Surroundings, Want};
use crate::connections::{ConnectionId, Connections};
use crate::protocol::game::request::Action;
use crate::protocol::game::{GameId, TimeControl};
use crate::protocol::name::Name;
use crate::protocol::refusal::Refusal;
use crate::protocol::tongue::Tongue;
use crate::protocol::voice::Voice;
use crate::room::log::{Cursor, Parts};
use crate::room::{Room, Visitor};
use crate::store::record::{Account, GameRecord, GameState, Record, Registered, Registration};
use crate::store::{Closed, Store};

const LONG: Duration = Duration::from_secs(600);
/// Longer than anything takes that does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);
const LIMITS: Limits =
    Limits { invitation_timeout: LONG, reconnect_timeout: LONG, idle_move_timeout: LONG, adjourn_timeout: LONG };

/// Store, room and games, as the daemon has them.
struct Hall {
    directory: TempDir,
    store: Store,
    room: Room,
    games: Games,
    connections: u64,
    slots: [usize; 2],
}

impl Hall {
    async fn open(directory: TempDir) -> Self {
        let (store, opened) = Store::open(directory.path(), "lobby", LONG).unwrap();
        let slots = store.queue.free_slots();
        let slot = store.queue.slot(1).await.unwrap();
        let (room, _, _) = Room::open("lobby", opened, store.queue.clone(), Connections::default(), slot).await;
        let (queue, reader) = (store.queue.clone(), store.reader.clone());
        let around = Surroundings { room: room.clone(), was_closed: opened.was_closed, queue, reader };
        let (games, _) = Games::open(LIMITS, around).await.unwrap();
        Self { directory, store, room, games, connections: 0, slots }
    }

    /// Closes it, as a daemon that stops; what was under way is still so in the store.
    async fn close(self) -> TempDir {
        let Self { directory, store, room, games, .. } = self;
        games.stop().await;
        room.stop().await;
        assert_eq!(store.close(PATIENCE, true), Closed::Drained);
        directory
    }

    async fn account(&self, name: &str) -> Account {
        let name = Name::stored(name.into());
        if let Some(known) = self.store.reader.credentials(&name).await.unwrap() {
            return known.account;
        }
        let (outcome, registered) = oneshot::channel();
        let slot = self.store.queue.slot(1).await.unwrap();
        let registration = Registration { name, password_hash: String::new(), address: String::new(), at_ms: 0, outcome };
        self.store.queue.push(vec![Record::Registration(registration)], vec![slot]);
        match registered.await.unwrap() {
            Registered::As(account) => account,
            Registered::NameTaken | Registered::LookAlike(_) => unreachable!("it was free"),
        }
    }

    async fn enter(&mut self, name: &str) -> (Player, Arrival) {
        let account = self.account(name).await;
        self.connections += 1;
        let (connection, voice) = (ConnectionId(self.connections), Voice::new(Tongue::Json));
        let visitor = Visitor { connection, account: account.clone(), voice };
        let slot = self.store.queue.slot(1).await.unwrap();
        let (_, arrival) = timeout(PATIENCE, self.games.enter(visitor, slot)).await.expect("the login is answered");
        (Player { asker: Asker { account, connection, voice }, games: self.games.clone(), cursor: None }, arrival)
    }

    async fn player(&mut self, name: &str) -> Player {
        self.enter(name).await.0
    }

    async fn slot(&self) -> crate::store::queue::Slot {
        self.store.queue.slot(1).await.unwrap()
    }

    async fn invite(&self, player: &mut Player, game: &'static Game, clock: Option<&str>) -> GameId {
        let control = clock.map(|clock| TimeControl::parse(clock).unwrap());
        let want = Want::Invite { game, control, seat: None, slot: self.slot().await };
        player.hears(player.ask(want).await.unwrap())
    }

    async fn take(&self, player: &mut Player, inviter: &Player) -> Result<GameId, Refusal> {
        let slots = self.store.queue.two_slots().await.unwrap();
        let done = player.ask(Want::Take { inviter: inviter.asker.account.name.clone(), slots }).await?;
        Ok(player.hears(done))
    }

    async fn play(&self, player: &Player, typed: &str) -> Result<(), Refusal> {
        let want = Want::Act { action: Action::Play(typed.into()), ply: None, game_id: None, slot: self.slot().await };
        player.ask(want).await.map(|_| ())
    }

    /// The game's row, once it is as it should be.
    async fn row_becomes(&self, id: GameId, is_right: impl Fn(&GameState) -> bool) -> GameRecord {
        for _ in 0..3000 {
            let row = self.store.reader.saved_game(id).await.unwrap();
            if let Some(row) = row.filter(|row| is_right(&row.state)) {
                return row;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("the row of game {id} does not become so");
    }

    /// Nothing that was taken for a record is kept.
    async fn assert_slots_are_back(&self) {
        for _ in 0..3000 {
            if self.store.queue.free_slots() == self.slots {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} of {:?}", self.store.queue.free_slots(), self.slots);
    }
}

struct Player {
    asker: Asker,
    games: Games,
    cursor: Option<Cursor>,
}

impl Player {
    async fn ask(&self, want: Want) -> Result<Done, Refusal> {
        timeout(PATIENCE, self.games.ask(self.asker.clone(), want)).await.expect("whoever asks is answered")
    }

    fn hears(&mut self, done: Done) -> GameId {
        let (id, cursor) = done.hearing.unwrap();
        self.cursor = Some(cursor);
        id
    }

    /// What has been told at the board since the last look.
    fn told(&mut self) -> String {
        let Some(cursor) = &mut self.cursor else { return String::new() };
        let (mut chunks, mut parts) = (Vec::new(), Parts::new());
        cursor.peek(None, usize::MAX, &mut chunks);
        for chunk in &chunks {
            cursor.audible(chunk, &mut parts);
            cursor.advance(chunk);
        }
        String::from_utf8(parts.concat()).unwrap()
    }

    fn is_told_of_the_failure(&mut self, id: GameId) {
        let told = self.told();
        let last = told.lines().last().unwrap_or_default();
        assert!(last.contains(r#""event":"adjourned""#) && last.contains(r#""failed":true"#), "{told}");
        assert!(last.contains(&format!(r#""game_id":{id}"#)), "{told}");
        assert!(self.cursor.as_ref().unwrap().is_over(), "there is nothing more to hear");
    }
}

fn gomoku() -> &'static Game {
    rules::find("gomoku").unwrap()
}

/// A hall with a game of the buggy kind, where one move was made, and beside it another game.
struct Scene {
    hall: Hall,
    alice: Player,
    bob: Player,
    watcher: Player,
    id: GameId,
    others: [Player; 2],
}

async fn scene(clock: Option<&str>) -> Scene {
    BUG.set(Bug::Nowhere);
    let mut hall = Hall::open(tempfile::tempdir().unwrap()).await;
    let (mut alice, mut bob) = (hall.player("alice").await, hall.player("bob").await);
    let (mut carol, mut dave) = (hall.player("carol").await, hall.player("dave").await);
    let mut watcher = hall.player("eve").await;
    hall.invite(&mut carol, gomoku(), None).await;
    hall.take(&mut dave, &carol).await.unwrap();
    hall.play(&carol, "h8").await.unwrap();
    hall.invite(&mut alice, &bug::GAME, clock).await;
    let id = hall.take(&mut bob, &alice).await.unwrap();
    hall.play(&alice, "b2").await.unwrap();
    let done = watcher.ask(Want::Watch { game_id: id, with_moves: true }).await.unwrap();
    watcher.hears(done);
    Scene { hall, alice, bob, watcher, id, others: [carol, dave] }
}

/// The game is over for all who had to do with it, and adjourned as of its last move; everybody else goes on.
async fn assert_only_it_ended(scene: &mut Scene) {
    let Scene { hall, alice, bob, watcher, id, others: [carol, dave] } = scene;
    bob.is_told_of_the_failure(*id);
    watcher.is_told_of_the_failure(*id);
    BUG.set(Bug::Nowhere);
    let row = hall.row_becomes(*id, |state| matches!(state, GameState::Adjourned)).await;
    assert_eq!(row.moves, "b2");
    hall.play(dave, "a1").await.unwrap();
    hall.play(carol, "h9").await.unwrap();
    let want = Want::Watch { game_id: *id, with_moves: false };
    assert!(watcher.ask(want).await.is_err(), "nobody plays it");
    // Their seats are free, and the bug gone meanwhile, they can go on with it.
    let resume = async |player: &mut Player| {
        let want = Want::Resume { game_id: Some(*id), slots: hall.store.queue.two_slots().await.unwrap() };
        player.hears(player.ask(want).await.unwrap())
    };
    for _ in 0..3000 {
        let want = Want::Resume { game_id: Some(*id), slots: hall.store.queue.two_slots().await.unwrap() };
        if alice.ask(want).await.is_ok() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(resume(bob).await, *id);
    hall.play(bob, "a1").await.unwrap();
    hall.row_becomes(*id, |state| matches!(state, GameState::Playing)).await;
    hall.assert_slots_are_back().await;
}

#[tokio::test]
async fn rules_that_panic_at_a_move_end_their_game_and_no_other() {
    let mut scene = scene(None).await;
    BUG.set(Bug::Play);
    let refusal = scene.hall.play(&scene.bob, "c3").await.unwrap_err();
    assert_eq!(refusal.code(), "failed");
    scene.alice.is_told_of_the_failure(scene.id);
    assert_only_it_ended(&mut scene).await;
}

#[tokio::test]
async fn rules_that_panic_at_a_login_do_not_keep_anybody_out() {
    let mut scene = scene(None).await;
    BUG.set(Bug::Draw);
    let (alice, arrival) = scene.hall.enter("alice").await;
    assert!(arrival.hearing.is_none() && arrival.look.is_none());
    scene.alice = alice;
    assert_only_it_ended(&mut scene).await;
}

#[tokio::test]
async fn rules_that_panic_when_a_flag_falls_end_their_game_and_no_other() {
    let mut scene = scene(Some("0+1")).await;
    BUG.set(Bug::CanWin);
    let gone = scene.hall.row_becomes(scene.id, |state| matches!(state, GameState::Adjourned)).await;
    assert!(gone.left.is_some());
    scene.alice.is_told_of_the_failure(scene.id);
    assert_only_it_ended(&mut scene).await;
}

#[tokio::test]
async fn rules_that_panic_when_a_seat_is_taken_leave_both_free() {
    BUG.set(Bug::Nowhere);
    let mut hall = Hall::open(tempfile::tempdir().unwrap()).await;
    let (mut alice, mut bob) = (hall.player("alice").await, hall.player("bob").await);
    let id = hall.invite(&mut alice, &bug::GAME, None).await;
    BUG.set(Bug::Start);
    let refusal = hall.take(&mut bob, &alice).await.unwrap_err();
    assert_eq!(refusal.code(), "failed");
    hall.row_becomes(id, |state| matches!(state, GameState::Void)).await;
    let sql = "SELECT kind FROM chat_history WHERE game IS NOT NULL ORDER BY seq";
    assert_eq!(kinds(hall.directory.path(), sql), ["invite", "uninvite"]);
    hall.invite(&mut alice, gomoku(), None).await;
    hall.take(&mut bob, &alice).await.unwrap();
    hall.assert_slots_are_back().await;
}

#[tokio::test]
async fn rules_that_panic_at_the_start_do_not_keep_the_daemon_from_starting() {
    let Scene { hall, id, .. } = scene(None).await;
    let directory = hall.close().await;
    BUG.set(Bug::Play);
    let mut hall = Hall::open(directory).await;
    hall.row_becomes(id, |state| matches!(state, GameState::Adjourned)).await;
    // The other game has come back.
    let (carol, arrival) = hall.enter("carol").await;
    let (dave, _) = hall.enter("dave").await;
    assert!(arrival.look.is_some());
    hall.play(&dave, "a1").await.unwrap();
    hall.play(&carol, "h9").await.unwrap();
    hall.assert_slots_are_back().await;
}

fn kinds(directory: &Path, sql: &str) -> Vec<String> {
    crate::store::test_rows(directory, sql)
}
