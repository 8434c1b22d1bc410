//! Which requests a fault is for.

use std::fmt;
use std::num::NonZeroU64;

use eigenpack_oci::distribution;
use eigenpack_oci::{Repository, TagOrDigest};
use hyper::body::Body;
use hyper::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;

use super::text;

/// The requests that a rule is for: all that everything said here is true of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Requests {
    endpoint: Option<Endpoint>,
    method: Option<Method>,
    #[serde(default, deserialize_with = "text::repository")]
    repository: Option<Repository>,
    #[serde(default, deserialize_with = "text::tag_or_digest")]
    reference: Option<TagOrDigest>,
    content_over: Option<u64>,
    #[serde(default, deserialize_with = "text::some_header_value")]
    authorization_other_than: Option<String>,
    authorized: Option<bool>,
    #[serde(default)]
    when: When,
}

/// What a request is for, by its path and, for an upload under way, by its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Endpoint {
    /// `/v2/`.
    Ping,
    /// One manifest, whatever is done with it.
    Manifest,
    /// One blob: read, asked for or deleted.
    Blob,
    /// The POST that starts an upload; it may mount a blob, or carry all of it.
    UploadStart,
    /// A PATCH with part of a blob.
    UploadChunk,
    /// The PUT that closes an upload, with the blob or its last part.
    UploadClose,
    /// The question how far an upload is.
    UploadStatus,
    /// The DELETE of an upload.
    UploadCancel,
    /// The list of tags.
    Tags,
    /// The list of what refers to a manifest.
    Referrers,
    /// The list of repositories.
    Catalog,
    /// Whatever the registry does not know.
    Other,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ping => "ping",
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::UploadStart => "upload-start",
            Self::UploadChunk => "upload-chunk",
            Self::UploadClose => "upload-close",
            Self::UploadStatus => "upload-status",
            Self::UploadCancel => "upload-cancel",
            Self::Tags => "tags",
            Self::Referrers => "referrers",
            Self::Catalog => "catalog",
            Self::Other => "other",
        })
    }
}

/// A request's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Method {
    /// Read.
    Get,
    /// Read without the content.
    Head,
    /// Start an upload.
    Post,
    /// Close an upload, or write a manifest.
    Put,
    /// Go on with an upload.
    Patch,
    /// Delete, or cancel an upload.
    Delete,
}

/// Which of the requests that a rule is for; they are counted from 1 as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum When {
    /// Every one.
    #[default]
    Every,
    /// This one alone.
    Nth(NonZeroU64),
    /// So many, and then no more.
    First(NonZeroU64),
    /// Every one after so many.
    After(u64),
}

impl When {
    /// Tells whether a request counts that is the `count`th.
    pub(super) fn is_due(self, count: u64) -> bool {
        match self {
            Self::Every => true,
            Self::Nth(n) => count == n.get(),
            Self::First(n) => count <= n.get(),
            Self::After(n) => count > n,
        }
    }
}

impl Requests {
    /// Every request there is.
    pub fn all() -> Self {
        Self::default()
    }

    /// The requests to an endpoint.
    pub fn to(endpoint: Endpoint) -> Self {
        Self {
            endpoint: Some(endpoint),
            ..Self::default()
        }
    }

    /// Only those with this method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Only those to this repository.
    #[must_use]
    pub fn repository(mut self, repository: Repository) -> Self {
        self.repository = Some(repository);
        self
    }

    /// Only those that name this tag or digest in their path; for an upload, in its `digest` or `mount`.
    #[must_use]
    pub fn reference(mut self, reference: TagOrDigest) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Only those that announce more than so many bytes of content.
    #[must_use]
    pub fn content_over(mut self, bytes: u64) -> Self {
        self.content_over = Some(bytes);
        self
    }

    /// Only those whose `Authorization` is not this, or that have none.
    #[must_use]
    pub fn authorization_other_than(mut self, value: impl Into<String>) -> Self {
        self.authorization_other_than = Some(value.into());
        self
    }

    /// Only those that bring an `Authorization` header, or only those that do not.
    #[must_use]
    pub fn authorized(mut self, authorized: bool) -> Self {
        self.authorized = Some(authorized);
        self
    }

    /// Only the `n`th of them, counted from 1; 0 counts as 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        self.when(When::Nth(at_least_one(n)))
    }

    /// Only the first `n`; 0 counts as 1.
    #[must_use]
    pub fn first(self, n: u64) -> Self {
        self.when(When::First(at_least_one(n)))
    }

    /// All but the first `n`.
    #[must_use]
    pub fn after(self, n: u64) -> Self {
        self.when(When::After(n))
    }

    fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Tells which of the matching requests count.
    pub(super) fn which(&self) -> When {
        self.when
    }

    /// Tells whether everything said is true of a request.
    pub(super) fn matches(&self, seen: &Seen) -> bool {
        self.endpoint.is_none_or(|wanted| wanted == seen.endpoint)
            && (self.method).is_none_or(|wanted| Some(wanted) == seen.method)
            && (self.repository.as_ref())
                .is_none_or(|wanted| Some(wanted) == seen.repository.as_ref())
            && (self.reference.as_ref())
                .is_none_or(|wanted| Some(wanted) == seen.reference.as_ref())
            && self.content_over.is_none_or(|limit| seen.content > limit)
            && (self.authorization_other_than.as_ref()).is_none_or(|value| {
                seen.authorization.as_ref().map(HeaderValue::as_bytes) != Some(value.as_bytes())
            })
            && (self.authorized).is_none_or(|wanted| wanted == seen.authorization.is_some())
    }
}

fn at_least_one(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).unwrap_or(NonZeroU64::MIN)
}

/// A request, as far as a rule can tell it from others.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Option<Method>,
    repository: Option<Repository>,
    reference: Option<TagOrDigest>,
    /// How much content is announced, in bytes.
    content: u64,
    authorization: Option<HeaderValue>,
}

impl Seen {
    pub(crate) fn new(request: &hyper::Request<impl Body>) -> Self {
        let mut seen = Self {
            endpoint: Endpoint::Other,
            method: known(request.method()),
            repository: None,
            reference: None,
            content: request.body().size_hint().exact().unwrap_or_default(),
            authorization: request.headers().get(AUTHORIZATION).cloned(),
        };
        let uri = request.uri();
        let parsed = distribution::Endpoint::parse(uri.path(), uri.query());
        let Ok(parsed) = parsed else { return seen };
        (seen.endpoint, seen.repository, seen.reference) = parts(parsed, seen.method);
        seen
    }
}

fn known(method: &hyper::Method) -> Option<Method> {
    Some(match *method {
        hyper::Method::GET => Method::Get,
        hyper::Method::HEAD => Method::Head,
        hyper::Method::POST => Method::Post,
        hyper::Method::PUT => Method::Put,
        hyper::Method::PATCH => Method::Patch,
        hyper::Method::DELETE => Method::Delete,
        _ => return None,
    })
}

fn parts(
    parsed: distribution::Endpoint,
    method: Option<Method>,
) -> (Endpoint, Option<Repository>, Option<TagOrDigest>) {
    use distribution::{Endpoint as Parsed, UploadStart};
    let by_digest = |digest| Some(TagOrDigest::Digest(digest));
    match parsed {
        Parsed::Ping => (Endpoint::Ping, None, None),
        Parsed::Manifest {
            repository, which, ..
        } => (Endpoint::Manifest, Some(repository), Some(which)),
        Parsed::Blob { repository, digest } => {
            (Endpoint::Blob, Some(repository), by_digest(digest))
        }
        Parsed::StartUpload { repository, start } => {
            let digest = match start {
                UploadStart::Single { digest } | UploadStart::Mount { digest, .. } => Some(digest),
                UploadStart::Session { .. } => None,
            };
            let reference = digest.map(TagOrDigest::Digest);
            (Endpoint::UploadStart, Some(repository), reference)
        }
        Parsed::UploadSession {
            repository, digest, ..
        } => {
            let endpoint = match method {
                Some(Method::Patch) => Endpoint::UploadChunk,
                Some(Method::Put) => Endpoint::UploadClose,
                Some(Method::Get | Method::Head) => Endpoint::UploadStatus,
                Some(Method::Delete) => Endpoint::UploadCancel,
                _ => Endpoint::Other,
            };
            (endpoint, Some(repository), digest.map(TagOrDigest::Digest))
        }
        Parsed::Tags { repository, .. } => (Endpoint::Tags, Some(repository), None),
        Parsed::Referrers {
            repository, digest, ..
        } => (Endpoint::Referrers, Some(repository), by_digest(digest)),
        Parsed::Catalog { .. } => (Endpoint::Catalog, None, None),
        _ => (Endpoint::Other, None, None),
    }
}
