//! What everybody has: `ncat --ssl` and `openssl s_client -quiet` talk, send and fetch, and the commands of `F` and `L`
//! work as they stand.

use std::fs;
use std::path::Path;
use std::process::Command;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::harness::{Client, Daemon, Identity, PASSWORD, Program, example, is_shared, noise, seq_of};
use crate::start_stop::run;

const NEEDS: &str = "this test needs ncat, openssl, bash, dash and busybox";

fn ncat(daemon: &Daemon) -> Command {
    let address = daemon.entrance();
    let mut command = Command::new("ncat");
    command.args(["--ssl", &address.ip().to_string(), &address.port().to_string()]);
    command
}

/// Checks the certificate, which ncat does not unless it is told to.
fn openssl(daemon: &Daemon) -> Command {
    let tls = daemon.tls.as_ref().unwrap();
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-verify_hostname", "localhost", "-CAfile"]);
    command.arg(&tls.identity.certificate).args(["-connect", &tls.address.to_string()]);
    command
}

#[test]
fn ncat_and_openssl_are_clients() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    for (name, mut command) in [("ned", ncat(&daemon)), ("olga", openssl(&daemon))] {
        let mut program = Program::start(&mut command);
        program.send(&format!("U {name}"));
        assert!(program.line().starts_with(&format!("OK new {name} ")), "{NEEDS}");
        program.send(&format!("P {name} {PASSWORD}"));
        assert!(program.line().starts_with(&format!("OK {name} 2 ")));
        alice.expect(&format!("[{name}] entered"));
        // Without -quiet openssl would take these as commands of its own.
        for line in ["K", "Q", "R"] {
            program.send(line);
            let reply = program.line();
            assert!(reply.starts_with("OK") || reply.starts_with("ERR unknown-command "), "{line}: {reply}");
        }
        program.send(&format!("C - hello from {name}"));
        assert!(seq_of(&program.line()) > 0);
        alice.expect(&format!("[{name}]: hello from {name}"));
        alice.ask(&format!("C - hello {name}"));
        assert_eq!(program.line(), format!("[alice]: hello {name}"));
        program.send("E");
        assert!(program.line().starts_with("OK "));
        alice.expect(&format!("[{name}] left"));
    }
}

/// The one line of an answer that is to be pasted.
fn pasted(client: &mut Client, request: &str) -> String {
    let lines = client.lines_of(request);
    let commands: Vec<&String> = lines.iter().filter(|line| line.contains(" | ncat --ssl ")).collect();
    let [command] = commands[..] else { panic!("{request}: {lines:?}") };
    command.clone()
}

fn paste(shell: &[&str], command: &str, directory: &Path) -> String {
    let (program, arguments) = shell.split_first().unwrap();
    let (code, out, err) = run(Command::new(program).args(arguments).args(["-c", command]).current_dir(directory));
    assert_eq!((code, err.as_str()), (0, ""), "{NEEDS}: {command}");
    out
}

#[test]
fn the_commands_of_f_and_l_are_pasted_into_any_shell() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    let shells = [&["bash"][..], &["dash"], &["busybox", "sh"]];
    let names = ["report.pdf", r#"it's $(touch pwned) "q";.pdf"#, "-rf"];
    for (seed, shell) in shells.into_iter().enumerate() {
        for name in names {
            let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let whole = noise(seed as u64, 300_000);
            fs::write(here.path().join(name), &whole).unwrap();
            let up = pasted(&mut alice, &format!("F - {name}"));
            let said = paste(shell, &up, here.path());
            assert!(is_shared(&said, &whole), "{up}: {said}");
            let down = pasted(&mut alice, &format!("L - {name}"));
            assert_eq!(paste(shell, &down, there.path()), "", "{down}");
            assert!(fs::read(there.path().join(name)).unwrap() == whole, "{down}");
            assert_eq!((fs::read_dir(here.path()).unwrap().count(), fs::read_dir(there.path()).unwrap().count()), (1, 1));
            alice.withdraw(name);
        }
    }
}

#[test]
fn a_cut_upload_is_gone_on_with_by_the_next_command() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    let here = tempfile::tempdir().unwrap();
    let whole = noise(1, 100_000);
    fs::write(here.path().join("cut"), &whole).unwrap();
    let first = alice.offer("cut");
    let mut transfer = Client::transfer(&daemon, [first.line(&whole).as_bytes(), &whole[..40_000]].concat());
    transfer.end_input();
    assert!(transfer.last_line().starts_with("ERR size-mismatch "));
    let second = pasted(&mut alice, "F - cut");
    assert!(second.contains("tail -c +40001 'cut'"), "{second}");
    assert!(is_shared(&paste(&["sh"], &second, here.path()), &whole));
}

#[test]
fn openssl_sends_and_fetches() {
    let daemon = Daemon::start_with_tls(&[]);
    let mut alice = Client::enter(&daemon, "alice");
    let whole = noise(3, 300_000);
    let offer = alice.offer("report.pdf");
    let sent = Program::run(&mut openssl(&daemon), [offer.line(&whole).as_bytes(), &whole].concat());
    assert!(sent.out.first().is_some_and(|reply| is_shared(reply, &whole)), "{sent:?}");
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("came");
    let ticket = alice.find("report.pdf").ticket;
    let command = format!("echo 'T {ticket}' | {:?} > '{}'", openssl(&daemon), place.display());
    let (code, _, err) = run(Command::new("sh").args(["-c", &command]));
    assert_eq!(code, 0, "{err}");
    assert!(fs::read(place).unwrap() == whole);
}

#[test]
fn openssl_tells_of_a_port_without_tls_what_people_know_for_it() {
    let daemon = Daemon::start();
    let (code, _, err) = run(Command::new("openssl").args(["s_client", "-quiet", "-connect", &daemon.address.to_string()]));
    assert_ne!(code, 0);
    assert!(err.contains("wrong version number"), "{err}");
}

/// The README's commands for TLS, one after the other; what goes on over two lines is one.
fn readme_commands() -> Vec<String> {
    let (_, section) = include_str!("../../README.md").split_once("\n**TLS.** ").unwrap();
    let section = section.split("\n**").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_readme_shows_how_a_certificate_is_made_and_used() {
    let commands = readme_commands();
    let [make, start, by_ncat, by_openssl, by_client] = &commands[..] else { panic!("{commands:?}") };
    let directory = tempfile::tempdir().unwrap();
    let (code, _, err) = run(Command::new("sh").args(["-c", make]).current_dir(&directory));
    assert_eq!(code, 0, "{make}: {err}");
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let der = CertificateDer::from_pem_file(&certificate).unwrap();
    // Its flags, but for the port.
    assert_eq!(start, "parlord --tls-listen 0.0.0.0:7172 --tls-cert cert.pem --tls-key key.pem");
    let here = directory.path().to_owned();
    let daemon = Daemon::start_as(Identity { certificate, key, der }, directory, &[]);
    let port = daemon.entrance().port().to_string();
    let mut alice = Client::enter(&daemon, "alice");
    for (name, command) in [("ned", by_ncat), ("olga", by_openssl), ("clara", by_client)] {
        let command = command.replace("chat.example.org", "localhost").replace("7172", &port);
        let own = command.strip_prefix("client ").map(|rest| format!("{} {rest}", example("client").display()));
        let command = own.unwrap_or(command);
        let command = command.replace("--user alice", &format!("--user {name} --register"));
        let log_in = if name == "clara" { String::new() } else { format!("U {name}\nP {name} {PASSWORD}\n") };
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(&here).env("PARLOR_PASSWORD", PASSWORD);
        let ended = Program::run(&mut shell, format!("{log_in}C - it is {name}\nE\n"));
        assert_eq!(ended.code, Some(0), "{command}: {ended:?}");
        alice.skip_to(&format!("[{name}]: it is {name}"));
    }
}
