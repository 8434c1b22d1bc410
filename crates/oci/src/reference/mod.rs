//! References: how a user names an artifact, in a registry, in the local store, or in an OCI image layout.

mod name;
mod parse;

use std::fmt;

pub use name::{NameError, NameErrorKind, RegistryHost, Repository, Tag};
pub use parse::ReferenceError;
pub use parse::ReferenceErrorKind;

use crate::digest::Digest;

/// Which manifest of a repository is meant: by tag, by digest, by both (both must agree), or not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The tag, where one was given. `latest` is never implied.
    pub tag: Option<Tag>,
    /// The digest, where one was given.
    pub digest: Option<Digest>,
}

impl Selector {
    /// Returns what a store is to be asked for: the tag where there is one, else the digest.
    ///
    /// With both, the tag is resolved and its digest compared, so that a tag that has moved is noticed.
    pub fn tag_or_digest(&self) -> Option<TagOrDigest> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(TagOrDigest::Tag(tag.clone())),
            (None, Some(digest)) => Some(TagOrDigest::Digest(digest.clone())),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The last part of a manifest's URL in the distribution API: a tag or a digest, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TagOrDigest {
    /// A tag, which can move.
    Tag(Tag),
    /// A digest, which cannot.
    Digest(Digest),
}

impl TagOrDigest {
    /// Returns the text as it stands in a URL.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

impl fmt::Display for TagOrDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Tag> for TagOrDigest {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<Digest> for TagOrDigest {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

/// A place that holds tagged manifests: what a reference names before its tag and digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// A repository of a registry.
    Registry {
        /// The registry's host.
        host: RegistryHost,
        /// The repository there.
        repository: Repository,
    },
    /// A repository of the local store.
    Local {
        /// The repository there.
        repository: Repository,
    },
    /// An OCI image layout directory.
    Layout {
        /// The directory's path, as it was written.
        path: String,
    },
}

impl Location {
    /// Returns the repository's name, or for a layout the last part of its path.
    pub fn name(&self) -> &str {
        match self {
            Self::Registry { repository, .. } | Self::Local { repository } => {
                repository.last_component()
            }
            Self::Layout { path } => path
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default(),
        }
    }

    /// Tells whether this is a registry, and not something on this machine's disk.
    pub fn is_registry(&self) -> bool {
        matches!(self, Self::Registry { .. })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry { host, repository } => write!(f, "{host}/{repository}"),
            Self::Local { repository } => write!(f, "{repository}"),
            Self::Layout { path } => write!(f, "oci:{path}"),
        }
    }
}

/// A parsed reference: a [`Location`] and which manifest of it is meant.
///
/// ```
/// use eigenpack_oci::{Location, Reference};
/// let reference: Reference = "ghcr.io/org/my-avs:opset-0-v1".parse()?;
/// assert!(matches!(reference.location, Location::Registry { .. }));
/// assert_eq!(reference.to_string(), "ghcr.io/org/my-avs:opset-0-v1");
/// # Ok::<(), eigenpack_oci::ReferenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Where.
    pub location: Location,
    /// Which.
    pub selector: Selector,
}

impl Reference {
    /// Returns the same location with only a digest, the form that pins what was published.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> Self {
        Self {
            location: self.location.clone(),
            selector: Selector {
                tag: None,
                digest: Some(digest),
            },
        }
    }

    /// Returns the same location with only a tag.
    #[must_use]
    pub fn tagged(&self, tag: Tag) -> Self {
        Self {
            location: self.location.clone(),
            selector: Selector {
                tag: Some(tag),
                digest: None,
            },
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.location, self.selector)
    }
}
