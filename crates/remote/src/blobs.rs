//! Asking for blobs, from any byte on, and whether they are there.

use eigenpack_oci::distribution::{Endpoint, download_range, served_from};
use eigenpack_oci::{Descriptor, FetchError};

use crate::answer::Answer;
use crate::deadline::Deadline;
use crate::repository::RemoteRepository;
use crate::request::{Read, Request};
use crate::transport::{Method, Response};

/// A blob's answer, which may start before the byte that was asked for.
pub(crate) struct Opened {
    pub(crate) response: Response,
    /// The bytes to pass over: a registry that knows no ranges sends everything.
    pub(crate) skip: u64,
}

impl RemoteRepository {
    fn blob_request(&self, method: Method, descriptor: &Descriptor) -> Request {
        let url = self.connection.url(&Endpoint::Blob {
            repository: self.name.clone(),
            digest: descriptor.digest.clone(),
        });
        Request::new(method, url, self.needs_to_read())
    }

    /// Asks for a blob from byte `offset` on.
    pub(crate) async fn open_blob(
        &self,
        descriptor: &Descriptor,
        offset: u64,
        deadline: Deadline,
    ) -> Result<Opened, FetchError> {
        let mut request = self.blob_request(Method::GET, descriptor);
        request = request.reading(Read::Stream(descriptor.size - offset));
        if offset > 0 {
            request = request.header("range", download_range(offset));
        }
        let mut answer = self.connection.exchange(&request, deadline).await?;
        let response = answer.stream.take();
        match (answer.status, response) {
            (200, Some(response)) => Ok(Opened {
                response,
                skip: offset,
            }),
            (206, Some(response)) => {
                let range = answer.headers.get("content-range").unwrap_or_default();
                match served_from(range) {
                    Some(start) if start == offset => Ok(Opened { response, skip: 0 }),
                    _ => Err(FetchError::Malformed(format!(
                        "byte {offset} and the rest of {} was asked for, but something else came",
                        descriptor.digest
                    ))),
                }
            }
            _ => Err(blob_error(&answer, descriptor)),
        }
    }

    pub(crate) async fn check_blob(&self, descriptor: &Descriptor) -> Result<bool, FetchError> {
        let request = self.blob_request(Method::HEAD, descriptor);
        let deadline = self.connection.deadline();
        let answer = self.connection.exchange(&request, deadline).await?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(answer.access_error().into()),
        }
    }
}

fn blob_error(answer: &Answer, descriptor: &Descriptor) -> FetchError {
    match answer.status {
        404 if answer.is_repository_unknown() => FetchError::RepositoryNotFound,
        404 => FetchError::BlobNotFound(descriptor.digest.clone()),
        _ => answer.access_error().into(),
    }
}
