//! The making of directories that are there after a power cut.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use eigenpack_oci::AccessError;

use crate::blocking::cannot;
use crate::steps::sync_dir;

/// How many directories are remembered; with more, all are synced again.
const MAX_KNOWN: usize = 16 * 1024;

/// The directories whose names this process has brought to the disk.
static KNOWN: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Creates a directory and those above it, so that all names below `top` and its own are on disk.
///
/// Whoever made a directory that is there already may have died before its name was on disk, so each is synced once by each
/// process.
pub(crate) fn create_dirs(path: &Path, top: &Path) -> Result<(), AccessError> {
    let is_there = path.is_dir();
    if is_there && (!path.starts_with(top) || is_known(path)) {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dirs(parent, top)?;
    }
    match fs::create_dir(path) {
        Ok(()) => {}
        // It was there, or somebody else was faster.
        Err(_) if path.is_dir() => {}
        Err(error) => return Err(cannot("create the directory", path)(error)),
    }
    match sync_dir(parent.unwrap_or(Path::new("."))) {
        // What is above the store may be closed to us; then it was not we who made the store.
        Err(AccessError::Io { source, .. })
            if is_there && path == top && source.kind() == io::ErrorKind::PermissionDenied => {}
        synced => synced?,
    }
    remember(path);
    Ok(())
}

fn is_known(path: &Path) -> bool {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().is_some_and(|known| known.contains(path))
}

fn remember(path: &Path) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if known.len() >= MAX_KNOWN {
        known.clear();
    }
    known.insert(path.to_owned());
}
