//! One OCI image layout that is open, on its own or in a local store.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::{AccessError, Repository};

use crate::blob_store::BlobStore;
use crate::blocking::blocking;
use crate::commit::CommitQueue;
use crate::hot::Hot;
use crate::layout_dir::LayoutDir;
use crate::referrers::KnownReferrers;
use crate::store_dir::StoreDir;

/// An OCI image layout directory as a store of one repository. Clones share everything.
///
/// The image specification's `image-layout.md` is the form on disk: `oci-layout`, `index.json`, `blobs/`. Tags are
/// annotations in `index.json`, so any tag is possible; every manifest has an entry there. What other tools wrote is kept.
/// What was acknowledged is on disk, and processes that write at the same time do not harm each other.
///
/// Its methods need a Tokio runtime.
#[derive(Clone, Debug)]
pub struct LayoutStore {
    opened: Arc<Opened>,
}

/// What the users of one layout share.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) layout: LayoutDir,
    pub(crate) blobs: Arc<BlobStore>,
    pub(crate) commits: CommitQueue,
    pub(crate) referrers: KnownReferrers,
    pub(crate) hot: Arc<Hot>,
    /// The local store that the layout is a repository of.
    store: Option<Arc<StoreDir>>,
    is_prepared: Mutex<bool>,
}

impl LayoutStore {
    /// Opens a layout that exists.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, AccessError> {
        let layout = LayoutDir::new(path.into());
        blocking(move || {
            layout.check()?;
            layout.check_index()?;
            Ok(Self::from(Arc::new(Opened::alone(layout))))
        })
        .await
    }

    /// Opens a layout, and creates it where there is nothing yet or an empty directory.
    pub async fn create_or_open(path: impl Into<PathBuf>) -> Result<Self, AccessError> {
        let layout = LayoutDir::new(path.into());
        blocking(move || {
            let opened = Opened::alone(layout);
            opened.layout.check_free()?;
            opened.prepare()?;
            opened.layout.create_index()?;
            Ok(Self::from(Arc::new(opened)))
        })
        .await
    }

    /// Returns the path of the layout.
    pub fn path(&self) -> &Path {
        self.opened.layout.root()
    }

    pub(crate) fn opened(&self) -> &Arc<Opened> {
        &self.opened
    }
}

impl From<Arc<Opened>> for LayoutStore {
    fn from(opened: Arc<Opened>) -> Self {
        Self { opened }
    }
}

impl Opened {
    fn alone(layout: LayoutDir) -> Self {
        let blobs = BlobStore::new(layout.blobs(), layout.scratch(), None);
        Self::new(layout, blobs, None)
    }

    pub(crate) fn in_store(store: &Arc<StoreDir>, name: &Repository) -> Self {
        let layout = store.layout_of(name);
        let blobs = BlobStore::sharing(layout.blobs(), layout.scratch(), store.pool().clone());
        Self::new(layout, blobs, Some(store.clone()))
    }

    fn new(layout: LayoutDir, blobs: BlobStore, store: Option<Arc<StoreDir>>) -> Self {
        Self {
            layout,
            blobs: Arc::new(blobs),
            commits: CommitQueue::default(),
            referrers: KnownReferrers::default(),
            hot: store
                .as_ref()
                .map(|store| store.hot().clone())
                .unwrap_or_default(),
            store,
            is_prepared: Mutex::new(false),
        }
    }

    /// Tells whether manifests may be there that have no entry: in layouts that other tools wrote.
    pub(crate) fn may_be_foreign(&self) -> bool {
        self.store.is_none()
    }

    /// Makes the layout ready to be written, once, and again where directories were removed.
    pub(crate) fn prepare(&self) -> Result<(), AccessError> {
        let mut is_prepared = self
            .is_prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // The pool's own directory of temporary files, where all blobs begin.
        if let Some(store) = &self.store {
            store.prepare()?;
        }
        // Somebody may have removed the directory since.
        if !*is_prepared || !self.layout.scratch().is_dir() {
            self.layout.prepare()?;
            *is_prepared = true;
        }
        Ok(())
    }
}
