//! Our own registry, which records what it is asked and fails as it is told.

use eigenpack_oci::{Algorithm, Digest, Precondition, RawManifest, Repository, TagOrDigest};
use eigenpack_registry::fault::{Fault, FaultPlan, Faults, Requests};
use eigenpack_registry::{
    MemoryRegistry, Recorder, RegistryStore as _, Server, ServerOptions, UploadSession as _,
};
use eigenpack_remote::{RemoteOptions, RemoteRegistry, RemoteRepository};

use crate::fixture::options;

/// A registry over memory that runs as long as the test's runtime.
pub(crate) struct Embedded {
    pub(crate) host: String,
    pub(crate) recorder: Recorder,
    pub(crate) faults: Faults,
    store: MemoryRegistry,
}

/// The repository of every test.
pub(crate) fn name() -> Repository {
    "a/b".parse().unwrap()
}

impl Embedded {
    pub(crate) async fn start() -> Self {
        Self::start_with(ServerOptions::default()).await
    }

    pub(crate) async fn start_with(mut options: ServerOptions) -> Self {
        let store = MemoryRegistry::new();
        let (faults, recorder) = (Faults::default(), Recorder::new());
        options.faults = Some(faults.clone());
        options.recorder = Some(recorder.clone());
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::bind(address, store.clone(), options).await.unwrap();
        let host = server.local_addr().to_string();
        tokio::spawn(server.serve(std::future::pending()));
        Self {
            host,
            recorder,
            faults,
            store,
        }
    }

    /// Starts one on which every one of these requests goes wrong.
    pub(crate) async fn with(requests: Requests, fault: impl Into<Fault>) -> Self {
        let running = Self::start().await;
        let plan = FaultPlan::new().rule(requests, fault);
        running.faults.replace(plan);
        running
    }

    /// Says what goes wrong with the next of these requests, with the one after it, and so on.
    pub(crate) fn next(&self, requests: &Requests, faults: impl IntoIterator<Item = Fault>) {
        let plan = (1..)
            .zip(faults)
            .fold(FaultPlan::new(), |plan, (n, fault)| {
                plan.rule(requests.clone().nth(n), fault)
            });
        self.faults.replace(plan);
    }

    /// Returns the repository, through a client that has learned nothing yet.
    pub(crate) fn repository(&self) -> RemoteRepository {
        self.repository_with(options())
    }

    pub(crate) fn repository_with(&self, options: RemoteOptions) -> RemoteRepository {
        let registry = RemoteRegistry::new(self.host.parse().unwrap(), options).unwrap();
        registry.repository(name())
    }

    pub(crate) async fn add_blob(&self, content: &[u8]) {
        let name = name();
        let upload = self.store.start_upload(&name, Algorithm::Sha256);
        let upload = upload.await.unwrap();
        let bytes = bytes::Bytes::copy_from_slice(content);
        upload.append(0, vec![bytes]).await.unwrap();
        upload.close(Digest::sha256(content)).await.unwrap();
    }

    pub(crate) async fn add_manifest(&self, tag: &str, manifest: &RawManifest) {
        let (name, tags) = (name(), vec![tag.parse().unwrap()]);
        let manifest = manifest.clone();
        let pushed = (self.store).push_manifest(&name, manifest, tags, Precondition::Any);
        pushed.await.unwrap();
    }

    pub(crate) async fn delete_tag(&self, tag: &str) {
        let which = TagOrDigest::Tag(tag.parse().unwrap());
        self.store.delete_manifest(&name(), which).await.unwrap();
    }

    pub(crate) async fn has_blob(&self, content: &[u8]) -> bool {
        let (name, digest) = (name(), Digest::sha256(content));
        let size = self.store.blob_size(&name, &digest).await;
        size.is_ok_and(|size| size == content.len() as u64)
    }

    /// Returns the manifest that a tag names, where there is one.
    pub(crate) async fn tagged(&self, tag: &str) -> Option<RawManifest> {
        let which = TagOrDigest::Tag(tag.parse().unwrap());
        self.store.manifest(&name(), which).await.ok()
    }
}
