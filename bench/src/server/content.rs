//! What is pushed before it is asked for, and the pushes that are measured themselves.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use eigenpack::oci::{Algorithm, ByteStream, Content, Descriptor, MediaType, Reopen, Target as _};
use eigenpack::{Client, Digest, Location, PushOptions};
use futures_util::future::try_join_all;
use futures_util::stream;

use crate::Result;

/// The spec that is pushed; a comment makes it exactly as long as is asked for.
const SPEC: &str = include_str!("../../../examples/price-feed-aggregator.yaml");

/// The size of the spec's blob, in bytes.
const SPEC_SIZE: usize = 1024;

/// The repository of all that is pushed.
const REPOSITORY: &str = "bench/avs";

/// How much of a large blob is made at once, in bytes.
const CHUNK: u64 = 64 * 1024;

/// The paths of a small artifact.
pub(super) struct Paths {
    pub(super) by_tag: String,
    pub(super) by_digest: String,
    pub(super) blob: String,
}

/// Pushes the artifact of a spec of 1 KiB.
pub(super) async fn push_artifact(server: SocketAddr) -> Result<Paths> {
    let padding = SPEC_SIZE - SPEC.len() - 2;
    let spec = format!("{SPEC}#{}\n", "-".repeat(padding));
    let blob = Digest::sha256(spec.as_bytes());
    let reference = format!("{server}/{REPOSITORY}:v1").parse()?;
    let options = PushOptions {
        created: Some("2025-08-14T12:00:00Z".parse()?),
        ..PushOptions::default()
    };
    let client = Client::builder().build();
    let published = client.push(spec, &reference, options).await?;
    let manifest = published.artifact.manifest.digest();
    let base = format!("/v2/{REPOSITORY}");
    Ok(Paths {
        by_tag: format!("{base}/manifests/v1"),
        by_digest: format!("{base}/manifests/{manifest}"),
        blob: format!("{base}/blobs/{blob}"),
    })
}

/// Pushes different blobs of `size` bytes at the same time, and returns how long all of them took.
pub(super) async fn push_large(server: SocketAddr, count: u64, size: u64) -> Result<Duration> {
    let location = Location::Registry {
        host: server.to_string().parse()?,
        repository: REPOSITORY.parse()?,
    };
    // Each has a client, and so connections, of its own.
    let clients: Vec<_> = (0..count).map(|_| Client::builder().build()).collect();
    let contents: Vec<_> = (0..count).map(|seed| Large { seed, size }).collect();
    let descriptors: Vec<_> = contents
        .iter()
        .map(Large::descriptor)
        .collect::<Result<_>>()?;
    let begin = Instant::now();
    let pushes = clients.iter().zip(contents).zip(descriptors);
    try_join_all(pushes.map(async |((client, content), descriptor)| {
        let target = client.open_to_write(&location).await?;
        let content = Content::Reopen(Arc::new(content));
        target.push_blob(descriptor, content).await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    }))
    .await?;
    Ok(begin.elapsed())
}

/// A large blob that is made while it is read.
struct Large {
    seed: u64,
    size: u64,
}

impl Large {
    fn descriptor(&self) -> Result<Descriptor> {
        let mut hasher = Algorithm::Sha256.hasher().ok_or("there is no SHA-256")?;
        for at in 0..self.size.div_ceil(CHUNK) {
            hasher.update(&chunk(self.seed, self.size, at * CHUNK));
        }
        let digest = hasher.finish();
        Ok(Descriptor::new(MediaType::OCTET_STREAM, digest, self.size))
    }
}

impl Reopen for Large {
    fn open(
        &self,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>> {
        let (seed, size) = (self.seed, self.size);
        Box::pin(async move {
            let chunks = stream::iter((offset / CHUNK..).map_while(move |at| {
                let start = at * CHUNK;
                let skip = usize::try_from(offset.saturating_sub(start)).ok()?;
                (start < size).then(|| Ok(chunk(seed, size, start).slice(skip..)))
            }));
            Ok(Box::pin(chunks) as ByteStream)
        })
    }
}

/// Makes one chunk: no two are equal, and none can be compressed to nothing by a file system.
fn chunk(seed: u64, size: u64, offset: u64) -> Bytes {
    let mut state = seed << 40 | offset | 1;
    let words = CHUNK.min(size - offset).div_ceil(8);
    let bytes = (0..words).flat_map(|_| {
        // A multiplicative generator is random enough for what nobody guesses.
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        state.to_le_bytes()
    });
    bytes.collect()
}
