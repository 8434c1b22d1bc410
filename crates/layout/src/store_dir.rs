//! The files of a local store: the pool, the repositories, and the version of the form that all this has on disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use eigenpack_oci::{AccessError, Repository};
use serde::Deserialize;

use crate::blob_store::BlobStore;
use crate::blocking::{cannot, unusable};
use crate::directories::create_dirs;
use crate::durable::{replace, sweep};
use crate::files::{check_directory, names_in, read_capped};
use crate::hot::Hot;
use crate::layout_dir::LayoutDir;

/// The version of the form on disk that is written, and the newest that is read.
const FORMAT_VERSION: u64 = 1;

/// The largest `store.json` that is read, in bytes.
const MAX_STORE_FILE_SIZE: u64 = 64 * 1024;

/// What a store's directory holds, and nothing else.
const NAMES: [&str; 5] = ["store.json", LOCK, TMP, "blobs", "repositories"];

/// The file that a collector of garbage locks alone, and everybody shares who tells that a blob is there.
const LOCK: &str = "store.lock";

/// Where temporary files are made.
const TMP: &str = "tmp";

/// The name of a repository's layout; no component of a repository's name starts like this, so no two can collide.
const LAYOUT: &str = "_layout";

/// The directory of a local store.
#[derive(Debug)]
pub(crate) struct StoreDir {
    root: PathBuf,
    pool: Arc<BlobStore>,
    hot: Arc<Hot>,
    is_prepared: Mutex<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoreFile {
    format_version: u64,
}

impl StoreDir {
    pub(crate) fn new(root: PathBuf) -> Self {
        let (blobs, tmp) = (root.join("blobs"), root.join(TMP));
        let pool = BlobStore::new(blobs, tmp, Some(root.join(LOCK)));
        Self {
            pool: Arc::new(pool),
            hot: Arc::default(),
            root,
            is_prepared: Mutex::new(false),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn pool(&self) -> &Arc<BlobStore> {
        &self.pool
    }

    /// Returns what is held in memory, of all repositories.
    pub(crate) fn hot(&self) -> &Arc<Hot> {
        &self.hot
    }

    /// Returns the path of the lock that a collector of garbage holds alone.
    pub(crate) fn collector_lock(&self) -> PathBuf {
        self.root.join(LOCK)
    }

    /// Returns the directory of temporary files.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.root.join(TMP)
    }

    /// Returns the directory of a repository's layout.
    pub(crate) fn layout_of(&self, repository: &Repository) -> LayoutDir {
        let components = repository.as_str().split('/');
        let mut path = self.root.join("repositories");
        path.extend(components);
        LayoutDir::within(&self.root, path.join(LAYOUT))
    }

    /// Refuses a store of a newer version, and a directory that holds something else; nothing at all is an empty store.
    pub(crate) fn check(&self) -> Result<(), AccessError> {
        match check_directory(&self.root) {
            Err(AccessError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(());
            }
            result => result?,
        }
        if let Some(bytes) = self.read_store_file()? {
            let file: StoreFile = serde_json::from_slice(&bytes)
                .map_err(|e| unusable(&self.root, format!("its store.json is not valid: {e}")))?;
            let found = file.format_version;
            if found > FORMAT_VERSION {
                let reason = format!(
                    "it has format version {found}, made by a newer eigenpack; \
                     this one knows versions up to {FORMAT_VERSION}"
                );
                return Err(unusable(&self.root, reason));
            }
            return Ok(());
        }
        for entry in names_in(&self.root)? {
            let name = entry.file_name();
            if !NAMES.iter().any(|ours| name == *ours) {
                let reason = "it holds other files and no store.json";
                return Err(unusable(&self.root, reason));
            }
        }
        Ok(())
    }

    /// Makes the directory ready to be written.
    pub(crate) fn prepare(&self) -> Result<(), AccessError> {
        let mut is_prepared = self
            .is_prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let tmp = self.tmp();
        // Somebody may have removed the directory since.
        if *is_prepared && tmp.is_dir() {
            return Ok(());
        }
        self.check()?;
        create_dirs(&tmp, &self.root)?;
        sweep(&tmp);
        if self.read_store_file()?.is_none() {
            let content = format!("{{\"formatVersion\":{FORMAT_VERSION}}}\n");
            replace(&self.root.join("store.json"), content.as_bytes(), &tmp)?;
        }
        *is_prepared = true;
        Ok(())
    }

    /// Lists the repositories in byte order.
    pub(crate) fn repositories(&self) -> Result<Vec<Repository>, AccessError> {
        let layouts = self.layouts()?.into_iter();
        let existing = layouts.filter(|(_, layout)| layout.has_index());
        Ok(existing.map(|(repository, _)| repository).collect())
    }

    /// Lists the layouts in byte order of their repositories, those included that hold blobs and no manifest yet.
    pub(crate) fn layouts(&self) -> Result<Vec<(Repository, LayoutDir)>, AccessError> {
        let mut found = Vec::new();
        let mut unvisited = vec![(self.root.join("repositories"), String::new())];
        while let Some((directory, name)) = unvisited.pop() {
            for (component, path) in directories_in(&directory)? {
                if component == LAYOUT {
                    if let Ok(repository) = name.parse() {
                        found.push((repository, LayoutDir::within(&self.root, path)));
                    }
                    continue;
                }
                let name = match name.as_str() {
                    "" => component,
                    above => format!("{above}/{component}"),
                };
                // What cannot be part of a name was not put there by a store.
                if name.parse::<Repository>().is_ok() {
                    unvisited.push((path, name));
                }
            }
        }
        found.sort_unstable_by(|(a, _), (b, _): &(Repository, _)| a.cmp(b));
        Ok(found)
    }

    fn read_store_file(&self) -> Result<Option<Vec<u8>>, AccessError> {
        read_capped(&self.root.join("store.json"), MAX_STORE_FILE_SIZE)
    }
}

/// Lists the directories in a directory; links are not followed.
fn directories_in(path: &Path) -> Result<Vec<(String, PathBuf)>, AccessError> {
    let mut directories = Vec::new();
    for entry in names_in(path)? {
        let kind = entry.file_type().map_err(cannot("list", path))?;
        if kind.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            directories.push((name, entry.path()));
        }
    }
    Ok(directories)
}
