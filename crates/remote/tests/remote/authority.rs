//! An authority of the tests' own, and what it gives to hosts on loopback.

use std::sync::Arc;

use eigenpack_remote::{Authorities, RemoteOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::fixture::options;
use crate::stage::{Reply, Seen, Stage};

/// An authority that nobody knows of.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate of an authority and its key, in PEM.
pub(crate) struct Certificate {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// What a server wants to see of its clients.
#[derive(Clone, Copy)]
pub(crate) enum Demand {
    Nothing,
    /// It asks for a certificate, and takes those who have none.
    Certificate,
    /// Whoever has none gets no further.
    CertificateOrNothing,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self(issuer.unwrap())
    }

    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Certificate {
            chain: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    pub(crate) fn trusted(&self) -> Authorities {
        Authorities::from_pem(self.0.pem().as_bytes()).unwrap()
    }

    /// Returns how a host on loopback shakes hands.
    fn acceptor(&self, demand: Demand) -> TlsAcceptor {
        Arc::new(self.config(demand)).into()
    }

    /// Returns what a host on loopback shakes hands by.
    pub(crate) fn config(&self, demand: Demand) -> ServerConfig {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match demand {
            Demand::Nothing => builder.with_no_client_auth(),
            Demand::Certificate => {
                builder.with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
            }
            Demand::CertificateOrNothing => {
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let Certificate { chain, key } = self.certificate("127.0.0.1");
        let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        builder.with_single_cert(chain, key).unwrap()
    }

    pub(crate) async fn stage(
        &self,
        demand: Demand,
        play: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Stage {
        Stage::over_tls(self.acceptor(demand), play).await
    }

    /// Returns the options of a client that trusts this authority.
    pub(crate) fn options(&self) -> RemoteOptions {
        let mut options = over_tls();
        options.tls.authorities = self.trusted();
        options
    }
}

/// Returns the options of a client that trusts nobody here.
pub(crate) fn over_tls() -> RemoteOptions {
    let mut options = options();
    options.tls.on_loopback = true;
    options
}
