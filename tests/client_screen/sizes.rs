//! Sizes: each is used, and none breaks anything.

use super::{on, point, seat, two};
use crate::harness::{Daemon, Terminal, is_intact, row, row_with, screen_client, size_of};

#[test]
fn a_game_is_resized_through_all_sizes() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    seat(&mut alice, &mut bob, "gomoku");
    point(&mut alice, "h8");
    bob.wait_for("your move");
    for size in [(40, 12), (200, 60), (20, 5), (1, 1), (300, 3), (7, 90), (80, 24)] {
        bob.resize(size);
        // Everything is drawn again, and for this size: what is typed stands in the last row.
        bob.press("!");
        bob.wait_until(&format!("a prompt at {size:?}"), |screen| {
            let (rows, columns) = size_of(screen);
            columns < 4 || row(screen, rows - 1).contains('!')
        });
        bob.press("\x7f");
        if size.0 >= 20 && size.1 >= 5 {
            bob.wait_until(&format!("the bar at {size:?}"), is_intact);
        }
    }
    bob.wait_until("the board as it was", |screen| {
        on(screen, "h8").as_deref() == Some("x") && row_with(screen, "your move").is_some()
    });
    bob.enter_line("/move h9");
    alice.wait_until("the move", |screen| on(screen, "h9").as_deref() == Some("o"));
}

#[test]
fn small_and_large_screens_show_talk_and_board() {
    let daemon = Daemon::start();
    let mut small = Terminal::enter_with(&screen_client(daemon.address, "small"), (40, 12));
    let mut large = Terminal::enter_with(&screen_client(daemon.address, "large"), (200, 60));
    small.wait_for("2 here");
    seat(&mut small, &mut large, "gomoku");
    small.enter_line("hello from here");
    large.wait_for("small: hello from here");
    large.enter_line("hello from there");
    small.wait_for("large: hello from there");
    // On a large screen the talk, the names and the whole board are seen at once.
    large.wait_until("all of it", |screen| {
        is_intact(screen)
            && ["small: hello", "here 2", "15 ", "gomoku · game"].iter().all(|text| row_with(screen, text).is_some())
    });
    small.enter_line("/move h8");
    small.wait_until("its stone in what is seen of the board", |screen| is_intact(screen) && row_with(screen, "x ").is_some());
}

/// A key that is pressed in the moment of a resize waits for no other key.
#[test]
fn no_key_is_lost_among_resizes() {
    let daemon = Daemon::start();
    let mut alice = Terminal::enter(daemon.address, "alice");
    for number in 0..60_u16 {
        alice.resize((60 + number % 2, 12));
        alice.press("x");
        alice.wait_until(&format!("key {number}"), |screen| row(screen, 11) == "> x");
        alice.press("\x7f");
        alice.wait_until("none", |screen| row(screen, 11).starts_with("> say"));
    }
}
