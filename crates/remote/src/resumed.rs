//! The stream of a blob, which goes on where it was when its connection broke.

use bytes::{Buf as _, Bytes};
use eigenpack_oci::distribution::Failure;
use eigenpack_oci::{
    AccessError, BlobStream, Descriptor, FetchError, NetworkErrorKind, Verifier, VerifyError,
};
use futures_util::Stream;

use crate::blobs::Opened;
use crate::deadline::{Deadline, Retries};
use crate::repository::RemoteRepository;
use crate::transport::TransportError;

/// A blob on its way.
struct Download {
    repository: RemoteRepository,
    descriptor: Descriptor,
    /// The next byte of the blob that is handed on.
    position: u64,
    opened: Opened,
    retries: Retries,
    deadline: Deadline,
}

impl RemoteRepository {
    /// Fetches a blob from an offset on, not verified.
    pub(crate) async fn fetch_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        if offset == 0 {
            // What cannot be verified is not asked for.
            Verifier::new(&descriptor)?;
        } else if offset == descriptor.size {
            return Ok(Box::pin(futures_util::stream::empty()));
        } else if offset > descriptor.size {
            return Err(FetchError::Malformed(format!(
                "{} has {} bytes, so it cannot be read from byte {offset} on",
                descriptor.digest, descriptor.size
            )));
        }
        let deadline = self.connection.deadline();
        let opened = self.open_blob(&descriptor, offset, deadline).await?;
        let stream = stream(self.clone(), descriptor, offset, opened, deadline);
        Ok(Box::pin(stream))
    }
}

/// Makes the stream of a blob from byte `position` on, with exactly the bytes that the descriptor says are left.
///
/// A body that ends before the length it announced is a broken connection; one that announced less is a lie, and final.
fn stream(
    repository: RemoteRepository,
    descriptor: Descriptor,
    position: u64,
    opened: Opened,
    deadline: Deadline,
) -> impl Stream<Item = Result<Bytes, FetchError>> + Send + 'static {
    let policy = &repository.connection.options.retry;
    let download = Download {
        retries: Retries::new(policy, deadline),
        repository,
        descriptor,
        position,
        opened,
        deadline,
    };
    futures_util::stream::unfold(Some(download), |download| async move {
        let mut download = download?;
        match download.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(download))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl Download {
    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let chunk = self.opened.response.chunk();
            let error = match tokio::time::timeout_at(self.deadline.instant(), chunk).await {
                Ok(Ok(Some(bytes))) => match self.take(bytes)? {
                    Some(bytes) => return Ok(Some(bytes)),
                    None => continue,
                },
                Ok(Ok(None)) => return self.end(),
                // Everything is there: how the connection ended does not matter any more.
                Ok(Err(_)) if self.position == self.descriptor.size => return Ok(None),
                Ok(Err(error)) => error,
                Err(_) => TransportError::late(self.opened.response.host().to_owned()),
            };
            self.resume(error).await?;
        }
    }

    /// Takes what came; `None` where it lies before the position.
    fn take(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>, FetchError> {
        let skip = usize::try_from(self.opened.skip).unwrap_or(usize::MAX);
        let skip = skip.min(bytes.len());
        bytes.advance(skip);
        self.opened.skip -= skip as u64;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.position += bytes.len() as u64;
        self.retries.reached(self.position);
        if self.position > self.descriptor.size {
            return Err(FetchError::Verify(VerifyError::TooLong {
                digest: self.descriptor.digest.clone(),
                expected: self.descriptor.size,
            }));
        }
        Ok(Some(bytes))
    }

    fn end(&self) -> Result<Option<Bytes>, FetchError> {
        if self.position == self.descriptor.size {
            return Ok(None);
        }
        Err(FetchError::Verify(VerifyError::TooShort {
            digest: self.descriptor.digest.clone(),
            expected: self.descriptor.size,
            found: self.position,
        }))
    }

    /// Opens the blob again at the position.
    async fn resume(&mut self, error: TransportError) -> Result<(), FetchError> {
        // Others need not wait while this does, and nobody waits for a permit while holding one like it.
        self.opened.response.release();
        let again = match error.kind() {
            Some(NetworkErrorKind::Broken) => self.retries.again(Failure::Broken).await,
            Some(NetworkErrorKind::Timeout) => self.retries.again(Failure::Silent).await,
            _ => false,
        };
        if !again {
            return Err(AccessError::from(error).into());
        }
        let reopened = self
            .repository
            .open_blob(&self.descriptor, self.position, self.deadline);
        self.opened = reopened.await?;
        Ok(())
    }
}
