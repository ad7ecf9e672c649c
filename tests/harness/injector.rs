//! Faults of the disk, put between the daemon and the system by `strace`: a call fails, or is late. Only calls
//! about the files that a test names are touched.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Daemon, eventually};

/// Faults that last until this is dropped, or the daemon is gone.
pub struct Injector {
    tracer: Child,
    trace: tempfile::NamedTempFile,
}

impl Injector {
    /// Begins to inject, such as `fsync:error=EIO`, into what is done with these files of the data directory. `watched`
    /// are further calls to note.
    pub fn attach(daemon: &Daemon, files: &[&str], injected: &[&str], watched: &str) -> Self {
        let only = paths(&daemon.data(), files).into_iter().flat_map(|path| ["-P".to_owned(), path]).collect();
        Self::attach_with(daemon, only, injected, watched)
    }

    /// The same for calls that are about no file.
    pub fn attach_to_all(daemon: &Daemon, injected: &[&str]) -> Self {
        Self::attach_with(daemon, Vec::new(), injected, "")
    }

    fn attach_with(daemon: &Daemon, only: Vec<String>, injected: &[&str], watched: &str) -> Self {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("strace");
        command.arg("-f").arg("-o").arg(trace.path()).args(only);
        let calls = injected.iter().map(|fault| fault.split(':').next().unwrap());
        let traced: Vec<&str> = calls.chain([watched]).filter(|calls| !calls.is_empty()).collect();
        command.arg("-e").arg(format!("trace={}", traced.join(",")));
        command.args(injected.iter().flat_map(|fault| ["-e".to_owned(), format!("inject={fault}")]));
        let tracer = command.args(["-p", &daemon.pid().to_string()]).stderr(Stdio::null()).spawn().expect("strace is there");
        let tasks = format!("/proc/{}/task", daemon.pid());
        eventually("every thread of it is traced", || {
            let mut tasks = std::fs::read_dir(&tasks).unwrap().map(|task| task.unwrap().path().join("status"));
            tasks.all(|status| !std::fs::read_to_string(status).unwrap_or_default().contains("TracerPid:\t0\n"))
        });
        Self { tracer, trace }
    }

    /// The calls that have been noted, one a line.
    pub fn calls(&self) -> Vec<String> {
        let trace = std::fs::read_to_string(self.trace.path()).unwrap();
        trace.lines().filter(|line| line.contains('(')).map(str::to_owned).collect()
    }

    /// Waits for the tracer's end behind that of the daemon: then every call is noted.
    pub fn calls_at_end(mut self) -> Vec<String> {
        self.tracer.wait().unwrap();
        self.calls()
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        // It lets go of the daemon first; by SIGKILL it would too, but a call could be left in its hands.
        if matches!(self.tracer.try_wait(), Ok(None)) {
            let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.tracer), rustix::process::Signal::INT);
        }
        let _ = self.tracer.wait();
    }
}

/// A command that runs another under such faults from its first call on, and exits as that does.
pub fn under_faults(command: &Command, files: &[PathBuf], injected: &[&str]) -> Command {
    let mut arguments = vec!["-f".to_owned(), "-o".to_owned(), "/dev/null".to_owned()];
    arguments.extend(files.iter().flat_map(|path| ["-P".to_owned(), path.to_str().unwrap().to_owned()]));
    let calls: Vec<&str> = injected.iter().map(|fault| fault.split(':').next().unwrap()).collect();
    arguments.extend(["-e".to_owned(), format!("trace={}", calls.join(","))]);
    arguments.extend(injected.iter().flat_map(|fault| ["-e".to_owned(), format!("inject={fault}")]));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    super::daemon::run_by("strace", &arguments, command)
}

fn paths(data: &Path, files: &[&str]) -> Vec<String> {
    files.iter().map(|file| data.join(file).to_str().unwrap().to_owned()).collect()
}
