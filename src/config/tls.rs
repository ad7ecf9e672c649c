//! Flags for listeners with TLS, and for those without it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::parse_address;
use crate::net::CertificateFiles;
use crate::protocol::shell::Endpoint;

/// Flags for TLS.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsOptions {
    /// Address to listen on with TLS, beside those of --listen; may be given several times
    #[arg(long, value_name = "ADDR", env = "PARLOR_TLS_LISTEN", value_delimiter = ',', value_parser = parse_address)]
    pub tls_listen: Vec<SocketAddr>,

    /// The server's certificate and those that lead to its authority (PEM); read again on SIGHUP
    #[arg(long, value_name = "FILE", env = "PARLOR_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM, not encrypted); read again on SIGHUP
    #[arg(long, value_name = "FILE", env = "PARLOR_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// Like --advertise, for who is connected over TLS [default: the host of --advertise, and the listener's port]
    #[arg(long, value_name = "HOST:PORT", env = "PARLOR_TLS_ADVERTISE")]
    pub tls_advertise: Option<Endpoint>,

    /// Do not warn that passwords can be read on the way to an address of --listen that others can reach
    #[arg(long, env = "PARLOR_ALLOW_PLAIN_LOGIN", value_parser = FalseyValueParser::new())]
    pub allow_plain_login: bool,
}

impl TlsOptions {
    /// The files, for listeners that need them: `None` if there are none, an error if they are not all given.
    pub fn files(&self) -> Result<Option<CertificateFiles>, &'static str> {
        match (&self.tls_cert, &self.tls_key) {
            _ if self.tls_listen.is_empty() => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(CertificateFiles { certificate: certificate.clone(), key: key.clone() })),
            _ => Err("--tls-listen needs --tls-cert FILE and --tls-key FILE"),
        }
    }
}
