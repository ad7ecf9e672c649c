//! Steps of the system's clock: a day ahead, a day and three years back. What is promised in seconds is measured by
//! a clock that does not step; order is that of numbers. Run with `cargo test -- --ignored` (`tests/long/clock`).

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::harness::mixed::{Mixed, Scene};
use crate::harness::oracle::Tally;
use crate::harness::player::{Player, game_id, number, play, seat};
use crate::harness::{Client, Daemon, eventually, seed, upload};

const DAY_S: i64 = 24 * 3600;
/// By how many seconds the clock is off, in turn. Three years ahead would do what it says: tokens that nobody has used
/// for thirty days are too old then.
const STEPS_S: [i64; 3] = [DAY_S, -DAY_S, -3 * 365 * DAY_S];

/// A daemon whose clock can be set.
struct Faked {
    daemon: Daemon,
    setting: PathBuf,
}

impl Faked {
    fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let setting = directory.path().join("clock");
        std::fs::write(&setting, "+0\n").unwrap();
        let variables = [
            ("LD_PRELOAD", library().to_str().unwrap().to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", setting.to_str().unwrap().to_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // The other clock goes on as it does on a machine whose time is set. One of the names is an older one.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let daemon = Daemon::start_in(directory, flags, &variables);
        Self { daemon, setting }
    }

    /// Sets the clock, from one moment to the next.
    fn step(&self, offset_s: i64) {
        // In one piece: the library reads the file whenever it likes.
        let new = self.setting.with_extension("new");
        std::fs::write(&new, format!("{offset_s:+}\n")).unwrap();
        std::fs::rename(new, &self.setting).unwrap();
    }

    /// By how much the newest event's time is off.
    fn newest_is_off_by_s(&self) -> i64 {
        let sql = "SELECT send_time FROM chat_history ORDER BY seq DESC LIMIT 1";
        let newest: i64 = self.daemon.database().query_row(sql, [], |row| row.get(0)).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        (newest - i64::try_from(now).unwrap()) / 1000
    }
}

fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path().join("faketime"));
    let places = folders.chain([PathBuf::from("/usr/lib/faketime")]).map(|folder| folder.join("libfaketimeMT.so.1"));
    places.into_iter().find(|place| Path::exists(place)).expect("this test needs libfaketime (the package faketime)")
}

#[test]
#[ignore = "needs libfaketime: cargo test -- --ignored"]
fn steps_of_the_clock_change_no_order_and_disconnect_nobody() {
    let mut faked = Faked::start(&[]);
    let mixed = Mixed::start(&faked.daemon, Scene { seed: seed(), pace: Duration::from_millis(4), guests: 4 });
    for offset_s in STEPS_S {
        assert!(mixed.progress().wait_for(300), "not in time");
        faked.step(offset_s);
        eventually("the daemon's clock is set", || (faked.newest_is_off_by_s() - offset_s).abs() < 60);
    }
    assert!(mixed.progress().wait_for(300), "not in time");
    assert_eq!(mixed.most_logins_of_those_who_stay(), 1, "nobody lost the connection");
    let logs = mixed.finish(&mut faked.daemon);
    println!("{} steps of the clock, 0 faults, nobody disconnected: {}", STEPS_S.len(), Tally::of_all(&logs));
}

/// Seconds that each deadline here has.
const DEADLINE: Duration = Duration::from_secs(4);
/// How much later than its time something may be told on a machine that others use too.
const LATE: Duration = Duration::from_secs(8);

#[test]
#[ignore = "needs libfaketime: cargo test -- --ignored"]
fn steps_of_the_clock_move_no_deadline_no_game_clock_and_no_token() {
    thread::scope(|scope| STEPS_S.map(|offset_s| _ = scope.spawn(move || step_once(offset_s))));
}

/// Everything that has a time, across one step.
fn step_once(offset_s: i64) {
    let seconds = &DEADLINE.as_secs().to_string();
    let flags = ["invitation", "reconnect", "adjourn", "ticket", "first-line"].map(|what| format!("--{what}-timeout-s"));
    let flags: Vec<&str> = flags.iter().flat_map(|flag| [flag.as_str(), seconds]).collect();
    let mut faked = Faked::start(&flags);
    let daemon = &faked.daemon;
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| Player::enter(daemon, name));
    let timed = seat(&mut alice, &mut bob, "chess 5+3");
    play(&mut alice, &mut bob, &["e4", "e5"]);
    let mut strangers = away(daemon);
    let whole = b"as it was".as_slice();
    let mut early = Client::enter(daemon, "early");
    let offers = ["now", "never"].map(|name| early.offer(name));
    let adjourned = both_away(daemon, &mut carol);
    carol.invites("gomoku");
    let (begin, stranger, before) = (Instant::now(), Client::connect(daemon), alice.board());

    faked.step(offset_s);
    // At once: nothing of it is over.
    early.ask("C - the clock is set");
    assert!((faked.newest_is_off_by_s() - offset_s).abs() < 60);
    assert!(upload(daemon, &offers[0], whole).starts_with("OK "), "the ticket is good");
    let now = alice.board();
    for side in ["first_ms", "second_ms"] {
        let gone = number(&before, side) - number(&now, side);
        assert!(u128::from(gone) <= begin.elapsed().as_millis(), "{gone} ms of {side} went in {:?}", begin.elapsed());
    }
    let lists_invitation = |player: &mut Player| player.items_of("N").iter().any(|item| item["item"] == "invitation");
    assert!(lists_invitation(&mut alice), "the invitation stands");
    let mut again = alice.beside(daemon);
    again.ok(&json!({"do": "I", "token": alice.token, "enter": false}).to_string());
    assert!(begin.elapsed() < DEADLINE, "this test was too slow to see anything: {:?}", begin.elapsed());

    // In their time: not before, and not a day later.
    let mut due = vec![("uninvite", "expired"), ("result", "disconnected"), ("adjourned", "")];
    while !due.is_empty() {
        let event = carol.event();
        let told = (event["event"].as_str().unwrap(), event["reason"].as_str().unwrap_or_default());
        if due.contains(&told) {
            in_time(told.0, begin);
            due.retain(|one| *one != told);
        }
    }
    { stranger }.expect("Closing (login-timeout)");
    in_time("a stranger is sent away", begin);
    let late = upload(daemon, &offers[1], whole);
    assert!(late.starts_with("ERR bad-ticket "), "{late}");
    // The game goes on, with its clocks.
    play(&mut alice, &mut bob, &["Nf3", "Nc6"]);
    let board = alice.board();
    let (spent, bonus) = (number(&before, "first_ms") + 3_000 - number(&board, "first_ms"), 100);
    assert!(u128::from(spent) <= begin.elapsed().as_millis() + bonus, "{spent} ms in {:?}", begin.elapsed());

    // A daemon that starts at that time has all of it.
    strangers.clear();
    faked.daemon.kill();
    faked.daemon.restart();
    let daemon = &faked.daemon;
    alice.again(daemon);
    bob.again(daemon);
    assert_eq!(game_id(&alice.board()), timed);
    play(&mut alice, &mut bob, &["Bb5", "a6"]);
    let mut back = Player::enter(daemon, "eve");
    assert_eq!(game_id(&back.hears("adjourned")), adjourned);
    assert_orderly(daemon);
    println!("a step of {offset_s} s: no deadline, game clock, ticket or token noticed it");
}

/// Two at a game, of whom one loses the connection now.
fn away(daemon: &Daemon) -> Vec<Player> {
    let [mut gina, mut hugo] = ["gina", "hugo"].map(|name| Player::enter(daemon, name));
    seat(&mut gina, &mut hugo, "gomoku");
    play(&mut gina, &mut hugo, &["h8", "a1"]);
    gina.hang_up();
    hugo.hears("lost");
    vec![hugo]
}

/// Two at a game that somebody watches, who both lose the connection now; returns the game.
fn both_away(daemon: &Daemon, watcher: &mut Player) -> u64 {
    let [mut eve, mut finn] = ["eve", "finn"].map(|name| Player::enter(daemon, name));
    let id = seat(&mut eve, &mut finn, "gomoku");
    play(&mut eve, &mut finn, &["h8", "a1"]);
    watcher.ok(&format!("O {id}"));
    eve.hang_up();
    finn.hang_up();
    watcher.hears("paused");
    id
}

/// Neither earlier than its deadline nor much later. Some of them began a moment before.
#[track_caller]
fn in_time(what: &str, begin: Instant) {
    let took = begin.elapsed();
    let moment = Duration::from_millis(1500);
    assert!(took + moment >= DEADLINE && took < DEADLINE + LATE, "{what} after {took:?}");
}

/// Numbers are the order, whatever the times say.
fn assert_orderly(daemon: &Daemon) {
    let mut reader = Client::program(daemon, "reader");
    let mut items = reader.objects_of(r#"{"do":"H","left":0,"n":"+1000"}"#);
    items.retain(|item| item["item"].is_string());
    let numbers: Vec<u64> = items.iter().map(|item| item["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.len() > 20, "{numbers:?}");
}
