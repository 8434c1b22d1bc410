//! What a store holds in memory of its files, so that what many ask for is read and verified once.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use eigenpack_oci::{Digest, RawManifest};

use crate::blob_dir::BlobDir;
use crate::file_cache::{FileCache, Stamp};
use crate::index::Index;

/// The largest manifest and the largest blob that is held, in bytes.
pub(crate) const MAX_HELD: u64 = 64 * 1024;

/// How much of each is held, in bytes: 16 MiB in all.
const INDEXES: usize = 10 * 1024 * 1024;
const MANIFESTS: usize = 3 * 1024 * 1024;
const BLOBS: usize = 3 * 1024 * 1024;

/// How many times the size of its file an index takes in memory: each entry is held as it was written and as it is
/// understood.
const INDEX_FACTOR: usize = 5;

/// Content that was read lately. Nothing here outlives a change of its file, by whichever process.
///
/// Manifests and blobs are held by their digests, for all repositories: these share the files as well. Each was verified
/// when it was read.
#[derive(Debug)]
pub(crate) struct Hot {
    /// By the paths of their files; as texts, since a path is compared part by part.
    indexes: FileCache<OsString, Arc<Index>>,
    manifests: FileCache<Digest, RawManifest>,
    blobs: FileCache<Digest, Bytes>,
}

/// How often something was given out from memory, in place of being read from the disk again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryHits {
    /// Of a repository's `index.json`.
    pub indexes: u64,
    /// Of manifests.
    pub manifests: u64,
    /// Of blobs.
    pub blobs: u64,
}

impl Default for Hot {
    fn default() -> Self {
        Self {
            indexes: FileCache::new(INDEXES),
            manifests: FileCache::new(MANIFESTS),
            blobs: FileCache::new(BLOBS),
        }
    }
}

impl Hot {
    pub(crate) fn hits(&self) -> MemoryHits {
        MemoryHits {
            indexes: self.indexes.hits(),
            manifests: self.manifests.hits(),
            blobs: self.blobs.hits(),
        }
    }

    /// Returns the index that a file holds, if it was read before and did not change.
    pub(crate) fn index(&self, path: &Path) -> Option<Arc<Index>> {
        self.indexes.get(path.as_os_str(), path)
    }

    /// Holds an index that was read from a file of `size` bytes.
    pub(crate) fn hold_index(
        &self,
        path: &Path,
        index: &Arc<Index>,
        size: usize,
        stamp: Option<Stamp>,
    ) {
        let size = size.saturating_mul(INDEX_FACTOR);
        self.indexes.hold(path.into(), index.clone(), size, stamp);
    }

    /// Returns a manifest that was read before, if the file that has it in `blobs` did not change.
    pub(crate) fn manifest(&self, blobs: &BlobDir, digest: &Digest) -> Option<RawManifest> {
        self.manifests.get(digest, &blobs.path(digest))
    }

    /// Holds a manifest that was verified.
    pub(crate) fn hold_manifest(&self, manifest: &RawManifest, stamp: Option<Stamp>) {
        let size = manifest.bytes().len();
        if size as u64 <= MAX_HELD {
            let digest = manifest.digest().clone();
            self.manifests.hold(digest, manifest.clone(), size, stamp);
        }
    }

    /// Returns a blob that was read before, if the file that has it in `blobs` did not change.
    pub(crate) fn blob(&self, blobs: &BlobDir, digest: &Digest) -> Option<Bytes> {
        self.blobs.get(digest, &blobs.path(digest))
    }

    /// Holds a blob of at most [`MAX_HELD`] bytes that was verified.
    pub(crate) fn hold_blob(&self, digest: Digest, bytes: &Bytes, stamp: Option<Stamp>) {
        self.blobs.hold(digest, bytes.clone(), bytes.len(), stamp);
    }
}
