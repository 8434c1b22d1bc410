//! How blobs come to lie where they lie: verified, on disk, and shared between repositories.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use eigenpack_oci::{AccessError, Content, Descriptor, Digest};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use crate::age::{open_to_touch, touch};
use crate::blob_dir::BlobDir;
use crate::blocking::{Abandoned, cannot};
use crate::directories::create_dirs;
use crate::durable::temporary_in;
use crate::files::{directory_of, each_chunk, open_file};
use crate::intact::{FileState, Intact};
use crate::lock::FileLock;
use crate::partial::Arriving;
use crate::reuse::MAX_READERS;
use crate::steps::{link, rename, rename_new, sync_dir, sync_file, write};

/// The smallest blob of which a part is kept when the rest does not come, in bytes. What is smaller soon comes again.
const MIN_RESUMED: u64 = 1024 * 1024;

/// The time that a file was given when it was made young; `None` where it was given none.
pub(crate) type Given = Option<SystemTime>;

/// A directory of blobs that can be written, and the pool that it shares them with.
#[derive(Debug)]
pub(crate) struct BlobStore {
    pub(crate) blobs: BlobDir,
    /// The directory that the blobs are in.
    top: PathBuf,
    /// What was found intact, here and in all that share the pool.
    pub(crate) intact: Arc<Intact>,
    /// Those who read large blobs to verify them, here and in all that share the pool.
    pub(crate) readers: Arc<Semaphore>,
    /// Where temporary files are made, on the same file system.
    scratch: PathBuf,
    /// Where blobs are kept once for many of these; `None` where this is the pool itself, or a layout on its own.
    pub(crate) pool: Option<Arc<BlobStore>>,
    /// The lock that a collector of garbage holds alone and everybody else shares; `None` where nobody collects.
    collector: Option<PathBuf>,
}

impl BlobStore {
    /// Makes a store of blobs; `collector` is the lock file, where garbage is collected.
    pub(crate) fn new(blobs: PathBuf, scratch: PathBuf, collector: Option<PathBuf>) -> Self {
        Self {
            top: directory_of(&blobs).to_owned(),
            blobs: BlobDir::new(blobs),
            intact: Arc::default(),
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            scratch,
            pool: None,
            collector,
        }
    }

    /// Makes a store of blobs whose files are those of a pool.
    pub(crate) fn sharing(blobs: PathBuf, scratch: PathBuf, pool: Arc<BlobStore>) -> Self {
        Self {
            top: directory_of(&blobs).to_owned(),
            blobs: BlobDir::new(blobs),
            intact: pool.intact.clone(),
            readers: pool.readers.clone(),
            scratch,
            collector: pool.collector.clone(),
            pool: Some(pool),
        }
    }

    /// Returns the directory, for reading.
    pub(crate) fn dir(&self) -> &BlobDir {
        &self.blobs
    }

    /// Returns the size of a blob that the pool has; without a pool there is none.
    pub(crate) fn pooled_size(&self, digest: &Digest) -> Result<Option<u64>, AccessError> {
        match &self.pool {
            Some(pool) => pool.blobs.size(digest),
            None => Ok(None),
        }
    }

    /// Creates the file that a blob is written to before it is known to be good.
    pub(crate) fn temporary(&self) -> Result<NamedTempFile, AccessError> {
        match &self.pool {
            Some(pool) => pool.temporary(),
            None => temporary_in(&self.scratch),
        }
    }

    /// Opens the file that content from a stream is written to: for a large blob the partial one, where it can be had.
    pub(crate) fn arriving(
        &self,
        descriptor: &Descriptor,
        content: &Content,
    ) -> Result<Arriving, AccessError> {
        if let Some(pool) = &self.pool {
            return pool.arriving(descriptor, content);
        }
        let partial = (descriptor.size >= MIN_RESUMED)
            .then(|| Arriving::partial(&self.scratch, &descriptor.digest, content))
            .flatten();
        match partial {
            Some(partial) => Ok(partial),
            None => Ok(self.temporary()?.into()),
        }
    }

    /// Tells whether a blob of this size is there, and keeps it from being collected for a while.
    pub(crate) fn has(&self, descriptor: &Descriptor) -> Result<bool, AccessError> {
        Ok(self.found(descriptor)?.is_some())
    }

    /// The same; tells also the time that the file was given to make it young.
    pub(crate) fn found(&self, descriptor: &Descriptor) -> Result<Option<Given>, AccessError> {
        let is_there = || Ok(self.blobs.size(&descriptor.digest)? == Some(descriptor.size));
        if !is_there()? {
            return Ok(None);
        }
        if self.collector.is_none() {
            return Ok(Some(None));
        }
        let _lock = match self.lock() {
            // A store that cannot be written can still be read; it is not collected from here either.
            Err(AccessError::Io { source, .. }) if is_write_protected(&source) => None,
            lock => lock?,
        };
        if !is_there()? {
            return Ok(None);
        }
        self.renew(descriptor)
    }

    /// Gives a file whose content was verified the place of a blob, on disk when this returns.
    pub(crate) fn keep(
        &self,
        descriptor: &Descriptor,
        file: NamedTempFile,
    ) -> Result<(), AccessError> {
        sync_file(&file)?;
        let _lock = self.lock()?;
        match &self.pool {
            None => self.place(descriptor, file)?,
            Some(pool) => {
                // The pool's name for it may be lost with the power: then it is not shared, but it is here.
                pool.place(descriptor, file)?;
                self.link_from(pool, descriptor)?;
            }
        }
        self.sync(descriptor)
    }

    pub(crate) fn sync(&self, descriptor: &Descriptor) -> Result<(), AccessError> {
        sync_dir(directory_of(&self.blobs.path(&descriptor.digest)))
    }

    pub(crate) fn lock(&self) -> Result<Option<FileLock>, AccessError> {
        self.collector.as_deref().map(FileLock::shared).transpose()
    }

    /// Makes a blob young again, so that no collector takes it before a manifest refers to it, and returns the time that it
    /// was given; `None` where it is gone.
    fn renew(&self, descriptor: &Descriptor) -> Result<Option<Given>, AccessError> {
        let path = self.blobs.path(&descriptor.digest);
        let file = match open_to_touch(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if is_write_protected(&error) => return Ok(Some(None)),
            Err(error) => return Err(cannot("open", &path)(error)),
        };
        let before = file.metadata().ok().as_ref().and_then(FileState::of);
        let now = SystemTime::now();
        match touch(&file, now) {
            Ok(()) => {
                let after = file.metadata().ok().as_ref().and_then(FileState::of);
                self.intact.renewed(&descriptor.digest, before, after);
                Ok(Some(Some(now)))
            }
            // Neither ours nor to be written by us. Who may delete it is its owner, who should see that it is in use.
            Err(error) if is_write_protected(&error) => {
                tracing::debug!(path = %path.display(), %error, "cannot renew the age of a blob");
                Ok(Some(None))
            }
            Err(error) => Err(cannot("renew the age of", &path)(error)),
        }
    }

    /// Makes what is there already young, and tells whether it can stay.
    fn is_still_good(&self, descriptor: &Descriptor) -> Result<bool, AccessError> {
        match self.renew(descriptor)? {
            Some(given) => self.is_intact(descriptor, given, &Abandoned::default()),
            None => Ok(false),
        }
    }

    /// Moves a verified file to its place; what is there already stays, unless it was damaged.
    fn place(&self, descriptor: &Descriptor, file: NamedTempFile) -> Result<(), AccessError> {
        let path = self.blobs.path(&descriptor.digest);
        create_dirs(directory_of(&path), &self.top)?;
        match rename_new(file, &path) {
            Ok(()) => Ok(()),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                if self.is_still_good(descriptor)? {
                    return Ok(());
                }
                rename(failed.file, &path).map_err(cannot("replace", &path))
            }
            Err(failed) => Err(cannot("write", &path)(failed.error)),
        }
    }

    /// Puts the pool's file in its place here as well: as a link, or as a copy where links cannot be made.
    pub(crate) fn link_from(
        &self,
        pool: &BlobStore,
        descriptor: &Descriptor,
    ) -> Result<(), AccessError> {
        let from = pool.blobs.path(&descriptor.digest);
        let path = self.blobs.path(&descriptor.digest);
        create_dirs(directory_of(&path), &self.top)?;
        match link(&from, &path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // It may be a file of its own, as old as whoever put it there.
                if self.is_still_good(descriptor)? {
                    return Ok(());
                }
                self.copy_over(&from, &path)
            }
            // Another file system, one without links, or the most links that a file can have.
            Err(_) => self.copy_over(&from, &path),
        }
    }

    fn copy_over(&self, from: &Path, path: &Path) -> Result<(), AccessError> {
        let mut file = temporary_in(&self.scratch)?;
        let mut source = open_file(from).map_err(cannot("open", from))?;
        each_chunk(&mut source, from, |bytes| write(&mut file, bytes))?;
        sync_file(&file)?;
        rename(file, path).map_err(cannot("write", path))
    }
}

/// Tells whether an error means that we may not write.
fn is_write_protected(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}
