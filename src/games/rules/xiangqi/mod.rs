//! Xiangqi, the chess of China. This file holds when and how a game ends and what is answered to what was
//! typed; [`position`] knows the board, [`notation`] the two ways of writing a move, [`drawing`] the board
//! for people and the FEN.
//!
//! The rules are those of the Chinese Xiangqi Association (象棋竞赛规则, 2020), less what needs an arbiter:
//!
//! - who is mated loses, and so does who has no move otherwise;
//! - when a position occurs for the third time, a side that has given check with every move since the
//!   first time, while the other has not, loses; otherwise that is a draw. A perpetual chase is not judged:
//!   it is a draw like any other repetition;
//! - it is a draw when neither side has a piece left that can cross the river, and when nothing was
//!   captured for sixty moves of each side, be they checks or not. Mate comes before all of these, and a
//!   repetition before the sixty moves.
//!
//! A move is typed as coordinates (`h2e2`, `h2-e2`) or in Chinese (`炮二平五`), whatever tongue one is
//! spoken to in; its notation is the coordinates.
//!
//! The position is FEN as xiangqi has it: ranks from black's side to red's with the letters k general,
//! a advisor, b elephant, n horse, r chariot, c cannon and p pawn, in upper case for red; whose turn it is
//! (`w` for red, `b`); two hyphens; half-moves since the last capture; the number of the move. The English
//! board uses the same letters, so that there is one set to learn.

mod drawing;
mod notation;
mod position;
#[cfg(test)]
mod tests;

use std::mem;

use crate::protocol::game::{End, Side, Words};
use crate::protocol::tongue::Tongue;

use self::notation::Typed;
use self::position::{Kind, Position, Step};
use super::{Game, Illegal, Move, Rules, exactly};

/// What the list of games says of it.
pub(super) const GAME: Game = Game {
    title: Words::new("xiangqi", "xiangqi", "象棋"),
    sides: [Words::new("red", "red", "红方"), Words::new("black", "black", "黑方")],
    start: || Box::new(Xiangqi::at(Position::start())),
    at: |text| exactly(text, Xiangqi::read(text)?),
    ends: &[&CHECKMATE, &STALEMATE, &DEAD_POSITION, &PERPETUAL_CHECK, &REPETITION, &SIXTY_MOVES],
    record: None,
};

static CHECKMATE: Words = Words::new("checkmate", "checkmate", "将死");
static STALEMATE: Words = Words::new("stalemate", "stalemate", "困毙");
static DEAD_POSITION: Words = Words::new("dead-position", "no attacking pieces left", "双方均无进攻子力");
static PERPETUAL_CHECK: Words = Words::new("perpetual-check", "perpetual check", "长将");
static REPETITION: Words = Words::new("repetition", "repetition", "重复局面");
static SIXTY_MOVES: Words = Words::new("sixty-moves", "sixty moves without a capture", "六十回合无吃子");

/// How many half-moves without a capture make a draw.
const QUIET_PLIES: usize = 2 * 60;

const UNREADABLE: Illegal =
    Illegal::new("that is not a move; type one like h2e2", "看不懂这步棋；请输入坐标如 h2e2，或棋谱如 炮二平五");
const NOT_YOURS: Illegal = Illegal::new("none of your pieces stands there", "起点上没有您的棋子");
const OWN_PIECE: Illegal = Illegal::new("your own piece stands there", "终点上是您自己的棋子");
const HORSE_BLOCKED: Illegal = Illegal::new("a piece beside the horse blocks its way", "马腿被绊住了");
const ELEPHANT_BLOCKED: Illegal = Illegal::new("a piece blocks the elephant's way", "象眼被塞住了");
const CANNOT_GO: Illegal = Illegal::new("that piece cannot move there", "这枚棋子不能这样走");
const NO_SUCH_MOVE: Illegal = Illegal::new("none of your pieces can move like that", "没有棋子能这样走");
const EXPOSES_GENERAL: Illegal =
    Illegal::new("your general would be in check or face the other one", "这样走是送将，或使将帅照面");
const OVER: Illegal = Illegal::new("the game is over", "对局已经结束");

/// A game in the middle.
#[derive(Clone)]
struct Xiangqi {
    position: Position,
    /// The positions before it since the last capture, behind which none of them can come back.
    earlier: Vec<Position>,
    /// The half-moves since the last capture, which can be more than are remembered.
    quiet_plies: usize,
    /// The half-moves of the whole game.
    plies: usize,
    /// The steps that the side to move may take; none after the end.
    legal: Vec<Step>,
    end: Option<End>,
}

impl Xiangqi {
    /// A game that begins with a position.
    fn at(position: Position) -> Self {
        let mut game = Self { legal: Vec::new(), position, earlier: Vec::new(), quiet_plies: 0, plies: 0, end: None };
        game.judge();
        game
    }

    /// The game that stands as a text of [`Rules::position`] says.
    fn read(text: &str) -> Option<Self> {
        let (fen, counts) = text.split_once(" - - ")?;
        let (quiet_plies, number) = counts.split_once(' ')?;
        let (quiet_plies, number): (u16, u16) = (quiet_plies.parse().ok()?, number.parse().ok()?);
        let mut game = Self::at(drawing::read(fen).filter(Position::is_sound)?);
        game.quiet_plies = quiet_plies.into();
        game.plies = 2 * usize::from(number.checked_sub(1)?) + game.turn().index();
        game.judge();
        Some(game)
    }

    /// Finds what the side to move may do, or how the game has ended.
    fn judge(&mut self) {
        self.legal = self.position.legal_steps();
        self.end = self.find_end();
        if self.end.is_some() {
            self.legal.clear();
        }
    }

    fn find_end(&self) -> Option<End> {
        if self.legal.is_empty() {
            let reason = if self.position.in_check() { &CHECKMATE } else { &STALEMATE };
            return Some(End { winner: Some(self.position.turn().other()), reason: reason.clone() });
        }
        if !Side::BOTH.into_iter().any(|side| self.position.can_attack(side)) {
            return Some(End { winner: None, reason: DEAD_POSITION.clone() });
        }
        self.repetition().or_else(|| {
            let quiet = self.quiet_plies >= QUIET_PLIES;
            quiet.then(|| End { winner: None, reason: SIXTY_MOVES.clone() })
        })
    }

    fn repetition(&self) -> Option<End> {
        let mut before = self.earlier.iter().enumerate().filter(|(_, position)| **position == self.position);
        let (first, _) = before.next()?;
        before.next()?;
        let since = || self.earlier[first + 1..].iter().chain([&self.position]);
        // A check is seen on the side that is to move behind it.
        let always_checks = |side: Side| since().filter(|behind| behind.turn() != side).all(Position::in_check);
        let loser = match Side::BOTH.map(always_checks) {
            [true, false] => Side::First,
            [false, true] => Side::Second,
            _ => return Some(End { winner: None, reason: REPETITION.clone() }),
        };
        Some(End { winner: Some(loser.other()), reason: PERPETUAL_CHECK.clone() })
    }

    /// The legal step that was meant.
    fn choose(&self, typed: &Typed) -> Result<Step, Illegal> {
        let meant = |step: &Step| match typed {
            Typed::Step(typed) => typed == step,
            Typed::Pattern(pattern) => pattern.fits(&self.position, *step),
        };
        let steps: Vec<Step> = self.legal.iter().copied().filter(meant).collect();
        match (steps[..].as_ref(), typed) {
            (&[step], _) => Ok(step),
            ([], _) if self.position.steps().iter().any(meant) => Err(EXPOSES_GENERAL),
            ([], Typed::Step(step)) => Err(self.why_not(*step)),
            ([], Typed::Pattern(_)) => Err(NO_SUCH_MOVE),
            (several, _) => Err(ambiguous(several)),
        }
    }

    /// Why a piece does not go there, for who has just learnt how they go.
    fn why_not(&self, step: Step) -> Illegal {
        let own = |point| self.position.at(point).filter(|piece| piece.side == self.position.turn());
        let Some(piece) = own(step.from) else { return NOT_YOURS };
        match piece.kind {
            _ if own(step.to).is_some() => OWN_PIECE,
            Kind::Horse if self.position.is_hobbled(step) => HORSE_BLOCKED,
            Kind::Elephant if self.position.is_hobbled(step) => ELEPHANT_BLOCKED,
            _ => CANNOT_GO,
        }
    }
}

fn ambiguous(steps: &[Step]) -> Illegal {
    let moves: Vec<String> = steps.iter().map(|&step| notation::coordinates(step)).collect();
    Illegal {
        en: format!("that can be {}; type one of these", moves.join(" or ")).into(),
        zh: format!("这可以是 {}；请输入其中之一", moves.join(" 或 ")).into(),
    }
}

impl Rules for Xiangqi {
    fn turn(&self) -> Side {
        self.position.turn()
    }

    fn play(&mut self, typed: &str) -> Result<Move, Illegal> {
        if self.end.is_some() {
            return Err(OVER);
        }
        let typed = notation::read(typed).ok_or(UNREADABLE)?;
        let step = self.choose(&typed)?;
        let zh = notation::chinese(&self.position, step);
        let captures = self.position.at(step.to).is_some();
        let behind = self.position.after(step);
        let before = mem::replace(&mut self.position, behind);
        if captures {
            self.earlier.clear();
            self.quiet_plies = 0;
        } else {
            self.earlier.push(before);
            self.quiet_plies += 1;
        }
        self.plies += 1;
        self.judge();
        Ok(Move { notation: notation::coordinates(step), zh: Some(zh) })
    }

    fn legal_moves(&self) -> Vec<String> {
        self.legal.iter().map(|&step| notation::coordinates(step)).collect()
    }

    fn end(&self) -> Option<End> {
        self.end.clone()
    }

    fn draw(&self, tongue: Tongue) -> Vec<String> {
        drawing::draw(&self.position, tongue)
    }

    fn position(&self) -> String {
        format!("{} - - {} {}", drawing::fen(&self.position), self.quiet_plies, self.plies / 2 + 1)
    }

    fn can_win(&self, side: Side) -> bool {
        self.position.can_attack(side)
    }

    fn example(&self) -> Option<Move> {
        let step = *self.legal.get(self.legal.len() / 2)?;
        let (notation, zh) = (notation::coordinates(step), notation::chinese(&self.position, step));
        Some(Move { notation, zh: Some(zh) })
    }
}
