//! How the daemon is doing: gathered from its parts, then written for programs or for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::timeout;

use super::orders::Operator;
use crate::metrics::METRICS;
use crate::protocol::voice::size;
use crate::store::DATABASE;

/// How long a part may take to tell; one that is stuck is just what the operator looks for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The width of a page.
const COLUMNS: usize = 80;

/// One object, as `--status --json` prints it; the README tells what each field means.
#[derive(Serialize)]
struct Status {
    version: &'static str,
    uptime_s: u64,
    connections: usize,
    strangers: usize,
    members: usize,
    listeners: usize,
    silent: usize,
    transfers: usize,
    leaving: usize,
    accepted: u64,
    requests: u64,
    messages: u64,
    deliveries: u64,
    rate_window_s: u64,
    requests_per_s: f64,
    messages_per_s: f64,
    deliveries_per_s: f64,
    queue_records: u64,
    queue_slots: usize,
    queue_slots_used: usize,
    durable_lag_ms: u64,
    store_failing: bool,
    store_failures: u64,
    upload_failures: u64,
    tickets: Option<usize>,
    games: Option<usize>,
    invitations: Option<usize>,
    adjourned: Option<usize>,
    memory_bytes: Option<u64>,
    database_bytes: u64,
    disk_free_bytes: Option<u64>,
    refusals: BTreeMap<&'static str, u64>,
    disconnects: BTreeMap<&'static str, u64>,
}

/// What to print.
pub(super) async fn of(operator: &Operator, json: bool) -> String {
    let status = gather(operator).await;
    if json { serde_json::to_string(&status).unwrap_or_default() } else { page(&status) }
}

async fn gather(operator: &Operator) -> Status {
    let Operator { services, data, started, rates, .. } = operator;
    let rates = rates.lock().unwrap_or_else(PoisonError::into_inner).per_second(&METRICS, Instant::now());
    let (census, load, health) = (services.connections.census(), services.queue.load(), services.queue.health());
    let games = timeout(PATIENCE, services.games.counts()).await.ok();
    let tickets = timeout(PATIENCE, services.files.tickets()).await.ok();
    let file_bytes = |name: String| std::fs::metadata(data.join(name)).map_or(0, |file| file.len());
    Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: started.elapsed().as_secs(),
        connections: census.all(),
        strangers: census.strangers,
        members: census.members,
        listeners: census.listeners,
        silent: census.silent,
        transfers: census.transfers,
        leaving: census.leaving,
        accepted: METRICS.accepted.get(),
        requests: METRICS.requests.get(),
        messages: METRICS.messages.get(),
        deliveries: METRICS.deliveries.get(),
        rate_window_s: rates.window.as_secs(),
        requests_per_s: rates.requests,
        messages_per_s: rates.messages,
        deliveries_per_s: rates.deliveries,
        queue_records: load.waiting,
        queue_slots: load.slots,
        queue_slots_used: load.slots_used,
        durable_lag_ms: u64::try_from(load.lag.as_millis()).unwrap_or(u64::MAX),
        store_failing: health.failing_since.is_some(),
        store_failures: health.failures,
        upload_failures: services.files.failures(),
        tickets,
        games: games.map(|games| games.under_way),
        invitations: games.map(|games| games.invitations),
        adjourned: games.map(|games| games.adjourned),
        memory_bytes: memory_bytes(),
        database_bytes: file_bytes(DATABASE.into()) + file_bytes(format!("{DATABASE}-wal")),
        disk_free_bytes: rustix::fs::statvfs(data).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        refusals: METRICS.refusals().collect(),
        disconnects: METRICS.closings().collect(),
    }
}

/// What of this process is in memory.
fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// The same for people.
fn page(status: &Status) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "parlord {}, up {}", status.version, uptime(status.uptime_s));
    let Status { connections, strangers, members, listeners, silent, transfers, leaving, accepted, .. } = status;
    put(
        &mut out,
        "connections",
        &[
            format!("{connections} of {accepted} so far"),
            format!("{members} in the room"),
            format!("{listeners} listening"),
            format!("{silent} silent"),
            format!("{strangers} not logged in"),
            format!("{transfers} carrying files"),
            format!("{leaving} leaving"),
        ],
    );
    let per_s = |what: &str, rate: f64, all: u64| format!("{what} {rate:.1} ({all} so far)");
    put(
        &mut out,
        "a second",
        &[
            per_s("requests", status.requests_per_s, status.requests),
            per_s("messages", status.messages_per_s, status.messages),
            per_s("deliveries", status.deliveries_per_s, status.deliveries),
            format!("over {} s", status.rate_window_s),
        ],
    );
    let is_failing = if status.store_failing { "FAILING, see the log" } else { "works" };
    put(
        &mut out,
        "store",
        &[
            is_failing.into(),
            format!("{} commits failed", status.store_failures),
            format!("{} records wait", status.queue_records),
            format!("the oldest for {} ms", status.durable_lag_ms),
            format!("{} of {} slots in use", status.queue_slots_used, status.queue_slots),
        ],
    );
    let count = |count: Option<usize>, what: &str| count.map_or_else(|| format!("? {what}"), |count| format!("{count} {what}"));
    put(
        &mut out,
        "files",
        &[
            format!("{transfers} transfers"),
            count(status.tickets, "tickets wait"),
            format!("{} failed by the disk", status.upload_failures),
        ],
    );
    put(
        &mut out,
        "games",
        &[count(status.games, "under way"), count(status.invitations, "invitations"), count(status.adjourned, "adjourned")],
    );
    put(
        &mut out,
        "space",
        &[
            format!("{} of memory", status.memory_bytes.map_or_else(|| "?".into(), size)),
            format!("{} of database", size(status.database_bytes)),
            format!("{} free on disk", status.disk_free_bytes.map_or_else(|| "?".into(), size)),
        ],
    );
    let each = |counts: &BTreeMap<&str, u64>| counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>();
    put(&mut out, "refused", &each(&status.refusals));
    put(&mut out, "closed", &each(&status.disconnects));
    out.trim_end().to_owned()
}

/// Some words behind a heading, in as many lines as they take.
fn put(out: &mut String, heading: &str, words: &[String]) {
    const INDENT: usize = 13;
    let mut line = format!("{heading:INDENT$}");
    if words.is_empty() {
        line.push_str("nothing");
    }
    for (at, word) in words.iter().enumerate() {
        let word = format!("{word}{}", if at + 1 < words.len() { ", " } else { "" });
        if line.len() > INDENT && line.len() + word.trim_end().len() > COLUMNS {
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(INDENT);
        }
        line.push_str(&word);
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_stay_within_the_page() {
        let mut out = String::new();
        let words: Vec<_> = (0..40).map(|number| format!("some-code {number}")).collect();
        put(&mut out, "refused", &words);
        assert!(out.lines().count() > 5 && out.lines().all(|line| line.len() <= COLUMNS), "{out}");
        assert!(out.lines().skip(1).all(|line| line.starts_with("             some-code")), "{out}");
    }

    #[test]
    fn an_uptime_is_told_in_its_two_largest_units() {
        let told = [59, 60, 3_600, 86_399, 90_000].map(uptime);
        assert_eq!(told, ["59 s", "1 min", "1 h 0 min", "23 h 59 min", "1 d 1 h"]);
    }
}
