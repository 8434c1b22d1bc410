//! Credentials, and the header that carries one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::secret::Secret;

/// With what a challenge can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// With nothing: only a token that everybody gets.
    Anonymous,
    /// With a name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret<String>,
    },
    /// With a token that tokens are got with (OAuth2's refresh token).
    IdentityToken(Secret<String>),
    /// With a token that the registry itself takes.
    RegistryToken(Secret<String>),
}

/// The value of an `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization(Secret<String>);

impl Authorization {
    /// Makes the header of a name and a password (RFC 7617).
    pub fn basic(username: &str, password: &Secret<String>) -> Self {
        let pair = format!("{username}:{}", password.expose());
        Self(Secret::new(format!(
            "Basic {}",
            BASE64_STANDARD.encode(pair)
        )))
    }

    /// Makes the header of a bearer token (RFC 6750).
    pub fn bearer(token: &Secret<String>) -> Self {
        Self(Secret::new(format!("Bearer {}", token.expose())))
    }

    /// Returns the header's value, for the one place that sends it.
    pub fn header_value(&self) -> &str {
        self.0.expose()
    }
}
