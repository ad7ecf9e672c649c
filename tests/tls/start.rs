//! What is said at the start: where TLS is spoken, what is wrong with a certificate's files, and that a plain listener
//! which others can reach shows passwords.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{Client, Daemon, Identity, parlord};
use crate::start_stop::{refused, run, start_bare};

fn tls(data: &Path, certificate: &Path, key: &Path) -> Command {
    let mut command = parlord(data);
    command.args(["--tls-listen", "127.0.0.1:0", "--tls-cert"]).arg(certificate).arg("--tls-key").arg(key);
    command
}

#[test]
fn ready_lines_tell_where_tls_is_spoken_behind_those_of_plain_listeners() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::write(directory.path());
    let data = directory.path().join("data");
    let (_, lines) = start_bare(tls(&data, &identity.certificate, &identity.key).args(["--tls-listen", "127.0.0.1:0"]), 3);
    assert!(lines[0].strip_prefix("listening on 127.0.0.1:").unwrap().trim_end().parse::<u16>().is_ok(), "{lines:?}");
    for line in &lines[1..] {
        let port = line.strip_prefix("listening on 127.0.0.1:").and_then(|rest| rest.strip_suffix(" with TLS\n"));
        assert!(port.is_some_and(|port| port.parse::<u16>().is_ok()), "{lines:?}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named_and_nothing_is_started() {
    let directory = tempfile::tempdir().unwrap();
    let (data, missing) = (directory.path().join("data"), directory.path().join("missing.pem"));
    let identity = Identity::write(directory.path());
    let other = tempfile::tempdir().unwrap();
    let stranger = Identity::write(other.path());
    let broken = other.path().join("broken.pem");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA*\n-----END CERTIFICATE-----\n").unwrap();
    let locked = other.path().join("locked.pem");
    let (code, _, err) = run(Command::new("openssl")
        .args(["pkcs8", "-topk8", "-passout", "pass:secret", "-in"])
        .arg(&identity.key)
        .arg("-out")
        .arg(&locked));
    assert_eq!(code, 0, "this test needs openssl: {err}");
    let Identity { certificate, key, .. } = &identity;
    for (certificate, key, words) in [
        (&missing, key, &["missing.pem", "No such file", "--tls-cert"][..]),
        (certificate, &missing, &["missing.pem", "No such file", "--tls-key"]),
        (key, key, &["key.pem", "holds no certificate"]),
        (certificate, certificate, &["cert.pem", "holds no private key"]),
        (certificate, &stranger.key, &["cert.pem", "key.pem", "is not that of the certificate"]),
        (certificate, &locked, &["locked.pem", "is encrypted", "openssl pkey"]),
        (&broken, key, &["broken.pem", "is no PEM file"]),
        (&other.path().to_owned(), key, &["cannot read", "directory"]),
    ] {
        refused(&mut tls(&data, certificate, key), 78, words);
    }
    refused(parlord(&data).args(["--tls-listen", "127.0.0.1:0", "--tls-cert"]).arg(certificate), 2, &["--tls-key FILE"]);
    assert!(!data.join("parlor.db").exists());
}

#[test]
fn a_plain_listener_that_others_can_reach_is_warned_of_once() {
    for (flags, warnings) in [
        (&["--listen", "0.0.0.0:0"][..], 1),
        (&["--listen", "0.0.0.0:0", "--listen", "[::]:0"], 1),
        (&["--listen", "0.0.0.0:0", "--allow-plain-login"], 0),
        (&["--listen", "127.0.0.1:0"], 0),
        (&["--listen", "[::1]:0"], 0),
    ] {
        let mut daemon = Daemon::start_with(flags);
        daemon.stop();
        let log = daemon.log();
        let found = log.lines().filter(|line| line.contains("passwords") && line.contains("--tls-listen")).count();
        assert_eq!(found, warnings, "{flags:?}: {log}");
    }
}

#[test]
fn commands_name_the_address_that_is_advertised_for_tls() {
    for (flags, end) in [
        (&["--tls-advertise", "tls.example.org:99"][..], Some("| ncat --ssl tls.example.org 99")),
        (
            &["--advertise", "files.example.org:7171", "--tls-advertise", "tls.example.org:99"],
            Some("| ncat --ssl tls.example.org 99"),
        ),
        (&["--advertise", "files.example.org:7171"], None),
    ] {
        let daemon = Daemon::start_with_tls(flags);
        let own = format!("| ncat --ssl files.example.org {}", daemon.entrance().port());
        let mut alice = Client::enter(&daemon, "alice");
        let command = alice.lines_of("F - report.pdf").remove(0);
        assert!(command.ends_with(end.unwrap_or(&own)), "{command}");
    }
}
