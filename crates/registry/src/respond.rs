//! How answers are put together.

use bytes::Bytes;
use eigenpack_oci::{BlobStream, Digest, FetchError};
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// The content of an answer. An error in it breaks the connection, so that no client takes it for complete.
pub(crate) type Body = UnsyncBoxBody<Bytes, FetchError>;

/// An answer.
pub(crate) type Answer = Response<Body>;

/// The digest of what is answered or was taken (distribution specification, "Pulling manifests").
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Makes an answer without content.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let body = Empty::new().map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = status;
    answer
}

/// Makes content of bytes that are all there.
pub(crate) fn whole(bytes: Bytes) -> Body {
    let body = Full::new(bytes).map_err(|never| match never {});
    body.boxed_unsync()
}

/// Makes content of a stream, which says at its end whether what it gave is good.
///
/// So each part is sent only when the next has come, and the last only when all was found good: otherwise a client would
/// have as many bytes as it was promised before anybody knows that they are wrong. What fits into one part is known to
/// be good before the answer starts.
pub(crate) async fn streamed(mut stream: BlobStream) -> Result<Body, FetchError> {
    let Some(first) = stream.next().await.transpose()? else {
        return Ok(whole(Bytes::new()));
    };
    let Some(second) = stream.next().await.transpose()? else {
        return Ok(whole(first));
    };
    let state = Some((first, second, stream));
    let parts = stream::unfold(state, |state| async move {
        let (ready, held, mut stream) = state?;
        let next = match stream.next().await {
            Some(Ok(next)) => Some((held, next, stream)),
            Some(Err(error)) => return Some((Err(error), None)),
            // All was good: what is left is sent at once.
            None => {
                let last = [ready, held].concat();
                return Some((Ok(Frame::data(last.into())), None));
            }
        };
        Some((Ok(Frame::data(ready)), next))
    });
    Ok(StreamBody::new(parts).boxed_unsync())
}

/// Makes the answer of a list or another value.
pub(crate) fn json(content_type: &str, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = Response::new(whole(body.into()));
    header(&mut answer, CONTENT_TYPE, content_type);
    answer
}

/// Sets a header. What is put in here was parsed before, so that it is always well formed.
pub(crate) fn header(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(name, value);
    }
}

/// States the digest of the content.
pub(crate) fn digest(answer: &mut Answer, digest: &Digest) {
    header(answer, CONTENT_DIGEST, digest.as_str());
}

/// Turns the answer to a `GET` into that to a `HEAD`: the same head, without content.
pub(crate) fn without_content(mut answer: Answer) -> Answer {
    use hyper::body::Body as _;
    let length = answer.body().size_hint().exact();
    if let Some(length) = length
        && !answer.headers().contains_key(CONTENT_LENGTH)
    {
        header(&mut answer, CONTENT_LENGTH, &length.to_string());
    }
    let (head, _) = answer.into_parts();
    Response::from_parts(head, empty(StatusCode::OK).into_body())
}
