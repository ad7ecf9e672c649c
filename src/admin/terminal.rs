//! How a new password comes in: a line of standard input; at a terminal typed twice, and not shown.

use std::io::{self, BufRead, IsTerminal, Read, Stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::protocol::limits::{PASSWORD_MAX_BYTES, PASSWORD_MIN_BYTES};
use crate::protocol::secret::Secret;
use crate::protocol::text;

/// A new password for an account, or why there is none.
pub(super) fn new_password(name: &str) -> Result<String, String> {
    let input = io::stdin();
    let password = if input.is_terminal() {
        let unseen = Unseen::new(&input).map_err(|error| format!("cannot read the password: {error}"))?;
        let password = ask(&unseen, &format!("new password for {name}: "))?;
        if ask(&unseen, "the same again: ")? != password {
            return Err("the two are not the same".into());
        }
        password
    } else {
        let mut line = String::new();
        let read = input.lock().take(4096).read_line(&mut line);
        read.map_err(|error| format!("cannot read the password: {error}"))?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if !Secret::new(&password).is_acceptable() {
        return Err(format!("a password has {PASSWORD_MIN_BYTES} to {PASSWORD_MAX_BYTES} bytes"));
    }
    // Nobody could log in with it.
    text::check(&password).map_err(|_| "a password may not hold control characters")?;
    Ok(password)
}

/// A terminal that shows nothing and leaves every key to us, so that none of them ends the program before it shows
/// again what is typed.
struct Unseen<'a> {
    input: &'a Stdin,
    before: Termios,
}

impl<'a> Unseen<'a> {
    fn new(input: &'a Stdin) -> io::Result<Self> {
        let before = tcgetattr(input)?;
        let mut unseen = before.clone();
        unseen.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(input, OptionalActions::Flush, &unseen)?;
        Ok(Self { input, before })
    }
}

impl Drop for Unseen<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(self.input, OptionalActions::Now, &self.before);
    }
}

#[expect(clippy::print_stderr, reason = "the prompt; standard output is for what was done")]
fn ask(unseen: &Unseen<'_>, prompt: &str) -> Result<String, String> {
    eprint!("{prompt}");
    let typed = read_keys(&mut unseen.input.lock());
    eprintln!();
    match typed.map_err(|error| format!("cannot read the password: {error}"))? {
        Some(typed) => Ok(typed),
        None => Err("given up".into()),
    }
}

/// What is typed up to Enter; `None` after Ctrl-C, or Ctrl-D on an empty line.
fn read_keys(keys: &mut impl Read) -> io::Result<Option<String>> {
    let mut typed = Vec::new();
    let mut key = [0];
    loop {
        let is_over = keys.read(&mut key)? == 0;
        match key[0] {
            _ if is_over => return Ok(None),
            b'\r' | b'\n' => break,
            0x03 => return Ok(None),
            0x04 if typed.is_empty() => return Ok(None),
            // Back over one character, or all of them.
            0x08 | 0x7f => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            0x15 => typed.clear(),
            byte if typed.len() < 4096 => typed.push(byte),
            _ => (),
        }
    }
    String::from_utf8(typed).map(Some).map_err(|_| io::Error::other("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_edited_as_at_a_prompt() {
        let read = |keys: &str| read_keys(&mut keys.as_bytes()).unwrap();
        assert_eq!(read("correct\r").as_deref(), Some("correct"));
        assert_eq!(read("corrext\u{7f}\u{7f}ct\n").as_deref(), Some("correct"));
        assert_eq!(read("鑰é\u{8}\u{8}x\n").as_deref(), Some("x"));
        assert_eq!(read("wrong\u{15}right\n").as_deref(), Some("right"));
        assert_eq!((read("x\u{3}"), read("\u{4}"), read("unfinished")), (None, None, None));
    }
}
