//! A host over TLS that asks for a certificate and notes who showed one.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{Authority, Certificate};

/// Answers requests until the test process ends.
pub(super) struct Listener {
    pub(super) host: String,
    certified: Arc<Mutex<Vec<bool>>>,
}

/// Makes the answer to a request.
type Answering = dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync;

impl Listener {
    /// A host that has the same answer for all.
    pub(super) fn answering(authority: &Authority, head: &str) -> Self {
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Self::start(authority, Arc::new(move |_| answer.clone().into_bytes()))
    }

    /// A host that asks a registry over plain http.
    pub(super) fn before(authority: &Authority, registry: &str) -> Self {
        let registry = registry.to_owned();
        let ask = move |request: Vec<u8>| {
            let mut upstream = TcpStream::connect(&registry).unwrap();
            upstream.write_all(&request).unwrap();
            let mut answer = Vec::new();
            upstream.read_to_end(&mut answer).unwrap();
            answer
        };
        Self::start(authority, Arc::new(ask))
    }

    /// It shows a certificate of this authority, and takes those of it.
    fn start(authority: &Authority, answering: Arc<Answering>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let certified = Arc::<Mutex<Vec<bool>>>::default();
        let (config, notes) = (config(authority), Arc::clone(&certified));
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (config, answering) = (Arc::clone(&config), Arc::clone(&answering));
                let notes = Arc::clone(&notes);
                // A connection that breaks is the client's business.
                thread::spawn(move || serve(socket, config, &*answering, &notes));
            }
        });
        Self { host, certified }
    }

    /// Tells, of each request so far, whether a certificate was shown.
    pub(super) fn certified(&self) -> Vec<bool> {
        self.certified.lock().unwrap().clone()
    }
}

fn config(authority: &Authority) -> Arc<ServerConfig> {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let Certificate { chain, key } = authority.certificate();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        );
    Arc::new(config.unwrap())
}

/// Answers one request.
fn serve(
    socket: TcpStream,
    config: Arc<ServerConfig>,
    answering: &Answering,
    certified: &Mutex<Vec<bool>>,
) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let connection = ServerConnection::new(config).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.extend(byte);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|it| it.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    request.truncate(request.len() - 2);
    request.extend_from_slice(b"Connection: close\r\n\r\n");
    request.extend(body);
    let shown = stream.conn.peer_certificates().is_some();
    certified.lock().unwrap().push(shown);
    stream.write_all(&answering(request))?;
    stream.conn.send_close_notify();
    stream.flush()
}
