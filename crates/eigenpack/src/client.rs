//! The client: does the use cases at whatever a reference names.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use eigenpack_layout::{Collected, GcOptions};
use eigenpack_oci::distribution::Challenge;
use eigenpack_oci::{
    AccessError, Location, Observer, RawManifest, Reference, RegistryHost, Source as _, Tag,
};
use eigenpack_remote::RemoteOptions;
use eigenruntime::{PublishOptions, Published, PulledArtifact, fetch_manifest};

use crate::builder::ClientBuilder;
use crate::cached::{Cache, Cached, Trouble};
use crate::clock::now;
use crate::copy::{self, Copy, CopyError};
use crate::fetch::{self, ConfigBlob, FetchConfigError, ReadError, TagsError};
use crate::places::Places;
use crate::push::{Prepared, PushError, PushOptions};
use crate::store::AnyStore;
use crate::tag::{TagError, Tagged, set_tags};

/// Publishes and pulls artifacts, at any place that a [`Reference`] names.
///
/// A client is silent, and anonymous unless it is given [`credentials`](ClientBuilder::credentials) or told to use
/// [Docker's](ClientBuilder::docker_credentials); it reads no environment variable and no configuration file by itself.
/// It is cheap to clone; clones share their connections, their tokens and the local store.
#[derive(Clone)]
pub struct Client {
    places: Places,
    cache: bool,
    cache_trouble: Trouble,
}

impl Client {
    /// Starts with a client that speaks to registries anonymously and has no local store.
    pub fn builder() -> ClientBuilder {
        Self::builder_with(RemoteOptions::default())
    }

    /// Starts with a client that speaks to registries as `options` say, and has no local store.
    ///
    /// What the builder is told of registries is added to these options, so its methods can be called in any order.
    ///
    /// ```
    /// use eigenpack::{Client, RemoteOptions};
    ///
    /// let mut options = RemoteOptions::default();
    /// options.concurrency = 4;
    /// let client = Client::builder_with(options).docker_credentials().build();
    /// ```
    pub fn builder_with(options: RemoteOptions) -> ClientBuilder {
        ClientBuilder::new(options)
    }

    pub(crate) fn new(places: Places, cache: bool) -> Self {
        Self {
            places,
            cache,
            cache_trouble: Trouble::default(),
        }
    }

    /// Checks a spec, builds its artifact and publishes it under the reference's tag.
    ///
    /// Pushing the same again is a success that says so, and a tag that names something else is not moved unless
    /// [`PushOptions::overwrite`] is set.
    pub async fn push(
        &self,
        spec: impl Into<Bytes>,
        reference: &Reference,
        options: PushOptions,
    ) -> Result<Published, PushError> {
        let prepared = Self::prepare(spec, reference, &options)?;
        self.publish(&prepared, reference).await
    }

    /// Does the part of a push that needs no store: checks the spec and decides every field of the artifact.
    pub fn prepare(
        spec: impl Into<Bytes>,
        reference: &Reference,
        options: &PushOptions,
    ) -> Result<Prepared, PushError> {
        if reference.selector.digest.is_some() {
            return Err(PushError::DigestInReference);
        }
        let tag = reference.selector.tag.as_ref().ok_or(PushError::NoTag)?;
        options.prepare(spec.into(), tag, now().ok_or(PushError::Clock)?)
    }

    /// Publishes what [`prepare`](Self::prepare) made.
    pub async fn publish(
        &self,
        prepared: &Prepared,
        reference: &Reference,
    ) -> Result<Published, PushError> {
        let target = self.places.open_to_write(&reference.location).await?;
        let options = PublishOptions {
            mend: !reference.location.is_registry(),
            ..prepared.publish.clone()
        };
        let observer = self.observer();
        let published = eigenruntime::publish(&prepared.builder, &target, &options, observer).await;
        Ok(self.places.ended(&reference.location, published).await?)
    }

    /// Pulls an artifact; every byte of the answer is what the manifest's digest promises.
    pub async fn pull(&self, reference: &Reference) -> Result<PulledArtifact, ReadError> {
        let source = self.open_cached(&reference.location).await?;
        let observer = self.observer().as_ref();
        // Large, since it reads two blobs side by side.
        let pull = Box::pin(eigenruntime::pull(&source, &reference.selector, observer));
        Ok(pull.await?)
    }

    /// Fetches a manifest or index of any kind, as it is stored.
    pub async fn manifest(&self, reference: &Reference) -> Result<RawManifest, ReadError> {
        let source = self.open_cached(&reference.location).await?;
        Ok(fetch_manifest(&source, &reference.selector).await?)
    }

    /// Fetches the config blob of a manifest of any kind, as it is stored and verified.
    pub async fn config(&self, reference: &Reference) -> Result<ConfigBlob, FetchConfigError> {
        let source = self
            .open_cached(&reference.location)
            .await
            .map_err(ReadError::from)?;
        fetch::config(&source, &reference.selector).await
    }

    /// Lists the tags at a location, in byte order.
    pub async fn tags(&self, location: &Location) -> Result<Vec<Tag>, TagsError> {
        Ok(self.open(location).await?.tags().await?)
    }

    /// Gives the manifest that `reference` names further tags.
    ///
    /// Unless `overwrite` is set, a tag that names something else is a conflict, and none of the tags is moved.
    pub async fn tag(
        &self,
        reference: &Reference,
        tags: &[Tag],
        overwrite: bool,
    ) -> Result<Tagged, TagError> {
        let target = self.places.open_to_tag(&reference.location).await?;
        let manifest = fetch_manifest(&target, &reference.selector).await?;
        set_tags(&target, manifest, tags, overwrite).await
    }

    /// Copies what `source` names, and everything that leads on from it, to `target`; every digest is kept.
    ///
    /// Without a tag in `target`, the source's tag is taken. Unless `overwrite` is set, a tag that names something else
    /// there is a conflict.
    pub async fn copy(
        &self,
        source: &Reference,
        target: &Reference,
        overwrite: bool,
    ) -> Result<Copy, CopyError> {
        let from = self
            .open(&source.location)
            .await
            .map_err(CopyError::OpenSource)?;
        let to = self
            .open_to_write(&target.location)
            .await
            .map_err(CopyError::OpenTarget)?;
        let (from, to) = (from.together_with(&to), to.together_with(&from));
        let cache = self.cache(&source.location).await;
        let from = Cached::new(from, cache.map(Cache::only_read));
        let observer = self.observer();
        let copied = copy::copy(&from, &source.selector, &to, target, overwrite, observer).await;
        self.places.ended(&target.location, copied).await
    }

    /// Removes from the local store what no repository refers to any more.
    pub async fn collect_garbage(&self, options: GcOptions) -> Result<Collected, AccessError> {
        let store = self.places.local_store().await?;
        store.collect_garbage(options).await
    }

    /// Opens a location to read what is there.
    pub async fn open(&self, location: &Location) -> Result<AnyStore, AccessError> {
        self.places.open(location).await
    }

    /// Opens a location to write there; a local store or layout is made where there is none.
    pub async fn open_to_write(&self, location: &Location) -> Result<AnyStore, AccessError> {
        self.places.open_to_write(location).await
    }

    /// Returns the same client without its [`cache`](ClientBuilder::cache), for whoever asks what a registry has now.
    #[must_use]
    pub fn without_cache(&self) -> Self {
        Self {
            cache: false,
            ..self.clone()
        }
    }

    /// Opens a location to read what is there, or what the local store knows of it.
    async fn open_cached(&self, location: &Location) -> Result<Cached<AnyStore>, AccessError> {
        let source = self.open(location).await?;
        Ok(Cached::new(source, self.cache(location).await))
    }

    /// Returns the cache of what is at a location, where there is one.
    async fn cache(&self, location: &Location) -> Option<Cache> {
        if !self.cache || !location.is_registry() {
            return None;
        }
        let store = self.places.local.as_ref()?.open().await;
        let store = self.cache_trouble.tell_of(store)?;
        Some(Cache::new(store, self.cache_trouble.clone()))
    }

    /// Returns who hears of progress.
    fn observer(&self) -> &Arc<dyn Observer> {
        self.places.registries.observer()
    }

    /// Asks a registry whether it lets itself be used with the credentials that there are for it.
    ///
    /// A registry that demands nothing accepts everything, and what may be done to a repository is another question.
    pub async fn check_credentials(&self, host: &RegistryHost) -> Result<(), AccessError> {
        self.places.registries.get(host)?.check_credentials().await
    }

    /// Asks a registry, without credentials, what it demands of those who want to use it; nothing where it demands nothing.
    pub async fn challenges(&self, host: &RegistryHost) -> Result<Vec<Challenge>, AccessError> {
        self.places.registries.get(host)?.challenges().await
    }

    /// Cancels the uploads that are open because operations of this client or its clones were dropped before they ended.
    /// Operations that fail do so themselves.
    ///
    /// Registries throw such uploads away in time, so it does no harm if this is dropped, or fails, which is not told.
    pub async fn cancel_uploads(&self) {
        self.places.registries.cancel_uploads().await;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("local", &self.places.local)
            .finish_non_exhaustive()
    }
}
