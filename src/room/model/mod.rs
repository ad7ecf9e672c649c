//! The room and the store against a simple model, with crashes between append, reservation, commit and `OK`.
//!
//! Each seed is one history of some lives of a daemon, told by dice: people register, come, speak, repeat what they said,
//! play; the writer takes what waits, commits it, tells of it; and at any point between two such steps a life ends, by a
//! crash or in order. The model is what clients know: what they were answered, and which number was heard of what.
//!
//! `PARLOR_TEST_SEEDS` says how many seeds are tried, `PARLOR_TEST_SEED` which one alone.

mod answers;
mod dice;
mod known;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tempfile::TempDir;
use tokio::sync::oneshot;

use self::answers::Waiting;
use self::dice::Dice;
use self::known::{Known, check};
use super::actor::{Actor, Command};
use super::{Posting, Scene, Speech, Utterance, Visitor};
use crate::connections::{ConnectionId, Connections};
use crate::protocol::event::Deed;
use crate::protocol::game::event::{GameNews, News};
use crate::protocol::game::{End, GameId, Side, Words};
use crate::protocol::name::Name;
use crate::protocol::text::{Ref, Text};
use crate::protocol::tongue::Tongue;
use crate::protocol::voice::Voice;
use crate::store::OpenRoom;
use crate::store::queue::{BATCH, Queue};
use crate::store::record::{Account, GameRecord, GameState, Record, Registration};
use crate::store::stepper::{Stepper, Written, directory};

const NAMES: [&str; 4] = ["ann", "ben", "cyd", "dov"];
const REFS: u64 = 3;
/// How seldom a crash comes at each of the points of a commit.
const CRASH_ONE_IN: u64 = 40;

/// What somebody says at once, each with its ref.
type Said = Vec<(String, Option<Ref>)>;

/// One life of the daemon.
struct Life<'a> {
    known: &'a mut Known,
    dice: &'a mut Dice,
    stepper: Stepper,
    room: OpenRoom,
    queue: Queue,
    actor: Actor,
    people: Vec<Account>,
    here: BTreeMap<String, (ConnectionId, Account)>,
    connections: u64,
    waiting: Vec<Waiting>,
    /// Asked of the store, and not yet said.
    prepared: Option<(Speech, Said)>,
    /// The numbers heard in this life, in order.
    heard: Vec<u64>,
}

/// What is to be found when a crash is over.
struct After {
    directory: TempDir,
    heard: Vec<u64>,
    was_closed: bool,
}

impl<'a> Life<'a> {
    /// Starts, and checks what the last life has left.
    fn begin(known: &'a mut Known, dice: &'a mut Dice, before: After) -> Self {
        let (stepper, room, queue) = Stepper::open(before.directory);
        check(known, &stepper, room, &before.heard, before.was_closed);
        let mut actor = Actor::new("lobby".into(), room, queue.clone(), Connections::default());
        let slot = queue.slot_now(1).unwrap();
        actor.start(slot);
        let people = stepper.accounts();
        let (here, heard, waiting) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut life =
            Self { known, dice, stepper, room, queue, actor, people, here, connections: 0, waiting, prepared: None, heard };
        // Nobody comes in before this is durable; what nobody heard of may be lost.
        let started = life.stepper.pull();
        life.stepper.take(1);
        life.stepper.commit();
        life.stepper.publish();
        life.hear(started);
        life
    }

    /// Lives until the dice end it.
    fn live(mut self) -> After {
        loop {
            if self.dice.one_in(60) {
                return self.end();
            }
            match self.dice.below(16) {
                0 => self.register(),
                1 | 2 => self.come(),
                3 => self.go(),
                4..=6 => self.speak(1),
                7 if self.dice.one_in(100) => (0..20).for_each(|_| self.speak(BATCH as u64)),
                7 => self.speak(1),
                8 => self.play(),
                9 => self.end_game(),
                10 => self.stepper.checkpoint(),
                _ => {
                    if let ControlFlow::Break(log_bytes) = self.write() {
                        return self.crash(log_bytes);
                    }
                }
            }
            // The room takes several commands before it tells of any.
            if !self.dice.one_in(3) {
                self.actor.settle();
            }
            self.hear_what_was_told();
        }
    }

    fn end(mut self) -> After {
        if self.dice.one_in(3) {
            let (answer, _) = oneshot::channel();
            self.actor.obey(Command::Stop { answer });
            self.hear_what_was_told();
            let Self { stepper, heard, .. } = self;
            return After { directory: stepper.stop(), heard, was_closed: true };
        }
        // What was appended and not told of is lost without a trace.
        self.crash(None)
    }

    /// With so much of the log on disk, if not all of it is.
    fn crash(self, log_bytes: Option<u64>) -> After {
        let Self { stepper, heard, .. } = self;
        After { directory: stepper.crash(log_bytes), heard, was_closed: false }
    }

    /// The writer's turn. A crash may come at any point of it, also when a part of what is being committed is on disk.
    fn write(&mut self) -> ControlFlow<Option<u64>> {
        let most = if self.dice.one_in(4) { 1 } else { usize::MAX };
        if !self.stepper.take(most) {
            return ControlFlow::Continue(());
        }
        if self.dice.one_in(CRASH_ONE_IN) {
            return ControlFlow::Break(None);
        }
        let before = self.stepper.log_bytes();
        self.stepper.commit();
        if self.dice.one_in(CRASH_ONE_IN) {
            let written = self.stepper.log_bytes() - before;
            let is_in_part = written > 0 && self.dice.one_in(2);
            return ControlFlow::Break(is_in_part.then(|| before + self.dice.below(written)));
        }
        self.stepper.publish();
        if self.dice.one_in(CRASH_ONE_IN) {
            return ControlFlow::Break(None);
        }
        self.answer();
        ControlFlow::Continue(())
    }

    fn hear_what_was_told(&mut self) {
        let told = self.stepper.pull();
        self.hear(told);
    }

    /// Events that go out now.
    fn hear(&mut self, told: Vec<Written>) {
        let reserved = if told.is_empty() { 0 } else { self.stepper.reserved() };
        for event in told {
            let seq = event.seq;
            assert!(seq <= reserved, "#{seq} is heard, and numbers are reserved up to {reserved}");
            assert!(self.heard.last().is_none_or(|last| *last < seq), "out of order: {event:?}");
            self.heard.push(seq);
            let before = self.known.heard.insert(seq, event);
            assert_eq!(before, None, "#{seq} is given to two events");
        }
    }

    fn register(&mut self) {
        let Some(slot) = self.queue.slot_now(1) else { return };
        let name = self.dice.pick(&NAMES).unwrap_or_default();
        let (sender, outcome) = oneshot::channel();
        self.known.words += 1;
        let registration = Registration {
            name: Name::stored(name.into()),
            password_hash: format!("hash {}", self.known.words),
            address: String::new(),
            at_ms: 0,
            outcome: sender,
        };
        self.queue.push(vec![Record::Registration(registration)], vec![slot]);
        self.waiting.push(Waiting::Registration { name: name.into(), outcome });
    }

    fn come(&mut self) {
        let (Some(account), Some(slot)) = (self.dice.pick(&self.people), self.queue.slot_now(1)) else { return };
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let visitor = Visitor { connection, account: account.clone(), voice: Voice::new(Tongue::Json) };
        let (answer, mut scene) = oneshot::channel();
        self.actor.obey(Command::Enter { visitor, slot, answer });
        self.here.insert(account.name.as_str().to_owned(), (connection, account));
        let Scene { count, names, .. } = scene.try_recv().unwrap();
        let names: Vec<&str> = names.iter().map(Name::as_str).collect();
        assert_eq!((count, names), (self.here.len(), self.here.keys().map(String::as_str).collect()));
    }

    fn go(&mut self) {
        let here: Vec<String> = self.here.keys().cloned().collect();
        let Some((connection, _)) = self.dice.pick(&here).and_then(|name| self.here.remove(&name)) else { return };
        // Perhaps of a connection that was replaced: then it means nothing.
        if self.dice.one_in(5) && connection.0 > 1 {
            self.actor.obey(Command::Leave { connection: ConnectionId(u64::MAX) });
        }
        self.actor.obey(Command::Leave { connection });
    }

    /// Somebody says up to so many times four things, or what they meant to say some time ago.
    fn speak(&mut self, times: u64) {
        if let Some((speech, said)) = self.prepared.take_if(|_| times > 1 || !self.dice.one_in(3)) {
            let (answer, told) = oneshot::channel();
            let speaker = speech.speaker.id;
            self.actor.obey(Command::Speak { speech, answer });
            self.waiting.push(Waiting::Speech { speaker, said, told });
        }
        if self.prepared.is_some() {
            return;
        }
        let Some(speaker) = self.dice.pick(&self.people) else { return };
        let count = if times > 1 { times } else { 1 + self.dice.below(4) };
        let Some(slot) = self.queue.slot_now(u32::try_from(count).unwrap()) else { return };
        let looked_up = self.queue.durable_position();
        let (mut utterances, mut said) = (Vec::new(), Vec::new());
        for _ in 0..count {
            self.known.words += 1;
            let words = format!("words {}", self.known.words);
            let has_ref = times == 1 && !self.dice.one_in(3);
            let reference = has_ref.then(|| Ref::parse(&format!("r{}", self.dice.below(REFS))).unwrap());
            let said_before = reference.as_ref().and_then(|reference| self.stepper.said_before(speaker.id, reference));
            said.push((words.clone(), reference.clone()));
            utterances.push(Utterance { text: Text::stored(words), reference, said_before });
        }
        self.connections += 1;
        let speech = Speech { connection: ConnectionId(self.connections), speaker, utterances, looked_up, slot };
        self.prepared = Some((speech, said));
    }

    /// The two who always play.
    fn players(&self) -> Option<[Account; 2]> {
        let mut people = self.people.clone();
        people.sort_unstable_by_key(|account| account.id);
        people.truncate(2);
        people.try_into().ok()
    }

    /// A move in some game, or a new game.
    fn play(&mut self) {
        let (Some(slot), Some(players)) = (self.queue.slot_now(1), self.players()) else { return };
        let open: Vec<u64> = self.known.games.iter().filter(|(_, game)| !game.is_over).map(|(id, _)| *id).collect();
        let id = match self.dice.pick(&open) {
            Some(id) => id,
            None => self.known.games.len() as u64 + 1,
        };
        let game = self.known.games.entry(id).or_default();
        game.made += 1;
        let made = game.made;
        let record = record(id, &players, made, GameState::Playing, self.room);
        let position = self.queue.push(vec![record], vec![slot]);
        self.waiting.push(Waiting::Move { game: id, made, position });
    }

    fn end_game(&mut self) {
        let open: Vec<u64> = self.known.games.iter().filter(|(_, game)| !game.is_over).map(|(id, _)| *id).collect();
        let (Some(id), Some(slot)) = (self.dice.pick(&open), self.queue.slot_now(1)) else { return };
        let Some(players) = self.players() else { return };
        let end = End { winner: Some(Side::First), reason: End::RESIGNED };
        let names = players.each_ref().map(|player| player.name.clone());
        let news = News::Result { players: names, end: end.clone() };
        let title = Words::bare("gomoku".into());
        let mut posting = Posting::new(Deed::Game(Box::new(GameNews { game_id: GameId(id), title, news })), None, None);
        let Some(game) = self.known.games.get_mut(&id) else { return };
        game.is_over = true;
        let state = GameState::Over { end, ended_ms: 7, is_rated: false };
        posting.records.push(record(id, &players, game.made, state, self.room));
        let (answer, told) = oneshot::channel();
        self.actor.obey(Command::Post { posting, slot, answer });
        self.waiting.push(Waiting::Result { game: id, told });
    }
}

fn record(id: u64, players: &[Account; 2], made: usize, state: GameState, room: OpenRoom) -> Record {
    let [first, second] = players.clone();
    Record::Game(Box::new(GameRecord {
        id: GameId(id),
        room: room.id,
        game: "gomoku".into(),
        first,
        second: Some(second),
        started_ms: 5,
        clock: None,
        left: None,
        moves: vec!["h8"; made].join(" "),
        state,
    }))
}

fn try_seed(seed: u64) -> Known {
    let mut dice = Dice(seed);
    let mut known = Known::default();
    let mut after = After { directory: directory(), heard: Vec::new(), was_closed: false };
    for _ in 0..4 {
        after = Life::begin(&mut known, &mut dice, after).live();
    }
    drop(Life::begin(&mut known, &mut dice, after));
    known
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

#[test]
fn nothing_answered_is_lost_and_no_number_is_given_twice_wherever_a_crash_comes() {
    if let Some(seed) = number("PARLOR_TEST_SEED") {
        try_seed(seed);
        return;
    }
    let seeds = number("PARLOR_TEST_SEEDS").unwrap_or(300);
    let (mut heard, mut answered, mut lost) = (0, 0, 0);
    for seed in 0..seeds {
        match catch_unwind(AssertUnwindSafe(|| try_seed(seed))) {
            Ok(known) => {
                heard += known.heard.len();
                answered += known.answered.len();
                lost += known.lost;
            }
            Err(panic) => {
                println!("seed {seed} fails; this alone: PARLOR_TEST_SEED={seed} cargo test --lib room::model");
                resume_unwind(panic);
            }
        }
    }
    println!("{seeds} seeds: {heard} events heard, {answered} answered OK, none of these lost; {lost} others lost by crashes");
    assert!(answered > 0 && lost > 0, "nothing was tried");
}
