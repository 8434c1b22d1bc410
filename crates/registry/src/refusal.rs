//! What a request is answered with when it is not done: a status, a code of the specification, and words.

use eigenpack_oci::distribution::{EndpointError, ErrorCode, ErrorResponse};
use eigenpack_oci::{AccessError, FetchError, PushError, VerifyError};
use hyper::header::{CONTENT_TYPE, HeaderName};
use hyper::{Response, StatusCode};

use crate::respond::{Answer, header, whole};

/// An answer that says why not (distribution specification, "Error Codes").
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: ErrorCode,
    message: String,
    headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    /// A request that cannot be understood.
    pub(crate) fn bad(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Something that is not there.
    pub(crate) fn missing(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// A method that the endpoint does not have.
    pub(crate) fn method(allowed: &'static str) -> Self {
        let message = format!("this endpoint answers {allowed}");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::Unsupported,
            message,
        )
        .header(hyper::header::ALLOW, allowed)
    }

    /// Content that is larger than the server takes.
    pub(crate) fn too_large(what: &str, limit: u64) -> Self {
        let message = format!("{what} may have at most {limit} bytes");
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::SizeInvalid,
            message,
        )
    }

    /// A path or a query that is longer than the server reads.
    pub(crate) fn too_long(what: &str, limit: usize) -> Self {
        let message = format!("the {what} may have at most {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, ErrorCode::Unsupported, message)
    }

    /// Content that did not arrive, or not in time.
    pub(crate) fn timed_out() -> Self {
        let message = "the request took too long";
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::BlobUploadInvalid,
            message,
        )
    }

    /// Tells whether it is about content that is too large.
    pub(crate) fn is_too_large(&self) -> bool {
        self.status == StatusCode::PAYLOAD_TOO_LARGE
    }

    /// Tells whether it is the server that failed, and not the request.
    pub(crate) fn is_own_failure(&self) -> bool {
        self.status.is_server_error()
    }

    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Renders the answer.
    pub(crate) fn into_answer(self) -> Answer {
        let body = ErrorResponse::new(self.code, self.message).to_json();
        let mut answer = Response::new(whole(body.into()));
        *answer.status_mut() = self.status;
        header(&mut answer, CONTENT_TYPE, "application/json");
        for (name, value) in self.headers {
            header(&mut answer, name, &value);
        }
        answer
    }
}

impl From<EndpointError> for Refusal {
    fn from(error: EndpointError) -> Self {
        let message = error.to_string();
        match error {
            EndpointError::Unknown => Self::missing(ErrorCode::Unsupported, message),
            EndpointError::Session => Self::missing(ErrorCode::BlobUploadUnknown, message),
            EndpointError::Digest(_) | EndpointError::Algorithm => {
                Self::bad(ErrorCode::DigestInvalid, message)
            }
            EndpointError::Tag(_) => Self::bad(ErrorCode::ManifestInvalid, message),
            EndpointError::TooManyTags => {
                Self::new(StatusCode::URI_TOO_LONG, ErrorCode::Unsupported, message)
            }
            EndpointError::Page => Self::bad(
                ErrorCode::Other("PAGINATION_NUMBER_INVALID".into()),
                message,
            ),
            EndpointError::Repository(_) => Self::bad(ErrorCode::NameInvalid, message),
            _ => Self::bad(ErrorCode::Unsupported, message),
        }
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        let code = match error {
            VerifyError::TooLong { .. } | VerifyError::TooShort { .. } => ErrorCode::SizeInvalid,
            _ => ErrorCode::DigestInvalid,
        };
        Self::bad(code, error.to_string())
    }
}

impl From<FetchError> for Refusal {
    fn from(error: FetchError) -> Self {
        let message = error.to_string();
        match error {
            FetchError::ManifestNotFound(_) => Self::missing(ErrorCode::ManifestUnknown, message),
            FetchError::BlobNotFound(_) => Self::missing(ErrorCode::BlobUnknown, message),
            FetchError::RepositoryNotFound => Self::missing(ErrorCode::NameUnknown, message),
            // What is stored is not what it should be: that is the server's fault, not the request's.
            other => Self::failed(&other),
        }
    }
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Self {
        let message = error.to_string();
        match error {
            PushError::Verify(error) => error.into(),
            PushError::Conflict { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, ErrorCode::Denied, message)
            }
            PushError::TooLarge { .. } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::SizeInvalid,
                message,
            ),
            PushError::MissingContent(_) => Self::missing(ErrorCode::ManifestBlobUnknown, message),
            PushError::ManifestNotFound(_) => Self::missing(ErrorCode::ManifestUnknown, message),
            PushError::RepositoryNotFound => Self::missing(ErrorCode::NameUnknown, message),
            other => Self::failed(&other),
        }
    }
}

impl From<getrandom::Error> for Refusal {
    fn from(error: getrandom::Error) -> Self {
        Self::failed(&error)
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        Self::failed(&error)
    }
}

impl Refusal {
    /// A fault of the store. Its words name paths of this machine, so they are logged and not sent.
    fn failed(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let words: Vec<String> = causes.map(ToString::to_string).collect();
        tracing::error!(error = words.join(": "), "the store failed");
        let message = "the registry's store failed; its log says why";
        let code = ErrorCode::Other("UNKNOWN".into());
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, message)
    }
}
