//! The reading of files, and what a path leads to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use eigenpack_oci::AccessError;

use crate::blocking::{cannot, unusable};
use crate::file_cache::{Stamp, Stamped};

/// How much of a large file is read at once, in bytes.
pub(crate) const CHUNK: usize = 128 * 1024;

/// Opens a file for reading, through links too.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    open_regular(OpenOptions::new().read(true), path)
}

/// Opens a file. Anything else, such as a pipe, is refused: it could block whoever opens it, or never end.
pub(crate) fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    flags(options, rustix::fs::OFlags::NONBLOCK);
    checked(options.open(path)?)
}

/// Opens a file of our own, never through a link: it would lead to somebody else's.
pub(crate) fn open_own(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    flags(
        options,
        rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW,
    );
    checked(options.open(path)?)
}

#[cfg(unix)]
fn flags(options: &mut OpenOptions, flags: rustix::fs::OFlags) {
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
}

fn checked(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a file"))
    }
}

/// Reads content to its end, chunk by chunk; an error of who takes it ends that.
pub(crate) fn each_chunk<E: From<AccessError>>(
    mut content: impl Read,
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match content.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => take(&chunk[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cannot("read", path)(error).into()),
        }
    }
}

/// Reads a whole file that is not larger than `limit` bytes; `None` where there is none.
pub(crate) fn read_capped(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, AccessError> {
    Ok(read_stamped(path, limit)?.map(|(bytes, _)| bytes))
}

/// The same, with the stamp of what was read.
pub(crate) fn read_stamped(
    path: &Path,
    limit: u64,
) -> Result<Option<Stamped<Vec<u8>>>, AccessError> {
    let file = match open_file(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("open", path)(error)),
    };
    let found = file.metadata().map_err(cannot("open", path))?;
    let stamp = Stamp::settled(&found);
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(unusable(path, format!("it is larger than {limit} bytes")));
    }
    Ok(Some((bytes, stamp)))
}

/// Refuses a path that does not lead to a directory.
pub(crate) fn check_directory(path: &Path) -> Result<(), AccessError> {
    let found = fs::metadata(path).map_err(cannot("open", path))?;
    if found.is_dir() {
        Ok(())
    } else {
        Err(unusable(path, "it is not a directory"))
    }
}

/// Refuses anything but a directory, or nothing, where a directory of our own is to be: a link would lead to somebody else's.
pub(crate) fn check_own_directory(path: &Path) -> Result<(), AccessError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(unusable(path, "it is not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("open", path)(error)),
    }
}

/// Lists the names in a directory; where there is no directory, there are none.
pub(crate) fn names_in(path: &Path) -> Result<Vec<fs::DirEntry>, AccessError> {
    match fs::read_dir(path) {
        Ok(entries) => entries
            .collect::<io::Result<_>>()
            .map_err(cannot("list the directory", path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(cannot("list the directory", path)(error)),
    }
}

/// Returns the directory that a file is in.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}
