//! What a token service answers.

use std::time::Duration;

use serde::Deserialize;

use crate::secret::Secret;
use crate::strict_json::Object;

/// The most bytes read of a token service's answer.
pub const MAX_TOKEN_SIZE: u64 = 64 * 1024;

/// How long a token is good when the answer does not say (distribution's `spec/auth/token.md`).
const DEFAULT_LIFETIME: Duration = Duration::from_mins(1);

/// The longest time before its end at which a token is renewed.
const MAX_MARGIN: Duration = Duration::from_secs(10);

/// A token, as a token service gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// The token itself.
    pub token: Secret<String>,
    /// How long it is good, from the moment it was given.
    pub lifetime: Duration,
    /// A token to get others with, where one was asked for.
    pub refresh_token: Option<Secret<String>>,
}

/// Why an answer holds no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not the JSON of a token answer.
    #[error("the token service's answer is not JSON")]
    Malformed,
    /// It has more bytes than such an answer ever has.
    #[error("the token service's answer has more than {MAX_TOKEN_SIZE} bytes")]
    TooLarge,
    /// Neither `token` nor `access_token` holds one.
    #[error("the token service's answer holds no token")]
    Missing,
    /// The token holds characters that no header can.
    #[error("the token service's answer holds a token that cannot be sent")]
    Unusable,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Lifetime,
}

/// A number of seconds; some services write it as text, and what is neither counts as absent.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Lifetime {
    Number(f64),
    Text(String),
    Other(serde::de::IgnoredAny),
    #[default]
    #[serde(skip)]
    Absent,
}

impl Lifetime {
    fn seconds(&self) -> Option<f64> {
        match self {
            Self::Number(seconds) => Some(*seconds),
            Self::Text(text) => text.parse().ok(),
            Self::Other(_) | Self::Absent => None,
        }
    }
}

/// Tells whether an answer of 400 says that the service knows the request, and does not accept who makes it (RFC 6749,
/// section 5.2).
pub(super) fn is_grant_refused(body: &[u8]) -> bool {
    matches!(
        oauth_error(body).as_deref(),
        Some("invalid_grant" | "invalid_client" | "unauthorized_client" | "access_denied")
    )
}

/// Tells whether an answer of 400 says that the service does not know this kind of request.
pub(super) fn is_grant_unsupported(body: &[u8]) -> bool {
    oauth_error(body).as_deref() == Some("unsupported_grant_type")
}

fn oauth_error(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct OAuthError {
        error: String,
    }
    let body = Some(body).filter(|body| body.len() as u64 <= MAX_TOKEN_SIZE)?;
    let Object::<OAuthError>(answer) = serde_json::from_slice(body).ok()?;
    Some(answer.error)
}

impl TokenAnswer {
    /// Parses the body of an answer; `token` and `access_token` are the same thing under two names, and either may be empty.
    pub fn parse(body: &[u8]) -> Result<Self, TokenError> {
        if body.len() as u64 > MAX_TOKEN_SIZE {
            return Err(TokenError::TooLarge);
        }
        let Object::<Answer>(answer) =
            serde_json::from_slice(body).map_err(|_| TokenError::Malformed)?;
        let filled = |field: Option<String>| field.filter(|text| !text.is_empty());
        let token = filled(answer.token)
            .or(filled(answer.access_token))
            .ok_or(TokenError::Missing)?;
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(TokenError::Unusable);
        }
        // Zero and nonsense mean the default as well; no token is believed to be good for ever.
        let lifetime = answer
            .expires_in
            .seconds()
            .filter(|seconds| *seconds >= 1.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds.min(86_400.0)).ok());
        Ok(Self {
            token: Secret::new(token),
            lifetime: lifetime.unwrap_or(DEFAULT_LIFETIME),
            refresh_token: filled(answer.refresh_token).map(Secret::new),
        })
    }

    /// Returns how long the token is used, counted from the moment at which it was asked for: it is renewed a tenth of its
    /// lifetime before its end, and at most ten seconds.
    ///
    /// Ten seconds alone would leave nothing of a short lifetime, and a tenth alone would waste minutes of a long one.
    /// `issued_at` is not looked at: the service's clock need not agree with ours.
    pub fn use_for(&self) -> Duration {
        let margin = MAX_MARGIN.min(self.lifetime / 10);
        self.lifetime.saturating_sub(margin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_either_name() {
        for (json, token, seconds) in [
            (r#"{"token":"a"}"#, "a", 60),
            (r#"{"access_token":"b","expires_in":300}"#, "b", 300),
            (r#"{"token":"","access_token":"c","expires_in":0}"#, "c", 60),
            (
                r#"{"token":"d","access_token":"e","expires_in":-5,"x":[]}"#,
                "d",
                60,
            ),
            (r#"{"token":"f","expires_in":1e300}"#, "f", 86_400),
            (
                r#"{"token":"g","access_token":null,"expires_in":null}"#,
                "g",
                60,
            ),
            (r#"{"token":"h","expires_in":"3599"}"#, "h", 3599),
            (r#"{"token":"i","expires_in":"soon"}"#, "i", 60),
            (r#"{"token":"j","expires_in":[1]}"#, "j", 60),
        ] {
            let answer = TokenAnswer::parse(json.as_bytes()).unwrap();
            assert_eq!(answer.token.expose(), token);
            assert_eq!(answer.lifetime.as_secs(), seconds, "{json}");
        }
    }

    #[test]
    fn says_why_there_is_none() {
        for (body, error) in [
            ("<html>", TokenError::Malformed),
            ("{}", TokenError::Missing),
            (r#"{"token":""}"#, TokenError::Missing),
            (r#"{"token":"a\r\nX: y"}"#, TokenError::Unusable),
            (&" ".repeat(64 * 1024 + 1), TokenError::TooLarge),
        ] {
            assert_eq!(TokenAnswer::parse(body.as_bytes()), Err(error));
        }
    }

    #[test]
    fn is_renewed_before_its_end() {
        for (seconds, milliseconds) in [(1, 900), (60, 54_000), (100, 90_000), (3600, 3_590_000)] {
            let json = format!(r#"{{"token":"a","expires_in":{seconds}}}"#);
            let answer = TokenAnswer::parse(json.as_bytes()).unwrap();
            assert_eq!(answer.use_for().as_millis(), milliseconds);
        }
    }

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = TokenAnswer::parse(&body);
        }
    }
}
