//! What the tests send and expect.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eigenpack_oci::distribution::RetryPolicy;
use eigenpack_oci::{
    ByteStream, Content, Descriptor, Digest, FetchError, MediaType, RawManifest, Reopen, Source,
};
use eigenpack_remote::{RemoteOptions, RemoteRegistry, RemoteRepository};
use futures_util::StreamExt as _;

use crate::registry::Running;

/// Options under which nothing waits for long.
pub(crate) fn options() -> RemoteOptions {
    let mut options = RemoteOptions::default();
    options.retry = RetryPolicy {
        base: Duration::from_millis(1),
        max_pause: Duration::from_millis(2),
        max_retry_after: Duration::from_millis(5),
        ..RetryPolicy::default()
    };
    options.idle_timeout = Duration::from_secs(20);
    options
}

pub(crate) fn repository_with(running: &Running, options: RemoteOptions) -> RemoteRepository {
    let host = running.server.address.to_string().parse().unwrap();
    let registry = RemoteRegistry::new(host, options).unwrap();
    assert!(registry.is_plain_http());
    registry.repository("a/b".parse().unwrap())
}

pub(crate) fn repository(running: &Running) -> RemoteRepository {
    repository_with(running, options())
}

pub(crate) fn blob(content: &[u8]) -> (Descriptor, Content) {
    let content = Bytes::copy_from_slice(content);
    let descriptor = Descriptor::of(MediaType::OCTET_STREAM, &content);
    (descriptor, content.into())
}

/// Bytes over the size that goes with a POST.
pub(crate) fn large() -> Vec<u8> {
    (0..100_000u32).flat_map(u32::to_le_bytes).collect()
}

pub(crate) fn manifest(note: &str) -> RawManifest {
    let config = serde_json::to_string(&Descriptor::of(MediaType::EMPTY, b"{}")).unwrap();
    let json = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{config},"layers":[],"annotations":{{"note":"{note}"}}}}"#,
        MediaType::IMAGE_MANIFEST
    );
    RawManifest::new(MediaType::IMAGE_MANIFEST, json.into())
}

/// Reads a blob, from byte `offset` on.
pub(crate) async fn read(
    source: &RemoteRepository,
    descriptor: &Descriptor,
    offset: u64,
) -> Result<Vec<u8>, FetchError> {
    let mut stream = source.blob(descriptor.clone(), offset).await?;
    let mut content = Vec::new();
    while let Some(bytes) = stream.next().await {
        content.extend_from_slice(&bytes?);
    }
    Ok(content)
}

/// Content that is opened again for every attempt, in pieces.
pub(crate) struct Pieces(pub(crate) Vec<Bytes>);

impl Reopen for Pieces {
    fn open(
        &self,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>> {
        let mut before = usize::try_from(offset).unwrap();
        let mut pieces = Vec::new();
        for piece in &self.0 {
            let skipped = before.min(piece.len());
            before -= skipped;
            pieces.push(Ok(piece.slice(skipped..)));
        }
        Box::pin(async { Ok(Box::pin(futures_util::stream::iter(pieces)) as ByteStream) })
    }
}

pub(crate) fn pieces(content: &[u8], size: usize) -> Content {
    let pieces = content.chunks(size).map(Bytes::copy_from_slice).collect();
    Content::Reopen(Arc::new(Pieces(pieces)))
}

pub(crate) fn wrong_digest() -> Digest {
    Digest::sha256(b"something else")
}
