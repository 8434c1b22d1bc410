//! The instant that an artifact carries: UTC, whole seconds, `Z`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

/// When an artifact was created, as the text that its config and its manifest carry.
///
/// The text is what counts for the digest. [`FromStr`] and [`from_unix_seconds`](Self::from_unix_seconds) write it in one
/// form only; [`verbatim`](Self::verbatim) keeps what another tool wrote, so that its artifact can be built again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created(Box<str>);

/// A text that is not a usable instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2025-08-14T12:00:00Z (RFC 3339, years 0000 to 9999)")]
pub struct CreatedError;

impl Created {
    /// Makes the instant that is `seconds` after 1970-01-01T00:00:00Z, the meaning of `SOURCE_DATE_EPOCH`.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, CreatedError> {
        Timestamp::from_second(seconds)
            .map_err(|_| CreatedError)
            .and_then(Self::from_timestamp)
    }

    /// Keeps a text as another artifact carries it, whatever its form.
    pub fn verbatim(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    fn from_timestamp(timestamp: Timestamp) -> Result<Self, CreatedError> {
        let text = timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        // RFC 3339 has four digits for the year and no sign.
        if text.len() == "2025-08-14T12:00:00Z".len() && !text.starts_with('-') {
            Ok(Self(text.into()))
        } else {
            Err(CreatedError)
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Created {
    type Err = CreatedError;

    /// Parses RFC 3339 with any offset; a fraction of a second is cut off.
    fn from_str(text: &str) -> Result<Self, CreatedError> {
        let timestamp: Timestamp = text.parse().map_err(|_| CreatedError)?;
        Self::from_unix_seconds(
            timestamp.as_second() - i64::from(timestamp.subsec_nanosecond() < 0),
        )
    }
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_one_form() {
        for text in [
            "2025-08-14T12:00:00Z",
            "2025-08-14T14:00:00+02:00",
            "2025-08-14T12:00:00.999Z",
            "2025-08-14 12:00:00Z",
        ] {
            assert_eq!(
                text.parse::<Created>().unwrap().as_str(),
                "2025-08-14T12:00:00Z",
                "{text}"
            );
        }
        assert_eq!(
            Created::from_unix_seconds(0).unwrap().as_str(),
            "1970-01-01T00:00:00Z"
        );
        assert_eq!(
            "1969-12-31T23:59:59.5Z"
                .parse::<Created>()
                .unwrap()
                .as_str(),
            "1969-12-31T23:59:59Z"
        );
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for text in [
            "",
            "now",
            "2025-08-14",
            "2025-08-14T12:00:00",
            "2025-13-14T12:00:00Z",
        ] {
            assert_eq!(text.parse::<Created>(), Err(CreatedError), "{text}");
        }
        assert_eq!(Created::from_unix_seconds(i64::MAX), Err(CreatedError));
    }
}
