//! The local store as a client has it.

use std::path::PathBuf;

use eigenpack_layout::LocalStore;
use eigenpack_oci::AccessError;

/// Where the local store is.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    path: PathBuf,
}

impl Local {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Opens the store to read it, and makes nothing; where there is nothing yet, it is an empty one.
    pub(crate) async fn open(&self) -> Result<LocalStore, AccessError> {
        LocalStore::open(&self.path).await
    }

    /// Opens the store to write there, and makes it where there is nothing yet.
    pub(crate) async fn create_or_open(&self) -> Result<LocalStore, AccessError> {
        LocalStore::create_or_open(&self.path).await
    }
}
