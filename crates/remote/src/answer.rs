//! A registry's answer, and what its status means where it is not the one hoped for.

use std::fmt::Display;

use bytes::Bytes;
use eigenpack_oci::distribution::{ErrorCode, ErrorResponse};
use eigenpack_oci::{AccessError, Asked, FetchError, PushError, RegistryAnswer, VerifyError};
use url::Url;

use crate::mask::Mask;
use crate::outgoing::ContentError;
use crate::transport::{Headers, Method, Response};

/// An answer, after redirects, authorisation and retries.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The host that answered, as it may be shown.
    pub(crate) host: String,
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    /// The body, where it was to be read into memory.
    pub(crate) body: Bytes,
    /// The body, where it was to be streamed.
    pub(crate) stream: Option<Response>,
    /// What was asked, and as whom.
    pub(crate) asked: Asked,
    /// Whether it is from where the registry led to, in words of its choice.
    pub(crate) is_led: bool,
    /// What of the request must not be shown.
    pub(crate) mask: Mask,
    /// Whether the request was sent before, and may have been carried out then.
    pub(crate) may_be_second: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum ExchangeError {
    /// The registry could not be asked.
    Access(AccessError),
    /// The registry does not let us, or it could not be found out whether it would. That is final.
    Unauthorized(AccessError),
    /// The answer's body is over its limit.
    TooLarge {
        /// What was asked for.
        request: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// What was to be sent could not be.
    Content(ContentError),
}

impl Answer {
    /// Tells whether the status is one of success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the errors that the body names; safe to show.
    pub(crate) fn errors(&self) -> ErrorResponse {
        self.mask.errors(&self.body)
    }

    /// Makes the error of an answer that leads to where nothing may go.
    pub(crate) fn refused(&self, reason: &impl Display) -> AccessError {
        AccessError::Refused {
            host: self.host.clone(),
            reason: self.mask.hide(&reason.to_string()),
        }
    }

    /// Returns what the registry said, to be shown.
    pub(crate) fn quoted(&self) -> RegistryAnswer {
        let error = self.errors().errors.into_iter().next();
        let (code, message) = error.map_or((None, None), |e| (e.code, e.message));
        let path = self.mask.path(&self.url, self.is_led);
        RegistryAnswer {
            host: self.host.clone(),
            request: format!("{} {path}", self.method),
            status: self.status,
            code: code.map(|code| code.to_string()),
            message,
            asked: self.asked.clone(),
        }
    }

    /// Returns what the status means where it has no meaning for this request alone.
    pub(crate) fn access_error(&self) -> AccessError {
        let quoted = Box::new(self.quoted());
        match self.status {
            401 => AccessError::Unauthenticated(quoted),
            403 => AccessError::Denied(quoted),
            429 => AccessError::RateLimited(quoted),
            _ => AccessError::Registry(quoted),
        }
    }

    /// Tells whether this is a 404 of the repository rather than of something in it.
    pub(crate) fn is_repository_unknown(&self) -> bool {
        self.status == 404 && self.errors().has(&ErrorCode::NameUnknown)
    }
}

impl From<AccessError> for ExchangeError {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl From<ExchangeError> for FetchError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Access(error) | ExchangeError::Unauthorized(error) => {
                Self::Access(error)
            }
            ExchangeError::TooLarge { request, limit } => Self::TooLarge {
                what: request,
                limit,
            },
            ExchangeError::Content(ContentError::Verify(error)) => Self::Verify(error),
            ExchangeError::Content(error) => Self::Malformed(error.to_string()),
        }
    }
}

impl From<ExchangeError> for PushError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Access(error) | ExchangeError::Unauthorized(error) => {
                Self::Access(error)
            }
            ExchangeError::TooLarge { request, limit } => Self::Malformed(format!(
                "the answer to {request} has more than {limit} bytes"
            )),
            ExchangeError::Content(error) => error.into(),
        }
    }
}

impl From<ContentError> for PushError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Read(error) => Self::Content(error),
            ContentError::Verify(error) => Self::Verify(error),
        }
    }
}

impl From<VerifyError> for ExchangeError {
    fn from(error: VerifyError) -> Self {
        Self::Content(ContentError::Verify(error))
    }
}
