//! A directory of blobs, each in a file that is named by its digest.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use eigenpack_oci::{
    AccessError, BlobStream, Descriptor, Digest, FetchError, Verifier, verify_size,
};
use futures_util::stream;

use crate::blocking::{Abandoned, blocking, cannot, unusable};
use crate::file_cache::{Stamp, Stamped};
use crate::files::{CHUNK, each_chunk, names_in, open_file};

/// The `blobs` directory of a layout or of the pool.
#[derive(Clone, Debug)]
pub(crate) struct BlobDir(PathBuf);

/// A blob's file, open for reading.
struct BlobFile {
    file: File,
    path: PathBuf,
    size: u64,
}

impl BlobDir {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the path of a blob; a digest is well formed, so it can lead nowhere else.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let (algorithm, encoded) = (digest.algorithm().as_str(), digest.encoded());
        let length = self.0.as_os_str().len() + algorithm.len() + encoded.len() + 2;
        // Asked for with every read, so it is made in one piece.
        let mut path = PathBuf::with_capacity(length);
        path.extend([self.0.as_path(), algorithm.as_ref(), encoded.as_ref()]);
        path
    }

    /// Returns the size of a blob that is there.
    pub(crate) fn size(&self, digest: &Digest) -> Result<Option<u64>, AccessError> {
        let path = self.path(digest);
        match fs::metadata(&path) {
            // Anything but a file could block its reader, or never end.
            Ok(found) if !found.is_file() => Err(unusable(&path, "it is not a file")),
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("open", &path)(error)),
        }
    }

    /// Tells whether a blob is there and is what its descriptor says; reads all of it, as long as somebody waits for that.
    pub(crate) fn holds(
        &self,
        descriptor: &Descriptor,
        abandoned: &Abandoned,
    ) -> Result<bool, AccessError> {
        let Some(blob) = self.open(&descriptor.digest)? else {
            return Ok(false);
        };
        let Ok(mut verifier) = Verifier::new(descriptor) else {
            return Ok(false);
        };
        let read = each_chunk(blob.file, &blob.path, |bytes| {
            abandoned.check()?;
            verifier.update(bytes).map_err(FetchError::Verify)
        });
        match read {
            Ok(()) => Ok(verifier.finish().is_ok()),
            Err(FetchError::Access(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Reads a whole blob of at most `limit` bytes, not verified; `None` where there is none.
    pub(crate) fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, FetchError> {
        Ok(self.read_stamped(digest, limit)?.map(|(bytes, _)| bytes))
    }

    /// The same, with the stamp of what was read.
    pub(crate) fn read_stamped(
        &self,
        digest: &Digest,
        limit: u64,
    ) -> Result<Option<Stamped<Bytes>>, FetchError> {
        let Some(mut blob) = self.open(digest)? else {
            return Ok(None);
        };
        let found = blob.file.metadata().map_err(cannot("open", &blob.path))?;
        blob.size = found.len();
        if blob.size > limit {
            return Err(FetchError::TooLarge {
                what: digest.to_string(),
                limit,
            });
        }
        let stamp = Stamp::settled(&found);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(Some((blob.next(limit)?, stamp)))
    }

    /// Streams a blob of the right size from an offset on, not verified; `None` where there is none.
    pub(crate) async fn stream(
        self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<Option<BlobStream>, FetchError> {
        let wanted = descriptor.clone();
        let opened = blocking(move || -> Result<_, FetchError> {
            let Some(mut blob) = self.open(&wanted.digest)? else {
                return Ok(None);
            };
            verify_size(&wanted, blob.size)?;
            let seek = SeekFrom::Start(offset);
            blob.file.seek(seek).map_err(cannot("read", &blob.path))?;
            // Most blobs are small: their one chunk is read while we are here.
            Ok(Some((blob.next(CHUNK)?, blob)))
        });
        let Some((first, blob)) = opened.await? else {
            return Ok(None);
        };
        let chunks = stream::unfold(Some((Some(first), blob)), |state| async move {
            let (ready, blob) = state?;
            let read = match ready {
                Some(chunk) => Ok((chunk, blob)),
                None => blocking(move || next_of(blob)).await,
            };
            match read {
                Ok((chunk, _)) if chunk.is_empty() => None,
                Ok((chunk, _)) if chunk.len() < CHUNK => Some((Ok(chunk), None)),
                Ok((chunk, blob)) => Some((Ok(chunk), Some((None, blob)))),
                Err(error) => Some((Err(FetchError::from(error)), None)),
            }
        });
        Ok(Some(Box::pin(chunks)))
    }

    /// Visits the blobs that are there, one after the other; what is not a file that is named by a digest is passed over.
    pub(crate) fn each(
        &self,
        mut visit: impl FnMut(Digest, &fs::Metadata) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        for algorithm in names_in(&self.0)? {
            let directory = algorithm.path();
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => continue,
                entries => entries.map_err(cannot("list the directory", &directory))?,
            };
            for entry in entries {
                let entry = entry.map_err(cannot("list the directory", &directory))?;
                let (algorithm, encoded) = (algorithm.file_name(), entry.file_name());
                let name = format!("{}:{}", algorithm.display(), encoded.display());
                let metadata = match entry.metadata() {
                    // Somebody else was faster.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    metadata => metadata.map_err(cannot("open", &entry.path()))?,
                };
                if metadata.is_file()
                    && let Ok(digest) = name.parse()
                {
                    visit(digest, &metadata)?;
                }
            }
        }
        Ok(())
    }

    fn open(&self, digest: &Digest) -> Result<Option<BlobFile>, AccessError> {
        let Some(size) = self.size(digest)? else {
            return Ok(None);
        };
        let path = self.path(digest);
        match open_file(&path) {
            Ok(file) => Ok(Some(BlobFile { file, path, size })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("open", &path)(error)),
        }
    }
}

impl BlobFile {
    /// Reads up to `most` bytes; fewer only at the end.
    fn next(&mut self, most: usize) -> Result<Bytes, AccessError> {
        let left = usize::try_from(self.size).unwrap_or(usize::MAX);
        let mut chunk = Vec::with_capacity(left.min(most));
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        Read::by_ref(&mut self.file)
            .take(most)
            .read_to_end(&mut chunk)
            .map_err(cannot("read", &self.path))?;
        Ok(chunk.into())
    }
}

fn next_of(mut blob: BlobFile) -> Result<(Bytes, BlobFile), AccessError> {
    Ok((blob.next(CHUNK)?, blob))
}
