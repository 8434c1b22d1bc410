//! Why there is no answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use eigenpack_oci::{AccessError, NetworkErrorKind};

use crate::mask::Mask;

/// Whom a request is sent to, as may be shown, and what of the request may not.
#[derive(Clone, Debug)]
pub(super) struct Addressee {
    pub(super) host: String,
    pub(super) mask: Mask,
}

/// Why there is no answer, or no complete one.
#[derive(Debug)]
pub(crate) enum TransportError {
    /// The network did not do its part.
    Network {
        host: String,
        kind: NetworkErrorKind,
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was to be sent cannot be, whoever it is for.
    Unsendable {
        host: String,
        /// The header.
        name: &'static str,
    },
}

/// What took too long.
#[derive(Debug, thiserror::Error)]
pub(super) enum Overdue {
    #[error("no connection stood after {0:?}")]
    Connect(Duration),
    #[error("nothing moved for {0:?}")]
    Silence(Duration),
    #[error("no answer came for {0:?} after all of the content was sent")]
    Answer(Duration),
    #[error("the time for the whole operation is over")]
    Operation,
}

impl TransportError {
    /// The deadline of an operation that a host has the most to do with has come.
    pub(crate) fn late(host: String) -> Self {
        Self::Network {
            host,
            kind: NetworkErrorKind::Timeout,
            source: Overdue::Operation.into(),
        }
    }

    /// Returns how the network failed, if it did.
    pub(crate) fn kind(&self) -> Option<NetworkErrorKind> {
        match self {
            Self::Network { kind, .. } => Some(*kind),
            Self::Unsendable { .. } => None,
        }
    }
}

impl Addressee {
    pub(super) fn failed(
        &self,
        kind: NetworkErrorKind,
        source: Box<dyn Error + Send + Sync>,
    ) -> TransportError {
        TransportError::Network {
            host: self.host.clone(),
            kind,
            source: self.without_secrets(source),
        }
    }

    pub(super) fn unsendable(&self, name: &'static str) -> TransportError {
        let host = self.host.clone();
        TransportError::Unsendable { host, name }
    }

    pub(super) fn timeout(&self, overdue: Overdue) -> TransportError {
        self.failed(NetworkErrorKind::Timeout, overdue.into())
    }

    pub(super) fn classify(&self, error: reqwest::Error) -> TransportError {
        // The library's own error repeats the URL, whose query may hold what must not be shown.
        let error = error.without_url();
        let kind = if error.is_timeout() {
            NetworkErrorKind::Timeout
        } else if error.is_connect() {
            classify_connect(&error)
        } else if is_refused_certificate(&error) {
            NetworkErrorKind::Tls
        } else {
            NetworkErrorKind::Broken
        };
        self.failed(kind, error.into())
    }

    /// Returns an error, or what it says without the secrets in it: one about a certificate names the host that a server
    /// chose.
    fn without_secrets(&self, error: Box<dyn Error + Send + Sync>) -> Box<dyn Error + Send + Sync> {
        let mut said = error.to_string();
        let mut cause = error.source();
        while let Some(current) = cause {
            said = format!("{said}: {current}");
            cause = current.source();
        }
        let hidden = self.mask.hide(&said);
        if hidden == said { error } else { hidden.into() }
    }
}

/// Tells the ways of not getting a connection apart, which the library does by text only.
fn classify_connect(error: &reqwest::Error) -> NetworkErrorKind {
    let mut cause = error.source();
    while let Some(current) = cause {
        if current.to_string() == "dns error" {
            return NetworkErrorKind::Resolve;
        }
        // A failed handshake is invalid data or a sudden end, in an I/O error that may itself be wrapped in one.
        let mut io = current.downcast_ref::<io::Error>();
        while let Some(error) = io {
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) {
                return NetworkErrorKind::Tls;
            }
            io = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<io::Error>());
        }
        cause = current.source();
    }
    NetworkErrorKind::Connect
}

/// Tells whether our certificate, or that there is none, was refused: in TLS 1.3 that is said when the connection stands
/// already (RFC 8446, section 4.4.2.4).
fn is_refused_certificate(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(current) = cause {
        let text = current.to_string();
        if let Some(alert) = text.strip_prefix("received fatal alert: ") {
            return alert.contains("Certificate") || matches!(alert, "UnknownCA" | "AccessDenied");
        }
        cause = current.source();
    }
    false
}

impl From<TransportError> for AccessError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Network { host, kind, source } => Self::Network {
                host,
                kind,
                source: Some(source),
            },
            TransportError::Unsendable { host, name } => Self::Refused {
                host,
                reason: format!(
                    "the header {name:?} cannot be sent: there is a line break in its value, or another character that no header has"
                ),
            },
        }
    }
}
