//! Who may use the control socket: bounded lines from the daemon's own user. Another user's are tried by root alone;
//! run that with `cargo test -- --ignored`.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::harness::{Client, Daemon, eventually};

const NEEDS_ROOT: &str = "this test needs root and the program setpriv";
/// A user that nobody is.
const NOBODY: &str = "65534";

#[test]
fn what_is_no_order_is_refused_and_too_much_is_not_read() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let outcome = daemon.tell(&serde_json::json!({"do": "explode"}));
    assert!(outcome["failed"].as_str().unwrap().contains("does not understand"), "{outcome}");
    let mut socket = UnixStream::connect(daemon.data().join("control.sock")).unwrap();
    // It closes before all is read, so that writing may fail.
    let _ = socket.write_all(format!("{{\"do\":\"announce\",\"text\":\"{}\"}}\n", "x".repeat(1 << 20)).as_bytes());
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.contains("does not understand"), "{answer}");
    // Those that say nothing hold it up for a while, not for good.
    let _silent: Vec<_> = (0..8).map(|_| UnixStream::connect(daemon.data().join("control.sock")).unwrap()).collect();
    daemon.ordered(&["--announce", "hello"]);
    assert_eq!(alice.line(), "Administrator: hello");
}

/// A child that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same binary where anybody may run it.
fn for_everyone(directory: &tempfile::TempDir) -> PathBuf {
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o711)).unwrap();
    let program = directory.path().join("parlord");
    std::fs::copy(env!("CARGO_BIN_EXE_parlord"), &program).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    program
}

fn as_nobody(program: &PathBuf) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(program);
    command
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn another_user_is_refused_however_open_the_directory_is() {
    let directory = tempfile::tempdir().unwrap();
    let program = for_everyone(&directory);
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let data = daemon.data();
    let give = |data: &PathBuf| {
        let output = as_nobody(&program).arg("--data").arg(data).args(["--kick", "alice"]).output().expect(NEEDS_ROOT);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let words = give(&data);
    assert!(words.contains("Permission denied"), "the directory's mode: {words}");
    for path in [data.parent().unwrap().to_owned(), data.clone(), data.join("control.sock")] {
        std::fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
    let words = give(&data);
    assert!(words.contains("only the user whom the daemon runs as may give orders, and root"), "{words}");
    alice.only_reply("K");
    let audit = daemon.ordered(&["--audit", "1"]);
    assert!(audit.contains(" (uid 65534): kick alice - refused: only the user"), "{audit}");
    daemon.ordered(&["--kick", "alice"]);
}

#[test]
#[ignore = "needs root: cargo test -- --ignored"]
fn root_may_order_everybodys_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let program = for_everyone(&directory);
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65534), Some(65534)).expect(NEEDS_ROOT);
    std::fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
    let mut command = as_nobody(&program);
    command.args(["--listen", "127.0.0.1:0", "--data"]).arg(&data).stdout(Stdio::null()).stderr(Stdio::null());
    let _daemon = Running(command.spawn().expect(NEEDS_ROOT));
    eventually("root's order is carried out", || {
        let output = Command::new(&program).arg("--data").arg(&data).args(["--ban", "192.0.2.1"]).output().unwrap();
        output.status.success()
    });
    for order in [["--bans"].as_slice(), &["--unban", "192.0.2.1"]] {
        let output = as_nobody(&program).arg("--data").arg(&data).args(order).output().unwrap();
        assert!(output.status.success(), "and its own user's: {output:?}");
    }
}
