//! The removal of what is unreferenced and old.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use eigenpack_oci::{AccessError, Digest};

use super::mark::Marks;
use super::{Collected, CollectedBlob, GcOptions};
use crate::blob_dir::BlobDir;
use crate::blocking::cannot;
use crate::durable::{age, leftovers};
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
    let mut sweep = Sweep {
        store,
        options,
        marks: Marks::default(),
        batch: Vec::new(),
        removed: BTreeMap::new(),
        young: HashSet::new(),
    };
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
        for (path, size) in leftovers(&scratch, options.min_age) {
            if options.dry_run || fs::remove_file(path).is_ok() {
                collected.temporary_files += 1;
                collected.temporary_bytes += size;
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
    young: HashSet<Digest>,
}

/// A file that the first pass found to be garbage.
struct Candidate {
    path: PathBuf,
    digest: Digest,
}

impl Sweep<'_> {
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
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                found => found.map_err(cannot("open", &path))?,
            };
            if self.marks.contains(&digest) {
                self.removed.remove(&digest);
            } else if !self.is_old(&metadata) {
                self.removed.remove(&digest);
                self.young.insert(digest);
            } else {
                fs::remove_file(&path).map_err(cannot("delete", &path))?;
                tracing::debug!(path = %path.display(), "removed an unreferenced blob");
                self.removed.insert(digest, metadata.len());
            }
        }
        Ok(())
    }

    /// A file whose age cannot be told is young.
    fn is_old(&self, metadata: &Metadata) -> bool {
        age(metadata).unwrap_or(Duration::ZERO) >= self.options.min_age
    }

    fn finish(self) -> Collected {
        let blobs = self.removed.into_iter();
        Collected {
            blobs: blobs
                .map(|(digest, size)| CollectedBlob { digest, size })
                .collect(),
            young: self.young.len(),
            unreadable: self.marks.into_unreadable(),
            ..Collected::default()
        }
    }
}
