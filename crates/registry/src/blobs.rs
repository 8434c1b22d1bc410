//! Blobs that are there: read in whole or in part, deleted.

use eigenpack_layout::StoredBlob;
use eigenpack_oci::distribution::ErrorCode;
use eigenpack_oci::{Descriptor, Digest, MediaType, Repository};
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE};
use hyper::{Method, StatusCode};

use crate::manifests::{etag, is_known};
use crate::range::{Wanted, slice, wanted};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::respond::{self, Answer, empty, header, streamed, whole};
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
        // Who asks with HEAD may be about to push a manifest that refers to the blob, so it must last; who reads it has it.
        let stored = if request.method == Method::HEAD {
            StoredBlob::Large(self.store.blob_size(repository, &digest).await?)
        } else {
            self.store.stored_blob(repository, &digest).await?
        };
        let size = match &stored {
            StoredBlob::Whole(bytes) => bytes.len() as u64,
            StoredBlob::Large(size) => *size,
        };
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
        *answer.body_mut() = match stored {
            StoredBlob::Whole(bytes) => whole(slice(&bytes, part)),
            StoredBlob::Large(_) if request.method == Method::HEAD => return Ok(answer),
            StoredBlob::Large(size) => {
                let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest, size);
                let stream = self.store.blob(repository, descriptor, part).await?;
                streamed(stream).await?
            }
        };
        Ok(answer)
    }
}
