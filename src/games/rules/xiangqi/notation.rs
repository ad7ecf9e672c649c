//! How moves are written: as coordinates, and in Chinese.
//!
//! Coordinates are those of UCCI: files `a` to `i` from red's left, ranks 0 to 9 from red's side.
//!
//! In Chinese a move is a piece, its file, a direction and a number: 炮二平五. Each side counts the files
//! from its own right. The number after 平 is a file; after 进 and 退 it is how many points, or the file
//! for the pieces that move aslant. Of the pieces of a kind on one file, 前 中 后 stand for the file (which
//! advisors and elephants do not need, their direction tells). Where that does not suffice, which only
//! happens to pawns, there is no one custom:
//!
//! - four or five on a file are written 一 to 五 from the front; 前 and 后 are read too;
//! - where two files have several, the file is written behind the place, 前兵九平八; also read are
//!   前九平八 and, as the draft standard of xqbase.com has it, 一 to 五 through both files, from the right
//!   and from the front.
//!
//! So what is typed is a pattern, and means the one legal move that fits it.

use crate::protocol::game::Side;

use super::position::{Kind, Piece, Point, Position, Step};

/// The longest that is read at all: five characters of Chinese.
const LONGEST_BYTES: usize = 5 * 4;

/// What somebody typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Coordinates.
    Step(Step),
    /// Chinese notation.
    Pattern(Pattern),
}

/// A move in Chinese notation, which several moves or none may fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    place: Option<Place>,
    kind: Kind,
    file: Option<i8>,
    direction: Direction,
    number: i8,
}

/// Which of the pieces of a kind on one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Front,
    Middle,
    Rear,
    /// From the front, the first is 1.
    Nth(i8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
    Across,
}

/// Reads either notation.
pub(super) fn read(typed: &str) -> Option<Typed> {
    let typed = typed.trim();
    if typed.len() > LONGEST_BYTES {
        return None;
    }
    let characters: Vec<char> = typed.chars().map(narrow).collect();
    read_step(&characters).map(Typed::Step).or_else(|| read_pattern(&characters).map(Typed::Pattern))
}

/// A full-width letter, digit or hyphen as its ASCII one: keyboards for Chinese give them.
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        other => other,
    }
}

fn read_step(characters: &[char]) -> Option<Step> {
    let (from, to) = match *characters {
        [from_file, from_rank, to_file, to_rank] | [from_file, from_rank, '-', to_file, to_rank] => {
            ((from_file, from_rank), (to_file, to_rank))
        }
        _ => return None,
    };
    let point = |(file, rank): (char, char)| {
        let file = "abcdefghi".find(file.to_ascii_lowercase())?;
        Point::new(file as i8, rank.to_digit(10)? as i8)
    };
    Some(Step { from: point(from)?, to: point(to)? })
}

fn read_pattern(characters: &[char]) -> Option<Pattern> {
    let [who @ .., direction, number] = characters else { return None };
    let direction = match direction {
        '进' | '進' => Direction::Forward,
        '退' => Direction::Back,
        '平' => Direction::Across,
        _ => return None,
    };
    let number = read_number(*number)?;
    let (place, kind, file) = match *who {
        [first, second] => match (read_kind(first), read_kind(second)) {
            (Some(kind), _) => (None, kind, Some(read_number(second)?)),
            (None, Some(kind)) => (Some(read_place(first)?), kind, None),
            (None, None) => (Some(read_place(first)?), Kind::Pawn, Some(read_number(second)?)),
        },
        [place, kind, file] => (Some(read_place(place)?), read_kind(kind)?, Some(read_number(file)?)),
        _ => return None,
    };
    Some(Pattern { place, kind, file, direction, number })
}

fn read_kind(character: char) -> Option<Kind> {
    Some(match character {
        '帅' | '帥' | '将' | '將' => Kind::General,
        '仕' | '士' => Kind::Advisor,
        '相' | '象' => Kind::Elephant,
        '马' | '馬' | '傌' | '㐷' => Kind::Horse,
        '车' | '車' | '俥' | '伡' => Kind::Chariot,
        '炮' | '砲' | '包' => Kind::Cannon,
        '兵' | '卒' => Kind::Pawn,
        _ => return None,
    })
}

fn read_place(character: char) -> Option<Place> {
    match character {
        '前' => Some(Place::Front),
        '中' => Some(Place::Middle),
        '后' | '後' => Some(Place::Rear),
        other => read_number(other).map(Place::Nth),
    }
}

const NUMERALS: [char; 9] = ['一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// A number from 1 to 9 in either script: people do not change it with the side.
fn read_number(character: char) -> Option<i8> {
    let digit = character.to_digit(10).map(|digit| digit as usize);
    let number = digit.or_else(|| NUMERALS.iter().position(|&numeral| numeral == character).map(|index| index + 1));
    number.filter(|&number| number > 0).map(|number| number as i8)
}

/// A move as coordinates.
pub(super) fn coordinates(step: Step) -> String {
    let characters =
        [step.from, step.to].map(|point| [(b'a' + point.file() as u8) as char, (b'0' + point.rank() as u8) as char]);
    characters.as_flattened().iter().collect()
}

/// A move in Chinese, in simplified characters, with the digits of its side. It is one that the side to
/// move could make.
pub(super) fn chinese(position: &Position, step: Step) -> String {
    let side = position.turn();
    let Some(piece) = position.at(step.from) else { return String::new() };
    let number = |number: i8| match side {
        Side::First => NUMERALS[number as usize - 1],
        Side::Second => (b'0' + number as u8) as char,
    };
    let column = Column::of(position, piece, step.from);
    let mut written = String::with_capacity(LONGEST_BYTES);
    let place = column.place().filter(|_| !matches!(piece.kind, Kind::Advisor | Kind::Elephant));
    written.extend(place.map(|place| match place {
        Place::Front => '前',
        Place::Middle => '中',
        Place::Rear => '后',
        // It counts pieces and is no file, so it is Chinese for black too.
        Place::Nth(number) => NUMERALS[number as usize - 1],
    }));
    written.push(name(piece));
    if place.is_none() || column.others > 0 {
        written.push(number(own_file(side, step.from)));
    }
    let (direction, distance) = way(piece, step);
    written.push(match direction {
        Direction::Forward => '进',
        Direction::Back => '退',
        Direction::Across => '平',
    });
    written.push(number(distance));
    written
}

impl Pattern {
    /// Whether a step of the side to move can be meant.
    pub(super) fn fits(&self, position: &Position, step: Step) -> bool {
        let Some(piece) = position.at(step.from).filter(|piece| piece.kind == self.kind) else { return false };
        way(piece, step) == (self.direction, self.number)
            && self.file.is_none_or(|file| file == own_file(piece.side, step.from))
            && self.place.is_none_or(|place| self.is_at(place, Column::of(position, piece, step.from)))
    }

    fn is_at(&self, place: Place, Column { index, count, before, .. }: Column) -> bool {
        count > 1
            && match place {
                Place::Front => index == 0,
                Place::Middle => count == 3 && index == 1,
                Place::Rear => index == count - 1,
                Place::Nth(_) if self.kind != Kind::Pawn => false,
                Place::Nth(number) if self.file.is_some() => index == number - 1,
                Place::Nth(number) => before + index == number - 1,
            }
    }
}

/// A piece among those of its kind and side on its file.
struct Column {
    /// How many of them are before it.
    index: i8,
    /// How many they are.
    count: i8,
    /// How many stand together on other files, two or more on each.
    others: i8,
    /// How many of those `others` are to the right.
    before: i8,
}

impl Column {
    fn of(position: &Position, piece: Piece, at: Point) -> Self {
        let mut counts = [0; 10];
        let mut index = 0;
        for point in position.places(piece) {
            counts[own_file(piece.side, point) as usize] += 1;
            index += i8::from(point.file() == at.file() && point.advance(piece.side) > at.advance(piece.side));
        }
        let own = own_file(piece.side, at) as usize;
        let together = |counts: &[i8]| counts.iter().filter(|&&count| count > 1).sum::<i8>();
        let before = together(&counts[..own]);
        Self { index, count: counts[own], others: before + together(&counts[own + 1..]), before }
    }

    /// How its place is written, if there are several.
    fn place(&self) -> Option<Place> {
        match (self.index, self.count) {
            (_, 0 | 1) => None,
            (index, 4..) => Some(Place::Nth(index + 1)),
            (0, _) => Some(Place::Front),
            (index, count) if index == count - 1 => Some(Place::Rear),
            _ => Some(Place::Middle),
        }
    }
}

/// The file of a point as a side counts it, from 1.
fn own_file(side: Side, point: Point) -> i8 {
    match side {
        Side::First => 9 - point.file(),
        Side::Second => point.file() + 1,
    }
}

/// The second half of a move in Chinese.
fn way(Piece { side, kind }: Piece, Step { from, to }: Step) -> (Direction, i8) {
    let ranks = to.advance(side) - from.advance(side);
    let direction = match ranks {
        0 => return (Direction::Across, own_file(side, to)),
        1.. => Direction::Forward,
        _ => Direction::Back,
    };
    match kind {
        Kind::Advisor | Kind::Elephant | Kind::Horse => (direction, own_file(side, to)),
        _ => (direction, ranks.abs()),
    }
}

fn name(Piece { side, kind }: Piece) -> char {
    match (kind, side) {
        (Kind::General, Side::First) => '帅',
        (Kind::General, Side::Second) => '将',
        (Kind::Advisor, Side::First) => '仕',
        (Kind::Advisor, Side::Second) => '士',
        (Kind::Elephant, Side::First) => '相',
        (Kind::Elephant, Side::Second) => '象',
        (Kind::Horse, _) => '马',
        (Kind::Chariot, _) => '车',
        (Kind::Cannon, _) => '炮',
        (Kind::Pawn, Side::First) => '兵',
        (Kind::Pawn, Side::Second) => '卒',
    }
}
