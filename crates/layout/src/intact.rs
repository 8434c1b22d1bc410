//! Which blobs this process has found intact and brought to the disk, so that it does so once for each.

use std::collections::HashMap;
use std::fs::Metadata;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use eigenpack_oci::Digest;

use crate::file_cache::SETTLED_AFTER;

/// Of how many blobs it is remembered; with more, all are read again.
const MAX_KNOWN: usize = 4096;

/// The blobs that were intact and on disk, with the state that their files were in.
#[derive(Debug, Default)]
pub(crate) struct Intact(Mutex<HashMap<Digest, FileState>>);

/// What changes with the content of a file.
///
/// Unlike a [`Stamp`](crate::file_cache::Stamp) it stays the same when the file gets another name, as blobs do, and when
/// we make it young again it is known what becomes of it. Who changes a file and then sets its time back is not noticed:
/// whoever reads the blob verifies it all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileState {
    size: u64,
    modified: SystemTime,
    #[cfg(unix)]
    inode: (u64, u64),
}

impl FileState {
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Some(Self {
            size: metadata.len(),
            modified: metadata.modified().ok()?,
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino()),
        })
    }

    /// Tells whether any later change of the file shows: it was left alone for long enough, or has to the nanosecond the
    /// time that it was `given`, which no clock of a file system gives it.
    fn is_telling(&self, given: Option<SystemTime>) -> bool {
        let is_old = || {
            self.modified
                .elapsed()
                .is_ok_and(|age| age >= SETTLED_AFTER)
        };
        Some(self.modified) == given || is_old()
    }
}

impl Intact {
    /// Tells whether a blob was found intact and on disk when its file was in this state.
    pub(crate) fn has(&self, digest: &Digest, state: Option<FileState>) -> bool {
        state.is_some() && self.lock().get(digest).copied() == state
    }

    /// Remembers a blob whose file was in this state before it was read; `given` is the time that it was just given.
    pub(crate) fn add(&self, digest: &Digest, state: Option<FileState>, given: Option<SystemTime>) {
        let Some(state) = state.filter(|state| state.is_telling(given)) else {
            return;
        };
        let mut known = self.lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(digest.clone(), state);
    }

    /// Takes note of the state that a file is in since we gave it another time.
    pub(crate) fn renewed(
        &self,
        digest: &Digest,
        before: Option<FileState>,
        after: Option<FileState>,
    ) {
        if let (Some(known), Some(after)) = (self.lock().get_mut(digest), after)
            && Some(*known) == before
        {
            *known = after;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, FileState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
