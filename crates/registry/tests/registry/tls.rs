//! The server over TLS, to a client that trusts its certificate.

use std::sync::Arc;
use std::time::Duration;

use eigenpack_registry::{Htpasswd, MemoryRegistry, ServerOptions, TlsIdentity, TlsIdentityError};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::fixture::{Reply, Running};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server over TLS, and a client that trusts it alone.
struct Secured {
    server: Running,
    client: TlsConnector,
}

fn self_signed() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

impl Secured {
    async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let CertifiedKey { cert, signing_key } = self_signed();
        let key = signing_key.serialize_pem();
        let identity = TlsIdentity::from_pem(cert.pem().as_bytes(), key.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let mut client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut options = ServerOptions::default();
        options.tls = Some(identity);
        change(&mut options);
        Self {
            server: Running::start(MemoryRegistry::new(), options).await,
            client: Arc::new(client).into(),
        }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.server.address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let connecting = timeout(PATIENCE, self.client.connect(name, stream));
        connecting.await.expect("nobody shook hands").unwrap()
    }

    async fn ask(&self, line: &str, headers: &[(&str, &str)]) -> Reply {
        let request = self.server.request(line, headers, b"");
        let mut stream = self.connect().await;
        stream.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        Reply::parse(&answer)
    }
}

#[tokio::test]
async fn answers_over_tls_alone() {
    let secured = Secured::with(|_| {}).await;
    let stream = secured.connect().await;
    let (_, connection) = stream.get_ref();
    assert_eq!(connection.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(secured.ask("GET /v2/", &[]).await.status, 200);
    let mut plain = TcpStream::connect(secured.server.address).await.unwrap();
    let request = secured.server.request("GET /v2/", &[], b"");
    plain.write_all(&request).await.unwrap();
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(!said.starts_with(b"HTTP/"), "{said:?}");
}

#[tokio::test]
async fn a_client_that_does_not_shake_hands_is_not_waited_for() {
    let secured = Secured::with(|options| {
        options.idle_timeout = Duration::from_millis(300);
        options.max_connections = 1;
    })
    .await;
    let mut silent = TcpStream::connect(secured.server.address).await.unwrap();
    // It takes up the only connection until it is given up.
    let answered = timeout(PATIENCE, secured.ask("GET /v2/", &[])).await;
    assert_eq!(answered.expect("the connection was not ended").status, 200);
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, silent.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(said.is_empty());
}

#[tokio::test]
async fn hands_that_are_not_shaken_do_not_hold_up_the_end() {
    let secured = Secured::with(|options| options.stop_timeout = Duration::from_hours(1)).await;
    let silent = TcpStream::connect(secured.server.address).await.unwrap();
    let idle = secured.connect().await;
    assert_eq!(secured.ask("GET /v2/", &[]).await.status, 200);
    let stopped = timeout(PATIENCE, secured.server.stop()).await;
    stopped.expect("the server waits for nobody's requests");
    drop((silent, idle));
}

#[tokio::test]
async fn browsers_get_nothing_for_other_sites() {
    let secured = Secured::with(|_| {}).await;
    let own = secured.server.address.to_string();
    let line = "GET /v2/_catalog";
    for header in [
        ("Host", "evil.example:5001"),
        ("Origin", "https://evil.example"),
        ("Origin", &format!("http://{own}")),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        secured.ask(line, &[header]).await.refused(403, "DENIED");
    }
    let same = format!("https://{own}");
    assert_eq!(secured.ask(line, &[("Origin", &same)]).await.status, 200);
}

#[tokio::test]
async fn asks_for_credentials_too() {
    let ann = format!("ann:{}", bcrypt::hash("pass", 4).unwrap());
    let users = Htpasswd::parse(ann.as_bytes()).unwrap();
    let secured = Secured::with(|options| options.users = Some(users)).await;
    let refused = secured.ask("GET /v2/", &[]).await;
    refused.refused(401, "UNAUTHORIZED");
    let header = [("Authorization", "Basic YW5uOnBhc3M=")];
    assert_eq!(secured.ask("GET /v2/", &header).await.status, 200);
}

#[test]
fn what_cannot_be_used_is_told_apart() {
    use TlsIdentityError as E;
    let (ours, other) = (self_signed(), self_signed());
    let (cert, key) = (ours.cert.pem(), ours.signing_key.serialize_pem());
    let wrong =
        |cert: &str, key: &str| TlsIdentity::from_pem(cert.as_bytes(), key.as_bytes()).unwrap_err();
    let both = format!("{key}{cert}");
    assert!(TlsIdentity::from_pem(both.as_bytes(), both.as_bytes()).is_ok());
    assert_eq!(wrong("", &key), E::NoCertificate);
    assert_eq!(wrong(&key, &key), E::NoCertificate);
    assert_eq!(wrong(&cert[..cert.len() / 2], &key), E::BadCertificate);
    assert_eq!(wrong(&cert.replace("MII", "!!!"), &key), E::BadCertificate);
    assert_eq!(wrong(&cert.replace("MII", "AAA"), &key), E::BadCertificate);
    assert_eq!(wrong(&cert, ""), E::NoKey);
    assert_eq!(wrong(&cert, &cert), E::NoKey);
    assert_eq!(wrong(&cert, &key[..key.len() / 2]), E::BadKey);
    assert_eq!(wrong(&cert, &key.replace("MI", "AA")), E::BadKey);
    let other = other.signing_key.serialize_pem();
    assert_eq!(wrong(&cert, &other), E::KeyMismatch);
    let pkcs8 = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(wrong(&cert, &pkcs8), E::EncryptedKey);
    let begin =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n";
    let pkcs1 = key.replace("-----BEGIN PRIVATE KEY-----\n", begin);
    assert_eq!(wrong(&cert, &pkcs1), E::EncryptedKey);
}
