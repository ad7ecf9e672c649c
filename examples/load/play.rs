//! Sets a scene: everybody comes, memory is read, what goes on beside the talk begins; then the talk, and the report.

use std::num::NonZeroU64;
use std::time::Duration;

use super::crowd::Crowd;
use super::failure::Failure;
use super::newcomers::Newcomers;
use super::pages::{Pages, READERS};
use super::process::Process;
use super::report::{IdleMemory, Report};
use super::scene::Scene;
use super::talk::Talk;
use super::target::{Target, raise_descriptor_limit};
use super::transfers::Transfers;
use super::wire::Entry;

/// The room is quiet once nothing has come for this long.
const QUIET: Duration = Duration::from_millis(300);
/// Before memory is read: what the daemon gives back, it has given back by then.
const LONG_QUIET: Duration = Duration::from_secs(2);

/// Plays a scene.
pub(crate) fn play(address: &str, scene: Scene) -> Result<Report, Failure> {
    let process = scene.pid.map(Process::find).transpose()?;
    let talkers = scene.senders + scene.receivers;
    raise_descriptor_limit(talkers + scene.idle + scene.logins + scene.transfers * 2 + READERS)?;
    // Else the system lets a sleep last 50 µs longer than asked. Where it is not allowed, latencies are that much longer.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    let target = Target::find(address)?;
    if scene.logins_known {
        Crowd::new(target.clone())?.admit(Newcomers::names(&scene), Entry::Aside)?;
    }
    let name = |place| format!("load-{}-{place}", scene.run);
    let mut crowd = Crowd::new(target.clone())?;
    let entry = Entry::Member(scene.voice);
    let mut entering = crowd.admit((0..talkers).map(name), entry)?;
    crowd.settle(QUIET)?;
    let mut idle = None;
    if let Some(process) = process.filter(|_| scene.idle > 0) {
        let before = process.memory()?;
        entering += crowd.admit((talkers..talkers + scene.idle).map(name), entry)?;
        crowd.settle(LONG_QUIET)?;
        idle = Some(IdleMemory::new(scene.idle, before, process.memory()?));
    }
    let pages = pages(&scene, &crowd)?;
    let transfers = Transfers::start(&scene, &target)?;
    let mut talk = Talk::new(scene, crowd, pages, process)?;
    let span = talk.run(&transfers)?;
    let memory = process.map(Process::memory).transpose()?;
    let files = transfers.finish()?.files;
    Ok(Report::new(talk, &span, entering, idle, memory, files))
}

/// Those who read history, outside the room.
fn pages(scene: &Scene, crowd: &Crowd) -> Result<Pages, Failure> {
    let mut readers = Crowd::new(crowd.target.clone())?;
    let count = if scene.history_per_s.is_some() { READERS } else { 0 };
    readers.admit((0..count).map(|number| format!("load-{}-h{number}", scene.run)), Entry::Aside)?;
    Pages::new(scene, readers.members, crowd.seq.max(readers.seq))
}
