//! Two who play one game after the other: whole ones, and some that are given up.

use std::sync::Arc;

use serde_json::{Value, json};

use super::member::{Member, is_passing, rest};
use super::{Dice, Shared};
use crate::harness::WHOLE_GAMES;
use crate::harness::oracle::Deed;

/// What will be played, and the number of the game once that is known.
struct Plan {
    game: &'static str,
    moves: Vec<&'static str>,
    /// Given up after so many moves, if that comes before the end.
    given_up_after: usize,
    id: Option<u64>,
}

/// What came of an attempt.
enum Outcome {
    Done,
    /// Not at the moment, or not known: how it stands is looked up.
    LookAgain,
}

struct Pair {
    players: [Member; 2],
    dice: Dice,
}

pub(super) fn play(shared: Arc<Shared>, dice: Dice, name: &str) {
    let players = ["white", "black"].map(|side| Member::new(Arc::clone(&shared), &format!("{name}-{side}")));
    let mut pair = Pair { players, dice };
    let mut plan = pair.plan();
    while pair.players.iter_mut().try_for_each(Member::enter).is_some() {
        while pair.go_on(&mut plan).is_some() {
            if shared.gate.is_over() {
                return pair.players.iter_mut().for_each(Member::leave);
            }
        }
    }
}

impl Pair {
    fn plan(&mut self) -> Plan {
        // One whose moves are all made by players: the server passes in reversi.
        let games: Vec<_> = WHOLE_GAMES.iter().filter(|whole| whole.game != "reversi").collect();
        let whole = games[self.dice.below(games.len() as u64) as usize];
        let moves: Vec<&str> = whole.moves.split_ascii_whitespace().collect();
        let given_up_after = 2 + self.dice.below(2 * moves.len() as u64) as usize;
        Plan { game: whole.game, moves, given_up_after, id: None }
    }

    /// Looks how the game stands and plays on; `None`, here as below, once a connection is lost.
    fn go_on(&mut self, plan: &mut Plan) -> Option<()> {
        let Some(board) = self.board()? else {
            // It is over, or never began.
            if plan.id.is_some() {
                *plan = self.plan();
            }
            return match self.seat(plan)? {
                Outcome::Done => self.play_on(plan, 0),
                Outcome::LookAgain => Some(()),
            };
        };
        plan.id = board["game_id"].as_u64();
        if board["paused"] == true {
            return Some(());
        }
        self.play_on(plan, board["ply"].as_u64()? as usize)
    }

    /// The board of the game under way, as the first player sees it.
    fn board(&mut self) -> Option<Option<Value>> {
        let first = &mut self.players[0];
        first.write(&json!({"do": "M"}))?;
        let mut board = None;
        loop {
            let line = first.next()?;
            if line["item"] == "board" && line["turn"].is_string() {
                board = Some(line);
            } else if line["ok"].is_string() || line["err"].is_string() {
                return Some(board);
            }
        }
    }

    fn seat(&mut self, plan: &mut Plan) -> Option<Outcome> {
        let [first, second] = &mut self.players;
        let clock = if self.dice.below(2) == 0 { json!("60+2") } else { Value::Null };
        let invited = first.does(Deed::Invite, &json!({"do": "G", "game": plan.game, "clock": clock, "seat": second.name}))?;
        let is_open = invited["err"].is_null() || invited["err"] == "already-inviting";
        if !is_open {
            return self.look_again(&invited);
        }
        let [first, second] = &mut self.players;
        let seated = second.does(Deed::TakeSeat, &json!({"do": "D", "inviter": first.name}))?;
        if seated["err"].is_string() {
            return self.look_again(&seated);
        }
        plan.id = seated["game_id"].as_u64();
        Some(Outcome::Done)
    }

    fn play_on(&mut self, plan: &mut Plan, played: usize) -> Option<()> {
        let game = plan.id?;
        for ply in played + 1..=plan.moves.len() {
            self.players[0].shared.pause(&mut self.dice);
            if ply > plan.given_up_after {
                let loser = &mut self.players[self.dice.below(2) as usize];
                let reply = loser.does(Deed::Resign { game }, &json!({"do": "M", "move": "resign", "game_id": game}))?;
                if reply["err"].is_string() {
                    self.look_again(&reply)?;
                }
                return Some(());
            }
            let (mover, typed) = (&mut self.players[1 - ply % 2], plan.moves[ply - 1]);
            let deed = Deed::Move { game, ply, played: typed.to_owned() };
            let reply = mover.does(deed, &json!({"do": "M", "move": typed, "ply": ply, "game_id": game}))?;
            if reply["err"].is_string() {
                self.look_again(&reply)?;
                return Some(());
            }
        }
        Some(())
    }

    /// What is refused for the moment, or was done and not answered, or is on its way.
    fn look_again(&mut self, refusal: &Value) -> Option<Outcome> {
        const UNDER_WAY: [&str; 8] =
            ["unconfirmed", "already-playing", "no-invitation", "not-now", "no-game", "wrong-ply", "not-your-turn", "reserved"];
        let code = refusal["err"].as_str()?;
        assert!(
            is_passing(code) || UNDER_WAY.contains(&code),
            "{} and {}: {refusal}",
            self.players[0].name,
            self.players[1].name
        );
        rest(refusal);
        Some(Outcome::LookAgain)
    }
}
