//! The operator: orders as flags, and as lines to the control socket, which is quicker.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use super::{Daemon, parlord};

impl Daemon {
    /// `parlord` with these flags on this daemon's directory.
    pub fn order(&self, flags: &[&str]) -> Output {
        parlord(&self.data()).args(flags).stdin(Stdio::null()).output().unwrap()
    }

    /// The same, which must be done; returns what is printed.
    #[track_caller]
    pub fn ordered(&self, flags: &[&str]) -> String {
        let output = self.order(flags);
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{flags:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// `--set-password` with something on standard input.
    pub fn set_password(&self, name: &str, input: &str) -> Output {
        let mut command = parlord(&self.data());
        command.args(["--set-password", name]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may be refused before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Gives an order over the socket itself; returns its outcome.
    pub fn tell(&self, order: &Value) -> Value {
        let mut socket = UnixStream::connect(self.data().join("control.sock")).unwrap();
        writeln!(socket, "{order}").unwrap();
        let mut outcome = String::new();
        BufReader::new(socket).read_line(&mut outcome).unwrap();
        serde_json::from_str(&outcome).unwrap_or_else(|error| panic!("{error}: {order}: {outcome:?}"))
    }

    /// `--status --json`.
    pub fn status(&self) -> Value {
        let outcome = self.tell(&json!({"do": "status", "json": true}));
        serde_json::from_str(outcome["done"].as_str().unwrap_or_else(|| panic!("{outcome}"))).unwrap()
    }
}

/// Exit 0, these words on standard output and none on the other.
#[track_caller]
pub fn assert_done(output: &Output, words: &str) {
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).trim_end()), (Some(0), words), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// Exit 1, nothing on standard output; returns the words on the other.
#[track_caller]
pub fn assert_refused(output: &Output) -> String {
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{output:?}");
    assert!(!output.stderr.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}
