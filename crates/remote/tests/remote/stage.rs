//! Servers that put every byte they are sent on record, by the host that it was meant for.
//!
//! A stage plays any host: as a proxy it is given what is for names that resolve nowhere, and without one it is a host of its
//! own on loopback.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use eigenpack_oci::RegistryHost;
use eigenpack_remote::credentials::CredentialProvider;
use eigenpack_remote::{RemoteOptions, RemoteRegistry};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::fixture::options;

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The host that it is for, with its port where it was named.
    pub(crate) host: String,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the client showed a certificate.
    pub(crate) certified: bool,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Made {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Bytes as they are, after which the connection ends.
    Raw(Vec<u8>),
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What plays the hosts.
pub(crate) type Play = Arc<dyn Fn(Seen) -> Answering + Send + Sync>;

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    requests: Vec<Seen>,
    bytes: BTreeMap<String, Vec<u8>>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self::Made {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::Made { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.into()));
        }
        self
    }

    pub(crate) fn body(mut self, text: impl Into<Vec<u8>>) -> Self {
        if let Self::Made { body, .. } = &mut self {
            *body = text.into();
        }
        self
    }

    /// Makes the 401 of one challenge.
    pub(crate) fn challenge(challenge: impl Into<String>) -> Self {
        Self::new(401).header("www-authenticate", challenge)
    }

    fn write(self, head_only: bool) -> (Vec<u8>, bool) {
        let (status, headers, body) = match self {
            Self::Raw(bytes) => return (bytes, false),
            Self::Made {
                status,
                headers,
                body,
            } => (status, headers, body),
        };
        let mut head = format!("HTTP/1.1 {status} X\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
        let mut bytes = head.into_bytes();
        if !head_only {
            bytes.extend_from_slice(&body);
        }
        (bytes, true)
    }
}

impl Stage {
    /// Starts a stage on loopback; it ends with the test's runtime.
    pub(crate) async fn start(play: Play) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::<Mutex<Record>>::default();
        let of_task = Arc::clone(&record);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (play, record) = (Arc::clone(&play), Arc::clone(&of_task));
                tokio::spawn(async move { serve(stream, address, false, play, record).await });
            }
        });
        Self { address, record }
    }

    /// Starts a stage that speaks TLS; a handshake that fails leaves nothing on record.
    pub(crate) async fn over_tls(
        acceptor: TlsAcceptor,
        play: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::<Mutex<Record>>::default();
        let of_task = Arc::clone(&record);
        let play: Play = Arc::new(move |seen| {
            let reply = play(&seen);
            Box::pin(async { reply })
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (acceptor, play) = (acceptor.clone(), Arc::clone(&play));
                let record = Arc::clone(&of_task);
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let certified = stream.get_ref().1.peer_certificates().is_some();
                    serve(stream, address, certified, play, record).await;
                });
            }
        });
        Self { address, record }
    }

    /// Starts a stage whose answers need no waiting.
    pub(crate) async fn plain(play: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(move |seen| {
            let reply = play(&seen);
            Box::pin(async { reply })
        }))
        .await
    }

    pub(crate) fn host(&self) -> RegistryHost {
        self.address.to_string().parse().unwrap()
    }

    /// Returns a client for the stage itself.
    pub(crate) fn registry(
        &self,
        credentials: Option<Arc<dyn CredentialProvider>>,
    ) -> RemoteRegistry {
        let mut options = options();
        options.credentials = credentials;
        RemoteRegistry::new(self.host(), options).unwrap()
    }

    /// Returns options under which every name but those of loopback is played here, over plain http where the client may.
    pub(crate) fn as_proxy(&self) -> RemoteOptions {
        let mut options = options();
        options.plain_http = true;
        let url = format!("http://{}", self.address);
        options.proxy.http = Some(url.parse().unwrap());
        options.proxy.https.clone_from(&options.proxy.http);
        options
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.record.lock().unwrap().requests.clone()
    }

    /// Returns the requests as `METHOD last-segment`, in order.
    pub(crate) fn summaries(&self) -> Vec<String> {
        let kind = |seen: &Seen| {
            [
                "uploads",
                "blobs",
                "manifests",
                "tags",
                "referrers",
                "token",
            ]
            .into_iter()
            .find(|kind| seen.path().contains(&format!("/{kind}")))
            .unwrap_or("other")
        };
        let requests = self.requests();
        let lines = requests
            .iter()
            .map(|seen| format!("{} {}", seen.method, kind(seen)));
        lines.collect()
    }

    pub(crate) fn count(&self, part_of_path: &str) -> usize {
        let requests = self.requests();
        requests
            .iter()
            .filter(|seen| seen.path().contains(part_of_path))
            .count()
    }

    /// Returns every byte that was sent, by host.
    pub(crate) fn bytes(&self) -> BTreeMap<String, Vec<u8>> {
        self.record.lock().unwrap().bytes.clone()
    }

    pub(crate) fn forget(&self) {
        *self.record.lock().unwrap() = Record::default();
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    certified: bool,
    play: Play,
    record: Arc<Mutex<Record>>,
) {
    let mut buffer = Vec::new();
    while let Some(mut seen) = read(&mut stream, &mut buffer, address, &record).await {
        seen.certified = certified;
        let connect = seen.method == "CONNECT";
        record.lock().unwrap().requests.push(seen.clone());
        let head_only = seen.method == "HEAD";
        // Nobody here speaks TLS.
        let reply = if connect {
            Reply::new(502)
        } else {
            play(seen).await
        };
        let (bytes, goes_on) = reply.write(head_only);
        if stream.write_all(&bytes).await.is_err() || !goes_on {
            return;
        }
    }
}

async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    address: SocketAddr,
    record: &Mutex<Record>,
) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut words = head.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (host, target) = match target.strip_prefix("http://") {
        Some(rest) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            (host.to_owned(), format!("/{path}"))
        }
        None if method == "CONNECT" => (target, String::new()),
        None => (address.to_string(), target),
    };
    let mut seen = Seen {
        host,
        method,
        target,
        head,
        body: Vec::new(),
        certified: false,
    };
    let length = seen.header("content-length");
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    // What comes after is on record too, even if it is not all there.
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            break;
        }
    }
    let all: Vec<u8> = buffer.drain(..buffer.len().min(end + length)).collect();
    seen.body = all[end..].to_vec();
    let mut record = record.lock().unwrap();
    record
        .bytes
        .entry(seen.host.clone())
        .or_default()
        .extend_from_slice(&all);
    Some(seen)
}
