//! A repository of a registry as a source and a target.

use std::sync::Arc;

use eigenpack_oci::distribution::{Scope, ScopeSet};
use eigenpack_oci::{
    Action, BlobStream, Content, Descriptor, Digest, FetchError, Location, MediaType, Precondition,
    PushError, Pushed, RawManifest, Repository, Source, Tag, TagOrDigest, Target,
};

use crate::connection::Connection;
use crate::needs::Needs;

/// One repository of a registry; cheap to clone.
///
/// Each method is one operation with one deadline. Requests that are safe to repeat are repeated as
/// [`RemoteOptions::retry`](crate::RemoteOptions::retry) says.
#[derive(Clone, Debug)]
pub struct RemoteRepository {
    pub(crate) connection: Arc<Connection>,
    pub(crate) name: Repository,
    scopes: ScopeSet,
    beside: Vec<(Repository, ScopeSet)>,
}

impl RemoteRepository {
    pub(crate) fn new(connection: Arc<Connection>, name: Repository) -> Self {
        let scopes = Scope::pull(&name).into();
        Self {
            connection,
            name,
            scopes,
            beside: Vec::new(),
        }
    }

    /// Returns the same repository for an operation that will write to it.
    ///
    /// Where the registry demands a token, reading then gets the one that writing needs too, so that one is enough.
    #[must_use]
    pub fn for_writing(mut self) -> Self {
        self.scopes.add(Scope::push(&self.name));
        self
    }

    /// Returns the same repository for an operation that uses `other` too, such as a copy from one to the other.
    ///
    /// Where both are of one registry, used with one account, a token is got for both at once; a blob cannot be mounted from
    /// the other one without that. Otherwise this changes nothing.
    #[must_use]
    pub fn together_with(mut self, other: &Self) -> Self {
        if Arc::ptr_eq(&self.connection, &other.connection) {
            if self.name == other.name {
                self.scopes.merge(&other.scopes);
            } else {
                self.beside.push((other.name.clone(), other.scopes.clone()));
            }
        }
        self
    }

    /// Returns the repository's name.
    pub fn name(&self) -> &Repository {
        &self.name
    }

    pub(crate) fn needs_to_read(&self) -> Needs {
        self.needs(Action::Pull, Scope::pull(&self.name))
    }

    pub(crate) fn needs_to_write(&self) -> Needs {
        self.needs(Action::Push, Scope::push(&self.name))
    }

    pub(crate) fn needs_to_delete(&self) -> Needs {
        self.needs(Action::Delete, Scope::delete(&self.name))
    }

    /// Returns the repository that a blob can be mounted from, where its content is in one that this one is used with.
    pub(crate) fn mount_source(&self, content: &Content) -> Option<Repository> {
        let ours = self.connection.host.canonical();
        match content.location()? {
            Location::Registry { host, repository } if host.canonical() == ours => {
                let mut names = self.beside.iter().map(|(name, _)| name);
                let is_known = repository == self.name || names.any(|name| *name == repository);
                is_known.then_some(repository)
            }
            _ => None,
        }
    }

    fn needs(&self, action: Action, scope: Scope) -> Needs {
        let mut scopes = self.scopes.clone();
        scopes.add(scope);
        Needs {
            repository: Some(self.name.clone()),
            action,
            scopes,
            beside: self.beside.clone(),
        }
    }
}

impl Source for RemoteRepository {
    fn location(&self) -> Option<Location> {
        Some(Location::Registry {
            host: self.connection.host.clone(),
            repository: self.name.clone(),
        })
    }

    async fn manifest(&self, which: TagOrDigest) -> Result<RawManifest, FetchError> {
        self.fetch_manifest(which, self.connection.deadline()).await
    }

    async fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        self.fetch_blob(descriptor, offset).await
    }

    async fn has_blob(&self, descriptor: Descriptor) -> Result<bool, FetchError> {
        self.check_blob(&descriptor).await
    }

    async fn tags(&self) -> Result<Vec<Tag>, FetchError> {
        self.list_tags().await
    }

    async fn referrers(
        &self,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        self.list_referrers(digest, artifact_type).await
    }
}

impl Target for RemoteRepository {
    async fn push_blob(
        &self,
        descriptor: Descriptor,
        content: Content,
    ) -> Result<Pushed, PushError> {
        self.upload_blob(descriptor, content).await
    }

    async fn push_manifest(
        &self,
        manifest: RawManifest,
        tags: Vec<Tag>,
        precondition: Precondition,
    ) -> Result<(), PushError> {
        self.put_manifest(&manifest, &tags, &precondition).await
    }

    async fn delete(&self, which: TagOrDigest) -> Result<(), PushError> {
        self.delete_manifest(which).await
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;

    use eigenpack_oci::{ByteStream, Reference, Reopen};

    use super::*;
    use crate::{RemoteOptions, RemoteRegistry};

    /// Content that is somewhere.
    struct Elsewhere(Location);

    impl Reopen for Elsewhere {
        fn open(
            &self,
            _: u64,
        ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>> {
            Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
        }

        fn location(&self) -> Option<Location> {
            Some(self.0.clone())
        }
    }

    #[test]
    fn blobs_are_mounted_from_the_same_registry_however_it_is_spelled() {
        let registry = RemoteRegistry::new("docker.io".parse().unwrap(), RemoteOptions::default());
        let target = registry.unwrap().repository("a/b".parse().unwrap());
        for (from, is_mounted) in [
            ("docker.io/a/b:v1", true),
            ("Index.Docker.io/a/b:v1", true),
            ("docker.io/a/c:v1", false),
            ("ghcr.io/a/b:v1", false),
        ] {
            let from: Reference = from.parse().unwrap();
            let content = Content::Reopen(Arc::new(Elsewhere(from.location.clone())));
            let source = target.mount_source(&content);
            assert_eq!(source.is_some(), is_mounted, "{from}");
        }
    }
}
