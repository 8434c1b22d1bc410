//! What the repositories of a store refer to.

use std::collections::{BTreeMap, HashMap};

use eigenpack_oci::{AccessError, Digest, FetchError, MAX_MANIFEST_SIZE, Repository};

use super::UnreadableRepository;
use super::links::{link_to, links_in_json, links_of_manifest, links_of_opaque};
use super::reach::{Kind, Link, Reached};
use crate::blob_dir::BlobDir;
use crate::layout_dir::LayoutDir;
use crate::store_dir::StoreDir;

/// What must stay. It only grows: what is no longer referred to goes the next time.
#[derive(Debug, Default)]
pub(super) struct Marks {
    reached: Reached,
    /// The digest of the index that each repository had when it was marked.
    marked: HashMap<Repository, Digest>,
    unreadable: BTreeMap<Repository, UnreadableRepository>,
}

/// What could not be read: a manifest, or the index.
struct Unreadable {
    manifest: Option<Digest>,
    error: FetchError,
}

impl Marks {
    /// Tells whether a blob must stay.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.reached.contains(digest)
    }

    /// Marks what every repository refers to, as far as their indexes changed since the last time.
    pub(super) fn update(&mut self, store: &StoreDir) -> Result<(), AccessError> {
        for (repository, layout) in store.layouts()? {
            match self.mark(&repository, &layout) {
                Ok(()) => {
                    self.unreadable.remove(&repository);
                }
                Err(Unreadable { manifest, error }) => {
                    BlobDir::new(layout.blobs()).each(|digest, _| {
                        self.reached.add(digest);
                        Ok(())
                    })?;
                    let unreadable = UnreadableRepository {
                        repository: repository.clone(),
                        manifest,
                        error,
                    };
                    self.unreadable.insert(repository, unreadable);
                }
            }
        }
        Ok(())
    }

    /// Returns the repositories that could not be read, in byte order.
    pub(super) fn into_unreadable(self) -> Vec<UnreadableRepository> {
        self.unreadable.into_values().collect()
    }

    fn mark(&mut self, repository: &Repository, layout: &LayoutDir) -> Result<(), Unreadable> {
        let of_index = |error: AccessError| Unreadable {
            manifest: None,
            error: error.into(),
        };
        let Some(bytes) = layout.read_index_bytes().map_err(of_index)? else {
            return Ok(());
        };
        let version = Digest::sha256(&bytes);
        if self.marked.get(repository) == Some(&version) {
            return Ok(());
        }
        let index = layout.parse_index(&bytes).map_err(of_index)?;
        let listed: Vec<Link> = index.manifests().map(link_to).collect();
        for entry in &listed {
            self.reached.add(entry.digest.clone());
        }
        let blobs = BlobDir::new(layout.blobs());
        for entry in &listed {
            // An index may list what is elsewhere; what has an entry here was stored before it was listed.
            let digest = &entry.digest;
            let is_there = || Ok(blobs.size(digest)?.is_some());
            let is_known = self.reached.has_followed(digest) || is_there().map_err(of_index)?;
            if !is_known {
                return Err(Unreadable {
                    manifest: Some(digest.clone()),
                    error: FetchError::BlobNotFound(digest.clone()),
                });
            }
        }
        let not_understood = index.not_understood().flat_map(links_in_json);
        self.reached
            .extend(listed.into_iter().chain(not_understood), |link| {
                links_of(&blobs, link).map_err(|error| Unreadable {
                    manifest: Some(link.digest.clone()),
                    error,
                })
            })?;
        self.marked.insert(repository.clone(), version);
        Ok(())
    }
}

/// Opens something that leads on; `None` where it is not there.
fn links_of(blobs: &BlobDir, link: &Link) -> Result<Option<Vec<Link>>, FetchError> {
    let bytes = match blobs.read(&link.digest, MAX_MANIFEST_SIZE) {
        // No store takes a manifest of this size: it is a layer that an index lists.
        Err(FetchError::TooLarge { .. }) if link.kind == Kind::Opaque => {
            return Ok(Some(Vec::new()));
        }
        found => found?,
    };
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let links = match link.kind {
        Kind::Manifest => links_of_manifest(&link.digest, bytes)?,
        Kind::Opaque => links_of_opaque(&link.digest, &bytes)?,
        Kind::Blob => Vec::new(),
    };
    Ok(Some(links))
}
