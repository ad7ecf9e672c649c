//! The talk itself: one loop that says what may be said, waits until something has come, and reads it. What is told of
//! it is of the time between warm-up and end; whether all messages came is checked of all of them.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::connection::READ_BYTES;
use super::crowd::Crowd;
use super::failure::Failure;
use super::latency::Latency;
use super::marks::Marks;
use super::newcomers::Newcomers;
use super::pages::Pages;
use super::process::{Process, Used, own_cpu, own_thread_cpu};
use super::receiver::{Faults, Receiver};
use super::scene::{Pace, Scene};
use super::schedule::Schedule;
use super::sender::Sender;
use super::transfers::{Moved, Transfers};
use super::wire::Message;

/// What comes twice comes within this.
const AFTER_ALL: Duration = Duration::from_millis(50);
/// The longest wait while somebody may have more to send than the kernel took; nothing else wakes for that.
const SHORT_WAIT: Duration = Duration::from_millis(1);
const LONG_WAIT: Duration = Duration::from_millis(10);
/// Reads between two looks at the clock: some ten microseconds.
const READS_AT_ONCE: usize = 16;

/// Tokens from here on are of newcomers, and of readers of history; below are the places of members.
const NEWCOMERS: u64 = 1 << 32;
const PAGES: u64 = 2 << 32;

/// How far a run is at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Duration,
    pub(crate) count: Count,
    pub(crate) moved: Moved,
    /// By the daemon, if it is watched.
    pub(crate) used: Option<Used>,
    pub(crate) own_thread_cpu: Duration,
    pub(crate) own_cpu: Duration,
}

/// Messages so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) sent: u64,
    /// Answered `OK`.
    pub(crate) stored: u64,
    /// At the receivers.
    pub(crate) delivered: u64,
    /// At everybody else in the room.
    pub(crate) heard_beside: u64,
}

/// A run.
pub(crate) struct Talk {
    pub(crate) scene: Scene,
    pub(crate) crowd: Crowd,
    pub(crate) newcomers: Newcomers,
    pub(crate) pages: Pages,
    pub(crate) senders: Vec<Sender>,
    pub(crate) count: Count,
    /// From when a message was meant to be sent.
    pub(crate) delivery: Latency,
    /// From when it was given to the kernel, as generators tell it that take the time when they send.
    pub(crate) delivery_since_sent: Latency,
    pub(crate) storing: Latency,
    /// How late the generator itself was.
    pub(crate) lateness: Latency,
    receivers: Vec<Receiver>,
    process: Option<Process>,
    pace: Pace,
    schedule: Schedule,
    message: Message,
    /// Above the number of every message so far.
    bound: u64,
    /// How late each message was, in an open loop.
    late: Vec<Duration>,
    /// What is measured.
    span: Range<Duration>,
    looks_at_every_message: bool,
    clock: Instant,
    /// The beginning of this turn of the loop.
    now: Duration,
    last_progress: Duration,
}

impl Talk {
    pub(crate) fn new(scene: Scene, crowd: Crowd, pages: Pages, process: Option<Process>) -> Result<Self, Failure> {
        let pace = scene.pace();
        pages.watch(&crowd.poller, PAGES)?;
        Ok(Self {
            newcomers: Newcomers::new(&scene)?,
            pages,
            senders: (0..scene.senders).map(|_| Sender::default()).collect(),
            count: Count::default(),
            delivery: Latency::new()?,
            delivery_since_sent: Latency::new()?,
            storing: Latency::new()?,
            lateness: Latency::new()?,
            receivers: vec![Receiver::new(scene.senders); scene.receivers],
            process,
            pace,
            schedule: Schedule::new(Duration::ZERO, if let Pace::Rate(per_s) = pace { per_s } else { 1.0 }),
            message: Message::new(scene.size_bytes.into()),
            bound: 0,
            late: Vec::new(),
            span: scene.warmup()..scene.end(),
            looks_at_every_message: scene.looks_at_every_message(),
            clock: Instant::now(),
            now: Duration::ZERO,
            last_progress: Duration::ZERO,
            crowd,
            scene,
        })
    }

    /// Talks; returns the moments between which it is measured.
    pub(crate) fn run(&mut self, transfers: &Transfers) -> Result<Range<Moment>, Failure> {
        let (mut begun, mut ended) = (None, None);
        let mut tokens = Vec::new();
        self.clock = Instant::now();
        loop {
            self.now = self.clock.elapsed();
            if begun.is_none() && self.now >= self.span.start {
                begun = Some(self.moment(transfers)?);
            }
            if ended.is_none() && self.now >= self.span.end {
                ended = Some(self.moment(transfers)?);
                self.last_progress = self.now;
            }
            self.speak()?;
            self.pages.turn(self.meant_by())?;
            self.newcomers.turn(&self.crowd, NEWCOMERS, self.meant_by())?;
            if let (Some(begun), Some(ended), true) = (begun, ended, self.is_over()) {
                return Ok(begun..ended);
            }
            let timeout = self.timeout(if begun.is_none() { self.span.start } else { self.span.end });
            self.crowd.poller.wait(timeout, &mut tokens)?;
            for tokens in tokens.chunks(READS_AT_ONCE) {
                tokens.iter().try_for_each(|&token| self.listen(token))?;
                // What is due does not wait until all who hear have been read.
                if let Pace::Rate(_) = self.pace {
                    self.now = self.clock.elapsed();
                    self.speak()?;
                }
            }
        }
    }

    /// What went wrong with the messages, at each receiver and in sum.
    pub(crate) fn faults(&mut self) -> Faults {
        let said: Vec<u64> = self.senders.iter().map(|sender| sender.said).collect();
        let verdicts = self.receivers.drain(..).map(|receiver| receiver.verdict(&said, self.looks_at_every_message));
        verdicts.fold(Faults::default(), |sum, faults| sum + faults)
    }

    /// Says what may be said now.
    fn speak(&mut self) -> Result<(), Failure> {
        let (now, is_time) = (self.now, self.now < self.span.end);
        let senders = self.senders.len() as u64;
        match self.pace {
            Pace::Window(window) if is_time => {
                while self.count.sent < self.count.delivered / self.receivers.len() as u64 + window {
                    self.say(self.count.sent % senders, now);
                }
            }
            Pace::Pipeline(requests) if is_time => {
                for sender in 0..senders {
                    while self.senders[sender as usize].unanswered() < requests {
                        self.say(sender, now);
                    }
                }
            }
            // Also past the end, if the generator was late: all that was meant to be said is.
            Pace::Rate(_) => {
                let due = self.due();
                while self.count.sent < due {
                    let meant = self.schedule.time_of(self.count.sent);
                    self.say(self.count.sent % senders, meant);
                    let late = self.clock.elapsed().saturating_sub(meant);
                    self.late.push(late);
                    if self.span.contains(&meant) {
                        self.lateness.record(late);
                    }
                }
            }
            Pace::Window(_) | Pace::Pipeline(_) | Pace::Silent => (),
        }
        self.crowd.members[..self.senders.len()].iter_mut().try_for_each(|sender| sender.flush())
    }

    /// How many messages were meant to be sent by now.
    fn due(&self) -> u64 {
        self.schedule.due_at(self.meant_by())
    }

    /// Now, or the last moment for which anything is meant.
    fn meant_by(&self) -> Duration {
        self.now.min(self.span.end.saturating_sub(Duration::from_nanos(1)))
    }

    fn say(&mut self, sender: u64, meant: Duration) {
        let place = sender as usize;
        let number = self.senders[place].said * self.senders.len() as u64 + sender;
        self.crowd.members[place].queue(self.message.numbered(number));
        self.senders[place].say(meant);
        self.count.sent += 1;
        self.bound = self.bound.max(number + 1);
    }

    /// Reads what has come for somebody.
    fn listen(&mut self, token: u64) -> Result<(), Failure> {
        let buffer = &mut self.crowd.buffer;
        if token >= PAGES {
            return self.pages.read(token - PAGES, buffer, self.clock.elapsed());
        } else if token >= NEWCOMERS {
            let bytes = self.newcomers.read(token - NEWCOMERS, buffer, self.clock.elapsed())?;
            self.count.heard_beside += Marks::count(bytes).count;
            return Ok(());
        }
        let place = token as usize;
        loop {
            let bytes = self.crowd.members[place].read(&mut self.crowd.buffer)?;
            if let Some(sender) = self.senders.get_mut(place) {
                self.count.heard_beside += Marks::count(bytes).count;
                let now = self.clock.elapsed();
                sender.answer(bytes, |meant| {
                    self.count.stored += 1;
                    self.last_progress = now;
                    if self.span.contains(&meant) {
                        self.storing.record(now.saturating_sub(meant));
                    }
                });
            } else if let Some(receiver) = self.receivers.get_mut(place - self.senders.len()) {
                let count = if let Pace::Rate(_) = self.pace {
                    let now = self.clock.elapsed();
                    receiver.look(bytes, self.bound, |number| {
                        let meant = self.schedule.time_of(number);
                        if self.span.contains(&meant) {
                            let took = now.saturating_sub(meant);
                            self.delivery.record(took);
                            self.delivery_since_sent.record(took.saturating_sub(self.late[number as usize]));
                        }
                    })
                } else if self.looks_at_every_message {
                    receiver.look(bytes, self.bound, |_| ())
                } else {
                    receiver.count(bytes)
                };
                self.count.delivered += count;
                if count > 0 {
                    self.last_progress = self.now;
                }
            } else {
                self.count.heard_beside += Marks::count(bytes).count;
            }
            if bytes.len() < READ_BYTES {
                return Ok(());
            }
        }
    }

    /// Whether all has come, and nothing more; or nothing comes any more.
    fn is_over(&self) -> bool {
        let is_all_said = !matches!(self.pace, Pace::Rate(_)) || self.count.sent >= self.due();
        let is_all_here = self.count.delivered >= self.count.sent * self.receivers.len() as u64
            && self.senders.iter().all(|sender| sender.unanswered() == 0)
            && self.pages.are_all_here();
        let silence = self.now.saturating_sub(self.last_progress);
        is_all_said && silence > if is_all_here { AFTER_ALL } else { Duration::from_secs_f64(self.scene.patience_s) }
    }

    /// How long nothing is to be done unless something comes.
    fn timeout(&self, next_moment: Duration) -> Duration {
        if self.scene.spin {
            return Duration::ZERO;
        }
        let members = &self.crowd.members[..self.senders.len()];
        let is_short = match self.pace {
            Pace::Window(_) | Pace::Pipeline(_) => true,
            Pace::Rate(_) | Pace::Silent => self.newcomers.are_under_way() || members.iter().any(|sender| sender.has_pending()),
        };
        let longest = self.now + if is_short { SHORT_WAIT } else { LONG_WAIT };
        let next_message = matches!(self.pace, Pace::Rate(_)).then(|| self.schedule.time_of(self.count.sent));
        // What lies behind has been done, or is past the end.
        let times = [next_message, self.newcomers.next_at(), self.pages.next_at(), Some(next_moment)];
        let next = times.into_iter().flatten().filter(|&at| at > self.now).fold(longest, Duration::min);
        if next == longest { longest - self.now } else { next.saturating_sub(self.clock.elapsed()) }
    }

    fn moment(&self, transfers: &Transfers) -> Result<Moment, Failure> {
        Ok(Moment {
            at: self.now,
            count: self.count,
            moved: transfers.moved(),
            used: self.process.map(Process::used).transpose()?,
            own_thread_cpu: own_thread_cpu(),
            own_cpu: own_cpu(),
        })
    }
}
