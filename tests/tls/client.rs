//! The bundled client and its library through TLS: talk, files, and what is wrong where there is no trust.

use std::fs;
use std::time::Duration;

use parlor::client::{self, Error, Event, Options, Tls, TlsError};
use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client_library::{next, next_said, options};
use crate::harness::{Client, Daemon, Identity, PASSWORD, Program, Relay, client_at, noise};

fn trusting(daemon: &Daemon, identity: &Identity, name: &str) -> Options {
    let address = format!("localhost:{}", daemon.entrance().port());
    Options { address, tls: Some(Tls::of_file(&identity.certificate).unwrap()), ..options(daemon.entrance(), name) }
}

#[test]
fn the_library_talks_sends_fetches_and_comes_back_through_tls() {
    let mut daemon = Daemon::start_with_tls(&[]);
    let relay = Relay::start(daemon.entrance());
    let identity = daemon.tls.clone().unwrap().identity;
    let directory = tempfile::tempdir().unwrap();
    let (path, fetched) = (directory.path().join("file"), directory.path().join("fetched"));
    let whole = noise(7, 3_000_000);
    fs::write(&path, &whole).unwrap();
    Runtime::new().unwrap().block_on(async {
        let options = trusting(&daemon, &identity, "alice");
        let options = Options { address: format!("localhost:{}", relay.address.port()), ..options };
        let (alice, mut events, _) = client::Client::connect(options).await.unwrap();
        let seq = alice.say("hello").await.unwrap();
        assert_eq!(next_said(&mut events).await, (seq, "hello".to_owned()));
        alice.upload(&path, "file", |_| ()).await.unwrap();
        alice.download("file", &fetched, |_| ()).await.unwrap();
        assert!(fs::read(&fetched).unwrap() == whole);
        daemon.kill();
        daemon.restart();
        relay.lead_to(daemon.entrance());
        relay.cut();
        while !matches!(next(&mut events).await, Event::Back) {}
        alice.say("again").await.unwrap();
        alice.leave().await;
    });
}

/// How the first connection fails.
fn failure(daemon: &Daemon, change: impl FnOnce(&mut Options)) -> Error {
    let identity = &daemon.tls.as_ref().unwrap().identity;
    let mut options = trusting(daemon, identity, "alice");
    change(&mut options);
    Runtime::new().unwrap().block_on(async {
        let connected = tokio::time::timeout(Duration::from_secs(30), client::Client::connect(options)).await;
        connected.expect("an answer in time").err().expect("no trust")
    })
}

fn daemon_with(change: impl FnOnce(&mut rcgen::CertificateParams)) -> Daemon {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::write_with(directory.path(), &["localhost"], change);
    Daemon::start_as(identity, directory, &[])
}

#[test]
fn the_library_tells_what_is_wrong_with_a_certificate() {
    let daemon = Daemon::start_with_tls(&[]);
    let other = tempfile::tempdir().unwrap();
    let stranger = Identity::write(other.path());
    let error = failure(&daemon, |options| options.tls = Some(Tls::of_file(&stranger.certificate).unwrap()));
    assert!(matches!(error, Error::Tls(TlsError::UnknownIssuer)), "{error}");
    let error = failure(&daemon, |options| options.address = format!("127.0.0.2:{}", daemon.entrance().port()));
    // Linux has all of 127.0.0.0/8, the listener only one of it.
    assert!(matches!(error, Error::Io(_)), "{error}");
    let error = failure(&daemon, |options| options.address = daemon.address.to_string());
    assert!(matches!(error, Error::Tls(TlsError::NotTls)), "{error}");
    let error = failure(&daemon, |options| options.tls = None);
    assert!(matches!(&error, Error::Closed(reason) if reason == "needs-tls"), "{error}");

    let daemon = daemon_with(|parameters| parameters.not_after = date_time_ymd(2020, 1, 1));
    let error = failure(&daemon, |_| ());
    assert!(matches!(error, Error::Tls(TlsError::Expired)), "{error}");
    let daemon = daemon_with(|parameters| parameters.not_before = date_time_ymd(3000, 1, 1));
    let error = failure(&daemon, |_| ());
    assert!(matches!(error, Error::Tls(TlsError::NotYetValid)), "{error}");
    let daemon = daemon_with(|parameters| parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let error = failure(&daemon, |_| ());
    assert!(matches!(error, Error::Tls(TlsError::IsAuthority)), "{error}");
    let daemon = daemon_with(|_| ());
    let error = failure(&daemon, |options| options.address = daemon.entrance().to_string());
    assert_eq!(error.to_string(), "the server's certificate is not for 127.0.0.1, but for localhost");
    assert!(matches!(Tls::of_file(other.path().join("none").as_ref()), Err(Error::Io(_))));
    assert!(matches!(Tls::of_file(&stranger.key), Err(Error::Tls(TlsError::NoRoots(_)))));
}

/// The program, as somebody who trusts this file, or whom the system trusts.
fn program(daemon: &Daemon, arguments: &[&str]) -> std::process::Command {
    let mut command = client_at(&format!("localhost:{}", daemon.entrance().port()), &["--tls", "--user", "bob", "--register"]);
    command.args(arguments).env("PARLOR_PASSWORD", PASSWORD);
    command
}

fn file(directory: &TempDir, name: &str) -> String {
    directory.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn the_program_speaks_tls_in_each_of_its_ways() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    let certificate = daemon.tls.as_ref().unwrap().identity.certificate.to_str().unwrap().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let (sent, fetched, whole) = (file(&directory, "sent"), file(&directory, "fetched"), noise(8, 500_000));
    fs::write(&sent, &whole).unwrap();
    let ended = Program::run(&mut program(&daemon, &["--ca", &certificate, "send", "by a flag"]), "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    alice.skip_to("[bob]: by a flag");
    let mut by_variables =
        client_at(&format!("localhost:{}", daemon.entrance().port()), &["--user", "bob", "send", "by variables"]);
    by_variables.env("PARLOR_TLS", "1").env("PARLOR_CA", &certificate).env("PARLOR_PASSWORD", PASSWORD);
    let ended = Program::run(&mut by_variables, "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    alice.skip_to("[bob]: by variables");
    // The system's own store, which these variables name.
    let mut by_system = program(&daemon, &["upload", &sent]);
    let ended = Program::run(by_system.env("SSL_CERT_FILE", &certificate).env_remove("SSL_CERT_DIR"), "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = Program::run(&mut program(&daemon, &["--ca", &certificate, "download", "sent", "-o", &fetched]), "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(fs::read(&fetched).unwrap() == whole);

    // As netcat, with a login and without one; and a file through it.
    let lines: String = (0..500).map(|number| format!("C - {number} {}\n", "x".repeat(1000))).collect();
    let ended = Program::run(&mut program(&daemon, &["--ca", &certificate]), lines);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.out.iter().filter(|line| line.starts_with("OK ")).count(), 500);
    let address = format!("localhost:{}", daemon.entrance().port());
    let ticket = alice.find("sent").ticket;
    let mut command = client_at(&address, &["--tls", "--ca", &certificate]);
    let output = {
        use std::process::Stdio;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("T {ticket}\n").as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(output.status.success() && output.stdout == whole);
}

#[test]
fn the_program_says_what_is_wrong_and_what_to_do() {
    let daemon = Daemon::start_with_tls(&[]);
    let directory = tempfile::tempdir().unwrap();
    let stranger = Identity::write(directory.path());
    let (certificate, key) = (stranger.certificate.to_str().unwrap(), stranger.key.to_str().unwrap());
    let missing = file(&directory, "missing");
    let own = daemon.tls.as_ref().unwrap().identity.certificate.to_str().unwrap();
    let (encrypted, plain) = (format!("localhost:{}", daemon.entrance().port()), daemon.address.to_string());
    for (address, arguments, code, words) in [
        (&encrypted, &["--tls", "--ca", certificate][..], 69, &["vouches", "--ca FILE"][..]),
        (&encrypted, &["--tls", "--ca", &missing], 66, &["missing", "no such file"]),
        (&encrypted, &["--tls", "--ca", key], 2, &["no certificate to trust in "]),
        (&encrypted, &["--ca", own], 2, &["--tls"]),
        (&encrypted, &[], 69, &["speaks TLS", "--tls"]),
        (&plain, &["--tls", "--ca", own], 69, &["does not speak TLS", "leave --tls out"]),
    ] {
        for way in [&["send", "hello"][..], &[]] {
            let mut command = client_at(address, &["--user", "bob", "--register"]);
            command.args(arguments).args(way).env("PARLOR_PASSWORD", PASSWORD);
            let ended = Program::run(&mut command, "K\n");
            assert_eq!(ended.code, Some(code), "{arguments:?} {way:?}: {ended:?}");
            let said = ended.err.join("\n");
            words.iter().for_each(|word| assert!(said.contains(word), "{word:?} is not in {said}"));
        }
    }
}
