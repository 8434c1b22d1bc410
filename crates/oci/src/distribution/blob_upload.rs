//! The upload of one blob: a state machine that says what to send and is told the answers.

use url::Url;

use super::byte_range::acknowledged_bytes;
use super::endpoint::UploadStart;
use super::host_knowledge::{HostKnowledge, SMALL_CHUNK};
use super::location::{LocationError, resolve_location, with_digest};
use crate::content::Pushed;
use crate::digest::Digest;
use crate::reference::Repository;

/// The largest blob that is sent along with the request that starts its upload, in bytes.
///
/// A registry that does not take it has been sent the bytes for nothing, so there must be few of them.
pub const MAX_SINGLE_POST: u64 = 64 * 1024;

/// The largest blob that is sent to a registry which starts an upload instead of a mount, without asking it whether it ignores
/// mounts and has the blob, in bytes.
const MAX_UNASKED: u64 = 1 << 20;

/// What to send next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadStep {
    /// A HEAD of the blob.
    Check,
    /// A POST without a body that starts the upload.
    Start(UploadStart),
    /// A POST with the whole content (distribution specification, "Single POST").
    Single(UploadStart),
    /// A PATCH with bytes `from` to `to`, the latter not included (distribution specification, "Pushing a blob in chunks").
    Chunk {
        /// Where to.
        url: Url,
        /// The first byte.
        from: u64,
        /// The byte after the last.
        to: u64,
    },
    /// A PUT with everything from byte `from` on, which closes the upload (distribution specification, "POST then PUT").
    Close {
        /// Where to.
        url: Url,
        /// The first byte: 0 where the PUT has all the content.
        from: u64,
    },
    /// A GET that asks how much has arrived (distribution specification, "Endpoints", end-13).
    Status(Url),
}

/// An answer to a step.
#[derive(Clone, Copy, Debug)]
pub struct UploadAnswer<'a> {
    /// The status.
    pub status: u16,
    /// The URL that answered, after redirects.
    pub url: &'a Url,
    /// The answer's `Location`.
    pub location: Option<&'a str>,
    /// The answer's `Range`.
    pub range: Option<&'a str>,
    /// The answer's `OCI-Chunk-Min-Length`.
    pub chunk_min_length: Option<&'a str>,
}

/// What an answer led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadProgress {
    /// To another step.
    Continue,
    /// To the end: the registry has the blob.
    Done(Pushed),
}

/// Why an upload does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The registry answered with a status that ends the upload; what it means depends on the answer's body.
    #[error("the registry answered {0}")]
    Status(u16),
    /// The registry started an upload at a place that must not be used.
    #[error(transparent)]
    Location(#[from] LocationError),
}

/// The upload of one blob whose digest is known.
///
/// A small blob goes with the first request, where the registry takes it. For a larger one, the first request asks to mount
/// the blob from the very repository it is for: this tells whether the blob is there and starts the upload where it is not.
/// A blob of any size that another repository of the registry is known to have is mounted from there
/// ([`mounting_from`](Self::mounting_from)). A registry that was never seen to mount may ignore mounts and start an upload of
/// what it has, so it is asked before something large is sent. Where the blob is not there, all of the content goes in one
/// PUT. It is cut into chunks only for a registry that refuses it whole, or that was seen to throw away what it had when a
/// connection broke.
///
/// After a break, [`interrupted`](Self::interrupted) goes on from what the registry says it has.
#[derive(Clone, Debug)]
pub struct BlobUpload {
    repository: Repository,
    /// A repository of the same registry that has the blob.
    source: Option<Repository>,
    digest: Digest,
    size: u64,
    knowledge: HostKnowledge,
    session: Option<Url>,
    /// How many bytes the registry has in the session.
    acknowledged: u64,
    /// The smallest chunk that the registry wants, but for the last.
    min_chunk: u64,
    /// Whether a session that broke is gone on with.
    resumes: bool,
    /// Whether the session before this one was gone after it broke.
    lost: bool,
    /// Whether the registry has said, since then, that it does not have the blob.
    absent: bool,
    step: UploadStep,
}

impl BlobUpload {
    /// Plans the upload of a blob of `size` bytes to a registry of which something may be known.
    pub fn new(
        repository: &Repository,
        digest: &Digest,
        size: u64,
        knowledge: HostKnowledge,
    ) -> Self {
        let mut upload = Self {
            repository: repository.clone(),
            source: None,
            digest: digest.clone(),
            size,
            knowledge,
            session: None,
            acknowledged: 0,
            min_chunk: 0,
            resumes: true,
            lost: false,
            absent: false,
            step: UploadStep::Check,
        };
        upload.step = upload.first_step();
        upload
    }

    /// Takes the blob from `source`, a repository of the same registry, if the registry does that; it may be the one that
    /// the blob is for.
    #[must_use]
    pub fn mounting_from(mut self, source: Repository) -> Self {
        self.source = Some(source);
        self.step = self.first_step();
        self
    }

    fn first_step(&self) -> UploadStep {
        let is_small = self.size <= MAX_SINGLE_POST;
        // To ask for what is small costs as much as to send it.
        let asked = (!is_small).then_some(&self.repository);
        match self.source.as_ref().or(asked) {
            Some(from) if !self.knowledge.refuses_mounts => UploadStep::Start(UploadStart::Mount {
                digest: self.digest.clone(),
                from: Some(from.clone()),
            }),
            _ if !is_small => UploadStep::Check,
            _ if self.knowledge.refuses_single_post => Self::open(),
            _ => UploadStep::Single(UploadStart::Single {
                digest: self.digest.clone(),
            }),
        }
    }

    fn open() -> UploadStep {
        UploadStep::Start(UploadStart::Session { algorithm: None })
    }

    /// Tells whether the step is a mount from another repository.
    pub fn mounts_from_elsewhere(&self) -> bool {
        match &self.step {
            UploadStep::Start(UploadStart::Mount { from, .. }) => {
                from.as_ref() != Some(&self.repository)
            }
            _ => false,
        }
    }

    /// Plans to do without a source that the registry does not let be read.
    pub fn source_refused(&mut self) {
        self.source = None;
        self.step = self.first_step();
    }

    /// Takes the refusal of a mount. These of another repository may be about that repository alone.
    fn mount_refused(&mut self, status: u16) {
        let is_about_source = self.mounts_from_elsewhere() && matches!(status, 403 | 404);
        self.knowledge.refuses_mounts |= !is_about_source;
        self.source_refused();
    }

    /// Returns what to send next.
    pub fn step(&self) -> &UploadStep {
        &self.step
    }

    /// Returns the session that is open at the registry, where there is one.
    pub fn session(&self) -> Option<&Url> {
        self.session.as_ref()
    }

    /// Returns how many bytes of the content the registry has, as far as it said.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Returns what is known of the registry by now.
    pub fn knowledge(&self) -> HostKnowledge {
        self.knowledge
    }

    /// Tells whether each chunk is to have a connection of its own: what breaks connections that move too much then has
    /// nothing to break.
    pub fn wants_own_connections(&self) -> bool {
        self.knowledge.forgets_broken_uploads && self.knowledge.chunk().is_some()
    }

    /// Takes the answer to the step.
    ///
    /// Errors that may pass are not told from others here; [`interrupted`](Self::interrupted) goes on after any.
    pub fn answered(&mut self, answer: UploadAnswer<'_>) -> Result<UploadProgress, UploadError> {
        let is_client_error = (400..500).contains(&answer.status);
        let next = match (&self.step, answer.status) {
            (UploadStep::Check, 200) => {
                let from = self.source.as_ref().unwrap_or(&self.repository);
                if self.session.is_some() && *from == self.repository {
                    // It started an upload in place of a mount of what it has.
                    self.knowledge.refuses_mounts = true;
                }
                return Ok(UploadProgress::Done(Pushed::Existed));
            }
            (UploadStep::Check, status) if is_client_error => {
                self.absent = status == 404;
                self.rest()
            }

            (UploadStep::Single(_), 201) | (UploadStep::Close { .. }, 200 | 201 | 204) => {
                self.session = None;
                return Ok(UploadProgress::Done(Pushed::Uploaded));
            }
            (UploadStep::Single(_), 202) => {
                self.knowledge.refuses_single_post = true;
                self.opened(answer)?;
                self.rest()
            }
            // These are said of every request: another form of the same request would be answered likewise.
            (UploadStep::Single(_), 401 | 403 | 404 | 408 | 429) => {
                return Err(UploadError::Status(answer.status));
            }
            (UploadStep::Single(_), _) if is_client_error => {
                self.knowledge.refuses_single_post = true;
                Self::open()
            }

            (UploadStep::Start(UploadStart::Mount { .. }), 201) => {
                self.knowledge.mounts = true;
                return Ok(UploadProgress::Done(if self.mounts_from_elsewhere() {
                    Pushed::Mounted
                } else {
                    Pushed::Existed
                }));
            }
            (UploadStep::Start(UploadStart::Mount { .. }), 202) => {
                self.absent = self.knowledge.mounts && !self.mounts_from_elsewhere();
                self.opened(answer)?;
                if self.absent || self.size <= MAX_UNASKED {
                    self.rest()
                } else {
                    UploadStep::Check
                }
            }
            (UploadStep::Start(_), 202) => {
                self.opened(answer)?;
                self.rest()
            }
            (UploadStep::Start(UploadStart::Mount { .. }), status)
                if status == 501 || is_client_error && !matches!(status, 401 | 408 | 429) =>
            {
                self.mount_refused(status);
                return Ok(UploadProgress::Continue);
            }

            // The right answer is 202, but others are given. A `Range` that lags behind without an error says nothing.
            (&UploadStep::Chunk { to, .. }, 200..=202 | 204) => self.arrived(answer, to)?,
            (UploadStep::Status(_), 200..=202 | 204) => match acknowledged_bytes(answer.range) {
                more if more > self.size => self.afresh(Self::open()),
                bytes => self.arrived(answer, bytes)?,
            },
            (UploadStep::Status(_), status)
                if is_client_error && !matches!(status, 401 | 403 | 408 | 429) =>
            {
                (self.lost, self.absent) = (true, false);
                self.afresh(self.first_step())
            }
            (UploadStep::Chunk { .. } | UploadStep::Close { .. }, status) => {
                self.content_refused(status)?
            }

            (_, status) => return Err(UploadError::Status(status)),
        };
        self.step = next;
        Ok(UploadProgress::Continue)
    }

    /// Plans how to go on after a step had no answer, or one that says it may go better later.
    ///
    /// Where content was under way, the registry is asked how much of it has arrived. Any other step starts the upload anew.
    pub fn interrupted(&mut self) {
        let was_sending = matches!(
            self.step,
            UploadStep::Chunk { .. } | UploadStep::Close { .. } | UploadStep::Status(_)
        );
        self.step = match self.session.clone() {
            Some(session) if self.resumes && was_sending => UploadStep::Status(session),
            _ => self.afresh(self.first_step()),
        };
    }

    /// Takes the start of a session.
    fn opened(&mut self, answer: UploadAnswer<'_>) -> Result<(), LocationError> {
        let min_chunk = answer.chunk_min_length.map(str::trim);
        self.min_chunk = min_chunk.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.session = Some(resolve_location(answer.url, answer.location)?);
        self.acknowledged = 0;
        Ok(())
    }

    /// Takes how many bytes the registry has. Where it gives no new location, the session is where it was.
    fn arrived(
        &mut self,
        answer: UploadAnswer<'_>,
        bytes: u64,
    ) -> Result<UploadStep, LocationError> {
        if answer.location.is_some() {
            self.session = Some(resolve_location(answer.url, answer.location)?);
        }
        self.acknowledged = bytes;
        Ok(self.rest())
    }

    /// Returns what sends the content that is left, or the next chunk of it. The last chunk closes the upload too, because
    /// some registries fail where nothing is left for the PUT.
    fn rest(&mut self) -> UploadStep {
        // A session may also be gone because the blob is there.
        self.knowledge.forgets_broken_uploads |= self.lost && self.absent;
        let Some(session) = self.session.clone() else {
            return Self::open();
        };
        let from = self.acknowledged;
        let chunk = self.knowledge.chunk().map(|size| size.max(self.min_chunk));
        match chunk.map(|size| from.saturating_add(size)) {
            Some(to) if to < self.size => UploadStep::Chunk {
                url: session,
                from,
                to,
            },
            _ => UploadStep::Close {
                url: with_digest(session, &self.digest),
                from,
            },
        }
    }

    /// Takes a refusal of content: another way to send it may be taken.
    fn content_refused(&mut self, status: u16) -> Result<UploadStep, UploadError> {
        let (from, to) = match self.step {
            UploadStep::Chunk { from, to, .. } => (from, to),
            UploadStep::Close { from, .. } => (from, self.size),
            _ => (0, 0),
        };
        let in_chunks = self.knowledge.chunk().is_some();
        match status {
            // Both are said of content that is too large; the latter of a wrong start, too, but all starts with nothing.
            413 | 416 if from == 0 || status == 413 => {
                if to - from <= SMALL_CHUNK.max(self.min_chunk) || self.knowledge.refuses_chunks {
                    return Err(UploadError::Status(status));
                }
                self.knowledge.demands_chunks = true;
            }
            404 => {
                self.session = None;
                return Err(UploadError::Status(status));
            }
            401 | 403 | 408 | 416 | 429 => return Err(UploadError::Status(status)),
            400..=499 | 501 if in_chunks && !self.knowledge.demands_chunks => {
                self.knowledge.refuses_chunks = true;
            }
            // It does not have what it said it had, or does not take the rest alone.
            400..=499 | 501 if from > 0 && self.resumes && !in_chunks => self.resumes = false,
            _ => return Err(UploadError::Status(status)),
        }
        Ok(self.afresh(Self::open()))
    }

    /// Forgets the session.
    fn afresh(&mut self, first: UploadStep) -> UploadStep {
        self.session = None;
        self.acknowledged = 0;
        first
    }
}

#[cfg(test)]
mod tests;
