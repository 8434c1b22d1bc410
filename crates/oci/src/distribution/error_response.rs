//! The errors that a registry answers with, as JSON.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::deceptive::without_control_characters;

/// The most bytes of an error's body that are read.
pub const MAX_ERROR_SIZE: usize = 8 * 1024;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What went wrong, by name (distribution specification, "Error Codes").
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that is not in the specification.
            Other(Box<str>),
        }

        impl ErrorCode {
            /// Returns the code as it stands in the JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl FromStr for ErrorCode {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(match text {
                    $($text => Self::$name,)*
                    other => Self::Other(without_control_characters(other).into()),
                })
            }
        }

        #[cfg(test)]
        const ALL_CODES: &[ErrorCode] = &[$(ErrorCode::$name,)*];
    };
}

error_codes! {
    /// The registry does not have the blob.
    BlobUnknown = "BLOB_UNKNOWN",
    /// The upload cannot go on.
    BlobUploadInvalid = "BLOB_UPLOAD_INVALID",
    /// There is no such upload.
    BlobUploadUnknown = "BLOB_UPLOAD_UNKNOWN",
    /// The digest is not that of the content.
    DigestInvalid = "DIGEST_INVALID",
    /// The manifest refers to something that the registry does not have.
    ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN",
    /// The manifest is not valid.
    ManifestInvalid = "MANIFEST_INVALID",
    /// The registry does not have the manifest.
    ManifestUnknown = "MANIFEST_UNKNOWN",
    /// The repository's name is not valid.
    NameInvalid = "NAME_INVALID",
    /// The registry does not have the repository.
    NameUnknown = "NAME_UNKNOWN",
    /// The length is not that of the content.
    SizeInvalid = "SIZE_INVALID",
    /// Credentials are needed.
    Unauthorized = "UNAUTHORIZED",
    /// The registry says no.
    Denied = "DENIED",
    /// The registry cannot do this.
    Unsupported = "UNSUPPORTED",
    /// Come back later.
    TooManyRequests = "TOOMANYREQUESTS",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One error of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    /// What went wrong, where the answer has a code for it.
    pub code: Option<ErrorCode>,
    /// The same in words; safe to show.
    pub message: Option<String>,
}

/// The errors of an answer, in order; none where the body is not what the specification says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The errors.
    pub errors: Vec<ErrorDetail>,
}

#[derive(Deserialize)]
struct LenientBody {
    #[serde(default)]
    errors: Vec<LenientError>,
}

#[derive(Deserialize)]
struct LenientError {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: serde_json::Value,
}

#[derive(Serialize)]
struct Body<'a> {
    errors: Vec<BodyError<'a>>,
}

#[derive(Serialize)]
struct BodyError<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl ErrorResponse {
    /// Makes the answer of one error.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            errors: vec![ErrorDetail {
                code: Some(code),
                message: Some(message.into()),
            }],
        }
    }

    /// Reads the body of an answer.
    ///
    /// Lenient, for the status has said already that something is wrong: plain text counts as a message, a page of HTML and
    /// a body that was cut at [`MAX_ERROR_SIZE`] as nothing.
    pub fn parse(body: &[u8]) -> Self {
        let body = &body[..body.len().min(MAX_ERROR_SIZE)];
        if let Ok(read) = serde_json::from_slice::<LenientBody>(body) {
            let errors = read.errors.iter().map(LenientError::detail).collect();
            return Self { errors };
        }
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        let message = std::str::from_utf8(body)
            .ok()
            .filter(|_| !is_json)
            .map(str::trim)
            .filter(|text| !text.is_empty() && !text.starts_with(['<', '{', '[']))
            .map(without_control_characters);
        let detail = |message| ErrorDetail {
            code: None,
            message: Some(message),
        };
        Self {
            errors: message.map(detail).into_iter().collect(),
        }
    }

    /// Renders the JSON that the specification says.
    pub fn to_json(&self) -> Vec<u8> {
        let errors = self.errors.iter().map(|error| BodyError {
            code: error.code.as_ref().map(ErrorCode::as_str),
            message: error.message.as_deref(),
        });
        let body = Body {
            errors: errors.collect(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// Tells whether one of the errors has this code.
    pub fn has(&self, code: &ErrorCode) -> bool {
        self.errors.iter().any(|e| e.code.as_ref() == Some(code))
    }

    /// Tells whether a code or a message has `word` in it, in whatever case.
    pub fn mentions(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        self.errors.iter().any(|error| {
            let code = error.code.as_ref().map(ErrorCode::as_str);
            [code, error.message.as_deref()]
                .into_iter()
                .flatten()
                .any(|text| text.to_ascii_lowercase().contains(&word))
        })
    }
}

impl LenientError {
    fn detail(&self) -> ErrorDetail {
        let text = |value: &serde_json::Value| {
            let text = value.as_str().filter(|text| !text.is_empty());
            text.map(without_control_characters)
        };
        ErrorDetail {
            code: text(&self.code).and_then(|code| code.parse().ok()),
            message: text(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deceptive::{MAX_MESSAGE, is_deceptive};
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_the_json_of_the_specification() {
        let json = br#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}"#;
        let response = ErrorResponse::parse(json);
        assert!(response.has(&ErrorCode::NameUnknown));
        assert!(response.mentions("Such Repo") && !response.mentions("immutable"));
        assert_eq!(response.to_json(), json);
        assert_eq!(
            ErrorResponse::new(ErrorCode::NameUnknown, "no such repository"),
            response
        );
        for code in ALL_CODES {
            assert_eq!(code.as_str().parse().as_ref(), Ok(code));
        }
    }

    #[test]
    fn is_lenient() {
        let parsed = |body: &str| ErrorResponse::parse(body.as_bytes()).errors;
        for nothing in [
            "",
            "<html>",
            "{}",
            "[]",
            "{\"errors\":[",
            "null",
            "{\"errors\":{}}",
        ] {
            assert_eq!(parsed(nothing), [], "{nothing}");
        }
        let text = parsed("404 page not found\n");
        assert_eq!(text[0].message.as_deref(), Some("404 page not found"));
        let odd =
            parsed(r#"{"errors":[{"code":1,"message":null,"detail":{}},{"code":"X"}],"x":1}"#);
        assert_eq!(
            odd[0],
            ErrorDetail {
                code: None,
                message: None
            }
        );
        assert_eq!(odd[1].code, Some(ErrorCode::Other("X".into())));
    }

    #[test]
    fn shows_nothing_that_plays_tricks() {
        let body = r#"{"errors":[{"code":"\u001b[31mX","message":"a\u0007\n\u202e\u200b\u2028b\u0000\u009b"}]}"#;
        let error = &ErrorResponse::parse(body.as_bytes()).errors[0];
        assert_eq!(error.code.as_ref().map(ErrorCode::as_str), Some("[31mX"));
        assert_eq!(error.message.as_deref(), Some("a b"));
        let long = ErrorResponse::parse("x".repeat(5000).as_bytes());
        assert_eq!(
            long.errors[0].message.as_ref().map(String::len),
            Some(MAX_MESSAGE)
        );
    }

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..80)) {
            let response = ErrorResponse::parse(&body);
            prop_assert!(response.errors.iter().all(|e| e.message.iter().all(|m| !m.contains(is_deceptive))));
        }

        #[test]
        fn what_is_written_is_read(code in "[A-Z_]{1,20}", message in "[ -~]{1,40}") {
            let written = ErrorResponse::new(code.parse().unwrap(), message);
            prop_assert_eq!(ErrorResponse::parse(&written.to_json()), written);
        }
    }
}
