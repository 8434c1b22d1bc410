//! Large transfers that break: they go on from what has arrived, and move little more than there is.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use eigenpack_oci::{
    AccessError, ByteStream, Content, CopyError, CopyOptions, FetchError, MediaType,
    NetworkErrorKind, Observer, Precondition, PushError, Pushed, RawManifest, Reopen, Silent,
    Target as _, copy,
};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Method, Moment, Requests};

use eigenpack_remote::RemoteRegistry;

use crate::cutter::Cutter;
use crate::embedded::{Embedded, name};
use crate::fixture::{blob, large, options, pieces, read};

const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

fn closes() -> Requests {
    Requests::to(Endpoint::UploadClose)
}

fn content(size: usize) -> Vec<u8> {
    let words = (0..size.div_ceil(4)).map(|n| u32::try_from(n).unwrap().wrapping_mul(0x9e37_79b1));
    words.flat_map(u32::to_le_bytes).take(size).collect()
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_in_its_session() {
    for (fault, arrived) in [
        (Fault::Reset(Moment::AtOnce), 0),
        (Fault::Reset(Moment::RequestBytes(100_000)), 100_000),
        (Fault::answer(503).into(), 0),
        (Fault::answer(416).into(), 0),
    ] {
        let running = Embedded::start().await;
        running.next(&closes(), [fault]);
        let (descriptor, _) = blob(&large());
        let target = running.repository();
        let pushed = target.push_blob(descriptor, pieces(&large(), 50_000));
        assert_eq!(pushed.await.unwrap(), Pushed::Uploaded);
        assert!(running.has_blob(&large()).await);
        assert_eq!(
            running.recorder.summaries(),
            [
                "POST upload-start ?mount&from",
                "PUT upload-close ?digest",
                "GET upload-status",
                "PUT upload-close ?digest",
            ]
        );
        let exchanges = running.recorder.exchanges();
        assert_eq!(exchanges[1].path, exchanges[3].path);
        let range = (arrived > 0).then_some("100000-399999");
        assert_eq!(exchanges[3].header("content-range"), range);
        assert_eq!(exchanges[3].bytes_in, 400_000 - arrived);
    }
}

#[tokio::test]
async fn a_session_that_is_gone_is_not_gone_on_with() {
    let running = Embedded::start().await;
    let gone = Fault::answer(404).body(r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#);
    let plan = FaultPlan::new()
        .rule(closes().nth(1), gone.clone())
        .rule(closes().nth(2), Fault::Reset(Moment::RequestBytes(100_000)))
        .rule(Requests::to(Endpoint::UploadStatus), gone);
    running.faults.replace(plan);
    let (descriptor, _) = blob(&large());
    let target = running.repository();
    let pushed = target.push_blob(descriptor, pieces(&large(), 50_000));
    assert_eq!(pushed.await.unwrap(), Pushed::Uploaded);
    assert!(running.has_blob(&large()).await);
    assert_eq!(
        running.recorder.summaries(),
        [
            "POST upload-start ?mount&from",
            "PUT upload-close ?digest",
            "POST upload-start ?mount&from",
            "PUT upload-close ?digest",
            "GET upload-status",
            "POST upload-start ?mount&from",
            "PUT upload-close ?digest",
        ]
    );
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_is_not_sent_again() {
    let running = Embedded::start().await;
    running.next(&closes(), [Fault::Reset(Moment::BeforeHead)]);
    let (descriptor, content) = blob(&large());
    let pushed = running.repository().push_blob(descriptor, content).await;
    assert_eq!(pushed.unwrap(), Pushed::Existed);
    assert_eq!(
        running.recorder.summaries(),
        [
            "POST upload-start ?mount&from",
            "PUT upload-close ?digest",
            "GET upload-status",
            "POST upload-start ?mount&from",
        ]
    );
}

#[tokio::test]
async fn a_registry_that_says_it_has_more_than_it_has_is_sent_all() {
    let running = Embedded::start().await;
    let plan = FaultPlan::new()
        .rule(closes().nth(1), Fault::Reset(Moment::RequestBytes(100_000)))
        .rule(
            Requests::to(Endpoint::UploadStatus).nth(1),
            Fault::answer(204).header("range", "0-199999"),
        )
        .rule(closes().nth(2), Fault::answer(400));
    running.faults.replace(plan);
    let (descriptor, _) = blob(&large());
    let target = running.repository();
    let pushed = target.push_blob(descriptor, pieces(&large(), 50_000));
    assert_eq!(pushed.await.unwrap(), Pushed::Uploaded);
    assert!(running.has_blob(&large()).await);
    assert_eq!(
        running.recorder.summaries()[3..],
        [
            "PUT upload-close ?digest",
            "DELETE upload-cancel",
            "POST upload-start",
            "PUT upload-close ?digest",
        ]
    );
}

#[tokio::test]
async fn an_upload_that_fails_is_cancelled() {
    let running = Embedded::with(closes(), Fault::answer(403)).await;
    let (descriptor, content) = blob(&large());
    let error = running.repository().push_blob(descriptor, content).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, PushError::Access(AccessError::Denied(_))),
        "{error:?}"
    );
    assert_eq!(running.recorder.summaries()[2..], ["DELETE upload-cancel"]);
    assert_eq!(running.recorder.exchanges()[2].status, Some(204));
}

/// Content that never comes.
struct Never;

impl Reopen for Never {
    fn open(
        &self,
        _: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<ByteStream>> + Send + 'static>> {
        Box::pin(async { Ok(Box::pin(futures_util::stream::pending()) as ByteStream) })
    }
}

#[tokio::test]
async fn small_content_that_never_comes_ends_with_the_operation() {
    let running = Embedded::start().await;
    let mut options = options();
    options.operation_timeout = Duration::from_millis(200);
    let (descriptor, _) = blob(b"small");
    let pushed = running.repository_with(options);
    let pushed = pushed.push_blob(descriptor, Content::Reopen(Arc::new(Never)));
    let error = pushed.await.unwrap_err();
    assert!(matches!(error, PushError::Content(_)), "{error:?}");
    assert_eq!(running.recorder.summaries().len(), 0);
}

#[tokio::test]
async fn a_registry_may_take_long_to_store_what_is_large() {
    let running = Embedded::start().await;
    let slow = Fault::Stall {
        at: Moment::BeforeHead,
        time: Some(Duration::from_secs(4)),
    };
    running.next(&closes(), [slow]);
    let mut options = options();
    options.idle_timeout = Duration::from_millis(1500);
    options.answer_timeout = Duration::from_mins(1);
    let (descriptor, content) = blob(&content(2 * MIB));
    let pushed = running.repository_with(options);
    let pushed = pushed.push_blob(descriptor, content).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert_eq!(
        running.recorder.summaries(),
        [
            "POST upload-start ?mount&from",
            "HEAD blob",
            "PUT upload-close ?digest"
        ]
    );
}

#[tokio::test]
async fn a_registry_that_never_answers_is_not_waited_for_for_ever() {
    let running = Embedded::with(closes(), Fault::stall(Moment::AtOnce)).await;
    let mut options = options();
    options.idle_timeout = Duration::from_secs(1);
    options.answer_timeout = Duration::from_millis(1500);
    options.retry.max_retries = 0;
    let (descriptor, content) = blob(&content(2 * MIB));
    let pushed = running.repository_with(options);
    let error = pushed.push_blob(descriptor, content).await.unwrap_err();
    let PushError::Access(AccessError::Network { kind, source, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*kind, NetworkErrorKind::Timeout, "{error:?}");
    let said = source.as_ref().unwrap().to_string();
    assert!(said.starts_with("no answer came for "), "{said}");
}

/// Returns what is asked after the content was sent and its answers were these, to the end.
async fn after_closing_with(fault: impl Into<Fault>) -> Vec<String> {
    let running = Embedded::with(closes(), fault).await;
    let mut options = options();
    options.idle_timeout = Duration::from_millis(1500);
    options.retry.max_retries = 1;
    // So little that all of it is taken to be sent before anything can go wrong.
    let (descriptor, content) = blob(&content(100_000));
    let pushed = running.repository_with(options);
    pushed.push_blob(descriptor, content).await.unwrap_err();
    running.recorder.summaries().split_off(1)
}

#[tokio::test]
async fn what_a_registry_may_still_store_is_not_cancelled() {
    let tried = [
        "PUT upload-close ?digest",
        "GET upload-status",
        "PUT upload-close ?digest",
    ];
    let silence = Fault::stall(Moment::AtOnce);
    assert_eq!(after_closing_with(silence).await, tried);
    assert_eq!(after_closing_with(Fault::answer(504)).await, tried);
    // This one is sure of it.
    let refused = after_closing_with(Fault::answer(503)).await;
    assert_eq!(refused[..3], tried);
    assert_eq!(refused[3..], ["DELETE upload-cancel"]);
}

#[tokio::test]
async fn a_source_that_is_silent_is_no_silence_of_the_target() {
    let (source, target) = (Embedded::start().await, Embedded::start().await);
    source.add_blob(&large()).await;
    let plan = FaultPlan::new().rule(
        Requests::to(Endpoint::Blob).method(Method::Get),
        Fault::stall(Moment::BodyBytes(100_000)),
    );
    source.faults.replace(plan);
    let mut options = options();
    options.retry.max_retries = 0;
    options.idle_timeout = Duration::from_millis(3500);
    let from = source.repository_with(options.clone());
    options.idle_timeout = Duration::from_millis(1500);
    let to = target.repository_with(options);

    let layer = serde_json::to_string(&blob(&large()).0).unwrap();
    let json = format!(
        r#"{{"schemaVersion":2,"mediaType":"{0}","config":{layer},"layers":[]}}"#,
        MediaType::IMAGE_MANIFEST
    );
    let root = RawManifest::new(MediaType::IMAGE_MANIFEST, json.into());
    let options = CopyOptions {
        tags: Vec::new(),
        precondition: Precondition::Any,
        concurrency: 1,
    };
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let error = copy(&from, &to, root, &options, &observer)
        .await
        .unwrap_err();
    match &error {
        CopyError::Source {
            source: FetchError::Access(AccessError::Network { host, kind, .. }),
            ..
        } => {
            assert_eq!(*host, source.host);
            assert_eq!(*kind, NetworkErrorKind::Timeout);
        }
        _ => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn an_upload_that_was_dropped_can_be_cancelled() {
    let running = Embedded::with(closes(), Fault::stall(Moment::RequestBytes(3))).await;
    let registry = RemoteRegistry::new(running.host.parse().unwrap(), options()).unwrap();
    let repository = registry.repository(name());
    registry.cancel_uploads().await;
    assert_eq!(running.recorder.summaries().len(), 0);
    let (descriptor, content) = blob(&large());
    let sent = async {
        while running.recorder.summaries().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        pushed = repository.push_blob(descriptor, content) => panic!("{pushed:?}"),
        () = sent => {}
    }
    registry.cancel_uploads().await;
    let exchanges = running.recorder.exchanges();
    assert_eq!(exchanges.len(), 3);
    assert_eq!(exchanges[2].summary(), "DELETE upload-cancel");
    assert_eq!(exchanges[2].path, exchanges[1].path);
    assert_eq!(exchanges[2].status, Some(204));
    registry.cancel_uploads().await;
    assert_eq!(running.recorder.exchanges().len(), 3);
}

#[tokio::test]
async fn content_that_stalls_now_and_then_arrives() {
    let running = Embedded::start().await;
    running.add_blob(&content(MIB)).await;
    let plan = FaultPlan::new()
        .rule(
            Requests::to(Endpoint::Blob).method(Method::Get).first(2),
            Fault::stall(Moment::BodyBytes(200_000)),
        )
        .rule(closes().nth(1), Fault::stall(Moment::RequestBytes(100_000)));
    running.faults.replace(plan);
    let mut options = options();
    options.idle_timeout = Duration::from_millis(600);
    let repository = running.repository_with(options.clone());
    let (descriptor, _) = blob(&content(MIB));
    assert!(read(&repository, &descriptor, 0).await.unwrap() == content(MIB));
    // The server lets a request that stands still hold its session for some seconds.
    options.idle_timeout = Duration::from_secs(5);
    let repository = running.repository_with(options);
    let (descriptor, content) = blob(&large());
    let pushed = repository.push_blob(descriptor, content).await;
    assert_eq!(
        pushed.ok(),
        Some(Pushed::Uploaded),
        "{:?}",
        running.recorder
    );
}

/// Moves a blob up and down through connections that break after so many bytes.
async fn through_cuts(size: usize, cut: usize) {
    let running = Embedded::start().await;
    let cutter = Cutter::start(&running.host, cut as u64).await;
    let repository = cutter.repository(options());
    let content = content(size);
    let (descriptor, _) = blob(&content);
    let most = size as u64 * 105 / 100;

    let push = repository.push_blob(descriptor.clone(), pieces(&content, 100_000));
    assert_eq!(push.await.unwrap(), Pushed::Uploaded);
    assert!(running.has_blob(&content).await);
    let moved = cutter.take_moved();
    assert!(moved.up <= most, "{moved:?} for {size}");

    assert!(read(&repository, &descriptor, 0).await.unwrap() == content);
    let moved = cutter.take_moved();
    assert!(moved.down <= most, "{moved:?} for {size}");
    assert!(cutter.cuts() >= 2 * (size / cut - 1), "{}", cutter.cuts());
}

#[tokio::test]
async fn connections_that_are_cut_again_and_again_cost_little() {
    through_cuts(32 * MIB, 2 * MIB).await;
}

#[tokio::test]
#[ignore = "a gibibyte, twice"]
async fn a_gibibyte_through_cuts() {
    through_cuts(GIB, 64 * MIB).await;
}
