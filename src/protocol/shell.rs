//! The commands that people paste into a shell to send or fetch a file with nothing but `nc`, or `ncat` where the
//! connection is encrypted.
//!
//! What must not happen: a stranger's file name that becomes more than one word of the command.

use std::fmt::{Display, Formatter};
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::file_name::FileName;

/// Where a client reaches the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A host name or an address, of characters that mean nothing to a shell.
    host: Box<str>,
    port: u16,
    /// Whether TLS is spoken there.
    pub over_tls: bool,
}

/// The daemon's end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// An address of this machine.
    pub at: SocketAddr,
    /// Whether TLS is spoken.
    pub over_tls: bool,
}

/// Where clients are told to come, if not to where they are connected already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertised {
    /// Without TLS.
    pub plain: Option<Endpoint>,
    /// With it.
    pub tls: Option<Endpoint>,
}

impl Advertised {
    /// Where the peer of a connection reaches the daemon by another one. Who came over TLS stays with TLS: if nothing
    /// is advertised for that, the host is the advertised one, and the port that of the listener.
    pub fn endpoint(&self, arrived: Arrived) -> Endpoint {
        let Arrived { at, over_tls } = arrived;
        match (&self.plain, &self.tls) {
            (Some(plain), _) if !over_tls => plain.clone(),
            (_, Some(tls)) if over_tls => Endpoint { over_tls, ..tls.clone() },
            (Some(plain), _) => Endpoint { host: plain.host.clone(), port: at.port(), over_tls },
            (None, _) => Endpoint { host: at.ip().to_canonical().to_string().into(), port: at.port(), over_tls },
        }
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    /// Reads `HOST:PORT` or `[IPV6]:PORT`.
    fn from_str(words: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "give a host and a port, such as chat.example.org:7171 or [2001:db8::1]:7171";
        let (host, port) = words.rsplit_once(':').ok_or(FORM)?;
        let port = port.parse().map_err(|_| FORM)?;
        let is_plain = |host: &str| {
            !host.is_empty() && !host.starts_with('-') && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(v6) => v6.parse::<Ipv6Addr>().map_err(|_| FORM)?.to_string(),
            None if is_plain(host) => host.to_owned(),
            None => return Err(FORM),
        };
        Ok(Self { host: host.into(), port, over_tls: false })
    }
}

/// The program that connects there, with its arguments.
impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let program = if self.over_tls { "ncat --ssl" } else { "nc" };
        write!(f, "{program} {} {}", self.host, self.port)
    }
}

/// The command that sends a file from `offset_bytes` on. The size and the sum are the whole file's, taken
/// when the command runs. `$((…))` is there because some `wc` print blanks before the number.
pub(super) fn upload(name: &FileName, ticket: &str, offset_bytes: u64, endpoint: &Endpoint) -> String {
    let file = quoted(name);
    let body = match offset_bytes {
        0 => format!("cat {file}"),
        _ => format!("tail -c +{} {file}", offset_bytes + 1),
    };
    format!("(echo \"T {ticket} $(($(wc -c <{file}))) $(sha256sum <{file} | cut -c1-64)\"; {body}) | {endpoint}")
}

/// The command that fetches a whole file.
pub(super) fn download(name: &FileName, ticket: &str, endpoint: &Endpoint) -> String {
    format!("echo 'T {ticket}' | {endpoint} > {}", quoted(name))
}

/// Whether a line is one of these commands, pasted where it does not belong.
pub(super) fn is_command(line: &str) -> bool {
    line.starts_with("(echo \"T ") || line.starts_with("echo 'T ")
}

/// One word of a POSIX shell (Shell Command Language, 2.2.2): nothing is special between single quotes
/// but the quote itself. A leading `-` would make it an option.
fn quoted(name: &FileName) -> String {
    let before = if name.as_str().starts_with('-') { "./" } else { "" };
    format!("'{before}{}'", name.as_str().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_as_documented() {
        let (name, endpoint) = (FileName::parse("report.pdf").unwrap(), "192.168.1.5:7171".parse().unwrap());
        assert_eq!(
            upload(&name, "k3J9", 0, &endpoint),
            "(echo \"T k3J9 $(($(wc -c <'report.pdf'))) $(sha256sum <'report.pdf' | cut -c1-64)\"; cat 'report.pdf') | nc 192.168.1.5 7171"
        );
        assert!(upload(&name, "k3J9", 4096, &endpoint).contains("; tail -c +4097 'report.pdf')"));
        assert_eq!(download(&name, "Qz81", &endpoint), "echo 'T Qz81' | nc 192.168.1.5 7171 > 'report.pdf'");
        let endpoint = Endpoint { over_tls: true, ..endpoint };
        assert_eq!(download(&name, "Qz81", &endpoint), "echo 'T Qz81' | ncat --ssl 192.168.1.5 7171 > 'report.pdf'");
        assert!(upload(&name, "k3J9", 0, &endpoint).ends_with(") | ncat --ssl 192.168.1.5 7171"));
    }

    #[test]
    fn a_name_is_one_word() {
        for (words, want) in [("it's $(x) \"q\";.pdf", r#"'it'\''s $(x) "q";.pdf'"#), ("-rf", "'./-rf'"), ("'", r"''\'''")] {
            assert_eq!(quoted(&FileName::parse(words).unwrap()), want);
        }
    }

    #[test]
    fn endpoints_hold_nothing_that_a_shell_acts_on() {
        for (words, want) in [
            ("chat.example.org:7171", "nc chat.example.org 7171"),
            ("[2001:db8::1]:80", "nc 2001:db8::1 80"),
            ("10.0.0.1:1", "nc 10.0.0.1 1"),
        ] {
            assert_eq!(words.parse::<Endpoint>().unwrap().to_string(), want);
        }
        for words in ["host", ":1", "host:", "host:70000", "-x:1", "a b:1", "$(x):1", "2001:db8::1:80", "[::1;x]:1"] {
            assert!(words.parse::<Endpoint>().is_err(), "{words}");
        }
    }

    #[test]
    fn who_came_over_tls_comes_again_over_tls() {
        let [plain, tls] = [false, true].map(|over_tls| Arrived { at: "[::ffff:10.0.0.1]:7172".parse().unwrap(), over_tls });
        let [host, other] = ["a.example:1", "b.example:2"].map(|words| Some(words.parse::<Endpoint>().unwrap()));
        for (advertised, to_plain, to_tls) in [
            (Advertised::default(), "nc 10.0.0.1 7172", "ncat --ssl 10.0.0.1 7172"),
            (Advertised { plain: host.clone(), tls: None }, "nc a.example 1", "ncat --ssl a.example 7172"),
            (Advertised { plain: host, tls: other.clone() }, "nc a.example 1", "ncat --ssl b.example 2"),
            (Advertised { plain: None, tls: other }, "nc 10.0.0.1 7172", "ncat --ssl b.example 2"),
        ] {
            assert_eq!(advertised.endpoint(plain).to_string(), to_plain);
            assert_eq!(advertised.endpoint(tls).to_string(), to_tls);
        }
    }
}
