//! The files of one OCI image layout: where they are, how they are read, how they are replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eigenpack_oci::{AccessError, PushError};
use serde::Deserialize;

use crate::blocking::unusable;
use crate::directories::create_dirs;
use crate::durable::{replace, sweep};
use crate::files::{check_directory, check_own_directory, names_in, read_capped, read_stamped};
use crate::hot::Hot;
use crate::index::Index;
use crate::lock::FileLock;
use crate::steps::sync_dir;

/// The content of the file that marks a directory as a layout.
const MARKER: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The largest `index.json` that is read, in bytes: some hundred thousand manifests.
const MAX_INDEX_SIZE: u64 = 64 * 1024 * 1024;

/// The largest `oci-layout` that is read, in bytes.
const MAX_MARKER_SIZE: u64 = 64 * 1024;

/// The directory of a layout (image specification, `image-layout.md`).
///
/// Besides what the specification names it holds one hidden directory, for the lock and for temporary files; other tools
/// do not look there.
#[derive(Clone, Debug)]
pub(crate) struct LayoutDir {
    root: PathBuf,
    /// The directory of the store that the layout is in, or its own.
    top: PathBuf,
    /// The path of `index.json`, which every read looks at.
    index: PathBuf,
    /// The largest `index.json` that is read, and so the largest that is written, in bytes.
    max_index_size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

impl LayoutDir {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self::within(&root.clone(), root)
    }

    /// Makes the directory of a layout that is somewhere in a store.
    pub(crate) fn within(top: &Path, root: PathBuf) -> Self {
        let index = root.join("index.json");
        Self {
            root,
            top: top.to_owned(),
            index,
            max_index_size: MAX_INDEX_SIZE,
        }
    }

    #[cfg(test)]
    pub(crate) fn with_max_index_size(mut self, size: u64) -> Self {
        self.max_index_size = size;
        self
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// Where temporary files are made: on the same file system as what they become.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.root.join(".eigenpack")
    }

    fn marker(&self) -> PathBuf {
        self.root.join("oci-layout")
    }

    /// Returns the path of `index.json`.
    pub(crate) fn index(&self) -> &Path {
        &self.index
    }

    /// Refuses a directory that is not a layout, or one of a version that is not known.
    pub(crate) fn check(&self) -> Result<(), AccessError> {
        check_directory(&self.root)?;
        let Some(marker) = read_capped(&self.marker(), MAX_MARKER_SIZE)? else {
            let reason = "it is not an OCI image layout: it has no file oci-layout";
            return Err(unusable(&self.root, reason));
        };
        let marker: Marker = serde_json::from_slice(&marker)
            .map_err(|e| unusable(&self.root, format!("its oci-layout is not valid: {e}")))?;
        let version = marker.image_layout_version;
        if version.split('.').next() != Some("1") {
            let reason = format!("it is a layout of version {version}, only 1.0.0 is known");
            return Err(unusable(&self.root, reason));
        }
        Ok(())
    }

    /// Refuses a layout without `index.json`.
    pub(crate) fn check_index(&self) -> Result<(), AccessError> {
        match self.read_index()? {
            Some(_) => Ok(()),
            None => Err(unusable(&self.root, "its index.json is missing")),
        }
    }

    /// Refuses a directory that holds something else than a layout, or the beginnings of one.
    pub(crate) fn check_free(&self) -> Result<(), AccessError> {
        if self.marker().exists() {
            return self.check();
        }
        for entry in names_in(&self.root)? {
            let name = entry.file_name();
            if name != "blobs" && name != ".eigenpack" {
                let reason = "it is not an OCI image layout, and not empty either";
                return Err(unusable(&self.root, reason));
            }
        }
        Ok(())
    }

    /// Makes the directory ready to be written: all but `index.json`, which makes it exist for readers.
    pub(crate) fn prepare(&self) -> Result<(), AccessError> {
        // Before anything is made or deleted in it.
        check_own_directory(&self.scratch())?;
        create_dirs(&self.scratch(), &self.top)?;
        create_dirs(&self.blobs(), &self.top)?;
        sweep(&self.scratch());
        if !self.marker().exists() {
            replace(&self.marker(), MARKER.as_bytes(), &self.scratch())?;
        }
        self.check()
    }

    /// Reads `index.json`; `None` where there is none.
    pub(crate) fn read_index(&self) -> Result<Option<Index>, AccessError> {
        let bytes = self.read_index_bytes()?;
        bytes.map(|bytes| self.parse_index(&bytes)).transpose()
    }

    /// Reads `index.json` unless it is held in memory, and holds it; `None` where there is none.
    pub(crate) fn read_index_once(&self, hot: &Hot) -> Result<Option<Arc<Index>>, AccessError> {
        if let Some(held) = hot.index(&self.index) {
            return Ok(Some(held));
        }
        let Some((bytes, stamp)) = read_stamped(&self.index, self.max_index_size)? else {
            return Ok(None);
        };
        let index = Arc::new(self.parse_index(&bytes)?);
        hot.hold_index(&self.index, &index, bytes.len(), stamp);
        Ok(Some(index))
    }

    /// Reads the bytes of `index.json`; `None` where there is none.
    pub(crate) fn read_index_bytes(&self) -> Result<Option<Vec<u8>>, AccessError> {
        read_capped(&self.index, self.max_index_size)
    }

    /// Reads the bytes of this layout's `index.json`.
    pub(crate) fn parse_index(&self, bytes: &[u8]) -> Result<Index, AccessError> {
        Index::parse(bytes)
            .map_err(|e| unusable(&self.root, format!("its index.json is not valid: {e}")))
    }

    /// Tells whether the layout exists for readers.
    pub(crate) fn has_index(&self) -> bool {
        self.index.is_file()
    }

    /// Waits until nobody else changes `index.json`, or relies on it to stay as it is.
    pub(crate) fn lock_index(&self) -> Result<FileLock, AccessError> {
        FileLock::exclusive(&self.scratch().join("lock"))
    }

    /// Makes an `index.json` without entries where there is none.
    pub(crate) fn create_index(&self) -> Result<(), AccessError> {
        let _lock = self.lock_index()?;
        match self.read_index()? {
            // Whoever wrote what is there may have died before this.
            Some(_) => sync_dir(&self.root),
            None => replace(&self.index, &Index::empty().to_bytes(), &self.scratch()),
        }
    }

    /// Changes `index.json` alone among all processes; `edit` says whether anything did change. Where there is none, one is
    /// made for a change alone.
    ///
    /// Readers see the old one or the new one; what is acknowledged is on disk. One that nobody could read again is refused as
    /// [`PushError::TooLarge`].
    pub(crate) fn edit_index<T>(
        &self,
        edit: impl FnOnce(&mut Index) -> (bool, T),
    ) -> Result<T, PushError> {
        let _lock = self.lock_index()?;
        let mut index = self.read_index()?.unwrap_or_else(Index::empty);
        let (changed, result) = edit(&mut index);
        if changed {
            let bytes = index.to_bytes();
            if bytes.len() as u64 > self.max_index_size {
                let what = "the list of the repository's manifests".to_owned();
                return Err(PushError::TooLarge { what });
            }
            replace(&self.index, &bytes, &self.scratch())?;
        } else {
            // Whoever wrote what is there may have died before this.
            sync_dir(&self.root)?;
        }
        Ok(result)
    }
}
