//! What can go wrong when a store is read or written: one enum for reading, one for writing, and what they share.

use std::fmt;
use std::io;

use crate::asked::{AnsweredBy, Asked};
use crate::digest::Digest;
use crate::manifest::ManifestError;
use crate::reference::{Tag, TagOrDigest};
use crate::verifier::VerifyError;

/// Why something could not be read from a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The store does not have the manifest.
    #[error("there is no manifest {0}")]
    ManifestNotFound(TagOrDigest),
    /// The store does not have the blob.
    #[error("there is no blob {0}")]
    BlobNotFound(Digest),
    /// The store does not have the repository.
    #[error("there is no such repository")]
    RepositoryNotFound,
    /// The content is not what its descriptor says.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A manifest is not well formed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The content is larger than the reader allows.
    #[error("{what} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was read.
        what: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The store answered with something that is not an answer of the kind asked for.
    #[error("the answer is malformed: {0}")]
    Malformed(String),
    /// The store cannot do this.
    #[error("the store cannot {0}")]
    Unsupported(&'static str),
    /// The store could not be asked.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Why something could not be written to a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The tag is not as the precondition demanded.
    #[error("the tag {tag} is {}, which the push did not expect", .found.as_ref().map_or_else(|| "absent".to_owned(), Digest::to_string))]
    Conflict {
        /// The tag.
        tag: Tag,
        /// What the tag names now.
        found: Option<Digest>,
    },
    /// The store refuses to move the tag, whatever the precondition: it is immutable there.
    #[error("the registry does not let the tag {tag} be moved")]
    ImmutableTag {
        /// The tag.
        tag: Tag,
    },
    /// The store acknowledged another digest than that of the bytes it was sent.
    #[error("{sent} was sent, but the store says that it keeps {kept}")]
    StoredOtherwise {
        /// What was sent.
        sent: Digest,
        /// What the store says that it has.
        kept: Digest,
    },
    /// The content that was to be sent is not what its descriptor says.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The content that was to be sent could not be read.
    #[error("the content to be sent cannot be read")]
    Content(#[source] io::Error),
    /// The content that was to be sent could not be fetched.
    #[error("the content to be sent cannot be fetched")]
    Source(#[source] Box<FetchError>),
    /// Something that the manifest refers to is not in the store.
    #[error("the manifest refers to something that the store does not have: {0}")]
    MissingContent(String),
    /// The store does not accept content of this size.
    #[error("{what} is larger than the store accepts")]
    TooLarge {
        /// What was sent.
        what: String,
    },
    /// The store does not have the repository and does not make one by itself.
    #[error("there is no such repository, and the registry does not make one by itself")]
    RepositoryNotFound,
    /// The store did not find what was to be deleted or tagged.
    #[error("there is no manifest {0}")]
    ManifestNotFound(TagOrDigest),
    /// The store answered with something that is not an answer of the kind asked for.
    #[error("the answer is malformed: {0}")]
    Malformed(String),
    /// The store cannot do this.
    #[error("the store cannot {0}")]
    Unsupported(&'static str),
    /// The store could not be asked.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Why a store could not be asked at all, or refused to answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// A file or directory of the store could not be used.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The path it was tried on.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The store on disk is not one that this version can use.
    #[error("{path} cannot be used as a store: {reason}")]
    Store {
        /// The store's path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry could not be reached, or the connection broke.
    #[error("{host}: {kind}")]
    Network {
        /// The host and port.
        host: String,
        /// How the network failed.
        kind: NetworkErrorKind,
        /// The transport's own words.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The registry wants credentials and there are none, or it does not accept the ones that there are.
    #[error("{}", Unauthenticated(.0))]
    Unauthenticated(#[source] Box<RegistryAnswer>),
    /// The registry knows who asks and says no: with 403, or with 401 to a token that allows less than is needed.
    #[error("{}", Denied(.0))]
    Denied(#[source] Box<RegistryAnswer>),
    /// Credentials that somebody has set up for the registry could not be had.
    #[error("cannot get the credentials for {registry}")]
    Credentials {
        /// The registry that wants them.
        registry: String,
        /// Why they could not be had.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The registry asks to come back later (429).
    #[error("{0}: too many requests")]
    RateLimited(Box<RegistryAnswer>),
    /// The registry answered with another status than the protocol has for this request.
    #[error("{0}")]
    Registry(Box<RegistryAnswer>),
    /// The server's answer would have led to a place where a request must not go.
    #[error("{host}: {reason}")]
    Refused {
        /// The host that answered.
        host: String,
        /// Where it would have led, and why not.
        reason: String,
    },
}

/// How the network failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkErrorKind {
    /// The name does not resolve.
    #[error("the host name cannot be resolved")]
    Resolve,
    /// Nothing listens there, or no way leads there.
    #[error("cannot connect")]
    Connect,
    /// The TLS handshake failed: an unknown authority, another name, an expired certificate.
    #[error("no secure connection can be made")]
    Tls,
    /// It took longer than allowed.
    #[error("timed out")]
    Timeout,
    /// The connection ended before the answer did.
    #[error("the connection broke")]
    Broken,
}

/// What a registry said when it did not do what was asked; safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryAnswer {
    /// The host and port that answered.
    pub host: String,
    /// The method and the path asked for.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// The specification's error code, where the body had one.
    pub code: Option<String>,
    /// The registry's message, without control characters.
    pub message: Option<String>,
    /// What was asked, and as whom.
    pub asked: Asked,
}

impl std::error::Error for RegistryAnswer {}

impl fmt::Display for RegistryAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answered {} to {}",
            self.host, self.status, self.request
        )?;
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(f, " ({code}: {message})"),
            (Some(text), None) | (None, Some(text)) => write!(f, " ({text})"),
            (None, None) => Ok(()),
        }
    }
}

/// The words of [`AccessError::Unauthenticated`].
struct Unauthenticated<'a>(&'a RegistryAnswer);

impl fmt::Display for Unauthenticated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RegistryAnswer { host, asked, .. } = self.0;
        let registry = &asked.registry;
        match (asked.answered_by, &asked.credentials) {
            (AnsweredBy::Elsewhere, _) => write!(
                f,
                "{host}, to which {registry} leads, wants credentials, and gets none of those for {registry}"
            ),
            (_, None) => {
                write!(f, "{registry} wants credentials")?;
                if let Some(repository) = &asked.repository {
                    write!(f, " for {repository}")?;
                }
                f.write_str(", and there are none")
            }
            (AnsweredBy::TokenService, Some(credentials)) if host != registry => write!(
                f,
                "{host}, which gives out the tokens for {registry}, does not accept {credentials}"
            ),
            (_, Some(credentials)) => write!(f, "{registry} does not accept {credentials}"),
        }
    }
}

/// The words of [`AccessError::Denied`].
struct Denied<'a>(&'a RegistryAnswer);

impl fmt::Display for Denied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RegistryAnswer { host, asked, .. } = self.0;
        let registry = &asked.registry;
        if asked.answered_by == AnsweredBy::Elsewhere {
            return write!(f, "{host}, to which {registry} leads, denies access");
        }
        write!(f, "{registry} denies {} access", asked.action)?;
        if let Some(repository) = &asked.repository {
            write!(f, " to {repository}")?;
        }
        match &asked.credentials {
            Some(credentials) => write!(f, " for {credentials}")?,
            None => f.write_str(" without credentials")?,
        }
        match &asked.missing_scope {
            Some(scope) => write!(f, "; the token lacks {scope}"),
            None => Ok(()),
        }
    }
}
