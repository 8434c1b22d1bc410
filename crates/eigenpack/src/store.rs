//! Any of the stores that a reference can name, chosen when the program runs.

use eigenpack_layout::{LayoutStore, LocalRepository};
use eigenpack_oci::{
    BlobStream, Content, Descriptor, Digest, FetchError, Location, MediaType, Precondition,
    PushError, Pushed, RawManifest, Source, Tag, TagOrDigest, Target,
};
use eigenpack_remote::RemoteRepository;

/// One repository of a registry or of the local store, or one image layout.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyStore {
    /// A repository of a registry.
    Registry(RemoteRepository),
    /// A repository of the local store.
    Local(LocalRepository),
    /// An OCI image layout.
    Layout(LayoutStore),
}

impl AnyStore {
    /// Returns the same store for an operation that uses `other` too: two repositories of one registry share a token.
    pub(crate) fn together_with(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Registry(one), Self::Registry(other)) => {
                Self::Registry(one.clone().together_with(other))
            }
            _ => self.clone(),
        }
    }
}

macro_rules! each {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Self::Registry($store) => $call,
            Self::Local($store) => $call,
            Self::Layout($store) => $call,
        }
    };
}

impl Source for AnyStore {
    fn location(&self) -> Option<Location> {
        each!(self, store => store.location())
    }

    async fn manifest(&self, which: TagOrDigest) -> Result<RawManifest, FetchError> {
        each!(self, store => store.manifest(which).await)
    }

    async fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        each!(self, store => store.unverified_blob(descriptor, offset).await)
    }

    async fn has_blob(&self, descriptor: Descriptor) -> Result<bool, FetchError> {
        each!(self, store => store.has_blob(descriptor).await)
    }

    async fn tags(&self) -> Result<Vec<Tag>, FetchError> {
        each!(self, store => store.tags().await)
    }

    async fn referrers(
        &self,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        each!(self, store => store.referrers(digest, artifact_type).await)
    }
}

impl Target for AnyStore {
    async fn push_blob(
        &self,
        descriptor: Descriptor,
        content: Content,
    ) -> Result<Pushed, PushError> {
        each!(self, store => store.push_blob(descriptor, content).await)
    }

    async fn push_manifest(
        &self,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> Result<(), PushError> {
        each!(self, store => store.push_manifest(manifest, tags, precondition).await)
    }

    async fn delete(&self, which: TagOrDigest) -> Result<(), PushError> {
        each!(self, store => store.delete(which).await)
    }
}
