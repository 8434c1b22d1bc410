//! One request to a registry, until there is an answer: redirects, authorisation, retries, one deadline.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use eigenpack_oci::distribution::{
    Failure, MAX_ERROR_SIZE, RetryPolicy, resolve_location, same_origin,
};
use eigenpack_oci::{AccessError, AnsweredBy, Asked, NetworkErrorKind};
use tokio::time::Instant;
use url::Url;

use crate::answer::{Answer, ExchangeError};
use crate::authorization::Attempt;
use crate::connection::Connection;
use crate::deadline::{Deadline, Retries};
use crate::mask::Mask;
use crate::outgoing::Fault;
use crate::request::{Read, Request};
use crate::transport::{Body, Method, Response, TransportError, authority};

/// The most bytes read of a body that means nothing.
const MAX_IGNORED: usize = 64 * 1024;

/// The longest wait for a body that means nothing; its connection is given up then.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest wait for the body of an error; what has come by then is all there is.
pub(crate) const ERROR_PATIENCE: Duration = Duration::from_secs(3);

impl Connection {
    /// Sends a request until there is an answer that trying again would not change.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Answer, ExchangeError> {
        let answer = self.exchange_with_retries(request, deadline);
        match tokio::time::timeout_at(deadline.instant(), answer).await {
            Ok(result) => result,
            Err(_) => Err(AccessError::from(TransportError::late(authority(&self.base))).into()),
        }
    }

    async fn exchange_with_retries(
        &self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Answer, ExchangeError> {
        let mut retries = Retries::new(&self.options.retry, deadline);
        let mut may_be_second = false;
        loop {
            // Boxed, since every operation would carry the largest of all futures otherwise.
            let mut outcome = Box::pin(self.attempt(request, deadline)).await;
            if let Ok(answer) = &mut outcome {
                answer.may_be_second = may_be_second;
            }
            let failure = match &outcome {
                _ if !request.repeatable => return outcome,
                Ok(answer) => answer.failure(),
                Err(error) => error.failure(),
            };
            match failure {
                Some(failure) if retries.again(failure).await => {
                    may_be_second |= failure.leaves_doubt();
                }
                _ => return outcome,
            }
        }
    }

    /// Sends a request once, to where redirects lead and with what a challenge asks for.
    async fn attempt(
        &self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Answer, ExchangeError> {
        let asked_for = Instant::now();
        // Whoever had to wait then takes the token that was got meanwhile. Content that is opened may need a permit of its own,
        // and so comes later too.
        let permit = self.concurrency.permit(request.load()).await;
        let mut url = request.url.clone();
        let mut authorization = Attempt::new(self, &request.needs, asked_for, deadline).await;
        let mut redirects = 0;
        let mut trusted = true;
        loop {
            // Whatever is elsewhere learns nothing of who asks, and neither does what is reached from there.
            trusted &= same_origin(&url, &self.base);
            let header = authorization.header().filter(|_| trusted);
            let mask = authorization.mask();
            let response = self.send(request, &url, header, &mask).await?;
            if trusted {
                let observer = self.options.observer.as_ref();
                self.notices.hear(&self.host, &response, observer);
            }
            let location = redirect(request, &response)?;
            let follows = |to: &Url| request.may_leave || same_origin(to, &self.base);
            if let Some(location) = location.filter(follows) {
                redirects += 1;
                if redirects > self.options.max_redirects {
                    return Err(response.refused("it redirects without end").into());
                }
                discard(response).await;
                url = location;
                continue;
            }
            let mut asked = authorization.asked();
            if !trusted {
                asked.credentials = None;
                asked.answered_by = AnsweredBy::Elsewhere;
            }
            let is_led = request.is_led || redirects > 0;
            let mut answer = read(request, response, asked, is_led).await?;
            let again = match answer.status {
                401 if trusted => authorization.challenged(&answer).await.map(|()| true),
                403 if trusted => authorization.denied(&answer).await,
                _ => Ok(false),
            };
            if !again.map_err(ExchangeError::Unauthorized)? {
                answer.stream = answer.stream.map(|stream| stream.with_permit(permit));
                return Ok(answer);
            }
        }
    }

    async fn send(
        &self,
        request: &Request,
        url: &Url,
        authorization: Option<&str>,
        mask: &Mask,
    ) -> Result<Response, ExchangeError> {
        let fault = Fault::default();
        let body = match &request.content {
            Some(content) => content.open(&fault).await.map_err(ExchangeError::Content)?,
            None => Body::Empty,
        };
        let mut headers = request.headers.clone();
        headers.extend(authorization.map(|value| ("authorization", value.to_owned())));
        let method = request.method.clone();
        let sent = self.transport.send(method, url, &headers, body, mask);
        let result = sent.await;
        // A fault of the content breaks the connection, so it looks like one of the network.
        match (fault.take(), result) {
            (Some(error), _) => Err(ExchangeError::Content(error)),
            (None, result) => result.map_err(|error| AccessError::from(error).into()),
        }
    }
}

/// Returns where an answer redirects the request to, if it does and the request may follow.
///
/// What has a body or changes something follows only the statuses that keep the method (RFC 9110, section 15.4).
fn redirect(request: &Request, response: &Response) -> Result<Option<Url>, AccessError> {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let follows = match response.status() {
        301..=303 => reads,
        307 | 308 => true,
        _ => false,
    };
    let headers = response.headers();
    let Some(location) = headers.get("location").filter(|_| follows) else {
        return Ok(None);
    };
    resolve_location(response.url(), Some(location))
        .map(Some)
        .map_err(|e| response.refused(&e.to_string()))
}

impl Answer {
    fn failure(&self) -> Option<Failure<'_>> {
        let failure = Failure::Status {
            status: self.status,
            retry_after: self.headers.get("retry-after"),
        };
        RetryPolicy::is_retryable(failure).then_some(failure)
    }
}

impl ExchangeError {
    /// Returns the failure of a small request, where it is one that can pass soon. A server that was silent for all the time
    /// that there is for it is not asked the same again.
    pub(crate) fn failure(&self) -> Option<Failure<'static>> {
        match self {
            Self::Access(AccessError::Network {
                kind: NetworkErrorKind::Broken,
                ..
            }) => Some(Failure::Broken),
            _ => None,
        }
    }

    /// Tells whether nothing moved for too long.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::Access(AccessError::Network {
                kind: NetworkErrorKind::Timeout,
                ..
            })
        )
    }
}

/// Reads an answer as the request wants it. What goes with an error is cut, for it is only shown.
async fn read(
    request: &Request,
    mut response: Response,
    asked: Asked,
    is_led: bool,
) -> Result<Answer, ExchangeError> {
    let mut answer = Answer {
        method: request.method.clone(),
        url: response.url().clone(),
        host: response.host().to_owned(),
        status: response.status(),
        headers: response.headers(),
        body: Bytes::new(),
        stream: None,
        asked,
        is_led,
        mask: response.mask().clone(),
        may_be_second: false,
    };
    if !answer.is_success() {
        answer.body = response.start(MAX_ERROR_SIZE, ERROR_PATIENCE).await;
        return Ok(answer);
    }
    match request.read {
        Read::Nothing => discard(response).await,
        Read::Stream(_) => answer.stream = Some(response),
        Read::UpTo(limit) => {
            let path = answer.mask.path(&request.url, request.is_led);
            let too_large = || ExchangeError::TooLarge {
                request: format!("{} {path}", request.method),
                limit,
            };
            let announced = response.content_length().unwrap_or(0);
            if announced > limit && request.method != Method::HEAD {
                return Err(too_large());
            }
            let mut body = BytesMut::new();
            while let Some(bytes) = response.chunk().await.map_err(AccessError::from)? {
                if body.len() as u64 + bytes.len() as u64 > limit {
                    return Err(too_large());
                }
                body.extend_from_slice(&bytes);
            }
            answer.body = body.freeze();
        }
    }
    Ok(answer)
}

/// Reads a body that means nothing to its end, if that is near, so that its connection can be used again.
async fn discard(mut response: Response) {
    response.start(MAX_IGNORED, PATIENCE).await;
}
