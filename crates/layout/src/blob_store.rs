//! How blobs come to lie where they lie: verified, on disk, and shared between repositories.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use eigenpack_oci::{AccessError, Content, Descriptor, Digest, Pushed};
use tempfile::NamedTempFile;

use crate::blob_dir::BlobDir;
use crate::blocking::cannot;
use crate::durable::{create_dirs, sync_dir, temporary_in};
use crate::files::{directory_of, open_file, open_regular};
use crate::lock::FileLock;
use crate::partial::Arriving;

/// The smallest blob of which a part is kept when the rest does not come, in bytes. What is smaller soon comes again.
const MIN_RESUMED: u64 = 1024 * 1024;

/// A directory of blobs that can be written, and the pool that it shares them with.
#[derive(Debug)]
pub(crate) struct BlobStore {
    blobs: BlobDir,
    /// Where temporary files are made, on the same file system.
    scratch: PathBuf,
    /// Where blobs are kept once for many of these; `None` where this is the pool itself, or a layout on its own.
    pool: Option<Arc<BlobStore>>,
    /// The lock that a collector of garbage holds alone and everybody else shares; `None` where nobody collects.
    collector: Option<PathBuf>,
}

impl BlobStore {
    /// Makes a store of blobs; `collector` is the lock file, where garbage is collected.
    pub(crate) fn new(blobs: PathBuf, scratch: PathBuf, collector: Option<PathBuf>) -> Self {
        Self {
            blobs: BlobDir::new(blobs),
            scratch,
            pool: None,
            collector,
        }
    }

    /// Makes a store of blobs whose files are those of a pool.
    pub(crate) fn sharing(blobs: PathBuf, scratch: PathBuf, pool: Arc<BlobStore>) -> Self {
        Self {
            blobs: BlobDir::new(blobs),
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
        let is_there = || Ok(self.blobs.size(&descriptor.digest)? == Some(descriptor.size));
        if self.collector.is_none() || !is_there()? {
            return is_there();
        }
        // A store that cannot be written can still be read; it is not collected from here either.
        let _lock = self.lock().ok();
        let found = is_there()?;
        if found {
            self.renew(descriptor);
        }
        Ok(found)
    }

    /// Uses what is already there, here or in the pool, instead of content that is to be pushed.
    ///
    /// All of it is read: that costs less than taking the content in, and a file that was damaged is replaced by the push.
    pub(crate) fn reuse(&self, descriptor: &Descriptor) -> Result<Option<Pushed>, AccessError> {
        if self.has(descriptor)? && self.blobs.holds(descriptor)? {
            // Whoever put it there may have died before this.
            self.sync(descriptor)?;
            return Ok(Some(Pushed::Existed));
        }
        let Some(pool) = &self.pool else {
            return Ok(None);
        };
        if !pool.has(descriptor)? || !pool.blobs.holds(descriptor)? {
            return Ok(None);
        }
        let _lock = self.lock()?;
        if pool.blobs.size(&descriptor.digest)?.is_none() {
            return Ok(None);
        }
        self.link_from(pool, descriptor)?;
        self.sync(descriptor)?;
        Ok(Some(Pushed::Mounted))
    }

    /// Gives a file whose content was verified the place of a blob, on disk when this returns.
    pub(crate) fn keep(
        &self,
        descriptor: &Descriptor,
        file: NamedTempFile,
    ) -> Result<(), AccessError> {
        let synced = file.as_file().sync_data();
        synced.map_err(cannot("write", file.path()))?;
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

    fn sync(&self, descriptor: &Descriptor) -> Result<(), AccessError> {
        sync_dir(directory_of(&self.blobs.path(&descriptor.digest)))
    }

    fn lock(&self) -> Result<Option<FileLock>, AccessError> {
        self.collector.as_deref().map(FileLock::shared).transpose()
    }

    /// Makes a blob young again, so that no collector takes it before a manifest refers to it.
    fn renew(&self, descriptor: &Descriptor) {
        let path = self.blobs.path(&descriptor.digest);
        // Windows sets times only through a handle that may write.
        let opened = if cfg!(windows) {
            open_regular(OpenOptions::new().write(true), &path)
        } else {
            open_file(&path)
        };
        if let Err(error) = opened.and_then(|file| file.set_modified(SystemTime::now())) {
            // Somebody else's file, or a disk that cannot be written: then it cannot be deleted from here either.
            tracing::debug!(path = %path.display(), %error, "cannot renew the age of a blob");
        }
    }

    /// Moves a verified file to its place; what is there already stays, unless it was damaged.
    fn place(&self, descriptor: &Descriptor, file: NamedTempFile) -> Result<(), AccessError> {
        let path = self.blobs.path(&descriptor.digest);
        create_dirs(directory_of(&path))?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(()),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                if self.blobs.holds(descriptor)? {
                    self.renew(descriptor);
                    return Ok(());
                }
                let replaced = failed.file.persist(&path);
                replaced
                    .map(drop)
                    .map_err(|f| cannot("replace", &path)(f.error))
            }
            Err(failed) => Err(cannot("write", &path)(failed.error)),
        }
    }

    /// Puts the pool's file in its place here as well: as a link, or as a copy where links cannot be made.
    fn link_from(&self, pool: &BlobStore, descriptor: &Descriptor) -> Result<(), AccessError> {
        let from = pool.blobs.path(&descriptor.digest);
        let path = self.blobs.path(&descriptor.digest);
        create_dirs(directory_of(&path))?;
        match fs::hard_link(&from, &path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if self.blobs.holds(descriptor)? {
                    // It may be a file of its own, as old as whoever put it there.
                    self.renew(descriptor);
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
        io::copy(&mut source, file.as_file_mut())
            .and_then(|_| file.as_file().sync_data())
            .and_then(|()| file.persist(path).map_err(|failed| failed.error))
            .map(drop)
            .map_err(cannot("write", path))
    }
}
