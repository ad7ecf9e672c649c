//! Talk between people: what is said is seen, by whom, when, and in straight panes whatever its script.

use vt100::Color;

use super::{edge, settles, two};
use crate::harness::{Client, Daemon, Terminal, is_intact, place_of, row_with, rows};

#[test]
fn two_people_talk() {
    let daemon = Daemon::start();
    let (mut alice, mut bob) = two(&daemon);
    alice.enter_line("hello bob, how is the tea");
    bob.wait_for("alice: hello bob, how is the tea");
    bob.enter_line("still hot");
    for terminal in [&alice, &bob] {
        terminal.wait_for("bob: still hot");
        // One's own words are seen once, with their time, when the room has heard them.
        terminal.wait_until("each line once, with its time", |screen| {
            let said = |text: &str| rows(screen).into_iter().filter(|row| row.contains(text)).collect::<Vec<_>>();
            let [hello, hot] = [said("how is the tea"), said("still hot")];
            let has_time = |row: &String| row.as_bytes()[2] == b':' && row.as_bytes()[0].is_ascii_digit();
            hello.len() == 1 && hot.len() == 1 && hello.iter().chain(&hot).all(has_time)
        });
    }
    bob.enter_line("/quit");
    alice.wait_for("bob left the room");
    alice.wait_for("1 here");
    assert!(bob.exit().status.success());
}

#[test]
fn what_begins_with_two_slashes_is_said_and_a_command_that_is_none_is_not() {
    let daemon = Daemon::start();
    let (mut alice, bob) = two(&daemon);
    alice.enter_line("/frobnicate now");
    alice.wait_for("frobnicate");
    alice.enter_line("//etc is full");
    bob.wait_for("alice: /etc is full");
    assert!(row_with(&bob.screen(), "frobnicate").is_none());
}

#[test]
fn names_have_one_colour_each_in_the_talk_and_beside_it() {
    let daemon = Daemon::start();
    let (mut alice, bob) = two(&daemon);
    alice.enter_line("one");
    alice.enter_line("two");
    bob.wait_until("alice's colour, three times", |screen| {
        let colour = |text: &str| place_of(screen, text).map(|(column, row)| screen.cell(row, column).unwrap().fgcolor());
        let [first, second] = [colour("alice: one"), colour("alice: two")];
        first.is_some() && first == second && first != Some(Color::Default)
    });
    let screen = bob.screen();
    let edge = edge(&screen).unwrap();
    let beside = screen.rows(edge + 1, 20).position(|row| row.contains("alice")).unwrap();
    let (column, row) = place_of(&screen, "alice: one").unwrap();
    let colour = screen.cell(row, column).unwrap().fgcolor();
    let names: Vec<_> = (edge..80).map(|column| screen.cell(beside as u16, column).unwrap().fgcolor()).collect();
    assert!(names.contains(&colour), "{colour:?} {names:?}");
}

#[test]
fn every_script_keeps_the_panes_straight() {
    let daemon = Daemon::start();
    let mut speaker = Client::enter(&daemon, "李雷");
    let alice = Terminal::enter(daemon.address, "alice");
    let texts = [
        "你好，世界！今天的天气非常好，我们去公园里散步，然后回家喝一杯热茶，再谈一谈明天的计划吧。",
        "emoji 🎉🎉🎉 🚀 ❤️ 👍🏽 and a family 👨\u{200d}👩\u{200d}👧\u{200d}👦 and flags 🇨🇳🇫🇷 to the end of the line and over it 🎉🎉🎉",
        "combining e\u{301}e\u{301}e\u{301} a\u{308}\u{304} n\u{303}o\u{302} z\u{351}\u{302}\u{35b}\u{321} to the end",
        "ｆｕｌｌｗｉｄｔｈ and ﾊﾝｶｸﾀﾞ and 한국어 텍스트 and ไทยภาษา and हिन्दी",
        "العربية ثم עברית then latin",
        "tab\tbetween\tthese and a soft\u{ad}hyphen and zero\u{200b}width",
    ];
    for text in texts {
        let reply = speaker.ask(&format!("C - {text}"));
        assert!(reply.starts_with("OK"), "{reply}");
    }
    speaker.ask("C - the last one");
    settles(&alice, "李雷: the last one");
    alice.wait_until("a straight edge, and the name beside it", |screen| {
        let Some(column) = edge(screen) else { return false };
        is_intact(screen) && screen.rows(column + 1, 20).any(|row| row.trim() == "李雷")
    });
    let talk = super::talk(&alice.screen());
    assert!(talk.iter().any(|row| row.contains("李雷: 你好，世界")), "{talk:#?}");
    assert!(talk.iter().any(|row| row.contains("e\u{301}e\u{301}")), "{talk:#?}");
    // No word of the Chinese line is lost at a row's end.
    let joined: String = talk.iter().map(|row| row.trim_start()).collect();
    assert!(joined.contains("再谈一谈明天的计划吧。"), "{joined}");
}

#[test]
fn a_mention_of_oneself_is_marked_and_rings() {
    let daemon = Daemon::start();
    let (mut alice, bob) = two(&daemon);
    alice.enter_line("malice is no name");
    bob.wait_for("malice");
    let bells = bob.oddities().bells;
    alice.enter_line("what do you think, Bob?");
    bob.wait_for("Bob?");
    bob.wait_until("a mark", |screen| {
        let mark = |text: &str| row_with(screen, text).map(|row| crate::harness::row(screen, row).contains('»'));
        mark("Bob?") == Some(true) && mark("malice") == Some(false)
    });
    assert_eq!(bob.oddities().bells, bells + 1);
}

#[test]
fn quiet_hides_who_comes_and_goes() {
    let daemon = Daemon::start();
    let mut alice = Terminal::enter(daemon.address, "alice");
    let bob = Client::enter(&daemon, "bob");
    alice.wait_for("bob entered the room");
    alice.enter_line("/quiet");
    alice.wait_for_no("bob entered the room");
    drop(bob);
    alice.wait_for("1 here");
    assert!(row_with(&alice.screen(), "bob left the room").is_none());
    alice.enter_line("/quiet");
    alice.wait_for("bob left the room");
}

#[test]
fn help_lists_each_command_of_the_issue() {
    let daemon = Daemon::start();
    let command = crate::harness::screen_client(daemon.address, "alice");
    let mut alice = Terminal::enter_with(&command, (100, 50));
    alice.enter_line("/help");
    for command in
        ["file", "get", "shelf", "invite", "accept", "watch", "resign", "draw", "who", "ratings", "quiet", "help", "quit"]
    {
        alice.wait_for(&format!("/{command}"));
    }
    alice.enter_line("/who");
    alice.wait_for("alice");
    alice.enter_line("/ratings");
    alice.wait_for("no rated games");
}
