//! The queries of the endpoints.

use std::fmt::Write as _;

use super::{EndpointError, Page, UploadStart};
use crate::algorithm::Algorithm;
use crate::digest::Digest;
use crate::distribution::percent;
use crate::reference::{Repository, Tag};

/// How many tags a push by digest may set; the specification asks for ten at least. Each is looked for in the whole list of
/// the repository's tags, under its lock.
pub(super) const MAX_TAGS: usize = 64;

/// A query that is being rendered.
#[derive(Default)]
pub(super) struct Query {
    text: String,
}

impl Query {
    /// Returns the query with the `?` before it, or nothing where there are no parameters.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        let separator = if self.text.is_empty() { '?' } else { '&' };
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{separator}{name}=");
        percent::encode_into(&mut self.text, value);
    }

    pub(super) fn add_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }
}

/// The parameters of a query that was parsed; those that no endpoint has are ignored.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes a query. A `+` stays one: no value here holds a space, and media types hold many a `+` that was not encoded.
    pub(super) fn parse(query: &str) -> Result<Self, EndpointError> {
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((percent::decode(name)?, percent::decode(value)?))
            })
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(EndpointError::Malformed)
    }

    fn all<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn digest(&self, name: &'static str) -> Result<Option<Digest>, EndpointError> {
        Ok(self.get(name).map(str::parse).transpose()?)
    }

    pub(super) fn tags(&self) -> Result<Vec<Tag>, EndpointError> {
        if self.all("tag").nth(MAX_TAGS).is_some() {
            return Err(EndpointError::TooManyTags);
        }
        self.all("tag")
            .map(|tag| tag.parse().map_err(EndpointError::Tag))
            .collect()
    }

    pub(super) fn page(&self) -> Result<Page, EndpointError> {
        let number = |text: &str| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            text.parse()
                .ok()
                .filter(|_| digits)
                .ok_or(EndpointError::Page)
        };
        Ok(Page {
            n: self.get("n").map(number).transpose()?,
            last: self.get("last").map(str::to_owned),
        })
    }

    pub(super) fn upload_start(&self) -> Result<UploadStart, EndpointError> {
        if let Some(digest) = self.digest("mount")? {
            let from = self.get("from").map(str::parse).transpose();
            return Ok(UploadStart::Mount {
                digest,
                from: from.map_err(EndpointError::Repository)?,
            });
        }
        if let Some(digest) = self.digest("digest")? {
            return Ok(UploadStart::Single { digest });
        }
        let algorithm = self.get("digest-algorithm").map(str::parse).transpose();
        Ok(UploadStart::Session {
            algorithm: algorithm.map_err(|_| EndpointError::Algorithm)?,
        })
    }
}

impl UploadStart {
    pub(super) fn render(&self, query: &mut Query) {
        match self {
            Self::Session { algorithm } => {
                query.add_some(
                    "digest-algorithm",
                    algorithm.as_ref().map(Algorithm::as_str),
                );
            }
            Self::Single { digest } => query.add("digest", digest.as_str()),
            Self::Mount { digest, from } => {
                query.add("mount", digest.as_str());
                query.add_some("from", from.as_ref().map(Repository::as_str));
            }
        }
    }
}

impl Page {
    pub(super) fn render(&self, query: &mut Query) {
        query.add_some("n", self.n.map(|n| n.to_string()).as_deref());
        query.add_some("last", self.last.as_deref());
    }
}
