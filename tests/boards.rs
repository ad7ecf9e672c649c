//! The promise about boards for people: what each of them holds, that it fits a narrow terminal and shears in
//! none, that no line of it can be taken for a reply, and that what it shows to type is a move.

use crate::harness::{Client, Daemon, WHOLE_GAMES, example_in, is_move, is_of_board, is_reply, move_in, play, seat};

const MOST_COLUMNS: usize = 40;
const MOST_LINES: usize = 20;

/// How many columns a character takes, for those of East Asian Width W or F that boards may hold.
fn columns(character: char) -> Option<usize> {
    match character {
        ' '..='~' => Some(1),
        // Ideographs, their punctuation, and the wide forms of ASCII.
        '\u{4e00}'..='\u{9fff}' | '\u{3000}'..='\u{303e}' | '\u{ff01}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' => Some(2),
        _ => None,
    }
}

/// The boards among some lines: runs of indented ones.
fn boards(lines: &[String]) -> Vec<&[String]> {
    lines.split(|line| !is_of_board(line)).filter(|board| !board.is_empty()).collect()
}

#[track_caller]
fn is_fit_for_a_terminal(board: &[String], voice: &str) {
    assert!(board.len() <= MOST_LINES, "{} lines: {board:#?}", board.len());
    for line in board {
        let width: Option<usize> = line.chars().map(columns).sum();
        assert!(width.is_some_and(|width| width <= MOST_COLUMNS), "{width:?} columns: {line:?}");
        assert!(line.is_ascii() || voice == "zh", "{line:?}");
    }
}

/// Whether a word of some line of a board is this.
fn shows(board: &[String], word: &str) -> bool {
    let is_separator = |character: char| character.is_whitespace() || "：（）()，".contains(character);
    board.iter().any(|line| line.split(is_separator).any(|part| part == word))
}

fn is_clock(word: &str) -> bool {
    let parts: Vec<&str> = word.split([':', '.']).collect();
    word.contains(':')
        && parts.len() >= 2
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn clocks(board: &[String]) -> usize {
    board.iter().flat_map(|line| line.split(' ')).filter(|word| is_clock(word)).count()
}

/// Plays a whole game, bob reading Chinese, and looks at every board of it.
fn every_board(number: usize) {
    let whole = &WHOLE_GAMES[number];
    let daemon = Daemon::start();
    // Names as long as they may be.
    let names = ["a", "b"].map(|letter| letter.repeat(32));
    let [mut alice, mut bob] =
        [("en", &names[0]), ("zh", &names[1])].map(|(voice, name)| Client::speaking(&daemon, voice, name));
    for clock in ["", "180+180"] {
        let id = alice.invite(&format!("G - {} {clock}", whole.game));
        let mut at_bobs = bob.lines_of(&format!("D - {}", names[0]));
        let mut at_alices = alice.lines_until(|line| example_in(line).is_some());
        at_bobs = bob.read_on(at_bobs, |line| example_in(line).is_some());
        let [first, second] = play(&mut alice, &mut bob, whole.moves);
        at_alices.extend(first);
        at_bobs.extend(second);
        let result = if whole.result == "draw" { ["drew at", "和棋"] } else { ["beat", "战胜了"] };
        let at_alices = alice.read_on(at_alices, |line| line.contains(result[0]));
        let at_bobs = bob.read_on(at_bobs, |line| line.contains(result[1]));
        let moves: Vec<&str> = whole.moves.split_ascii_whitespace().collect();
        for (lines, voice) in [(at_alices, "en"), (at_bobs, "zh")] {
            let boards = boards(&lines);
            assert_eq!(boards.len(), moves.len() + 1, "game {id} in {voice}: {lines:#?}");
            let mut turns = Vec::new();
            for (ply, board) in boards.iter().enumerate() {
                is_fit_for_a_terminal(board, voice);
                assert_eq!(clocks(board), if clock.is_empty() { 0 } else { 2 }, "{board:#?}");
                let (body, last) = board.split_at(board.len() - 1);
                if ply > 0 && (voice == "en" || whole.game != "xiangqi") && moves[ply - 1] != "pass" {
                    let tail = if ply < moves.len() { &body[body.len() - 1..] } else { last };
                    assert!(shows(tail, moves[ply - 1]), "{}: {board:#?}", moves[ply - 1]);
                }
                // Nothing can be moved on the last one.
                assert_eq!(example_in(&last[0]).is_some(), ply < moves.len(), "{board:#?}");
                turns.push(last[0].split([',', '，', ':', '：']).next().unwrap().to_owned());
            }
            turns.pop();
            // Whose turn it is: one side at even plies, the other one at odd ones.
            assert!(turns.iter().enumerate().all(|(ply, turn)| *turn == turns[ply % 2]) && turns[0] != turns[1], "{turns:#?}");
            // Whatever else there is stands at the left and is no part of a board.
            let starts = ["[", "(", "（", "OK ", whole.titles[usize::from(voice == "zh")]];
            let others = lines.iter().filter(|line| !is_of_board(line));
            assert!(others.into_iter().all(|line| starts.iter().any(|start| line.starts_with(start))), "{lines:#?}");
            // Nothing but answers looks like one.
            let replies = lines.iter().filter(|line| is_reply(line)).count();
            let answered =
                moves.iter().enumerate().filter(|(ply, typed)| **typed != "pass" && (ply % 2 == 0) == (voice == "en"));
            assert_eq!(replies, answered.count() + usize::from(voice == "zh"), "{lines:#?}");
        }
    }
}

#[test]
fn boards_of_gomoku_fit_every_terminal() {
    every_board(0);
}

#[test]
fn boards_of_tic_tac_toe_fit_every_terminal() {
    every_board(1);
}

#[test]
fn boards_of_connect_four_fit_every_terminal() {
    every_board(2);
}

#[test]
fn boards_of_reversi_fit_every_terminal() {
    every_board(3);
}

#[test]
fn boards_of_chess_fit_every_terminal() {
    every_board(4);
}

#[test]
fn boards_of_xiangqi_fit_every_terminal() {
    every_board(5);
}

#[test]
fn the_move_that_a_board_shows_can_be_typed_as_it_is() {
    let daemon = Daemon::start();
    let mut alice = Client::speaking(&daemon, "en", "alice");
    let mut bob = Client::speaking(&daemon, "zh", "bob");
    for whole in &WHOLE_GAMES {
        seat(&mut alice, &mut bob, &format!("G - {}", whole.game));
        // As many as one likes: the board on request shows one too, and none once the game is over.
        for _ in 0..20 {
            let mut played = false;
            for player in [&mut alice, &mut bob] {
                let lines = player.lines_of("M");
                let Some(example) = lines.iter().rev().find_map(|line| example_in(line)) else { continue };
                let reply = player.ask(example);
                // Reversi: whose turn it is may stay.
                assert!(
                    reply.starts_with("OK ") || reply.starts_with("ERR not-your-turn "),
                    "{example} was answered {reply}: {lines:#?}"
                );
                played |= reply.starts_with("OK ");
            }
            if !played {
                break;
            }
        }
        let reply = alice.ask("M resign");
        assert!(reply.starts_with("OK") || reply.starts_with("ERR no-game "), "{reply}");
    }
}

#[test]
fn a_board_is_the_last_known_and_says_what_was_moved_by_whom() {
    let daemon = Daemon::start();
    let mut alice = Client::speaking(&daemon, "en", "alice");
    let mut bob = Client::speaking(&daemon, "zh", "bob");
    let id = seat(&mut alice, &mut bob, "G - xiangqi 5+3");
    for (typed, in_zh) in [("炮二平五", "炮二平五"), ("H9G7", "马8进7"), ("h0g2", "马二进三")] {
        let (mover, other) = if typed == "H9G7" { (&mut bob, &mut alice) } else { (&mut alice, &mut bob) };
        mover.moves(typed);
        other.hears_move();
        let [en, zh] = [&mut alice, &mut bob].map(|player| player.lines_of("M").join("\n"));
        let in_en = match typed {
            "炮二平五" => "h2e2".to_owned(),
            _ => typed.to_lowercase(),
        };
        assert!(en.contains(&in_en) && !en.contains(in_zh), "{en}");
        assert!(zh.contains(in_zh), "{zh}");
        // The number by which it can be watched.
        assert!(en.contains(&format!(" {id}:")) && zh.contains(&format!(" {id} ")), "{en}\n{zh}");
    }
}

#[test]
fn a_change_of_voice_changes_the_board_at_once_and_loses_no_move() {
    let daemon = Daemon::start();
    let whole = &WHOLE_GAMES[3];
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| Client::program(&daemon, name));
    let id = seat(&mut alice, &mut bob, "G - reversi");
    let mut watcher = Client::enter(&daemon, "watcher");
    watcher.granted(&format!("O {id}"));
    let players = std::thread::spawn(move || {
        play(&mut alice, &mut bob, whole.moves);
        (alice, bob)
    });
    let moves: Vec<&str> = whole.moves.split_ascii_whitespace().collect();
    let mut voice = "en";
    let mut told: Vec<String> = Vec::new();
    let mut changes = ["zh", "json", "en", "json", "zh", "en"].into_iter().cycle();
    let mut asked = None;
    while told.len() < moves.len() || asked.is_some() {
        if asked.is_none() {
            asked = changes.next();
            watcher.send(&format!("V {}", asked.unwrap()));
        }
        let line = watcher.line();
        if is_reply(&line) {
            voice = asked.take().unwrap();
            assert!(line.starts_with(&format!("OK {voice} ")) || line.contains(&format!("\"voice\":\"{voice}\"")), "{line}");
        } else if let Some((played, of_line)) = move_in(&line) {
            assert_eq!(of_line, voice, "{line}");
            told.push(played.to_owned());
        } else if is_of_board(&line) {
            assert!(voice != "json" && (voice == "zh" || line.is_ascii()), "{line}");
        }
    }
    // In Chinese a pass has a name of its own.
    let is_same = |(told, typed): (&String, &&str)| told == *typed || *typed == "pass" && !told.is_ascii();
    assert!(told.len() == moves.len() && told.iter().zip(&moves).all(is_same), "{told:?}");
    players.join().unwrap();
}

#[test]
fn a_player_sees_the_board_in_the_new_language_from_then_on() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::program(&daemon, "bob");
    seat(&mut alice, &mut bob, "G - xiangqi");
    play(&mut alice, &mut bob, "h2e2 h9g7");
    alice.board();
    alice.send("V zh\nM\nV json\nM\nV en\nM\nV zh");
    let mut lines = alice.lines_until(|line| line.starts_with("OK en "));
    lines.extend(alice.lines_until(|line| line.starts_with("OK zh ")));
    let shown = boards(&lines);
    assert_eq!(shown.len(), 2, "{lines:#?}");
    assert!(shown[0].iter().any(|line| line.contains('帅')) && shown[1].iter().all(|line| line.is_ascii()), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with(r#"{"item":"board""#)).count(), 1, "{lines:#?}");
    // What comes by itself too.
    let (lines, _) = alice.moves("h0g2");
    assert!(boards(&lines)[0].iter().any(|line| line.contains('帅')), "{lines:#?}");
    bob.hears_move();
    alice.granted("V en");
    bob.moves("i9h9");
    assert!(alice.board().iter().all(|line| line.is_ascii()));
}

#[test]
fn who_ends_lines_in_cr_lf_gets_boards_that_do() {
    let daemon = Daemon::start();
    let mut alice = Client::enter(&daemon, "alice");
    let mut bob = Client::program(&daemon, "bob");
    seat(&mut alice, &mut bob, "G - gomoku");
    alice.send_raw(b"K\r\nM h8\r\n");
    bob.hears_move();
    bob.moves("i8");
    bob.granted("M resign");
    let mut lines = Vec::new();
    loop {
        let line = alice.raw_line().unwrap();
        let is_last = line.contains("beat");
        lines.push(line);
        if is_last {
            break;
        }
    }
    let told = lines.iter().filter(|line| is_move(line)).count();
    assert_eq!(told, 2, "{lines:#?}");
    // From the first answer on.
    let from = lines.iter().position(|line| line == "OK\r\n").unwrap();
    for line in &lines[from..] {
        assert!(line.ends_with("\r\n") && !line[..line.len() - 2].contains('\r'), "{line:?}");
    }
}
