//! Opening what a location names: a registry's repository, one of the local store, or an image layout.

use eigenpack_layout::{LayoutStore, LocalStore};
use eigenpack_oci::{AccessError, Location};

use crate::local::Local;
use crate::registries::Registries;
use crate::store::AnyStore;

/// All that can be opened. Clones share what is open.
#[derive(Clone)]
pub(crate) struct Places {
    pub(crate) local: Option<Local>,
    pub(crate) registries: Registries,
}

impl Places {
    /// Opens a location to read what is there.
    pub(crate) async fn open(&self, location: &Location) -> Result<AnyStore, AccessError> {
        Ok(match location {
            Location::Registry { host, repository } => {
                let registry = self.registries.get(host)?;
                AnyStore::Registry(registry.repository(repository.clone()))
            }
            Location::Local { repository } => {
                AnyStore::Local(self.local_store().await?.repository(repository))
            }
            Location::Layout { path } => AnyStore::Layout(LayoutStore::open(path).await?),
            other => return Err(unknown_location(other)),
        })
    }

    /// Opens a location to write there; a local store or layout is made where there is none.
    pub(crate) async fn open_to_write(&self, location: &Location) -> Result<AnyStore, AccessError> {
        Ok(match location {
            Location::Registry { .. } => self.open_to_tag(location).await?,
            Location::Local { repository } => {
                let store = self.local()?.create_or_open().await?;
                AnyStore::Local(store.repository(repository))
            }
            Location::Layout { path } => AnyStore::Layout(LayoutStore::create_or_open(path).await?),
            other => return Err(unknown_location(other)),
        })
    }

    /// Opens a location whose manifests get further tags. What is to be tagged must be there, so nothing is made.
    pub(crate) async fn open_to_tag(&self, location: &Location) -> Result<AnyStore, AccessError> {
        Ok(match self.open(location).await? {
            AnyStore::Registry(repository) => AnyStore::Registry(repository.for_writing()),
            other => other,
        })
    }

    /// Opens the local store to read it.
    pub(crate) async fn local_store(&self) -> Result<LocalStore, AccessError> {
        self.local()?.open().await
    }

    /// Ends an operation at a location: if it failed, what it gave up there is cancelled, which takes a few seconds at most.
    ///
    /// Where one upload fails, those beside it are dropped, and their sessions stay open at the registry.
    pub(crate) async fn ended<T, E>(
        &self,
        location: &Location,
        result: Result<T, E>,
    ) -> Result<T, E> {
        if result.is_err()
            && let Location::Registry { host, .. } = location
            && let Ok(registry) = self.registries.get(host)
        {
            registry.cancel_uploads().await;
        }
        result
    }

    fn local(&self) -> Result<&Local, AccessError> {
        self.local.as_ref().ok_or_else(|| AccessError::Store {
            path: "the local store".to_owned(),
            reason: "no directory was chosen for it".to_owned(),
        })
    }
}

/// A kind of location that this version does not know how to open.
fn unknown_location(location: &Location) -> AccessError {
    AccessError::Store {
        path: location.to_string(),
        reason: "this kind of location cannot be opened".to_owned(),
    }
}
