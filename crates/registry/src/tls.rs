//! Who a server is: a certificate and its key, for connections that nobody on the way can read.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// A certificate with its chain, and the private key that goes with it; for TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct TlsIdentity {
    config: Arc<ServerConfig>,
}

/// Why a certificate and a key cannot be used. It shows nothing of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsIdentityError {
    /// There is no certificate in PEM.
    #[error("there is no PEM certificate: nothing starts with -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// A certificate is cut, or not one at all.
    #[error("a certificate is damaged")]
    BadCertificate,
    /// There is no private key in PEM.
    #[error("there is no PEM private key: nothing starts with -----BEGIN PRIVATE KEY-----")]
    NoKey,
    /// The key asks for a passphrase.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// The key is cut, or of a kind that is not known here: it is not RSA, ECDSA or Ed25519.
    #[error("the private key is damaged, or of a kind other than RSA, ECDSA and Ed25519")]
    BadKey,
    /// The key belongs to another certificate.
    #[error("the private key is not that of the first certificate")]
    KeyMismatch,
}

impl TlsIdentity {
    /// Reads a certificate, followed by those that lead to its authority, and a private key, both in PEM.
    ///
    /// The key is PKCS #8, PKCS #1 or SEC 1, and not encrypted. Neither dates nor names are checked: that is for clients.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsIdentityError> {
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, PemError>>()
            .map_err(|_| TlsIdentityError::BadCertificate)?;
        if chain.is_empty() {
            return Err(TlsIdentityError::NoCertificate);
        }
        if is_encrypted(key) {
            return Err(TlsIdentityError::EncryptedKey);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            PemError::NoItemsFound => TlsIdentityError::NoKey,
            _ => TlsIdentityError::BadKey,
        })?;
        let mut config = config(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsIdentityError::KeyMismatch,
            rustls::Error::InvalidCertificate(_) => TlsIdentityError::BadCertificate,
            _ => TlsIdentityError::BadKey,
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// Returns what shakes hands with those who connect.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config.clone().into()
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
}

/// Tells whether a PEM key asks for a passphrase, in the form of PKCS #8 or in that of RFC 1421.
fn is_encrypted(key: &[u8]) -> bool {
    key.split(|byte| *byte == b'\n').any(|line| {
        line.starts_with(b"-----BEGIN ENCRYPTED ")
            || (line.starts_with(b"Proc-Type:") && line.trim_ascii().ends_with(b"ENCRYPTED"))
    })
}
