//! Every fault on every request: it ends in success or in the documented error, and nothing acknowledged is sent again.
//!
//! Each combination is tried twice: with the fault on the first such request, and on every one.

use std::time::Duration;

use eigenpack_oci::{
    AccessError, Content, FetchError, NetworkErrorKind, Precondition, PushError, Source as _,
    TagOrDigest, Target as _, VerifyError,
};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Method, Moment, Requests};
use eigenpack_remote::RemoteRepository;
use tokio::time::timeout;

use crate::embedded::Embedded;
use crate::fixture::{blob, large, manifest, options, read};

/// The request that the fault is for, and the work that it is part of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    GetManifest,
    GetBlob,
    /// The POST with all of a small blob.
    PostBlob,
    /// The POST that asks for a large blob and starts its upload.
    PostMount,
    /// The PUT of a large blob.
    PutBlob,
    PutManifest,
}

const ALL: [Work; 6] = [
    Work::GetManifest,
    Work::GetBlob,
    Work::PostBlob,
    Work::PostMount,
    Work::PutBlob,
    Work::PutManifest,
];

/// How work ends.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    /// The registry's last answer is the error.
    Status(u16),
    /// The connection broke each time.
    Broken,
    /// Nothing moved for too long.
    Timeout,
    /// What came is not what the digest promises.
    WrongDigest,
}

impl Work {
    fn requests(self) -> Requests {
        match self {
            Self::GetManifest => Requests::to(Endpoint::Manifest).method(Method::Get),
            Self::GetBlob => Requests::to(Endpoint::Blob).method(Method::Get),
            Self::PostBlob | Self::PostMount => Requests::to(Endpoint::UploadStart),
            Self::PutBlob => Requests::to(Endpoint::UploadClose),
            Self::PutManifest => Requests::to(Endpoint::Manifest).method(Method::Put),
        }
    }

    fn reads(self) -> bool {
        matches!(self, Self::GetManifest | Self::GetBlob)
    }

    fn sends_content(self) -> bool {
        matches!(self, Self::PostBlob | Self::PutBlob | Self::PutManifest)
    }

    async fn prepare(self, running: &Embedded) {
        match self {
            Self::GetManifest => running.add_manifest("v1", &manifest("1")).await,
            Self::GetBlob => running.add_blob(&large()).await,
            _ => {}
        }
    }

    async fn run(self, repository: &RemoteRepository) -> Outcome {
        let tag = || "v1".parse().unwrap();
        match self {
            Self::GetManifest => match repository.manifest(TagOrDigest::Tag(tag())).await {
                Ok(found) => {
                    assert_eq!(found, manifest("1"));
                    Outcome::Done
                }
                Err(error) => fetched(&error),
            },
            Self::GetBlob => match read(repository, &blob(&large()).0, 0).await {
                Ok(content) => {
                    assert!(content == large());
                    Outcome::Done
                }
                Err(error) => fetched(&error),
            },
            Self::PostBlob => {
                let (descriptor, content) = blob(b"small");
                pushed(repository.push_blob(descriptor, content).await.map(drop))
            }
            Self::PostMount | Self::PutBlob => {
                let (descriptor, _) = blob(&large());
                let content = Content::Bytes(large().into());
                pushed(repository.push_blob(descriptor, content).await.map(drop))
            }
            Self::PutManifest => {
                let tags = vec![tag()];
                let push = repository.push_manifest(manifest("1"), tags, Precondition::Absent);
                pushed(push.await)
            }
        }
    }

    /// Tells whether the registry holds what was to be written, whole.
    async fn is_written(self, running: &Embedded) -> bool {
        match self {
            Self::GetManifest | Self::GetBlob => true,
            Self::PostBlob => running.has_blob(b"small").await,
            Self::PostMount | Self::PutBlob => running.has_blob(&large()).await,
            Self::PutManifest => running.tagged("v1").await == Some(manifest("1")),
        }
    }
}

fn fetched(error: &FetchError) -> Outcome {
    match error {
        FetchError::Access(error) => access(error),
        FetchError::Verify(VerifyError::WrongDigest { .. }) => Outcome::WrongDigest,
        other => panic!("{other:?}"),
    }
}

fn pushed(result: Result<(), PushError>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(PushError::Access(error)) => access(&error),
        Err(other) => panic!("{other:?}"),
    }
}

fn access(error: &AccessError) -> Outcome {
    match error {
        AccessError::Registry(answer) | AccessError::RateLimited(answer) => {
            Outcome::Status(answer.status)
        }
        AccessError::Network { kind, .. } if *kind == NetworkErrorKind::Broken => Outcome::Broken,
        AccessError::Network { kind, .. } if *kind == NetworkErrorKind::Timeout => Outcome::Timeout,
        other => panic!("{other:?}"),
    }
}

/// Does the work with the fault on the requests that `which` picks.
async fn check(work: Work, fault: &Fault, which: fn(Requests) -> Requests, expected: &Outcome) {
    let running = Embedded::start().await;
    work.prepare(&running).await;
    let plan = FaultPlan::new().rule(which(work.requests()), fault.clone());
    running.faults.replace(plan);
    let mut options = options();
    if matches!(fault, Fault::Stall { .. }) {
        // The registry takes a while to let go of an upload whose request is silent.
        let milliseconds = if work == Work::PutBlob { 600 } else { 50 };
        options.idle_timeout = Duration::from_millis(milliseconds);
    }
    let repository = running.repository_with(options);
    let outcome = timeout(Duration::from_secs(30), work.run(&repository)).await;
    let exchanges = running.recorder.exchanges();
    let outcome = outcome.unwrap_or_else(|_| panic!("{work:?}, {fault:?}: no end: {exchanges:?}"));
    assert_eq!(outcome, *expected, "{work:?}, {fault:?}: {exchanges:?}");
    if outcome == Outcome::Done {
        assert!(work.is_written(&running).await, "{work:?}, {fault:?}");
    } else if matches!(fault, Fault::Answer(_) | Fault::Reset(Moment::AtOnce)) && !work.reads() {
        assert!(!work.is_written(&running).await, "{work:?}, {fault:?}");
    }
    let sent: Vec<_> = exchanges.iter().filter(|one| one.bytes_in > 0).collect();
    let is_acknowledged = |status: Option<u16>| status.is_some_and(|s| (200..300).contains(&s));
    if let Some(at) = sent.iter().position(|one| is_acknowledged(one.status)) {
        assert_eq!(at + 1, sent.len(), "{work:?}, {fault:?}: {exchanges:?}");
    }
}

async fn check_both(work: Work, fault: impl Into<Fault>, once: Outcome, always: Outcome) {
    let fault = fault.into();
    check(work, &fault, |requests| requests.nth(1), &once).await;
    check(work, &fault, |requests| requests, &always).await;
}

#[tokio::test]
async fn statuses_that_may_pass() {
    for work in ALL {
        for status in [408, 429, 500, 502, 503, 504] {
            let pauses = [None, Some("1"), Some("Fri, 31 Dec 2100 00:00:00 GMT")];
            let said = if status == 429 || status == 503 { 3 } else { 1 };
            for retry_after in &pauses[..said] {
                let mut answer = Fault::answer(status);
                if let Some(value) = retry_after {
                    answer = answer.header("retry-after", value);
                }
                let always = Outcome::Status(status);
                check_both(work, answer, Outcome::Done, always).await;
            }
        }
    }
}

#[tokio::test]
async fn connections_that_break() {
    for work in ALL {
        let at_once = Fault::Reset(Moment::AtOnce);
        check_both(work, at_once, Outcome::Done, Outcome::Broken).await;
        let answer_lost = Fault::Reset(Moment::BeforeHead);
        let always = match work {
            // The next upload asks first, and finds the blob.
            Work::PutBlob => Outcome::Done,
            _ => Outcome::Broken,
        };
        check_both(work, answer_lost, Outcome::Done, always).await;
        if work.reads() {
            for fault in [Fault::Reset(Moment::BodyBytes(100)), Fault::Cut(100)] {
                check_both(work, fault, Outcome::Done, Outcome::Broken).await;
            }
        }
        if work.sends_content() {
            let in_the_middle = Fault::Reset(Moment::RequestBytes(3));
            check_both(work, in_the_middle, Outcome::Done, Outcome::Broken).await;
        }
    }
}

#[tokio::test]
async fn nothing_that_moves() {
    for work in ALL {
        let mut moments = vec![Moment::AtOnce, Moment::BeforeHead];
        if work.reads() {
            moments.push(Moment::BodyBytes(100));
        }
        if work.sends_content() {
            moments.push(Moment::RequestBytes(3));
        }
        for moment in moments {
            let fault = Fault::stall(moment);
            // Content that is under way is gone on with, once; whatever else is silent is not asked again.
            let is_transfer = matches!(work, Work::PutBlob)
                || matches!((work, moment), (Work::GetBlob, Moment::BodyBytes(_)));
            let once = if is_transfer {
                Outcome::Done
            } else {
                Outcome::Timeout
            };
            let always = match (work, moment) {
                (Work::PutBlob, Moment::BeforeHead) => Outcome::Done,
                _ => Outcome::Timeout,
            };
            check_both(work, fault, once, always).await;
        }
    }
}

#[tokio::test]
async fn content_that_is_another() {
    for work in [Work::GetManifest, Work::GetBlob] {
        for at in [0, 100] {
            let fault = Fault::Corrupt(at);
            check_both(work, fault, Outcome::WrongDigest, Outcome::WrongDigest).await;
        }
    }
}

#[tokio::test]
async fn content_that_is_slow() {
    for work in [Work::GetManifest, Work::GetBlob] {
        let drip = Fault::Drip {
            bytes: 40_000.try_into().unwrap(),
            pause: Duration::from_millis(1),
        };
        check_both(work, drip, Outcome::Done, Outcome::Done).await;
    }
}
