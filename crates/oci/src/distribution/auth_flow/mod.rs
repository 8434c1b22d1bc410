//! What to do about a 401: a state machine that is told the answers and says what to send next.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::{Url, form_urlencoded};

use super::challenge::{BearerChallenge, Challenge};
use super::realm::{RealmRefusal, SentTo, authority, may_send_credentials};
use super::scope::ScopeSet;
use super::token::{TokenAnswer, TokenError};
use crate::secret::Secret;

/// The name under which this client asks for tokens.
const CLIENT_ID: &str = "eigenpack";

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

/// A request to a token service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A GET, with credentials in the header or without any (distribution's `spec/auth/token.md`).
    Get {
        /// The URL, with service and scopes.
        url: Url,
        /// The credentials, where there are any.
        authorization: Option<Authorization>,
    },
    /// A POST of a form (distribution's `spec/auth/oauth.md`).
    Post {
        /// The URL.
        url: Url,
        /// The form, encoded; it holds the credentials.
        form: Secret<String>,
    },
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum AuthStep {
    /// Send the request again, with this header.
    Retry(Authorization),
    /// Send this request and hand its answer to [`AuthFlow::token_answered`]. Redirects are not to be followed with
    /// credentials.
    RequestToken(TokenRequest),
    /// Nothing: it has failed.
    GiveUp(AuthFailure),
}

/// Why a request cannot be authorised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthFailure {
    /// The registry knows who asks and says no; asking again would not help.
    #[error("the registry denies access")]
    Denied,
    /// The registry wants credentials, and there are none for it.
    #[error("the registry wants credentials, and there are none for it")]
    CredentialsRequired,
    /// The credentials were sent and not accepted.
    #[error("the credentials are not accepted")]
    CredentialsRejected,
    /// The registry demands a scheme that is not spoken here, or says nothing of what it demands.
    #[error("the registry demands no form of authentication that is known here")]
    NoKnownChallenge,
    /// Credentials must not go where the challenge wants them.
    #[error(transparent)]
    Refused(#[from] RealmRefusal),
    /// The token service does not give a token, for another reason than the credentials.
    #[error("the token service {host} answered {status}")]
    TokenService {
        /// The token service.
        host: String,
        /// What it answered.
        status: u16,
    },
    /// The token service's answer cannot be used.
    #[error("{host}: {error}")]
    Token {
        /// The token service.
        host: String,
        /// What is wrong with the answer.
        error: TokenError,
    },
}

/// The authorisation of one request to a registry, from the first 401 to a retry or the reason why not.
///
/// One retry follows one answer to a challenge. A second 401 is final, unless it says that the token's scope did not
/// suffice and names a wider one: that is tried once. A 403 is always final, and so is a 401 from anywhere but the registry.
#[derive(Clone, Debug)]
pub struct AuthFlow {
    registry: Url,
    plain_http: BTreeSet<String>,
    credential: Credential,
    scopes: ScopeSet,
    state: State,
    token: Option<TokenAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Unanswered,
    TokenRequested { host: String, widened: bool },
    Answered { widened: bool },
}

impl AuthFlow {
    /// Starts with the registry that the user named, what there is to answer with, and the scopes that the whole operation
    /// needs: they are asked for together with the challenge's own, so that one token does for all of it.
    pub fn new(registry: Url, credential: Credential, scopes: ScopeSet) -> Self {
        Self {
            registry,
            plain_http: BTreeSet::new(),
            credential,
            scopes,
            state: State::Unanswered,
            token: None,
        }
    }

    /// Allows hosts, each with its port where its URL has one, to be reached in the clear.
    #[must_use]
    pub fn with_plain_http(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.plain_http.extend(hosts);
        self
    }

    /// Returns the scopes asked for so far.
    pub fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Returns the token that was got, so that it can be kept for other requests.
    pub fn token(&self) -> Option<&TokenAnswer> {
        self.token.as_ref()
    }

    /// Takes a 401 or 403, the URL that answered it, and its challenges.
    pub fn refused(&mut self, status: u16, url: &Url, challenges: &[Challenge]) -> AuthStep {
        self.answer(status, url, challenges)
            .unwrap_or_else(AuthStep::GiveUp)
    }

    fn answer(
        &mut self,
        status: u16,
        url: &Url,
        challenges: &[Challenge],
    ) -> Result<AuthStep, AuthFailure> {
        if status != 401 {
            return Err(AuthFailure::Denied);
        }
        self.check(url, SentTo::Registry)?;
        let bearer = challenges.iter().find_map(|challenge| match challenge {
            Challenge::Bearer(bearer) => Some(bearer),
            _ => None,
        });
        let basic = challenges
            .iter()
            .any(|challenge| matches!(challenge, Challenge::Basic { .. }));
        match (bearer, &self.credential) {
            (Some(_), Credential::RegistryToken(token)) => {
                let header = Authorization::bearer(token);
                self.retry_once(header)
            }
            (Some(bearer), _) => self.request_token(url, bearer),
            (None, Credential::Basic { username, password }) if basic => {
                let header = Authorization::basic(username, password);
                self.retry_once(header)
            }
            (None, Credential::Anonymous) if basic => Err(AuthFailure::CredentialsRequired),
            // A token cannot answer a demand for a password.
            (None, _) if basic => Err(AuthFailure::CredentialsRejected),
            (None, _) => Err(AuthFailure::NoKnownChallenge),
        }
    }

    /// Takes the answer of the token service to the request that was asked for last.
    pub fn token_answered(&mut self, status: u16, body: &[u8]) -> AuthStep {
        let State::TokenRequested { host, widened } = self.state.clone() else {
            return AuthStep::GiveUp(AuthFailure::NoKnownChallenge);
        };
        let failure = match status {
            200 => match TokenAnswer::parse(body) {
                Ok(answer) => {
                    self.state = State::Answered { widened };
                    let header = Authorization::bearer(&answer.token);
                    self.token = Some(answer);
                    return AuthStep::Retry(header);
                }
                Err(error) => AuthFailure::Token { host, error },
            },
            400 | 401 | 403 => self.rejected(),
            status => AuthFailure::TokenService { host, status },
        };
        AuthStep::GiveUp(failure)
    }

    fn retry_once(&mut self, header: Authorization) -> Result<AuthStep, AuthFailure> {
        if self.state == State::Unanswered {
            self.state = State::Answered { widened: false };
            Ok(AuthStep::Retry(header))
        } else {
            Err(self.rejected())
        }
    }

    fn request_token(
        &mut self,
        asked_by: &Url,
        challenge: &BearerChallenge,
    ) -> Result<AuthStep, AuthFailure> {
        let widened = match self.state {
            State::Unanswered => false,
            State::Answered { widened: false } if self.is_too_narrow(challenge) => true,
            _ => return Err(self.rejected()),
        };
        let realm = Url::parse(&challenge.realm).map_err(|_| RealmRefusal::NotHttp)?;
        self.check(asked_by, SentTo::Realm(&realm))?;
        self.scopes.merge(&challenge.scopes);
        self.state = State::TokenRequested {
            host: authority(&realm),
            widened,
        };
        let service = challenge.service.as_deref();
        Ok(AuthStep::RequestToken(match &self.credential {
            Credential::IdentityToken(token) => self.token_post(realm, service, token),
            Credential::Basic { username, password } => self.token_get(
                realm,
                service,
                Some(Authorization::basic(username, password)),
            ),
            _ => self.token_get(realm, service, None),
        }))
    }

    fn is_too_narrow(&self, challenge: &BearerChallenge) -> bool {
        challenge.error.as_deref() == Some("insufficient_scope")
            && !self.scopes.covers(&challenge.scopes)
    }

    fn token_get(
        &self,
        mut url: Url,
        service: Option<&str>,
        authorization: Option<Authorization>,
    ) -> TokenRequest {
        // A realm may have a query of its own; what is asked for joins it. Without anything to join, no `?` is left behind.
        if service.is_some() || !self.scopes.is_empty() {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(service.map(|service| ("service", service)));
            query.extend_pairs(self.scopes.iter().map(|scope| ("scope", scope.to_string())));
        }
        TokenRequest::Get { url, authorization }
    }

    fn token_post(&self, url: Url, service: Option<&str>, token: &Secret<String>) -> TokenRequest {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("service", service.unwrap_or_default())
            .append_pair("client_id", CLIENT_ID)
            .append_pair("scope", &self.scopes.to_string())
            .append_pair("refresh_token", token.expose());
        TokenRequest::Post {
            url,
            form: Secret::new(form.finish()),
        }
    }

    fn check(&self, asked_by: &Url, sent_to: SentTo<'_>) -> Result<(), RealmRefusal> {
        may_send_credentials(&self.registry, asked_by, sent_to, |host| {
            self.plain_http.contains(host)
        })
    }

    fn rejected(&self) -> AuthFailure {
        match self.credential {
            Credential::Anonymous => AuthFailure::CredentialsRequired,
            _ => AuthFailure::CredentialsRejected,
        }
    }
}

#[cfg(test)]
mod tests;
