//! Copying a manifest with everything it points to, from any source to any target, every digest kept.

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::content::{ByteStream, Content, Precondition, Pushed, Reopen, Source, Target};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{FetchError, PushError};
use crate::manifest::{Manifest, ManifestError};
use crate::observer::{Event, Observer, observed};
use crate::raw_manifest::RawManifest;
use crate::reference::{Location, Tag};
use crate::verifier::verify_size;

/// How many manifests one copy follows. An index of every platform there is has some dozens.
const MAX_MANIFESTS: usize = 1000;
/// How many bytes these manifests may have together: they are in memory until all blobs are moved. An image's has some
/// thousands.
const MAX_TOTAL_SIZE: usize = 64 * MEBIBYTE;
const MEBIBYTE: usize = 1024 * 1024;
/// How deep indexes may nest.
const MAX_DEPTH: usize = 8;

/// How a copy is to be done.
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// The tags that name the copy in the target; without any it is stored by digest alone.
    pub tags: Vec<Tag>,
    /// What must be true of these tags.
    pub precondition: Precondition,
    /// How many blobs are moved at a time; at least one.
    pub concurrency: usize,
}

/// What a copy moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Each manifest, children before parents.
    pub manifests: Vec<Descriptor>,
    /// Each blob, and what became of it.
    pub blobs: Vec<(Descriptor, Pushed)>,
}

/// Why a copy failed, and on which side.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The source could not be read.
    #[error("cannot read {digest} from the source")]
    Source {
        /// What was read.
        digest: Digest,
        /// Why not.
        source: FetchError,
    },
    /// A manifest cannot be followed.
    #[error("cannot follow the manifest {digest}")]
    Manifest {
        /// The manifest.
        digest: Digest,
        /// Why not.
        source: ManifestError,
    },
    /// The target could not be written.
    #[error("cannot write {digest} to the target")]
    Target {
        /// What was written.
        digest: Digest,
        /// Why not.
        source: PushError,
    },
    /// There is more than one copy follows.
    #[error(
        "there are more than {MAX_MANIFESTS} manifests or {} MiB of them, or indexes nest deeper than {MAX_DEPTH}",
        MAX_TOTAL_SIZE / MEBIBYTE
    )]
    TooMuch,
}

/// Copies `root` and everything it points to: blobs side by side first, the small ones before the large, then manifests from the leaves up, tags last.
///
/// Layers that may not be distributed are not copied. A target that holds a blob already is not sent it again.
pub async fn copy<S, T>(
    source: &S,
    target: &T,
    root: RawManifest,
    options: &CopyOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Copied, CopyError>
where
    S: Source + Clone + 'static,
    T: Target,
{
    let mut graph = Graph {
        source,
        seen_manifests: HashSet::new(),
        seen_blobs: HashSet::new(),
        size: 0,
        manifests: Vec::new(),
        blobs: Vec::new(),
    };
    graph.walk(root, MAX_DEPTH).await?;
    let Graph {
        manifests,
        mut blobs,
        ..
    } = graph;

    // What is small is soon out of the way, and never waits for what is large.
    blobs.sort_by_key(|blob| blob.size);
    for blob in &blobs {
        observer.event(Event::BlobFound(blob));
    }
    let source_failed = Arc::new(AtomicBool::new(false));
    let pushes = blobs.into_iter().map(|blob| async {
        let pushed = push_blob(source, target, blob, observer, &source_failed).await;
        if let Err(CopyError::Source { .. }) = &pushed {
            // The others are dropped for it, and what they have is wanted when this is tried again.
            source_failed.store(true, Ordering::Relaxed);
        }
        pushed
    });
    let blobs = futures_util::stream::iter(pushes)
        .buffer_unordered(options.concurrency.max(1))
        .try_collect()
        .await?;

    let mut copied = Copied {
        manifests: Vec::new(),
        blobs,
    };
    let last = manifests.len().saturating_sub(1);
    for (position, manifest) in manifests.into_iter().enumerate() {
        let (tags, precondition) = if position == last {
            (options.tags.clone(), options.precondition.clone())
        } else {
            (Vec::new(), Precondition::Any)
        };
        let descriptor = manifest.descriptor();
        target
            .push_manifest(manifest, tags, precondition)
            .await
            .map_err(|source| CopyError::Target {
                digest: descriptor.digest.clone(),
                source,
            })?;
        observer.event(Event::ManifestPushed(&descriptor));
        copied.manifests.push(descriptor);
    }
    Ok(copied)
}

/// What a manifest leads to, gathered before anything is written.
struct Graph<'a, S> {
    source: &'a S,
    /// The same bytes may be a manifest here and a blob there, which are kept apart.
    seen_manifests: HashSet<Digest>,
    seen_blobs: HashSet<Digest>,
    /// The bytes of all manifests that were read.
    size: usize,
    /// Children before parents.
    manifests: Vec<RawManifest>,
    blobs: Vec<Descriptor>,
}

impl<S: Source> Graph<'_, S> {
    fn walk(
        &mut self,
        raw: RawManifest,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<(), CopyError>> + Send + '_>> {
        Box::pin(async move {
            self.size = self.size.saturating_add(raw.bytes().len());
            let is_too_large = self.size > MAX_TOTAL_SIZE;
            if depth == 0 || is_too_large || self.manifests.len() >= MAX_MANIFESTS {
                return Err(CopyError::TooMuch);
            }
            let manifest = Manifest::read(&raw).map_err(|source| CopyError::Manifest {
                digest: raw.digest().clone(),
                source,
            })?;
            self.seen_manifests.insert(raw.digest().clone());
            for blob in manifest.blobs() {
                if !is_nondistributable(blob) && self.seen_blobs.insert(blob.digest.clone()) {
                    self.blobs.push(blob.clone());
                }
            }
            for child in manifest.children() {
                if !child.media_type.is_manifest() {
                    // An index may list blobs of any type; they are content like any other.
                    if self.seen_blobs.insert(child.digest.clone()) {
                        self.blobs.push(child.clone());
                    }
                } else if !self.seen_manifests.contains(&child.digest) {
                    let digest = child.digest.clone();
                    let child = self.child(child).await;
                    let child = child.map_err(|source| CopyError::Source { digest, source })?;
                    self.walk(child, depth - 1).await?;
                }
            }
            self.manifests.push(raw);
            Ok(())
        })
    }

    /// Returns a manifest that an index lists: from the index itself, where it embeds it, else from the source.
    async fn child(&self, listed: &Descriptor) -> Result<RawManifest, FetchError> {
        let Some(data) = &listed.data else {
            let raw = self.source.manifest(listed.digest.clone().into()).await?;
            verify_size(listed, raw.bytes().len() as u64)?;
            return Ok(raw);
        };
        verify_size(listed, data.len() as u64)?;
        let media_type = Some(&listed.media_type);
        let raw = RawManifest::from_outside(data.clone(), media_type, Some(&listed.digest))?;
        Ok(raw)
    }
}

/// Tells whether a layer is to be fetched from elsewhere, by its media type (image specification, `layer.md`).
fn is_nondistributable(descriptor: &Descriptor) -> bool {
    let media_type = descriptor.media_type.as_str();
    media_type.contains(".nondistributable.") || media_type.contains(".rootfs.foreign.")
}

async fn push_blob<S, T>(
    source: &S,
    target: &T,
    descriptor: Descriptor,
    observer: &Arc<dyn Observer>,
    source_failed: &Arc<AtomicBool>,
) -> Result<(Descriptor, Pushed), CopyError>
where
    S: Source + Clone + 'static,
    T: Target,
{
    observer.event(Event::BlobStarted(&descriptor));
    let content = match &descriptor.data {
        Some(data) => Content::Bytes(data.clone()),
        None => Content::Reopen(Arc::new(SourceBlob {
            source: source.clone(),
            descriptor: descriptor.clone(),
            source_failed: source_failed.clone(),
        })),
    };
    let digest = descriptor.digest.clone();
    let pushed = target
        .push_blob(descriptor.clone(), observed(content, &descriptor, observer))
        .await
        .map_err(|error| which_side(digest, error))?;
    observer.event(Event::BlobPushed(&descriptor, pushed));
    Ok((descriptor, pushed))
}

/// Finds out whether the source was at fault when a blob could not be pushed.
fn which_side(digest: Digest, error: PushError) -> CopyError {
    match error {
        PushError::Content(error) => match error.downcast::<FetchError>() {
            Ok(source) => CopyError::Source { digest, source },
            Err(error) => CopyError::Target {
                digest,
                source: PushError::Content(error),
            },
        },
        // The target tells what is wrong with the content that it was given.
        PushError::Verify(error) => CopyError::Source {
            digest,
            source: FetchError::Verify(error),
        },
        source => CopyError::Target { digest, source },
    }
}

/// A blob of a source, as content that can be opened again.
struct SourceBlob<S> {
    source: S,
    descriptor: Descriptor,
    /// Whether the copy has failed on this blob or another.
    source_failed: Arc<AtomicBool>,
}

impl<S: Source + Clone + 'static> Reopen for SourceBlob<S> {
    fn open(
        &self,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>> {
        let source = self.source.clone();
        let descriptor = self.descriptor.clone();
        Box::pin(async move {
            let stream = source
                .unverified_blob(descriptor, offset)
                .await
                .map_err(io::Error::other)?;
            Ok(Box::pin(stream.map_err(io::Error::other)) as ByteStream)
        })
    }

    fn location(&self) -> Option<Location> {
        self.source.location()
    }

    fn source_failed(&self) -> bool {
        self.source_failed.load(Ordering::Relaxed)
    }
}
