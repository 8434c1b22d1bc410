//! Writing a file whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How many links are followed, one behind the other; systems follow as many.
const MAX_LINKS: usize = 40;

/// What may be done to a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Replace it.
    Replace,
    /// Leave it, unless it holds the same bytes.
    Keep,
}

/// Why a file was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// It is there and holds something else.
    Exists,
    /// It cannot be written.
    Io(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes `content` to `path`: into a temporary file beside it, synced, then renamed.
///
/// A link is followed, so that what it points to is replaced. Something that is no regular file, such as `/dev/null` or a
/// pipe, is written to directly, since nothing can take its place.
pub(crate) fn write_file(
    path: &Path,
    content: &[u8],
    existing: Existing,
) -> Result<(), WriteError> {
    let path = &followed(path)?;
    let metadata = fs::metadata(path).ok();
    if metadata
        .as_ref()
        .is_some_and(|found| !found.is_file() && !found.is_dir())
    {
        return Ok(File::options().write(true).open(path)?.write_all(content)?);
    }
    if existing == Existing::Keep && metadata.is_some() {
        return keep(path, content);
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A directory that is not there is said in plainer words than those of a temporary file.
    fs::metadata(directory)?;
    let mut file = temporary_file(directory)?;
    file.write_all(content)?;
    if let Some(found) = metadata {
        file.as_file().set_permissions(found.permissions())?;
    }
    file.as_file().sync_all()?;
    match existing {
        Existing::Replace => file.persist(path).map_err(|error| error.error)?,
        Existing::Keep => match file.persist_noclobber(path) {
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                return keep(path, content);
            }
            result => result.map_err(|error| error.error)?,
        },
    };
    sync_directory(directory)?;
    Ok(())
}

/// Follows links to what is to be written, which need not be there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = match path.parent() {
            Some(directory) => directory.join(target),
            None => target,
        };
    }
    Err(io::Error::other(
        "there are too many links, one behind the other",
    ))
}

/// Accepts a file that holds the same bytes already.
fn keep(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    let same = fs::metadata(path)?.len() == content.len() as u64 && fs::read(path)? == content;
    if same {
        Ok(())
    } else {
        Err(WriteError::Exists)
    }
}

/// Makes a temporary file that others may read as far as the user's mask allows, like any file a program writes.
fn temporary_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".eigenpack-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// Makes the rename durable, where directories can be synced.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // Who may write to a directory may still not open it; the file is in its place all the same.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_holds_something_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        write_file(&path, b"one", Existing::Keep).unwrap();
        write_file(&path, b"one", Existing::Keep).unwrap();
        assert!(matches!(
            write_file(&path, b"two", Existing::Keep),
            Err(WriteError::Exists)
        ));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_file(&path, b"two", Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("directory");
        fs::create_dir(&directory).unwrap();
        let result = write_file(&directory, b"x", Existing::Replace);
        assert!(matches!(result, Err(WriteError::Io(_))));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_and_keeps_permissions() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        write_file(&link, b"new", Existing::Replace).unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&real).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        // What is not there yet is made where the link says.
        fs::remove_file(&real).unwrap();
        fs::remove_file(&link).unwrap();
        symlink("real", &link).unwrap();
        for existing in [Existing::Keep, Existing::Replace] {
            write_file(&link, b"new", existing).unwrap();
            assert_eq!(fs::read(&real).unwrap(), b"new");
        }
        symlink("loop", directory.path().join("loop")).unwrap();
        let result = write_file(&directory.path().join("loop"), b"x", Existing::Replace);
        assert!(matches!(result, Err(WriteError::Io(_))));
    }
}
