//! File system steps that are on disk when they return.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use eigenpack_oci::AccessError;
use tempfile::NamedTempFile;

use crate::blocking::cannot;

/// How long a temporary file may lie untouched before it counts as left behind by a process that died.
const ABANDONED_AFTER: Duration = Duration::from_hours(24);

/// How the names of temporary files start.
const TEMPORARY: &str = "tmp-";

/// Creates a directory and those above it.
pub(crate) fn create_dirs(path: &Path) -> Result<(), AccessError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dirs(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => sync_dir(parent.unwrap_or(Path::new("."))),
        // Somebody else was faster.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(cannot("create the directory", path)(error)),
    }
}

/// Makes sure that the names in a directory are on disk.
pub(crate) fn sync_dir(path: &Path) -> Result<(), AccessError> {
    // Elsewhere a directory cannot be opened for this, and renames are journalled.
    if cfg!(unix) {
        fs::File::open(path)
            .and_then(|directory| directory.sync_all())
            .map_err(cannot("sync the directory", path))?;
    }
    Ok(())
}

/// Creates a temporary file that is deleted when dropped, readable by whom the umask lets.
pub(crate) fn temporary_in(directory: &Path) -> Result<NamedTempFile, AccessError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    builder
        .tempfile_in(directory)
        .map_err(cannot("create a file in", directory))
}

/// Writes a whole file in the place of what was there; readers see the old one or the new one.
pub(crate) fn replace(path: &Path, content: &[u8], scratch: &Path) -> Result<(), AccessError> {
    let mut file = temporary_in(scratch)?;
    file.write_all(content)
        .and_then(|()| file.as_file().sync_data())
        .and_then(|()| file.persist(path).map_err(|failed| failed.error))
        .map_err(cannot("write", path))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Deletes the temporary files that processes left behind when they died.
///
/// A file that cannot be judged or deleted is left for another time: it is in nobody's way.
pub(crate) fn sweep(scratch: &Path) {
    for (path, _) in leftovers(scratch, ABANDONED_AFTER) {
        let deleted = fs::remove_file(&path);
        tracing::debug!(path = %path.display(), ?deleted, "abandoned temporary file");
    }
}

/// Finds the temporary files of at least an age, with their sizes; what cannot be judged is left out.
pub(crate) fn leftovers(scratch: &Path, min_age: Duration) -> impl Iterator<Item = (PathBuf, u64)> {
    let entries = fs::read_dir(scratch).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let is_ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        let metadata = entry.metadata().ok()?;
        let is_left = is_ours && metadata.is_file() && age(&metadata).ok()? >= min_age;
        is_left.then(|| (entry.path(), metadata.len()))
    })
}

/// Tells how long ago a file was written or its age renewed; a time in the future is now.
pub(crate) fn age(metadata: &fs::Metadata) -> io::Result<Duration> {
    Ok(metadata.modified()?.elapsed().unwrap_or_default())
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
            ("lock", old),
        ] {
            let file = fs::File::create(directory.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        }
        sweep(directory.path());
        let left = |name: &str| directory.path().join(name).exists();
        assert_eq!(
            (left("tmp-old"), left("tmp-new"), left("lock")),
            (false, true, true)
        );
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
