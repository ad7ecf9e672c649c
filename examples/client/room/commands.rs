//! What is typed after a slash: one table, from which lines are read, completed and explained.

/// What a command's argument is, for completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    None,
    /// A path of this machine.
    Path,
    /// A name on the shelf, and a directory of this machine.
    SharedFile,
    /// One of those on the way.
    Transfer,
    /// A game, a clock, and `@` with somebody's name.
    Invitation,
    /// Somebody who is here.
    Member,
    /// Somebody who invites.
    Inviter,
    /// A number, a word, or a move.
    Word,
}

/// A command.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// Its arguments, as help shows them.
    pub(crate) form: &'static str,
    pub(crate) help: &'static str,
    pub(crate) argument: Argument,
    pub(crate) deed: Deed,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    File,
    Get,
    Shelf,
    Withdraw,
    Cancel,
    Invite,
    Uninvite,
    Accept,
    Move,
    Resign,
    Draw,
    Undo,
    Rematch,
    Abort,
    Claim,
    Resume,
    Games,
    Watch,
    Ratings,
    Record,
    Who,
    Quiet,
    Mouse,
    Help,
    Reconnect,
    Quit,
}

const fn command(name: &'static str, form: &'static str, argument: Argument, deed: Deed, help: &'static str) -> Command {
    Command { name, form, help, argument, deed }
}

/// All of them, in the order of the help.
pub(crate) static COMMANDS: &[Command] = &[
    command("file", "PATH", Argument::Path, Deed::File, "shares a file of yours with the room"),
    command("get", "NAME [DIR]", Argument::SharedFile, Deed::Get, "fetches a shared file into a directory"),
    command("shelf", "", Argument::None, Deed::Shelf, "lists what is shared"),
    command("withdraw", "NAME", Argument::SharedFile, Deed::Withdraw, "takes back a file that you have shared"),
    command("cancel", "NAME", Argument::Transfer, Deed::Cancel, "stops a transfer; asked for again it goes on"),
    command(
        "invite",
        "[GAME] [CLOCK] [@NAME]",
        Argument::Invitation,
        Deed::Invite,
        "invites to a game: /invite chess 5+3 @bob",
    ),
    command("uninvite", "", Argument::None, Deed::Uninvite, "withdraws your invitation"),
    command("accept", "[NAME]", Argument::Inviter, Deed::Accept, "takes the seat of who invites"),
    command("move", "MOVE", Argument::Word, Deed::Move, "moves: /move h8, /move Nf3; or point at it"),
    command("resign", "", Argument::None, Deed::Resign, "gives the game up"),
    command("draw", "", Argument::None, Deed::Draw, "offers a draw, or accepts it"),
    command("undo", "", Argument::None, Deed::Undo, "asks to take a move back, or accepts it"),
    command("rematch", "", Argument::None, Deed::Rematch, "offers another game, or accepts it"),
    command("abort", "", Argument::None, Deed::Abort, "calls the game off before your second move"),
    command("claim", "", Argument::None, Deed::Claim, "wins against who was warned and still does not move"),
    command("resume", "[ID]", Argument::Word, Deed::Resume, "goes on with an adjourned game"),
    command("games", "", Argument::None, Deed::Games, "lists invitations and games under way"),
    command("watch", "[ID]", Argument::Word, Deed::Watch, "watches a game; alone: closes the board"),
    command("ratings", "[NAME]", Argument::Member, Deed::Ratings, "the best of each game, or somebody's"),
    command("record", "ID [FILE]", Argument::Word, Deed::Record, "the record of a finished game, or into a file"),
    command("who", "", Argument::None, Deed::Who, "lists who is here"),
    command("quiet", "", Argument::None, Deed::Quiet, "hides who comes and goes, rings no bell; again: not"),
    command("mouse", "", Argument::None, Deed::Mouse, "the wheel scrolls; again: the terminal has the mouse back"),
    command("help", "[COMMAND]", Argument::None, Deed::Help, "shows this, or explains one"),
    command("reconnect", "", Argument::None, Deed::Reconnect, "comes back after you were logged in somewhere else"),
    command("quit", "", Argument::None, Deed::Quit, "leaves the room"),
];

/// A line that was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Speech.
    Say(&'a str),
    /// A command and its arguments.
    Do(Deed, &'a str),
    /// No such command; perhaps this one was meant.
    Unknown(&'a str, Option<&'static str>),
}

/// Reads a line: what begins with one slash is a command, another slash stands before speech that begins so.
pub(crate) fn read(line: &str) -> Line<'_> {
    let Some(rest) = line.strip_prefix('/') else { return Line::Say(line) };
    if rest.starts_with('/') {
        return Line::Say(rest);
    }
    let (word, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let word_folded = word.to_lowercase();
    let exact = COMMANDS.iter().find(|command| command.name == word_folded);
    let mut beginning = COMMANDS.iter().filter(|command| !word.is_empty() && command.name.starts_with(&word_folded));
    match (exact, beginning.next(), beginning.next()) {
        (Some(command), ..) | (None, Some(command), None) => Line::Do(command.deed, arguments.trim()),
        (None, near, _) => Line::Unknown(word, near.map(|command| command.name)),
    }
}

/// The form of a command, as a line to type.
pub(crate) fn form(deed: Deed) -> String {
    let command = COMMANDS.iter().find(|command| command.deed == deed);
    command.map_or_else(String::new, |command| format!("/{} {}", command.name, command.form).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_speech_or_commands() {
        assert_eq!(read("hello /file"), Line::Say("hello /file"));
        assert_eq!(read("//etc is full"), Line::Say("/etc is full"));
        assert_eq!(read("/get  my report.pdf  "), Line::Do(Deed::Get, "my report.pdf"));
        assert_eq!(read("/INVITE chess"), Line::Do(Deed::Invite, "chess"));
        assert_eq!(read("/inv"), Line::Do(Deed::Invite, ""));
        assert_eq!(read("/re"), Line::Unknown("re", Some("resign")));
        assert_eq!(read("/xyz"), Line::Unknown("xyz", None));
        assert_eq!(read("/"), Line::Unknown("", None));
    }

    #[test]
    fn each_command_has_a_name_and_a_deed_of_its_own() {
        for (index, command) in COMMANDS.iter().enumerate() {
            for other in &COMMANDS[index + 1..] {
                assert!(command.name != other.name && command.deed != other.deed, "{}", command.name);
            }
        }
    }
}
