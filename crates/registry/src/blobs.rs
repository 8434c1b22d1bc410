//! Blobs that are there: read in whole or in part, deleted.

use eigenpack_oci::distribution::ErrorCode;
use eigenpack_oci::{Descriptor, Digest, MediaType, Repository};
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use hyper::{Method, StatusCode};

use crate::manifests::{etag, is_known};
use crate::range::{Wanted, wanted};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::respond::{self, Answer, empty, header, streamed};
use crate::router::Registry;
use crate::store::RegistryStore;

impl<S: RegistryStore> Registry<S> {
    /// Answers for one blob (distribution specification, "Pulling blobs", "Deleting Blobs").
    pub(crate) async fn blob(
        &self,
        request: &Request,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Answer, Refusal> {
        if request.reads() {
            return self.read_blob(request, repository, digest).await;
        }
        if request.method != Method::DELETE {
            return Err(Refusal::method("GET, HEAD, DELETE"));
        }
        let message = format!("there is no blob {digest}");
        if self.store.delete_blob(repository, digest).await? {
            Ok(empty(StatusCode::ACCEPTED))
        } else {
            Err(Refusal::missing(ErrorCode::BlobUnknown, message))
        }
    }

    async fn read_blob(
        &self,
        request: &Request,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Answer, Refusal> {
        let size = self.store.blob_size(repository, &digest).await?;
        let mut answer = empty(StatusCode::OK);
        respond::digest(&mut answer, &digest);
        etag(&mut answer, &digest);
        if is_known(request, &digest) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(answer);
        }
        // A range counts only for the content that the client has the rest of; by digest there is no other.
        let range = request.header(RANGE).filter(|_| {
            let other = request.header(IF_RANGE);
            request.method == Method::GET
                && other.is_none_or(|tag| tag.trim_matches('"') == digest.as_str())
        });
        let part = match wanted(range, size) {
            Wanted::Whole => 0..size,
            Wanted::Part(part) => {
                *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
                let stated = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                header(&mut answer, CONTENT_RANGE, &stated);
                part
            }
            Wanted::Unsatisfiable => {
                let message = format!("the blob has {size} bytes");
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                return Err(Refusal::new(status, ErrorCode::SizeInvalid, message)
                    .header(CONTENT_RANGE, format!("bytes */{size}")));
            }
        };
        header(&mut answer, CONTENT_TYPE, MediaType::OCTET_STREAM.as_str());
        header(&mut answer, ACCEPT_RANGES, "bytes");
        let length = part.end - part.start;
        header(&mut answer, CONTENT_LENGTH, &length.to_string());
        if request.method == Method::GET {
            let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest, size);
            let stream = self.store.blob(repository, descriptor, part).await?;
            *answer.body_mut() = streamed(stream).await?;
        }
        Ok(answer)
    }
}
