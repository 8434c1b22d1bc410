use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use eigenpack::oci::{Descriptor, Digest, MediaType, RawManifest};

/// A server that takes longer than this for one answer is stuck.
const LIMIT: Duration = Duration::from_mins(1);

/// A client of a server that may be gone at any moment: whatever has no whole answer is an error.
///
/// Each request has a connection of its own, so that an answer can only be that request's.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    address: SocketAddr,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    location: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self { address }
    }

    pub(crate) fn send(self, line: &str, media_type: &str, body: &[u8]) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        Answer::read(stream, line.starts_with("HEAD "))
    }

    pub(crate) fn get(self, target: &str) -> Answer {
        self.send(&format!("GET {target}"), "text/plain", b"")
            .unwrap_or_else(|error| panic!("GET {target}: {error}"))
    }

    /// Pushes a blob in one request.
    pub(crate) fn push_blob(self, repository: &str, content: &[u8]) -> io::Result<Digest> {
        let digest = Digest::sha256(content);
        let line = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
        self.send(&line, "application/octet-stream", content)?
            .expects(201);
        Ok(digest)
    }

    /// Pushes a blob in chunks of at most so many bytes.
    pub(crate) fn push_chunks(
        self,
        repository: &str,
        content: &[u8],
        size: usize,
    ) -> io::Result<Digest> {
        let kind = "application/octet-stream";
        let start = format!("POST /v2/{repository}/blobs/uploads/");
        let opened = self.send(&start, kind, b"")?.expects(202);
        let location = opened.location.ok_or_else(cut)?;
        for chunk in content.chunks(size) {
            self.send(&format!("PATCH {location}"), kind, chunk)?
                .expects(202);
        }
        let digest = Digest::sha256(content);
        self.send(&format!("PUT {location}?digest={digest}"), kind, b"")?
            .expects(201);
        Ok(digest)
    }

    /// Pushes a manifest under a tag or its digest.
    pub(crate) fn push_manifest(
        self,
        repository: &str,
        which: &str,
        manifest: &RawManifest,
    ) -> io::Result<()> {
        let line = format!("PUT /v2/{repository}/manifests/{which}");
        self.send(&line, manifest.media_type().as_str(), manifest.bytes())?
            .expects(201);
        Ok(())
    }
}

impl Answer {
    /// Reads an answer whose body has a stated length, and fails where any of it is missing.
    fn read(stream: TcpStream, without_body: bool) -> io::Result<Self> {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let line = line.strip_suffix("\r\n").ok_or_else(cut)?;
            if line.is_empty() {
                break;
            }
            lines.push(line.to_owned());
        }
        let header = |name: &str| {
            lines.iter().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let status = lines
            .first()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let length = match header("content-length") {
            Some(length) if !without_body => length.parse().map_err(io::Error::other)?,
            _ => 0,
        };
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Self {
            status: status.ok_or_else(cut)?,
            location: header("location"),
            body,
        })
    }

    /// Fails the test where the server answered, but something else.
    fn expects(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        self
    }
}

fn cut() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// Makes an image manifest of blobs, of which the first is the config.
pub(crate) fn manifest(blobs: &[&[u8]], note: &str) -> RawManifest {
    let pointers: Vec<_> = blobs
        .iter()
        .map(|blob| serde_json::to_string(&Descriptor::of(MediaType::EMPTY, blob)).unwrap())
        .collect();
    let (config, layers) = (&pointers[0], pointers[1..].join(","));
    let json = format!(
        r#"{{"schemaVersion":2,"config":{config},"layers":[{layers}],"annotations":{{"note":"{note}"}}}}"#
    );
    RawManifest::new(MediaType::IMAGE_MANIFEST, json.into())
}
