//! Changing a file that others read and change as well.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::StoreError;
use super::document::Document;
use crate::credentials::file::{CredentialFile, FileProblem, Format};
use crate::credentials::read::read;

/// How often, and with which pauses, a lock that somebody else holds is tried: ten seconds in all.
const LOCK_ATTEMPTS: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The most links that lead from the name of a file to the file.
const MAX_LINKS: usize = 40;

/// Reads a `config.json`, changes it and puts it in the place of the old one, so that readers see one or the other.
///
/// Of programs that do it this way, one waits for the other, and neither's change is lost. The new file can be read by its
/// owner alone. A file that is a symbolic link stays one. A file that does not change is not written.
pub(super) fn edit<T>(
    path: &Path,
    change: impl FnOnce(&mut Document) -> T,
) -> Result<T, StoreError> {
    let failed = |source| StoreError::Write {
        path: path.to_owned(),
        source,
    };
    let unusable = |problem| StoreError::Config {
        path: path.to_owned(),
        problem,
    };
    let target = behind_links(path).map_err(failed)?;
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    create_private(folder).map_err(failed)?;
    let _lock = lock(folder, path)?;

    let before = read(&target).map_err(unusable)?.unwrap_or_default();
    CredentialFile::parse(Format::DockerConfig, &before).map_err(unusable)?;
    let mut document = Document::parse(&before).ok_or(unusable(FileProblem::NotAnObject("it")))?;
    let result = change(&mut document);
    if document.is_changed() {
        let after = document.to_bytes().map_err(|e| failed(e.into()))?;
        replace(&target, folder, &after).map_err(failed)?;
    }
    Ok(result)
}

/// Writes a file beside the old one and gives it that one's name.
fn replace(target: &Path, folder: &Path, content: &[u8]) -> io::Result<()> {
    // Created with mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".config.json-")
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(target)?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Follows symbolic links to the file, which need not be there.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&path)?;
                path = path.parent().unwrap_or(Path::new("")).join(link);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Creates a folder that only its owner can enter, unless it is there.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Locks a folder against others that change files in it so; on file systems without locks, goes without.
fn lock(folder: &Path, path: &Path) -> Result<Option<File>, StoreError> {
    let Ok(file) = open_lock(folder) else {
        return Ok(None);
    };
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => {
                tracing::debug!(folder = %folder.display(), %error, "the folder cannot be locked");
                return Ok(None);
            }
        }
    }
    Err(StoreError::Busy {
        path: path.to_owned(),
    })
}

/// Opens the folder itself, so that no file is left there.
#[cfg(unix)]
fn open_lock(folder: &Path) -> io::Result<File> {
    File::open(folder)
}

#[cfg(not(unix))]
fn open_lock(folder: &Path) -> io::Result<File> {
    let path = folder.join("config.json.lock");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).open(path)
}
