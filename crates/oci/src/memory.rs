//! A store in memory: artifacts are built in one before they go anywhere, and tests need nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::content::{BlobStream, Content, Precondition, Pushed, Source, Target};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::{FetchError, PushError};
use crate::media_type::MediaType;
use crate::raw_manifest::RawManifest;
use crate::reference::{Tag, TagOrDigest};
use crate::referrer::referrer;
use crate::verifier::{Verifier, verify_size};

/// One repository, held in memory and shared by all clones.
///
/// Preconditions are checked under the store's lock, so exactly one of several racing pushes wins.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    blobs: BTreeMap<Digest, Bytes>,
    manifests: BTreeMap<Digest, RawManifest>,
    tags: BTreeMap<Tag, Digest>,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // Nothing in here panics half-way through a change, so what a panic elsewhere left is whole.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for MemoryStore {
    async fn manifest(&self, which: TagOrDigest) -> Result<RawManifest, FetchError> {
        let contents = self.lock();
        let digest = match &which {
            TagOrDigest::Tag(tag) => contents.tags.get(tag),
            TagOrDigest::Digest(digest) => Some(digest),
        };
        digest
            .and_then(|digest| contents.manifests.get(digest).cloned())
            .ok_or(FetchError::ManifestNotFound(which))
    }

    async fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        let Some(bytes) = self.lock().blobs.get(&descriptor.digest).cloned() else {
            return Err(FetchError::BlobNotFound(descriptor.digest));
        };
        verify_size(&descriptor, bytes.len() as u64)?;
        let start = usize::try_from(offset).map_or(bytes.len(), |start| start.min(bytes.len()));
        let rest = bytes.slice(start..);
        Ok(Box::pin(futures_util::stream::iter([Ok(rest)])))
    }

    async fn has_blob(&self, descriptor: Descriptor) -> Result<bool, FetchError> {
        Ok(self.lock().has_blob(&descriptor))
    }

    async fn tags(&self) -> Result<Vec<Tag>, FetchError> {
        Ok(self.lock().tags.keys().cloned().collect())
    }

    async fn referrers(
        &self,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        let contents = self.lock();
        let about = contents.manifests.values().filter_map(referrer);
        Ok(about
            .filter(|(subject, _)| *subject == digest)
            .map(|(_, descriptor)| descriptor)
            .filter(|d| artifact_type.is_none() || d.artifact_type == artifact_type)
            .collect())
    }
}

impl Target for MemoryStore {
    async fn push_blob(
        &self,
        descriptor: Descriptor,
        content: Content,
    ) -> Result<Pushed, PushError> {
        if self.lock().has_blob(&descriptor) {
            return Ok(Pushed::Existed);
        }
        let mut verifier = Verifier::new(&descriptor)?;
        let mut stream = content.open(0).await.map_err(PushError::Content)?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(PushError::Content)?;
            verifier.update(&chunk)?;
            bytes.extend_from_slice(&chunk);
        }
        verifier.finish()?;
        self.lock().blobs.insert(descriptor.digest, bytes.freeze());
        Ok(Pushed::Uploaded)
    }

    async fn push_manifest(
        &self,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> Result<(), PushError> {
        let mut contents = self.lock();
        let digest = manifest.digest().clone();
        for tag in &tags {
            let found = contents.tags.get(tag);
            if !precondition.allows(found, &digest) {
                return Err(PushError::Conflict {
                    tag: tag.clone(),
                    found: found.cloned(),
                });
            }
        }
        contents.manifests.insert(digest.clone(), manifest);
        contents
            .tags
            .extend(tags.into_iter().map(|tag| (tag, digest.clone())));
        Ok(())
    }

    async fn delete(&self, which: TagOrDigest) -> Result<(), PushError> {
        let mut contents = self.lock();
        let found = match &which {
            TagOrDigest::Tag(tag) => contents.tags.remove(tag).is_some(),
            TagOrDigest::Digest(digest) => {
                contents.tags.retain(|_, tagged| tagged != digest);
                contents.manifests.remove(digest).is_some()
            }
        };
        if found {
            Ok(())
        } else {
            Err(PushError::ManifestNotFound(which))
        }
    }
}

impl Contents {
    fn has_blob(&self, descriptor: &Descriptor) -> bool {
        self.blobs
            .get(&descriptor.digest)
            .is_some_and(|bytes| bytes.len() as u64 == descriptor.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_contract_of_a_target() {
        crate::contract::target_contract(MemoryStore::new).await;
    }
}
