//! Networks and servers that fail: how often and how it is tried again. The fault matrix says what is.

use std::time::Duration;

use eigenpack_oci::{
    AccessError, FetchError, NetworkErrorKind, PushError, Source as _, TagOrDigest, Target as _,
};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Feature, Moment, Requests};

use crate::embedded::Embedded;
use crate::fixture::{blob, large, manifest, options, pieces, read};

fn which() -> TagOrDigest {
    TagOrDigest::Tag("v1".parse().unwrap())
}

#[tokio::test]
async fn a_download_that_breaks_goes_on_where_it_was() {
    for ranges in [true, false] {
        let running = Embedded::start().await;
        running.add_blob(&large()).await;
        let blobs = || Requests::to(Endpoint::Blob);
        let mut plan = FaultPlan::new().rule(blobs().nth(1), Fault::Cut(100_000));
        if !ranges {
            plan = plan.rule(blobs(), Fault::Ignore(Feature::Range));
        }
        running.faults.replace(plan);
        let (descriptor, _) = blob(&large());
        let content = read(&running.repository(), &descriptor, 0).await.unwrap();
        assert_eq!(content, large());
        let exchanges = running.recorder.exchanges();
        assert_eq!(exchanges.len(), 2);
        assert_eq!(exchanges[1].header("range"), Some("bytes=100000-"));
        let status = if ranges { 206 } else { 200 };
        assert_eq!(exchanges[1].status, Some(status));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_last_byte_does_no_harm() {
    let running = Embedded::with(Requests::all(), Fault::Length(5)).await;
    running.add_blob(b"good").await;
    let (descriptor, _) = blob(b"good");
    let content = read(&running.repository(), &descriptor, 0).await.unwrap();
    assert_eq!(content, b"good");
    assert_eq!(running.recorder.exchanges().len(), 1);
}

#[tokio::test]
async fn trying_again_ends() {
    let answer = Fault::answer(429).header("retry-after", "999999");
    let running = Embedded::with(Requests::all(), answer).await;
    let target = running.repository();
    let error = target.manifest(which()).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Access(AccessError::RateLimited(_))),
        "{error:?}"
    );
    assert_eq!(running.recorder.exchanges().len(), 5);

    running.recorder.clear();
    let plan = FaultPlan::new().rule(
        Requests::to(Endpoint::UploadClose),
        Fault::Reset(Moment::AtOnce),
    );
    running.faults.replace(plan);
    let (descriptor, _) = blob(&large());
    let pushed = target.push_blob(descriptor, pieces(&large(), 50_000));
    let error = pushed.await.unwrap_err();
    assert!(
        matches!(
            error,
            PushError::Access(AccessError::Network {
                kind: NetworkErrorKind::Broken,
                ..
            })
        ),
        "{error:?}"
    );
    // The start, then five times the content, with four questions how much of it arrived. Whether the session is ended
    // depends on how much had left when the last connection broke.
    let mut sent = running.recorder.summaries();
    sent.retain(|summary| summary != "DELETE upload-cancel");
    assert_eq!(sent.len(), 10);
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_begun() {
    let answer = Fault::answer(503).header("retry-after", "3600");
    let running = Embedded::with(Requests::all(), answer).await;
    let mut options = options();
    options.operation_timeout = Duration::from_secs(30);
    options.retry.max_retry_after = Duration::from_hours(1);
    let source = running.repository_with(options);
    let error = source.manifest(which()).await.unwrap_err();
    assert!(
        matches!(&error, FetchError::Access(AccessError::Registry(answer)) if answer.status == 503),
        "{error:?}"
    );
    assert_eq!(running.recorder.exchanges().len(), 1);
}

#[tokio::test]
async fn silence_ends() {
    let running = Embedded::with(Requests::all(), Fault::stall(Moment::AtOnce)).await;
    let mut idle = options();
    idle.idle_timeout = Duration::from_millis(50);
    let mut deadline = options();
    deadline.operation_timeout = Duration::from_millis(50);
    for options in [idle, deadline] {
        let source = running.repository_with(options);
        let error = source.manifest(which()).await.unwrap_err();
        assert!(
            matches!(
                error,
                FetchError::Access(AccessError::Network {
                    kind: NetworkErrorKind::Timeout,
                    ..
                })
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_error_that_drips_is_cut_short() {
    let answer = Fault::answer(400).body("denied: ".to_owned() + &"x".repeat(4000));
    let drip = Fault::Drip {
        bytes: 8.try_into().unwrap(),
        pause: Duration::from_millis(500),
    };
    let running = Embedded::start().await;
    let plan = FaultPlan::new().rule(Requests::all(), drip);
    running.faults.replace(plan.rule(Requests::all(), answer));
    let mut options = options();
    options.operation_timeout = Duration::from_secs(20);
    let found = running.repository_with(options).manifest(which()).await;
    let Err(FetchError::Access(AccessError::Registry(answer))) = &found else {
        panic!("{found:?}");
    };
    assert_eq!(answer.status, 400);
    let message = answer.message.as_ref().unwrap();
    assert!(message.starts_with("denied:"), "{message}");
    assert!(message.len() < 512, "{message}");
}

#[tokio::test]
async fn an_upload_is_not_led_astray() {
    for location in ["ftp://127.0.0.1/x", "http://user:pw@127.0.0.1/x"] {
        let answer = Fault::answer(202).header("location", location);
        let running = Embedded::with(Requests::all(), answer).await;
        let (descriptor, content) = blob(b"{}");
        let pushed = running.repository().push_blob(descriptor, content).await;
        let error = pushed.unwrap_err();
        assert!(
            matches!(error, PushError::Access(AccessError::Refused { .. })),
            "{error:?}"
        );
        assert_eq!(running.recorder.exchanges().len(), 1);
    }
}

#[tokio::test]
async fn a_manifest_that_is_cut_is_asked_for_again() {
    let running = Embedded::start().await;
    let raw = manifest("1");
    running.add_manifest("v1", &raw).await;
    running.next(&Requests::all(), [Fault::Cut(10)]);
    let found = running.repository().manifest(which()).await;
    assert_eq!(found.unwrap(), raw);
    assert_eq!(running.recorder.summaries(), ["GET manifest"; 2]);
}
