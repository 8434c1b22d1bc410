//! File system steps that are on disk when they return.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eigenpack_oci::AccessError;
use tempfile::NamedTempFile;

use crate::age::age;
use crate::blocking::cannot;
use crate::partial::{PARTIAL, lock_abandoned};
use crate::steps::{rename, sync_dir, sync_file, write};

/// How long a temporary file may lie untouched before it counts as left behind by a process that died.
const ABANDONED_AFTER: Duration = Duration::from_hours(24);

/// How the names of temporary files start.
const TEMPORARY: &str = "tmp-";

/// Creates a temporary file that is deleted when dropped, readable by whom the umask lets; nobody sweeps it before.
pub(crate) fn temporary_in(directory: &Path) -> Result<NamedTempFile, AccessError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    loop {
        let created = builder.tempfile_in(directory);
        let file = created.map_err(cannot("create a file in", directory))?;
        // Locked as long as somebody works on it, so that it can be told from what was left behind.
        if matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock)) {
            // A collector of whatever has no age at all was faster.
            continue;
        }
        if file.path().exists() {
            return Ok(file);
        }
    }
}

/// Writes a whole file in the place of what was there; readers see the old one or the new one.
pub(crate) fn replace(path: &Path, content: &[u8], scratch: &Path) -> Result<(), AccessError> {
    let mut file = temporary_in(scratch)?;
    write(&mut file, content)?;
    sync_file(&file)?;
    rename(file, path).map_err(cannot("write", path))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Deletes the temporary files that processes left behind when they died.
///
/// A file that cannot be judged or deleted is left for another time: it is in nobody's way.
pub(crate) fn sweep(scratch: &Path) {
    for leftover in leftovers(scratch, ABANDONED_AFTER) {
        let deleted = leftover.delete();
        tracing::debug!(path = %leftover.path.display(), ?deleted, "abandoned temporary file");
    }
}

/// A temporary file that nobody has written to for long.
pub(crate) struct Leftover {
    path: PathBuf,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// It is locked, so that nobody goes on with it meanwhile.
    _lock: File,
}

impl Leftover {
    pub(crate) fn delete(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Finds the temporary and partial files of at least an age on which nobody works; what cannot be judged is left out.
pub(crate) fn leftovers(scratch: &Path, min_age: Duration) -> impl Iterator<Item = Leftover> {
    // What a link leads to is not ours.
    let is_ours = fs::symlink_metadata(scratch).is_ok_and(|found| found.is_dir());
    let entries = is_ours.then(|| fs::read_dir(scratch)).into_iter();
    let entries = entries.flatten().flatten().flatten();
    entries.filter_map(move |entry| {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let is_old = |found: &fs::Metadata| found.is_file() && age(found).ok() >= Some(min_age);
        let is_ours = name.starts_with(PARTIAL) || name.starts_with(TEMPORARY);
        entry
            .metadata()
            .ok()
            .filter(|found| is_ours && is_old(found))?;
        let lock = lock_abandoned(&path)?;
        // Somebody may have gone on with it and failed again before it was locked.
        let found = lock.metadata().ok().filter(is_old)?;
        Some(Leftover {
            path,
            size: found.len(),
            _lock: lock,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn sweeps_only_what_is_old_and_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - ABANDONED_AFTER * 2;
        for (name, modified) in [
            ("tmp-old", old),
            ("tmp-new", SystemTime::now()),
            ("partial-old", old),
            ("partial-new", SystemTime::now()),
            ("lock", old),
        ] {
            let file = fs::File::create(directory.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        }
        sweep(directory.path());
        let left = fs::read_dir(directory.path()).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["lock", "partial-new", "tmp-new"]);
    }

    #[test]
    fn what_somebody_works_on_is_not_swept_however_old() {
        let directory = tempfile::tempdir().unwrap();
        let file = temporary_in(directory.path()).unwrap();
        let old = SystemTime::now() - ABANDONED_AFTER * 2;
        file.as_file().set_modified(old).unwrap();
        sweep(directory.path());
        assert!(file.path().exists());
        // A process that dies lets the lock go and leaves the file.
        let (file, path) = file.keep().unwrap();
        drop(file);
        sweep(directory.path());
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn files_are_as_open_as_any_other() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let ordinary = directory.path().join("ordinary");
        fs::write(&ordinary, b"").unwrap();
        let ours = directory.path().join("ours");
        replace(&ours, b"", directory.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&ordinary));
    }
}
