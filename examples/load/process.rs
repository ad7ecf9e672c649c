//! What a process uses, from `/proc`: of the daemon by its number, of the generator itself by its clocks.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::failure::Failure;

/// A process that is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(u32);

/// What it has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// User and system time of all threads, in steps of a clock tick (10 ms).
    pub(crate) cpu: Duration,
    /// A thread had nothing to do.
    pub(crate) voluntary_switches: u64,
    /// A thread had to make room for another.
    pub(crate) involuntary_switches: u64,
}

/// What it holds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) rss_kib: u64,
    /// The most that it ever was.
    pub(crate) peak_rss_kib: u64,
    /// What it does not share with other processes; `None` if only its owner may see that.
    pub(crate) pss_kib: Option<u64>,
}

impl Process {
    /// Fails if there is none.
    pub(crate) fn find(pid: u32) -> Result<Self, Failure> {
        let process = Self(pid);
        process.used().map(|_| process)
    }

    pub(crate) fn used(self) -> Result<Used, Failure> {
        let mut used = Used { cpu: cpu(&self.read("stat")?), ..Used::default() };
        // Each thread counts its own switches; a thread that has ended takes its count along.
        let path = self.path("task");
        for task in fs::read_dir(&path).map_err(|why| Failure::NoProcess { path, why })?.flatten() {
            // It may have ended just now.
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            used.voluntary_switches += field(&status, "voluntary_ctxt_switches").unwrap_or(0);
            used.involuntary_switches += field(&status, "nonvoluntary_ctxt_switches").unwrap_or(0);
        }
        Ok(used)
    }

    pub(crate) fn memory(self) -> Result<Memory, Failure> {
        let status = self.read("status")?;
        let kib = |name| field(&status, name).unwrap_or(0);
        let pss_kib = self.read("smaps_rollup").ok().and_then(|rollup| field(&rollup, "Pss"));
        Ok(Memory { rss_kib: kib("VmRSS"), peak_rss_kib: kib("VmHWM"), pss_kib })
    }

    fn path(self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0)
    }

    fn read(self, file: &str) -> Result<String, Failure> {
        let path = self.path(file);
        fs::read_to_string(&path).map_err(|why| Failure::NoProcess { path, why })
    }
}

/// CPU time of this thread.
pub(crate) fn own_thread_cpu() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

/// CPU time of all threads of this process.
pub(crate) fn own_cpu() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// User and system time in a `stat`. The program's name in it may hold blanks and brackets.
fn cpu(stat: &str) -> Duration {
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    // utime and stime are fields 14 and 15; the first behind the name is field 3.
    let ticks: u64 = behind_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// A number in a list of `name: number unit`.
fn field(list: &str, name: &str) -> Option<u64> {
    let value = list.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_proc_are_read() {
        let stat = "17 (a) b) S 1 17 17 0 -1 4194560 1 2 3 4 250 50 7 8 20 0 9 0";
        assert_eq!(cpu(stat), Duration::from_secs(3));
        let status = "VmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nvoluntary_ctxt_switches:\t17\n";
        assert_eq!((field(status, "VmRSS"), field(status, "VmSwap")), (Some(1024), None));
    }

    #[test]
    fn this_process_is_there() {
        let process = Process::find(std::process::id()).unwrap();
        let memory = process.memory().unwrap();
        assert!(memory.rss_kib > 100 && memory.peak_rss_kib >= memory.rss_kib, "{memory:?}");
        assert!(Process::find(u32::MAX).is_err());
        assert!(own_cpu() >= own_thread_cpu());
    }
}
