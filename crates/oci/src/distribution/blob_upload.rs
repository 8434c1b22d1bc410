//! The upload of one blob: a state machine that says what to send and is told the answers.

use url::Url;

use super::endpoint::UploadStart;
use super::location::{LocationError, resolve_location, with_digest};
use crate::content::Pushed;
use crate::digest::Digest;
use crate::reference::Repository;

/// The largest blob that is sent along with the request that starts its upload, in bytes.
///
/// A registry that does not take it has been sent the bytes for nothing, so there must be few of them.
pub const MAX_SINGLE_POST: u64 = 64 * 1024;

/// What was learned of a registry from its answers; good for every upload to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostKnowledge {
    /// It does not take a blob in a single POST.
    pub refuses_single_post: bool,
    /// It answers a mount with an error, and not with the start of an upload.
    pub refuses_mounts: bool,
}

/// What to send next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadStep {
    /// A HEAD of the blob.
    Check,
    /// A POST without a body that starts the upload.
    Start(UploadStart),
    /// A POST with the whole content (distribution specification, "Single POST").
    Single(UploadStart),
    /// A PUT with the whole content to this URL (distribution specification, "POST then PUT").
    Send(Url),
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
#[derive(Clone, Debug)]
pub struct BlobUpload {
    repository: Repository,
    digest: Digest,
    knowledge: HostKnowledge,
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
        let step = if size <= MAX_SINGLE_POST {
            if knowledge.refuses_single_post {
                Self::session()
            } else {
                UploadStep::Single(UploadStart::Single {
                    digest: digest.clone(),
                })
            }
        } else if knowledge.refuses_mounts {
            UploadStep::Check
        } else {
            UploadStep::Start(UploadStart::Mount {
                digest: digest.clone(),
                from: Some(repository.clone()),
            })
        };
        Self {
            repository: repository.clone(),
            digest: digest.clone(),
            knowledge,
            step,
        }
    }

    fn session() -> UploadStep {
        UploadStep::Start(UploadStart::Session { algorithm: None })
    }

    /// Returns the repository that the blob goes to.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Returns what to send next.
    pub fn step(&self) -> &UploadStep {
        &self.step
    }

    /// Returns what is known of the registry by now.
    pub fn knowledge(&self) -> HostKnowledge {
        self.knowledge
    }

    /// Takes the answer to the step.
    pub fn answered(&mut self, answer: UploadAnswer<'_>) -> Result<UploadProgress, UploadError> {
        let is_client_error = (400..500).contains(&answer.status);
        let next = match (&self.step, answer.status) {
            (UploadStep::Check, 200) => return Ok(UploadProgress::Done(Pushed::Existed)),
            (UploadStep::Check, _) if is_client_error => Self::session(),

            (UploadStep::Single(_), 201) | (UploadStep::Send(_), 200 | 201 | 204) => {
                return Ok(UploadProgress::Done(Pushed::Uploaded));
            }
            (UploadStep::Single(_), 202) => {
                self.knowledge.refuses_single_post = true;
                self.send_to(answer)?
            }
            // These are said of every request: another form of the same request would be answered likewise.
            (UploadStep::Single(_), 401 | 403 | 404 | 408 | 429) => {
                return Err(UploadError::Status(answer.status));
            }
            (UploadStep::Single(_), _) if is_client_error => {
                self.knowledge.refuses_single_post = true;
                Self::session()
            }

            (UploadStep::Start(UploadStart::Mount { .. }), 201) => {
                return Ok(UploadProgress::Done(Pushed::Existed));
            }
            (UploadStep::Start(_), 202) => self.send_to(answer)?,
            (UploadStep::Start(UploadStart::Mount { .. }), status)
                if is_client_error && !matches!(status, 401 | 408 | 429) =>
            {
                self.knowledge.refuses_mounts = true;
                Self::session()
            }

            (_, status) => return Err(UploadError::Status(status)),
        };
        self.step = next;
        Ok(UploadProgress::Continue)
    }

    fn send_to(&self, answer: UploadAnswer<'_>) -> Result<UploadStep, LocationError> {
        let session = resolve_location(answer.url, answer.location)?;
        Ok(UploadStep::Send(with_digest(session, &self.digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: u64 = MAX_SINGLE_POST;
    const LARGE: u64 = MAX_SINGLE_POST + 1;

    fn upload(size: u64, knowledge: HostKnowledge) -> BlobUpload {
        let repository = "a/b".parse().unwrap();
        BlobUpload::new(&repository, &Digest::sha256(b""), size, knowledge)
    }

    fn answer(
        upload: &mut BlobUpload,
        status: u16,
        location: Option<&str>,
    ) -> Result<UploadProgress, UploadError> {
        let url = Url::parse("https://r.test/v2/a/b/blobs/uploads/").unwrap();
        upload.answered(UploadAnswer {
            status,
            url: &url,
            location,
        })
    }

    fn kind(upload: &BlobUpload) -> &'static str {
        match upload.step() {
            UploadStep::Check => "head",
            UploadStep::Start(UploadStart::Mount { .. }) => "mount",
            UploadStep::Start(_) => "post",
            UploadStep::Single(_) => "single",
            UploadStep::Send(_) => "put",
        }
    }

    #[test]
    fn the_plan_depends_on_size_and_knowledge() {
        let single = HostKnowledge {
            refuses_single_post: true,
            refuses_mounts: false,
        };
        let mounts = HostKnowledge {
            refuses_single_post: false,
            refuses_mounts: true,
        };
        for (size, knowledge, first) in [
            (0, HostKnowledge::default(), "single"),
            (SMALL, HostKnowledge::default(), "single"),
            (SMALL, mounts, "single"),
            (SMALL, single, "post"),
            (LARGE, HostKnowledge::default(), "mount"),
            (LARGE, single, "mount"),
            (LARGE, mounts, "head"),
        ] {
            assert_eq!(
                kind(&upload(size, knowledge)),
                first,
                "{size} {knowledge:?}"
            );
        }
    }

    #[test]
    fn a_single_post_that_is_not_taken_goes_on_as_a_session() {
        let mut plain = upload(1, HostKnowledge::default());
        assert_eq!(
            answer(&mut plain, 201, None),
            Ok(UploadProgress::Done(Pushed::Uploaded))
        );

        let mut accepted = upload(1, HostKnowledge::default());
        assert_eq!(
            answer(&mut accepted, 202, Some("s?x=1")),
            Ok(UploadProgress::Continue)
        );
        let UploadStep::Send(url) = accepted.step() else {
            panic!()
        };
        assert!(
            url.as_str()
                .starts_with("https://r.test/v2/a/b/blobs/uploads/s?x=1&digest=sha256")
        );
        assert!(accepted.knowledge().refuses_single_post);
        assert_eq!(
            answer(&mut accepted, 201, None),
            Ok(UploadProgress::Done(Pushed::Uploaded))
        );

        for status in [400, 405, 411, 413, 415] {
            let mut refused = upload(1, HostKnowledge::default());
            assert_eq!(
                answer(&mut refused, status, None),
                Ok(UploadProgress::Continue)
            );
            assert_eq!(kind(&refused), "post");
            assert!(refused.knowledge().refuses_single_post);
        }
        for status in [200, 401, 403, 404, 408, 429, 500, 503] {
            let mut failed = upload(1, HostKnowledge::default());
            assert_eq!(
                answer(&mut failed, status, None),
                Err(UploadError::Status(status))
            );
            assert_eq!(failed.knowledge(), HostKnowledge::default());
        }
    }

    #[test]
    fn a_mount_tells_whether_the_blob_is_there() {
        let mut there = upload(LARGE, HostKnowledge::default());
        assert_eq!(
            answer(&mut there, 201, None),
            Ok(UploadProgress::Done(Pushed::Existed))
        );
        let mut absent = upload(LARGE, HostKnowledge::default());
        answer(&mut absent, 202, Some("/s")).unwrap();
        assert_eq!(kind(&absent), "put");
        for status in [400, 403, 404, 405] {
            let mut refused = upload(LARGE, HostKnowledge::default());
            answer(&mut refused, status, None).unwrap();
            assert_eq!(kind(&refused), "post");
            assert!(refused.knowledge().refuses_mounts);
            // What the plain POST is answered counts.
            assert_eq!(
                answer(&mut refused, 404, None),
                Err(UploadError::Status(404))
            );
        }
    }

    #[test]
    fn a_mount_that_is_only_put_off_is_not_refused() {
        for status in [401, 408, 429, 503] {
            let mut put_off = upload(LARGE, HostKnowledge::default());
            assert_eq!(
                answer(&mut put_off, status, None),
                Err(UploadError::Status(status))
            );
            assert_eq!(put_off.knowledge(), HostKnowledge::default());
        }
    }

    #[test]
    fn a_head_decides_where_mounts_are_refused() {
        let known = HostKnowledge {
            refuses_mounts: true,
            ..HostKnowledge::default()
        };
        let mut there = upload(LARGE, known);
        assert_eq!(
            answer(&mut there, 200, None),
            Ok(UploadProgress::Done(Pushed::Existed))
        );
        let mut absent = upload(LARGE, known);
        answer(&mut absent, 404, None).unwrap();
        assert_eq!(kind(&absent), "post");
    }

    #[test]
    fn a_bad_location_ends_it() {
        for (location, error) in [
            (None, LocationError::Missing),
            (
                Some("http://r.test/x"),
                LocationError::Downgrade {
                    host: "r.test".into(),
                },
            ),
        ] {
            let mut upload = upload(1, HostKnowledge::default());
            assert_eq!(
                answer(&mut upload, 202, location),
                Err(UploadError::Location(error))
            );
        }
    }
}
