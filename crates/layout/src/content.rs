//! A layout as [`Source`] and [`Target`].

use std::fs;
use std::sync::Arc;

use eigenpack_oci::{
    BlobStream, Content, Descriptor, Digest, FetchError, MAX_MANIFEST_SIZE, Manifest, MediaType,
    Precondition, PushError, Pushed, RawManifest, Source, Tag, TagOrDigest, Target, verify_size,
};

use crate::blocking::blocking;
use crate::commit::Edit;
use crate::index::Index;
use crate::receive::{receive, store_bytes};
use crate::store::{LayoutStore, Opened};

/// The longest index that is searched where nothing may take long.
const MAX_SEARCHED_AT_ONCE: usize = 256;

/// The largest `index.json` that is read before the lock is held as well, in bytes: a thousand entries take a millisecond.
const MAX_READ_TWICE: u64 = 256 * 1024;

impl Source for LayoutStore {
    async fn manifest(&self, which: TagOrDigest) -> Result<RawManifest, FetchError> {
        let opened = self.opened().clone();
        if let Some(held) = opened.manifest_at_hand(&which) {
            return Ok(held);
        }
        blocking(move || opened.manifest(which)).await
    }

    async fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        let digest = descriptor.digest.clone();
        let blobs = self.opened().blobs.dir().clone();
        if let Some(found) = blobs.stream(descriptor, offset).await? {
            return Ok(found);
        }
        let opened = self.opened().clone();
        blocking(move || opened.index()).await?;
        Err(FetchError::BlobNotFound(digest))
    }

    async fn has_blob(&self, descriptor: Descriptor) -> Result<bool, FetchError> {
        let blobs = self.opened().blobs.clone();
        blocking(move || Ok(blobs.has(&descriptor)?)).await
    }

    async fn tags(&self) -> Result<Vec<Tag>, FetchError> {
        let opened = self.opened().clone();
        blocking(move || Ok(opened.index()?.tags())).await
    }

    async fn referrers(
        &self,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        let opened = self.opened().clone();
        blocking(move || {
            let (index, blobs) = (opened.index()?, opened.blobs.dir());
            let known = &opened.referrers;
            known.list(&index, blobs, &digest, artifact_type.as_ref())
        })
        .await
    }
}

impl Target for LayoutStore {
    async fn push_blob(
        &self,
        descriptor: Descriptor,
        content: Content,
    ) -> Result<Pushed, PushError> {
        let opened = self.opened().clone();
        blocking(move || opened.prepare()).await?;
        receive(self.opened().blobs.clone(), descriptor, content).await
    }

    async fn push_manifest(
        &self,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> Result<(), PushError> {
        let descriptor = manifest.descriptor();
        if descriptor.size > MAX_MANIFEST_SIZE {
            let what = format!("the manifest {}", descriptor.digest);
            return Err(PushError::TooLarge { what });
        }
        let (opened, stored) = (self.opened().clone(), manifest.clone());
        let (wanted, condition) = (tags.clone(), precondition.clone());
        blocking(move || {
            opened.check_first(stored.digest(), &wanted, &condition)?;
            opened.prepare()?;
            store_bytes(&opened.blobs, &descriptor, stored.bytes())
        })
        .await?;
        let edit = Edit::Put {
            manifest,
            tags,
            precondition,
        };
        self.commit(edit).await
    }

    async fn delete(&self, which: TagOrDigest) -> Result<(), PushError> {
        let (opened, wanted) = (self.opened().clone(), which.clone());
        // Nothing is created for the sake of a deletion.
        blocking(move || match opened.layout.read_index()? {
            Some(_) => Ok(opened.prepare()?),
            None => Err(PushError::ManifestNotFound(wanted)),
        })
        .await?;
        let edit = match which {
            TagOrDigest::Tag(tag) => Edit::RemoveTag(tag),
            TagOrDigest::Digest(digest) => Edit::RemoveManifest(digest),
        };
        self.commit(edit).await
    }
}

impl LayoutStore {
    async fn commit(&self, edit: Edit) -> Result<(), PushError> {
        let opened = self.opened();
        let commits = &opened.commits;
        commits.commit(&opened.layout, &opened.blobs, edit).await
    }
}

impl Opened {
    fn index(&self) -> Result<Arc<Index>, FetchError> {
        let found = self.layout.read_index_once(&self.hot)?;
        found.ok_or(FetchError::RepositoryNotFound)
    }

    /// Refuses a push that is sure to be refused, before it leaves anything. It is the look under the lock that decides.
    fn check_first(
        &self,
        manifest: &Digest,
        tags: &[Tag],
        precondition: &Precondition,
    ) -> Result<(), PushError> {
        if *precondition == Precondition::Any {
            return Ok(());
        }
        let size = fs::metadata(self.layout.index()).map_or(0, |found| found.len());
        let index = match self.hot.index(self.layout.index()) {
            Some(held) => Some(held),
            // It would be read twice for each push; what is left of a refused one is a manifest that is garbage.
            None if size > MAX_READ_TWICE => return Ok(()),
            None => self.layout.read_index_once(&self.hot)?,
        };
        let index = index.unwrap_or_else(|| Arc::new(Index::empty()));
        Ok(index.check(manifest, tags, precondition)?)
    }

    /// Returns a manifest for which no file has to be read and little has to be searched.
    fn manifest_at_hand(&self, which: &TagOrDigest) -> Option<RawManifest> {
        let index = self.hot.index(self.layout.index())?;
        if index.len() > MAX_SEARCHED_AT_ONCE {
            return None;
        }
        self.held_manifest(index.find(which)?)
    }

    fn held_manifest(&self, entry: &Descriptor) -> Option<RawManifest> {
        let held = self.hot.manifest(self.blobs.dir(), &entry.digest)?;
        // The same bytes may be listed as something else: then it is the reader who says what is wrong.
        let is_listed_so = *held.media_type() == entry.media_type
            && u64::try_from(held.bytes().len()) == Ok(entry.size);
        is_listed_so.then_some(held)
    }

    fn manifest(self: Arc<Self>, which: TagOrDigest) -> Result<RawManifest, FetchError> {
        let index = self.index()?;
        if let Some(entry) = index.find(&which) {
            let missing = || match &which {
                TagOrDigest::Tag(_) => FetchError::BlobNotFound(entry.digest.clone()),
                TagOrDigest::Digest(_) => FetchError::ManifestNotFound(which.clone()),
            };
            return self.read_manifest(entry)?.ok_or_else(missing);
        }
        let found = match &which {
            TagOrDigest::Digest(digest) if self.may_be_foreign() => {
                self.find_child(&index, digest)?
            }
            _ => None,
        };
        found.ok_or(FetchError::ManifestNotFound(which))
    }

    fn read_manifest(&self, entry: &Descriptor) -> Result<Option<RawManifest>, FetchError> {
        if let Some(held) = self.held_manifest(entry) {
            return Ok(Some(held));
        }
        let found = self
            .blobs
            .dir()
            .read_stamped(&entry.digest, MAX_MANIFEST_SIZE)?;
        let Some((bytes, stamp)) = found else {
            return Ok(None);
        };
        verify_size(entry, bytes.len() as u64)?;
        let media_type = Some(&entry.media_type);
        let manifest = RawManifest::from_outside(bytes, media_type, Some(&entry.digest))?;
        self.hot.hold_manifest(&manifest, stamp);
        Ok(Some(manifest))
    }

    /// Finds a manifest that has no entry of its own, but is listed in an index that has one.
    ///
    /// Other tools write layouts so. What is merely a file in `blobs` is not found: it may be garbage.
    fn find_child(
        &self,
        index: &Index,
        digest: &Digest,
    ) -> Result<Option<RawManifest>, FetchError> {
        let mut unvisited: Vec<_> = index.manifests().cloned().collect();
        let mut visited = std::collections::HashSet::new();
        while let Some(descriptor) = unvisited.pop() {
            if descriptor.digest == *digest {
                return self.read_manifest(&descriptor);
            }
            if descriptor.media_type.is_index()
                && visited.insert(descriptor.digest.clone())
                && let Some(parent) = self.read_manifest(&descriptor)?
            {
                unvisited.extend_from_slice(Manifest::read(&parent)?.children());
            }
        }
        Ok(None)
    }
}
