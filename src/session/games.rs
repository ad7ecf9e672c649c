//! What somebody in the room can do with games: invite, take a seat, move, watch, look up.

use super::outbox::{Item, Owed};
use super::{Session, State};
use crate::games::rules::{self, GAMES, Played};
use crate::games::{self, Done, Stored, Want};
use crate::protocol::game::refusal::{GameRefusal, NoGame};
use crate::protocol::game::reply::{Finished, GameReply, Rated, Ratings};
use crate::protocol::game::request::{Action, GameAsk, Invite, Whose};
use crate::protocol::game::{GameId, Words};
use crate::protocol::limits::{GAMES_A_PAGE, GAMES_A_PAGE_JSON, GAMES_LISTED, RATINGS_LISTED};
use crate::protocol::name::Name;
use crate::protocol::refusal::{Instead, Refusal, Unconfirmed};
use crate::protocol::reply::Reply;
use crate::protocol::text::Ref;
use crate::store::record::{Account, GameRecord, GameState, RatingRecord};

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
                let unconfirmed = self.word(Some(letter), reference, Reply::Refused(refusal));
                self.outbox.put_owed(Owed { position, deadline, item, unconfirmed });
            }
            None => self.outbox.put(item),
        }
    }

    async fn carry_out_game(&self, ask: GameAsk) -> Result<Done, Refusal> {
        let State::Member(member) = &self.state else { return Err(Refusal::LoginFirst) };
        let account = member.account();
        let (queue, games) = (&self.services.queue, &self.services.games);
        let want = match ask {
            GameAsk::Ratings(of) => return self.ratings(account, of).await.map(only),
            GameAsk::Record(game_id) => return self.record(game_id).await.map(only),
            GameAsk::Invite { name, invite, typed } => {
                self.check_is_own(name.as_deref(), |name| Instead::Ask(meant_invitation(name, &typed)))?;
                self.invitation(account, invite).await?
            }
            GameAsk::Take { name, inviter } => {
                self.check_is_own(name.as_deref(), |name| Instead::Ask(format!("D - {name}")))?;
                Want::Take { inviter, slots: queue.two_slots().await? }
            }
            GameAsk::Move { action: Some(action), ply, game_id } => {
                return self.act(account, action, ply, game_id).await;
            }
            GameAsk::Move { action: None, .. } => Want::Look,
            GameAsk::Watch(Some(game_id)) => Want::Watch { game_id, with_moves: !self.voice.tongue.is_for_people() },
            GameAsk::Watch(None) => Want::Unwatch,
            GameAsk::List { page } => {
                let lines = if self.voice.tongue.is_for_people() { GAMES_A_PAGE } else { GAMES_A_PAGE_JSON };
                Want::List { page, lines }
            }
        };
        games.ask(self.asker(account.clone()), want).await
    }

    async fn invitation(&self, account: &Account, invite: Invite) -> Result<Want, Refusal> {
        let queue = &self.services.queue;
        Ok(match invite {
            Invite::Withdraw => Want::Withdraw { slot: queue.slot(1).await? },
            Invite::Resume(game_id) => Want::Resume { game_id, slots: queue.two_slots().await? },
            Invite::New { game, clock, seat } => {
                let game = match game {
                    None => GAMES.first().copied(),
                    Some(word) => rules::find(&word),
                };
                let game = game.ok_or_else(|| GameRefusal::NoSuchGame(titles()))?;
                let seat = match seat {
                    // Shown as it was registered.
                    Some(seat) if seat != account.name => {
                        let known = self.services.reader.credentials(&seat).await?;
                        Some(known.ok_or(Refusal::NoSuchAccount(seat))?.account.name)
                    }
                    seat => seat,
                };
                Want::Invite { game, control: clock, seat, slot: queue.slot(1).await? }
            }
        })
    }

    async fn act(&self, account: &Account, action: Action, ply: Option<u64>, game_id: Option<GameId>) -> Result<Done, Refusal> {
        let sent_again = match (&action, ply, game_id) {
            (Action::Play(typed), Some(ply), Some(game_id)) => Some((typed.clone(), ply, game_id)),
            _ => None,
        };
        let want = Want::Act { action, ply, game_id, slot: self.services.queue.slot(1).await? };
        let done = self.services.games.ask(self.asker(account.clone()), want).await;
        match (done, sent_again) {
            (Err(Refusal::Game(refusal)), Some(sent)) if matches!(*refusal, GameRefusal::NoGame(_)) => {
                let known = self.was_played_before(account.clone(), sent).await?;
                known.map(only).ok_or(Refusal::Game(refusal))
            }
            (done, _) => done,
        }
    }

    /// The reply to a move of a game that is not under way any more, if it was made then: its player may not
    /// have been answered.
    async fn was_played_before(
        &self,
        account: Account,
        (typed, ply, game_id): (String, u64, GameId),
    ) -> Result<Option<GameReply>, Refusal> {
        self.catch_up_games().await?;
        let Some(game) = self.services.reader.saved_game(game_id).await? else { return Ok(None) };
        // It may have to be played through again, which takes a while in a long one.
        let known = tokio::task::spawn_blocking(move || games::was_played(&game, &account, ply, &typed)).await;
        let ply = usize::try_from(ply).ok().filter(|_| known.is_ok_and(|known| known));
        Ok(ply.map(|ply| GameReply::Moved { ply }))
    }
}

/// What can be played.
pub(super) fn titles() -> Vec<Words> {
    GAMES.iter().map(|game| game.title.clone()).collect()
}

/// Ratings and records: what the store knows of games that have ended.
impl Session {
    async fn ratings(&self, own: &Account, of: Whose) -> Result<GameReply, Refusal> {
        self.catch_up_games().await?;
        let reader = &self.services.reader;
        let account = match of {
            Whose::Own => own.clone(),
            Whose::Of(name) => reader.credentials(&name).await?.ok_or(Refusal::NoSuchAccount(name))?.account,
            Whose::Best => return self.best_ratings().await,
        };
        let ratings = reader.ratings_of(account.id).await?;
        let ratings = ratings.into_iter().filter_map(|rating| rated(account.name.clone(), rating)).collect();
        let games = reader.finished_games(account.id, GAMES_LISTED).await?.into_iter().filter_map(finished).collect();
        Ok(GameReply::Ratings(Ratings { of: Some(account.name), ratings, games }))
    }

    async fn best_ratings(&self) -> Result<GameReply, Refusal> {
        let games = GAMES.iter().map(|game| game.title.code.clone().into_owned()).collect();
        let best = self.services.reader.best_ratings(games, RATINGS_LISTED).await?;
        let ratings = best.into_iter().filter_map(|(name, rating)| rated(name, rating)).collect();
        Ok(GameReply::Ratings(Ratings { of: None, ratings, games: Vec::new() }))
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
fn finished(saved: GameRecord) -> Option<Finished> {
    let GameState::Over { mut end, ended_ms, .. } = saved.state else { return None };
    let mut title = Words::bare(saved.game.into_owned());
    rules::put_words(&mut title, Some(&mut end));
    let players = [saved.first.name, saved.second?.name];
    Some(Finished { game_id: saved.id, title, players, end, at_ms: ended_ms })
}

/// A reply that has nothing to wait for.
fn only(reply: GameReply) -> Done {
    Done { reply, hearing: None, stored: None }
}

/// What somebody may have meant who left out the `-` of an invitation: its first word was what to play, or
/// with whom.
fn meant_invitation(first: &str, rest: &str) -> String {
    let is_what = |word: &str| rules::find(word).is_some() || word.contains('+') || word.eq_ignore_ascii_case("resume");
    let next = rest.split(' ').next().unwrap_or_default();
    let line = match (is_what(first), is_what(next)) {
        (true, _) => format!("G - {first} {rest}"),
        (false, true) if next.eq_ignore_ascii_case("resume") => format!("G - {rest}"),
        (false, true) => format!("G - {rest} @{first}"),
        (false, false) => format!("G - {} @{first}", GAMES[0].title.code),
    };
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_without_its_dash_is_understood() {
        for (first, rest, want) in [
            ("gomoku", "", "G - gomoku"),
            ("chess", "5+3 @bob", "G - chess 5+3 @bob"),
            ("5+3", "@bob", "G - 5+3 @bob"),
            ("resume", "7", "G - resume 7"),
            ("bob", "", "G - gomoku @bob"),
            ("bob", "chess 5+3", "G - chess 5+3 @bob"),
            ("bob", "resume 7", "G - resume 7"),
            ("bob", "please", "G - gomoku @bob"),
        ] {
            assert_eq!(meant_invitation(first, rest), want);
        }
    }
}
