//! Threads that give way, for whatever is heavy and can wait: hashing passwords, carrying files. On two
//! cores that is what keeps talk prompt.

use tokio::runtime::{Builder, Handle, Runtime};

/// The niceness of threads of low priority, the most there is.
const NICENESS: i32 = 19;
/// The most bytes that the kernel is asked to send or to write at once. Many kernels let nobody else run in the middle
/// of a call, however low its thread's priority: with pieces of 1 MiB to send and 256 KiB to write, chat's
/// p99 beside eight transfers was 4.4 times that without; with these, and [`let_others_run`] between them,
/// some 3 times. They cost no rate.
pub const PIECE_BYTES: usize = 32 << 10;

/// What to do next of what is left of a file: at most so much.
pub fn portion(left_bytes: u64, most_bytes: usize) -> usize {
    usize::try_from(left_bytes).unwrap_or(most_bytes).min(most_bytes)
}

/// Between two such pieces: whoever waits for this core has it.
pub fn let_others_run() {
    std::thread::yield_now();
}

/// The threads that carry files.
const CARRIERS: usize = 2;
/// The threads for what waits for the disk or computes: flushing files, hashing their bytes. More of
/// them than cores, so that who waits for a disk does not keep who hashes from a core.
const HELPERS: usize = 8;

/// Gives the calling thread the lowest priority. On Linux niceness belongs to the thread.
pub fn lower_priority() {
    // Failing to be nice is no reason not to work.
    if let Err(error) = rustix::process::nice(NICENESS) {
        log::warn!("a background thread runs at normal priority: {error}");
    }
}

/// Lets the calling thread run only while nobody else wants to (`SCHED_IDLE`, sched(7)). A nice thread may
/// finish its turn of some milliseconds while somebody waits who has just been woken; an idle one is put
/// aside at once. With files moving, that takes about a sixth off chat's p99.
#[expect(unsafe_code, reason = "no safe interface to this call is among the crates named for the project")]
fn give_way() {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: 0 is the calling thread; the call reads `priority`, which lives until it returns.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const priority) } != 0 {
        lower_priority();
    }
}

/// A runtime of such threads, beside the one that carries talk.
pub struct Background {
    handle: Handle,
    /// There until `drop` takes it.
    runtime: Option<Runtime>,
}

impl Background {
    /// Starts the threads.
    pub fn start() -> std::io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(CARRIERS).max_blocking_threads(HELPERS).thread_name("background");
        let runtime = builder.on_thread_start(give_way).enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where work is put.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Background {
    /// What has not ended by now is cut: it was told to end, and given time.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
