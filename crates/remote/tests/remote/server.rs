//! A hand-written HTTP/1.1 server that records requests: enough for tests, and in full control of every byte.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Renders the request as `POST uploads ?digest`: with the kind of its endpoint and the names in its query.
    pub(crate) fn summary(&self) -> String {
        let kind = [
            "uploads",
            "blobs",
            "manifests",
            "tags",
            "referrers",
            "token",
        ]
        .into_iter()
        .find(|kind| self.path.contains(&format!("/{kind}")))
        .unwrap_or("other");
        let names: Vec<_> = self
            .query
            .iter()
            .flat_map(|query| query.split('&'))
            .filter_map(|pair| pair.split('=').next())
            .collect();
        let query = if names.is_empty() {
            String::new()
        } else {
            format!(" ?{}", names.join("&"))
        };
        format!("{} {kind}{query}", self.method)
    }
}

/// What the server writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How the reply is broken.
    pub(crate) fault: Option<ReplyFault>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ReplyFault {
    /// The head announces so many bytes, whatever the body has, and the connection ends after the body.
    Announce(usize),
    /// The head announces no length: the body ends with the connection.
    Unannounced,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn broken(mut self, fault: ReplyFault) -> Self {
        self.fault = Some(fault);
        self
    }
}

/// What answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(&self, request: Recorded) -> impl Future<Output = Reply> + Send;
}

/// A server that runs as long as the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Recorded>>,
}

impl Server {
    pub(crate) async fn start(handler: Arc<impl Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let log_of_task = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, log) = (Arc::clone(&handler), Arc::clone(&log_of_task));
                tokio::spawn(async move { serve(stream, &*handler, &log).await });
            }
        });
        Self { address, log }
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.log.requests.lock().unwrap().clone()
    }

    pub(crate) fn summaries(&self) -> Vec<String> {
        self.requests().iter().map(Recorded::summary).collect()
    }

    pub(crate) fn forget(&self) {
        self.log.requests.lock().unwrap().clear();
    }
}

async fn serve(stream: TcpStream, handler: &impl Handler, log: &Log) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await {
        log.requests.lock().unwrap().push(request.clone());
        let head_only = request.method == "HEAD";
        let reply = handler.handle(request).await;
        if !write_reply(stream.get_mut(), &reply, head_only).await {
            return;
        }
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Recorded> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    assert!(
        !headers.contains_key("transfer-encoding"),
        "every length is known"
    );
    let length = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Recorded {
        method,
        path,
        query,
        headers,
        body,
    })
}

/// Writes a reply and tells whether the connection goes on.
async fn write_reply(stream: &mut TcpStream, reply: &Reply, head_only: bool) -> bool {
    let body = reply.body.as_slice();
    let mut announced = body.len();
    match reply.fault {
        Some(ReplyFault::Announce(length)) => announced = length,
        Some(ReplyFault::Unannounced) | None => {}
    }
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    for (name, value) in &reply.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if !matches!(reply.fault, Some(ReplyFault::Unannounced)) {
        write!(head, "content-length: {announced}\r\n").unwrap();
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    if !head_only {
        bytes.extend_from_slice(body);
    }
    stream.write_all(&bytes).await.is_ok() && reply.fault.is_none()
}
