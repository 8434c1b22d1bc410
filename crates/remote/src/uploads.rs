//! Uploads of blobs: the steps that the protocol's state machine says, gone on with where they break.

use eigenpack_oci::distribution::{
    BlobUpload, Endpoint, ErrorCode, Failure, RetryPolicy, UploadAnswer, UploadError,
    UploadProgress, UploadStart, UploadStep, chunk_range,
};
use eigenpack_oci::{AccessError, Algorithm, Content, Descriptor, Digest, PushError, Pushed};
use url::Url;

use crate::answer::{Answer, ExchangeError};
use crate::deadline::{Deadline, Retries};
use crate::outgoing::{ContentError, Outgoing};
use crate::repository::RemoteRepository;
use crate::request::Request;
use crate::sessions::OpenSession;
use crate::stored::check_stored;
use crate::transport::Method;

/// Why an upload does not go on.
enum Stopped {
    /// A step has no answer.
    Unanswered {
        error: ExchangeError,
        /// Whether it was the content that was under way.
        was_content: bool,
        /// Whether all of it may have arrived.
        was_sent: bool,
    },
    /// An answer ends it.
    Answered {
        answer: Box<Answer>,
        was_content: bool,
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
        let knowledge = self.connection.knowledge();
        let mut upload = BlobUpload::new(&self.name, &digest, descriptor.size, knowledge);
        if let Some(source) = self.mount_source(&content) {
            upload = upload.mounting_from(source);
        }
        let content = Outgoing::new(descriptor, content)?;
        let session = self.connection.sessions.track(self.needs_to_write());
        let uploaded = self.upload(upload, &digest, content, &session, deadline);
        let uploaded = uploaded.await;
        self.connection.cancel(&session).await;
        uploaded.map_err(|stopped| stopped.into_error(&digest))
    }

    async fn upload(
        &self,
        mut upload: BlobUpload,
        digest: &Digest,
        mut content: Outgoing,
        session: &OpenSession,
        deadline: Deadline,
    ) -> Result<Pushed, Stopped> {
        let mut retries = Retries::new(&self.connection.options.retry, deadline);
        // Whether the registry may be storing what it was sent: to cancel that would be to lose it.
        let mut is_in_doubt = false;
        loop {
            let is_closing = matches!(upload.step(), UploadStep::Close { .. });
            // What is mounted is never read.
            if !matches!(upload.step(), UploadStep::Start(UploadStart::Mount { .. })) {
                content = content.read_if_small(deadline).await?;
            }
            let result = self.step(&mut upload, digest, &content, session, deadline);
            let result = result.await;
            self.connection.learn(upload.knowledge());
            is_in_doubt = match &result {
                Err(stopped) if is_closing => stopped.leaves_in_doubt(),
                Ok(_) => is_in_doubt && upload.acknowledged() == content.size(),
                Err(_) => is_in_doubt,
            };
            match result {
                Ok(UploadProgress::Done(pushed)) => {
                    session.is_at(upload.session());
                    return Ok(pushed);
                }
                Ok(UploadProgress::Continue) => retries.reached(upload.acknowledged()),
                Err(stopped) => match stopped.failure() {
                    Some(failure) if retries.again(failure).await => upload.interrupted(),
                    _ => {
                        if is_in_doubt {
                            session.is_at(None);
                        }
                        return Err(stopped);
                    }
                },
            }
            if upload.session().is_none() && !is_in_doubt {
                self.connection.cancel(session).await;
            }
            session.is_at(upload.session());
        }
    }

    /// Sends what the state machine says, and tells it the answer.
    async fn step(
        &self,
        upload: &mut BlobUpload,
        digest: &Digest,
        content: &Outgoing,
        session: &OpenSession,
        deadline: Deadline,
    ) -> Result<UploadProgress, Stopped> {
        let request = self.upload_request(upload, digest, content);
        let was_content = matches!(
            upload.step(),
            UploadStep::Chunk { .. } | UploadStep::Close { .. }
        );
        let answer = match self.connection.exchange(&request, deadline).await {
            Ok(answer) => answer,
            // Whoever may write here may still not take from elsewhere.
            Err(ExchangeError::Unauthorized(
                AccessError::Unauthenticated(_)
                | AccessError::Denied(_)
                | AccessError::Refused { .. },
            )) if upload.mounts_from_elsewhere() => {
                upload.source_refused();
                return Ok(UploadProgress::Continue);
            }
            Err(error) => {
                let sent = request.content.as_ref();
                return Err(Stopped::Unanswered {
                    error,
                    was_content,
                    was_sent: sent.is_some_and(Outgoing::is_all_taken),
                });
            }
        };
        if answer.status == 404 && upload.session().is_some() {
            // There is nothing to be cancelled any more.
            session.is_at(None);
        }
        let progress = upload.answered(UploadAnswer {
            status: answer.status,
            url: &answer.url,
            location: answer.headers.get("location"),
            range: answer.headers.get("range"),
            chunk_min_length: answer.headers.get("oci-chunk-min-length"),
        });
        match progress {
            Ok(UploadProgress::Done(pushed)) => {
                // By another algorithm it cannot be told any more: the content is gone.
                let sent_by = |algorithm: &Algorithm| {
                    (algorithm == digest.algorithm()).then(|| digest.clone())
                };
                check_stored(&answer, sent_by).map_err(Stopped::Failed)?;
                Ok(UploadProgress::Done(pushed))
            }
            Ok(UploadProgress::Continue) => Ok(UploadProgress::Continue),
            Err(UploadError::Status(_)) => {
                let answer = Box::new(answer);
                Err(Stopped::Answered {
                    answer,
                    was_content,
                })
            }
            Err(error) => Err(Stopped::Failed(answer.refused(&error).into())),
        }
    }

    fn upload_request(&self, upload: &BlobUpload, digest: &Digest, content: &Outgoing) -> Request {
        let start = |start: &UploadStart| {
            self.connection.url(&Endpoint::StartUpload {
                repository: self.name.clone(),
                start: start.clone(),
            })
        };
        let request = |method, url: Url| Request::new(method, url, self.needs_to_write());
        // A part is sent once: how much of it has arrived must be asked before it is sent again.
        let part = |method, url: &Url, from: u64, to: u64| {
            let mut request = request(method, url.clone())
                .content("application/octet-stream", content.part(from, to))
                .led(true)
                .sent_once();
            if (from, to) != (0, content.size())
                && let Some(range) = chunk_range(from, to - from)
            {
                request = request.header("content-range", range);
            }
            if upload.wants_own_connections() {
                request = request.header("connection", "close");
            }
            request
        };
        match upload.step() {
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
            UploadStep::Chunk { url, from, to } => part(Method::PATCH, url, *from, *to),
            UploadStep::Close { url, from } => part(Method::PUT, url, *from, content.size()),
            UploadStep::Status(url) => request(Method::GET, url.clone()).led(true),
        }
    }
}

impl From<ContentError> for Stopped {
    fn from(error: ContentError) -> Self {
        Self::Failed(error.into())
    }
}

impl Stopped {
    /// Tells whether an upload that was to be closed may still be: all of it was sent, and no answer came or one of somebody
    /// who got none.
    fn leaves_in_doubt(&self) -> bool {
        match self {
            Self::Unanswered { was_sent, .. } => *was_sent,
            Self::Answered { answer, .. } => matches!(answer.status, 408 | 502 | 504),
            Self::Failed(_) => false,
        }
    }

    /// Returns the failure that the upload may not meet again. Failures of the steps that may be repeated have been tried
    /// again already.
    fn failure(&self) -> Option<Failure<'_>> {
        match self {
            Self::Answered {
                answer,
                was_content: true,
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
            Self::Unanswered {
                error,
                was_content: true,
                ..
            } if error.is_timeout() => Some(Failure::Silent),
            Self::Unanswered { error, .. } => error.failure(),
            _ => None,
        }
    }

    fn into_error(self, digest: &Digest) -> PushError {
        let answer = match self {
            Self::Unanswered { error, .. } => return error.into(),
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
