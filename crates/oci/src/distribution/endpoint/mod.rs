//! Every URL of the distribution API, rendered by the client and parsed by the server.

mod query;

use std::fmt;
use std::str::FromStr;

use self::query::{Parameters, Query};
use super::percent;
use crate::algorithm::Algorithm;
use crate::digest::{Digest, DigestError};
use crate::media_type::{MediaType, MediaTypeError};
use crate::reference::{NameError, Repository, Tag, TagOrDigest};

/// One URL of the distribution API (distribution specification, "Endpoints").
///
/// What is asked of it is the method's matter; the URL alone says which endpoint it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/v2/`: is this a registry?
    Ping,
    /// `/v2/<name>/manifests/<tag or digest>`.
    Manifest {
        /// The repository.
        repository: Repository,
        /// The manifest.
        which: TagOrDigest,
        /// Tags that a push by digest is to set as well (`?tag=`, repeated).
        tags: Vec<Tag>,
    },
    /// `/v2/<name>/blobs/<digest>`.
    Blob {
        /// The repository.
        repository: Repository,
        /// The blob.
        digest: Digest,
    },
    /// `/v2/<name>/blobs/uploads/`: the start of an upload.
    StartUpload {
        /// The repository.
        repository: Repository,
        /// How the upload starts.
        start: UploadStart,
    },
    /// `/v2/<name>/blobs/uploads/<session>`: an upload under way.
    ///
    /// Only a server makes these: to a client, the location of a session is opaque.
    UploadSession {
        /// The repository.
        repository: Repository,
        /// The session.
        session: SessionId,
        /// The digest that closes the upload, where the request has one.
        digest: Option<Digest>,
    },
    /// `/v2/<name>/tags/list`.
    Tags {
        /// The repository.
        repository: Repository,
        /// Which part of the list.
        page: Page,
    },
    /// `/v2/<name>/referrers/<digest>`.
    Referrers {
        /// The repository.
        repository: Repository,
        /// The subject.
        digest: Digest,
        /// The only artifact type asked for, where there is one.
        artifact_type: Option<MediaType>,
        /// The referrer after which to start. Only a server makes these: to a client, the next page's URL is opaque.
        last: Option<Digest>,
    },
    /// `/v2/_catalog`: the repositories. Not in the specification, but most registries have it.
    Catalog {
        /// Which part of the list.
        page: Page,
    },
}

/// How an upload starts (distribution specification, "Pushing blobs" and "Mounting a blob from another repository").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadStart {
    /// With a session, for whatever content comes; the algorithm is a hint for a digest that is not SHA-256.
    Session {
        /// The algorithm of the digest that will close the upload.
        algorithm: Option<Algorithm>,
    },
    /// With the content in this very request.
    Single {
        /// The content's digest.
        digest: Digest,
    },
    /// With the question whether another repository has the blob.
    Mount {
        /// The blob.
        digest: Digest,
        /// The repository to take it from; without, wherever the registry finds it.
        from: Option<Repository>,
    },
}

/// Which part of a list is asked for (distribution specification, "Listing Tags").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The most entries wanted.
    pub n: Option<u64>,
    /// The entry after which to start.
    pub last: Option<String>,
}

/// The name of an upload session in its URL: 1 to 128 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionId {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let valid = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if valid && (1..=128).contains(&text.len()) {
            Ok(Self(text.into()))
        } else {
            Err(EndpointError::Session)
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a URL is no endpoint, or an endpoint with something malformed in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No endpoint has a path of this shape.
    #[error("there is no such endpoint")]
    Unknown,
    /// The path or the query cannot mean one thing only: a cut escape, an empty or a dotted segment, a control character.
    #[error("the URL is malformed")]
    Malformed,
    /// The repository's name is not well formed.
    #[error("the repository's name is not valid: {0}")]
    Repository(NameError),
    /// A tag is not well formed.
    #[error("the tag is not valid: {0}")]
    Tag(NameError),
    /// The query names more tags than one push may set.
    #[error("one push may set at most {} tags", query::MAX_TAGS)]
    TooManyTags,
    /// A digest is not well formed.
    #[error("the digest is not valid: {0}")]
    Digest(#[from] DigestError),
    /// The digest algorithm is not well formed.
    #[error("the digest algorithm is not valid")]
    Algorithm,
    /// The session's name is not one that this server gives.
    #[error("there is no such upload")]
    Session,
    /// `n` is not a number.
    #[error("n is not a number")]
    Page,
    /// The artifact type is not a media type.
    #[error("the artifact type is not valid: {0}")]
    ArtifactType(#[from] MediaTypeError),
}

impl Endpoint {
    /// Makes the endpoint of a manifest without further tags.
    pub fn manifest(repository: &Repository, which: TagOrDigest) -> Self {
        Self::Manifest {
            repository: repository.clone(),
            which,
            tags: Vec::new(),
        }
    }

    /// Renders the path and the query, as they stand in a request line.
    pub fn to_path_and_query(&self) -> String {
        let mut query = Query::default();
        let mut path = match self {
            Self::Ping => "/v2/".to_owned(),
            Self::Manifest {
                repository,
                which,
                tags,
            } => {
                for tag in tags {
                    query.add("tag", tag.as_str());
                }
                format!("/v2/{repository}/manifests/{which}")
            }
            Self::Blob { repository, digest } => format!("/v2/{repository}/blobs/{digest}"),
            Self::StartUpload { repository, start } => {
                start.render(&mut query);
                format!("/v2/{repository}/blobs/uploads/")
            }
            Self::UploadSession {
                repository,
                session,
                digest,
            } => {
                query.add_some("digest", digest.as_ref().map(Digest::as_str));
                format!("/v2/{repository}/blobs/uploads/{session}")
            }
            Self::Tags { repository, page } => {
                page.render(&mut query);
                format!("/v2/{repository}/tags/list")
            }
            Self::Referrers {
                repository,
                digest,
                artifact_type,
                last,
            } => {
                query.add_some(
                    "artifactType",
                    artifact_type.as_ref().map(MediaType::as_str),
                );
                query.add_some("last", last.as_ref().map(Digest::as_str));
                format!("/v2/{repository}/referrers/{digest}")
            }
            Self::Catalog { page } => {
                page.render(&mut query);
                "/v2/_catalog".to_owned()
            }
        };
        path.push_str(&query.into_text());
        path
    }

    /// Parses the path and the query of a request, both exactly as they came.
    ///
    /// Each segment is decoded once, after the path was split: an encoded `/` or `..` never becomes one that counts. How
    /// long both may be is for the server to bound.
    pub fn parse(path: &str, query: Option<&str>) -> Result<Self, EndpointError> {
        let rest = match path.strip_prefix("/v2") {
            Some("" | "/") => return Ok(Self::Ping),
            Some(rest) => rest.strip_prefix('/').ok_or(EndpointError::Unknown)?,
            None => return Err(EndpointError::Unknown),
        };
        let query = Parameters::parse(query.unwrap_or_default())?;
        let segments = split_path(rest)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        // The last segments name the endpoint; a repository may hold every word that an endpoint is named by.
        match segments.as_slice() {
            ["_catalog"] => Ok(Self::Catalog {
                page: query.page()?,
            }),
            [name @ .., "blobs", "uploads", ""] | [name @ .., "blobs", "uploads"] => {
                Ok(Self::StartUpload {
                    repository: repository(name)?,
                    start: query.upload_start()?,
                })
            }
            [name @ .., "blobs", "uploads", session] => Ok(Self::UploadSession {
                repository: repository(name)?,
                session: session.parse()?,
                digest: query.digest("digest")?,
            }),
            [name @ .., "manifests", which] => Ok(Self::Manifest {
                repository: repository(name)?,
                which: tag_or_digest(which)?,
                tags: query.tags()?,
            }),
            [name @ .., "blobs", digest] => Ok(Self::Blob {
                repository: repository(name)?,
                digest: digest.parse()?,
            }),
            [name @ .., "tags", "list"] => Ok(Self::Tags {
                repository: repository(name)?,
                page: query.page()?,
            }),
            [name @ .., "referrers", digest] => Ok(Self::Referrers {
                repository: repository(name)?,
                digest: digest.parse()?,
                artifact_type: query.get("artifactType").map(str::parse).transpose()?,
                last: query.digest("last")?,
            }),
            _ => Err(EndpointError::Unknown),
        }
    }
}

/// Splits a path into decoded segments; only the last may be empty.
fn split_path(path: &str) -> Result<Vec<String>, EndpointError> {
    let count = path.split('/').count();
    path.split('/')
        .enumerate()
        .map(|(at, raw)| {
            let segment = percent::decode(raw).ok_or(EndpointError::Malformed)?;
            let misleading = matches!(segment.as_str(), "." | "..")
                || segment.contains(['/', '\\'])
                || (segment.is_empty() && at + 1 < count);
            if misleading {
                Err(EndpointError::Malformed)
            } else {
                Ok(segment)
            }
        })
        .collect()
}

fn repository(segments: &[&str]) -> Result<Repository, EndpointError> {
    segments
        .join("/")
        .parse()
        .map_err(EndpointError::Repository)
}

fn tag_or_digest(text: &str) -> Result<TagOrDigest, EndpointError> {
    // A tag holds no colon, a digest always does.
    if text.contains(':') {
        Ok(TagOrDigest::Digest(text.parse()?))
    } else {
        Ok(TagOrDigest::Tag(text.parse().map_err(EndpointError::Tag)?))
    }
}

#[cfg(test)]
mod tests;
