//! The command line: what is asked, of which server, by whom. What can be judged without a connection is
//! judged here; where a password comes from is [`super::password`]'s.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Parser, Subcommand, ValueEnum};
use parlor::client::{Error, Tls};
use parlor::protocol::tongue::Tongue;

use super::exit::{CODES, Failure, words};

/// The port where there is none in the address.
const PORT: u16 = 7171;

/// Parlor's client: a full-screen room at a terminal, netcat in a pipe, and commands for scripts
///
/// At a terminal, without a command, it shows the room. If standard input or output is no terminal, lines
/// go to the server as they are and its lines come out at once; after the end of input it waits for all
/// replies. The commands never push the same person out of another connection.
#[derive(Clone, Debug, Parser)]
#[command(name = "client", version, max_term_width = 100, after_help = CODES)]
pub(crate) struct Arguments {
    /// Where parlord listens; without a port it is 7171
    #[arg(value_name = "HOST:PORT", env = "PARLOR_ADDRESS", default_value = "127.0.0.1:7171", value_parser = parse_address)]
    pub(crate) address: String,

    /// Speak TLS: the port is one of parlord's --tls-listen
    #[arg(long, env = "PARLOR_TLS", global = true, value_parser = FalseyValueParser::new())]
    pub(crate) tls: bool,

    /// With TLS trust the certificates in this file (PEM) and no others, instead of those that the system trusts
    #[arg(long, value_name = "FILE", env = "PARLOR_CA", global = true)]
    pub(crate) ca: Option<PathBuf>,

    /// Log in by this name; without it a pipe is netcat and nothing more
    #[arg(long, value_name = "NAME", env = "PARLOR_USER", global = true, value_parser = parse_user)]
    pub(crate) user: Option<String>,

    /// Register the name if nobody has it
    #[arg(long, global = true)]
    pub(crate) register: bool,

    /// Read the password from this file's first line; else it is PARLOR_PASSWORD, else it is asked for
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) password_file: Option<PathBuf>,

    /// How the server words things, in a pipe and for tail
    #[arg(long, value_enum, global = true)]
    pub(crate) voice: Option<Voice>,

    #[command(subcommand)]
    pub(crate) command: Option<Verb>,
}

/// A command for scripts.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say something; it is stored when this ends
    Send {
        /// What to say; may have several lines
        #[arg(allow_hyphen_values = true)]
        text: String,
    },
    /// Share a file with the room
    Upload {
        /// The file
        file: PathBuf,
        /// Share it under this name instead of its own
        #[arg(long)]
        name: Option<String>,
    },
    /// Fetch a shared file into this directory; a cut download goes on when it is asked for again
    Download {
        /// Its name on the shelf
        name: String,
        /// Write it to this file, and replace what is there
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print what happens in the room, a line each, until killed
    Tail {
        /// Begin with this number in the room's log, instead of now
        #[arg(long, value_name = "SEQ")]
        from: Option<u64>,
    },
}

/// A voice of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Voice {
    /// English
    En,
    /// Chinese
    Zh,
    /// One JSON object a line, for programs
    Json,
}

impl Voice {
    pub(crate) fn tongue(self) -> Tongue {
        match self {
            Voice::En => Tongue::En,
            Voice::Zh => Tongue::Zh,
            Voice::Json => Tongue::Json,
        }
    }
}

impl Arguments {
    /// Those that the program was started with; ends it if they are wrong or ask for help.
    pub(crate) fn read() -> Self {
        Self::parse()
    }

    /// Who logs in, for what cannot be done without.
    pub(crate) fn required_user(&self) -> Result<&str, Failure> {
        self.user.as_deref().ok_or_else(|| Failure::Usage("this command needs --user NAME (or PARLOR_USER)".to_owned()))
    }
}

impl Arguments {
    /// Whether TLS is to be spoken, and whom to trust then.
    pub(crate) fn trust(&self) -> Result<Option<Tls>, Failure> {
        match &self.ca {
            Some(_) if !self.tls => Err(Failure::Usage("--ca FILE is of use with --tls only".to_owned())),
            _ if !self.tls => Ok(None),
            Some(file) => match Tls::of_file(file) {
                Ok(tls) => Ok(Some(tls)),
                Err(Error::Io(error)) => Err(Failure::unreadable(file, words(&error))),
                Err(error) => Err(Failure::Usage(error.to_string())),
            },
            None => Tls::of_system().map(Some).map_err(|error| Failure::Usage(format!("{error}; --ca FILE names one"))),
        }
    }
}

fn parse_address(words: &str) -> Result<String, String> {
    if words.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{words}]:{PORT}"));
    }
    // Behind the brackets of an IPv6 address, whose own colons are no ports.
    let host_end = words.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match words[host_end..].rfind(':') {
        Some(at) => (&words[..host_end + at], words[host_end + at + 1..].parse().ok().filter(|&port| port > 0)),
        None => (words, Some(PORT)),
    };
    let is_host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']').is_some_and(|inside| inside.parse::<Ipv6Addr>().is_ok()),
        None => !host.is_empty() && !host.contains([':', '/', ']']) && !host.contains(char::is_whitespace),
    };
    match port {
        Some(port) if is_host => Ok(format!("{host}:{port}")),
        _ => Err("an address is HOST, HOST:PORT or [IPV6]:PORT".to_owned()),
    }
}

/// A name stands in a line of its own with others: what would end the word or the line is no name.
fn parse_user(words: &str) -> Result<String, String> {
    if words.is_empty() || words.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("a name is one word".to_owned());
    }
    Ok(words.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_address_gets_its_port() {
        for (words, address) in [
            ("localhost", "localhost:7171"),
            ("chat.example.org:99", "chat.example.org:99"),
            ("10.0.0.7", "10.0.0.7:7171"),
            ("::1", "[::1]:7171"),
            ("[::1]", "[::1]:7171"),
            ("[fe80::1]:80", "[fe80::1]:80"),
        ] {
            assert_eq!(parse_address(words).as_deref(), Ok(address));
        }
        for words in
            ["", ":80", "host:", "host:0", "host:port", "host:70000", "[::1", "[host]:1", "::1]", "a:b:1", "http://a", "a b"]
        {
            assert!(parse_address(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn options_stand_before_and_behind_a_command_and_talk_may_begin_with_a_dash() {
        for line in [
            &["client", "host", "--user", "bob", "send", "-5 degrees"][..],
            &["client", "host", "send", "-5 degrees", "--user", "bob"],
            &["client", "host", "send", "--user", "bob", "-5 degrees"],
        ] {
            let arguments = Arguments::try_parse_from(line).unwrap();
            assert_eq!((arguments.address.as_str(), arguments.user.as_deref()), ("host:7171", Some("bob")), "{line:?}");
            assert!(matches!(arguments.command, Some(Verb::Send { text }) if text == "-5 degrees"), "{line:?}");
        }
    }

    #[test]
    fn a_name_is_one_word() {
        assert!(parse_user("小明").is_ok());
        for words in ["", "a b", "a\nC - injected", "a\u{0}"] {
            assert!(parse_user(words).is_err(), "{words:?}");
        }
    }
}
