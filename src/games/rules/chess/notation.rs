//! How moves are read. SAN, long algebraic notation and what UCI programs write all name a square to go
//! to and, as far as need be, the piece, the file and the rank to come from and the piece to become; so
//! all are read as one [`Pattern`], and the move is the legal one that fits it. Where none or several do,
//! the reason is found out here.
//!
//! SAN tells the bishop from the b-pawn by a capital. A small `b` is the bishop only where no pawn of the
//! b-file could go.

use std::borrow::Cow;

use cozy_chess::util::display_san_move;
use cozy_chess::{BitBoard, Board, Color, File, Move, Piece, Rank, Square};
use cozy_chess::{get_between_rays, get_bishop_moves, get_king_moves, get_knight_moves};
use cozy_chess::{get_pawn_attacks, get_pawn_quiets, get_rook_moves};

use super::Illegal;

/// Longer than any notation with its annotations.
const LONGEST_BYTES: usize = 16;

const UNREADABLE: Illegal =
    Illegal::new("type a move like e4, Nf3, exd5, O-O, e8=Q or g1f3", "请输入这样的着法：e4、Nf3、exd5、O-O、e8=Q 或 g1f3");
const NO_PROMOTION: Illegal = Illegal::new(
    "only a pawn on the last rank is promoted, and to Q, R, B or N",
    "只有走到底线的兵才升变，且只能升为 Q、R、B 或 N",
);
const STAYS_IN_CHECK: Illegal = Illegal::new("your king is in check and would stay in check", "您的王正被将军，这步棋没有解将");
const WALKS_INTO_CHECK: Illegal = Illegal::new("your king would be in check there", "王走到那里会被将军");
const OPENS_CHECK: Illegal = Illegal::new("that would leave your king in check", "这步棋会使自己的王被将军");
const NO_CASTLING_RIGHT: Illegal = Illegal::new("the right to castle on that side is lost", "这一侧的易位权已经失去");
const CASTLING_BLOCKED: Illegal =
    Illegal::new("no castling on that side while pieces stand between king and rook", "王与车之间还有棋子，不能易位");
const CASTLING_IN_CHECK: Illegal = Illegal::new("no castling out of check", "王正被将军，不能易位");
const CASTLING_THROUGH_CHECK: Illegal =
    Illegal::new("no castling through check or into it", "王经过或到达的格子受到攻击，不能易位");
const NO_PAWN_OF_B: Illegal =
    Illegal::new("no pawn of the b-file can go there; the bishop is a capital B", "b 线的兵走不到那里；象请用大写 B");

/// The legal moves, in a fixed order.
pub(super) fn legal(board: &Board) -> Vec<Move> {
    let mut moves = Vec::with_capacity(48);
    board.generate_moves(|steps| {
        moves.extend(steps);
        false
    });
    moves
}

/// The move that somebody typed.
pub(super) fn read(board: &Board, typed: &str) -> Result<Move, Illegal> {
    let pattern = Pattern::parse(typed.trim(), board.side_to_move()).ok_or(UNREADABLE)?;
    let fitting: Vec<Move> = legal(board).into_iter().filter(|step| pattern.fits(board, step)).collect();
    match fitting.as_slice() {
        [] => Err(pattern.refusal(board)),
        [step] => Ok(*step),
        [step, ..] if pattern.promotion.is_none() && step.promotion.is_some() => Err(promotion_missing(board, *step)),
        _ => Err(ambiguous(board, &fitting)),
    }
}

/// What a move's notation says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pattern {
    /// `None` if the square to come from tells it.
    piece: Option<Piece>,
    file: Option<File>,
    rank: Option<Rank>,
    to: Square,
    promotion: Option<Piece>,
}

impl Pattern {
    fn parse(typed: &str, color: Color) -> Option<Self> {
        if typed.len() > LONGEST_BYTES || !typed.is_ascii() {
            return None;
        }
        let bare = typed.trim_end_matches(['!', '?']).trim_end_matches(['+', '#']);
        match bare.replace(['o', '0'], "O").as_str() {
            "O-O" => Some(Self::castling(File::G, color)),
            "O-O-O" => Some(Self::castling(File::C, color)),
            _ => Self::parse_step(bare),
        }
    }

    /// Castling is the king's move to this file: nothing else brings it there from where it begins.
    fn castling(file: File, color: Color) -> Self {
        let rank = Rank::First.relative_to(color);
        let to = Square::new(file, rank);
        Self { piece: Some(Piece::King), file: Some(File::E), rank: Some(rank), to, promotion: None }
    }

    /// Reads from the end, where the square to go to is.
    fn parse_step(typed: &str) -> Option<Self> {
        let mut rest = typed;
        let promotion = take(&mut rest, piece);
        if promotion.is_some() {
            rest = rest.strip_suffix('=').unwrap_or(rest);
        }
        let (rank, file) = (take(&mut rest, rank)?, take(&mut rest, file)?);
        let to = Square::new(file, rank);
        rest = rest.strip_suffix(['x', 'X', '-']).unwrap_or(rest);
        let rank = take(&mut rest, self::rank);
        let file = if is_bishop(rest, rank, to) { None } else { take(&mut rest, self::file) };
        let piece = take(&mut rest, piece);
        if !rest.is_empty() {
            return None;
        }
        Some(match (piece, file, rank) {
            (None, Some(_), Some(_)) => Self { piece, file, rank, to, promotion },
            // A pawn that takes names its file, so one that does not stays on it.
            (None | Some(Piece::Pawn), None, _) => {
                Self { piece: Some(Piece::Pawn), file: Some(to.file()), rank, to, promotion }
            }
            _ => Self { piece: piece.or(Some(Piece::Pawn)), file, rank, to, promotion },
        })
    }

    /// Whether this legal move is meant. Where no promotion is named all of them fit.
    fn fits(&self, board: &Board, step: &Move) -> bool {
        self.starts_at(board, step.from)
            && self.to == destination(board, step)
            && (self.promotion.is_none() || self.promotion == step.promotion)
    }

    fn starts_at(&self, board: &Board, from: Square) -> bool {
        self.file.is_none_or(|file| file == from.file())
            && self.rank.is_none_or(|rank| rank == from.rank())
            && self.piece.is_none_or(|piece| board.piece_on(from) == Some(piece))
    }

    /// Why no legal move fits.
    fn refusal(&self, board: &Board) -> Illegal {
        let without_promotion = Self { promotion: None, ..*self };
        if legal(board).iter().any(|step| without_promotion.fits(board, step)) {
            return NO_PROMOTION;
        }
        if self.is_castling(board) {
            return castling_refusal(board, self.to.file() == File::G);
        }
        let own = board.colors(board.side_to_move());
        match own.iter().find(|&from| self.starts_at(board, from) && reach(board, from).has(self.to)) {
            Some(from) if board.piece_on(from) == Some(Piece::King) => WALKS_INTO_CHECK,
            Some(_) if !board.checkers().is_empty() => STAYS_IN_CHECK,
            Some(_) => OPENS_CHECK,
            None => self.out_of_reach(own),
        }
    }

    /// Whether castling is meant, be it written as the king's move.
    fn is_castling(&self, board: &Board) -> bool {
        let color = board.side_to_move();
        [File::C, File::G].into_iter().map(|file| Self::castling(file, color)).any(|castling| {
            let king = board.king(color);
            let is_kings_move = self.to == castling.to && self.starts_at(board, king) && castling.starts_at(board, king);
            *self == castling || is_kings_move
        })
    }

    fn out_of_reach(&self, own: BitBoard) -> Illegal {
        let Self { file, rank, to, .. } = *self;
        let (en, zh) = match (self.piece, file, rank) {
            (None, Some(file), Some(rank)) if own.has(Square::new(file, rank)) => {
                (format!("the piece on {file}{rank} cannot go to {to}"), format!("{file}{rank} 上的棋子走不到 {to}"))
            }
            (None, Some(file), Some(rank)) => {
                (format!("you have no piece on {file}{rank}"), format!("{file}{rank} 上没有您的棋子"))
            }
            (_, Some(File::B), None) if is_beside_b(to) => return NO_PAWN_OF_B,
            (piece, ..) => {
                let (en, zh) = name(piece.unwrap_or(Piece::Pawn));
                (format!("no {en} of yours can go to {to} like that"), format!("您没有能这样走到 {to} 的{zh}"))
            }
        };
        Illegal { en: Cow::Owned(en), zh: Cow::Owned(zh) }
    }
}

/// Takes the last character if it can be read so.
fn take<T>(rest: &mut &str, read: fn(char) -> Option<T>) -> Option<T> {
    let last = rest.chars().next_back()?;
    let taken = read(last)?;
    *rest = rest.strip_suffix(last)?;
    Some(taken)
}

fn piece(letter: char) -> Option<Piece> {
    letter.to_ascii_lowercase().try_into().ok()
}

fn file(letter: char) -> Option<File> {
    letter.to_ascii_lowercase().try_into().ok()
}

fn rank(digit: char) -> Option<Rank> {
    digit.try_into().ok()
}

/// Whether what is left of a move is the bishop and not the b-file.
fn is_bishop(rest: &str, rank: Option<Rank>, to: Square) -> bool {
    rest == "B" || rest == "b" && rank.is_none() && !is_beside_b(to)
}

/// Whether a pawn of the b-file takes there.
fn is_beside_b(to: Square) -> bool {
    matches!(to.file(), File::A | File::C)
}

/// Where a move is said to go: in castling the king, which the crate lets take its rook.
fn destination(board: &Board, step: &Move) -> Square {
    if !board.colors(board.side_to_move()).has(step.to) {
        return step.to;
    }
    let file = if step.from.file() < step.to.file() { File::G } else { File::C };
    Square::new(file, step.from.rank())
}

/// Where a piece could go if its king could be taken.
fn reach(board: &Board, from: Square) -> BitBoard {
    let (color, occupied) = (board.side_to_move(), board.occupied());
    let en_passant = board.en_passant().map(|file| Square::new(file, Rank::Sixth.relative_to(color)));
    let takeable = board.colors(!color) | en_passant.map_or(BitBoard::EMPTY, Square::bitboard);
    let reached = match board.piece_on(from) {
        None => BitBoard::EMPTY,
        Some(Piece::Pawn) => get_pawn_quiets(from, color, occupied) | get_pawn_attacks(from, color) & takeable,
        Some(Piece::Knight) => get_knight_moves(from),
        Some(Piece::Bishop) => get_bishop_moves(from, occupied),
        Some(Piece::Rook) => get_rook_moves(from, occupied),
        Some(Piece::Queen) => get_bishop_moves(from, occupied) | get_rook_moves(from, occupied),
        Some(Piece::King) => get_king_moves(from),
    };
    reached & !board.colors(color)
}

fn castling_refusal(board: &Board, is_short: bool) -> Illegal {
    let color = board.side_to_move();
    let rights = board.castle_rights(color);
    let Some(rook) = (if is_short { rights.short } else { rights.long }) else { return NO_CASTLING_RIGHT };
    let rook = Square::new(rook, Rank::First.relative_to(color));
    if !get_between_rays(board.king(color), rook).is_disjoint(board.occupied()) {
        CASTLING_BLOCKED
    } else if !board.checkers().is_empty() {
        CASTLING_IN_CHECK
    } else {
        CASTLING_THROUGH_CHECK
    }
}

fn promotion_missing(board: &Board, step: Move) -> Illegal {
    let notation = display_san_move(board, step).to_string();
    let bare = notation.split('=').next().unwrap_or_default();
    Illegal {
        en: Cow::Owned(format!("say what the pawn becomes: {bare}=Q, {bare}=R, {bare}=B or {bare}=N")),
        zh: Cow::Owned(format!("请指明升变成什么：{bare}=Q（后）、{bare}=R（车）、{bare}=B（象）或 {bare}=N（马）")),
    }
}

fn ambiguous(board: &Board, fitting: &[Move]) -> Illegal {
    let candidates: Vec<String> = fitting.iter().map(|&step| display_san_move(board, step).to_string()).collect();
    Illegal {
        en: Cow::Owned(format!("which one: {}?", candidates.join(" or "))),
        zh: Cow::Owned(format!("请指明是哪一个：{}", candidates.join(" 还是 "))),
    }
}

fn name(piece: Piece) -> (&'static str, &'static str) {
    match piece {
        Piece::Pawn => ("pawn", "兵"),
        Piece::Knight => ("knight", "马"),
        Piece::Bishop => ("bishop", "象"),
        Piece::Rook => ("rook", "车"),
        Piece::Queen => ("queen", "后"),
        Piece::King => ("king", "王"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";
    const KNIGHTS: &str = "4k3/8/8/8/8/5N2/8/1N2K3 w - - 0 1";
    const BISHOP_AND_PAWN: &str = "r3k3/8/8/8/8/p1p5/1P6/3BK3 w - - 0 1";
    const CASTLING: &str = "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1";
    const PROMOTION: &str = "1n2k3/P7/8/8/8/8/7p/4K3 w - - 0 1";

    /// The canonical notation of what is typed, or the English refusal.
    fn reading(fen: &str, typed: &str) -> String {
        let board: Board = fen.parse().unwrap();
        match read(&board, typed) {
            Ok(step) => display_san_move(&board, step).to_string(),
            Err(refusal) => refusal.en.into_owned(),
        }
    }

    #[test]
    fn a_move_is_read_however_it_is_written() {
        for (fen, typed, notation) in [
            (START, "Nf3", "Nf3"),
            (START, "nf3", "Nf3"),
            (START, "NF3", "Nf3"),
            (START, " Ng1f3!? ", "Nf3"),
            (START, "Ng1-f3", "Nf3"),
            (START, "Ngf3+", "Nf3"),
            (START, "g1f3", "Nf3"),
            (START, "e4", "e4"),
            (START, "E4", "e4"),
            (START, "e2-e4", "e4"),
            (START, "E2E4", "e4"),
            (START, "Pe4", "e4"),
            (KNIGHTS, "Nbd2", "Nbd2"),
            (KNIGHTS, "nfd2", "Nfd2"),
            (KNIGHTS, "N3d2", "Nfd2"),
            (CASTLING, "O-O", "O-O"),
            (CASTLING, "0-0-0", "O-O-O"),
            (CASTLING, "o-o", "O-O"),
            (CASTLING, "e1g1", "O-O"),
            (CASTLING, "e1c1", "O-O-O"),
            (CASTLING, "Rxa8", "Rxa8+"),
            (CASTLING, "Ra8+", "Rxa8+"),
            (PROMOTION, "a8=Q", "a8=Q"),
            (PROMOTION, "a8n", "a8=N"),
            (PROMOTION, "axb8=R+", "axb8=R+"),
            (PROMOTION, "ab8b", "axb8=B"),
            (PROMOTION, "a7b8q", "axb8=Q+"),
        ] {
            assert_eq!(reading(fen, typed), notation, "{typed}");
        }
    }

    #[test]
    fn a_small_b_is_the_pawn_wherever_it_could_go() {
        for (typed, notation) in [
            ("bxa3", "bxa3"),
            ("bc3", "bxc3"),
            ("b3", "b3"),
            ("Bc2", "Bc2"),
            ("bc2", "no pawn of the b-file can go there; the bishop is a capital B"),
            ("bb3", "Bb3"),
            ("bg4", "Bg4"),
            ("bd1c2", "Bc2"),
            ("d1c2", "Bc2"),
        ] {
            assert_eq!(reading(BISHOP_AND_PAWN, typed), notation, "{typed}");
        }
        assert_eq!(reading("4k3/8/8/B7/8/8/8/B3K3 w - - 0 1", "B1c3"), "B1c3");
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let in_check = "4k3/8/8/8/8/8/3p4/1R2K2R w K - 0 1";
        let through_check = "4kr2/8/8/8/8/8/8/R3K2R w KQ - 0 1";
        let pinned = "k2rr3/8/8/8/8/4N3/8/4K3 w - - 0 1";
        for (fen, typed, refusal) in [
            (START, "", "type a move like e4, Nf3, exd5, O-O, e8=Q or g1f3"),
            (START, "Nf9", "type a move like e4, Nf3, exd5, O-O, e8=Q or g1f3"),
            (START, "马八进七", "type a move like e4, Nf3, exd5, O-O, e8=Q or g1f3"),
            (START, "Nf6", "no knight of yours can go to f6 like that"),
            (START, "e5", "no pawn of yours can go to e5 like that"),
            (START, "e1e2", "the piece on e1 cannot go to e2"),
            (START, "e7e5", "you have no piece on e7"),
            (START, "e4=Q", "only a pawn on the last rank is promoted, and to Q, R, B or N"),
            (START, "O-O", "no castling on that side while pieces stand between king and rook"),
            (KNIGHTS, "Nd2", "which one: Nbd2 or Nfd2?"),
            (KNIGHTS, "O-O", "the right to castle on that side is lost"),
            (PROMOTION, "a8", "say what the pawn becomes: a8=Q, a8=R, a8=B or a8=N"),
            (PROMOTION, "a7b8", "say what the pawn becomes: axb8=Q, axb8=R, axb8=B or axb8=N"),
            (PROMOTION, "a8=K", "only a pawn on the last rank is promoted, and to Q, R, B or N"),
            (PROMOTION, "b8=Q", "no pawn of yours can go to b8 like that"),
            (in_check, "Rb2", "your king is in check and would stay in check"),
            (in_check, "O-O", "no castling out of check"),
            (through_check, "e1g1", "no castling through check or into it"),
            (through_check, "0-0-0", "O-O-O"),
            (pinned, "Nf5", "that would leave your king in check"),
            (pinned, "Kd2", "your king would be in check there"),
        ] {
            assert_eq!(reading(fen, typed), refusal, "{typed}");
        }
    }
}
