//! Reading a file of credentials.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::file::{FileProblem, MAX_FILE_SIZE};

/// Reads a file; `None` is that there is none. What is no file (and might block, or never end) is not opened.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileProblem> {
    let unreadable = |error: io::Error| FileProblem::Unreadable(error.to_string());
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(FileProblem::NotAFile),
        Ok(_) => {}
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(Some(bytes))
}

fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
