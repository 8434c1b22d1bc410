//! The steps that were taken in this process, in their order.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Write(PathBuf),
    SyncFile(PathBuf),
    SyncDir(PathBuf),
    /// From what, and the new name.
    Name(PathBuf, PathBuf),
    Remove(PathBuf),
    Verify(PathBuf),
}

static TAKEN: Mutex<Vec<Step>> = Mutex::new(Vec::new());

/// Takes note of a step.
pub(super) fn taken(step: Step) {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    taken.push(step);
}

/// Returns the steps that were taken within a directory so far.
pub(crate) fn steps_in(directory: &Path) -> Vec<Step> {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_inside = |step: &&Step| match step {
        Step::Write(path)
        | Step::SyncFile(path)
        | Step::SyncDir(path)
        | Step::Name(_, path)
        | Step::Remove(path)
        | Step::Verify(path) => path.starts_with(directory),
    };
    taken.iter().filter(is_inside).cloned().collect()
}
