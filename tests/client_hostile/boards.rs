//! Games that cannot be: positions of any size, numbers of any size, moves of games that nobody plays.

use serde_json::{Value, json};

use super::server::Server;
use super::{POISON, enter, hears_again, leave, peak_mib, still_hears, words};
use crate::harness::{Terminal, is_intact, screen_client};

fn board(game: &str, position: &str) -> Value {
    json!({ "game": game, "first": "alice", "second": "eve", "paused": false, "ply": 0, "turn": "alice",
        "position": position, "first_ms": u64::MAX, "second_ms": 0 })
}

#[test]
fn absurd_positions_are_survived() {
    let server = Server::start(words());
    let mut alice = enter(&server);
    let mut large = Terminal::enter_with(&screen_client(server.address, "alice"), (200, 60));
    still_hears(&server, &large, "before");
    let many_rows = ".../".repeat(1000);
    let long_rows = [&*"9".repeat(5_000), &*"9".repeat(5_000)].join("/");
    let wide = "宽".repeat(15) + "/" + &"\u{301}".repeat(15) + "/\x1b[2J\u{202e} x";
    let positions = [
        "",
        " ",
        "/",
        "//////// w",
        "99999999/99999999/9 x",
        &many_rows,
        &long_rows,
        &wide,
        "8/8/8/8/8/8/8/8 w - - 0 1",
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
        "kkkkkkkk/kkkkkkkk/K7/8/8/8/8/8 w - - 99999999999999999999 1",
        "x",
        "... x o",
    ];
    for game in ["gomoku", "tic-tac-toe", "connect-four", "reversi", "chess", "xiangqi", "", "go", POISON[0]] {
        for position in positions {
            server.plays("begun", board(game, position));
            // The keys of a board, where there is one.
            large.press("\x1b[A\x1b[B\x1b[C\x1b[D\r\x1b[<0;150;10M\x1b[<0;150;10m");
            server.plays(
                "move",
                json!({ "game": game, "from": "eve", "move": "z99", "ply": 1, "turn": "alice", "position": position }),
            );
            server.plays("takeback", json!({ "game": game, "from": "eve", "ply": 0, "turn": "alice", "position": position }));
        }
        still_hears(&server, &large, &format!("behind {}", game.len()));
        for size in [(40, 12), (20, 5), (200, 60)] {
            large.resize(size);
            large.wait_until("a whole screen", is_intact);
        }
    }
    let peak = peak_mib(large.pid());
    assert!(peak < 200, "{peak} MiB");
    // The first one was replaced as far as it knows nothing of it, and is still there.
    alice.press(" ");
    alice.press("\x7f");
    leave(large);
    leave(alice);
}

/// The second size is more than any line may have.
#[test]
fn positions_as_long_as_they_may_be_and_longer_are_survived() {
    for size_bytes in [60_000, 1 << 20] {
        let server = Server::start(words());
        let mut alice = enter(&server);
        still_hears(&server, &alice, "before");
        for game in ["gomoku", "chess", "xiangqi", "reversi"] {
            let half = size_bytes / 2;
            for position in
                ["9".repeat(size_bytes), "./".repeat(half), "x".repeat(size_bytes), "k/".repeat(half) + " w - - 0 1"]
            {
                server.plays("begun", board(game, &position));
                alice.press("\x1b[A\x1b[C\r");
            }
        }
        hears_again(&server, &alice, "behind");
        let peak = peak_mib(alice.pid());
        assert!(peak < 200, "{peak} MiB");
        leave(alice);
    }
}

#[test]
fn games_that_nobody_plays_are_no_games() {
    let server = Server::start(words());
    let alice = enter(&server);
    for kind in [
        "move", "takeback", "lost", "back", "paused", "resumed", "idle", "over", "left", "board", "missed", "offer", "nonsense",
    ] {
        server.plays(kind, json!({}));
        server.plays(kind, json!({ "from": null, "ply": -1, "turn": 7, "position": [], "timeout_ms": -5 }));
        server.plays(
            kind,
            json!({ "from": "eve", "ply": u64::MAX, "turn": "eve", "position": "x", "timeout_ms": u64::MAX,
            "move": POISON.concat(), "offer": POISON.concat(), "result": POISON.concat(), "reason": POISON.concat() }),
        );
    }
    // The same for a game that is there.
    server.plays("begun", board("gomoku", &format!("{} x", ["..............."; 15].join("/"))));
    alice.wait_for("your move");
    for kind in ["move", "takeback", "lost", "paused", "idle", "offer", "resumed", "back", "left", "missed", "over"] {
        server.plays(kind, json!({ "from": POISON.concat(), "ply": u64::MAX, "turn": POISON.concat(), "position": "x", "timeout_ms": u64::MAX,
            "move": POISON.concat(), "offer": POISON.concat(), "first": "alice", "second": "eve", "result": "first", "reason": POISON.concat() }));
        still_hears(&server, &alice, &format!("behind {kind}"));
    }
    leave(alice);
}
