//! Whom we trust over TLS, and what we show of ourselves.

use std::fmt;

use reqwest::{Certificate, Client, Identity};

/// What TLS goes by, besides the authorities that the system trusts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Authorities that are trusted as the system's are.
    pub authorities: Authorities,
    /// The certificate shown to the registry if it asks; no other host is shown it.
    pub identity: Option<ClientIdentity>,
    /// Takes whatever certificate the registry shows. Whoever is on the way can read and change what is sent. Every other
    /// host must still prove who it is.
    pub insecure: bool,
    /// Speaks https to a registry on loopback too, which else is spoken to over plain http.
    pub on_loopback: bool,
}

impl TlsOptions {
    /// Takes whatever certificate the registry shows, one on loopback included, which is then spoken to over https.
    pub fn take_any_certificate(&mut self) {
        self.insecure = true;
        self.on_loopback = true;
    }
}

/// Certificates of authorities.
#[derive(Clone, Default)]
pub struct Authorities(Vec<Certificate>);

/// A certificate with its private key.
#[derive(Clone)]
pub struct ClientIdentity(Identity);

/// Why a certificate or a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate in the text.
    #[error("there is no certificate in PEM form (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A certificate is there, but broken.
    #[error("a certificate in it is broken")]
    BrokenCertificate,
    /// There is no private key in the text.
    #[error("there is no private key in PEM form (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// The private key is encrypted.
    #[error(
        "the private key is encrypted; a key without a passphrase is needed (openssl pkey -in KEY)"
    )]
    EncryptedKey,
    /// The private key is broken, or that of another certificate.
    #[error("the private key is broken, or it is not that of the certificate")]
    UnusableKey,
}

impl TlsError {
    /// Tells whether it is the private key that cannot be used.
    pub fn is_about_key(self) -> bool {
        matches!(self, Self::NoKey | Self::EncryptedKey | Self::UnusableKey)
    }
}

impl Authorities {
    /// Reads certificates in PEM form, one after the other (RFC 7468).
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        let certificates =
            Certificate::from_pem_bundle(pem).map_err(|_| TlsError::BrokenCertificate)?;
        if certificates.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        // Only a client looks into them.
        Client::builder()
            .tls_certs_only(certificates.clone())
            .build()
            .map_err(|_| TlsError::BrokenCertificate)?;
        Ok(Self(certificates))
    }

    pub(super) fn certificates(&self) -> impl Iterator<Item = Certificate> {
        self.0.iter().cloned()
    }
}

impl ClientIdentity {
    /// Reads a certificate, with those between it and its authority, and its private key, all in PEM form (RFC 7468).
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let has = |text: &[u8], label: &str| {
            text.windows(label.len())
                .any(|part| part == label.as_bytes())
        };
        if !has(certificates, "-----BEGIN CERTIFICATE-----") {
            return Err(TlsError::NoCertificate);
        }
        if has(key, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(key, "Proc-Type: 4,ENCRYPTED") {
            return Err(TlsError::EncryptedKey);
        }
        if !has(key, "PRIVATE KEY-----") {
            return Err(TlsError::NoKey);
        }
        // The last key of a text counts, so a key among the certificates gives way to the one that was named.
        let text = [certificates, b"\n", key].concat();
        let identity = Identity::from_pem(&text).map_err(|_| TlsError::UnusableKey)?;
        Client::builder()
            .tls_certs_only([])
            .identity(identity.clone())
            .build()
            .map_err(|_| TlsError::UnusableKey)?;
        Ok(Self(identity))
    }

    pub(super) fn identity(&self) -> Identity {
        self.0.clone()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

/// Shows nothing of the key.
impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity")
    }
}
