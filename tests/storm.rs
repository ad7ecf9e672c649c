//! A crash with a full room: everyone comes back in the moment the daemon listens again, by token, and is in the
//! room within seconds. PARLOR_TEST_CLIENTS says how many; PARLOR_TEST_STRICT=1 holds the daemon to its time
//! (`tests/long/storm`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::oracle::{Log, Step, Stored, assert_faultless, faults};
use crate::harness::{Client, Daemon, PASSWORD, Spread, is_strict, repetitions};

/// Within which all are back.
const ALL_BACK: Duration = Duration::from_secs(10);
/// Longer than that takes anywhere.
const PATIENCE: Duration = Duration::from_secs(120);
const MARK: &str = "is everyone here?";

struct Account {
    name: String,
    token: String,
}

/// Registers accounts without entering the room.
fn register(daemon: &Daemon, numbers: impl Iterator<Item = usize>) -> Vec<Account> {
    let one = |number: usize| {
        let name = format!("member-{number}");
        let mut client = Client::connect(daemon);
        client.ask("V json");
        client.ask(&format!("U {name}"));
        let login = json!({"do": "P", "name": name, "password": PASSWORD, "enter": false}).to_string();
        let mut reply: Value = serde_json::from_str(&client.ask(&login)).unwrap();
        while reply["err"] == "busy" || reply["err"] == "slow-down" {
            thread::sleep(Duration::from_millis(reply["retry_ms"].as_u64().unwrap_or(50)));
            reply = serde_json::from_str(&client.ask(&login)).unwrap();
        }
        let token = reply["token"].as_str().unwrap_or_else(|| panic!("{name}: {reply}")).to_owned();
        Account { name, token }
    };
    numbers.map(one).collect()
}

/// A connection that has logged in, and what has come behind the answer.
struct Member {
    stream: TcpStream,
    entry: u64,
    rest: Vec<u8>,
}

/// Comes in by token; reads up to the answer. `None` if the connection is lost
/// before, or the disk is too slow for so many: then one comes back.
async fn come_in(address: SocketAddr, token: &str) -> Option<Member> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(format!("V json\nI {token}\n").as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        if let Some(answer) = lines.nth(1) {
            let answer: Value = serde_json::from_slice(answer).unwrap();
            if answer["err"] == "unconfirmed" || answer["err"] == "store-failed" {
                return None;
            }
            assert_eq!(answer["ok"], "I", "{answer}");
            let rest = lines.flatten().copied().collect();
            return Some(Member { stream, entry: answer["seq"].as_u64().unwrap(), rest });
        }
    }
}

impl Member {
    /// Listens to its end, or up to some words.
    async fn listen(&mut self, words: Option<&str>) {
        loop {
            if words.is_some_and(|words| memchr::memmem::find(&self.rest, words.as_bytes()).is_some()) {
                return;
            }
            // What the words could have begun in.
            self.rest.drain(..self.rest.len().saturating_sub(MARK.len()));
            let end = self.stream.read_buf(&mut self.rest).await.unwrap_or(0);
            if end == 0 {
                return;
            }
        }
    }
}

/// Everyone comes in at once. Returns them, and how long each took.
async fn all_come_in(address: SocketAddr, accounts: &[Arc<Account>]) -> (JoinSet<()>, Spread, Vec<Log>) {
    let begin = Instant::now();
    let (sender, mut entered) = tokio::sync::mpsc::channel(accounts.len().max(1));
    let mut members = JoinSet::new();
    for account in accounts {
        let (account, sender) = (Arc::clone(account), sender.clone());
        members.spawn(async move {
            let mut member = loop {
                match come_in(address, &account.token).await {
                    Some(member) => break member,
                    None => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            };
            let mut log = Log::of(&account.name);
            log.steps.push(Step::Entered { seq: member.entry, token: Some(account.token.clone()) });
            sender.send((begin.elapsed(), log)).await.unwrap();
            drop(sender);
            member.listen(Some(MARK)).await;
        });
    }
    drop(sender);
    let (mut spread, mut logs) = (Spread::default(), Vec::new());
    while let Some((took, log)) = timeout(PATIENCE, entered.recv()).await.expect("all come in in time") {
        spread.add(took);
        logs.push(log);
    }
    (members, spread, logs)
}

#[test]
fn after_a_crash_everyone_is_back_within_seconds_by_token() {
    let clients = repetitions("PARLOR_TEST_CLIENTS", 200);
    let mut daemon = Daemon::start();
    let accounts: Vec<Arc<Account>> = thread::scope(|scope| {
        let register = |first: usize| {
            scope.spawn({
                let daemon = &daemon;
                move || register(daemon, (first..clients).step_by(4))
            })
        };
        let threads: Vec<_> = (0..4).map(register).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).map(Arc::new).collect()
    });
    let runtime = Runtime::new().unwrap();
    let (members, first, mut logs) = runtime.block_on(all_come_in(daemon.address, &accounts));
    daemon.kill();
    runtime.block_on(members.join_all());
    let mut start = Spread::default();
    start.time(|| daemon.restart());
    let (members, back, more) = runtime.block_on(all_come_in(daemon.address, &accounts));
    let used_ms = 10 * daemon.processor_ticks();
    logs.extend(more);
    assert_eq!(logs.len(), 2 * clients);
    // They are not only answered, but hear.
    let mut person = Client::enter(&daemon, "person");
    let begin = Instant::now();
    let reply = person.ask(&format!("C - {MARK}"));
    assert!(reply.starts_with("OK "), "{reply}");
    runtime.block_on(async { timeout(PATIENCE, members.join_all()).await.expect("all hear it in time") });
    println!("{clients} clients come in at once: {first}");
    println!(
        "after kill -9 the daemon listens again in {start}; {clients} come back at once: {back}; that takes the daemon {used_ms} ms of processor time"
    );
    println!("what is said then is heard by all after {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    let stored = Stored::read(&daemon.data());
    assert_faultless("with all back", &faults(&logs.iter().collect::<Vec<_>>(), &stored));
    assert!(!is_strict() || back.max() < ALL_BACK, "{back}");
}
