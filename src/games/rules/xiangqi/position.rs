//! The board of xiangqi: where the pieces stand, where they may go, and who is in check.
//!
//! A [`Position`] is the pieces and whose turn it is, and nothing of the way there: two of them are equal
//! where the rules speak of the same position. When a game is over is told in [`super`].

use crate::protocol::game::Side;

const FILES: usize = 9;
const RANKS: usize = 10;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    General,
    Advisor,
    Elephant,
    Horse,
    Chariot,
    Cannon,
    Pawn,
}

impl Kind {
    pub(super) const ALL: [Self; 7] =
        [Self::General, Self::Advisor, Self::Elephant, Self::Horse, Self::Chariot, Self::Cannon, Self::Pawn];
}

/// A piece: red is the first side, black the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) side: Side,
    pub(super) kind: Kind,
}

/// How far something is away: files to red's right, ranks away from red.
type Offset = (i8, i8);

const ORTHOGONAL: [Offset; 4] = [(0, 1), (1, 0), (0, -1), (-1, 0)];

/// How far the pieces that do not slide may go, each where the rest of its rule allows it.
fn leaps(kind: Kind) -> &'static [Offset] {
    match kind {
        Kind::General | Kind::Pawn => &ORTHOGONAL,
        Kind::Advisor => &[(1, 1), (1, -1), (-1, -1), (-1, 1)],
        Kind::Elephant => &[(2, 2), (2, -2), (-2, -2), (-2, 2)],
        Kind::Horse => &[(1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2)],
        Kind::Chariot | Kind::Cannon => &[],
    }
}

/// A point of the board; there are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    file: i8,
    rank: i8,
}

impl Point {
    /// The point of a file counted from red's left and a rank counted from red's side, both from 0.
    pub(super) fn new(file: i8, rank: i8) -> Option<Self> {
        ((0..FILES as i8).contains(&file) && (0..RANKS as i8).contains(&rank)).then_some(Self { file, rank })
    }

    /// Every point, rank by rank.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..RANKS as i8).flat_map(Self::along)
    }

    /// The points of a rank, from red's left.
    pub(super) fn along(rank: i8) -> impl Iterator<Item = Self> {
        (0..FILES as i8).filter_map(move |file| Self::new(file, rank))
    }

    /// The points where the general of a side may stand.
    fn palace(side: Side) -> impl Iterator<Item = Self> {
        let back = if side == Side::First { 0 } else { RANKS as i8 - 3 };
        (back..back + 3).flat_map(|rank| (3..=5).filter_map(move |file| Self::new(file, rank)))
    }

    /// Its file, counted from red's left from 0.
    pub(super) fn file(self) -> i8 {
        self.file
    }

    /// Its rank, counted from red's side from 0.
    pub(super) fn rank(self) -> i8 {
        self.rank
    }

    /// How far it lies before the back rank of a side.
    pub(super) fn advance(self, side: Side) -> i8 {
        match side {
            Side::First => self.rank,
            Side::Second => RANKS as i8 - 1 - self.rank,
        }
    }

    /// Whether it lies on the far side of the river.
    fn is_across(self, side: Side) -> bool {
        self.advance(side) >= RANKS as i8 / 2
    }

    fn is_in_palace(self, side: Side) -> bool {
        (3..=5).contains(&self.file) && self.advance(side) < 3
    }

    fn plus(self, (files, ranks): Offset) -> Option<Self> {
        Self::new(self.file + files, self.rank + ranks)
    }

    /// The points in one direction, the nearest first.
    fn ray(self, direction: Offset) -> impl Iterator<Item = Self> {
        std::iter::successors(self.plus(direction), move |point| point.plus(direction))
    }

    fn index(self) -> usize {
        self.rank as usize * FILES + self.file as usize
    }
}

/// A piece's way from a point to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: Point,
    pub(super) to: Point,
}

/// Where the pieces stand and who is to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    // The turn comes first since it tells half of the positions of a game apart from any one at once.
    turn: Side,
    board: [Option<Piece>; FILES * RANKS],
}

impl Position {
    /// The position that a game begins with.
    pub(super) fn start() -> Self {
        use Kind::{Advisor, Cannon, Chariot, Elephant, General, Horse, Pawn};
        const BACK: [Kind; FILES] = [Chariot, Horse, Elephant, Advisor, General, Advisor, Elephant, Horse, Chariot];
        Self::with(Side::First, |point| {
            let side = if point.rank < RANKS as i8 / 2 { Side::First } else { Side::Second };
            let kind = match (point.advance(side), point.file) {
                (0, file) => BACK[file as usize],
                (2, 1 | 7) => Cannon,
                (3, 0 | 2 | 4 | 6 | 8) => Pawn,
                _ => return None,
            };
            Some(Piece { side, kind })
        })
    }

    /// A position point by point.
    pub(super) fn with(turn: Side, mut piece: impl FnMut(Point) -> Option<Piece>) -> Self {
        let mut board = [None; FILES * RANKS];
        for point in Point::all() {
            board[point.index()] = piece(point);
        }
        Self { turn, board }
    }

    /// Whether each side has its general in the palace, the one that has moved not in check, and of no kind
    /// more pieces than it begins with: what the notation, and who looks for the general, can rely on.
    pub(super) fn is_sound(&self) -> bool {
        let start = Self::start();
        Side::BOTH.into_iter().all(|side| {
            let is_safe = |general| side == self.turn || !self.is_exposed(general, side);
            let pieces = Kind::ALL.map(|kind| Piece { side, kind });
            self.general(side).is_some_and(is_safe)
                && pieces.into_iter().all(|piece| self.places(piece).count() <= start.places(piece).count())
        })
    }

    /// Who is to move.
    pub(super) fn turn(&self) -> Side {
        self.turn
    }

    /// The piece on a point.
    pub(super) fn at(&self, point: Point) -> Option<Piece> {
        self.board[point.index()]
    }

    /// The points where a side has pieces of a kind.
    pub(super) fn places(&self, piece: Piece) -> impl Iterator<Item = Point> {
        Point::all().filter(move |&point| self.at(point) == Some(piece))
    }

    /// Whether a side has a piece that can cross the river, and so check.
    pub(super) fn can_attack(&self, side: Side) -> bool {
        let attackers = [Kind::Horse, Kind::Chariot, Kind::Cannon, Kind::Pawn];
        self.board.iter().flatten().any(|piece| piece.side == side && attackers.contains(&piece.kind))
    }

    /// The position behind a step.
    pub(super) fn after(&self, step: Step) -> Self {
        let mut after = self.clone();
        after.board[step.to.index()] = after.board[step.from.index()].take();
        after.turn = self.turn.other();
        after
    }

    /// The steps that the side to move may take.
    pub(super) fn legal_steps(&self) -> Vec<Step> {
        let general = self.general(self.turn);
        let mut steps = self.steps();
        steps.retain(|&step| {
            let general = if general == Some(step.from) { Some(step.to) } else { general };
            general.is_none_or(|general| !self.after(step).is_exposed(general, self.turn))
        });
        steps
    }

    /// The steps of the side to move as its pieces go, also where its general could then be taken.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(64);
        for from in Point::all() {
            if let Some(piece) = self.at(from).filter(|piece| piece.side == self.turn) {
                self.reach(from, piece, |to| {
                    if self.at(to).is_none_or(|other| other.side != piece.side) {
                        steps.push(Step { from, to });
                    }
                });
            }
        }
        steps
    }

    /// Whether the side to move is in check.
    pub(super) fn in_check(&self) -> bool {
        self.general(self.turn).is_some_and(|general| self.is_exposed(general, self.turn))
    }

    fn general(&self, side: Side) -> Option<Point> {
        Point::palace(side).find(|&point| self.at(point) == Some(Piece { side, kind: Kind::General }))
    }

    /// Whether this would be a leap of a horse or an elephant, were there not a piece in its way.
    pub(super) fn is_hobbled(&self, step: Step) -> bool {
        let Step { from, to } = step;
        let leap = (to.file - from.file, to.rank - from.rank);
        let hobbles = [Kind::Horse, Kind::Elephant];
        let kind = self.at(from).map(|piece| piece.kind).filter(|kind| hobbles.contains(kind));
        kind.is_some_and(|kind| leaps(kind).contains(&leap)) && self.is_blocked(step)
    }

    /// Whether there is a piece beside a horse, or between an elephant and where it goes.
    fn is_blocked(&self, Step { from, to }: Step) -> bool {
        // Halved towards zero, either leap leads to the point that must be empty.
        let half = ((to.file - from.file) / 2, (to.rank - from.rank) / 2);
        from.plus(half).is_some_and(|between| self.at(between).is_some())
    }

    /// Visits the points that a piece reaches, its own side's among them.
    fn reach(&self, from: Point, piece: Piece, mut visit: impl FnMut(Point)) {
        if matches!(piece.kind, Kind::Chariot | Kind::Cannon) {
            return self.slide(from, piece.kind, visit);
        }
        let points = leaps(piece.kind).iter().filter_map(|&leap| from.plus(leap));
        points.filter(|&to| self.may_leap(piece, Step { from, to })).for_each(&mut visit);
    }

    /// Whether a piece that leaps may do so; that the distance is right is known.
    fn may_leap(&self, Piece { side, kind }: Piece, step: Step) -> bool {
        let Step { from, to } = step;
        match kind {
            Kind::General | Kind::Advisor => to.is_in_palace(side),
            Kind::Elephant => !to.is_across(side) && !self.is_blocked(step),
            Kind::Horse => !self.is_blocked(step),
            Kind::Pawn if from.is_across(side) => to.advance(side) >= from.advance(side),
            Kind::Pawn => to.advance(side) > from.advance(side),
            Kind::Chariot | Kind::Cannon => false,
        }
    }

    fn slide(&self, from: Point, kind: Kind, mut visit: impl FnMut(Point)) {
        for direction in ORTHOGONAL {
            let mut ray = from.ray(direction);
            let first = ray.by_ref().find(|&to| {
                let free = self.at(to).is_none();
                if free {
                    visit(to);
                }
                !free
            });
            let target = if kind == Kind::Cannon { ray.find(|&to| self.at(to).is_some()) } else { first };
            target.into_iter().for_each(&mut visit);
        }
    }

    /// Whether the general of a side could be taken where it stands, or faces the other one. Looks from
    /// there for who might, since this is asked behind every step that is considered.
    fn is_exposed(&self, general: Point, side: Side) -> bool {
        let enemy = |point: Point| self.at(point).filter(|piece| piece.side != side);
        let leaped_on_by = |kind| {
            // The leaps of every kind lead back as well.
            leaps(kind).iter().filter_map(|&leap| general.plus(leap)).any(|from| {
                let leaper = enemy(from).filter(|piece| piece.kind == kind);
                leaper.is_some_and(|piece| self.may_leap(piece, Step { from, to: general }))
            })
        };
        let seen_along = |direction| {
            let mut pieces = general.ray(direction).filter(|&point| self.at(point).is_some());
            let first = pieces.next().and_then(enemy);
            let second = pieces.next().and_then(enemy);
            first.is_some_and(|piece| matches!(piece.kind, Kind::Chariot | Kind::General))
                || second.is_some_and(|piece| piece.kind == Kind::Cannon)
        };
        ORTHOGONAL.into_iter().any(seen_along) || leaped_on_by(Kind::Horse) || leaped_on_by(Kind::Pawn)
    }
}
