//! What a token service answers.

use std::time::Duration;

use serde::Deserialize;

use crate::secret::Secret;

/// The most bytes read of a token service's answer.
pub const MAX_TOKEN_SIZE: u64 = 64 * 1024;

/// How long a token is good when the answer does not say (distribution's `spec/auth/token.md`).
const DEFAULT_LIFETIME: Duration = Duration::from_mins(1);

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
    expires_in: Option<f64>,
}

impl TokenAnswer {
    /// Parses the body of an answer; `token` and `access_token` are the same thing under two names, and either may be empty.
    pub fn parse(body: &[u8]) -> Result<Self, TokenError> {
        if body.len() as u64 > MAX_TOKEN_SIZE {
            return Err(TokenError::TooLarge);
        }
        let answer: Answer = serde_json::from_slice(body).map_err(|_| TokenError::Malformed)?;
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
            .filter(|seconds| *seconds >= 1.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds.min(86_400.0)).ok());
        Ok(Self {
            token: Secret::new(token),
            lifetime: lifetime.unwrap_or(DEFAULT_LIFETIME),
            refresh_token: filled(answer.refresh_token).map(Secret::new),
        })
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

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = TokenAnswer::parse(&body);
        }
    }
}
