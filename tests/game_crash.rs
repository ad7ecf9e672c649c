//! The promise about games and the end of the daemon, by `kill -9` or SIGTERM: every move that was answered
//! `OK` is on the board afterwards and no other that was never sent, the clocks are those of the last of
//! them, nobody has lost or won by it, and the games go on to their ends. PARLOR_TEST_GAMES says how many
//! games, PARLOR_TEST_KILLS how many kills.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;

use serde_json::Value;

use crate::harness::player::{Player, game_id, number, peaceful_moves, seat};
use crate::harness::{Daemon, Dice, Progress, repetitions};

/// However often the daemon ends meanwhile, nobody moves on from here before all that is over.
const LAST_PLY: usize = 215;

/// A game that is played on and on, and what its players know of it.
struct Game {
    id: u64,
    players: [Player; 2],
    moves: Vec<String>,
    /// The moves that were sent, and those that were answered `OK`.
    sent: usize,
    answered: usize,
    /// The moves that were there after the last restart.
    kept: usize,
    /// What was heard of each move, by either player.
    heard: BTreeMap<usize, Value>,
    /// The end, as each has heard it.
    over: [Option<Value>; 2],
}

impl Game {
    fn begin(daemon: &Daemon, number: usize, dice: &mut Dice) -> Self {
        let mut players = ["white", "black"].map(|name| Player::enter(daemon, &format!("{name}{number}")));
        let [first, second] = &mut players;
        let id = seat(first, second, "gomoku 60+2");
        Self {
            id,
            players,
            moves: peaceful_moves(dice),
            sent: 0,
            answered: 0,
            kept: 0,
            heard: BTreeMap::new(),
            over: [None, None],
        }
    }

    /// The next line that a player hears, noted if it is a move or the end; `None` once the daemon is gone.
    fn line(&mut self, player: usize) -> Option<Value> {
        let line = serde_json::from_str::<Value>(&self.players[player].client.line_or_end()?).unwrap();
        if line["event"] == "move" {
            let before = self.heard.insert(number(&line, "ply") as usize, line.clone());
            assert!(before.as_ref().is_none_or(|before| *before == line), "one move, told as {before:?} and {line}");
        } else if line["event"] == "over" {
            self.over[player] = Some(line.clone());
        }
        Some(line)
    }

    /// The next move, until its player has the answer and the other has heard it. A move that was sent
    /// before, and not answered, is sent again: for that ply it is the same move.
    fn make_move(&mut self) -> Option<()> {
        let (ply, mover) = (self.answered + 1, self.answered % 2);
        let line = format!("M {} {ply} {}\n", self.moves[ply - 1], self.id);
        self.sent = ply;
        self.players[mover].client.stream().write_all(line.as_bytes()).ok()?;
        loop {
            let line = self.line(mover)?;
            if line["event"] == "closing" {
                continue;
            }
            assert!(line["err"].is_null(), "game {}, ply {ply}: {line}", self.id);
            if line["ok"] == "M" {
                assert_eq!(number(&line, "ply") as usize, ply);
                break;
            }
        }
        self.answered = ply;
        // What was there before is told to nobody again.
        while ply > self.kept && !self.heard_by_other(1 - mover, ply)? {}
        Some(())
    }

    fn heard_by_other(&mut self, other: usize, ply: usize) -> Option<bool> {
        let line = self.line(other)?;
        Some(line["event"] == "move" && number(&line, "ply") as usize == ply)
    }

    /// Plays until the daemon is gone, or there are so many moves.
    fn play(&mut self, moves: usize, progress: &Progress) {
        while self.answered < moves && self.make_move().is_some() {
            progress.step();
        }
    }

    /// Compares what is there after a restart with what was answered and sent.
    fn check(&mut self, watcher: &mut Player) {
        let mut items = watcher.lines_of(&format!("O {}", self.id));
        items.retain(|line| line["item"].is_string());
        let board = items.pop().unwrap();
        assert_eq!((&board["item"], game_id(&board), &board["paused"]), (&"board".into(), self.id, &true.into()), "{board}");
        let kept: Vec<&str> = items.iter().map(|line| line["move"].as_str().unwrap()).collect();
        let ply = kept.len();
        assert!(
            (self.answered..=self.sent).contains(&ply),
            "game {}: {ply} moves are there, {} of {} were answered OK",
            self.id,
            self.answered,
            self.sent
        );
        assert_eq!(kept, self.moves[..ply], "game {}", self.id);
        let turn = self.players[ply % 2].name.as_str();
        assert_eq!((number(&board, "ply") as usize, &board["turn"]), (ply, &turn.into()), "{board}");
        if let Some(last) = self.heard.get(&ply) {
            for key in ["position", "first_ms", "second_ms"] {
                assert_eq!(board[key], last[key], "{key} of game {}, as of its last move", self.id);
            }
        }
        watcher.ok("O -");
        self.kept = ply;
        // What was heard, but not stored, has not happened.
        self.heard.retain(|&heard, _| heard <= ply);
    }

    /// Both come back, one after the other.
    fn resume(&mut self, daemon: &Daemon, dice: &mut Dice) {
        let early = dice.below(2) as usize;
        for (player, is_paused) in [(early, true), (1 - early, false)] {
            self.players[player].again(daemon);
            let board = self.players[player].client.json();
            let told = (&board["event"], game_id(&board), &board["paused"]);
            assert_eq!(told, (&"board".into(), self.id, &is_paused.into()), "{board}");
        }
        assert_eq!(game_id(&self.players[early].hears("resumed")), self.id);
    }

    /// Plays to the end, which both hear.
    fn finish(&mut self) {
        self.play(self.moves.len(), &Progress::default());
        assert_eq!(self.answered, self.moves.len());
        for player in 0..2 {
            while self.over[player].is_none() {
                self.line(player).expect("the daemon runs");
            }
            let over = self.over[player].as_ref().unwrap();
            let told = (game_id(over), &over["result"], &over["reason"]);
            assert_eq!(told, (self.id, &"draw".into(), &"board-full".into()), "{over}");
        }
    }
}

fn on_each(games: &mut [Game], work: impl Fn(&mut Game) + Sync) {
    thread::scope(|scope| games.iter_mut().for_each(|game| _ = scope.spawn(|| work(game))));
}

/// Everything that must hold after a restart, before anyone but the watcher is back.
fn check_all(daemon: &Daemon, games: &mut [Game], watcher: &mut Player, invited: &mut u64) {
    watcher.again(daemon);
    let results = "SELECT count(*) FROM chat_history WHERE kind = 'result'";
    assert_eq!(daemon.database().query_row(results, [], |row| row.get::<_, u64>(0)).unwrap(), 0, "a result is invented");
    let count = watcher.lines_of("N 1").pop().unwrap()["count"].clone();
    assert_eq!(count, games.len(), "all of them, and no invitation");
    games.iter_mut().for_each(|game| game.check(watcher));
    // An invitation was open before.
    let newest = watcher.invites("gomoku");
    assert!(newest > *invited && games.iter().all(|game| game.id < newest), "{newest} is used again");
    *invited = newest;
}

/// A way in which the daemon ends, and with it the connections of those who are here.
pub(crate) type End = fn(&mut Daemon, &mut [&mut Player]);

pub(crate) fn kill(daemon: &mut Daemon, _: &mut [&mut Player]) {
    daemon.kill();
}

/// A closed connection is read on for a while, until the other end closes too.
pub(crate) fn stop(daemon: &mut Daemon, here: &mut [&mut Player]) {
    daemon.signal("TERM");
    for player in here {
        assert_eq!(player.hears("closing")["reason"], "shutting-down");
        player.hang_up();
    }
    assert_eq!(daemon.wait().code(), Some(0));
}

/// Plays, ends the daemon in the middle of it, and so on; then every game to its end.
fn play_on_through(end: End, games: usize, rounds: usize) -> (usize, usize) {
    let mut daemon = Daemon::start();
    let mut dice = Dice::new();
    let mut watcher = Player::enter(&daemon, "watcher");
    let mut games: Vec<Game> = (0..games).map(|number| Game::begin(&daemon, number, &mut dice)).collect();
    let mut invited = watcher.invites("gomoku");
    let mut unanswered = 0;
    for round in 0..rounds {
        let progress = Progress::default();
        // Some end while few have moved, some later.
        let left: usize = games.iter().map(|game| LAST_PLY - game.answered).sum();
        let steps = dice.below(1 + (games.len() * 10 * round.min(1)) as u64).min(left as u64);
        thread::scope(|scope| {
            for game in &mut games {
                let progress = &progress;
                scope.spawn(move || {
                    game.play(LAST_PLY, progress);
                    // Who may not move on waits for the daemon's end like everyone.
                    while game.answered == LAST_PLY && game.line(0).is_some() {}
                    game.players.iter().for_each(Player::hang_up);
                });
            }
            let is_enough = progress.wait_for(steps);
            end(&mut daemon, &mut [&mut watcher]);
            assert!(is_enough, "not enough moves in time");
        });
        unanswered += games.iter().filter(|game| game.sent > game.answered).count();
        daemon.restart();
        check_all(&daemon, &mut games, &mut watcher, &mut invited);
        if round % 2 == 1 {
            // Once more, with half of them back.
            let mut back = Vec::from([&mut watcher]);
            for game in games.iter_mut().step_by(2) {
                game.resume(&daemon, &mut dice);
                back.extend(&mut game.players);
            }
            end(&mut daemon, &mut back);
            daemon.restart();
            check_all(&daemon, &mut games, &mut watcher, &mut invited);
        }
        games.iter_mut().for_each(|game| game.resume(&daemon, &mut dice));
    }
    let answered = games.iter().map(|game| game.answered).sum();
    on_each(&mut games, Game::finish);
    daemon.assert_intact();
    (answered, unanswered)
}

#[test]
fn every_move_answered_ok_is_on_the_board_after_kill_9_and_the_games_go_on() {
    let (games, kills) = (repetitions("PARLOR_TEST_GAMES", 20), repetitions("PARLOR_TEST_KILLS", 3));
    let (answered, unanswered) = play_on_through(kill, games, kills);
    println!(
        "{kills} times kill -9 during {games} games: {answered} moves answered OK, 0 missing; {unanswered} were on their way"
    );
}

#[test]
fn a_stop_of_the_daemon_loses_no_move_and_invents_no_result() {
    let (games, stops) = (repetitions("PARLOR_TEST_GAMES", 6), repetitions("PARLOR_TEST_KILLS", 2));
    play_on_through(stop, games, stops);
}
