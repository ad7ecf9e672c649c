//! Certificates for tests, and clients that trust them.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A certificate of a server's own and its key, in files.
#[derive(Clone, Debug)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub der: CertificateDer<'static>,
}

impl Identity {
    /// One for this machine, over one that stands there.
    pub fn write(directory: &Path) -> Self {
        Self::write_with(directory, &["localhost", "127.0.0.1"], |_| ())
    }

    /// One for these names, made in some other way than usual.
    pub fn write_with(directory: &Path, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let signing_key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        change(&mut parameters);
        let cert = parameters.self_signed(&signing_key).unwrap();
        let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        fs::write(&certificate, cert.pem()).unwrap();
        fs::write(&key, signing_key.serialize_pem()).unwrap();
        Self { certificate, key, der: cert.der().clone() }
    }

    /// The flags of a daemon that shows it.
    pub fn flags(&self) -> Vec<String> {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let flags = ["--tls-listen", "127.0.0.1:0", "--tls-cert", &path(&self.certificate), "--tls-key", &path(&self.key)];
        flags.map(str::to_owned).into()
    }
}

/// A listener with TLS.
#[derive(Clone, Debug)]
pub struct TlsPort {
    pub address: SocketAddr,
    pub identity: Identity,
}

impl TlsPort {
    /// Speaks TLS over a connection to it.
    pub fn over(&self, socket: TcpStream) -> Wire {
        self.try_over(socket).unwrap()
    }

    /// The same, if it can be agreed on and the certificate is the one that is expected.
    pub fn try_over(&self, mut socket: TcpStream) -> io::Result<Wire> {
        let mut session = self.session();
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Wire::Tls(Box::new(StreamOwned::new(session, socket))))
    }

    /// What a client sends first.
    pub fn hello(&self) -> Vec<u8> {
        let mut hello = Vec::new();
        self.session().write_tls(&mut hello).unwrap();
        hello
    }

    fn session(&self) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        roots.add(self.identity.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap()
    }
}

/// A client's connection, as it is or through TLS.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    pub fn socket(&self) -> &TcpStream {
        match self {
            Wire::Plain(socket) => socket,
            Wire::Tls(tls) => &tls.sock,
        }
    }

    /// The certificate that the server has shown.
    pub fn certificate(&self) -> CertificateDer<'static> {
        let Wire::Tls(tls) = self else { panic!("no TLS") };
        tls.conn.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// Ends the input: with TLS in its words.
    pub fn end_input(&mut self) {
        if let Wire::Tls(tls) = self {
            tls.conn.send_close_notify();
            tls.flush().unwrap();
        }
        self.socket().shutdown(std::net::Shutdown::Write).unwrap();
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(socket) => socket.read(buffer),
            Wire::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(socket) => socket.write(bytes),
            Wire::Tls(tls) => {
                let count = tls.write(bytes)?;
                tls.flush()?;
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
