//! Logins while the talk goes on. Each is meant for a time and takes from then to its last reply, however often it had
//! to be asked again. Who is in leaves at once, so that the room does not grow while it is measured.

use std::time::Duration;

use serde::Serialize;

use super::connection::Connection;
use super::crowd::Crowd;
use super::failure::Failure;
use super::latency::{Latency, Percentiles};
use super::login::Login;
use super::scene::Scene;
use super::schedule::Schedule;
use super::wire::Entry;

/// Those who log in during a run.
pub(crate) struct Newcomers {
    count: u64,
    /// All at once without one.
    schedule: Option<Schedule>,
    start: Duration,
    entry: Entry,
    run: String,
    /// Those who have come, until they leave.
    come: Vec<Option<Newcomer>>,
    under_way: Vec<usize>,
    latency: Latency,
    done: u64,
    busy: u64,
}

struct Newcomer {
    connection: Connection,
    login: Login,
    meant: Duration,
}

/// What became of them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Logins {
    pub(crate) asked: u64,
    pub(crate) done: u64,
    /// How often the daemon was busy and had to be asked again.
    pub(crate) busy: u64,
    pub(crate) latency_us: Option<Percentiles>,
}

impl Newcomers {
    /// They begin to come when the measurement does.
    pub(crate) fn new(scene: &Scene) -> Result<Self, Failure> {
        let start = scene.warmup();
        Ok(Self {
            count: scene.logins as u64,
            schedule: scene.login_rate_per_s.map(|per_s| Schedule::new(start, per_s)),
            start,
            entry: Entry::Member(scene.voice),
            run: scene.run.clone(),
            come: Vec::new(),
            under_way: Vec::new(),
            latency: Latency::new()?,
            done: 0,
            busy: 0,
        })
    }

    /// Their accounts.
    pub(crate) fn names(scene: &Scene) -> impl Iterator<Item = String> {
        (0..scene.logins as u64).map(|number| name(&scene.run, number))
    }

    /// When to look here again.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        let came = self.come.len() as u64;
        (came < self.count).then(|| self.meant(came))
    }

    /// Whether some wait for something that nobody wakes them for.
    pub(crate) fn are_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Lets those come who are meant to, and goes on with the others.
    pub(crate) fn turn(&mut self, crowd: &Crowd, first_token: u64, now: Duration) -> Result<(), Failure> {
        while self.next_at().is_some_and(|at| at <= now) {
            let number = self.come.len();
            let name = name(&self.run, number as u64);
            let stream = crowd.target.connect(crowd.members.len() + number)?;
            let mut connection = Connection::new(stream, name.clone());
            crowd.poller.add(&connection, first_token + number as u64)?;
            let login = Login::begin(&mut connection, name, self.entry)?;
            self.come.push(Some(Newcomer { connection, login, meant: self.meant(number as u64) }));
            self.under_way.push(number);
        }
        for &number in &self.under_way {
            if let Some(Newcomer { connection, login, .. }) = &mut self.come[number] {
                login.go_on(connection, now)?;
            }
        }
        Ok(())
    }

    /// Reads what has come for one of them; returns the bytes, which may hold messages.
    pub(crate) fn read<'buffer>(
        &mut self,
        number: u64,
        buffer: &'buffer mut [u8],
        now: Duration,
    ) -> Result<&'buffer [u8], Failure> {
        let number = number as usize;
        let Some(newcomer) = &mut self.come[number] else { return Ok(&[]) };
        let bytes = newcomer.connection.read(buffer)?;
        if let Some(entered) = newcomer.login.take(bytes, now)? {
            self.latency.record(now.saturating_sub(newcomer.meant));
            self.done += 1;
            self.busy += entered.busy;
            self.come[number] = None;
            self.under_way.retain(|other| *other != number);
        }
        Ok(bytes)
    }

    /// What became of them; `None` if nobody was meant to come.
    pub(crate) fn outcome(&self) -> Option<Logins> {
        let (asked, done) = (self.come.len() as u64, self.done);
        (self.count > 0).then(|| Logins { asked, done, busy: self.busy, latency_us: self.latency.percentiles() })
    }

    fn meant(&self, number: u64) -> Duration {
        self.schedule.map_or(self.start, |schedule| schedule.time_of(number))
    }
}

fn name(run: &str, number: u64) -> String {
    format!("load-{run}-n{number}")
}
