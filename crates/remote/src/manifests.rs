//! Manifests: read in one request, written under their tags, deleted.

use eigenpack_oci::distribution::{Endpoint, ErrorCode};
use eigenpack_oci::{
    Content, Digest, FetchError, MediaType, Precondition, PushError, RawManifest, Tag, TagOrDigest,
};

use crate::answer::Answer;
use crate::deadline::Deadline;
use crate::outgoing::Outgoing;
use crate::repository::RemoteRepository;
use crate::request::{Read, Request};
use crate::stored::{check_stored, stated_digest};
use crate::transport::Method;

impl RemoteRepository {
    fn manifest_endpoint(&self, which: TagOrDigest) -> Endpoint {
        Endpoint::manifest(&self.name, which)
    }

    /// Fetches a manifest: one request, capped and verified (distribution specification, "Pulling manifests").
    pub(crate) async fn fetch_manifest(
        &self,
        which: TagOrDigest,
        deadline: Deadline,
    ) -> Result<RawManifest, FetchError> {
        let limit = self.connection.options.max_manifest_size;
        let url = self.connection.url(&self.manifest_endpoint(which.clone()));
        // Without every type in `Accept`, some registries deny that they have a manifest of the type left out.
        let accept = MediaType::MANIFESTS.map(|t| t.to_string()).join(", ");
        let request = Request::new(Method::GET, url, self.needs_to_read())
            .header("accept", accept)
            .reading(Read::UpTo(limit));
        let answer = self.connection.exchange(&request, deadline).await?;
        match answer.status {
            200 => read_manifest(answer, &which),
            404 if answer.is_repository_unknown() => Err(FetchError::RepositoryNotFound),
            404 => Err(FetchError::ManifestNotFound(which)),
            _ => Err(answer.access_error().into()),
        }
    }

    /// Puts a manifest under each tag, or under its digest where there is none.
    pub(crate) async fn put_manifest(
        &self,
        manifest: &RawManifest,
        tags: &[Tag],
        precondition: &Precondition,
    ) -> Result<(), PushError> {
        let deadline = self.connection.deadline();
        if tags.is_empty() {
            let which = TagOrDigest::Digest(manifest.digest().clone());
            let answer = self.send_manifest(manifest, which, None, deadline).await?;
            return accept_put(&answer, manifest);
        }
        for tag in tags {
            let condition = condition_header(precondition);
            let which = TagOrDigest::Tag(tag.clone());
            let answer = self
                .send_manifest(manifest, which, condition, deadline)
                .await?;
            // Beside the precondition, registries have rules of their own about which tags may move.
            let immutable = is_immutable(&answer);
            if answer.status != 412 && !immutable {
                accept_put(&answer, manifest)?;
                continue;
            }
            match self.tag_digest(tag, deadline).await? {
                // Somebody else's push of the same, or our own whose answer was lost.
                Some(found) if found == *manifest.digest() => {}
                _ if immutable => return Err(PushError::ImmutableTag { tag: tag.clone() }),
                found => {
                    let tag = tag.clone();
                    return Err(PushError::Conflict { tag, found });
                }
            }
        }
        Ok(())
    }

    async fn send_manifest(
        &self,
        manifest: &RawManifest,
        which: TagOrDigest,
        condition: Option<(&'static str, String)>,
        deadline: Deadline,
    ) -> Result<Answer, PushError> {
        let url = self.connection.url(&self.manifest_endpoint(which));
        let content = Content::Bytes(manifest.bytes().clone());
        let content = Outgoing::new(manifest.descriptor(), content)?;
        let mut request = Request::new(Method::PUT, url, self.needs_to_write())
            .content(manifest.media_type().as_str(), content);
        request.headers.extend(condition);
        Ok(self.connection.exchange(&request, deadline).await?)
    }

    /// Reads what a tag names now, after the registry refused to move it.
    async fn tag_digest(&self, tag: &Tag, deadline: Deadline) -> Result<Option<Digest>, PushError> {
        let which = TagOrDigest::Tag(tag.clone());
        match self.fetch_manifest(which, deadline).await {
            Ok(manifest) => Ok(Some(manifest.digest().clone())),
            // Where nothing but blobs was pushed, there may be no repository yet.
            Err(FetchError::ManifestNotFound(_) | FetchError::RepositoryNotFound) => Ok(None),
            Err(FetchError::Access(error)) => Err(error.into()),
            Err(error) => Err(PushError::Source(Box::new(error))),
        }
    }

    /// Deletes a tag, or a manifest with its tags (distribution specification, "Deleting tags", "Deleting Manifests").
    pub(crate) async fn delete_manifest(&self, which: TagOrDigest) -> Result<(), PushError> {
        let url = self.connection.url(&self.manifest_endpoint(which.clone()));
        let request = Request::new(Method::DELETE, url, self.needs_to_delete());
        let deadline = self.connection.deadline();
        let answer = self.connection.exchange(&request, deadline).await?;
        match (answer.status, which) {
            (200..=299, _) => Ok(()),
            // The first try did it, and its answer was lost.
            (404, _) if answer.may_be_second => Ok(()),
            (404, _) if answer.is_repository_unknown() => Err(PushError::RepositoryNotFound),
            (404, which) => Err(PushError::ManifestNotFound(which)),
            (400 | 405, TagOrDigest::Tag(_)) => Err(PushError::Unsupported("delete a tag")),
            (405, TagOrDigest::Digest(_)) => Err(PushError::Unsupported("delete a manifest")),
            (400, TagOrDigest::Digest(_)) if answer.errors().has(&ErrorCode::Unsupported) => {
                Err(PushError::Unsupported("delete a manifest"))
            }
            _ => Err(answer.access_error().into()),
        }
    }
}

/// Reads a manifest's answer, verified by the digest that was asked for, else by the one that the registry states.
fn read_manifest(answer: Answer, which: &TagOrDigest) -> Result<RawManifest, FetchError> {
    let stated = stated_digest(&answer);
    let expected = match which {
        TagOrDigest::Digest(digest) => Some(digest),
        TagOrDigest::Tag(_) => stated.as_ref(),
    };
    let content_type = answer.headers.get("content-type");
    let content_type = content_type.and_then(|text| MediaType::from_content_type(text).ok());
    let manifest = RawManifest::from_outside(answer.body, content_type.as_ref(), expected)?;
    Ok(manifest)
}

/// Renders a precondition for a registry that checks it atomically; others ignore the header.
fn condition_header(precondition: &Precondition) -> Option<(&'static str, String)> {
    match precondition {
        Precondition::Any => None,
        Precondition::Absent => Some(("if-none-match", "*".to_owned())),
        Precondition::Is(digest) => Some(("if-match", format!("\"{digest}\""))),
    }
}

/// Tells whether a refusal is about a tag that may not be moved; there is no code for it in the specification.
fn is_immutable(answer: &Answer) -> bool {
    let refused = matches!(answer.status, 400 | 403 | 405 | 409 | 412 | 422);
    refused && answer.errors().mentions("immutab")
}

/// Reads the answer to a PUT of a manifest.
fn accept_put(answer: &Answer, manifest: &RawManifest) -> Result<(), PushError> {
    if answer.is_success() {
        return check_stored(answer, |algorithm| {
            let mut hasher = algorithm.hasher()?;
            hasher.update(manifest.bytes());
            Some(hasher.finish())
        });
    }
    let errors = answer.errors();
    let missing = [
        ErrorCode::ManifestBlobUnknown,
        ErrorCode::BlobUnknown,
        ErrorCode::ManifestUnknown,
    ];
    if missing.iter().any(|code| errors.has(code)) {
        let message = errors.errors.into_iter().find_map(|e| e.message);
        return Err(PushError::MissingContent(message.unwrap_or_default()));
    }
    match answer.status {
        404 => Err(PushError::RepositoryNotFound),
        413 => Err(PushError::TooLarge {
            what: format!("the manifest {}", manifest.digest()),
        }),
        _ => Err(answer.access_error().into()),
    }
}
