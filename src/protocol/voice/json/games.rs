//! Games, for programs.

use std::time::Duration;

use super::super::super::game::event::{GameNews, News, Position, Situation, TableDeed, TableEvent};
use super::super::super::game::refusal::GameRefusal;
use super::super::super::game::reply::{Finished, GameReply, Listed, ListedState, Rated};
use super::super::super::game::{End, GameId, Side, TimeControl, Words};
use super::super::super::name::Name;
use super::super::super::text::Ref;
use super::Object;

/// The keys of an event of the room, behind those of every event.
pub(super) fn put_news<'a, 'b>(object: &'b mut Object<'a>, news: &GameNews) -> &'b mut Object<'a> {
    let GameNews { game_id, title, news } = news;
    match news {
        News::Invite { from, clock, seat } => {
            put_game(object.text("from", from.as_str()), *game_id, title);
            put_clock(object, *clock);
            put_seat(object, seat.as_ref())
        }
        News::Uninvite { from, why } => {
            put_game(object.text("from", from.as_str()), *game_id, title).text("reason", why.code())
        }
        News::Join { from, inviter } => {
            put_game(object.text("from", from.as_str()).text("inviter", inviter.as_str()), *game_id, title)
        }
        News::Result { players, end } => {
            put_game(object, *game_id, title);
            put_result(object, players.each_ref(), end)
        }
    }
}

/// An event of a game, or an item that tells how one stands.
pub(super) fn put_table_event(key: &str, reference: Option<&Ref>, event: &TableEvent, out: &mut String) {
    let mut object = Object::begin(out, key, kind(&event.deed));
    object.reference(reference);
    put_game(&mut object, event.game_id, &event.title).time("at", event.at_ms);
    let name = |side: Side| event.name(side).as_str();
    match &event.deed {
        TableDeed::Begin(clock) => {
            put_players(&mut object, event);
            put_clock(&mut object, *clock).bool("paused", false);
            put_position(&mut object, event);
        }
        TableDeed::Move { by } => {
            let played = event.position.last.as_ref().map_or("", |(_, played)| &played.notation);
            object.text("from", name(*by)).text("move", played);
            put_position(&mut object, event);
        }
        TableDeed::TakeBack { by } => {
            object.text("from", name(*by));
            put_position(&mut object, event);
        }
        TableDeed::Offer { by, offer } => _ = object.text("from", name(*by)).text("offer", offer.code()),
        TableDeed::Lost { by, timeout } => {
            object.text("from", name(*by));
            object.number("timeout_ms", timeout.as_millis());
        }
        TableDeed::Back { by } | TableDeed::Idle { by } | TableDeed::Leave { by } => _ = object.text("from", name(*by)),
        TableDeed::Pause { timeout } => _ = object.number("timeout_ms", timeout.as_millis()),
        TableDeed::Resume => put_position(&mut object, event),
        TableDeed::Over(end) => _ = put_result(&mut object, event.players.each_ref().map(|player| &player.name), end),
        TableDeed::Adjourn { has_failed } => {
            if *has_failed {
                object.bool("failed", true);
            }
        }
        TableDeed::Look(situation) => {
            let Situation { clock, offer, pause, away, end } = &**situation;
            put_players(&mut object, event);
            put_clock(&mut object, *clock);
            if let Some((offer, by)) = offer {
                object.text("offer", offer.code()).text("offered_by", name(*by));
            }
            object.bool("paused", pause.is_some());
            if let Some((by, timeout)) = away {
                object.text("away", name(*by)).number("timeout_ms", timeout.as_millis());
            }
            if let Some(end) = end {
                object.text("result", end.result()).text("reason", &end.reason.code);
            }
            put_position(&mut object, event);
        }
    }
    object.end();
}

/// What a connection is told that was too slow for a part of a game.
pub(super) fn put_missed_moves(game_id: GameId, out: &mut String) {
    let mut object = Object::begin(out, "event", "missed");
    object.number("game_id", game_id);
    object.end();
}

/// The lines that answer a request before its reply does.
pub(super) fn put_items(reply: &GameReply, reference: Option<&Ref>, out: &mut String) {
    match reply {
        GameReply::Board(look) => put_table_event("item", reference, look, out),
        GameReply::Watching { look, moves } => {
            for (ply, (by, played)) in moves.iter().enumerate() {
                let mut object = Object::begin(out, "item", "move");
                put_game(object.reference(reference), look.game_id, &look.title);
                object.number("ply", ply + 1).text("from", look.name(*by).as_str()).text("move", played);
                object.end();
            }
            put_table_event("item", reference, look, out);
        }
        GameReply::Games(games) => {
            games.listed.iter().chain(&games.adjourned).for_each(|listed| put_listed("item", reference, listed, out));
        }
        GameReply::Ratings(ratings) => {
            ratings.ratings.iter().for_each(|rated| put_rated(rated, reference, out));
            ratings.games.iter().for_each(|finished| put_finished(finished, reference, out));
        }
        GameReply::Record { lines, .. } => {
            for line in lines {
                let mut object = Object::begin(out, "item", "record");
                object.reference(reference).text("text", line);
                object.end();
            }
        }
        _ => (),
    }
}

/// The keys of a reply.
pub(super) fn put_reply<'a, 'b>(object: &'b mut Object<'a>, reply: &GameReply) -> &'b mut Object<'a> {
    match reply {
        GameReply::Invited { game_id, title, .. } => put_game(object, *game_id, title),
        GameReply::Seated { game_id, title, opponent, side } => {
            put_game(object, *game_id, title).text("opponent", opponent.as_str()).text("side", side.code())
        }
        GameReply::Moved { ply } => object.number("ply", ply),
        GameReply::Offered { is_agreed, .. } => object.bool("agreed", *is_agreed),
        GameReply::Games(games) => object.number("count", games.count).next_page(games.next_page),
        GameReply::Watching { look, .. } => object.number("game_id", look.game_id),
        GameReply::Ratings(ratings) => object.number("count", ratings.ratings.len() + ratings.games.len()),
        GameReply::Record { game_id, format, lines } => {
            object.number("game_id", game_id).text("format", format).number("count", lines.len())
        }
        GameReply::Uninvited | GameReply::Board(_) | GameReply::Ended | GameReply::Unwatched => object,
    }
}

/// The keys of a refusal.
pub(super) fn put_refusal<'a, 'b>(object: &'b mut Object<'a>, refusal: &GameRefusal) -> &'b mut Object<'a> {
    match refusal {
        GameRefusal::WrongPly { next } => object.number("ply", next),
        GameRefusal::Taken(by) => object.text("from", by.as_str()),
        _ => object,
    }
}

fn kind(deed: &TableDeed) -> &'static str {
    match deed {
        TableDeed::Begin(_) => "begun",
        TableDeed::Move { .. } => "move",
        TableDeed::TakeBack { .. } => "takeback",
        TableDeed::Offer { .. } => "offer",
        TableDeed::Lost { .. } => "lost",
        TableDeed::Back { .. } => "back",
        TableDeed::Pause { .. } => "paused",
        TableDeed::Resume => "resumed",
        TableDeed::Idle { .. } => "idle",
        TableDeed::Over(_) => "over",
        TableDeed::Adjourn { .. } => "adjourned",
        TableDeed::Leave { .. } => "left",
        TableDeed::Look(_) => "board",
    }
}

fn put_game<'a, 'b>(object: &'b mut Object<'a>, game_id: GameId, title: &Words) -> &'b mut Object<'a> {
    object.number("game_id", game_id).text("game", &title.code)
}

fn put_players(object: &mut Object<'_>, event: &TableEvent) {
    for side in Side::BOTH {
        object.text(side.code(), event.name(side).as_str());
    }
}

fn put_clock<'a, 'b>(object: &'b mut Object<'a>, clock: Option<TimeControl>) -> &'b mut Object<'a> {
    match clock {
        Some(clock) => object.number_as_text("clock", format_args!("{clock}")),
        None => object,
    }
}

fn put_seat<'a, 'b>(object: &'b mut Object<'a>, seat: Option<&Name>) -> &'b mut Object<'a> {
    match seat {
        Some(seat) => object.text("seat", seat.as_str()),
        None => object,
    }
}

fn put_result<'a, 'b>(object: &'b mut Object<'a>, players: [&Name; 2], end: &End) -> &'b mut Object<'a> {
    for side in Side::BOTH {
        object.text(side.code(), players[side.index()].as_str());
    }
    object.text("result", end.result()).text("reason", &end.reason.code)
}

fn put_position(object: &mut Object<'_>, event: &TableEvent) {
    let Position { ply, turn, left, code, .. } = &event.position;
    object.number("ply", ply);
    if let Some(turn) = turn {
        object.text("turn", event.name(*turn).as_str());
    }
    object.text("position", code);
    if let Some([first, second]) = left {
        let mut put = |key: &str, left: &Duration| _ = object.number(key, left.as_millis());
        put("first_ms", first);
        put("second_ms", second);
    }
}

/// An invitation or a game, as an item of a list or as an event behind a login.
pub(super) fn put_listed(key: &str, reference: Option<&Ref>, listed: &Listed, out: &mut String) {
    let Listed { game_id, title, clock, state } = listed;
    let kind = match state {
        ListedState::Open { .. } => "invitation",
        ListedState::Playing { .. } => "playing",
        ListedState::Adjourned { .. } => "adjourned",
    };
    let mut object = Object::begin(out, key, kind);
    put_game(object.reference(reference), *game_id, title);
    put_clock(&mut object, *clock);
    match state {
        ListedState::Open { from, seat } => _ = put_seat(object.text("from", from.as_str()), seat.as_ref()),
        ListedState::Playing { players: [first, second], ply, is_paused } => {
            object.text("first", first.as_str()).text("second", second.as_str());
            object.number("ply", ply).bool("paused", *is_paused);
        }
        ListedState::Adjourned { players: [first, second], ply } => {
            object.text("first", first.as_str()).text("second", second.as_str()).number("ply", ply);
        }
    }
    object.end();
}

fn put_rated(rated: &Rated, reference: Option<&Ref>, out: &mut String) {
    let Rated { title, name, rating, deviation, games } = rated;
    let mut object = Object::begin(out, "item", "rating");
    object.reference(reference).text("game", &title.code).text("name", name.as_str());
    object.number("rating", format_args!("{rating:.1}")).number("deviation", format_args!("{deviation:.1}"));
    object.number("games", games);
    object.end();
}

fn put_finished(finished: &Finished, reference: Option<&Ref>, out: &mut String) {
    let Finished { game_id, title, players, end, at_ms } = finished;
    let mut object = Object::begin(out, "item", "game");
    put_game(object.reference(reference), *game_id, title);
    put_result(&mut object, players.each_ref(), end).time("at", *at_ms);
    object.end();
}
