//! Tokens: kept for a registry's requests, and got where a challenge demands one.

use std::time::Duration;

use bytes::Bytes;
use eigenpack_oci::distribution::{
    AuthFailure, AuthFlow, AuthStep, Authorization, Credential, Failure, MAX_TOKEN_SIZE, ScopeSet,
    TokenRequest, parse_challenges,
};
use eigenpack_oci::{AccessError, RegistryAnswer};
use tokio::time::Instant;

use crate::answer::{Answer, ExchangeError};
use crate::deadline::Retries;
use crate::registry::Connection;
use crate::transport::{Body, Method, Response, TransportError};

/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(10);

/// The tokens that are good for a registry.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Vec<Token>);

#[derive(Debug)]
struct Token {
    scopes: ScopeSet,
    header: Authorization,
    good_until: Instant,
}

impl Tokens {
    fn find(&mut self, wanted: &ScopeSet) -> Option<Authorization> {
        let now = Instant::now();
        self.0.retain(|token| token.good_until > now);
        let token = self.0.iter().find(|token| token.scopes.covers(wanted));
        token.map(|token| token.header.clone())
    }

    fn remove(&mut self, header: &Authorization) {
        self.0.retain(|token| token.header != *header);
    }
}

/// The authorisation of one attempt at a request.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    connection: &'a Connection,
    scopes: ScopeSet,
    header: Option<Authorization>,
    flow: Option<AuthFlow>,
}

/// What a challenge led to.
pub(crate) enum Step {
    /// The request is to be sent again.
    Retry,
    /// The answer stands.
    Final,
}

impl<'a> Attempt<'a> {
    /// Starts with the token that is there, if there is one. One that is being got for another request is waited for: it
    /// will do for this one too, as a rule.
    pub(crate) async fn new(connection: &'a Connection, scopes: ScopeSet) -> Self {
        let header = connection.tokens.lock().await.find(&scopes);
        Self {
            connection,
            scopes,
            header,
            flow: None,
        }
    }

    pub(crate) fn header(&self) -> Option<&str> {
        self.header.as_ref().map(Authorization::header_value)
    }

    /// Takes an answer of 401 by the registry itself.
    pub(crate) async fn challenged(&mut self, answer: &Answer) -> Result<Step, ExchangeError> {
        // One at a time, so that requests that are refused together share one token.
        let mut tokens = self.connection.tokens.lock().await;
        if let Some(refused) = &self.header {
            tokens.remove(refused);
        }
        if self.flow.is_none()
            && let Some(other) = tokens.find(&self.scopes)
        {
            self.header = Some(other);
            return Ok(Step::Retry);
        }
        let mut flow = self.flow.take().unwrap_or_else(|| {
            AuthFlow::new(
                self.connection.base.clone(),
                Credential::Anonymous,
                self.scopes.clone(),
            )
            .with_plain_http(self.connection.plain_host.clone())
        });
        let challenges = parse_challenges(answer.headers.all("www-authenticate"));
        let mut step = flow.refused(answer.status, &answer.url, &challenges);
        let result = loop {
            match step {
                AuthStep::Retry(header) => {
                    if let Some(token) = flow.token() {
                        tokens.0.push(Token {
                            scopes: flow.scopes().clone(),
                            header: header.clone(),
                            good_until: Instant::now() + token.lifetime.saturating_sub(MARGIN),
                        });
                    }
                    self.header = Some(header);
                    break Ok(Step::Retry);
                }
                AuthStep::RequestToken(request) => {
                    let (status, body) = self.request_token(request).await?;
                    step = flow.token_answered(status, &body);
                }
                AuthStep::GiveUp(failure) => break give_up(answer, &failure),
            }
        };
        self.flow = Some(flow);
        result
    }

    /// Asks a token service, again where it may only be busy.
    async fn request_token(&self, request: TokenRequest) -> Result<(u16, Vec<u8>), AccessError> {
        let connection = self.connection;
        let mut retries = Retries::new(&connection.options.retry, connection.deadline());
        loop {
            let response = self.send_token_request(&request).await?;
            let status = response.status();
            let headers = response.headers();
            let body = read_token(response).await?;
            let failure = Failure::Status {
                status,
                retry_after: headers.get("retry-after"),
            };
            if !retries.again(failure).await {
                return Ok((status, body));
            }
        }
    }

    async fn send_token_request(&self, request: &TokenRequest) -> Result<Response, TransportError> {
        let transport = &self.connection.transport;
        match request {
            TokenRequest::Get { url, authorization } => {
                let header = authorization
                    .as_ref()
                    .map(|a| ("authorization", a.header_value().to_owned()));
                let headers = header.as_slice();
                transport.send(Method::GET, url, headers, Body::Empty).await
            }
            TokenRequest::Post { url, form } => {
                let kind = "application/x-www-form-urlencoded".to_owned();
                let form = Bytes::from(form.expose().clone());
                let body = Body::Stream {
                    length: form.len() as u64,
                    stream: Box::pin(futures_util::stream::iter([Ok(form)])),
                };
                let headers = [("content-type", kind)];
                transport.send(Method::POST, url, &headers, body).await
            }
        }
    }
}

/// Reads one byte more than a token's answer may have, and leaves it to the parser to object.
async fn read_token(mut response: Response) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        body.extend_from_slice(&bytes);
        if body.len() as u64 > MAX_TOKEN_SIZE {
            break;
        }
    }
    Ok(body)
}

/// Says why a challenge is not answered.
fn give_up(answer: &Answer, failure: &AuthFailure) -> Result<Step, ExchangeError> {
    let error = match failure {
        AuthFailure::Denied | AuthFailure::CredentialsRequired => return Ok(Step::Final),
        AuthFailure::Refused(reason) => AccessError::Refused {
            host: answer.quoted().host,
            reason: reason.to_string(),
        },
        AuthFailure::TokenService { host, status } => {
            AccessError::Registry(Box::new(RegistryAnswer {
                host: host.clone(),
                request: "the request for a token".to_owned(),
                status: *status,
                code: None,
                message: None,
            }))
        }
        other => {
            let mut quoted = answer.quoted();
            quoted.message.get_or_insert_with(|| other.to_string());
            AccessError::Unauthenticated(Box::new(quoted))
        }
    };
    Err(error.into())
}
