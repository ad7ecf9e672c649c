//! What can be mated with, told by the material alone (FIDE Laws, articles 5.2.2 and 6.9). Where a
//! position lies, and whether its pawns can move, is not looked at: what this calls impossible is
//! impossible, but not the other way round.

use cozy_chess::{BitBoard, Board, Color, Piece};

/// Whether neither side can mate: there are but kings; kings and one knight; or kings and bishops that all
/// stand on squares of one colour.
pub(super) fn is_dead(board: &Board) -> bool {
    let bishops = board.pieces(Piece::Bishop);
    let knights = board.pieces(Piece::Knight);
    let others = board.occupied() ^ board.pieces(Piece::King) ^ bishops ^ knights;
    let are_minor_pieces_idle = match knights.len() {
        0 => are_on_one_colour(bishops),
        count => count == 1 && bishops.is_empty(),
    };
    others.is_empty() && are_minor_pieces_idle
}

/// Whether this side mates in some sequence of legal moves, however badly the other one plays. It does not
/// - with its king alone;
/// - with one knight, unless the other side has a pawn or a piece but the queen, to be in its own king's way;
/// - with bishops on squares of one colour, unless the other side has a pawn, a knight, or a bishop on the
///   other colour: its queens and rooks can always take or interpose.
pub(super) fn can_mate(board: &Board, color: Color) -> bool {
    let of = |color, piece| board.colored_pieces(color, piece);
    let own = board.colors(color) ^ of(color, Piece::King);
    let theirs = |pieces: &[Piece]| pieces.iter().any(|&piece| !of(!color, piece).is_empty());
    if own == of(color, Piece::Knight) && own.len() <= 1 {
        return !own.is_empty() && theirs(&[Piece::Pawn, Piece::Knight, Piece::Bishop, Piece::Rook]);
    }
    if own == of(color, Piece::Bishop) {
        return theirs(&[Piece::Pawn, Piece::Knight]) || !are_on_one_colour(board.pieces(Piece::Bishop));
    }
    true
}

fn are_on_one_colour(pieces: BitBoard) -> bool {
    pieces.is_disjoint(BitBoard::LIGHT_SQUARES) || pieces.is_disjoint(BitBoard::DARK_SQUARES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(pieces: &str) -> Board {
        format!("{pieces} w - - 0 1").parse().unwrap()
    }

    #[test]
    fn dead_positions_are_told_by_the_material() {
        for (pieces, dead) in [
            ("4k3/8/8/8/8/8/8/4K3", true),
            ("4k3/8/8/8/8/8/8/2B1K3", true),
            ("4k1n1/8/8/8/8/8/8/4K3", true),
            ("4kb2/8/8/8/8/8/8/2B1K3", true),
            ("4kb2/8/1B6/B7/8/8/8/2B1K3", true),
            ("2b1k3/8/8/8/8/8/8/2B1K3", false),
            ("4k3/8/8/8/8/8/8/2BBK3", false),
            ("4k3/8/8/8/8/8/8/1NN1K3", false),
            ("4k1n1/8/8/8/8/8/8/1N2K3", false),
            ("4k3/8/8/8/8/8/8/1NB1K3", false),
            ("4k1n1/8/8/8/8/8/8/2B1K3", false),
            ("4k3/p7/8/8/8/8/8/4K3", false),
            ("4k3/8/8/8/8/8/8/R3K3", false),
            ("4k3/8/8/8/8/8/8/Q3K3", false),
        ] {
            assert_eq!(is_dead(&board(pieces)), dead, "{pieces}");
        }
    }

    #[test]
    fn who_can_mate_is_told_by_the_material() {
        for (pieces, white, black) in [
            ("4k3/8/8/8/8/8/8/Q3K3", true, false),
            ("4k3/8/8/8/8/8/P7/4K3", true, false),
            ("4k3/8/8/8/8/8/8/1NN1K3", true, false),
            ("4k3/8/8/8/8/8/8/2BBK3", true, false),
            ("4k3/8/8/8/8/8/8/1NB1K3", true, false),
            ("q3k3/8/8/8/8/8/8/1N2K3", false, true),
            ("r3k3/8/8/8/8/8/8/1N2K3", true, true),
            ("4k3/p7/8/8/8/8/8/1N2K3", true, true),
            ("4k1n1/8/8/8/8/8/8/1N2K3", true, true),
            ("4kb2/8/8/8/8/8/8/1N2K3", true, true),
            ("q2rk3/8/8/8/8/8/8/2B1K3", false, true),
            ("4k3/p7/8/8/8/8/8/2B1K3", true, true),
            ("4kb2/8/8/8/8/8/8/2B1K3", false, false),
            ("2b1k3/8/8/8/8/8/8/2B1K3", true, true),
            ("4k3/8/8/8/8/8/8/4K3", false, false),
        ] {
            let board = board(pieces);
            let expected = (white, black);
            assert_eq!((can_mate(&board, Color::White), can_mate(&board, Color::Black)), expected, "{pieces}");
        }
    }
}
