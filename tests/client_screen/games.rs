//! Games at the board: with the arrows, the mouse and typed moves, watched, and with an opponent who goes away.

use super::{Board, board, cursor, on, place, point, seat, settles, two};
use crate::harness::{Client, Daemon, Relay, Terminal, is_intact, key, row, row_with, rows, size_of};

#[test]
fn gomoku_to_its_end_by_arrows_on_one_side_and_by_mouse_and_typing_on_the_other() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    let moves = "h8 i9 h9 i8 h10 i10 h11 i11 h7";
    for (ply, square) in moves.split(' ').enumerate() {
        if ply % 2 == 0 {
            point(&mut alice, square);
        } else if ply % 4 == 1 {
            bob.wait_for("your move");
            let at = place(&bob.screen(), square).unwrap();
            bob.click(at);
        } else {
            bob.wait_for("your move");
            bob.enter_line(&format!("/move {square}"));
        }
        let stone = if ply % 2 == 0 { "x" } else { "o" };
        for terminal in [&alice, &bob] {
            terminal.wait_until(&format!("{stone} on {square}, marked"), |screen| {
                let Some((column, row)) = place(screen, square) else { return false };
                let cell = screen.cell(row, column).unwrap();
                cell.contents() == stone && cell.underline()
            });
        }
    }
    alice.wait_for("you won");
    bob.wait_for("you lost");
    for terminal in [&alice, &bob] {
        settles(terminal, "alice beat bob at gomoku");
    }
    // The board goes away, and the mouse is the terminal's again.
    alice.press(key::ESCAPE);
    alice.wait_for_no("you won");
    alice.wait_until("no mouse", |screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None);
}

#[test]
fn talk_goes_on_at_the_board_and_a_typed_move_is_asked_about() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    alice.enter_line("good luck");
    bob.wait_for("alice: good luck");
    alice.enter_line("h8");
    alice.wait_for("h8 is a move");
    alice.press("s");
    bob.wait_for("alice: h8");
    assert_eq!(on(&bob.screen(), "h8").as_deref(), Some("."));
    alice.enter_line("h8");
    alice.wait_for("h8 is a move");
    alice.press("y");
    bob.wait_until("a stone", |screen| on(screen, "h8").as_deref() == Some("x"));
    bob.enter_line("/resign");
    alice.wait_for("you won (resigned)");
    bob.enter_line("/rematch");
    alice.wait_for("offers a rematch");
    alice.enter_line("/rematch");
    bob.wait_for("your move");
    alice.wait_for("bob is to move");
}

#[test]
fn in_chess_a_piece_is_picked_its_targets_are_shown_and_it_is_put_down() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    seat(&mut alice, &mut bob, "chess 5+3");
    alice.wait_for("5:00");
    let has_targets =
        |screen: &vt100::Screen, squares: &[&str]| squares.iter().all(|square| on(screen, square).as_deref() == Some("+"));
    point(&mut alice, "e2");
    alice.wait_until("targets of a pawn", |screen| {
        has_targets(screen, &["e3", "e4"]) && ["e5", "d3", "f3"].iter().all(|square| on(screen, square).as_deref() == Some("."))
    });
    // It is put back where it was.
    alice.press(key::ENTER);
    point(&mut alice, "g1");
    alice.wait_until("targets of a knight", |screen| has_targets(screen, &["f3", "h3"]));
    point(&mut alice, "f3");
    for terminal in [&alice, &bob] {
        terminal.wait_until("the knight on f3", |screen| {
            on(screen, "f3").as_deref() == Some("N") && on(screen, "g1").as_deref() == Some(".")
        });
    }
    // Bob looks from the other side: his own pieces are below.
    let screen = bob.screen();
    assert!(place(&screen, "e7").unwrap().1 > place(&screen, "e2").unwrap().1);
    bob.wait_for("your move");
    let at = place(&screen, "e7").unwrap();
    bob.click(at);
    bob.wait_until("targets of a pawn", |screen| has_targets(screen, &["e6", "e5"]));
    bob.click(place(&screen, "e5").unwrap());
    alice.wait_until("the pawn on e5", |screen| on(screen, "e5").as_deref() == Some("p"));
    // SAN is understood, too, and what is no move is refused and changes nothing.
    alice.enter_line("/move Nxe5");
    bob.wait_until("the knight on e5", |screen| on(screen, "e5").as_deref() == Some("N"));
    bob.enter_line("/move e5");
    bob.wait_until("a refusal", |screen| rows(screen).iter().any(|row| row.contains("e5: ")));
    // A clock runs by itself.
    bob.wait_until("a clock that runs", |screen| {
        rows(screen).iter().any(|row| row.contains("black bob") && row.contains("4:"))
    });
}

#[test]
fn in_connect_four_a_column_is_all_that_counts() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    seat(&mut alice, &mut bob, "connect-four");
    let bottom = |screen: &vt100::Screen, column: u16| {
        let Board { left, step, row, .. } = board(screen)?;
        let (column, height) = (left + step * (column - 1), if step < 4 { 1 } else { 2 });
        Some(screen.cell(row - height, column)?.contents().to_owned())
    };
    alice.wait_until("a cursor", |screen| cursor(screen).is_some() && board(screen).is_some());
    let screen = alice.screen();
    let Board { left, step, .. } = board(&screen).unwrap();
    let column = (cursor(&screen).unwrap().0 - left) / step + 1;
    alice.press(key::RIGHT);
    alice.press(key::LEFT);
    alice.press(key::ENTER);
    for terminal in [&alice, &bob] {
        terminal.wait_until("a disc at the bottom", |screen| bottom(screen, column).as_deref() == Some("x"));
    }
    // Bob clicks on an upper square of the first column.
    bob.wait_for("your move");
    let Board { left, step, row, .. } = board(&bob.screen()).unwrap();
    bob.click((left, row - if step < 4 { 5 } else { 10 }));
    alice.wait_until("a disc at the bottom", |screen| bottom(screen, 1).as_deref() == Some("o"));
    alice.enter_line("7");
    alice.wait_for("7 is a move");
    alice.press("y");
    bob.wait_until("a disc at the bottom", |screen| bottom(screen, 7).as_deref() == Some("x"));
}

#[test]
fn a_game_is_watched_from_its_middle_to_its_end() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    let mut carol = Terminal::enter(daemon.address, "carol");
    seat(&mut alice, &mut bob, "gomoku");
    point(&mut alice, "h8");
    bob.wait_for("your move");
    carol.wait_for("/watch");
    assert!(row_with(&carol.screen(), "gomoku · game").is_none());
    carol.enter_line("/watch 1");
    carol.wait_until("the stone", |screen| on(screen, "h8").as_deref() == Some("x"));
    bob.enter_line("/move i9");
    carol.wait_until("the next stone", |screen| on(screen, "i9").as_deref() == Some("o"));
    // The arrows are the input line's: it is nobody's move here.
    carol.enter_line("h9");
    alice.wait_for("carol: h9");
    alice.enter_line("/resign");
    carol.wait_for("bob won (resigned)");
    carol.enter_line("/watch");
    carol.wait_for_no("won (resigned)");
}

#[test]
fn an_opponent_who_goes_away_and_comes_back_is_shown_so() {
    let daemon = Daemon::start();
    let relay = Relay::start(daemon.address);
    let mut alice = Terminal::enter(daemon.address, "alice");
    let mut bob = Terminal::enter(relay.address, "bob");
    alice.wait_for("2 here");
    seat(&mut alice, &mut bob, "gomoku 5+0");
    point(&mut alice, "h8");
    bob.wait_for("your move");
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    relay.lead_to(nowhere);
    relay.cut();
    alice.wait_for("bob is away");
    bob.wait_for("connection lost");
    relay.lead_to(daemon.address);
    alice.wait_for_no("bob is away");
    bob.wait_until("the board as it was", |screen| {
        is_intact(screen) && on(screen, "h8").as_deref() == Some("x") && row_with(screen, "your move").is_some()
    });
    bob.enter_line("/move h9");
    alice.wait_until("the move", |screen| on(screen, "h9").as_deref() == Some("o"));
}

#[test]
fn a_draw_is_offered_and_accepted_and_a_seat_may_be_reserved() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    let mut carol = Client::enter(&daemon, "carol");
    alice.enter_line("/invite reversi 3+2 @bob");
    bob.wait_for("alice invites bob to reversi 3+2");
    assert!(carol.ask("D - alice").starts_with("ERR reserved"));
    bob.enter_line("/accept alice");
    alice.wait_for("your move");
    // The four that may be played at first.
    alice.wait_until("legal squares", |screen| rows(screen).iter().map(|row| row.matches('+').count()).sum::<usize>() >= 4);
    alice.enter_line("/draw");
    bob.wait_for("/draw accepts");
    bob.enter_line("/draw");
    alice.wait_for("a draw (agreed)");
    bob.wait_for("a draw (agreed)");
}

#[test]
fn xiangqi_is_seen_in_its_characters() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    seat(&mut alice, &mut bob, "xiangqi");
    for terminal in [&alice, &bob] {
        terminal.wait_until("both generals, and an input line", |screen| {
            let (rows, _) = size_of(screen);
            row_with(screen, "帅").is_some() && row_with(screen, "将").is_some() && row(screen, rows - 1).starts_with('>')
        });
    }
    alice.enter_line("/move h2e2");
    bob.wait_for("your move");
    bob.enter_line("/move 马8进7");
    alice.wait_for("your move");
}
