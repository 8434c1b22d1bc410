//! Many requests at once: how many there are, and that none waits for another that waits for it.

use std::sync::Arc;
use std::time::Duration;

use eigenpack_oci::{
    CopyOptions, Descriptor, MediaType, Observer, Precondition, RawManifest, Silent, Source as _,
    Target as _, copy,
};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Method, Moment, Requests};
use eigenpack_remote::{RemoteOptions, RemoteRegistry, RemoteRepository};
use futures_util::future::{join_all, try_join_all};

use crate::embedded::Embedded;
use crate::fixture::{blob, large, options, pieces, read};

/// Longer than anything here takes, unless it waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn limited_to(concurrency: usize) -> RemoteOptions {
    let mut options = options();
    options.concurrency = concurrency;
    options
}

/// Bytes that are large and those of no other `n`.
fn numbered(n: u8) -> Vec<u8> {
    [&[n], large().as_slice()].concat()
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap()
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_allowed() {
    let running = Embedded::start().await;
    // None is answered before as many have come as may come.
    let gather = Fault::Gather(4.try_into().unwrap());
    running
        .faults
        .replace(FaultPlan::new().rule(Requests::all(), gather));
    let repository = running.repository_with(limited_to(4));
    let asked = (0..40).map(|n| {
        let (repository, (descriptor, _)) = (repository.clone(), blob(&[n]));
        tokio::spawn(async move { repository.has_blob(descriptor).await })
    });
    for found in in_time(join_all(asked)).await {
        assert!(!found.unwrap().unwrap());
    }
    assert_eq!(running.recorder.exchanges().len(), 40);
    // One may be opened while another one is about to be free.
    let accepted = running.recorder.accepted();
    assert!((4..=6).contains(&accepted), "{accepted}");
}

/// Waits until so many requests have come to an endpoint.
async fn have_come(running: &Embedded, endpoint: Endpoint, count: usize) {
    let come = || {
        let exchanges = running.recorder.exchanges();
        exchanges
            .iter()
            .filter(|one| one.endpoint == endpoint)
            .count()
    };
    in_time(async {
        while come() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

async fn push_small(repository: &RemoteRepository) {
    let (descriptor, content) = blob(b"{}");
    repository.push_blob(descriptor, content).await.unwrap();
    // What is still to be read is no less small.
    let (descriptor, _) = blob(b"[1, 2]");
    let content = pieces(b"[1, 2]", 2);
    repository.push_blob(descriptor, content).await.unwrap();
}

#[tokio::test]
async fn large_uploads_keep_nothing_small_waiting() {
    let stands = Fault::stall(Moment::RequestBytes(1000));
    let running = Embedded::with(Requests::to(Endpoint::UploadClose), stands).await;
    let repository = running.repository_with(limited_to(8));
    let uploads = (0..20).map(|n| {
        let (descriptor, content) = blob(&numbered(n));
        repository.push_blob(descriptor, content)
    });
    let small = async {
        have_come(&running, Endpoint::UploadClose, 3).await;
        in_time(push_small(&repository)).await;
    };
    tokio::select! {
        _ = join_all(uploads) => panic!("they stand still"),
        () = small => {}
    }
    let exchanges = running.recorder.exchanges();
    let closes = exchanges
        .iter()
        .filter(|one| one.endpoint == Endpoint::UploadClose);
    assert_eq!(closes.count(), 3);
}

fn gets(running: &Embedded) -> usize {
    let summaries = running.recorder.summaries();
    summaries.iter().filter(|one| *one == "GET blob").count()
}

#[tokio::test]
async fn blobs_that_nobody_reads_keep_nothing_small_waiting() {
    let running = Embedded::start().await;
    running.add_blob(&large()).await;
    running.add_blob(b"{}").await;
    let repository = running.repository_with(limited_to(8));
    let (descriptor, _) = blob(&large());
    let open = || repository.unverified_blob(descriptor.clone(), 0);
    let mut streams = try_join_all([open(), open(), open()]).await.unwrap();
    let small = async {
        push_small(&repository).await;
        let (small, _) = blob(b"{}");
        assert_eq!(read(&repository, &small, 0).await.unwrap(), b"{}");
    };
    tokio::select! {
        _ = open() => panic!("there are three already"),
        () = in_time(small) => {}
    }
    assert_eq!(gets(&running), 4);
    // One that is dropped makes room.
    streams.pop();
    let opened = in_time(open()).await;
    assert!(opened.is_ok());
    assert_eq!(gets(&running), 5);
}

/// Stores an image with so many blobs, large and small ones.
async fn image(running: &Embedded, blobs: u8) -> RawManifest {
    let mut layers = Vec::new();
    for n in 0..blobs {
        let content = if n % 4 == 0 { vec![n] } else { numbered(n) };
        running.add_blob(&content).await;
        layers.push(Descriptor::of(MediaType::OCTET_STREAM, &content));
    }
    running.add_blob(b"{}").await;
    let json = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::IMAGE_MANIFEST,
        "config": Descriptor::of(MediaType::EMPTY, b"{}"),
        "layers": layers,
    });
    RawManifest::new(MediaType::IMAGE_MANIFEST, json.to_string().into())
}

#[tokio::test]
async fn a_copy_within_a_registry_does_not_wait_for_itself() {
    for concurrency in [0, 2, 3, 5] {
        let running = Embedded::start().await;
        let image = image(&running, 20).await;
        // Every download breaks once on its way.
        let downloads = Requests::to(Endpoint::Blob).method(Method::Get);
        let reset = Fault::Reset(Moment::BodyBytes(100_000));
        let plan = (0..20u8)
            .filter(|n| n % 4 != 0)
            .fold(FaultPlan::new(), |plan, n| {
                let (descriptor, _) = blob(&numbered(n));
                let once = downloads.clone().reference(descriptor.digest.into()).nth(1);
                plan.rule(once, reset.clone())
            });
        running.faults.replace(plan);
        let host = running.host.parse().unwrap();
        let registry = RemoteRegistry::new(host, limited_to(concurrency)).unwrap();
        let source = registry.repository("a/b".parse().unwrap());
        let target = registry.repository("c/d".parse().unwrap());
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        let options = CopyOptions {
            tags: vec!["v1".parse().unwrap()],
            precondition: Precondition::Any,
            concurrency: 20,
        };
        let copied = copy(&source, &target, image, &options, &observer);
        let copied = in_time(copied).await.unwrap();
        assert_eq!(copied.blobs.len(), 21);
        let resumed = running.recorder.exchanges();
        let resumed = resumed.iter().filter(|one| one.header("range").is_some());
        assert_eq!(resumed.count(), 15);
        let accepted = running.recorder.accepted();
        let broken = 15;
        assert!(accepted <= concurrency.max(2) + broken + 2, "{accepted}");
    }
}
