//! The certificate of the port: the operator's, or one made here and kept under the data folder.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
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

/// The kept certificate for this machine's names; made at first use, and anew when it lacks one of them.
fn self_signed(dir: &Path, listen: SocketAddr) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let names = names(listen, host_name(), &addresses());
    if certificate.exists() && key.exists() {
        let Some(lacking) = lacking(&certificate, &names)? else { return Ok((certificate, key)) };
        let path = certificate.display();
        tracing::warn!(
            "the certificate in `{path}` is made anew, as `{lacking}` was not in it: give it to the clients that know the old one"
        );
    }
    let made = rcgen::generate_simple_self_signed(names).context("cannot make a certificate")?;
    fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    write_private(&key, made.signing_key.serialize_pem().as_bytes())?;
    write_private(&certificate, made.cert.pem().as_bytes())?;
    Ok((certificate, key))
}

/// The names and addresses by which clients may know the server that listens there.
fn names(listen: SocketAddr, host: Option<String>, machine: &[IpAddr]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let ip = listen.ip();
    if ip.is_loopback() {
        return names;
    }
    names.extend(host);
    if ip.is_unspecified() {
        // A socket for all addresses of IPv6 takes those of IPv4 too.
        let reached = machine.iter().filter(|address| address.is_ipv4() || ip.is_ipv6());
        names.extend(reached.map(IpAddr::to_string));
    } else {
        names.push(ip.to_string());
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The machine's own name, where it is one that a certificate can hold.
fn host_name() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_str().ok()?.to_ascii_lowercase();
    matches!(ServerName::try_from(name.as_str()), Ok(ServerName::DnsName(_))).then_some(name)
}

/// The addresses of the machine's interfaces by which others may reach it.
fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the machine's addresses cannot be read: the certificate will not name them");
        Vec::new()
    });
    interfaces.iter().filter(|interface| !interface.is_loopback()).map(if_addrs::Interface::ip).collect()
}

/// The first of `names` that the certificate is not for.
fn lacking(certificate: &Path, names: &[String]) -> Result<Option<String>> {
    let der = CertificateDer::from_pem_file(certificate).with_context(|| unreadable("certificate", certificate))?;
    let parsed = ParsedCertificate::try_from(&der).with_context(|| unreadable("certificate", certificate))?;
    let holds = |name: &str| ServerName::try_from(name).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok());
    Ok(names.iter().find(|name| !holds(name)).cloned())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(listen: &str) -> Vec<String> {
        let machine = ["10.0.0.7", "2001:db8::7"].map(|address| address.parse().unwrap());
        let names = names(listen.parse().unwrap(), Some("box".to_owned()), &machine);
        assert_eq!(names[..3], ["localhost", "127.0.0.1", "::1"]);
        names[3..].to_vec()
    }

    #[test]
    fn a_certificate_names_what_the_server_can_be_reached_by() {
        assert!(of("127.0.0.1:4566").is_empty());
        assert_eq!(of("0.0.0.0:4566"), ["box", "10.0.0.7"]);
        assert_eq!(of("[::]:4566"), ["box", "10.0.0.7", "2001:db8::7"]);
        assert_eq!(of("192.0.2.1:4566"), ["box", "192.0.2.1"]);
    }

    #[test]
    fn a_certificate_is_made_anew_only_where_it_lacks_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let made = |listen: &str| fs::read(self_signed(dir.path(), listen.parse().unwrap()).unwrap().0).unwrap();
        let local = made("127.0.0.1:4566");
        assert_eq!(made("127.0.0.1:1"), local);
        let remote = made("192.0.2.1:4566");
        assert_ne!(remote, local);
        assert_eq!(made("192.0.2.1:4566"), remote);
        assert_eq!(made("127.0.0.1:4566"), remote, "it names what is needed and more");
        assert_ne!(made("192.0.2.2:4566"), remote);
    }
}
