//! Registries that take large blobs in chunks only, each with a way of its own.

use eigenpack_oci::{PushError, Pushed, Target as _};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Moment, Requests};

use crate::embedded::Embedded;
use crate::fixture::{blob, pieces};

/// The chunk of a registry that says nothing of its size.
const CHUNK: usize = 4 << 20;

fn content() -> Vec<u8> {
    (0..u32::try_from(CHUNK * 5 / 8).unwrap())
        .flat_map(u32::to_le_bytes)
        .collect()
}

/// The rules of a registry that refuses so much content at once.
fn refusing(bytes: usize, status: u16) -> FaultPlan {
    let over = |endpoint| Requests::to(endpoint).content_over(bytes as u64);
    FaultPlan::new()
        .rule(over(Endpoint::UploadClose), Fault::answer(status))
        .rule(over(Endpoint::UploadChunk), Fault::answer(status))
}

/// Pushes under a plan, and returns what was asked.
async fn push(plan: FaultPlan) -> (Embedded, Result<Pushed, PushError>) {
    let running = Embedded::start().await;
    running.faults.replace(plan);
    let (descriptor, _) = blob(&content());
    let target = running.repository();
    let pushed = target.push_blob(descriptor, pieces(&content(), 1_000_000));
    let pushed = pushed.await;
    (running, pushed)
}

fn ranges(running: &Embedded) -> Vec<String> {
    let exchanges = running.recorder.exchanges();
    let ranges = exchanges
        .iter()
        .filter_map(|one| one.header("content-range"));
    ranges.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_limit_on_requests_leads_to_chunks() {
    // GHCR says 416 of what is over 4 MiB; proxies say 413.
    for status in [413, 416] {
        let (running, pushed) = push(refusing(CHUNK, status)).await;
        assert_eq!(pushed.unwrap(), Pushed::Uploaded);
        assert!(running.has_blob(&content()).await);
        assert_eq!(
            running.recorder.summaries(),
            [
                "POST upload-start ?mount&from",
                "HEAD blob",
                "PUT upload-close ?digest",
                "DELETE upload-cancel",
                "POST upload-start",
                "PATCH upload-chunk",
                "PATCH upload-chunk",
                "PUT upload-close ?digest",
            ]
        );
        assert_eq!(
            ranges(&running),
            ["0-4194303", "4194304-8388607", "8388608-10485759"]
        );
    }
}

#[tokio::test]
async fn a_limit_on_requests_is_remembered() {
    let running = Embedded::start().await;
    running.faults.replace(refusing(CHUNK, 413));
    let target = running.repository();
    for first in [0, 1] {
        running.recorder.clear();
        let (descriptor, content) = blob(&[&[first], content().as_slice()].concat());
        target.push_blob(descriptor, content).await.unwrap();
    }
    assert_eq!(
        running.recorder.summaries(),
        [
            "POST upload-start ?mount&from",
            "HEAD blob",
            "PATCH upload-chunk",
            "PATCH upload-chunk",
            "PUT upload-close ?digest",
        ]
    );
}

#[tokio::test]
async fn a_registry_says_how_small_chunks_may_be() {
    let least = Fault::header("OCI-Chunk-Min-Length", "5242880");
    let plan = refusing(5_242_880, 413).rule(Requests::to(Endpoint::UploadStart), least);
    let (running, pushed) = push(plan).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert_eq!(ranges(&running), ["0-5242879", "5242880-10485759"]);
}

#[tokio::test]
async fn a_chunk_may_be_acknowledged_by_201_and_a_range_that_stays_behind() {
    // ECR does so.
    let chunks = || Requests::to(Endpoint::UploadChunk);
    let plan = refusing(CHUNK, 413)
        .rule(chunks(), Fault::Status(201))
        .rule(chunks(), Fault::header("range", "0-4194303"));
    let (running, pushed) = push(plan).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert!(running.has_blob(&content()).await);
}

#[tokio::test]
async fn the_put_that_closes_is_never_empty() {
    // ECR fails on some that are.
    let (running, pushed) = push(refusing(CHUNK, 413)).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    let closes = running.recorder.exchanges();
    let closes = closes.iter().filter(|one| one.method == "PUT");
    assert!(closes.map(|one| one.bytes_in).all(|bytes| bytes > 0));
}

#[tokio::test]
async fn a_chunk_that_breaks_is_gone_on_with() {
    let broken = Requests::to(Endpoint::UploadChunk).nth(2);
    let plan = refusing(CHUNK, 413).rule(broken, Fault::Reset(Moment::RequestBytes(2_000_000)));
    let (running, pushed) = push(plan).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert!(running.has_blob(&content()).await);
    assert_eq!(
        ranges(&running),
        [
            "0-4194303",
            "4194304-8388607",
            "6194304-10388607",
            "10388608-10485759"
        ]
    );
}

#[tokio::test]
async fn what_is_too_large_in_chunks_too_is_an_error() {
    let (running, pushed) = push(refusing(1_000_000, 413)).await;
    let error = pushed.unwrap_err();
    assert!(matches!(error, PushError::TooLarge { .. }), "{error:?}");
    assert_eq!(
        running.recorder.summaries().last().unwrap(),
        "DELETE upload-cancel"
    );
}

#[tokio::test]
async fn a_registry_that_forgets_what_broke_off_gets_all_again() {
    // Version 2.8 of the reference registry does so; here the blob is too small to be cut into chunks for it.
    let gone = Fault::answer(404).body(r#"{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}"#);
    let break_off = Fault::Reset(Moment::RequestBytes(5_000_000));
    let plan = FaultPlan::new()
        .rule(Requests::to(Endpoint::UploadClose).nth(1), break_off)
        .rule(Requests::to(Endpoint::UploadStatus), gone);
    let (running, pushed) = push(plan).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert!(running.has_blob(&content()).await);
    assert_eq!(
        running.recorder.summaries()[3..],
        [
            "GET upload-status",
            "POST upload-start ?mount&from",
            "HEAD blob",
            "PUT upload-close ?digest"
        ]
    );
}
