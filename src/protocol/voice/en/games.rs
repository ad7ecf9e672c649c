//! English, about games.

use std::time::Duration;

use super::super::super::game::event::{Board, GameNews, News, Situation, TableDeed, TableEvent, Uninvited};
use super::super::super::game::refusal::{GameRefusal, NoGame, NotNow};
use super::super::super::game::reply::{Finished, GameReply, Listed, ListedState, Rated};
use super::super::super::game::{End, GameId, Move, Offer, Side, TimeControl, Words};
use super::super::super::name::Name;
use super::super::prose::games::{GamePhrases, span};
use super::English;

impl GamePhrases for English {
    fn words<'a>(&self, words: &'a Words) -> &'a str {
        &words.en
    }

    fn board<'a>(&self, board: &'a Board) -> &'a [String] {
        &board.en
    }

    fn notation<'a>(&self, played: &'a Move) -> &'a str {
        &played.notation
    }

    fn news(&self, GameNews { title, news, .. }: &GameNews) -> String {
        let game = &title.en;
        match news {
            News::Invite { from, clock, seat: None } => {
                format!("[{from}] invites to {game}{} - D - {from} takes the seat", with(clock))
            }
            News::Invite { from, clock, seat: Some(seat) } => {
                format!("[{from}] invites [{seat}] to {game}{} - D - {from} takes the seat", with(clock))
            }
            News::Uninvite { from, why } => {
                let why = match why {
                    Uninvited::Expired => "expired",
                    Uninvited::Withdrawn => "withdrawn",
                    Uninvited::Left => "left the room",
                    Uninvited::Busy => "plays another game",
                };
                format!("[{from}]'s invitation to {game} has ended ({why})")
            }
            News::Join { from, inviter } => format!("[{from}] joined [{inviter}]'s {game}"),
            News::Result { players, end } => result(players, game, end),
        }
    }

    fn headline(&self, event: &TableEvent) -> String {
        let game = &event.title.en;
        let about = format!("{game} {}:", event.game_id);
        let name = |side: Side| event.name(side);
        match &event.deed {
            TableDeed::Begin(_) => {
                let [first, second] = &event.players;
                let id = event.game_id;
                format!(
                    "[{}] joined [{}]'s {game} - game {id}, {} ({}) moves first",
                    second.name, first.name, first.name, first.side.en
                )
            }
            TableDeed::Move { by } => {
                let played = event.position.last.as_ref().map_or("", |(_, played)| &played.notation);
                format!("{about} [{}] played {played}{}", name(*by), to_move(event))
            }
            TableDeed::TakeBack { by } => format!("{about} [{}] took a move back{}", name(*by), to_move(event)),
            TableDeed::Offer { by, offer } => format!("{about} {}", offered(*offer, name(*by))),
            TableDeed::Lost { by, timeout } => {
                format!("{about} [{}] is away; {} left to come back", name(*by), time(*timeout))
            }
            TableDeed::Back { by } => format!("{about} [{}] is back", name(*by)),
            TableDeed::Pause { timeout } => format!("{about} {}", paused(*timeout)),
            TableDeed::Resume => format!("{about} both are here, it goes on{}", to_move(event)),
            TableDeed::Idle { by } => {
                format!("{about} [{}] has not moved for long; [{}] may win with M claim", name(*by), name(by.other()))
            }
            TableDeed::Over(end) => {
                let players = event.players.each_ref().map(|player| player.name.clone());
                format!("{}\n(to play again, both send M rematch)", result(&players, game, end))
            }
            TableDeed::Leave { by } => format!("{about} [{}] has left the table; no rematch", name(*by)),
            TableDeed::Adjourn { has_failed: true } => format!(
                "{about} the server failed in this game, so it is adjourned; G - resume {} tries to go on with it",
                event.game_id
            ),
            TableDeed::Adjourn { has_failed: false } => {
                format!("{about} adjourned; G - resume {} goes on with it", event.game_id)
            }
            TableDeed::Look(situation) => {
                let Situation { clock, offer, pause, away, end } = &**situation;
                let [first, second] = event.players.each_ref().map(|player| format!("[{}] ({})", player.name, player.side.en));
                let played = moves(event.position.ply);
                let mut line = format!("{about} {first} - {second}{}, {played} played{}", with(clock), to_move(event));
                if let Some(pause) = pause {
                    line += &format!("\n({})", paused(*pause));
                }
                if let Some((by, timeout)) = away {
                    line += &format!("\n([{}] is away; {} left to come back)", name(*by), time(*timeout));
                }
                if let Some(end) = end {
                    let players = event.players.each_ref().map(|player| player.name.clone());
                    line += &format!("\n{}", result(&players, game, end));
                }
                if let Some((offer, by)) = offer {
                    line += &format!("\n({})", offered(*offer, name(*by)));
                }
                line
            }
        }
    }

    fn last(&self, side: &Words, played: &str) -> String {
        format!("last: {played} ({})", side.en)
    }

    fn turn(&self, side: &Words, example: Option<&str>) -> String {
        match example {
            Some(example) => format!("{} to move, such as: M {example}", side.en),
            None => format!("{} to move", side.en),
        }
    }

    fn game_reply(&self, reply: &GameReply) -> String {
        match reply {
            GameReply::Invited { title, clock, seat, .. } => {
                let whom = seat.as_ref().map_or("the room", Name::as_str);
                format!("{whom} is invited to {}{}; G - - withdraws it", title.en, with(clock))
            }
            GameReply::Uninvited => "your invitation is withdrawn".into(),
            GameReply::Seated { title, opponent, side, .. } => {
                let turn = if *side == Side::First { "you move first" } else { "you move second" };
                format!("you play {} against {opponent}, {turn}", title.en)
            }
            GameReply::Moved { .. } | GameReply::Board(_) => String::new(),
            GameReply::Ended => "the game is over".into(),
            GameReply::Offered { offer, is_agreed: false } => {
                let offer = match offer {
                    Offer::Draw => "a draw",
                    Offer::Undo => "a take-back",
                    Offer::Rematch => "a rematch",
                };
                format!("{offer} is offered; the other accepts by the same")
            }
            GameReply::Offered { .. } => "agreed".into(),
            GameReply::Games(games) => {
                let next = games.next_page.map(|page| format!("more: N {page}"));
                let nothing = || "nobody plays; G - gomoku invites, ? G lists the games".to_owned();
                let is_empty = games.count == 0 && games.adjourned.is_empty();
                next.unwrap_or_else(|| if is_empty { nothing() } else { String::new() })
            }
            GameReply::Watching { .. } => "you watch this game; O - stops".into(),
            GameReply::Unwatched => "you watch no game".into(),
            GameReply::Ratings(ratings) if ratings.ratings.is_empty() => "no rated games yet".into(),
            GameReply::Ratings(_) | GameReply::Record { .. } => String::new(),
        }
    }

    fn listed(&self, Listed { game_id, title, clock, state }: &Listed) -> String {
        let about = format!("{game_id} {}{}:", title.en, with(clock));
        match state {
            ListedState::Open { from, seat: None } => format!("{about} [{from}] invites - D - {from} takes the seat"),
            ListedState::Open { from, seat: Some(seat) } => {
                format!("{about} [{from}] invites [{seat}] - D - {from} takes the seat")
            }
            ListedState::Playing { players: [first, second], ply, is_paused } => {
                let paused = if *is_paused { ", paused" } else { "" };
                format!("{about} [{first}] - [{second}], {} played{paused} - O {game_id} watches", moves(*ply))
            }
            ListedState::Adjourned { players: [first, second], ply } => {
                format!("{about} [{first}] - [{second}], {} played, adjourned - G - resume {game_id} goes on", moves(*ply))
            }
        }
    }

    fn rated(&self, rated: &Rated, rank: Option<usize>) -> String {
        let Rated { title, name, rating, deviation, games } = rated;
        let rank = rank.map_or_else(String::new, |rank| format!("{rank}. "));
        format!("{} {rank}[{name}] {rating:.0} (deviation {deviation:.0}, {})", title.en, count(*games, "game"))
    }

    fn finished(&self, Finished { game_id, title, players, end, .. }: &Finished, day: &str) -> String {
        format!("{game_id} {day} {}", result(players, &title.en, end))
    }

    fn game_refusal(&self, refusal: &GameRefusal) -> String {
        match refusal {
            GameRefusal::AlreadyInviting => "you invite already; G - - withdraws it".into(),
            GameRefusal::AlreadyPlaying(opponent) => {
                format!("you play against {opponent}; M shows the board, M resign gives up")
            }
            GameRefusal::BadClock => "a clock is minutes+seconds, as 5+3, each at most 180; for bob alone: @bob".into(),
            GameRefusal::IllegalMove { en, .. } => en.to_string(),
            GameRefusal::MembersOnly => "only who is in the room can play: log in without \"enter\":false".into(),
            GameRefusal::NoGame(NoGame::Playing) => "you play no game; N lists games, G - gomoku invites".into(),
            GameRefusal::NoGame(NoGame::Watching(watched)) => {
                format!("you only watch; O {watched} shows the board again, O - stops")
            }
            GameRefusal::NoGame(NoGame::Over) => "your game is over; M rematch offers another".into(),
            GameRefusal::NoGame(NoGame::Other(yours)) => format!("your game is {yours}"),
            GameRefusal::NoGame(NoGame::UnderWay) => "no such game is under way; N lists them".into(),
            GameRefusal::NoGame(NoGame::Adjourned) => "no adjourned game of yours has that number; N lists yours".into(),
            GameRefusal::NoGame(NoGame::Finished) => "no game of that number has ended".into(),
            GameRefusal::NoInvitation(Some(inviter)) => format!("{inviter} does not invite; N lists who does"),
            GameRefusal::NoInvitation(None) => "you do not invite; G - gomoku would".into(),
            GameRefusal::NoSuchGame(titles) => self.titles(titles),
            GameRefusal::NotNow(NotNow::ClaimEarly(left)) => {
                format!("the other has time to move; you may claim in {}", time(*left))
            }
            GameRefusal::NotNow(NotNow::ClaimClock) => "the clock decides this game; there is nothing to claim".into(),
            GameRefusal::NotNow(NotNow::ClaimTurn) => "it is your turn to move".into(),
            GameRefusal::NotNow(NotNow::Abort) => "you have moved twice; M resign gives up, M draw offers a draw".into(),
            GameRefusal::NotNow(NotNow::Undo) => "you have not moved yet".into(),
            GameRefusal::NotNow(NotNow::Rematch) => "the game is not over yet".into(),
            GameRefusal::NotNow(NotNow::Paused) => "the game waits until both are here; M resign gives up".into(),
            GameRefusal::NotYourTurn(opponent) => format!("{opponent} is to move"),
            GameRefusal::OwnInvitation => "nobody plays alone; wait for somebody else".into(),
            GameRefusal::Reserved(seat) => format!("the seat is for {seat}"),
            GameRefusal::Taken(by) => format!("{by} was faster"),
            GameRefusal::WrongPly { next } => format!("the next ply is {next}; a move is written without blanks"),
        }
    }

    fn titles(&self, titles: &[Words]) -> String {
        let titles: Vec<&str> = titles.iter().map(|title| &*title.code).collect();
        format!("games: {}", titles.join(", "))
    }

    fn missed_moves(&self, game_id: GameId) -> String {
        format!("(You were too slow for a part of game {game_id}; M shows your board, O {game_id} another's)")
    }
}

fn with(clock: &Option<TimeControl>) -> String {
    clock.map_or_else(String::new, |clock| format!(" {clock}"))
}

fn time(time: Duration) -> String {
    span(time, "s", "min")
}

fn count(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn moves(ply: usize) -> String {
    count(ply as u64, "move")
}

fn to_move(event: &TableEvent) -> String {
    event.position.turn.map_or_else(String::new, |turn| format!(", [{}] is to move", event.name(turn)))
}

fn paused(timeout: Duration) -> String {
    format!("paused until both are here; adjourned in {}", time(timeout))
}

fn offered(offer: Offer, by: &Name) -> String {
    let what = match offer {
        Offer::Draw => "offers a draw",
        Offer::Undo => "asks to take a move back",
        Offer::Rematch => "offers a rematch",
    };
    let declines = if offer == Offer::Rematch { "" } else { ", a move declines" };
    format!("[{by}] {what}; M {} accepts{declines}", offer.code())
}

fn result(players: &[Name; 2], game: &str, end: &End) -> String {
    let [first, second] = players;
    match end {
        End { winner: Some(winner), reason } => {
            let (winner, loser) = (&players[winner.index()], &players[winner.other().index()]);
            format!("[{winner}] beat [{loser}] at {game} ({})", reason.en)
        }
        End { winner: None, reason } if reason.code == End::ABORTED.code => {
            format!("[{first}] and [{second}] called off their {game}")
        }
        End { winner: None, reason } => format!("[{first}] and [{second}] drew at {game} ({})", reason.en),
    }
}
