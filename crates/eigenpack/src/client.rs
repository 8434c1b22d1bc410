//! The client: opens whatever a reference names and does the use cases there.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use eigenpack_layout::{Collected, GcOptions, LayoutStore, LocalStore};
use eigenpack_oci::distribution::Challenge;
use eigenpack_oci::{
    AccessError, Location, Observer, RawManifest, Reference, RegistryHost, Silent, Source as _, Tag,
};
use eigenpack_remote::credentials::{CredentialProvider, DockerCredentials};
use eigenpack_remote::{RemoteOptions, RemoteRegistry};
use eigenruntime::{Created, PublishOptions, Published, PulledArtifact, fetch_manifest};

use crate::cached::{Cache, Cached, Trouble};
use crate::copy::{self, Copy, CopyError};
use crate::fetch::{self, ConfigBlob, FetchConfigError, ReadError, TagsError};
use crate::push::{Prepared, PushError, PushOptions};
use crate::store::AnyStore;
use crate::tag::{TagError, Tagged, set_tags};

/// Publishes and pulls artifacts, at any place that a [`Reference`] names.
///
/// A client is silent, and anonymous unless it is given [`credentials`](ClientBuilder::credentials) or told to use
/// [Docker's](ClientBuilder::docker_credentials); it reads no environment variable and no configuration file by itself. It is cheap to clone; clones share their connections and their tokens.
#[derive(Clone)]
pub struct Client {
    store: Option<PathBuf>,
    remote: RemoteOptions,
    plain_http: BTreeSet<RegistryHost>,
    credentials: Option<Arc<dyn CredentialProvider>>,
    insecure: BTreeSet<RegistryHost>,
    observer: Arc<dyn Observer>,
    cache: bool,
    cache_trouble: Trouble,
    registries: Arc<Mutex<HashMap<RegistryHost, RemoteRegistry>>>,
}

/// Makes a [`Client`].
#[derive(Debug)]
pub struct ClientBuilder {
    client: Client,
}

impl Client {
    /// Starts with a client that speaks to registries anonymously and has no local store.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            client: Self {
                store: None,
                remote: RemoteOptions::default(),
                plain_http: BTreeSet::new(),
                credentials: None,
                insecure: BTreeSet::new(),
                observer: Arc::new(Silent),
                cache: true,
                cache_trouble: Trouble::default(),
                registries: Arc::default(),
            },
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
        let target = self.open_to_write(&reference.location).await?;
        let options = PublishOptions {
            mend: !reference.location.is_registry(),
            ..prepared.publish.clone()
        };
        let observer = &self.observer;
        let published = eigenruntime::publish(&prepared.builder, &target, &options, observer);
        Ok(published.await?)
    }

    /// Pulls an artifact; every byte of the answer is what the manifest's digest promises.
    pub async fn pull(&self, reference: &Reference) -> Result<PulledArtifact, ReadError> {
        let source = self.open_cached(&reference.location).await?;
        let observer = self.observer.as_ref();
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
        let target = self.open_to_tag(&reference.location).await?;
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
        let observer = &self.observer;
        copy::copy(&from, &source.selector, &to, target, overwrite, observer).await
    }

    /// Removes from the local store what no repository refers to any more.
    pub async fn collect_garbage(&self, options: GcOptions) -> Result<Collected, AccessError> {
        let store = LocalStore::open(self.store_path()?).await?;
        store.collect_garbage(options).await
    }

    /// Opens a location to read what is there.
    pub async fn open(&self, location: &Location) -> Result<AnyStore, AccessError> {
        Ok(match location {
            Location::Registry { host, repository } => {
                AnyStore::Registry(self.registry(host)?.repository(repository.clone()))
            }
            Location::Local { repository } => AnyStore::Local(
                LocalStore::open(self.store_path()?)
                    .await?
                    .repository(repository),
            ),
            Location::Layout { path } => AnyStore::Layout(LayoutStore::open(path).await?),
            other => return Err(unknown_location(other)),
        })
    }

    /// Opens a location to write there; a local store or layout is made where there is none.
    pub async fn open_to_write(&self, location: &Location) -> Result<AnyStore, AccessError> {
        Ok(match location {
            Location::Registry { host, repository } => {
                let repository = self.registry(host)?.repository(repository.clone());
                AnyStore::Registry(repository.for_writing())
            }
            Location::Local { repository } => {
                let store = LocalStore::create_or_open(self.store_path()?).await?;
                AnyStore::Local(store.repository(repository))
            }
            Location::Layout { path } => AnyStore::Layout(LayoutStore::create_or_open(path).await?),
            other => return Err(unknown_location(other)),
        })
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
        let path = self.store.as_ref().filter(|_| self.cache)?;
        if !location.is_registry() {
            return None;
        }
        let store = self.cache_trouble.tell_of(LocalStore::open(path).await)?;
        Some(Cache::new(store, self.cache_trouble.clone()))
    }

    /// Opens a location whose manifests get further tags. What is to be tagged must be there, so nothing is made.
    async fn open_to_tag(&self, location: &Location) -> Result<AnyStore, AccessError> {
        Ok(match self.open(location).await? {
            AnyStore::Registry(repository) => AnyStore::Registry(repository.for_writing()),
            other => other,
        })
    }

    /// Asks a registry whether it lets itself be used with the credentials that there are for it.
    ///
    /// A registry that demands nothing accepts everything, and what may be done to a repository is another question.
    pub async fn check_credentials(&self, host: &RegistryHost) -> Result<(), AccessError> {
        self.registry(host)?.check_credentials().await
    }

    /// Asks a registry, without credentials, what it demands of those who want to use it; nothing where it demands nothing.
    pub async fn challenges(&self, host: &RegistryHost) -> Result<Vec<Challenge>, AccessError> {
        self.registry(host)?.challenges().await
    }

    fn store_path(&self) -> Result<&PathBuf, AccessError> {
        self.store.as_ref().ok_or_else(|| AccessError::Store {
            path: "the local store".to_owned(),
            reason: "no directory was chosen for it".to_owned(),
        })
    }

    /// Cancels the uploads that are open because operations of this client or its clones were dropped before they ended.
    ///
    /// Registries throw such uploads away in time, so it does no harm if this is dropped, or fails, which is not told.
    pub async fn cancel_uploads(&self) {
        let registries: Vec<_> = {
            let registries = self.registries.lock();
            let registries = registries.unwrap_or_else(PoisonError::into_inner);
            registries.values().cloned().collect()
        };
        for registry in registries {
            registry.cancel_uploads().await;
        }
    }

    /// Returns the one connection pool of a registry.
    fn registry(&self, host: &RegistryHost) -> Result<RemoteRegistry, AccessError> {
        let mut registries = self
            .registries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(registry) = registries.get(host) {
            return Ok(registry.clone());
        }
        let mut options = self.remote.clone();
        for host in &self.plain_http {
            options.host(host).plain_http = true;
        }
        for host in &self.insecure {
            options.host(host).tls.take_any_certificate();
        }
        options.observer = Arc::clone(&self.observer);
        if self.credentials.is_some() {
            options.credentials.clone_from(&self.credentials);
        }
        let registry = RemoteRegistry::new(host.clone(), options)?;
        registries.insert(host.clone(), registry.clone());
        Ok(registry)
    }
}

impl ClientBuilder {
    /// Sets the directory of the local store, where references without a host live.
    #[must_use]
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.client.store = Some(path.into());
        self
    }

    /// Sets whether content that the local store has by its digest is used instead of a request to a registry, and
    /// whether what is pulled is kept there; it is unless this says otherwise, where there is a
    /// [`store`](Self::store).
    ///
    /// What a tag names is always asked for. What is stored is verified when it is read, and a store that cannot be used
    /// fails nothing. Whoever may read the store can read what was pulled, whichever registry it came from.
    #[must_use]
    pub fn cache(mut self, cache: bool) -> Self {
        self.client.cache = cache;
        self
    }

    /// Sets how registries are spoken to, and what is different about [single ones](RemoteOptions::host).
    #[must_use]
    pub fn remote(mut self, options: RemoteOptions) -> Self {
        self.client.remote = options;
        self
    }

    /// Speaks plain http to a host, besides those of loopback. Whoever is on the way can read and change what is sent.
    #[must_use]
    pub fn plain_http(mut self, host: RegistryHost) -> Self {
        self.client.plain_http.insert(host);
        self
    }

    /// Sets who is asked for credentials once a registry has demanded some. Without anybody, registries are asked
    /// anonymously.
    #[must_use]
    pub fn credentials(mut self, provider: Arc<dyn CredentialProvider>) -> Self {
        self.client.credentials = Some(provider);
        self
    }

    /// Uses the credentials that Docker and Podman have: those of `docker login`, their credential helpers, and the
    /// variables that move their files, by the rules of [`DockerCredentials`].
    ///
    /// The environment is read here, now, and nowhere else in this crate; files and helpers are when a registry demands
    /// credentials.
    ///
    /// ```no_run
    /// let client = eigenpack::Client::builder().docker_credentials().build();
    /// ```
    #[must_use]
    pub fn docker_credentials(self) -> Self {
        self.credentials(Arc::new(DockerCredentials::from_environment()))
    }

    /// Speaks https to a host and takes any certificate from it. Whoever is on the way can read and change what is sent.
    #[must_use]
    pub fn insecure(mut self, host: RegistryHost) -> Self {
        self.client.insecure.insert(host);
        self
    }

    /// Sets who hears of progress, and of what registries warn of.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.client.observer = observer;
        self
    }

    /// Makes the client. Nothing is opened and nothing is sent yet.
    pub fn build(self) -> Client {
        self.client
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// A kind of location that this version does not know how to open.
fn unknown_location(location: &Location) -> AccessError {
    AccessError::Store {
        path: location.to_string(),
        reason: "this kind of location cannot be opened".to_owned(),
    }
}

/// Reads the clock, to the second.
fn now() -> Option<Created> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Created::from_unix_seconds(i64::try_from(since_epoch.as_secs()).ok()?).ok()
}
