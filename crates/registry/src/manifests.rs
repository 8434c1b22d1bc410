//! Manifests: read, pushed under their tags, deleted.

use eigenpack_oci::distribution::{Endpoint, ErrorCode};
use eigenpack_oci::{
    Digest, MediaType, Precondition, RawManifest, ReadManifestError, Repository, Tag, TagOrDigest,
    referrer,
};
use hyper::header::{CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION};
use hyper::{Method, StatusCode};

use crate::refusal::Refusal;
use crate::request::Request;
use crate::respond::{self, Answer, empty, header, whole};
use crate::router::Registry;
use crate::store::RegistryStore;

/// The tags that a push by digest has set (distribution specification, "Pushing Manifests").
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// The subject of a manifest, which says that referrers are listed here.
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

impl<S: RegistryStore> Registry<S> {
    /// Answers for one manifest.
    pub(crate) async fn manifest(
        &self,
        request: &mut Request,
        repository: &Repository,
        which: TagOrDigest,
        tags: Vec<Tag>,
    ) -> Result<Answer, Refusal> {
        match request.method {
            Method::GET | Method::HEAD => self.read_manifest(request, repository, which).await,
            Method::PUT => self.put_manifest(request, repository, which, tags).await,
            Method::DELETE => {
                self.store.delete_manifest(repository, which).await?;
                Ok(empty(StatusCode::ACCEPTED))
            }
            _ => Err(Refusal::method("GET, HEAD, PUT, DELETE")),
        }
    }

    /// Reads a manifest (distribution specification, "Pulling manifests").
    ///
    /// What `Accept` says changes nothing: the bytes are what the digest names, so there is nothing to negotiate.
    async fn read_manifest(
        &self,
        request: &Request,
        repository: &Repository,
        which: TagOrDigest,
    ) -> Result<Answer, Refusal> {
        let manifest = self.store.manifest(repository, which).await?;
        let mut answer = empty(StatusCode::OK);
        respond::digest(&mut answer, manifest.digest());
        etag(&mut answer, manifest.digest());
        if is_known(request, manifest.digest()) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(answer);
        }
        header(&mut answer, CONTENT_TYPE, manifest.media_type().as_str());
        *answer.body_mut() = whole(manifest.bytes().clone());
        Ok(answer)
    }

    /// Takes a manifest (distribution specification, "Pushing Manifests").
    async fn put_manifest(
        &self,
        request: &mut Request,
        repository: &Repository,
        which: TagOrDigest,
        tags: Vec<Tag>,
    ) -> Result<Answer, Refusal> {
        let precondition = precondition(request)?;
        let content_type = request.header(CONTENT_TYPE).map(str::to_owned);
        let content_type = content_type.map(|text| MediaType::from_content_type(&text));
        let content_type = content_type
            .transpose()
            .map_err(|error| Refusal::bad(ErrorCode::ManifestInvalid, error.to_string()))?;
        let limit = self.options.max_manifest_size;
        let bytes = request.whole("a manifest", limit).await?;
        let (expected, tags, named) = match &which {
            TagOrDigest::Tag(tag) => (None, vec![tag.clone()], Vec::new()),
            TagOrDigest::Digest(digest) => (Some(digest), tags.clone(), tags),
        };
        let manifest = RawManifest::from_outside(bytes, content_type.as_ref(), expected);
        let manifest = manifest.map_err(|error| match error {
            ReadManifestError::Verify(error) => error.into(),
            other => Refusal::bad(ErrorCode::ManifestInvalid, other.to_string()),
        })?;
        let digest = manifest.digest().clone();
        let subject = referrer(&manifest).map(|(subject, _)| subject);
        let pushed = self
            .store
            .push_manifest(repository, manifest, tags, precondition);
        pushed.await?;
        let mut answer = empty(StatusCode::CREATED);
        let place = Endpoint::manifest(repository, digest.clone().into());
        header(&mut answer, LOCATION, &place.to_path_and_query());
        respond::digest(&mut answer, &digest);
        for tag in named {
            header(&mut answer, OCI_TAG, tag.as_str());
        }
        if let Some(subject) = subject {
            header(&mut answer, OCI_SUBJECT, subject.as_str());
        }
        Ok(answer)
    }
}

/// Reads what must be true of the tags (RFC 9110, sections 13.1.1 and 13.1.2).
fn precondition(request: &Request) -> Result<Precondition, Refusal> {
    let unsupported = || {
        let message = "a push takes If-None-Match: * or If-Match: \"DIGEST\", and not both";
        Refusal::bad(ErrorCode::Unsupported, message)
    };
    let conditions = [IF_NONE_MATCH, IF_MATCH].map(|name| request.headers.contains_key(name));
    match conditions {
        [false, false] => Ok(Precondition::Any),
        [true, false] if request.header(IF_NONE_MATCH) == Some("*") => Ok(Precondition::Absent),
        [false, true] => request
            .header(IF_MATCH)
            .and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok())
            .map(Precondition::Is)
            .ok_or_else(unsupported),
        _ => Err(unsupported()),
    }
}

/// States the digest as the entity tag: content by digest has no better one.
pub(crate) fn etag(answer: &mut Answer, digest: &Digest) {
    header(answer, ETAG, &format!("\"{digest}\""));
}

/// Tells whether the client has the content already.
pub(crate) fn is_known(request: &Request, digest: &Digest) -> bool {
    request.header(IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',').any(|tag| {
            let tag = tag.trim().trim_start_matches("W/");
            tag == "*" || tag.trim_matches('"') == digest.as_str()
        })
    })
}
