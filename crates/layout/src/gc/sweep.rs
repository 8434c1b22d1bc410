//! The removal of what is unreferenced and old.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eigenpack_oci::{AccessError, Digest};

use super::mark::Marks;
use super::{Collected, CollectedBlob, FailedBlob, GcOptions};
use crate::age::age;
use crate::blob_dir::BlobDir;
use crate::blocking::cannot;
use crate::durable::leftovers;
use crate::lock::FileLock;
use crate::store_dir::StoreDir;

/// How many files are looked at again and removed while others wait for the lock.
const BATCH: usize = 1024;

/// Collects the garbage of a store.
pub(super) fn collect(store: &StoreDir, options: GcOptions) -> Result<Collected, AccessError> {
    store.check()?;
    if !store.root().exists() {
        return Ok(Collected::default());
    }
    let mut sweep = Sweep::new(store, options);
    sweep.marks.update(store)?;
    // The pool comes last: what a repository lost on the way is still found there.
    let layouts = store.layouts()?;
    for (_, layout) in &layouts {
        sweep.look_through(&BlobDir::new(layout.blobs()))?;
    }
    sweep.look_through(store.pool().dir())?;
    sweep.remove_batch()?;
    let mut collected = sweep.finish();
    let scratches = layouts.iter().map(|(_, layout)| layout.scratch());
    for scratch in scratches.chain([store.tmp()]) {
        for leftover in leftovers(&scratch, options.min_age) {
            if options.dry_run || leftover.delete().is_ok() {
                collected.temporary_files += 1;
                collected.temporary_bytes += leftover.size;
            }
        }
    }
    Ok(collected)
}

struct Sweep<'a> {
    store: &'a StoreDir,
    options: GcOptions,
    marks: Marks,
    batch: Vec<Candidate>,
    removed: BTreeMap<Digest, u64>,
    /// Why blobs are still there that should not be.
    failed: BTreeMap<Digest, AccessError>,
    young: HashSet<Digest>,
}

/// A file that the first pass found to be garbage.
struct Candidate {
    path: PathBuf,
    digest: Digest,
}

impl<'a> Sweep<'a> {
    fn new(store: &'a StoreDir, options: GcOptions) -> Self {
        Self {
            store,
            options,
            marks: Marks::default(),
            batch: Vec::new(),
            removed: BTreeMap::new(),
            failed: BTreeMap::new(),
            young: HashSet::new(),
        }
    }

    fn look_through(&mut self, blobs: &BlobDir) -> Result<(), AccessError> {
        blobs.each(|digest, metadata| {
            if self.marks.contains(&digest) {
                return Ok(());
            }
            if !self.is_old(metadata) {
                self.young.insert(digest);
                return Ok(());
            }
            if self.options.dry_run {
                self.removed.insert(digest, metadata.len());
                return Ok(());
            }
            let path = blobs.path(&digest);
            self.batch.push(Candidate { path, digest });
            if self.batch.len() < BATCH {
                return Ok(());
            }
            self.remove_batch()
        })
    }

    /// Removes what is garbage still, while nobody can be told that it is there.
    fn remove_batch(&mut self) -> Result<(), AccessError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let _lock = FileLock::exclusive(&self.store.collector_lock())?;
        self.marks.update(self.store)?;
        for Candidate { path, digest } in std::mem::take(&mut self.batch) {
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.failed.insert(digest, cannot("open", &path)(error));
                    continue;
                }
            };
            if self.marks.contains(&digest) {
                self.removed.remove(&digest);
            } else if !self.is_old(&metadata) {
                self.removed.remove(&digest);
                self.young.insert(digest);
            } else {
                self.remove(&path, digest, metadata.len());
            }
        }
        Ok(())
    }

    /// Removes one file; what cannot be removed does not keep the others.
    fn remove(&mut self, path: &Path, digest: Digest, size: u64) {
        match fs::remove_file(path) {
            Ok(()) => {
                tracing::debug!(path = %path.display(), "removed an unreferenced blob");
                self.removed.insert(digest, size);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.failed.insert(digest, cannot("delete", path)(error));
            }
        }
    }

    /// A file whose age cannot be told is young.
    fn is_old(&self, metadata: &Metadata) -> bool {
        age(metadata).unwrap_or(Duration::ZERO) >= self.options.min_age
    }

    fn finish(self) -> Collected {
        // A blob of which one file is left was not removed, though others of its files were.
        let blobs = self
            .removed
            .into_iter()
            .filter(|(digest, _)| !self.failed.contains_key(digest))
            .map(|(digest, size)| CollectedBlob { digest, size });
        Collected {
            blobs: blobs.collect(),
            failed: self
                .failed
                .into_iter()
                .map(|(digest, error)| FailedBlob { digest, error })
                .collect(),
            young: self.young.len(),
            unreadable: self.marks.into_unreadable(),
            ..Collected::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_removed_is_told_beside_what_was() {
        let directory = tempfile::tempdir().unwrap();
        let store = StoreDir::new(directory.path().to_owned());
        let mut sweep = Sweep::new(&store, GcOptions::default());
        let [one, two] = ["one", "two"].map(|name| Digest::sha256(name.as_bytes()));
        for name in ["one", "linked", "two"] {
            let path = directory.path().join(name);
            fs::write(&path, "").unwrap();
            let digest = if name == "two" { &two } else { &one };
            sweep.remove(&path, digest.clone(), 7);
            assert!(!path.exists());
        }
        // A directory is one of the few things that nobody at all can remove as a file.
        sweep.remove(directory.path(), two.clone(), 7);
        sweep.remove(&directory.path().join("gone"), one.clone(), 7);
        let Collected { blobs, failed, .. } = sweep.finish();
        assert_eq!(
            blobs,
            [CollectedBlob {
                digest: one,
                size: 7
            }]
        );
        let failed: Vec<_> = failed.into_iter().map(|failed| failed.digest).collect();
        assert_eq!(failed, [two]);
    }
}
