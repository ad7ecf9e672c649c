//! Before there is a connection with TLS: whoever stalls, sends half of it or garbage, or goes away is got rid of, and
//! whoever does not speak TLS is told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::{Client, Daemon, PATIENCE, TlsPort, eventually};

fn raw(port: &TlsPort) -> TcpStream {
    let socket = TcpStream::connect(port.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// What comes until the end, however it ends.
fn rest(mut socket: &TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    rest
}

const NEEDS_TLS: &str = "Closing (needs-tls): this port speaks TLS; try: ncat --ssl host port\n";

#[test]
fn who_does_not_speak_tls_is_told_so_in_plain_words() {
    let daemon = Daemon::start_with_tls(&[]);
    let port = daemon.tls.as_ref().unwrap();
    for words in [&b"U alice\n"[..], b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\n", b"\xff\xfd\x01", &[0; 5000]] {
        let mut socket = raw(port);
        socket.write_all(words).unwrap();
        assert_eq!(String::from_utf8(rest(&socket)).unwrap(), NEEDS_TLS);
    }
    let daemon = Daemon::start_with_tls(&["--lang", "zh"]);
    let mut socket = raw(daemon.tls.as_ref().unwrap());
    socket.write_all(b"\n").unwrap();
    assert!(String::from_utf8(rest(&socket)).unwrap().starts_with("连接关闭（needs-tls）：此端口使用 TLS"));
}

#[test]
fn a_tls_hello_on_a_plain_port_is_told_that_there_is_no_tls() {
    let daemon = Daemon::start_with_tls(&[]);
    let hello = daemon.tls.as_ref().unwrap().hello();
    assert_eq!(hello[..2], [0x16, 0x03]);
    // Whole, in part, and byte by byte.
    for (count, at_once) in [(hello.len(), hello.len()), (2, 2), (2, 1)] {
        let mut socket = TcpStream::connect(daemon.address).unwrap();
        for piece in hello[..count].chunks(at_once) {
            socket.write_all(piece).unwrap();
        }
        let told = String::from_utf8(rest(&socket)).unwrap();
        assert_eq!(told, "Closing (not-tls): this port does not speak TLS; connect without it\n");
    }
    // Only a connection begins so.
    let mut client = Client::over(TcpStream::connect(daemon.address).unwrap());
    assert_eq!(client.ask("K"), "OK");
    client.send_raw(&[&hello[..2], b"\n"].concat());
    assert!(client.reply().starts_with("ERR bad-text "));
}

#[test]
fn a_handshake_has_until_the_first_lines_deadline() {
    let daemon = Daemon::start_with_tls(&["--first-line-timeout-s", "1"]);
    let port = daemon.tls.as_ref().unwrap();
    let (hello, since) = (port.hello(), Instant::now());
    let silent = raw(port);
    let halves = [1, 5, hello.len() / 2, hello.len() - 1].map(|count| {
        let mut half = raw(port);
        half.write_all(&hello[..count]).unwrap();
        half
    });
    // Answered, and then silent.
    let mut whole = raw(port);
    whole.write_all(&hello).unwrap();
    for socket in &halves {
        assert_eq!(rest(socket), b"");
    }
    assert!(since.elapsed() >= Duration::from_secs(1), "not before its time");
    assert!(rest(&whole).starts_with(&[0x16, 0x03]));
    assert_eq!(String::from_utf8(rest(&silent)).unwrap(), NEEDS_TLS, "who speaks TLS speaks first");
    assert!(since.elapsed() < Duration::from_secs(6), "{:?}", since.elapsed());

    // The time that TLS took is not given again.
    let since = Instant::now();
    let socket = TcpStream::connect(port.address).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let mut client = Client::over_wire(port.over(socket));
    client.expect("Closing (login-timeout)");
    assert!(since.elapsed() < Duration::from_millis(1600), "{:?}", since.elapsed());
}

#[test]
fn garbage_is_answered_with_an_alert_and_hurts_nobody() {
    let daemon = Daemon::start_with_tls(&[]);
    let port = daemon.tls.as_ref().unwrap();
    let mut alice = Client::enter(&daemon, "alice");
    let hello = port.hello();
    let mut mangled = hello.clone();
    mangled[20..60].fill(0xff);
    let garbage = [
        [0x16; 600].to_vec(),
        [&[0x16, 3, 1, 0xff, 0xff][..], &[0; 70_000]].concat(),
        [&[0x16, 3, 1, 0, 4][..], &[1, 0, 0, 0]].concat(),
        [&hello[..], b"U alice\n"].concat(),
        mangled,
        hello[..hello.len() - 3].to_vec(),
    ];
    for bytes in garbage {
        let mut socket = raw(port);
        // It may be closed already.
        let _ = socket.write_all(&bytes);
        let _ = socket.shutdown(Shutdown::Write);
        let told = rest(&socket);
        // An alert in clear, or one behind the server's hello, or nothing but an end.
        assert!(told.is_empty() || told[0] == 0x15 || told[0] == 0x16, "{told:?}");
    }
    assert_eq!(alice.ask("K"), "OK");
    Client::enter(&daemon, "bob");
}

#[test]
fn who_goes_away_in_the_middle_of_a_handshake_leaves_nothing() {
    let daemon = Daemon::start_with_tls(&["--max-connections", "8"]);
    let port = daemon.tls.as_ref().unwrap();
    let hello = port.hello();
    for _ in 0..20 {
        for count in [0, 1, hello.len() / 2, hello.len()] {
            let mut socket = raw(port);
            // More than one may have are turned away.
            let _ = socket.write_all(&hello[..count]);
            let _ = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        }
    }
    eventually("there is room again for all", || {
        let sockets = [(); 3].map(|()| TcpStream::connect(port.address).unwrap());
        // While too many are being turned away, more are closed without a word.
        let wires: std::io::Result<Vec<_>> = sockets.into_iter().map(|socket| port.try_over(socket)).collect();
        wires.is_ok_and(|wires| {
            let mut clients: Vec<_> = wires.into_iter().map(Client::over_wire).collect();
            clients.iter_mut().for_each(|client| client.send("K"));
            clients.iter_mut().all(|client| client.line_or_end().as_deref() == Some("OK"))
        })
    });
}

#[test]
fn a_handshake_counts_as_a_connection_and_who_is_too_many_is_told_through_tls() {
    let daemon = Daemon::start_with_tls(&["--max-connections", "1"]);
    let _beginning = raw(daemon.tls.as_ref().unwrap());
    let mut second = Client::connect(&daemon);
    second.expect("Closing (full)");
    assert_eq!(second.rest(), [""; 0]);
}
