//! Mixed load: people and programs who talk, share files, play, register and come back, and an operator who
//! announces, all at once and all by one seed, each keeping a log for the oracle. They live through the end of
//! the daemon: whoever loses the connection waits at the gate, comes back when it is open and goes on.

mod files;
mod gate;
mod member;
mod newcomers;
mod pair;
mod people;
mod programs;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::oracle::{Fault, Log, Stored, Tally, faults};
use super::{Daemon, Dice, Progress};

use gate::Gate;
use member::Hold;

/// Who takes part, and how fast.
#[derive(Clone, Copy)]
pub struct Scene {
    pub seed: u64,
    /// How long each waits between two things on average; zero: as fast as it goes.
    pub pace: Duration,
    /// How many accounts a newcomer registers; then they come back only.
    pub guests: u64,
}

/// Everyone who takes part.
pub struct Mixed {
    shared: Arc<Shared>,
    /// Those who do things, and those who only listen until the end of the daemon.
    busy: Vec<JoinHandle<()>>,
    listening: Vec<JoinHandle<()>>,
}

/// What they share.
pub struct Shared {
    gate: Gate,
    pub progress: Progress,
    logs: Mutex<Vec<Hold>>,
    pace: Duration,
    data: PathBuf,
}

impl Shared {
    /// A log of which the oracle knows.
    fn keep(&self, log: Log) -> Hold {
        let hold = Arc::new(Mutex::new(log));
        self.logs.lock().unwrap().push(Arc::clone(&hold));
        hold
    }

    /// The pause between two deeds.
    fn pause(&self, dice: &mut Dice) {
        if !self.pace.is_zero() {
            let most = self.pace.as_micros() as u64 * 2;
            thread::sleep(Duration::from_micros(dice.below(most)));
        }
    }
}

impl Mixed {
    pub fn start(daemon: &Daemon, scene: Scene) -> Self {
        let shared = Arc::new(Shared {
            gate: Gate::new(daemon.address),
            progress: Progress::default(),
            logs: Mutex::default(),
            pace: scene.pace,
            data: daemon.data(),
        });
        let mut dice = Dice(scene.seed);
        let mut spawn = |work: fn(Arc<Shared>, Dice, &str), name: &'static str| {
            let (shared, dice) = (Arc::clone(&shared), dice.split());
            shared.gate.expect_one();
            let run = move || {
                let _departure = gate::Departure(Arc::clone(&shared));
                work(shared, dice, name);
            };
            thread::Builder::new().name(name.into()).spawn(run).unwrap()
        };
        let listening = ["ear", "耳朵"].map(|name| spawn(programs::listen, name)).into();
        let mut busy = Vec::new();
        busy.extend(["ann", "ben"].map(|name| spawn(people::talk_in_english, name)));
        busy.push(spawn(people::talk_in_chinese, "李雷"));
        busy.extend(["bot", "relay"].map(|name| spawn(programs::talk, name)));
        busy.extend(["cleo", "dora"].map(|name| spawn(files::share, name)));
        busy.extend(["eve", "finn"].map(|name| spawn(pair::play, name)));
        let come_and_go: fn(Arc<Shared>, Dice, &str) = match scene.guests {
            0..10 => newcomers::come_and_go::<4>,
            _ => newcomers::come_and_go::<40>,
        };
        busy.extend(["guest", "visitor"].map(|name| spawn(come_and_go, name)));
        busy.push(spawn(people::announce, ""));
        Self { shared, busy, listening }
    }

    pub fn progress(&self) -> &Progress {
        &self.shared.progress
    }

    /// From now on nobody comes back.
    pub fn close(&self) {
        self.shared.gate.close();
    }

    /// Once the daemon is gone: waits until all have noticed, so that nothing more is written to any log.
    pub fn wait_until_all_are_out(&self) {
        self.shared.gate.wait_until_all_are_out();
    }

    /// Lets everyone back in.
    pub fn open(&self, daemon: &Daemon) {
        self.shared.gate.open(daemon.address);
    }

    /// Compares the logs with a data directory. Nobody may be writing a log meanwhile, unless what is read is older.
    pub fn faults(&self, stored: &Stored) -> Vec<Fault> {
        let holds = self.shared.logs.lock().unwrap().clone();
        let guards: Vec<MutexGuard<'_, Log>> = holds.iter().map(|hold| hold.lock().unwrap()).collect();
        faults(&guards.iter().map(|guard| &**guard).collect::<Vec<_>>(), stored)
    }

    /// The logs as they are now.
    pub fn logs(&self) -> Vec<Log> {
        let holds = self.shared.logs.lock().unwrap().clone();
        holds.iter().map(|hold| hold.lock().unwrap().clone()).collect()
    }

    pub fn tally(&self) -> Tally {
        Tally::of_all(&self.logs())
    }

    /// How many logins everyone who stays has needed; newcomers come and go.
    pub fn most_logins_of_those_who_stay(&self) -> usize {
        let logs = self.logs();
        let who_stays = logs.iter().filter(|log| !log.account.starts_with("guest") && !log.account.starts_with("visitor"));
        who_stays.map(|log| Tally::of(log).logins).max().unwrap_or(0)
    }

    /// Everyone finishes what they are doing; then the daemon is stopped, and those who listen have heard all of it.
    /// Returns the logs, once every promise was found kept by what is stored.
    #[track_caller]
    pub fn finish(mut self, daemon: &mut Daemon) -> Vec<Log> {
        self.shared.gate.end();
        self.busy.drain(..).for_each(|thread| thread.join().unwrap());
        assert_eq!(daemon.stop().code(), Some(0));
        self.listening.drain(..).for_each(|thread| thread.join().unwrap());
        super::oracle::assert_faultless("after a clean stop", &self.faults(&Stored::read(&daemon.data())));
        self.logs()
    }

    /// Once the daemon is gone for good.
    pub fn give_up(mut self) {
        self.shared.gate.end();
        self.busy.drain(..).chain(self.listening.drain(..)).for_each(|thread| _ = thread.join());
    }
}
