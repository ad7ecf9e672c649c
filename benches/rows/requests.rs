//! What is asked of a daemon, and how long the answer takes.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::{Client, Daemon, Dice, noise, upload};

/// A running daemon with somebody in its room.
pub struct Side {
    daemon: Daemon,
    member: Client,
    program: Client,
    /// In the history at the start.
    rows: u64,
    dice: Dice,
    /// Makes every ref a new one.
    run: u128,
    count: u64,
}

/// A request, and how often it is made in a round.
pub struct Request {
    pub what: &'static str,
    pub times: usize,
    pub make: fn(&mut Side) -> Duration,
}

pub const REQUESTS: [Request; 6] = [
    Request { what: "login by password (bcrypt cost 4)", times: 60, make: Side::log_in },
    Request { what: "history, the last 20 lines", times: 300, make: Side::last_page },
    Request { what: "history, 20 lines at a random place", times: 300, make: Side::random_page },
    Request { what: "upload of 1 KiB, recorded", times: 60, make: Side::share },
    Request { what: "one line, until it is durable", times: 100, make: Side::say },
    Request { what: "the same with a ref, from a program", times: 100, make: Side::say_with_ref },
];

impl Side {
    pub fn start(directory: &Path, rows: u64) -> Self {
        let daemon = Daemon::start_in(directory.to_path_buf(), &[], &[]);
        let (member, program) = (Client::enter(&daemon, "member"), Client::program(&daemon, "program"));
        let run = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let mut side = Self { daemon, member, program, rows, dice: Dice(7), run, count: 0 };
        // What is made once is made now: accounts, prepared statements.
        REQUESTS.iter().for_each(|request| _ = (request.make)(&mut side));
        side
    }

    pub fn stop(mut self) {
        assert!(self.daemon.stop().success());
    }

    fn log_in(&mut self) -> Duration {
        let mut visitor = Client::connect(&self.daemon);
        let begin = Instant::now();
        visitor.log_in("visitor");
        let taken = begin.elapsed();
        visitor.send("E");
        visitor.rest();
        taken
    }

    fn last_page(&mut self) -> Duration {
        self.page("H - - 20")
    }

    fn random_page(&mut self) -> Duration {
        let right = 1000 + self.dice.below(self.rows - 1000);
        self.page(&format!("H - {right} 20"))
    }

    fn page(&mut self, request: &str) -> Duration {
        let begin = Instant::now();
        let lines = self.member.lines_of(request);
        let taken = begin.elapsed();
        assert_eq!(lines.iter().filter(|line| line.starts_with('#')).count(), 20, "{lines:#?}");
        taken
    }

    fn share(&mut self) -> Duration {
        const NAME: &str = "upload";
        let content = noise(self.dice.below(u64::MAX), 1024);
        let begin = Instant::now();
        let offer = self.member.offer(NAME);
        let reply = upload(&self.daemon, &offer, &content);
        let taken = begin.elapsed();
        assert!(reply.starts_with("OK "), "{reply}");
        self.member.withdraw(NAME);
        taken
    }

    fn say(&mut self) -> Duration {
        let begin = Instant::now();
        let reply = self.member.ask("C - this is what somebody has to say");
        let taken = begin.elapsed();
        assert!(reply.starts_with("OK "), "{reply}");
        taken
    }

    fn say_with_ref(&mut self) -> Duration {
        self.count += 1;
        let request = format!(r#"{{"do":"C","text":"this is what a program has to say","ref":"{}-{}"}}"#, self.run, self.count);
        let begin = Instant::now();
        let reply = self.program.ask(&request);
        let taken = begin.elapsed();
        assert!(reply.starts_with("{\"ok\""), "{reply}");
        taken
    }
}
