//! The configuration file: where it is, what it says, and for whom.

mod listener;
mod places;
mod proxies;
mod refusals;
mod scope;
mod tls;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::harness::Place;
use crate::serve::Server;

/// An authority that nobody knows of.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate for `localhost` and its key, in PEM.
struct Certificate {
    chain: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self(issuer.unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn certificate(&self) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        Certificate {
            chain: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A registry that runs until the test ends.
struct Registry {
    host: String,
    _server: Server,
    /// Its folder, which goes with it.
    _place: Place,
}

impl Registry {
    fn plain() -> Self {
        Self::start(Place::new(), &[])
    }

    /// A registry that shows a certificate of this authority.
    fn over_tls(authority: &Authority) -> Self {
        let place = Place::new();
        let Certificate { chain, key } = authority.certificate();
        place.write("cert.pem", chain);
        place.write("key.pem", key);
        Self::start(place, &["--tls-cert=cert.pem", "--tls-key=key.pem"])
    }

    fn start(place: Place, args: &[&str]) -> Self {
        let mut server = Server::start(&place, &[&["--format=json"], args].concat());
        let host = server.ready()["host"].as_str().unwrap().to_owned();
        Self {
            host,
            _server: server,
            _place: place,
        }
    }

    /// Returns the reference of something in it.
    fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.host)
    }
}

/// Writes the configuration file of the default place.
fn configure(place: &Place, content: &str) {
    write(place, "../home/.config/eigenpack/config.toml", content);
}

/// Writes a file beside the default configuration file.
fn beside(place: &Place, name: &str, content: &str) {
    write(place, &format!("../home/.config/eigenpack/{name}"), content);
}

fn write(place: &Place, path: &str, content: &str) {
    let path = place.file(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
