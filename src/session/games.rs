//! What somebody in the room can do with games: invite, take a seat, move, watch, look up.

use super::outbox::{Item, Owed};
use super::{Session, State};
use crate::games::rules::{self, GAMES, Played};
use crate::games::{Done, SLOTS_A_WANT, Stored, Want};
use crate::protocol::game::refusal::{GameRefusal, NoGame};
use crate::protocol::game::reply::{Finished, GameReply, Rated, Ratings};
use crate::protocol::game::request::{GameAsk, Invite};
use crate::protocol::game::{GameId, Words};
use crate::protocol::limits::{GAMES_A_PAGE, GAMES_A_PAGE_JSON, GAMES_LISTED, RATINGS_LISTED};
use crate::protocol::name::Name;
use crate::protocol::refusal::{Instead, Refusal, Unconfirmed};
use crate::protocol::reply::Reply;
use crate::protocol::text::Ref;
use crate::store::read::games::SavedGame;
use crate::store::record::{Account, GameState, RatingRecord};

impl Session {
    /// Carries out a request about games. What changes something is answered once it is durable.
    pub(super) async fn ask_games(&mut self, letter: char, reference: Option<Ref>, ask: GameAsk) {
        let deadline = self.services.queue.confirm_deadline();
        let Done { reply, hearing, stored } = match self.carry_out_game(ask).await {
            Ok(done) => done,
            Err(refusal) => return self.answer(Some(letter), reference, Reply::Refused(refusal)),
        };
        let has_acted = matches!(reply, GameReply::Moved { .. } | GameReply::Ended | GameReply::Offered { .. });
        let text = self.encode(Some(letter), reference.clone(), reply.into());
        let item = match hearing {
            Some(hearing) => Item::Hear { text, hearings: vec![self.game_hearing(hearing)] },
            // Who acted has seen what came of it before the reply.
            None if has_acted => Item::Said(text),
            None => Item::Text(text),
        };
        match stored {
            Some(Stored { position, seq }) => {
                let refusal = Refusal::Unconfirmed(seq.map_or(Unconfirmed::Move, Unconfirmed::Event));
                let unconfirmed = self.encode(Some(letter), reference, Reply::Refused(refusal));
                self.outbox.put_owed(Owed { position, deadline, item, unconfirmed });
            }
            None => self.outbox.put(item),
        }
    }

    async fn carry_out_game(&self, ask: GameAsk) -> Result<Done, Refusal> {
        let State::Member(member) = &self.state else { return Err(Refusal::LoginFirst) };
        let want = match ask {
            GameAsk::Ratings(name) => return self.ratings(name).await.map(only),
            GameAsk::Record(game_id) => return self.record(game_id).await.map(only),
            GameAsk::Invite { name, invite } => {
                self.check_is_own(name.as_deref(), |name| Instead::Ask(format!("G - {name}")))?;
                self.invitation(&member.account, invite).await?
            }
            GameAsk::Take { name, inviter } => {
                self.check_is_own(name.as_deref(), |name| Instead::Ask(format!("D - {name}")))?;
                Want::Take { inviter }
            }
            GameAsk::Move { action: Some(action), ply, game_id } => Want::Act { action, ply, game_id },
            GameAsk::Move { action: None, .. } => Want::Look,
            GameAsk::Watch(game_id) => Want::Watch(game_id),
            GameAsk::List { page } => {
                let lines = if self.voice.tongue.is_for_people() { GAMES_A_PAGE } else { GAMES_A_PAGE_JSON };
                Want::List { page, lines }
            }
        };
        let slots = match want {
            Want::Look | Want::Watch(_) | Want::List { .. } => Vec::new(),
            _ => self.services.queue.slots(SLOTS_A_WANT).await?,
        };
        self.services.games.ask(self.asker(member.account.clone()), want, slots).await
    }

    async fn invitation(&self, account: &Account, invite: Invite) -> Result<Want, Refusal> {
        Ok(match invite {
            Invite::Withdraw => Want::Withdraw,
            Invite::New { game, clock, seat } => {
                let game = match game {
                    None => GAMES.first().copied(),
                    Some(word) => rules::find(&word),
                };
                let titles = || GAMES.iter().map(|game| game.title.clone()).collect();
                let game = game.ok_or_else(|| GameRefusal::NoSuchGame(titles()))?;
                let seat = match seat {
                    // Shown as it was registered.
                    Some(seat) if seat != account.name => {
                        let known = self.services.reader.credentials(&seat).await?;
                        Some(known.ok_or(Refusal::NoSuchUser(seat))?.account.name)
                    }
                    seat => seat,
                };
                Want::Invite { game, control: clock, seat }
            }
            Invite::Resume(game_id) => {
                // What was adjourned just now counts.
                self.catch_up_games().await?;
                let saved = self.services.reader.saved_game(game_id).await?;
                Want::Resume(Box::new(saved.ok_or(GameRefusal::NoGame(NoGame::Adjourned))?))
            }
        })
    }
}

/// Ratings and records: what the store knows of games that have ended.
impl Session {
    async fn ratings(&self, of: Option<Name>) -> Result<GameReply, Refusal> {
        self.catch_up_games().await?;
        let reader = &self.services.reader;
        let Some(name) = of else {
            let games = GAMES.iter().map(|game| game.title.code.clone().into_owned()).collect();
            let best = reader.best_ratings(games, RATINGS_LISTED).await?;
            let ratings = best.into_iter().filter_map(|(name, rating)| rated(name, rating)).collect();
            return Ok(GameReply::Ratings(Ratings { of: None, ratings, games: Vec::new() }));
        };
        let known = reader.credentials(&name).await?.ok_or(Refusal::NoSuchUser(name))?;
        let account = known.account;
        let ratings = reader.ratings_of(account.id).await?;
        let ratings = ratings.into_iter().filter_map(|rating| rated(account.name.clone(), rating)).collect();
        let games = reader.finished_games(account.id, GAMES_LISTED).await?.into_iter().filter_map(finished).collect();
        Ok(GameReply::Ratings(Ratings { of: Some(account.name), ratings, games }))
    }

    async fn record(&self, game_id: GameId) -> Result<GameReply, Refusal> {
        self.catch_up_games().await?;
        let none = || GameRefusal::NoGame(NoGame::Finished);
        let saved = self.services.reader.saved_game(game_id).await?.ok_or_else(none)?;
        let (started_ms, clock, moves) = (saved.started_ms, saved.clock, saved.moves.clone());
        let Finished { title, players, end, .. } = finished(saved).ok_or_else(none)?;
        let game = rules::find(&title.code).ok_or_else(none)?;
        let moves: Vec<&str> = moves.split_whitespace().collect();
        let names = players.each_ref().map(Name::as_str);
        let played = Played { names, moves: &moves, end: &end, at_ms: started_ms, clock, id: game_id };
        let (format, lines) = game.record(&played);
        Ok(GameReply::Record { game_id, format, lines })
    }

    /// Waits until everything that any game has come to is stored.
    async fn catch_up_games(&self) -> Result<(), Refusal> {
        let queue = &self.services.queue;
        queue.durable(queue.newest(), queue.confirm_deadline()).await.map_err(|_| Refusal::StoreFailed)
    }
}

fn rated(name: Name, rating: RatingRecord) -> Option<Rated> {
    let RatingRecord { game, rating, deviation, games, .. } = rating;
    Some(Rated { title: rules::find(&game)?.title.clone(), name, rating, deviation, games })
}

/// A game as a list or a record tells it; `None` if it has not ended.
fn finished(saved: SavedGame) -> Option<Finished> {
    let GameState::Over { mut end, ended_ms, .. } = saved.state else { return None };
    let mut title = Words::bare(saved.game);
    rules::put_words(&mut title, Some(&mut end));
    let players = [saved.first.name, saved.second?.name];
    Some(Finished { game_id: saved.id, title, players, end, at_ms: ended_ms })
}

/// A reply that has nothing to wait for.
fn only(reply: GameReply) -> Done {
    Done { reply, hearing: None, stored: None }
}
