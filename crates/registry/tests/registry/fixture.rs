//! A server that runs, and a client that sends exactly what it is told.

use std::net::SocketAddr;

use eigenpack_layout::LocalStore;
use eigenpack_oci::{Descriptor, Digest, MediaType, RawManifest};
use eigenpack_registry::{MemoryRegistry, RegistryStore, Server, ServerOptions};
use eigenpack_remote::{RemoteOptions, RemoteRegistry, RemoteRepository};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Running {
    pub(crate) async fn start(store: impl RegistryStore, options: ServerOptions) -> Self {
        Self::start_at([127, 0, 0, 1], store, options).await
    }

    /// Starts a server at another address than that of loopback; it is asked there all the same.
    pub(crate) async fn start_at(
        address: [u8; 4],
        store: impl RegistryStore,
        options: ServerOptions,
    ) -> Self {
        let server = Server::bind((address, 0).into(), store, options);
        let server = server.await.unwrap();
        let (stop, stopped) = oneshot::channel();
        Self {
            address: ([127, 0, 0, 1], server.local_addr().port()).into(),
            stop,
            task: tokio::spawn(server.serve(async { drop(stopped.await) })),
        }
    }

    /// Starts a server over memory, with other limits.
    pub(crate) async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let mut options = ServerOptions::default();
        change(&mut options);
        Self::start(MemoryRegistry::new(), options).await
    }

    /// Starts a server over memory.
    pub(crate) async fn in_memory() -> Self {
        Self::start(MemoryRegistry::new(), ServerOptions::default()).await
    }

    /// Starts a server over each kind of store.
    pub(crate) async fn both() -> (TempDir, [Self; 2]) {
        let directory = TempDir::new().unwrap();
        let store = LocalStore::open(directory.path().join("store")).await;
        let on_disk = Self::start(store.unwrap(), ServerOptions::default()).await;
        (directory, [Self::in_memory().await, on_disk])
    }

    /// Stops the server, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Returns a repository of the server, through our own client.
    pub(crate) fn repository(&self, name: &str) -> RemoteRepository {
        let host = self.address.to_string().parse().unwrap();
        let registry = RemoteRegistry::new(host, RemoteOptions::default()).unwrap();
        registry.repository(name.parse().unwrap())
    }

    /// Sends `METHOD TARGET` with headers and a body, on a connection of its own.
    pub(crate) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let length = body.len().to_string();
        let mut all = vec![("Content-Length", length.as_str())];
        all.extend(headers);
        self.send(line, &all, body).await
    }

    /// Sends headers and bytes as they are; only `Host` and `Connection` are added where they are missing.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let request = self.request(line, headers, body);
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that refuses a request may not read all of it.
        let _ = stream.write_all(&request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        Reply::parse(&answer)
    }

    /// Writes a request.
    pub(crate) fn request(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut lines = vec![format!("{line} HTTP/1.1"), "Connection: close".to_owned()];
        if !headers.iter().any(|(name, _)| *name == "Host") {
            lines.push(format!("Host: {}", self.address));
        }
        lines.extend(
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
        [lines.join("\r\n").as_bytes(), b"\r\n\r\n", body].concat()
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.ask(&format!("GET {target}"), &[], b"").await
    }

    /// Pushes a blob in one request, and returns its digest.
    pub(crate) async fn push_blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        let line = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
        let reply = self.ask(&line, &[], content).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        digest
    }

    /// Pushes a manifest under a tag or a digest.
    pub(crate) async fn put(
        &self,
        repository: &str,
        which: &str,
        manifest: &RawManifest,
        headers: &[(&str, &str)],
    ) -> Reply {
        let line = format!("PUT /v2/{repository}/manifests/{which}");
        let mut all = vec![("Content-Type", manifest.media_type().as_str())];
        all.extend(headers);
        self.ask(&line, &all, manifest.bytes()).await
    }

    /// Starts an upload, and returns its location.
    pub(crate) async fn open(&self, repository: &str) -> String {
        let line = format!("POST /v2/{repository}/blobs/uploads/");
        let reply = self.ask(&line, &[], b"").await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.header("location").unwrap().to_owned()
    }
}

impl Reply {
    pub(crate) fn parse(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: answer[end + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(found, _)| found == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Returns the text of the body.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Fails the test unless the answer is a refusal with this status and code.
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        let start = format!(r#"{{"errors":[{{"code":"{code}","#);
        assert!(self.text().starts_with(&start), "{}", self.text());
    }
}

/// Makes a manifest that differs by `note`.
pub(crate) fn manifest(note: &str) -> RawManifest {
    manifest_with(&format!(r#","annotations":{{"note":"{note}"}}"#))
}

/// Makes a manifest with further fields.
pub(crate) fn manifest_with(rest: &str) -> RawManifest {
    let config = serde_json::to_string(&Descriptor::of(MediaType::EMPTY, b"{}")).unwrap();
    let media_type = MediaType::IMAGE_MANIFEST;
    let json = format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[]{rest}}}"#
    );
    RawManifest::new(media_type, json.into())
}
