//! How a position is shown: to people as a board, to programs as FEN, which is read too.

use std::fmt::Write;

use crate::protocol::game::Side;
use crate::protocol::tongue::Tongue;

use super::position::{Kind, Piece, Point, Position};

/// The first rank beyond the river, seen from red.
const BEYOND_RIVER: i8 = 5;

/// The pieces and whose turn it is: the first two fields of FEN.
pub(super) fn fen(position: &Position) -> String {
    let mut fen = String::with_capacity(80);
    for rank in (0..10).rev() {
        let mut empty = 0;
        for point in Point::along(rank) {
            let Some(piece) = position.at(point) else {
                empty += 1;
                continue;
            };
            if empty > 0 {
                let _ = write!(fen, "{empty}");
                empty = 0;
            }
            fen.push(letter(piece));
        }
        if empty > 0 {
            let _ = write!(fen, "{empty}");
        }
        fen.push(if rank > 0 { '/' } else { ' ' });
    }
    fen.push(if position.turn() == Side::First { 'w' } else { 'b' });
    fen
}

/// Reads what [`fen`] writes.
pub(super) fn read(fen: &str) -> Option<Position> {
    let (board, turn) = fen.split_once(' ')?;
    let mut ranks: Vec<Vec<Option<Piece>>> = Vec::new();
    for rank in board.split('/') {
        let mut points = Vec::new();
        for character in rank.chars() {
            match character.to_digit(10) {
                Some(empty) => points.resize(points.len() + empty as usize, None),
                None => points.push(Some(piece(character)?)),
            }
        }
        ranks.push(points);
    }
    let is_whole = ranks.len() == 10 && ranks.iter().all(|points| points.len() == 9);
    let turn = if turn == "w" { Side::First } else { Side::Second };
    is_whole.then(|| Position::with(turn, |point| ranks[9 - point.rank() as usize][point.file() as usize]))
}

/// The board, red below.
pub(super) fn draw(position: &Position, tongue: Tongue) -> Vec<String> {
    let chinese = tongue == Tongue::Zh;
    let (river, below) = match chinese {
        true => ("  ～楚河～～～汉界～", &["  ａｂｃｄｅｆｇｈｉ", "  九八七六五四三二一"][..]),
        false => ("  ~~~~~ river ~~~~~", &["  a b c d e f g h i"][..]),
    };
    let mut lines = Vec::with_capacity(14);
    if chinese {
        lines.push("  １２３４５６７８９".to_owned());
    }
    for rank in (0..10).rev() {
        let mut line = rank.to_string();
        line.push_str(if chinese { " " } else { "" });
        for point in Point::along(rank) {
            let piece = position.at(point);
            if chinese {
                line.push(piece.map_or('＋', stone));
            } else {
                line.extend([' ', piece.map_or('.', letter)]);
            }
        }
        lines.push(line);
        if rank == BEYOND_RIVER {
            lines.push(river.to_owned());
        }
    }
    lines.extend(below.iter().map(|&line| line.to_owned()));
    lines
}

/// A piece in FEN, where red is upper case.
fn letter(Piece { side, kind }: Piece) -> char {
    let letter = match kind {
        Kind::General => 'k',
        Kind::Advisor => 'a',
        Kind::Elephant => 'b',
        Kind::Horse => 'n',
        Kind::Chariot => 'r',
        Kind::Cannon => 'c',
        Kind::Pawn => 'p',
    };
    if side == Side::First { letter.to_ascii_uppercase() } else { letter }
}

/// The piece of a letter.
fn piece(of: char) -> Option<Piece> {
    let mut pieces = Side::BOTH.into_iter().flat_map(|side| Kind::ALL.map(|kind| Piece { side, kind }));
    pieces.find(|&piece| letter(piece) == of)
}

/// A piece on the Chinese board, where the sides have no colours: each has glyphs of its own.
fn stone(piece: Piece) -> char {
    match (piece.side, piece.kind) {
        (Side::First, Kind::General) => '帅',
        (Side::First, Kind::Advisor) => '仕',
        (Side::First, Kind::Elephant) => '相',
        (Side::First, Kind::Horse) => '傌',
        (Side::First, Kind::Chariot) => '俥',
        (Side::First, Kind::Cannon) => '炮',
        (Side::First, Kind::Pawn) => '兵',
        (Side::Second, Kind::General) => '将',
        (Side::Second, Kind::Advisor) => '士',
        (Side::Second, Kind::Elephant) => '象',
        (Side::Second, Kind::Horse) => '马',
        (Side::Second, Kind::Chariot) => '车',
        (Side::Second, Kind::Cannon) => '砲',
        (Side::Second, Kind::Pawn) => '卒',
    }
}
