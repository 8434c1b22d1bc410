//! Uploads of blobs: the steps that the protocol's state machine says, started afresh where they break.

use eigenpack_oci::distribution::{
    BlobUpload, Endpoint, ErrorCode, Failure, RetryPolicy, UploadAnswer, UploadError,
    UploadProgress, UploadStart, UploadStep,
};
use eigenpack_oci::{AccessError, Content, Descriptor, Digest, PushError, Pushed};
use url::Url;

use crate::answer::{Answer, ExchangeError};
use crate::deadline::{Deadline, Retries};
use crate::exchange::Request;
use crate::outgoing::Outgoing;
use crate::repository::RemoteRepository;
use crate::transport::{Method, authority};

/// Why one run through the steps did not end with the blob in the registry.
enum Stopped {
    /// A step has no answer.
    Unanswered(ExchangeError),
    /// An answer ends it.
    Answered {
        answer: Box<Answer>,
        /// Whether it was the answer to the content, and not to the start of the upload.
        to_content: bool,
    },
    /// An answer cannot be followed.
    Failed(PushError),
}

impl RemoteRepository {
    pub(crate) async fn upload_blob(
        &self,
        descriptor: Descriptor,
        content: Content,
    ) -> Result<Pushed, PushError> {
        let deadline = self.connection.deadline();
        let digest = descriptor.digest.clone();
        let size = descriptor.size;
        let content = Outgoing::new(descriptor, content)?;
        let mut retries = Retries::new(&self.connection.options.retry, deadline);
        loop {
            let knowledge = self.connection.knowledge();
            let mut upload = BlobUpload::new(&self.name, &digest, size, knowledge);
            let result = self.run(&mut upload, &digest, &content, deadline).await;
            self.connection.learn(upload.knowledge());
            let stopped = match result {
                Ok(pushed) => return Ok(pushed),
                Err(stopped) => stopped,
            };
            // Half an upload is worth nothing: the next try is a new one.
            match stopped.failure() {
                Some(failure) if retries.again(failure).await => {}
                _ => return Err(stopped.into_error(&digest)),
            }
        }
    }

    async fn run(
        &self,
        upload: &mut BlobUpload,
        digest: &Digest,
        content: &Outgoing,
        deadline: Deadline,
    ) -> Result<Pushed, Stopped> {
        loop {
            let request = self.upload_request(upload.step(), digest, content);
            let to_content = matches!(upload.step(), UploadStep::Send(_));
            let answer = self.connection.exchange(&request, deadline).await;
            let answer = answer.map_err(Stopped::Unanswered)?;
            let progress = upload.answered(UploadAnswer {
                status: answer.status,
                url: &answer.url,
                location: answer.headers.get("location"),
            });
            match progress {
                Ok(UploadProgress::Continue) => {}
                Ok(UploadProgress::Done(pushed)) => {
                    check_stored(&answer, digest).map_err(Stopped::Failed)?;
                    return Ok(pushed);
                }
                Err(UploadError::Status(_)) => {
                    let answer = Box::new(answer);
                    return Err(Stopped::Answered { answer, to_content });
                }
                Err(error) => {
                    let error = AccessError::Refused {
                        host: authority(&answer.url),
                        reason: error.to_string(),
                    };
                    return Err(Stopped::Failed(error.into()));
                }
            }
        }
    }

    fn upload_request(&self, step: &UploadStep, digest: &Digest, content: &Outgoing) -> Request {
        let start = |start: &UploadStart| {
            self.connection.url(&Endpoint::StartUpload {
                repository: self.name.clone(),
                start: start.clone(),
            })
        };
        let request = |method, url: Url| Request::new(method, url, self.write_scopes());
        match step {
            UploadStep::Check => {
                let repository = self.name.clone();
                let digest = digest.clone();
                let url = self.connection.url(&Endpoint::Blob { repository, digest });
                request(Method::HEAD, url)
            }
            UploadStep::Start(how) => request(Method::POST, start(how)),
            // Sent twice it is stored once: the blob is named by its digest.
            UploadStep::Single(how) => request(Method::POST, start(how))
                .content("application/octet-stream", content.clone()),
            // A session that broke is in a state that nobody knows.
            UploadStep::Send(url) => request(Method::PUT, url.clone())
                .content("application/octet-stream", content.clone())
                .sent_once(),
        }
    }
}

impl Stopped {
    /// Returns the failure that a new upload may not meet again. Failures of the steps that may be repeated have been
    /// tried again already.
    fn failure(&self) -> Option<Failure<'_>> {
        match self {
            Self::Answered {
                answer,
                to_content: true,
            } => {
                // The session was forgotten, or is not where the registry thinks it is: as good as a broken connection.
                if matches!(answer.status, 404 | 416) {
                    return Some(Failure::Broken);
                }
                let failure = Failure::Status {
                    status: answer.status,
                    retry_after: answer.headers.get("retry-after"),
                };
                RetryPolicy::is_retryable(failure).then_some(failure)
            }
            Self::Unanswered(error) => error.failure(),
            _ => None,
        }
    }

    fn into_error(self, digest: &Digest) -> PushError {
        let answer = match self {
            Self::Unanswered(error) => return error.into(),
            Self::Failed(error) => return error,
            Self::Answered { answer, .. } => answer,
        };
        match answer.status {
            404 if !answer.errors().has(&ErrorCode::BlobUploadUnknown) => {
                PushError::RepositoryNotFound
            }
            413 => PushError::TooLarge {
                what: format!("the blob {digest}"),
            },
            _ => answer.access_error().into(),
        }
    }
}

/// Checks that the registry keeps the bytes that it was sent, where it says so by the same algorithm.
fn check_stored(answer: &Answer, sent: &Digest) -> Result<(), PushError> {
    let kept = answer.headers.get("docker-content-digest");
    let kept = kept.and_then(|text| text.parse::<Digest>().ok());
    match kept {
        Some(kept) if kept.algorithm() == sent.algorithm() && kept != *sent => {
            Err(PushError::StoredOtherwise {
                sent: sent.clone(),
                kept,
            })
        }
        _ => Ok(()),
    }
}
