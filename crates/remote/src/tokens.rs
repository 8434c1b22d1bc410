//! Requests to token services.

use bytes::Bytes;
use eigenpack_oci::distribution::{Failure, MAX_ERROR_SIZE, MAX_TOKEN_SIZE, TokenRequest};
use eigenpack_oci::{AccessError, AnsweredBy, Asked, NetworkErrorKind, RegistryAnswer};

use crate::connection::Connection;
use crate::deadline::{Deadline, Retries};
use crate::exchange::ERROR_PATIENCE;
use crate::mask::Mask;
use crate::transport::{Body, Headers, Method, Progress, Response, TransportError};

/// What a token service answered.
pub(crate) struct TokenReply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// What it said, to be shown.
    pub(crate) quoted: RegistryAnswer,
}

/// What came over the wire.
struct TokenAnswer {
    host: String,
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

impl Connection {
    /// Asks a token service, again where it may only be busy or the connection broke. A redirect is an answer like any
    /// other: what is sent is for the host that the challenge named and for nobody else.
    pub(crate) async fn ask_for_token(
        &self,
        request: &TokenRequest,
        asked: &Asked,
        mask: &Mask,
        deadline: Deadline,
    ) -> Result<TokenReply, AccessError> {
        let mut retries = Retries::new(&self.options.retry, deadline);
        loop {
            let outcome = self.token_answer(request, mask).await;
            let again = match &outcome {
                Ok(answer) => {
                    let retry_after = answer.headers.get("retry-after");
                    let status = answer.status;
                    let failure = Failure::Status {
                        status,
                        retry_after,
                    };
                    retries.again(failure).await
                }
                Err(error) => {
                    let is_broken = error.kind() == Some(NetworkErrorKind::Broken);
                    is_broken && retries.again(Failure::Broken).await
                }
            };
            if !again {
                let answer = outcome?;
                let quoted = answer.quoted(request, asked, mask);
                return Ok(TokenReply {
                    status: answer.status,
                    body: answer.body,
                    quoted,
                });
            }
        }
    }

    async fn token_answer(
        &self,
        request: &TokenRequest,
        mask: &Mask,
    ) -> Result<TokenAnswer, TransportError> {
        let response = self.send_token_request(request, mask).await?;
        Ok(TokenAnswer {
            host: response.host().to_owned(),
            status: response.status(),
            headers: response.headers(),
            body: read(response).await?,
        })
    }

    async fn send_token_request(
        &self,
        request: &TokenRequest,
        mask: &Mask,
    ) -> Result<Response, TransportError> {
        match request {
            TokenRequest::Get { url, authorization } => {
                let header = authorization
                    .as_ref()
                    .map(|a| ("authorization", a.header_value().to_owned()));
                let headers = header.as_slice();
                self.transport
                    .send(Method::GET, url, headers, Body::Empty, mask)
                    .await
            }
            TokenRequest::Post { url, form } => {
                let kind = "application/x-www-form-urlencoded".to_owned();
                let form = Bytes::from(form.expose().clone());
                let body = Body::Stream {
                    length: form.len() as u64,
                    stream: Box::pin(futures_util::stream::iter([Ok(form)])),
                    progress: Progress::default(),
                    is_slow_to_store: false,
                };
                let headers = [("content-type", kind)];
                self.transport
                    .send(Method::POST, url, &headers, body, mask)
                    .await
            }
        }
    }
}

impl TokenAnswer {
    /// Returns what the token service said, to be shown. Where it is was said by the registry.
    fn quoted(&self, request: &TokenRequest, asked: &Asked, mask: &Mask) -> RegistryAnswer {
        let error = match self.status {
            200..=299 => None,
            _ => mask.errors(&self.body).errors.into_iter().next(),
        };
        let (code, message) = error.map_or((None, None), |e| (e.code, e.message));
        let method = match request {
            TokenRequest::Get { .. } => Method::GET,
            TokenRequest::Post { .. } => Method::POST,
        };
        RegistryAnswer {
            host: self.host.clone(),
            request: format!("{method} {}", mask.hide(request.url().path())),
            status: self.status,
            code: code.map(|code| code.to_string()),
            message,
            asked: Asked {
                answered_by: AnsweredBy::TokenService,
                ..asked.clone()
            },
        }
    }
}

/// Reads a little more than a token's answer may have, and leaves it to the parser to object. Of an error, what comes soon is
/// enough.
async fn read(mut response: Response) -> Result<Vec<u8>, TransportError> {
    if !(200..300).contains(&response.status()) {
        let body = response.start(MAX_ERROR_SIZE, ERROR_PATIENCE).await;
        return Ok(body.into());
    }
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        body.extend_from_slice(&bytes);
        if body.len() as u64 > MAX_TOKEN_SIZE {
            break;
        }
    }
    Ok(body)
}
