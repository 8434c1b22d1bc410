//! Files that outlast an operation that did not get all of a blob, so that the next one goes on from there.
//!
//! A partial file is named by the digest of what it is to become, and locked while it is written. The lock is on the file
//! itself, which others rename and delete: whoever has locked one makes sure that it still has its name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use eigenpack_oci::{Content, Digest};
use tempfile::{NamedTempFile, TempPath};

use crate::files::open_own;

/// How the names of partial files start.
pub(crate) const PARTIAL: &str = "partial-";

/// How often a file is opened anew that others finish or delete meanwhile.
const MAX_TRIES: usize = 5;

/// The file that a blob arrives in, and what becomes of it when it is dropped.
pub(crate) struct Arriving {
    // Before the file, so that it decides while the file is locked.
    fate: Option<Fate>,
    file: NamedTempFile,
}

/// Deletes a partial file when dropped, unless that is because the source failed: what needed it is likely to be tried again.
struct Fate {
    path: PathBuf,
    content: Content,
    is_sealed: bool,
}

impl Arriving {
    /// Opens the partial file of a blob in a directory, and makes one where there is none. What it holds already was
    /// written by an operation that failed, or by a process that died, and may be anything.
    ///
    /// Returns `None` where somebody else writes to it, or where it cannot be used for whatever reason: it is there to save
    /// time, and an ordinary temporary file always does.
    pub(crate) fn partial(directory: &Path, digest: &Digest, content: &Content) -> Option<Self> {
        let (algorithm, encoded) = (digest.algorithm().as_str(), digest.encoded());
        let path = directory.join(format!("{PARTIAL}{algorithm}-{encoded}"));
        let opened = || {
            let Some(file) = open_alone(&path)? else {
                return Ok(None);
            };
            let mut file = NamedTempFile::from_parts(file, TempPath::try_from_path(&path)?);
            file.disable_cleanup(true);
            let fate = Fate {
                path: file.path().to_owned(),
                content: content.clone(),
                is_sealed: false,
            };
            Ok(Some(Self {
                fate: Some(fate),
                file,
            }))
        };
        opened().unwrap_or_else(|error: io::Error| {
            tracing::debug!(path = %path.display(), %error, "cannot use a partial file");
            None
        })
    }

    /// Returns the file.
    pub(crate) fn file(&self) -> &NamedTempFile {
        &self.file
    }

    /// Returns the file, to be written.
    pub(crate) fn file_mut(&mut self) -> &mut NamedTempFile {
        &mut self.file
    }

    /// Returns the file alone, which is deleted when dropped.
    pub(crate) fn into_file(self) -> NamedTempFile {
        let Self { fate, mut file } = self;
        if let Some(mut fate) = fate {
            file.disable_cleanup(false);
            fate.is_sealed = true;
        }
        file
    }

    /// Leaves what has arrived to the next operation, where the file is a partial one.
    pub(crate) fn leave(mut self) {
        if let Some(fate) = &mut self.fate {
            fate.is_sealed = fate.holds_something();
        }
    }
}

/// An ordinary temporary file: it is deleted when dropped.
impl From<NamedTempFile> for Arriving {
    fn from(file: NamedTempFile) -> Self {
        Self { fate: None, file }
    }
}

impl Fate {
    fn holds_something(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|found| found.len() > 0)
    }
}

impl Drop for Fate {
    fn drop(&mut self) {
        let stays = self.is_sealed || self.content.source_failed() && self.holds_something();
        if !stays {
            // Where it cannot be deleted, it counts as left behind.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens a partial file that nobody else writes to, and locks it; makes one where there is none.
fn open_alone(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    for _ in 0..MAX_TRIES {
        let file = match open_own(options.create_new(false), path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match open_own(options.create_new(true), path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                    file => file?,
                }
            }
            file => file?,
        };
        match locked(file, path)? {
            Locked::Alone(file) => return Ok(Some(file)),
            Locked::ByOthers => return Ok(None),
            Locked::Elsewhere => {}
        }
    }
    Ok(None)
}

/// Opens a partial file that nobody writes to and locks it, to delete it; `None` where that cannot be.
pub(crate) fn lock_abandoned(path: &Path) -> Option<File> {
    let file = open_own(OpenOptions::new().read(true).write(true), path).ok()?;
    match locked(file, path).ok()? {
        Locked::Alone(file) => Some(file),
        Locked::ByOthers | Locked::Elsewhere => None,
    }
}

/// What came of the attempt to lock a file.
enum Locked {
    Alone(File),
    ByOthers,
    /// The file has lost its name meanwhile: it was finished or deleted.
    Elsewhere,
}

fn locked(file: File, path: &Path) -> io::Result<Locked> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Locked::ByOthers),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Locked::Elsewhere),
        found => found?,
    };
    let held = file.metadata()?;
    if !is_same(&held, &found) {
        return Ok(Locked::Elsewhere);
    }
    if has_another_name(&held) {
        // A process died between giving it the place of a blob and taking away this name: a blob is never written to.
        fs::remove_file(path)?;
        return Ok(Locked::Elsewhere);
    }
    Ok(Locked::Alone(file))
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Elsewhere a file has no number that could be asked for; one that took another's place differs in one of these.
#[cfg(not(unix))]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    let of = |file: &fs::Metadata| (file.len(), file.modified().ok(), file.created().ok());
    of(one) == of(other)
}

#[cfg(unix)]
fn has_another_name(file: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) > 1
}

/// Elsewhere files get their places by renaming alone.
#[cfg(not(unix))]
fn has_another_name(_: &fs::Metadata) -> bool {
    false
}
