//! A certificate and its key, from two files to what rustls serves with; and what can be wrong with them, in words for
//! whoever gave the files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};

use super::CertificateFiles;

/// A file beyond this is no certificate and no key.
const FILE_BYTES: u64 = 1 << 20;

/// Why listeners cannot speak TLS with these files.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {file}: {source}; --tls-cert and --tls-key name the files")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file is not PEM.
    #[error("{file} is no PEM file: {why}")]
    NotPem {
        /// The file.
        file: PathBuf,
        /// What is wrong in it.
        why: String,
    },
    /// There is no certificate in the file.
    #[error(
        "{file} holds no certificate; --tls-cert takes the server's own (PEM), and behind it those that lead to its authority"
    )]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// There is no key in the file.
    #[error("{file} holds no private key; --tls-key takes that of the certificate (PEM)")]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// The key asks for a passphrase.
    #[error("the key in {file} is encrypted; openssl pkey -in {file} -out NEW-FILE writes one that the daemon can read")]
    EncryptedKey {
        /// The file.
        file: PathBuf,
    },
    /// The two do not belong together.
    #[error("the key in {key} is not that of the certificate in {certificate}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate, or a key, that TLS cannot be spoken with.
    #[error("{certificate} with {key} cannot be used: {source}")]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

pub(super) fn load(files: &CertificateFiles) -> Result<Arc<ServerConfig>, CertificateError> {
    let CertificateFiles { certificate, key } = files;
    let chain = read_chain(certificate)?;
    let private_key = read_key(key)?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let built = builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private_key));
    let mut config = built.map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            CertificateError::Mismatch { certificate: certificate.clone(), key: key.clone() }
        }
        source => CertificateError::Unusable { certificate: certificate.clone(), key: key.clone(), source },
    })?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(file)?).collect();
    let chain = chain.map_err(|error| not_pem(file, &error))?;
    if chain.is_empty() { Err(CertificateError::NoCertificate { file: file.to_owned() }) } else { Ok(chain) }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let bytes = read(file)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound if memchr::memmem::find(&bytes, b"BEGIN ENCRYPTED PRIVATE KEY").is_some() => {
            CertificateError::EncryptedKey { file: file.to_owned() }
        }
        pem::Error::NoItemsFound => CertificateError::NoKey { file: file.to_owned() },
        error => not_pem(file, &error),
    })
}

fn not_pem(file: &Path, error: &pem::Error) -> CertificateError {
    CertificateError::NotPem { file: file.to_owned(), why: error.to_string() }
}

fn read(file: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(FILE_BYTES).read_to_end(&mut bytes));
    read.map_err(|source| CertificateError::Unreadable { file: file.to_owned(), source })?;
    Ok(bytes)
}
