//! The README's operations: every command of theirs is executed as it stands, by `sh`, against real daemons.
//!
//! The commands run in a root of their own: `/usr/local`, `/etc` and `/var` stand for directories below it. What only root
//! or systemd can do is done by small programs that stand first in the path and bear the same names; the one for
//! `systemctl` starts and stops what the unit file says.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

use crate::harness::{Client, said};

const README: &str = include_str!("../README.md");
const UNIT: &str = "deploy/parlord.service";

/// Programs that only a whole system has.
const STAND_INS: &[(&str, &str)] = &[
    ("sudo", r#"[ "$1" = -u ] && shift 2; exec "$@""#),
    ("useradd", "exit 0"),
    ("chown", "exit 0"),
    ("cargo", r#"mkdir -p target/release && cp "$PARLORD" target/release/parlord"#),
    // Owners there are none of here.
    (
        "install",
        r#"for word; do shift; case $was in -o|-g) ;; *) case $word in -o|-g) ;; *) set -- "$@" "$word";; esac;; esac; was=$word; done
           exec /usr/bin/install "$@""#,
    ),
    // The other host has a root of its own.
    ("ssh", r#"shift; exec $(printf '%s\n' "$*" | sed "s|$ROOT|$OTHER|g")"#),
    (
        "systemctl",
        r#"unit=$ROOT/etc/systemd/system/parlord.service pid=$ROOT/pid
           here() { sed -n "s|^$1=||p" "$unit" | sed "s|/usr/local/|$ROOT/usr/local/|; s|/var/|$ROOT/var/|"; }
           start() {
             : >"$ROOT/ready"
             env $(here Environment) PARLOR_LISTEN=127.0.0.1:0 PARLOR_BCRYPT_COST=4 PARLOR_DISK_RESERVE_MIB=16 \
               $(here ExecStart) >"$ROOT/ready" 2>>"$ROOT/log" & echo $! >"$pid"
             until grep -q listening "$ROOT/ready"; do runs || { wait $!; exit; }; sleep 0.02; done
           }
           runs() { [ -r "/proc/$(cat "$pid")/stat" ] && ! grep -q ') Z' "/proc/$(cat "$pid")/stat"; }
           stop() { runs && kill "$(cat "$pid")"; while runs; do sleep 0.02; done; }
           case $* in
             daemon-reload) ;;
             'start parlord' | 'enable --now parlord') start ;;
             'stop parlord' | 'disable --now parlord') stop ;;
             'restart parlord') stop; start ;;
             *) echo "systemctl $*?" >&2; exit 2 ;;
           esac"#,
    ),
];

/// A machine: a root with the directories that every system has.
struct Host {
    directory: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { directory: tempfile::tempdir().unwrap() };
        for directory in ["usr/local/bin", "etc/systemd/system", "var/lib", "var/backups", "clone/deploy", "stand-ins"] {
            std::fs::create_dir_all(host.path(directory)).unwrap();
        }
        for (name, body) in STAND_INS {
            let path = host.path("stand-ins").join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(UNIT), host.path("clone").join(UNIT)).unwrap();
        host
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Executes the commands behind these words of the README, the first block or the one after it; returns exit code and
    /// output.
    fn follow(&self, heading: &str, block: usize, other: &Host) -> (Option<i32>, String) {
        let mut script = commands(heading, block);
        for root in ["/usr/local/", "/etc/", "/var/"] {
            script = script.replace(root, &format!("$ROOT{root}"));
        }
        let path = ["stand-ins", "usr/local/bin"].map(|below| self.path(below).display().to_string()).join(":");
        let mut command = Command::new("sh");
        command.args(["-euc", &script]).current_dir(self.path("clone"));
        command.env("ROOT", self.directory.path()).env("OTHER", other.directory.path());
        command.env("PATH", format!("{path}:/usr/bin:/bin")).env("PARLORD", env!("CARGO_BIN_EXE_parlord"));
        ["PARLOR_DATA", "PARLOR_LISTEN", "PARLOR_LOG"].iter().for_each(|name| _ = command.env_remove(name));
        let said = said(&mut command);
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        (said.code, format!("{heading}\n{script}\n{}{}\nlog: {log}", said.out, said.err))
    }

    /// The same, where all must go well.
    #[track_caller]
    fn follows(&self, heading: &str, block: usize) -> String {
        let (code, output) = self.follow(heading, block, self);
        assert_eq!(code, Some(0), "{output}");
        output
    }

    /// Somebody at the daemon that runs here.
    fn enter(&self, name: &str) -> Client {
        let ready = std::fs::read_to_string(self.path("ready")).unwrap();
        let address: SocketAddr = ready.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
        let mut client = Client::over(std::net::TcpStream::connect(address).unwrap());
        client.log_in(name);
        client
    }

    fn says(&self, text: &str) {
        assert!(self.enter("alice").ask(&format!("C - {text}")).starts_with("OK "));
    }

    /// What alice finds in the history, and nothing of what is not to be there.
    #[track_caller]
    fn remembers(&self, there: &[&str], gone: &[&str]) {
        let history = self.enter("alice").lines_of("H - - 100").join("\n");
        assert!(there.iter().all(|text| history.contains(text)), "{there:?} in {history}");
        assert!(!gone.iter().any(|text| history.contains(text)), "{gone:?} in {history}");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.path("pid")) {
            let _ = Command::new("kill").args(["-9", pid.trim()]).stderr(std::process::Stdio::null()).status();
        }
    }
}

/// A block of commands in the README's operations.
fn commands(heading: &str, block: usize) -> String {
    let (_, section) = README.split_once("\n## Operations\n").unwrap();
    let (_, section) = section.split_once(&format!("\n**{heading}.**")).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n**").next().unwrap();
    let commands = section.split("```sh\n").nth(block + 1).and_then(|rest| rest.split("```").next());
    commands.unwrap_or_else(|| panic!("no {block} in {heading}")).to_owned()
}

#[test]
fn the_commands_of_the_readme_install_back_up_restore_upgrade_and_roll_back() {
    let host = Host::new();
    host.follows("Install", 0);
    host.says("the first word");
    let output = host.follows("Back up", 0);
    assert!(output.contains("backed up 1 account, ") && output.contains("all sound"), "{output}");
    assert!(host.follows("Verify", 0).contains("database: sound"));
    host.says("lost");
    host.follows("Restore", 0);
    host.remembers(&["the first word"], &["lost"]);
    host.follows("Upgrade", 0);
    host.says("said to the newer one");
    host.follows("Roll back", 0);
    host.remembers(&["the first word", "said to the newer one"], &[]);
    // As a newer parlord would leave it, with another schema.
    let data = host.path("var/lib/parlor");
    let stop = host.path("stand-ins/systemctl");
    let systemctl = |what: &str| said(Command::new(&stop).args([what, "parlord"]).env("ROOT", host.directory.path()));
    systemctl("stop").ok();
    std::fs::copy(data.join("parlor.db"), data.join("parlor.schema-1.db")).unwrap();
    Connection::open(data.join("parlor.db")).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let (code, output) = host.follow("Roll back", 0, &host);
    assert!(code == Some(78) && output.contains("was made by a newer parlord"), "{output}");
    host.follows("Roll back", 1);
    host.remembers(&["the first word", "said to the newer one"], &["lost"]);
    systemctl("stop").ok();
}

#[test]
fn the_commands_of_the_readme_move_a_room_to_another_host() {
    let [old, new] = [Host::new(), Host::new()];
    old.follows("Install", 0);
    old.says("before the move");
    // Its first block makes the directory.
    old.follows("Back up", 0);
    old.says("just before the move");
    let (code, output) = old.follow("Move to another host", 0, &new);
    assert_eq!(code, Some(0), "{output}");
    new.follows("Install", 0);
    new.follows("Move to another host", 1);
    new.follows("Restore", 0);
    new.remembers(&["before the move", "just before the move"], &[]);
}

/// As far as that can be told without starting it.
#[test]
fn the_unit_file_is_one_that_systemd_understands() {
    let unit = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(UNIT)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("parlord.service");
    std::fs::write(&copy, unit.replace("/usr/local/bin/parlord", env!("CARGO_BIN_EXE_parlord"))).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&copy).output();
    let Ok(verified) = verified else {
        println!("left out: no systemd-analyze");
        return;
    };
    let complaints = String::from_utf8(verified.stderr).unwrap();
    assert!(verified.status.success() && !complaints.contains("parlord.service"), "{complaints}");
    let secured = said(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=20"]).arg(&copy));
    println!("{}", secured.out.lines().last().unwrap_or_default());
    assert_eq!(secured.code, Some(0), "{}", secured.out);
}
