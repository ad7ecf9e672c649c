//! The login at a terminal, line by line before the screen is taken: name, password unseen, and whether a new
//! name is to be registered.

use std::io::{self, BufRead, Write};

use parlor::client::{Client, Error, Events, Login, Options, Refusal, Welcome};

use super::super::arguments::Arguments;
use super::super::exit::{self, Failure};
use super::super::room::refusals::of_refusal;
use super::super::text::clean;
use super::super::{password, verbs};

/// Answers that may be wrong before it is given up.
const TRIES: usize = 5;

/// What is known of who logs in; what is not is asked.
struct Answers<'a> {
    arguments: &'a Arguments,
    name: Option<String>,
    password: Option<String>,
    may_register: bool,
    /// The password was typed once, to log in.
    is_typed_once: bool,
}

/// Logs in; asks for what is not known yet, and again for what was refused. Also returns how to do it again.
pub(super) async fn log_in(arguments: &Arguments) -> Result<(Options, (Client, Events, Welcome)), Failure> {
    let (tls, password) = (arguments.trust()?, password::given(arguments)?);
    let mut answers = Answers { arguments, name: arguments.user.clone(), password, may_register: false, is_typed_once: false };
    let mut tries = 0;
    loop {
        let (name, password) = answers.complete()?;
        let login = Login::Password { name: name.clone(), password, may_register: answers.may_register };
        let options = Options { tls: tls.clone(), ..Options::new(&arguments.address, login) };
        let refusal = match verbs::connect(options.clone()).await {
            Ok(entered) => return Ok((options, entered)),
            Err(Error::Refused(refusal)) => refusal,
            Err(error) => return Err(verbs::login_failure(arguments, &name, error)),
        };
        tries += 1;
        if tries == TRIES || !answers.amend(&refusal, &name)? {
            return Err(verbs::login_failure(arguments, &name, Error::Refused(refusal)));
        }
    }
}

impl Answers<'_> {
    /// Name and password. A typed password that may register is asked for twice: mistyped once, it would be
    /// that of an account which nobody can open.
    fn complete(&mut self) -> Result<(String, String), Failure> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.name.insert(ask("name: ")?).clone(),
        };
        loop {
            let password = match self.password.take() {
                Some(password) => password,
                None => {
                    self.is_typed_once = true;
                    password::ask("password: ")?
                }
            };
            if !self.may_register || !self.is_typed_once || password::ask("password again: ")? == password {
                return Ok((name, self.password.insert(password).clone()));
            }
            say("these were two different passwords, choose one once more")?;
        }
    }

    /// Takes back what was refused; false if there is nothing to ask again.
    fn amend(&mut self, refusal: &Refusal, name: &str) -> Result<bool, Failure> {
        let given = password::given(self.arguments)?;
        match refusal.code.as_str() {
            "no-such-user" if !self.may_register => {
                let question = format!("nobody is called {} yet. Register this name? (y/n) ", clean(name));
                if self.arguments.register || is_yes(&ask(&question)?) {
                    self.may_register = true;
                } else if self.arguments.user.is_some() {
                    return Ok(false);
                } else {
                    (self.name, self.password) = (None, given);
                }
            }
            "wrong-password" | "bad-password" if given.is_none() => {
                say(&of_refusal(refusal))?;
                self.password = None;
            }
            "bad-name" | "look-alike" | "name-taken" => {
                say(&of_refusal(refusal))?;
                (self.name, self.password, self.may_register) = (None, given, false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A line from the keyboard.
#[expect(clippy::print_stdout, reason = "the prompt")]
fn ask(prompt: &str) -> Result<String, Failure> {
    print!("{prompt}");
    io::stdout().flush().map_err(failed)?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).map_err(failed)? == 0 {
        return Err(Failure::Usage("no answer was given".to_owned()));
    }
    Ok(line.trim().to_owned())
}

fn say(words: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{words}").map_err(failed)
}

fn failed(error: io::Error) -> Failure {
    Failure::Terminal(exit::words(&error))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer, "y" | "Y" | "yes")
}
