//! Locks that hold between processes.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use eigenpack_oci::AccessError;

use crate::blocking::cannot;
use crate::files::open_own;

/// A lock on a file that holds nothing else, released when this is dropped or the process dies.
///
/// What a lock protects is always replaced by renaming, so it can never be the locked file itself.
#[derive(Debug)]
pub(crate) struct FileLock(
    #[expect(dead_code, reason = "held, not used: closing it unlocks")] File,
);

impl FileLock {
    /// Waits until nobody else holds the lock.
    pub(crate) fn exclusive(path: &Path) -> Result<Self, AccessError> {
        Self::take(path, File::lock)
    }

    /// Waits until nobody holds the lock exclusively.
    pub(crate) fn shared(path: &Path) -> Result<Self, AccessError> {
        Self::take(path, File::lock_shared)
    }

    fn take(path: &Path, lock: fn(&File) -> io::Result<()>) -> Result<Self, AccessError> {
        // Each lock is its own open file: threads of one process exclude each other as processes do.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = open_own(&mut options, path).map_err(cannot("open the lock file", path))?;
        loop {
            match lock(&file) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    result.map_err(cannot("lock", path))?;
                    return Ok(Self(file));
                }
            }
        }
    }
}
