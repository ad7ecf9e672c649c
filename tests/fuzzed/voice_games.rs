//! What can be told and answered about games, as an input chooses it.

use std::time::Duration;

use parlor::games::rules::{GAMES, Game};
use parlor::protocol::game::event::{Board, GameNews, News, Player, Position, Situation, TableDeed, TableEvent, Uninvited};
use parlor::protocol::game::refusal::{GameRefusal, NoGame, NotNow};
use parlor::protocol::game::reply::{Finished, GameReply, GamesPage, Listed, ListedState, Rated, Ratings};
use parlor::protocol::game::{End, GameId, Move, Offer, Side, TimeControl, Words};
use parlor::protocol::tongue::Tongue;

use super::Choices;
use super::voice::{at_ms, name};

/// The titles of all games.
pub fn titles() -> Vec<Words> {
    GAMES.iter().map(|game| game.title.clone()).collect()
}

fn game(choices: &mut Choices<'_>) -> &'static Game {
    GAMES[choices.below(GAMES.len())]
}

fn side(choices: &mut Choices<'_>) -> Side {
    Side::BOTH[choices.below(2)]
}

fn clock(choices: &mut Choices<'_>) -> Option<TimeControl> {
    TimeControl::parse(&format!("{}+{}", choices.below(181), choices.below(181)))
}

fn span(choices: &mut Choices<'_>) -> Duration {
    Duration::from_millis(choices.number() % (1 << 40))
}

fn end(choices: &mut Choices<'_>) -> End {
    let reasons: Vec<Words> = GAMES.iter().flat_map(|game| game.ends.iter().map(|&words| words.clone())).collect();
    let reasons = [reasons, End::ANY_GAME.to_vec()].concat();
    End { winner: choices.coin().then(|| side(choices)), reason: reasons[choices.below(reasons.len())].clone() }
}

fn offer(choices: &mut Choices<'_>) -> Offer {
    [Offer::Draw, Offer::Undo, Offer::Rematch][choices.below(3)]
}

pub fn news(choices: &mut Choices<'_>) -> GameNews {
    let news = match choices.below(4) {
        0 => News::Invite { from: name(choices), clock: clock(choices), seat: choices.coin().then(|| name(choices)) },
        1 => News::Uninvite { from: name(choices), why: Uninvited::ALL[choices.below(4)] },
        2 => News::Join { from: name(choices), inviter: name(choices) },
        _ => News::Result { players: [name(choices), name(choices)], end: end(choices) },
    };
    GameNews { game_id: GameId(choices.number()), title: game(choices).title.clone(), news }
}

fn deed(choices: &mut Choices<'_>) -> TableDeed {
    match choices.below(13) {
        0 => TableDeed::Begin(clock(choices)),
        1 => TableDeed::Move { by: side(choices) },
        2 => TableDeed::TakeBack { by: side(choices) },
        3 => TableDeed::Offer { by: side(choices), offer: offer(choices) },
        4 => TableDeed::Lost { by: side(choices), timeout: span(choices) },
        5 => TableDeed::Back { by: side(choices) },
        6 => TableDeed::Pause { timeout: span(choices) },
        7 => TableDeed::Resume,
        8 => TableDeed::Idle { by: side(choices) },
        9 => TableDeed::Over(end(choices)),
        10 => TableDeed::Adjourn { has_failed: choices.coin() },
        11 => TableDeed::Leave { by: side(choices) },
        _ => TableDeed::Look(Box::new(Situation {
            clock: clock(choices),
            offer: choices.coin().then(|| (offer(choices), side(choices))),
            pause: choices.coin().then(|| span(choices)),
            away: choices.coin().then(|| (side(choices), span(choices))),
            end: choices.coin().then(|| end(choices)),
        })),
    }
}

/// Something that happened at a board, after some legal moves.
pub fn table_event(choices: &mut Choices<'_>) -> TableEvent {
    let game = game(choices);
    let (mut position, mut ply, mut last) = ((game.start)(), 0, None);
    for _ in 0..choices.below(8) {
        let (by, legal) = (position.turn(), position.legal_moves());
        if legal.is_empty() {
            break;
        }
        let played: Move = position.play(&legal[choices.below(legal.len())]).expect("a legal move");
        (ply, last) = (ply + 1, Some((by, played)));
    }
    let deed = deed(choices);
    let draw = || Board { en: position.draw(Tongue::En), zh: position.draw(Tongue::Zh) };
    let board = deed.shows_board().then(draw);
    let turn = position.end().is_none().then(|| position.turn());
    TableEvent {
        game_id: GameId(choices.number()),
        title: game.title.clone(),
        at_ms: at_ms(choices),
        deed,
        players: Side::BOTH.map(|side| Player { name: name(choices), side: game.sides[side.index()].clone() }),
        position: Position {
            ply,
            turn,
            last,
            left: choices.coin().then(|| [span(choices), span(choices)]),
            code: position.position(),
            board,
            example: position.example(),
        },
    }
}

pub fn listed(choices: &mut Choices<'_>) -> Listed {
    let ply = choices.below(200);
    let state = match choices.below(3) {
        0 => ListedState::Open { from: name(choices), seat: choices.coin().then(|| name(choices)) },
        1 => ListedState::Playing { players: [name(choices), name(choices)], ply, is_paused: choices.coin() },
        _ => ListedState::Adjourned { players: [name(choices), name(choices)], ply },
    };
    Listed { game_id: GameId(choices.number()), title: game(choices).title.clone(), clock: clock(choices), state }
}

fn rated(choices: &mut Choices<'_>) -> Rated {
    Rated {
        title: game(choices).title.clone(),
        name: name(choices),
        rating: f64::from(choices.byte()) * 13.7,
        deviation: f64::from(choices.byte()),
        games: choices.number(),
    }
}

fn finished(choices: &mut Choices<'_>) -> Finished {
    Finished {
        game_id: GameId(choices.number()),
        title: game(choices).title.clone(),
        players: [name(choices), name(choices)],
        end: end(choices),
        at_ms: at_ms(choices),
    }
}

pub fn reply(choices: &mut Choices<'_>) -> GameReply {
    let (game_id, title) = (GameId(choices.number()), game(choices).title.clone());
    match choices.below(12) {
        0 => GameReply::Invited { game_id, title, clock: clock(choices), seat: choices.coin().then(|| name(choices)) },
        1 => GameReply::Uninvited,
        2 => GameReply::Seated { game_id, title, opponent: name(choices), side: side(choices) },
        3 => GameReply::Moved { ply: choices.below(200) },
        4 => GameReply::Board(Box::new(table_event(choices))),
        5 => GameReply::Ended,
        6 => GameReply::Offered { offer: offer(choices), is_agreed: choices.coin() },
        7 => GameReply::Games(GamesPage {
            listed: (0..choices.below(3)).map(|_| listed(choices)).collect(),
            adjourned: (0..choices.below(3)).map(|_| listed(choices)).collect(),
            count: choices.below(9),
            next_page: choices.coin().then_some(2),
        }),
        8 => GameReply::Watching {
            look: Box::new(table_event(choices)),
            moves: (0..choices.below(3)).map(|_| (side(choices), "h8".to_owned())).collect(),
        },
        9 => GameReply::Unwatched,
        10 => GameReply::Ratings(Ratings {
            of: choices.coin().then(|| name(choices)),
            ratings: (0..choices.below(3)).map(|_| rated(choices)).collect(),
            games: (0..choices.below(3)).map(|_| finished(choices)).collect(),
        }),
        _ => GameReply::Record { game_id, format: "moves", lines: vec!["h8 i8".into(); choices.below(3)] },
    }
}

pub fn refusal(choices: &mut Choices<'_>) -> GameRefusal {
    match choices.below(14) {
        0 => GameRefusal::AlreadyInviting,
        1 => GameRefusal::AlreadyPlaying(name(choices)),
        2 => GameRefusal::BadClock,
        3 => {
            let illegal = (game(choices).start)().play(&choices.words());
            illegal.map_or_else(|why| GameRefusal::IllegalMove { en: why.en, zh: why.zh }, |_| GameRefusal::MembersOnly)
        }
        4 => GameRefusal::NoGame(NoGame::Watching(GameId(choices.number()))),
        5 => GameRefusal::NoGame(NoGame::Other(GameId(choices.number()))),
        6 => GameRefusal::NoInvitation(choices.coin().then(|| name(choices))),
        7 => GameRefusal::NoSuchGame(titles()),
        8 => GameRefusal::NotNow(NotNow::ClaimEarly(span(choices))),
        9 => GameRefusal::NotYourTurn(name(choices)),
        10 => GameRefusal::OwnInvitation,
        11 => GameRefusal::Reserved(name(choices)),
        12 => GameRefusal::Taken(name(choices)),
        _ => GameRefusal::WrongPly { next: choices.below(300) },
    }
}
