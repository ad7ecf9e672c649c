//! TLS on this side: whom to trust, and what is wrong where there is no trust, in words for people.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

/// Connections with TLS, and whom they trust. Clones share what was read.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// Why TLS could not be agreed on.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate is for other names.
    #[error("the server's certificate is not for {host}, but for {presented}")]
    WrongName {
        /// Where the connection goes.
        host: String,
        /// What the certificate is for, in words.
        presented: String,
    },
    /// Nobody who is trusted vouches for the certificate.
    #[error("nobody who is trusted here vouches for the server's certificate")]
    UnknownIssuer,
    /// The certificate is made to vouch for others, not for a server.
    #[error(
        "the server's certificate is that of an authority, not of a server (its operator makes one with basicConstraints=CA:FALSE)"
    )]
    IsAuthority,
    /// The certificate is too old.
    #[error("the server's certificate has expired (or the clock of this machine is wrong)")]
    Expired,
    /// The certificate is too young.
    #[error("the server's certificate is not valid yet (or the clock of this machine is wrong)")]
    NotYetValid,
    /// What answers does not speak TLS.
    #[error("what answers there does not speak TLS")]
    NotTls,
    /// There are no certificates to trust.
    #[error("there is no certificate to trust{0}")]
    NoRoots(String),
    /// Something else.
    #[error("TLS could not be agreed on: {0}")]
    Other(rustls::Error),
}

impl Tls {
    /// Trusts whom this system trusts: `SSL_CERT_FILE` and `SSL_CERT_DIR`, or the system's own store.
    pub fn of_system() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let why = found.errors.first().map_or_else(|| " on this system".to_owned(), |error| format!(": {error}"));
        Self::trusting(found.certs, why)
    }

    /// Trusts the certificates in a PEM file and nobody else: of authorities, or the server's own.
    pub fn of_file(path: &Path) -> Result<Self, super::Error> {
        let pem = std::fs::read(path)?;
        let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
        Ok(Self::trusting(certificates, format!(" in {}", path.display()))?)
    }

    fn trusting(certificates: impl IntoIterator<Item = CertificateDer<'static>>, where_from: String) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let (trusted, _) = roots.add_parsable_certificates(certificates);
        if trusted == 0 {
            return Err(TlsError::NoRoots(where_from));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Other)?;
        Ok(Self { config: Arc::new(builder.with_root_certificates(roots).with_no_client_auth()) })
    }

    /// For connections that are not made by this library.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name that a certificate has to be for, of an address `HOST:PORT` or `[IPV6]:PORT`.
    pub fn server_name(address: &str) -> io::Result<ServerName<'static>> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(host.to_owned()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }
}

impl TlsError {
    /// What TLS found wrong, if it was TLS that ended a connection.
    pub fn of(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(match error {
            rustls::Error::InvalidCertificate(why) => Self::of_certificate(why),
            rustls::Error::InvalidMessage(_) => TlsError::NotTls,
            _ => TlsError::Other(error.clone()),
        })
    }

    fn of_certificate(why: &CertificateError) -> Self {
        match why {
            CertificateError::NotValidForNameContext { expected, presented } => {
                let presented: Vec<String> = presented.iter().map(|name| plain_name(name)).collect();
                let presented = if presented.is_empty() { "no name at all".to_owned() } else { presented.join(", ") };
                TlsError::WrongName { host: expected.to_str().into_owned(), presented }
            }
            // A bad signature: the server's own certificate was made anew under its old name, with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsError::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsError::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsError::NotYetValid,
            // rustls has no name of its own for it.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => TlsError::IsAuthority,
            _ => TlsError::Other(rustls::Error::InvalidCertificate(why.clone())),
        }
    }
}

/// A name of a certificate as people write it: rustls tells `DnsName("example.org")`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_host_of_the_address() {
        for (address, name) in [
            ("chat.example.org:7171", "chat.example.org"),
            ("127.0.0.1:7171", "127.0.0.1"),
            ("[2001:db8::1]:7171", "2001:db8::1"),
        ] {
            assert_eq!(Tls::server_name(address).unwrap().to_str(), name);
        }
        assert!(Tls::server_name("a b:1").is_err());
    }
}
