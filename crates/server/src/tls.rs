//! The certificate of the port: the operator's, or one made here and kept under the data folder.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::settings::Tls;

/// What accepts TLS connections, and the file that clients need to trust it.
pub(crate) struct Acceptor {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) certificate: PathBuf,
}

/// Loads or makes the certificate; `None` where TLS is off.
///
/// # Errors
/// A certificate or key that cannot be read, written or used, with its path.
pub(crate) fn acceptor(tls: &Tls, data_dir: &Path, listen: SocketAddr) -> Result<Option<Acceptor>> {
    let (certificate, key) = match tls {
        Tls::Off => return Ok(None),
        Tls::Files { certificate, key } => (certificate.clone(), key.clone()),
        Tls::SelfSigned => self_signed(&data_dir.join("tls"), listen)?,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect)
        .with_context(|| unreadable("certificate", &certificate))?;
    if chain.is_empty() {
        bail!("{}", unreadable("certificate", &certificate));
    }
    let private = PrivateKeyDer::from_pem_file(&key).with_context(|| unreadable("key", &key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| {
            let (certificate, key) = (certificate.display(), key.display());
            format!("`{certificate}` and `{key}` do not fit together\nhint: give a certificate and the private key that it was made for")
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Acceptor { acceptor: TlsAcceptor::from(Arc::new(config)), certificate }))
}

fn unreadable(what: &str, path: &Path) -> String {
    format!("cannot read the {what} in `{}`\nhint: name a readable PEM file that holds it", path.display())
}

/// The kept certificate for this machine's names, made at first use.
fn self_signed(dir: &Path, listen: SocketAddr) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    if !certificate.exists() || !key.exists() {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let address = listen.ip();
        if !address.is_loopback() && !address.is_unspecified() {
            names.push(address.to_string());
        }
        let made = rcgen::generate_simple_self_signed(names).context("cannot make a certificate")?;
        fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        write_private(&key, made.signing_key.serialize_pem().as_bytes())?;
        write_private(&certificate, made.cert.pem().as_bytes())?;
    }
    Ok((certificate, key))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let partial = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = options.open(&partial)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}
