//! The steps on which it hangs what is there after a power cut. All are taken here, so that tests can see in which order.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use eigenpack_oci::AccessError;
use tempfile::{NamedTempFile, PersistError};

use crate::age::open_to_touch;
use crate::blocking::cannot;

#[cfg(test)]
use self::log::{Step, taken};

#[cfg(test)]
pub(crate) mod log;
#[cfg(test)]
mod tests;

/// Writes to a file that has no name of its own yet.
pub(crate) fn write(file: &mut NamedTempFile, bytes: &[u8]) -> Result<(), AccessError> {
    #[cfg(test)]
    taken(Step::Write(file.path().to_owned()));
    let written = file.write_all(bytes);
    written.map_err(cannot("write", file.path()))
}

/// Makes sure that the content of a file is on disk.
pub(crate) fn sync_file(file: &NamedTempFile) -> Result<(), AccessError> {
    let synced = file.as_file().sync_data();
    synced.map_err(cannot("write", file.path()))?;
    #[cfg(test)]
    taken(Step::SyncFile(file.path().to_owned()));
    Ok(())
}

/// Makes sure that the content of a file is on disk, whoever wrote it.
pub(crate) fn sync_existing(path: &Path) -> Result<(), AccessError> {
    open_to_touch(path)
        .and_then(|file| file.sync_data())
        .map_err(cannot("sync", path))?;
    #[cfg(test)]
    taken(Step::SyncFile(path.to_owned()));
    Ok(())
}

/// Makes sure that the names in a directory are on disk.
pub(crate) fn sync_dir(path: &Path) -> Result<(), AccessError> {
    // Elsewhere a directory cannot be opened for this, and renames are journalled.
    if cfg!(unix) {
        File::open(path)
            .and_then(|directory| directory.sync_all())
            .map_err(cannot("sync the directory", path))?;
    }
    #[cfg(test)]
    taken(Step::SyncDir(path.to_owned()));
    Ok(())
}

/// Gives a file a name, and takes it from the one that has it.
pub(crate) fn rename(file: NamedTempFile, path: &Path) -> io::Result<()> {
    #[cfg(test)]
    taken(Step::Name(file.path().to_owned(), path.to_owned()));
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

/// Gives a file a name that none has.
pub(crate) fn rename_new(file: NamedTempFile, path: &Path) -> Result<(), PersistError> {
    #[cfg(test)]
    let from = file.path().to_owned();
    file.persist_noclobber(path)?;
    #[cfg(test)]
    taken(Step::Name(from, path.to_owned()));
    Ok(())
}

/// Gives a file another name that none has.
pub(crate) fn link(from: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(from, path)?;
    #[cfg(test)]
    taken(Step::Name(from.to_owned(), path.to_owned()));
    Ok(())
}

/// Takes a name away.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    #[cfg(test)]
    taken(Step::Remove(path.to_owned()));
    Ok(())
}

/// Takes note that all of a blob is read to verify it.
pub(crate) fn verifying(path: &Path) {
    #[cfg(test)]
    taken(Step::Verify(path.to_owned()));
    #[cfg(not(test))]
    let _ = path;
}
