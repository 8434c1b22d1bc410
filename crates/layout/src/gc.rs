//! The collection of garbage: what no repository leads to any more is removed from the local store.
//!
//! Everything is decided twice. A first pass without a lock finds what seems to be garbage while others go on. What it
//! found is looked at again under the lock that everybody shares who tells somebody "it is there", and only what is still
//! unreferenced and still old is removed. Whoever was told so made the blob young again under that lock, so it stays for
//! as long as it takes to push the manifest that refers to it.

mod links;
mod mark;
mod reach;
mod sweep;

use std::time::Duration;

use eigenpack_oci::{AccessError, Digest, FetchError, Repository};

use crate::blocking::blocking;
use crate::local_store::LocalStore;

/// What is collected by [`LocalStore::collect_garbage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcOptions {
    /// How long nothing may have happened to what is removed. A push whose parts are further apart than this may lose some.
    pub min_age: Duration,
    /// Only tells what would be removed.
    pub dry_run: bool,
}

impl Default for GcOptions {
    /// Collects what is older than a day.
    fn default() -> Self {
        Self {
            min_age: Duration::from_hours(24),
            dry_run: false,
        }
    }
}

/// What a collection of garbage did, or would do.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Collected {
    /// The blobs that were removed, each once, in the order of their digests.
    pub blobs: Vec<CollectedBlob>,
    /// The blobs that should have been removed and could not be, in the order of their digests.
    pub failed: Vec<FailedBlob>,
    /// How many temporary files were removed that processes left behind when they died.
    pub temporary_files: u64,
    /// The size of those files, in bytes.
    pub temporary_bytes: u64,
    /// How many blobs are unreferenced, and stay because they are young.
    pub young: usize,
    /// The repositories of which everything stays because what they refer to cannot be told, in byte order.
    pub unreadable: Vec<UnreadableRepository>,
}

/// A blob that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectedBlob {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A blob that could not be removed, or not everywhere.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedBlob {
    /// Its digest.
    pub digest: Digest,
    /// Why not.
    pub error: AccessError,
}

/// A repository whose references cannot be followed.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnreadableRepository {
    /// Which repository.
    pub repository: Repository,
    /// What could not be read: a manifest, or the repository's index where this is `None`.
    pub manifest: Option<Digest>,
    /// Why not.
    pub error: FetchError,
}

impl LocalStore {
    /// Removes the blobs that no repository leads to, and what processes left behind when they died.
    ///
    /// A blob is kept as long as the index of any repository leads to it, through manifests, indexes, configs, layers and
    /// subjects; then every repository that has it keeps it. Pushes and pulls may go on meanwhile. Where a manifest
    /// cannot be read, nothing can be told of what it leads to, and everything of its repository stays.
    ///
    /// What cannot be removed does not keep the rest: it is listed in the result.
    ///
    /// Memory grows with the number of blobs, not with their sizes.
    pub async fn collect_garbage(&self, options: GcOptions) -> Result<Collected, AccessError> {
        let store = self.directory().clone();
        blocking(move || sweep::collect(&store, options)).await
    }
}
