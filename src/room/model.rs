//! The room and the store against a simple model, with crashes between append, reservation, commit and `OK`.
//!
//! Each seed is one history of some lives of a daemon, told by dice: people register, come, speak, repeat what they said,
//! play; the writer takes what waits, commits it, tells of it; and at any point between two such steps a life ends, by a
//! crash or in order. The model is what clients know: what they were answered, and which number was heard of what.
//!
//! `PARLOR_TEST_SEEDS` says how many seeds are tried, `PARLOR_TEST_SEED` which one alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::actor::{Actor, Command};
use super::{ConnectionId, Posted, Posting, Scene, Speech, Stale, Told, Utterance, Visitor};
use crate::protocol::event::Deed;
use crate::protocol::game::event::{GameNews, News};
use crate::protocol::game::{End, GameId, Side, Words};
use crate::protocol::name::Name;
use crate::protocol::text::{Ref, Text};
use crate::protocol::tongue::Tongue;
use crate::protocol::voice::Voice;
use crate::store::OpenRoom;
use crate::store::queue::{BATCH, Position, Queue};
use crate::store::record::{Account, AccountId, GameRecord, GameState, Record, Registered, Registration};
use crate::store::stepper::{Stepper, Written, directory};

const NAMES: [&str; 4] = ["ann", "ben", "cyd", "dov"];
const REFS: u64 = 3;
/// How seldom a crash comes at each of the points of a commit.
const CRASH_ONE_IN: u64 = 40;

/// What somebody says at once, each with its ref.
type Said = Vec<(String, Option<Ref>)>;

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64 (Steele, Lea and Flood 2014): any seed will do.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let at = usize::try_from(self.below(of.len().max(1) as u64)).ok()?;
        of.get(at).cloned()
    }
}

/// What clients know, over all lives.
#[derive(Default)]
struct Known {
    /// What was heard as each number.
    heard: BTreeMap<u64, Written>,
    /// The numbers that were answered `OK`.
    answered: HashSet<u64>,
    /// The number that each ref was answered with.
    refs: HashMap<(AccountId, String), u64>,
    registered: HashMap<String, AccountId>,
    games: BTreeMap<u64, Game>,
    words: u64,
    /// Events that were heard, not answered, and lost.
    lost: usize,
}

#[derive(Default)]
struct Game {
    /// Moves that were made, and how many of them were answered.
    made: usize,
    answered: usize,
    is_over: bool,
    is_answered_over: bool,
}

/// What somebody waits for.
enum Waiting {
    Speech {
        speaker: AccountId,
        said: Said,
        told: oneshot::Receiver<Result<Told, Stale>>,
    },
    Registration {
        name: String,
        outcome: oneshot::Receiver<Registered>,
    },
    Move {
        game: u64,
        made: usize,
        position: Position,
    },
    Result {
        game: u64,
        told: oneshot::Receiver<Posted>,
    },
    /// Told, and not durable yet.
    Told {
        speaker: AccountId,
        said: Said,
        told: Told,
    },
    ResultTold {
        game: u64,
        seq: u64,
        position: Position,
    },
}

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
        let mut actor = Actor::new("lobby".into(), room, queue.clone());
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
        let (ended, _) = oneshot::channel();
        let visitor = Visitor { connection, account: account.clone(), voice: Voice::new(Tongue::Json), ended };
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

    /// Answers whoever can be answered by now.
    fn answer(&mut self) {
        let durable = self.queue.durable_position();
        for waiting in std::mem::take(&mut self.waiting) {
            let left = self.answer_one(waiting, durable);
            self.waiting.extend(left);
        }
    }

    fn answer_one(&mut self, waiting: Waiting, durable: Position) -> Option<Waiting> {
        match waiting {
            Waiting::Speech { speaker, said, mut told } => match told.try_recv() {
                Ok(Ok(told)) => self.answer_one(Waiting::Told { speaker, said, told }, durable),
                // Refused, or not yet heard.
                Ok(Err(Stale)) => None,
                Err(_) => Some(Waiting::Speech { speaker, said, told }),
            },
            Waiting::Told { speaker, said, told } => {
                if told.position > durable {
                    return Some(Waiting::Told { speaker, said, told });
                }
                assert_eq!(told.seqs.len(), said.len());
                for (&seq, (words, reference)) in told.seqs.iter().zip(&said) {
                    self.answer_said(speaker, seq, words, reference.as_ref());
                }
                None
            }
            Waiting::Registration { name, mut outcome } => match outcome.try_recv() {
                Ok(Registered::As(account)) => {
                    let before = self.known.registered.insert(name.clone(), account.id);
                    assert_eq!(before, None, "{name} is registered twice");
                    self.people.push(account);
                    None
                }
                Ok(Registered::NameTaken) => None,
                Err(_) => Some(Waiting::Registration { name, outcome }),
            },
            Waiting::Move { game, made, position } if position <= durable => {
                let game = self.known.games.get_mut(&game)?;
                game.answered = game.answered.max(made);
                None
            }
            Waiting::Result { game, mut told } => match told.try_recv() {
                Ok(Posted { seq, position, .. }) => self.answer_one(Waiting::ResultTold { game, seq, position }, durable),
                Err(_) => Some(Waiting::Result { game, told }),
            },
            Waiting::ResultTold { game, seq, position } if position <= durable => {
                self.known.answered.insert(seq);
                self.known.games.get_mut(&game)?.is_answered_over = true;
                None
            }
            later @ (Waiting::Move { .. } | Waiting::ResultTold { .. }) => Some(later),
        }
    }

    fn answer_said(&mut self, speaker: AccountId, seq: u64, words: &str, reference: Option<&Ref>) {
        let heard = self.known.heard.get(&seq).unwrap_or_else(|| panic!("OK {seq}, and nobody heard of it"));
        assert_eq!(heard.author, Some(speaker), "OK {seq} is somebody else's");
        match reference {
            None => assert_eq!(heard.text, words, "OK {seq}"),
            Some(reference) => {
                let reference = reference.as_str().to_owned();
                assert_eq!(heard.reference.as_ref(), Some(&reference), "OK {seq}");
                let before = *self.known.refs.entry((speaker, reference.clone())).or_insert(seq);
                assert_eq!(before, seq, "{reference} of {speaker:?} has two numbers");
            }
        }
        self.known.answered.insert(seq);
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

/// What was answered is there, and what is there was heard.
fn check(known: &mut Known, stepper: &Stepper, room: OpenRoom, heard: &[u64], was_closed: bool) {
    stepper.assert_intact();
    let events = stepper.events();
    let stored: HashSet<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(stored.len(), events.len());
    for event in &events {
        assert_eq!(known.heard.get(&event.seq), Some(event), "stored, but not as it was heard");
    }
    for seq in &known.answered {
        assert!(stored.contains(seq), "#{seq} was answered OK, and is lost: {:?}", known.heard.get(seq));
    }
    let lost = heard.iter().position(|seq| !stored.contains(seq)).unwrap_or(heard.len());
    let behind = heard[lost..].iter().find(|seq| stored.contains(seq));
    assert_eq!(behind, None, "stored behind {:?}, which is not", heard.get(lost));
    known.lost += heard.len() - lost;
    let newest = known.heard.keys().next_back().copied().unwrap_or(0);
    assert!(room.next_seq > newest, "#{} would be given again", room.next_seq);
    if was_closed {
        assert_eq!((lost, room.next_seq, room.was_closed), (heard.len(), newest + 1, true), "a clean stop leaves no gap");
    }
    let mut refs = HashSet::new();
    for event in events.iter().filter(|event| event.reference.is_some()) {
        assert!(refs.insert((event.author, event.reference.clone())), "said twice: {event:?}");
    }
    let accounts: HashMap<String, AccountId> =
        stepper.accounts().iter().map(|account| (account.name.as_str().to_owned(), account.id)).collect();
    for (name, id) in &known.registered {
        assert_eq!(accounts.get(name), Some(id), "{name} was registered");
    }
    known.registered = accounts;
    check_games(known, &stepper.games());
}

fn check_games(known: &mut Known, stored: &[(u64, usize, bool)]) {
    let stored: BTreeMap<u64, (usize, bool)> = stored.iter().map(|&(id, made, is_over)| (id, (made, is_over))).collect();
    for (id, game) in &mut known.games {
        let (made, is_over) = stored.get(id).copied().unwrap_or_default();
        assert!((game.answered..=game.made).contains(&made), "game {id}: {made} moves of {}..{}", game.answered, game.made);
        assert!(is_over || !game.is_answered_over, "game {id} was over");
        assert!(!is_over || game.is_over, "game {id} was not over");
        // It goes on from there.
        (game.made, game.is_over) = (made, is_over);
    }
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
