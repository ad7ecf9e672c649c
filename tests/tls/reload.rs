//! A certificate is renewed while people talk.

use std::fs;
use std::net::TcpStream;

use crate::harness::{Client, Daemon, Identity, TlsPort, eventually};

/// The same listener, of which another certificate is expected.
fn with(port: &TlsPort, identity: Identity) -> TlsPort {
    TlsPort { identity, ..port.clone() }
}

/// A connection with another certificate than the daemon was started with.
fn connect(port: &TlsPort) -> Client {
    Client::over_wire(port.over(TcpStream::connect(port.address).unwrap()))
}

#[test]
fn a_hang_up_signal_shows_the_new_certificate_to_new_connections_and_ends_no_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let (place, first) = (directory.path().to_owned(), Identity::write(directory.path()));
    let mut daemon = Daemon::start_as(first.clone(), directory, &[]);
    let port = daemon.tls.clone().unwrap();
    let mut alice = Client::enter(&daemon, "alice");
    assert_eq!(alice.wire().certificate(), first.der);

    let second = Identity::write(&place);
    assert_ne!(second.der, first.der);
    assert_eq!(connect(&port).wire().certificate(), first.der, "nobody has asked for it yet");
    daemon.signal("HUP");
    let renewed = with(&port, second.clone());
    eventually("the new certificate", || renewed.try_over(TcpStream::connect(renewed.address).unwrap()).is_ok());
    let mut bob = connect(&renewed);
    assert_eq!(bob.wire().certificate(), second.der);
    bob.log_in("bob");
    alice.expect("[bob] entered");
    assert!(alice.ask("C - still here").starts_with("OK "));
    bob.expect("[alice]: still here");

    // What cannot be used is refused, again and again, and nothing changes.
    let other = tempfile::tempdir().unwrap();
    let stranger = Identity::write(other.path());
    for (certificate, key) in
        [(Some("no certificate"), None), (None, Some(fs::read_to_string(&stranger.key).unwrap())), (Some(""), None)]
    {
        let kept = [&second.certificate, &second.key].map(|file| fs::read(file).unwrap());
        if let Some(certificate) = certificate {
            fs::write(&second.certificate, certificate).unwrap();
        }
        if let Some(key) = key {
            fs::write(&second.key, key).unwrap();
        }
        daemon.signal("HUP");
        assert_eq!(connect(&renewed).ask("K"), "OK");
        [&second.certificate, &second.key].into_iter().zip(kept).for_each(|(file, kept)| fs::write(file, kept).unwrap());
    }
    fs::remove_file(&second.key).unwrap();
    daemon.signal("HUP");
    assert_eq!(connect(&renewed).wire().certificate(), second.der);
    assert_eq!(alice.ask("K"), "OK");
    assert_eq!(daemon.stop().code(), Some(0));
    let log = daemon.log();
    assert!(log.contains("SIGHUP: the certificate has been read again"), "{log}");
    assert!(log.contains("SIGHUP: the old certificate stays in use: cannot read "), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_hang_up_signal_ends_no_daemon() {
    let mut daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    for _ in 0..3 {
        daemon.signal("HUP");
        assert_eq!(alice.ask("K"), "OK");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(daemon.log().contains("SIGHUP: "));
}
