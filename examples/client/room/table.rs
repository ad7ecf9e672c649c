//! A game that one plays or watches: how it stands, and how a move is made by pointing.
//!
//! The server is the judge; the rules here are the crate's own, and only show what it would allow.

use std::time::{Duration, Instant};

use parlor::client::{Board, GameEvent, GameHappening, Position};
use parlor::games::rules::{self, Rules};

use super::super::text::clean;

/// Below this a clock shows tenths of a second.
pub(crate) const LOW: Duration = Duration::from_secs(10);

/// A place on the board, counted from its top left corner as the position is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Square {
    pub(crate) column: usize,
    pub(crate) row: usize,
}

/// Which side of the board somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    First,
    Second,
}

/// What a press on a square comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// Nothing, or a piece is picked up or put back.
    Nothing,
    /// This move is made.
    Move(String),
    /// One of these, which differ in the piece that a pawn becomes.
    Promotion(Vec<String>),
}

/// A game and what is known of it.
pub(crate) struct Table {
    pub(crate) game_id: u64,
    pub(crate) game: String,
    /// The names, first and second.
    pub(crate) players: [String; 2],
    /// Which of them one is; none for who watches.
    pub(crate) own: Option<Seat>,
    pub(crate) clock: Option<String>,
    pub(crate) position: Position,
    /// The squares of the position, row by row from the top.
    squares: Vec<Vec<Option<char>>>,
    /// When the clocks were as the position says.
    told_at: Instant,
    /// The rules at the position; none if it is not understood.
    rules: Option<Box<dyn Rules>>,
    /// Legal moves by their squares.
    legal: Vec<Step>,
    /// The squares of the last move.
    pub(crate) last: Vec<Square>,
    pub(crate) last_played: Option<String>,
    /// What is offered, and by whom.
    pub(crate) offer: Option<(String, String)>,
    /// Who is away, and until when that lasts.
    pub(crate) away: Option<(String, Instant)>,
    /// Until when a pause lasts.
    pub(crate) paused: Option<Instant>,
    /// Who may be claimed against.
    pub(crate) idle: Option<String>,
    /// How it ended, in words.
    pub(crate) end: Option<String>,
    pub(crate) cursor: Square,
    pub(crate) picked: Option<Square>,
    /// The cursor was moved since the last move: before that, Enter is a slip of the finger.
    is_armed: bool,
    /// Enter was pressed though the cursor was not moved: once more means it.
    pub(crate) wants_more: bool,
    /// The last press came to nothing.
    pub(crate) is_futile: bool,
    /// Whether both may still agree to play again.
    pub(crate) can_rematch: bool,
}

/// What a line comes to while one plays.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Speech,
    Move,
    /// It looks like a move, but is none now, for this reason.
    NoMove(String),
}

/// A legal move: where from, if a piece moves, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    from: Option<Square>,
    to: Square,
    typed: String,
}

impl Table {
    /// The table of a board, as somebody sees it.
    pub(crate) fn new(game_id: u64, game: &str, board: Board, me: &str, now: Instant) -> Self {
        let own = match me {
            _ if board.first == me => Some(Seat::First),
            _ if board.second == me => Some(Seat::Second),
            _ => None,
        };
        let mut table = Self {
            game_id,
            game: clean(game),
            players: [clean(&board.first), clean(&board.second)],
            own,
            clock: board.clock.as_deref().map(clean),
            position: board.position.clone(),
            squares: Vec::new(),
            told_at: now,
            rules: None,
            legal: Vec::new(),
            last: Vec::new(),
            last_played: None,
            offer: board.offer.clone(),
            away: board.away.clone().zip(board.timeout).map(|(who, timeout)| (clean(&who), now + timeout)),
            paused: board.timeout.filter(|_| board.is_paused).map(|timeout| now + timeout),
            idle: None,
            end: None,
            cursor: Square::default(),
            picked: None,
            is_armed: false,
            wants_more: false,
            is_futile: false,
            can_rematch: true,
        };
        table.end = board.end.as_ref().map(|(result, reason)| table.ending(result, reason));
        table.stand(board.position, now);
        table.cursor = Square { column: table.columns() / 2, row: table.rows() / 2 };
        table
    }

    /// A second look at a game: the cursor stays where it was, and so does the mark of the last move while it
    /// is the last.
    pub(crate) fn seen_before(mut self, before: Option<Self>) -> Self {
        if let Some(before) = before {
            self.cursor = before.cursor;
            if before.position.ply == self.position.ply {
                (self.last, self.last_played) = (before.last, before.last_played);
            }
        }
        self
    }

    /// What is heard of this game.
    pub(crate) fn hear(&mut self, event: &GameEvent, now: Instant) {
        match &event.what {
            GameHappening::Move { played, position, .. } => {
                self.last = self.squares_of(played);
                self.last_played = Some(clean(played));
                (self.offer, self.idle) = (None, None);
                self.stand(position.clone(), now);
            }
            GameHappening::TakeBack { position, .. } => {
                (self.offer, self.last_played) = (None, None);
                self.last.clear();
                self.stand(position.clone(), now);
            }
            GameHappening::Resumed(position) => {
                (self.paused, self.away) = (None, None);
                self.stand(position.clone(), now);
            }
            GameHappening::Offer { from, offer } => self.offer = Some((clean(offer), clean(from))),
            GameHappening::Lost { from, timeout } => self.away = Some((clean(from), now + *timeout)),
            GameHappening::Back { .. } => self.away = None,
            GameHappening::Paused { timeout } => {
                self.freeze(now);
                self.paused = Some(now + *timeout);
            }
            GameHappening::Idle { from } => self.idle = Some(clean(from)),
            GameHappening::Over { result, reason, .. } => {
                self.freeze(now);
                self.end = Some(self.ending(result, reason));
                (self.offer, self.away, self.paused, self.idle) = (None, None, None, None);
            }
            GameHappening::Left { .. } => self.can_rematch = false,
            GameHappening::Adjourned => {
                self.freeze(now);
                self.can_rematch = false;
                self.end = Some(format!("adjourned; /resume {} goes on with it", self.game_id));
                (self.offer, self.away, self.paused, self.idle) = (None, None, None, None);
            }
            _ => (),
        }
    }

    /// Takes a position, and what its rules allow.
    fn stand(&mut self, position: Position, now: Instant) {
        (self.told_at, self.picked) = (now, None);
        (self.is_armed, self.wants_more, self.is_futile) = (false, false, false);
        self.rules = rules::find(&self.game).and_then(|game| (game.at)(&position.position));
        self.squares = squares(&position.position);
        self.position = position;
        let typed = self.rules.as_ref().map_or_else(Vec::new, |rules| rules.coordinates());
        self.legal = typed.into_iter().filter_map(|typed| self.step(typed)).collect();
    }

    /// The squares of a move that is about to be taken from the position before it.
    fn squares_of(&self, played: &str) -> Vec<Square> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let index = rules.legal_moves().iter().position(|legal| legal == played);
        let step = index.and_then(|index| self.step(rules.coordinates().into_iter().nth(index)?));
        step.map_or_else(Vec::new, |step| step.from.into_iter().chain([step.to]).collect())
    }

    /// The squares of a move: `h8`, `e2e4`, `e7e8q`, or the column of connect-four.
    fn step(&self, typed: String) -> Option<Step> {
        if let Ok(column) = typed.parse::<usize>() {
            let column = column.checked_sub(1)?;
            let row = (0..self.rows()).rev().find(|&row| self.piece(Square { column, row }).is_none())?;
            return Some(Step { from: None, to: Square { column, row }, typed });
        }
        let (first, rest) = self.square(&typed)?;
        match self.square(rest) {
            Some((to, _)) => Some(Step { from: Some(first), to, typed }),
            None => Some(Step { from: None, to: first, typed }),
        }
    }

    /// The square at the beginning of a text, and the rest.
    fn square<'a>(&self, typed: &'a str) -> Option<(Square, &'a str)> {
        let letter = *typed.as_bytes().first().filter(|letter| letter.is_ascii_lowercase())?;
        let digits = typed[1..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = typed[1..].split_at(digits);
        let number: usize = number.parse().ok()?;
        let row = match self.game.as_str() {
            // Its rows are counted from the top, as in Othello.
            "reversi" => number.checked_sub(1)?,
            // The ranks of red's side begin at 0.
            "xiangqi" => self.rows().checked_sub(number + 1)?,
            _ => self.rows().checked_sub(number)?,
        };
        let square = Square { column: usize::from(letter - b'a'), row };
        (square.column < self.columns() && row < self.rows()).then_some((square, rest))
    }

    /// What a square is called beside the board: its row's number.
    pub(crate) fn row_label(&self, row: usize) -> String {
        match self.game.as_str() {
            "reversi" => (row + 1).to_string(),
            "xiangqi" => (self.rows() - 1 - row).to_string(),
            "connect-four" => String::new(),
            _ => (self.rows() - row).to_string(),
        }
    }

    /// What a column is called below the board.
    pub(crate) fn column_label(&self, column: usize) -> char {
        let first = if self.game == "connect-four" { b'1' } else { b'a' };
        char::from(first.saturating_add(u8::try_from(column).unwrap_or(u8::MAX)))
    }

    pub(crate) fn rows(&self) -> usize {
        self.squares.len()
    }

    pub(crate) fn columns(&self) -> usize {
        self.squares.first().map_or(0, Vec::len)
    }

    /// What stands on a square, as the position writes it.
    pub(crate) fn piece(&self, square: Square) -> Option<char> {
        *self.squares.get(square.row)?.get(square.column)?
    }

    /// Whether one is to move.
    pub(crate) fn is_own_turn(&self) -> bool {
        self.own.is_some() && self.running() == self.own
    }

    /// Whose time it is: who is to move, while the game goes on and is not paused.
    fn running(&self) -> Option<Seat> {
        self.turn().filter(|_| self.end.is_none() && self.paused.is_none())
    }

    /// Who is to move.
    pub(crate) fn turn(&self) -> Option<Seat> {
        let turn = self.position.turn.as_deref().map(clean)?;
        [Seat::First, Seat::Second].into_iter().find(|seat| *self.name(*seat) == turn)
    }

    pub(crate) fn name(&self, seat: Seat) -> &str {
        &self.players[seat as usize]
    }

    /// Whether it goes on.
    pub(crate) fn is_under_way(&self) -> bool {
        self.end.is_none()
    }

    /// Whether a clock is so low that each tenth of a second is shown.
    pub(crate) fn shows_tenths(&self, now: Instant) -> bool {
        self.running().and_then(|seat| self.time_left(seat, now)).is_some_and(|left| left < LOW)
    }

    /// What is left on a clock.
    pub(crate) fn time_left(&self, seat: Seat, now: Instant) -> Option<Duration> {
        let left = self.position.clocks?[seat as usize];
        Some(if self.running() == Some(seat) { left.saturating_sub(now.saturating_duration_since(self.told_at)) } else { left })
    }

    /// The clocks stand still from now on.
    pub(crate) fn freeze(&mut self, now: Instant) {
        if self.position.clocks.is_some() {
            let left = [Seat::First, Seat::Second].map(|seat| self.time_left(seat, now).unwrap_or_default());
            (self.position.clocks, self.told_at) = (Some(left), now);
        }
    }

    /// Where a piece may go to from the picked square, or a stone be put.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Square> {
        let shows = self.is_own_turn();
        let from = self.picked.or_else(|| self.legal.iter().any(|step| step.from == Some(self.cursor)).then_some(self.cursor));
        self.legal.iter().filter(move |step| shows && (step.from.is_none() || step.from == from)).map(|step| step.to)
    }

    /// What a line that was typed is, beside speech: the rules know every notation.
    pub(crate) fn read(&self, typed: &str) -> Typed {
        let typed = typed.trim();
        if self.own.is_none() || !self.is_under_way() || typed.contains(char::is_whitespace) {
            return Typed::Speech;
        }
        let position = rules::find(&self.game).and_then(|game| (game.at)(&self.position.position));
        match position.map(|mut position| position.play(typed)) {
            Some(Ok(_)) if self.is_own_turn() => Typed::Move,
            Some(Err(illegal)) if self.is_own_turn() && looks_like_a_move(typed) => Typed::NoMove(illegal.en.into_owned()),
            Some(_) if !self.is_own_turn() && looks_like_a_move(typed) => Typed::NoMove("it is not your turn".to_owned()),
            _ => Typed::Speech,
        }
    }

    pub(crate) fn move_cursor(&mut self, columns: isize, rows: isize) {
        (self.is_armed, self.wants_more, self.is_futile) = (true, false, false);
        let (columns, rows) = if self.is_turned() { (-columns, -rows) } else { (columns, rows) };
        let moved = |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
        self.cursor.column = moved(self.cursor.column, columns, self.columns());
        self.cursor.row = moved(self.cursor.row, rows, self.rows());
    }

    /// Points at a square.
    pub(crate) fn point(&mut self, square: Square) {
        (self.cursor, self.is_armed) = (square, true);
        (self.wants_more, self.is_futile) = (false, false);
    }

    /// Whether one looks at the board from its other side: who moves second in chess and xiangqi does.
    pub(crate) fn is_turned(&self) -> bool {
        self.own == Some(Seat::Second) && matches!(self.game.as_str(), "chess" | "xiangqi")
    }

    /// The square under the cursor is pressed.
    pub(crate) fn press(&mut self) -> Pressed {
        if !self.is_own_turn() {
            return Pressed::Nothing;
        }
        if !self.is_armed {
            (self.is_armed, self.wants_more) = (true, true);
            return Pressed::Nothing;
        }
        self.wants_more = false;
        let at = self.cursor;
        // In connect-four a column is all that counts.
        let reaches = |step: &Step| step.to == at || (self.game == "connect-four" && step.to.column == at.column);
        let moves = self.legal.iter().filter(|step| reaches(step) && step.from == self.picked);
        let mut moves: Vec<String> = moves.map(|step| step.typed.clone()).collect();
        let can_pick = self.picked != Some(at) && self.legal.iter().any(|step| step.from == Some(at));
        let is_put_back = self.picked == Some(at);
        self.picked = (moves.is_empty() && can_pick).then_some(at);
        self.is_futile = moves.is_empty() && !can_pick && !is_put_back;
        match (moves.pop(), moves.is_empty()) {
            (None, _) => Pressed::Nothing,
            (Some(only), true) => Pressed::Move(only),
            (Some(last), false) => Pressed::Promotion(moves.into_iter().chain([last]).collect()),
        }
    }

    /// How it ended, as one sees it.
    fn ending(&self, result: &str, reason: &str) -> String {
        let reason = clean(reason).replace('-', " ");
        let won = |seat: Seat| match self.own {
            Some(own) if own == seat => format!("you won ({reason})"),
            Some(_) => format!("you lost ({reason})"),
            None => format!("{} won ({reason})", self.name(seat)),
        };
        match result {
            "first" => won(Seat::First),
            "second" => won(Seat::Second),
            "draw" => format!("a draw ({reason})"),
            _ => "called off".to_owned(),
        }
    }
}

/// Whether a word has the shape of a move: `h8`, `e2e4`, `Nf3`, `e8=Q`, `O-O`.
fn looks_like_a_move(word: &str) -> bool {
    let is_castling = matches!(word, "O-O" | "O-O-O" | "0-0" | "0-0-0");
    let has_square = word.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_digit());
    let is_of_letters = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'+' | b'#' | b'x'));
    is_castling || (has_square && is_of_letters && word.len() <= 7)
}

/// The squares of a position: rows from the top with `/` between them; a digit is so many empty ones, as is a
/// dot. What no game has, more squares or other marks, is left out.
fn squares(position: &str) -> Vec<Vec<Option<char>>> {
    const MOST: usize = 26;
    let board = position.split(' ').next().unwrap_or_default();
    let row = |row: &str| -> Vec<Option<char>> {
        let squares = row.chars().flat_map(|mark| match mark.to_digit(10) {
            Some(count) => std::iter::repeat_n(None, count as usize),
            None => std::iter::repeat_n(Some(mark).filter(char::is_ascii_alphabetic), 1),
        });
        squares.take(MOST).collect()
    };
    board.split('/').take(MOST).map(row).collect()
}
