//! The local store as one client has it: opened once, so that all who use it share its memory and its queues of changes.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use eigenpack_layout::LocalStore;
use eigenpack_oci::AccessError;

/// Where the local store is, and the store once it was opened. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    path: PathBuf,
    opened: Arc<OnceLock<LocalStore>>,
}

impl Local {
    pub(crate) fn new(path: PathBuf) -> Self {
        let opened = Arc::default();
        Self { path, opened }
    }

    /// Opens the store to read it, and makes nothing; where there is nothing yet, it is an empty one.
    ///
    /// Its directory is looked at each time: another program may have changed what it is.
    pub(crate) async fn open(&self) -> Result<LocalStore, AccessError> {
        if let Some(store) = self.opened.get() {
            store.check().await?;
            return Ok(store.clone());
        }
        let store = LocalStore::open(&self.path).await?;
        Ok(self.opened.get_or_init(|| store).clone())
    }

    /// Opens the store to write there, and makes it where there is nothing yet.
    pub(crate) async fn create_or_open(&self) -> Result<LocalStore, AccessError> {
        let store = self.open().await?;
        store.create().await?;
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn repository(store: &LocalStore) -> eigenpack_layout::LocalRepository {
        store.repository(&"org/my-avs".parse().unwrap())
    }

    #[tokio::test]
    async fn whoever_opens_the_store_gets_the_same_one() {
        let directory = TempDir::new().unwrap();
        let local = Local::new(directory.path().join("store"));
        let clone = local.clone();
        let (one, another) = futures_util::join!(local.open(), clone.open());
        let first = repository(&one.unwrap());
        for store in [
            another.unwrap(),
            clone.create_or_open().await.unwrap(),
            local.open().await.unwrap(),
        ] {
            // Each repository that is open has a path of its own.
            assert!(std::ptr::eq(first.path(), repository(&store).path()));
        }
    }

    #[tokio::test]
    async fn reading_makes_no_store() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("store");
        let local = Local::new(path.clone());
        for _ in 0..2 {
            local.open().await.unwrap();
            assert!(!path.exists());
        }
        for _ in 0..2 {
            local.create_or_open().await.unwrap();
            assert!(path.join("store.json").exists());
            // A store that was removed is made again.
            fs::remove_dir_all(&path).unwrap();
        }
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_used_now_may_be_later() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("store");
        let local = Local::new(path.clone());
        for _ in 0..2 {
            fs::create_dir(&path).unwrap();
            fs::write(path.join("mine.txt"), "").unwrap();
            local.open().await.unwrap_err();
            local.create_or_open().await.unwrap_err();
            fs::remove_dir_all(&path).unwrap();
            local.create_or_open().await.unwrap();
            let newer = "{\"formatVersion\":1000}";
            fs::write(path.join("store.json"), newer).unwrap();
            local.open().await.unwrap_err();
            local.create_or_open().await.unwrap_err();
            fs::remove_dir_all(&path).unwrap();
        }
    }
}
