//! TLS for listeners: the certificate that is in use, the [`handshake`], and connections behind it ([`stream`]).
//!
//! rustls is asked for bytes and given bytes; sockets, tasks and timers stay those of plain connections. Its one
//! provider of cryptography is named here, never looked up. Nothing is kept of a peer beyond its connection (no
//! resumption): a certificate that was replaced is not shown again, and a stolen key opens nothing that was recorded.

mod certificate;
mod handshake;
mod stream;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::rustls::ServerConfig;

pub use certificate::CertificateError;
pub(super) use handshake::{Refused, shake_hands};
pub(super) use stream::{DetachedTls, TlsStream};

/// Where the certificate and its key are, in PEM.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The certificate, and behind it those that lead to its authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What the listeners with TLS have in common.
pub struct Tls {
    files: CertificateFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    pub fn load(files: CertificateFiles) -> Result<Self, CertificateError> {
        let current = RwLock::new(certificate::load(&files)?);
        Ok(Self { files, current })
    }

    /// Reads the files again, for connections from now on. If they cannot be used, everything stays as it was.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let new = certificate::load(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}
