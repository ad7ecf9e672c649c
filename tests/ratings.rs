//! The promise about what is left of games: who is rated how, for which games and for which not, one's last
//! games, and the record of each.

use serde_json::{Value, json};

use crate::harness::{Client, Daemon, WHOLE_GAMES, play, seat};

/// Of Glicko-2, worked out by hand: what the first game between two new players makes of 1500 and 350.
const AFTER_ONE: [f64; 2] = [1662.3, 1337.7];
const DEVIATION_AFTER_ONE: f64 = 290.3;

fn programs<const N: usize>(daemon: &Daemon, names: [&str; N]) -> [Client; N] {
    names.map(|name| Client::program(daemon, name))
}

/// The items of one kind that answer a request, and its count.
fn items(client: &mut Client, request: &str, kind: &str) -> Vec<Value> {
    let mut lines = client.objects_of(request);
    let reply = lines.pop().unwrap();
    lines.retain(|line| line.get("item").is_some());
    assert_eq!(reply["count"], lines.len(), "{request}");
    lines.retain(|line| line["item"] == kind);
    lines
}

/// Plays a game that the second player wins, both having moved once.
fn short_game(first: &mut Client, second: &mut Client, game: &str, moves: &str) -> u64 {
    let id = seat(first, second, &format!("G - {game}"));
    play(first, second, moves);
    first.granted("M resign");
    second.event("over");
    id
}

#[test]
fn a_game_moves_both_ratings_by_glicko_2() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = programs(&daemon, ["alice", "bob"]);
    for request in ["R", "R alice", "R BOB", r#"{"do":"R","name":"alice"}"#] {
        assert_eq!(alice.objects_of(request).pop().unwrap()["count"], 0, "{request}");
    }
    alice.refused("R nobody", "no-such-user");
    alice.refused("R a b", "usage");
    let id = short_game(&mut alice, &mut bob, "chess", "e4 e5");
    let ratings = items(&mut alice, "R", "rating");
    assert_eq!(ratings.len(), 2);
    for ((rated, name), rating) in ratings.iter().zip(["bob", "alice"]).zip(AFTER_ONE) {
        assert_eq!([&rated["game"], &rated["name"], &rated["games"]], [&json!("chess"), &json!(name), &json!(1)]);
        let off = (rated["rating"].as_f64().unwrap() - rating).abs()
            + (rated["deviation"].as_f64().unwrap() - DEVIATION_AFTER_ONE).abs();
        assert!(off < 1.0, "{rated}");
    }
    let mut games = items(&mut alice, "R Bob", "game");
    assert!(games[0]["at"].take().as_str().unwrap().ends_with('Z'));
    let want = json!({
        "item": "game", "game_id": id, "game": "chess", "first": "alice", "second": "bob", "result": "second",
        "reason": "resigned", "at": null,
    });
    assert_eq!(games, [want]);
    let own = items(&mut alice, r#"{"do":"R","name":"bob","ref":"r1"}"#, "rating");
    assert!(own.len() == 1 && own[0]["name"] == "bob" && own[0]["ref"] == "r1", "{own:?}");
    // Each game has ratings of its own.
    short_game(&mut alice, &mut bob, "reversi", "d3 c3");
    assert_eq!(items(&mut bob, "R", "rating").len(), 4);
    assert_eq!(items(&mut bob, "R alice", "rating").len(), 2);
    for (voice, games) in [("en", ["chess", "reversi"]), ("zh", ["国际象棋", "黑白棋"])] {
        alice.ask(&format!("V {voice}"));
        let lines = alice.lines_of("R");
        assert!(lines.len() == 5 && lines[4].starts_with("OK 4"), "{lines:#?}");
        let shown = |words: &[&str]| lines.iter().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(games.iter().all(|game| shown(&[game, "[alice]", "1338"]) && shown(&[game, "[bob]", "1662"])), "{lines:#?}");
        let lines = alice.lines_of("R bob");
        assert!(lines.len() == 5 && lines[4].starts_with("OK 4"), "{lines:#?}");
        assert!(lines[2..4].iter().all(|line| line.contains("[alice]") && line.contains("[bob]")), "{lines:#?}");
    }
}

#[test]
fn a_game_that_hardly_was_one_is_not_rated() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = programs(&daemon, ["alice", "bob"]);
    let mut ids = vec![short_game(&mut alice, &mut bob, "gomoku", ""), short_game(&mut alice, &mut bob, "gomoku", "h8")];
    let called_off = seat(&mut alice, &mut bob, "G - gomoku");
    play(&mut alice, &mut bob, "h8 i8");
    bob.granted("M abort");
    assert!(items(&mut alice, "R", "rating").is_empty());
    assert!(items(&mut alice, "R alice", "rating").is_empty());
    // A draw is, and takes nothing from equals but doubt.
    ids.push(seat(&mut alice, &mut bob, "G - gomoku"));
    play(&mut alice, &mut bob, "h8 i8");
    alice.granted("M draw");
    bob.granted("M draw");
    let ratings = items(&mut alice, "R", "rating");
    assert_eq!(ratings.len(), 2);
    for rated in ratings {
        assert!(
            (rated["rating"].as_f64().unwrap() - 1500.0).abs() < 0.1 && rated["deviation"].as_f64().unwrap() < 300.0,
            "{rated}"
        );
    }
    // All that had a result are told, the newest first.
    let listed: Vec<u64> = items(&mut bob, "R bob", "game").iter().map(|game| game["game_id"].as_u64().unwrap()).collect();
    ids.reverse();
    assert_eq!(listed.into_iter().filter(|&id| id != called_off).collect::<Vec<_>>(), ids);
}

#[test]
fn two_accounts_are_rated_for_twenty_games_a_day() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut carol] = programs(&daemon, ["alice", "bob", "carol"]);
    let rating = |client: &mut Client, name: &str| {
        items(client, &format!("R {name}"), "rating").iter().find(|rated| rated["game"] == "tic-tac-toe").cloned().unwrap()
    };
    let mut ids = Vec::new();
    // Whoever invites.
    for number in 0..20 {
        ids.push(match number % 2 {
            0 => short_game(&mut alice, &mut bob, "tic-tac-toe", "a1 b1"),
            _ => short_game(&mut bob, &mut alice, "tic-tac-toe", "a1 b1"),
        });
    }
    let before = ["alice", "bob"].map(|name| rating(&mut carol, name));
    assert!(before.iter().all(|rated| rated["games"] == 20), "{before:?}");
    for _ in 0..2 {
        ids.push(short_game(&mut alice, &mut bob, "tic-tac-toe", "a1 b1"));
    }
    assert_eq!(["alice", "bob"].map(|name| rating(&mut carol, name)), before);
    // Listed it is, and the ten newest are.
    let listed: Vec<u64> = items(&mut carol, "R alice", "game").iter().map(|game| game["game_id"].as_u64().unwrap()).collect();
    assert!(listed.iter().eq(ids.iter().rev().take(10)), "{listed:?} of {ids:?}");
    // Against somebody else it counts.
    short_game(&mut alice, &mut carol, "tic-tac-toe", "a1 b1");
    let after = rating(&mut carol, "alice");
    assert!(after["games"] == 21 && after["rating"].as_f64().unwrap() < before[0]["rating"].as_f64().unwrap(), "{after}");
}

#[test]
fn the_ten_best_are_listed() {
    let daemon = Daemon::start();
    for pair in 0..6 {
        let [mut one, mut other] = [2 * pair, 2 * pair + 1].map(|number| Client::program(&daemon, &format!("p{number}")));
        short_game(&mut one, &mut other, "connect-four", "4 4");
    }
    let mut reader = Client::program(&daemon, "reader");
    let ratings = items(&mut reader, "R", "rating");
    assert_eq!(ratings.len(), 10);
    let numbers: Vec<f64> = ratings.iter().map(|rated| rated["rating"].as_f64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one >= next) && numbers[5] > 1500.0 && numbers[6] < 1500.0, "{numbers:?}");
    reader.ask("V en");
    assert!(reader.granted("R").starts_with("OK 10"));
}

/// The lines of a record, which people and programs get alike.
fn record(reader: &mut Client, id: u64, format: &str) -> Vec<String> {
    reader.ask("V json");
    let lines = items(reader, &format!("B {id}"), "record");
    let reply = reader.objects_of(&format!(r#"{{"do":"B","game_id":{id},"ref":"b1"}}"#)).pop().unwrap();
    assert_eq!(reply, json!({"ok": "B", "ref": "b1", "game_id": id, "format": format, "count": lines.len()}));
    let lines: Vec<String> = lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect();
    for voice in ["en", "zh"] {
        reader.ask(&format!("V {voice}"));
        let mut shown = reader.lines_of(&format!("B {id}"));
        assert!(shown.pop().unwrap().starts_with(&format!("OK {}", lines.len())));
        assert_eq!(shown, lines);
    }
    lines
}

#[test]
fn a_game_of_chess_is_recorded_as_pgn() {
    const OPERA: &str = "e4 e5 Nf3 d6 d4 Bg4 dxe5 Bxf3 Qxf3 dxe5 Bc4 Nf6 Qb3 Qe7 Nc3 c6 Bg5 b5 Nxb5 cxb5 Bxb5+ Nbd7 \
                         O-O-O Rd8 Rxd7 Rxd7 Rd1 Qe6 Bxd7+ Nxd7 Qb8+ Nxb8 Rd8#";
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut reader] = programs(&daemon, ["alice", "bob", "reader"]);
    let id = seat(&mut alice, &mut bob, "G - chess 5+3");
    play(&mut alice, &mut bob, OPERA);
    let lines = record(&mut reader, id, "pgn");
    let blank = lines.iter().position(String::is_empty).expect("a blank line behind the tags");
    let tag = |line: &String| {
        let (name, value) = line.strip_prefix('[')?.strip_suffix("\"]")?.split_once(" \"")?;
        Some((name.to_owned(), value.to_owned()))
    };
    let tags: Vec<(String, String)> = lines[..blank].iter().map(|line| tag(line).unwrap_or_else(|| panic!("{line}"))).collect();
    let names: Vec<&str> = tags.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..7], ["Event", "Site", "Date", "Round", "White", "Black", "Result"]);
    let value = |name: &str| tags.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.as_str());
    assert_eq!([value("White"), value("Black"), value("Result")], [Some("alice"), Some("bob"), Some("1-0")]);
    let date: Vec<&str> = value("Date").unwrap().split('.').collect();
    assert!(date.len() == 3 && date[0].len() == 4 && date.iter().all(|part| part.parse::<u16>().is_ok()), "{date:?}");
    assert!(value("TimeControl").is_none_or(|control| control == "300+3"), "{tags:?}");
    let text = &lines[blank + 1..];
    assert!(text.iter().all(|line| line.len() < 80 && !line.is_empty()), "{text:#?}");
    let mut tokens: Vec<&str> = text.iter().flat_map(|line| line.split(' ')).collect();
    assert_eq!(tokens.pop(), Some("1-0"));
    let numbers: Vec<String> = tokens.iter().filter(|token| token.ends_with('.')).map(|token| token.to_string()).collect();
    assert!(numbers.iter().eq((1..=17).map(|number| format!("{number}.")).collect::<Vec<_>>().iter()), "{numbers:?}");
    tokens.retain(|token| !token.ends_with('.'));
    assert_eq!(tokens, OPERA.split_ascii_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_game_of_gomoku_is_recorded_as_sgf() {
    let daemon = Daemon::start();
    let [mut alice, mut reader] = programs(&daemon, ["alice", "reader"]);
    let mut bob = Client::program(&daemon, "鲍勃");
    let id = seat(&mut alice, &mut bob, "G - gomoku");
    let moves = "a1 o15 b1 n15 c1 m15 d1 l15 h8 k15";
    play(&mut alice, &mut bob, moves);
    let sgf = record(&mut reader, id, "sgf").join("\n");
    let sgf = sgf.trim();
    assert!(sgf.starts_with("(;") && sgf.ends_with(')'), "{sgf}");
    for property in ["FF[4]", "GM[4]", "SZ[15]", "CA[UTF-8]", "PB[alice]", "PW[鲍勃]", "RE[W+"] {
        assert!(sgf.contains(property), "{property} is not in {sgf}");
    }
    // SGF counts rows from the top.
    let point = |place: &str| {
        let row: u8 = place[1..].parse().unwrap();
        format!("{}{}", &place[..1], (b'a' + 15 - row) as char)
    };
    let nodes: Vec<&str> = sgf[2..].split(';').skip(1).map(|node| node.trim_end_matches([')', '\n'])).collect();
    let colours = ["B", "W"].into_iter().cycle();
    let want: Vec<String> =
        moves.split(' ').zip(colours).map(|(place, colour)| format!("{colour}[{}]", point(place))).collect();
    assert_eq!(nodes, want);
}

#[test]
fn every_finished_game_has_a_record_with_all_its_moves() {
    let daemon = Daemon::start();
    let [mut alice, mut bob, mut reader] = programs(&daemon, ["alice", "bob", "reader"]);
    for whole in WHOLE_GAMES.iter().filter(|whole| !["chess", "gomoku"].contains(&whole.game)) {
        let id = seat(&mut alice, &mut bob, &format!("G - {}", whole.game));
        play(&mut alice, &mut bob, whole.moves);
        let lines = record(&mut reader, id, "moves");
        let tokens: Vec<&str> = lines.iter().flat_map(|line| line.split_ascii_whitespace()).collect();
        let moves: Vec<&str> = tokens.into_iter().filter(|token| !token.ends_with('.')).collect();
        assert_eq!(moves, whole.moves.split_ascii_whitespace().collect::<Vec<_>>(), "{}", whole.game);
    }
}

#[test]
fn only_what_is_finished_has_a_record() {
    let daemon = Daemon::start();
    let [mut alice, mut bob] = programs(&daemon, ["alice", "bob"]);
    let id = seat(&mut alice, &mut bob, "G - chess");
    play(&mut alice, &mut bob, "e4 e5");
    for number in [id, id + 1, 0, 4_000_000_000] {
        alice.refused(&format!("B {number}"), "no-game");
    }
    bob.granted("M resign");
    alice.granted(&format!("B {id}"));
    let open = alice.invite("G - chess");
    alice.refused(&format!("B {open}"), "no-game");
    alice.granted("G - -");
    alice.refused(&format!("B {open}"), "no-game");
    for wrong in ["B", "B x", "B -", "B 1 2", "B -1"] {
        alice.refused(wrong, "usage");
    }
}
