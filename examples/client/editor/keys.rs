//! Which key does what, as in readline's emacs mode. Keys that are not here are the caller's.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::line::Case;

/// What a key asks of the line.
#[derive(Clone, Copy)]
pub(super) enum Command {
    Type(char),
    Move(Target),
    Delete(Target),
    /// A deletion that can be yanked.
    Kill(Target),
    Yank,
    YankPop,
    Transpose,
    ChangeCase(Case),
    Undo,
    Older,
    Newer,
    Oldest,
    Unfinished,
    Search,
}

/// A place in the line, seen from the cursor.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Start,
    End,
    Left,
    Right,
    WordLeft,
    WordRight,
    BlankLeft,
}

/// The command of a key, if it is one of the editor's.
pub(super) fn command(key: KeyEvent) -> Option<Command> {
    use Command::{
        ChangeCase, Delete, Kill, Move, Newer, Older, Oldest, Search, Transpose, Type, Undo, Unfinished, Yank, YankPop,
    };
    use Target::{BlankLeft, End, Left, Right, Start, WordLeft, WordRight};

    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    if !(KeyModifiers::SHIFT | KeyModifiers::CONTROL | KeyModifiers::ALT).contains(key.modifiers) {
        return None;
    }
    Some(match (key.code, control, alt) {
        (KeyCode::Char(c), false, false) => Type(c),
        (KeyCode::Char(c), true, false) => match c.to_ascii_lowercase() {
            'a' => Move(Start),
            'b' => Move(Left),
            'd' => Delete(Right),
            'e' => Move(End),
            'f' => Move(Right),
            'h' => Delete(Left),
            'k' => Kill(End),
            'n' => Newer,
            'p' => Older,
            'r' => Search,
            't' => Transpose,
            'u' => Kill(Start),
            'w' => Kill(BlankLeft),
            'y' => Yank,
            // Terminals send one byte for all three, which crossterm reads as Ctrl-7.
            '_' | '/' | '7' => Undo,
            _ => return None,
        },
        (KeyCode::Char(c), false, true) => match c.to_ascii_lowercase() {
            'b' => Move(WordLeft),
            'c' => ChangeCase(Case::Capital),
            'd' => Kill(WordRight),
            'f' => Move(WordRight),
            'l' => ChangeCase(Case::Lower),
            'u' => ChangeCase(Case::Upper),
            'y' => YankPop,
            '<' => Oldest,
            '>' => Unfinished,
            _ => return None,
        },
        (KeyCode::Home, false, false) => Move(Start),
        (KeyCode::End, false, false) => Move(End),
        (KeyCode::Left, false, false) => Move(Left),
        (KeyCode::Left, ..) => Move(WordLeft),
        (KeyCode::Right, false, false) => Move(Right),
        (KeyCode::Right, ..) => Move(WordRight),
        (KeyCode::Backspace, false, false) => Delete(Left),
        (KeyCode::Backspace, ..) => Kill(WordLeft),
        (KeyCode::Delete, false, false) => Delete(Right),
        (KeyCode::Delete, ..) => Kill(WordRight),
        (KeyCode::Up, false, false) if key.modifiers.is_empty() => Older,
        (KeyCode::Down, false, false) if key.modifiers.is_empty() => Newer,
        _ => return None,
    })
}

/// Whether this key is the letter with Ctrl.
pub(super) fn is_control(key: KeyEvent, letter: char) -> bool {
    key.modifiers == KeyModifiers::CONTROL && key.code == KeyCode::Char(letter)
}
