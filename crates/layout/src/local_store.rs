//! The local store: many repositories in one directory, with their blobs kept once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::{AccessError, Repository};

use crate::blocking::blocking;
use crate::hot::MemoryHits;
use crate::store::{LayoutStore, Opened};
use crate::store_dir::StoreDir;

/// How many repositories stay open that nobody uses.
const MAX_UNUSED: usize = 32;

/// A repository of a [`LocalStore`]: an OCI image layout that shares its blobs with all others.
///
/// One that does not exist reads as such, and is created by the first push.
pub type LocalRepository = LayoutStore;

/// A directory of many repositories: a registry without a server. Clones share everything.
///
/// On disk it is `store.json`, a pool of blobs, and one OCI image layout for each repository, which any OCI tool can read.
/// Blobs are kept once: those of the layouts are links into the pool, or copies where links cannot be made. What was
/// acknowledged is on disk, and processes that write at the same time do not harm each other.
///
/// Its methods need a Tokio runtime.
#[derive(Clone, Debug)]
pub struct LocalStore {
    directory: Arc<StoreDir>,
    /// Whoever uses one repository shares its queue of changes. Some that nobody uses stay, for the next who does.
    opened: Arc<Mutex<HashMap<Repository, Arc<Opened>>>>,
}

impl LocalStore {
    /// Opens a store for reading; where there is nothing yet, it is an empty one that the first push creates.
    ///
    /// A directory that holds something else is refused, and so is a store of a newer format.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, AccessError> {
        let store = Self {
            directory: Arc::new(StoreDir::new(path.into())),
            opened: Arc::default(),
        };
        store.check().await?;
        Ok(store)
    }

    /// Opens a store, and creates it where there is nothing yet.
    pub async fn create_or_open(path: impl Into<PathBuf>) -> Result<Self, AccessError> {
        let store = Self::open(path).await?;
        store.create().await?;
        Ok(store)
    }

    /// Checks once more what [`open`](Self::open) checks, for whoever keeps a store open.
    pub async fn check(&self) -> Result<(), AccessError> {
        let directory = self.directory.clone();
        blocking(move || directory.check()).await
    }

    /// Creates the store where there is nothing yet.
    pub async fn create(&self) -> Result<(), AccessError> {
        let directory = self.directory.clone();
        blocking(move || directory.prepare()).await
    }

    /// Returns the path of the store.
    pub fn path(&self) -> &Path {
        self.directory.root()
    }

    /// Returns how often something was given out from memory since the store was opened.
    pub fn memory_hits(&self) -> MemoryHits {
        self.directory.hot().hits()
    }

    pub(crate) fn directory(&self) -> &Arc<StoreDir> {
        &self.directory
    }

    /// Returns a repository, whether it exists or not; touches no file.
    pub fn repository(&self, name: &Repository) -> LocalRepository {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened.get(name) {
            return LayoutStore::from(known.clone());
        }
        if opened.len() >= MAX_UNUSED {
            opened.retain(|_, repository| Arc::strong_count(repository) > 1);
        }
        let repository = Arc::new(Opened::in_store(&self.directory, name));
        opened.insert(name.clone(), repository.clone());
        LayoutStore::from(repository)
    }

    /// Lists the repositories in byte order.
    pub async fn repositories(&self) -> Result<Vec<Repository>, AccessError> {
        let directory = self.directory.clone();
        blocking(move || directory.repositories()).await
    }
}
