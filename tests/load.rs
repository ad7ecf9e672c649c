//! The load generator tells the truth: of a daemon that keeps its promises, and of one that does not.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::harness::{Daemon, Ended, Program, example};

/// Long enough for some messages.
const SHORT: &[&str] = &["--seconds", "0.3", "--warmup-s", "0.1", "--json"];
/// A disk that others use too may stand still for seconds.
const PATIENT: &str = "20";

fn load(address: SocketAddr, arguments: &[&str]) -> Ended {
    let mut command = Command::new(example("load"));
    command.arg(address.to_string()).args(SHORT).args(arguments).env_remove("PARLOR_ADDRESS");
    Program::run(&mut command, "")
}

/// The report of a run against a daemon, which must be a good one.
#[track_caller]
fn sound(daemon: &Daemon, arguments: &str) -> Value {
    let pid = daemon.pid().to_string();
    let arguments: Vec<&str> = arguments.split(' ').chain(["--pid", &pid, "--patience-s", PATIENT]).collect();
    let ended = load(daemon.address, &arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    serde_json::from_str(&ended.out[0]).unwrap()
}

#[track_caller]
fn assert_all_came(report: &Value, receivers: u64) {
    let talk = &report["talk"];
    let sent = talk["sent"].as_u64().unwrap();
    // No more can be said of a rate: while the disk stands still it may be none.
    assert!(sent > 0 && talk["messages_per_s"].is_f64(), "{report}");
    assert_eq!((&talk["stored"], &talk["delivered"]), (&sent.into(), &(sent * receivers).into()), "{report}");
    for fault in ["lost", "doubled", "out_of_order", "refused", "unanswered"] {
        assert_eq!(talk[fault], 0, "{fault}: {report}");
    }
    assert_eq!(report["sound"], true);
}

#[track_caller]
fn assert_ascending(latency: &Value, count: u64) {
    let told: Vec<f64> =
        ["p50", "p90", "p99", "p99_9", "p99_99", "max"].iter().map(|name| latency[name].as_f64().unwrap()).collect();
    assert!(told[0] > 0.0 && told.is_sorted(), "{latency}");
    assert_eq!(latency["count"], count);
}

#[test]
fn a_closed_loop_goes_as_fast_as_it_can() {
    let daemon = Daemon::start();
    for (voice, more) in [("en", "--check-every"), ("zh", "--size-bytes 17"), ("json", "--senders 3")] {
        let report = sound(&daemon, &format!("--receivers 5 --window 16 --voice {voice} {more}"));
        assert_all_came(&report, 5);
        if let Some(count) = report["ok_us"]["count"].as_u64() {
            assert_ascending(&report["ok_us"], count);
        }
        assert_eq!((&report["delivery_us"], &report["scene"]["voice"]), (&Value::Null, &voice.into()));
        // Who speaks json hears itself and the others.
        let heard = if voice == "json" { report["talk"]["sent"].as_u64().unwrap() * 3 } else { 0 };
        assert_eq!(report["talk"]["heard_beside"], heard);
    }
}

#[test]
fn an_open_loop_says_all_that_was_meant_to_be_said() {
    let daemon = Daemon::start();
    let report = sound(&daemon, "--receivers 5 --rate-per-s 200 --senders 2");
    assert_all_came(&report, 5);
    // In 0.4 s, and in the 0.3 s of them that are measured.
    assert_eq!(report["talk"]["sent"], 80);
    assert_ascending(&report["delivery_us"], 5 * 60);
    assert_ascending(&report["delivery_since_sent_us"], 5 * 60);
    assert_ascending(&report["ok_us"], 60);
    assert_ascending(&report["late_us"], 60);
    let server = &report["server"];
    assert!(server["memory"]["rss_kib"].as_u64().unwrap() > 1000 && server["memory"]["pss_kib"].is_u64(), "{server}");
    assert!(server["voluntary_switches_per_s"].is_f64(), "{server}");
}

#[test]
fn senders_alone_wait_for_the_disk_only() {
    let daemon = Daemon::start();
    let report = sound(&daemon, "--receivers 0 --senders 2 --pipeline 32");
    let talk = &report["talk"];
    assert!(talk["oks_per_s"].is_f64() && talk["stored"] == talk["sent"], "{report}");
    assert_eq!(talk["delivered"], 0);
}

#[test]
fn logins_history_and_files_go_on_beside_the_talk() {
    let daemon = Daemon::start();
    let beside = "--logins 12 --login-rate-per-s 60 --history-per-s 40 --transfers 2 --transfer-mib 1";
    let report = sound(&daemon, &format!("--receivers 3 --rate-per-s 100 {beside} --run twice"));
    assert_all_came(&report, 3);
    assert_eq!((&report["logins"]["asked"], &report["history"]["asked"]), (&12.into(), &12.into()), "{report}");
    assert_ascending(&report["history"]["latency_us"], 12);
    let transfers = &report["transfers"];
    assert!(transfers["files"].as_u64().unwrap() >= 2 && transfers["up_bytes_per_s"].is_f64(), "{report}");
    // Files are withdrawn again.
    daemon.settles_to(&[]);
    // Once more with the same accounts, which are known now.
    let report = sound(&daemon, "--receivers 3 --rate-per-s 100 --logins 12 --logins-known --run twice");
    assert_eq!(report["logins"]["asked"], 12);
}

#[test]
fn idle_connections_are_weighed() {
    let daemon = Daemon::start();
    let report = sound(&daemon, "--receivers 0 --senders 0 --idle 200");
    assert_eq!((&report["idle"]["connections"], &report["entering"]["logins"]), (&200.into(), &200.into()));
    let bytes = report["idle"]["rss_bytes_per_connection"].as_f64().unwrap();
    assert!((0.0..200_000.0).contains(&bytes), "{report}");
}

#[test]
fn a_sweep_is_an_array() {
    let daemon = Daemon::start();
    let report = sound(&daemon, "--from-receivers 1 --to-receivers 4 --steps 3 --window 4");
    let receivers: Vec<_> =
        report.as_array().unwrap().iter().map(|report| report["scene"]["receivers"].as_u64().unwrap()).collect();
    assert_eq!(receivers, [1, 2, 4]);
    report.as_array().unwrap().iter().zip(receivers).for_each(|(report, receivers)| assert_all_came(report, receivers));
}

/// A room that hands on message number `n` as often as it is told to.
fn room(copies: fn(u64) -> usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let members: Arc<Mutex<Vec<(usize, TcpStream)>>> = Arc::default();
    thread::spawn(move || {
        for (place, stream) in listener.incoming().map(Result::unwrap).enumerate() {
            let members = Arc::clone(&members);
            members.lock().unwrap().push((place, stream.try_clone().unwrap()));
            thread::spawn(move || attend(place, stream, &members, copies));
        }
    });
    address
}

fn attend(place: usize, mut stream: TcpStream, members: &Mutex<Vec<(usize, TcpStream)>>, copies: fn(u64) -> usize) {
    let mut seq = 0;
    for line in BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok) {
        if let Some(text) = line.strip_prefix("C - ") {
            let told = format!("[load]: {text}\n").repeat(copies(seq));
            let members = members.lock().unwrap();
            // The generator goes when it has seen enough.
            members
                .iter()
                .filter(|(other, _)| *other != place)
                .for_each(|(_, stream)| _ = (&*stream).write_all(told.as_bytes()));
            seq += 1;
        }
        let reply = if line.starts_with("P ") { "OK load 1 1\n".to_owned() } else { format!("OK {seq}\n") };
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_lost_or_doubled_message_is_noticed() {
    let paces = [&["--window", "8"][..], &["--window", "8", "--check-every"], &["--rate-per-s", "100"]];
    for (copies, fault, other) in
        [((|n| usize::from(n != 7)) as fn(u64) -> usize, "lost", "doubled"), (|n| 1 + usize::from(n == 7), "doubled", "lost")]
    {
        let rooms = paces.map(|pace| {
            thread::spawn(move || (pace, load(room(copies), &[&["--receivers", "2", "--patience-s", "0.3"], pace].concat())))
        });
        for ended in rooms {
            let (pace, ended) = ended.join().unwrap();
            assert_eq!(ended.code, Some(1), "{pace:?}: {ended:?}");
            let report: Value = serde_json::from_str(&ended.out[0]).unwrap();
            assert_eq!((&report["talk"][fault], &report["talk"][other]), (&2.into(), &0.into()), "{pace:?}: {report}");
            assert!(ended.err.iter().any(|line| line.contains("not sound")), "{ended:?}");
        }
    }
    let ended = load(room(|_| 1), &["--receivers", "2"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn without_a_daemon_or_a_sense_there_is_no_report() {
    let daemon = Daemon::start();
    for (arguments, code, words) in [
        (&["--receivers", "0"][..], 2, "--pipeline"),
        (&["--pid", "4294967295"], 71, "--pid"),
        (&["--rate-per-s", "0"], 2, "number a second"),
    ] {
        let ended = load(daemon.address, arguments);
        assert_eq!((ended.code, ended.out.len()), (Some(code), 0), "{arguments:?}: {ended:?}");
        assert!(ended.err.concat().contains(words), "{arguments:?}: {ended:?}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = load(nobody, &["--receivers", "2"]);
    assert_eq!((ended.code, ended.out.len()), (Some(69), 0), "{ended:?}");
    assert!(ended.err.concat().contains("is parlord running there?"), "{ended:?}");
}

#[test]
fn a_full_daemon_is_told_of() {
    let daemon = Daemon::start_with(&["--max-connections", "3"]);
    let ended = load(daemon.address, &["--receivers", "8"]);
    assert_eq!((ended.code, ended.out.len()), (Some(69), 0), "{ended:?}");
    assert!(ended.err.concat().contains("full"), "{ended:?}");
}
