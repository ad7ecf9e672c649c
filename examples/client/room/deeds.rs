//! Lines that were entered: speech and commands, turned into what is to be done.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::text::clean;
use super::commands::{COMMANDS, Deed, Line, form, read};
use super::completion::expand;
use super::table::{Table, Typed};
use super::talk::Kind;
use super::transfers::{Direction, Transfer};
use super::{About, Ask, Connection, Question, Room, ask};

pub(crate) use parlor::protocol::limits::LINE_BYTES as LONGEST_TEXT_BYTES;

impl Room {
    /// Does what a line says.
    pub(super) fn enter(&mut self, line: &str) {
        match read(line) {
            Line::Say(text) if text.trim().is_empty() => (),
            Line::Say(text) if text.len() > LONGEST_TEXT_BYTES => {
                self.editor.set(line);
                let (is, may) = (text.len(), LONGEST_TEXT_BYTES);
                self.fault(&format!("too long: {is} bytes of at most {may}; the line is still there to be shortened"));
            }
            Line::Say(text) => self.say_or_move(text),
            Line::Do(deed, arguments) => {
                // What it answers is to be seen.
                self.talk.follow();
                self.carry_out(deed, arguments);
            }
            Line::Unknown(word, near) => {
                let near = near.map_or_else(|| "/help lists the commands".to_owned(), |near| format!("/{near} is one"));
                self.fault(&format!("no command /{}: {near}; // says a line that begins with a slash", clean(word)));
            }
        }
    }

    /// A line without a slash: while one plays it may be a move, or be meant for one.
    fn say_or_move(&mut self, text: &str) {
        let read = |text: &str| self.table.as_ref().map_or(Typed::Speech, |table| table.read(text));
        // A quote before it says that it is speech.
        if let Some(quoted) = text.strip_prefix('\'').filter(|quoted| quoted.starts_with('/') || read(quoted) != Typed::Speech)
        {
            return self.say(quoted);
        }
        match read(text) {
            Typed::Speech => self.say(text),
            Typed::Move => self.question = Some(Question::Move(text.trim().to_owned())),
            Typed::NoMove(why) => self.question = Some(Question::NoMove { typed: text.trim().to_owned(), why }),
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        if let Connection::Over(_) = self.connection {
            self.editor.set(text);
            return self.fault("the connection is over, nobody hears you - /reconnect comes back, /quit leaves");
        }
        self.talk.follow();
        let me = self.me.clone();
        self.push_own(Kind::Pending, Some(&me), text);
        self.asks.push(Ask::Say(text.to_owned()));
    }

    /// Sends what was pasted: as one message, or as several where it is longer than one may be.
    pub(super) fn say_lines(&mut self, text: &str) {
        let mut message = String::new();
        for line in text.lines() {
            if !message.is_empty() && message.len() + 1 + line.len() > LONGEST_TEXT_BYTES {
                self.say(&std::mem::take(&mut message));
            }
            if !message.is_empty() {
                message.push('\n');
            }
            // A single line may be longer than a message.
            for letter in line.chars() {
                if message.len() + letter.len_utf8() > LONGEST_TEXT_BYTES {
                    self.say(&std::mem::take(&mut message));
                }
                message.push(letter);
            }
        }
        if !message.trim().is_empty() {
            self.say(&message);
        }
    }

    fn carry_out(&mut self, deed: Deed, arguments: &str) {
        match deed {
            Deed::File => self.share(arguments),
            Deed::Get => self.fetch(arguments),
            Deed::Shelf => self.show_shelf(),
            Deed::Withdraw if arguments.is_empty() => self.explain(deed),
            Deed::Withdraw => self.request('X', json!({ "file_name": arguments }), &format!("/withdraw {arguments}")),
            Deed::Cancel => self.cancel(arguments),
            Deed::Invite => self.invite(arguments),
            Deed::Uninvite => self.request('G', json!({ "game": "-" }), "/uninvite"),
            Deed::Accept => self.accept(arguments),
            Deed::Move if arguments.is_empty() => self.explain(deed),
            Deed::Move => self.play(arguments),
            Deed::Resign => self.request('M', json!({ "move": "resign" }), "/resign"),
            Deed::Draw => self.request('M', json!({ "move": "draw" }), "/draw"),
            Deed::Undo => self.request('M', json!({ "move": "undo" }), "/undo"),
            Deed::Rematch => self.request('M', json!({ "move": "rematch" }), "/rematch"),
            Deed::Abort => self.request('M', json!({ "move": "abort" }), "/abort"),
            Deed::Claim => self.request('M', json!({ "move": "claim" }), "/claim"),
            Deed::Resume => match arguments.parse::<u64>() {
                _ if arguments.is_empty() => self.request('G', json!({ "game": "resume" }), "/resume"),
                Ok(id) => self.request('G', json!({ "game": "resume", "game_id": id }), &format!("/resume {id}")),
                Err(_) => self.explain(deed),
            },
            Deed::Games => self.list_games(),
            Deed::Watch => self.watch(arguments),
            Deed::Ratings => {
                let whose = if arguments.is_empty() { Value::Null } else { json!(arguments.trim_start_matches('@')) };
                self.asks.push(ask('R', json!({ "name": whose }), About::Ratings));
            }
            Deed::Record => {
                let (id, file) = arguments.split_once(' ').unwrap_or((arguments, ""));
                let file = Some(file.trim()).filter(|file| !file.is_empty()).map(expand);
                match id.parse::<u64>() {
                    Ok(id) => self.asks.push(ask('B', json!({ "game_id": id }), About::Record(file))),
                    Err(_) => self.explain(deed),
                }
            }
            Deed::Who => {
                let names: Vec<&str> = self.members.names().collect();
                let line = format!("{} here: {}", names.len(), names.join(", "));
                self.note(&line);
            }
            Deed::Quiet => {
                self.talk.is_quiet = !self.talk.is_quiet;
                let quiet = "quiet: who comes and goes is hidden and no bell rings; /quiet again shows it";
                let is_quiet = self.talk.is_quiet;
                self.note(if is_quiet { quiet } else { "no longer quiet" });
            }
            Deed::Mouse => {
                self.has_mouse = !self.has_mouse;
                let mine = "the wheel scrolls the talk; to mark text hold Shift (in some terminals Option)";
                let has_mouse = self.has_mouse;
                self.note(if has_mouse { mine } else { "the mouse is the terminal's; Page Up scrolls" });
            }
            Deed::Help => self.help(arguments),
            Deed::Reconnect if matches!(self.connection, Connection::Over(_)) => self.asks.push(Ask::Again),
            Deed::Reconnect => self.note("a lost connection is tried again by itself"),
            Deed::Quit => self.quit(),
        }
    }

    fn request(&mut self, letter: char, arguments: Value, what: &str) {
        if self.connection == Connection::Lost {
            self.note(&format!("{} waits for the connection", clean(what)));
        }
        self.asks.push(ask(letter, arguments, About::Deed(clean(what))));
    }

    fn explain(&mut self, deed: Deed) {
        let form = form(deed);
        self.fault(&format!("the form is {form}"));
    }

    fn help(&mut self, about: &str) {
        let about = about.trim_start_matches('/');
        let explained = |command: &super::commands::Command| format!("{} - {}", form(command.deed), command.help);
        if let Some(command) = COMMANDS.iter().find(|command| command.name == about) {
            return self.note(&explained(command));
        }
        let mut lines: Vec<String> = COMMANDS.iter().map(explained).collect();
        lines.extend(
            [
                "",
                "What begins with no slash is said to everyone; // or ' stands before what does.",
                "Tab completes, Up and Ctrl-R bring back lines, Page Up and Page Down scroll.",
                "On a board the arrows and Enter move while nothing is typed; Ctrl-P is Up then.",
                "Ctrl-C clears the line, and leaves where it is empty; Ctrl-Z stops for a while.",
            ]
            .map(str::to_owned),
        );
        self.note(&lines.join("\n"));
        self.talk.show_beginning();
    }

    fn share(&mut self, typed: &str) {
        if typed.is_empty() {
            return self.explain(Deed::File);
        }
        let path = expand(typed);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let problem = match std::fs::metadata(&path) {
            Err(error) => Some(format!("{}: {error}", clean(typed))),
            Ok(about) if about.is_dir() => Some(format!("{}: a directory; share its files one by one", clean(typed))),
            // Reading a pipe or a device need not end.
            Ok(about) if !about.is_file() => Some(format!("{}: not a regular file", clean(typed))),
            Ok(_) => None,
        };
        let (Some(name), None) = (name, &problem) else {
            return self.fault(&problem.unwrap_or_else(|| format!("{}: not a file", clean(typed))));
        };
        let id = self.begin(Direction::Up, &name);
        self.asks.extend(id.map(|id| Ask::Upload { id, path, name }));
    }

    fn fetch(&mut self, typed: &str) {
        if typed.is_empty() {
            return self.explain(Deed::Get);
        }
        // One that is not on the shelf may have been shared a moment ago: the server knows.
        let (name, directory) = match self.shelf.named(typed) {
            Some((file, rest)) => (file.file_name.clone(), rest),
            None => (typed.to_owned(), ""),
        };
        let directory = if directory.is_empty() { ".".into() } else { expand(directory) };
        if !directory.is_dir() {
            return self.fault(&format!("{}: no such directory", clean(&directory.display().to_string())));
        }
        let id = self.begin(Direction::Down, &name);
        self.asks.extend(id.map(|id| Ask::Download { id, name, directory }));
    }

    /// A transfer that begins, unless it is running already: two would write the same part.
    fn begin(&mut self, direction: Direction, name: &str) -> Option<u64> {
        if self.transfers.iter().any(|running| running.direction == direction && running.name == name) {
            self.fault(&format!("{} is on its way already", clean(name)));
            return None;
        }
        self.next_transfer += 1;
        self.transfers.push(Transfer::new(self.next_transfer, direction, name));
        Some(self.next_transfer)
    }

    /// `[GAME] [CLOCK] [@NAME]`, in any order: they cannot be mistaken for each other.
    fn invite(&mut self, arguments: &str) {
        let (mut game, mut clock, mut seat) = (Value::Null, Value::Null, Value::Null);
        for word in arguments.split_whitespace() {
            let place = match word.chars().next() {
                Some('@') => &mut seat,
                Some('0'..='9') => &mut clock,
                _ => &mut game,
            };
            if !place.is_null() {
                return self.explain(Deed::Invite);
            }
            *place = json!(word.trim_start_matches('@'));
        }
        if game.is_null() {
            game = json!("gomoku");
        }
        let what = format!("/invite {arguments}");
        self.request('G', json!({ "game": game, "clock": clock, "seat": seat }), what.trim_end());
    }

    fn accept(&mut self, name: &str) {
        let name = match name.trim_start_matches('@') {
            "" => {
                let inviters: Vec<String> = self.inviters().map(str::to_owned).collect();
                match inviters.as_slice() {
                    [only] => only.clone(),
                    [] => return self.fault("nobody invites you at the moment - /invite invites to a game"),
                    several => {
                        let names = several.join(", ");
                        return self
                            .fault(&format!("several invite you ({names}): say whose seat you take, as in /accept NAME"));
                    }
                }
            }
            name => name.to_owned(),
        };
        let what = format!("/accept {name}");
        self.request('D', json!({ "inviter": name }), &what);
    }

    /// Makes a move, meant for the position that is seen and no other.
    pub(super) fn play(&mut self, typed: &str) {
        let mut arguments = json!({ "move": typed });
        if let Some(table) = self.table.as_ref().filter(|table| table.own.is_some() && table.is_under_way()) {
            arguments["ply"] = json!(table.position.ply.saturating_add(1));
            arguments["game_id"] = json!(table.game_id);
        }
        self.request('M', arguments, typed);
    }

    fn watch(&mut self, arguments: &str) {
        if arguments.is_empty() || arguments == "-" {
            return self.close_board();
        }
        let Ok(game_id) = arguments.trim_start_matches('#').parse::<u64>() else { return self.explain(Deed::Watch) };
        self.watched = Some(game_id);
        self.asks.push(ask('O', json!({ "game_id": game_id }), About::Board(game_id)));
    }

    /// Takes away the board of a game that is over or watched; one's own stays while it goes on.
    pub(super) fn close_board(&mut self) {
        match &self.table {
            Some(Table { own: Some(_), end: None, .. }) => {
                self.fault("your game goes on: /resign gives it up, /abort calls it off before your second move");
            }
            Some(table) => {
                if table.own.is_none() && table.is_under_way() {
                    self.request('O', json!({ "game_id": "-" }), "/watch");
                }
                (self.table, self.watched) = (None, None);
            }
            None => self.fault("no board is shown - /games lists the games"),
        }
    }

    pub(super) fn quit(&mut self) {
        /// What was said a moment ago is waited for without a question.
        const A_MOMENT: SignedDuration = SignedDuration::from_secs(1);
        let a_moment_ago = ((self.clock)() - A_MOMENT).to_zoned(self.talk.zone().clone());
        let plays = self.table.as_ref().is_some_and(|table| table.own.is_some() && table.is_under_way());
        let loss = match &self.connection {
            Connection::Over(_) => None,
            _ if plays => Some("Your game goes on; you have a minute to come back."),
            _ if !self.transfers.is_empty() => Some("Files are on their way."),
            _ if self.talk.has_pending(&a_moment_ago) => Some("Not all that you said was heard yet."),
            _ => None,
        };
        match loss {
            Some(loss) => self.question = Some(Question::Quit(loss)),
            None => self.asks.push(Ask::Quit),
        }
    }
}
