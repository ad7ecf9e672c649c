//! The result of a run, as programs get it. Names hold their units; what was not asked for is `null`.

use std::ops::Range;
use std::time::Duration;

use serde::Serialize;

use super::latency::Percentiles;
use super::newcomers::Logins;
use super::pages::History;
use super::process::Memory;
use super::receiver::Faults;
use super::scene::{Pace, Scene};
use super::talk::{Count, Moment, Talk};
use super::transfers::Rates;

/// Above this part of its core the generator is the slower side.
const SATURATED_PERCENT: f64 = 85.0;

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Whether everything came and was answered well.
    pub(crate) sound: bool,
    pub(crate) scene: Scene,
    pub(crate) talk: Told,
    /// From when a message was meant to be sent to its arrival; of open loops only.
    pub(crate) delivery_us: Option<Percentiles>,
    /// From when it was really sent, for comparison with generators that count so: it hides what `late_us` shows.
    pub(crate) delivery_since_sent_us: Option<Percentiles>,
    /// From then to its `OK`.
    pub(crate) ok_us: Option<Percentiles>,
    /// From then to when the generator really sent it: no more than this is its own fault. Of open loops only.
    pub(crate) late_us: Option<Percentiles>,
    pub(crate) entering: Entering,
    pub(crate) logins: Option<Logins>,
    pub(crate) history: Option<History>,
    pub(crate) transfers: Option<Rates>,
    pub(crate) idle: Option<IdleMemory>,
    pub(crate) server: Option<Server>,
    pub(crate) generator: Generator,
}

/// What was said and heard. Rates are of the time that was measured, all others of the whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) sent: u64,
    /// Answered `OK`.
    pub(crate) stored: u64,
    /// At the receivers: `sent` times their number, if nothing is wrong.
    pub(crate) delivered: u64,
    /// At others in the room: senders, idle ones, newcomers.
    pub(crate) heard_beside: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    /// The first refusal.
    pub(crate) complaint: Option<String>,
    pub(crate) measured_s: f64,
    pub(crate) messages_per_s: f64,
    pub(crate) oks_per_s: f64,
    /// At everybody in the room.
    pub(crate) deliveries_per_s: f64,
}

/// How everybody came in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entering {
    pub(crate) logins: usize,
    pub(crate) seconds: f64,
    pub(crate) per_s: f64,
    /// How often the daemon was busy and had to be asked again.
    pub(crate) busy: u64,
}

/// What connections cost that are only there.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct IdleMemory {
    pub(crate) connections: usize,
    pub(crate) before: Memory,
    pub(crate) after: Memory,
    pub(crate) rss_bytes_per_connection: f64,
    pub(crate) pss_bytes_per_connection: Option<f64>,
}

/// What the daemon used while it was measured, and what it holds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Server {
    pub(crate) cpu_s: f64,
    pub(crate) cpu_percent_of_core: f64,
    pub(crate) cpu_us_per_delivery: Option<f64>,
    pub(crate) cpu_us_per_message: Option<f64>,
    pub(crate) voluntary_switches_per_s: f64,
    pub(crate) involuntary_switches_per_s: f64,
    pub(crate) memory: Memory,
}

/// What the generator used.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Generator {
    /// Of its one thread that talks.
    pub(crate) cpu_percent_of_thread: f64,
    /// Of all, transfers too.
    pub(crate) cpu_percent_of_core: f64,
    /// It may be the slower side.
    pub(crate) saturated: bool,
}

impl Report {
    pub(crate) fn new(
        mut talk: Talk,
        span: &Range<Moment>,
        entering: Duration,
        idle: Option<IdleMemory>,
        memory: Option<Memory>,
        files: u64,
    ) -> Self {
        let faults = talk.faults();
        let told = Told::new(&talk, faults, span);
        let history = talk.pages.outcome();
        let logins = talk.newcomers.outcome();
        let scene = talk.scene;
        let is_sound = faults == Faults::default()
            && told.refused == 0
            && told.unanswered == 0
            && history.as_ref().is_none_or(|history| history.refused == 0 && history.done == history.asked);
        let is_open = matches!(scene.pace(), Pace::Rate(_));
        let present = talk.crowd.members.len();
        let (from, to) = (span.start.moved, span.end.moved);
        let seconds = seconds_of(span);
        Self {
            sound: is_sound,
            delivery_us: talk.delivery.percentiles(),
            delivery_since_sent_us: talk.delivery_since_sent.percentiles(),
            ok_us: talk.storing.percentiles(),
            late_us: is_open.then(|| talk.lateness.percentiles()).flatten(),
            entering: Entering {
                logins: present,
                seconds: entering.as_secs_f64(),
                per_s: ratio(present as f64, entering.as_secs_f64()).unwrap_or(0.0),
                busy: talk.crowd.busy,
            },
            logins,
            history,
            transfers: (scene.transfers > 0).then(|| Rates {
                up_bytes_per_s: (to.up_bytes - from.up_bytes) as f64 / seconds,
                down_bytes_per_s: (to.down_bytes - from.down_bytes) as f64 / seconds,
                files,
            }),
            idle,
            server: memory.and_then(|memory| Server::new(span, memory)),
            generator: Generator::new(span, scene.spin),
            talk: told,
            scene,
        }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.sound
    }

    /// What whoever reads the figures has to know.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let Told { lost, doubled, out_of_order, refused, unanswered, .. } = self.talk;
        let mut warnings = Vec::new();
        if !self.sound {
            warnings.push(format!(
                "not sound: {lost} lost, {doubled} doubled, {out_of_order} out of order, {refused} refused, {unanswered} not answered"
            ));
            warnings.extend(self.talk.complaint.as_ref().map(|words| format!("the daemon said: {words}")));
        }
        if let Some(Logins { asked, done, .. }) = self.logins.as_ref().filter(|logins| logins.done < logins.asked) {
            warnings.push(format!("only {done} of {asked} logins were through at the end: add --seconds"));
        }
        if self.generator.saturated {
            let percent = self.generator.cpu_percent_of_thread;
            warnings.push(format!("the generator used {percent:.0} % of its core: the daemon may be faster than this tells"));
        }
        warnings
    }
}

impl Told {
    fn new(talk: &Talk, faults: Faults, span: &Range<Moment>) -> Self {
        let Faults { lost, doubled, out_of_order } = faults;
        let Count { sent, stored, delivered, heard_beside } = talk.count;
        let per_s = |count: fn(&Count) -> u64| (count(&span.end.count) - count(&span.start.count)) as f64 / seconds_of(span);
        Self {
            sent,
            stored,
            delivered,
            heard_beside,
            lost,
            doubled,
            out_of_order,
            refused: talk.senders.iter().map(|sender| sender.refused).sum(),
            unanswered: talk.senders.iter().map(|sender| sender.unanswered()).sum(),
            complaint: talk.senders.iter().find_map(|sender| sender.complaint.clone()),
            measured_s: seconds_of(span),
            messages_per_s: per_s(|count| count.sent),
            oks_per_s: per_s(|count| count.stored),
            deliveries_per_s: per_s(|count| count.delivered + count.heard_beside),
        }
    }
}

impl IdleMemory {
    pub(crate) fn new(connections: usize, before: Memory, after: Memory) -> Self {
        let each = |after: u64, before: u64| after.saturating_sub(before) as f64 * 1024.0 / connections as f64;
        Self {
            connections,
            before,
            after,
            rss_bytes_per_connection: each(after.rss_kib, before.rss_kib),
            pss_bytes_per_connection: after.pss_kib.zip(before.pss_kib).map(|(after, before)| each(after, before)),
        }
    }
}

impl Server {
    fn new(span: &Range<Moment>, memory: Memory) -> Option<Self> {
        let (before, after) = span.start.used.zip(span.end.used)?;
        let seconds = seconds_of(span);
        let cpu_s = (after.cpu.saturating_sub(before.cpu)).as_secs_f64();
        let (from, to) = (span.start.count, span.end.count);
        let deliveries = to.delivered + to.heard_beside - from.delivered - from.heard_beside;
        // Threads may have ended, and their count with them.
        let switches_per_s = |after: u64, before: u64| after.saturating_sub(before) as f64 / seconds;
        Some(Self {
            cpu_s,
            cpu_percent_of_core: cpu_s / seconds * 100.0,
            cpu_us_per_delivery: ratio(cpu_s * 1e6, deliveries as f64),
            cpu_us_per_message: ratio(cpu_s * 1e6, (to.sent - from.sent) as f64),
            voluntary_switches_per_s: switches_per_s(after.voluntary_switches, before.voluntary_switches),
            involuntary_switches_per_s: switches_per_s(after.involuntary_switches, before.involuntary_switches),
            memory,
        })
    }
}

impl Generator {
    fn new(span: &Range<Moment>, spins: bool) -> Self {
        let percent = |after: Duration, before: Duration| (after - before).as_secs_f64() / seconds_of(span) * 100.0;
        let cpu_percent_of_thread = percent(span.end.own_thread_cpu, span.start.own_thread_cpu);
        Self {
            cpu_percent_of_thread,
            cpu_percent_of_core: percent(span.end.own_cpu, span.start.own_cpu),
            saturated: !spins && cpu_percent_of_thread > SATURATED_PERCENT,
        }
    }
}

fn seconds_of(span: &Range<Moment>) -> f64 {
    (span.end.at - span.start.at).as_secs_f64()
}

/// `None` where there is nothing to divide by.
fn ratio(of: f64, by: f64) -> Option<f64> {
    (by > 0.0).then(|| of / by)
}
