//! What to do about a 401: a state machine that is told the answers and says what to send next.

mod credential;
mod token_request;

use std::collections::BTreeSet;

use url::Url;

use super::challenge::{BearerChallenge, Challenge};
use super::realm::{RealmRefusal, SentTo, authority, may_send_credentials};
use super::scope::ScopeSet;
use super::token::{TokenAnswer, TokenError, is_grant_refused, is_grant_unsupported};

pub use credential::{Authorization, Credential};
use token_request::Dialect;
pub use token_request::TokenRequest;

/// What a challenge says of a token that allows too little, and of one that is no good (RFC 6750, section 3.1).
const INSUFFICIENT_SCOPE: &str = "insufficient_scope";
const INVALID_TOKEN: &str = "invalid_token";

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
    /// The credentials got a token, and the registry does not take it for this: it allows less than was asked for.
    #[error("the token lacks {missing}")]
    TokenTooNarrow {
        /// What the registry demands.
        missing: ScopeSet,
    },
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
///
/// Tokens are asked for with GET, those for an identity token with POST. A service that does not know the one (404, 405, or
/// 400 with `unsupported_grant_type`) is asked with the other: the identity token then stands as the password of the user
/// `<token>`, and a password goes with the grant of that name. A 401 or 403 is no such answer: it is about the credentials,
/// and those are not tried twice.
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
    TokenRequested(Pending),
    Answered { widened: bool },
}

/// A token that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    realm: Url,
    service: Option<String>,
    dialect: Dialect,
    /// Whether the other dialect was tried before.
    fell_back: bool,
    widened: bool,
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

    /// Returns what is answered with: an identity token that was replaced is the new one.
    pub fn credential(&self) -> &Credential {
        &self.credential
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
            (Some(bearer), Credential::RegistryToken(token)) => {
                let header = Authorization::bearer(token);
                match bearer.error.as_deref() {
                    Some(INSUFFICIENT_SCOPE) if self.state != State::Unanswered => {
                        Err(self.token_refused(bearer))
                    }
                    _ => self.retry_once(header),
                }
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
        let State::TokenRequested(pending) = self.state.clone() else {
            return AuthStep::GiveUp(AuthFailure::NoKnownChallenge);
        };
        let host = authority(&pending.realm);
        let failure = match status {
            200..=299 => match TokenAnswer::parse(body) {
                Ok(answer) => return self.take(answer, pending.widened),
                Err(error) => AuthFailure::Token { host, error },
            },
            401 | 403 => self.rejected(),
            400 if is_grant_refused(body) => self.rejected(),
            _ => {
                let unknown =
                    matches!(status, 404 | 405) || (status == 400 && is_grant_unsupported(body));
                if let Some(request) = unknown.then(|| self.fall_back(pending)).flatten() {
                    return AuthStep::RequestToken(request);
                }
                AuthFailure::TokenService { host, status }
            }
        };
        AuthStep::GiveUp(failure)
    }

    fn take(&mut self, answer: TokenAnswer, widened: bool) -> AuthStep {
        self.state = State::Answered { widened };
        if let (Credential::IdentityToken(old), Some(new)) =
            (&mut self.credential, &answer.refresh_token)
        {
            // The service may have ended the old one with this answer.
            *old = new.clone();
        }
        let header = Authorization::bearer(&answer.token);
        self.token = Some(answer);
        AuthStep::Retry(header)
    }

    /// Asks in the other dialect, where that was not done before and the credential can be sent in it.
    fn fall_back(&mut self, pending: Pending) -> Option<TokenRequest> {
        let dialect = pending.dialect.other(&self.credential)?;
        let pending = Pending {
            dialect,
            fell_back: true,
            ..Some(pending).filter(|pending| !pending.fell_back)?
        };
        Some(self.ask(pending))
    }

    fn ask(&mut self, pending: Pending) -> TokenRequest {
        let request = pending.dialect.request(
            &self.credential,
            pending.realm.clone(),
            pending.service.as_deref(),
            &self.scopes,
        );
        self.state = State::TokenRequested(pending);
        request
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
            _ => return Err(self.token_refused(challenge)),
        };
        let realm = Url::parse(&challenge.realm).map_err(|_| RealmRefusal::NotHttp)?;
        self.check(asked_by, SentTo::Realm(&realm))?;
        self.scopes.merge(&challenge.scopes);
        let request = self.ask(Pending {
            realm,
            service: challenge.service.clone(),
            dialect: Dialect::of(&self.credential),
            fell_back: false,
            widened,
        });
        Ok(AuthStep::RequestToken(request))
    }

    fn is_too_narrow(&self, challenge: &BearerChallenge) -> bool {
        challenge.error.as_deref() == Some(INSUFFICIENT_SCOPE)
            && !self.scopes.covers(&challenge.scopes)
    }

    fn check(&self, asked_by: &Url, sent_to: SentTo<'_>) -> Result<(), RealmRefusal> {
        may_send_credentials(&self.registry, asked_by, sent_to, |host| {
            self.plain_http.contains(host)
        })
    }

    /// Says what a 401 to the token that was just got means: who got one was known, unless everybody gets it.
    fn token_refused(&self, challenge: &BearerChallenge) -> AuthFailure {
        let is_invalid = challenge.error.as_deref() == Some(INVALID_TOKEN);
        if self.credential == Credential::Anonymous || is_invalid {
            return self.rejected();
        }
        let missing = if challenge.scopes.is_empty() {
            &self.scopes
        } else {
            &challenge.scopes
        };
        AuthFailure::TokenTooNarrow {
            missing: missing.clone(),
        }
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
