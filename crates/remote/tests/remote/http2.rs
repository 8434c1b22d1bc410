//! HTTP/2, where a registry offers it over TLS; and HTTP/1.1 everywhere else.

use std::time::Duration;

use eigenpack_oci::{Precondition, Pushed, Source as _, Target as _};
use eigenpack_remote::{RemoteRegistry, RemoteRepository};
use futures_util::StreamExt as _;
use hyper::{Method, Version};

use crate::authority::{Authority, Demand};
use crate::embedded::{Embedded, name};
use crate::fixture::{blob, large, manifest, options, pieces, read};
use crate::front::{Front, Trouble};
use crate::guarded::which;
use crate::stage::{Reply, Stage};

/// Bytes that many times fill the window of a stream, which is 2 MiB.
fn huge(first: u8) -> Vec<u8> {
    let mut content = vec![b'x'; 9 << 20];
    content[0] = first;
    content
}

async fn push(repository: &RemoteRepository, content: &[u8]) -> Pushed {
    let (descriptor, _) = blob(content);
    let pushed = repository.push_blob(descriptor, pieces(content, 100_000));
    pushed.await.unwrap()
}

async fn push_manifest(repository: &RemoteRepository) {
    let tags = vec!["v1".parse().unwrap()];
    let pushed = repository.push_manifest(manifest("1"), tags, Precondition::Absent);
    pushed.await.unwrap();
}

#[tokio::test]
async fn a_push_and_a_pull_share_one_connection() {
    let registry = Embedded::start().await;
    let front = Front::start(&registry).await;
    let repository = front.repository(front.options());
    for content in [b"{}".to_vec(), large(), huge(0)] {
        assert_eq!(push(&repository, &content).await, Pushed::Uploaded);
        assert!(registry.has_blob(&content).await);
    }
    push_manifest(&repository).await;
    assert_eq!(registry.tagged("v1").await, Some(manifest("1")));
    assert_eq!(repository.manifest(which()).await.unwrap(), manifest("1"));

    // Side by side, too.
    let contents = [b"{}".to_vec(), large(), huge(0)];
    let reads = contents.iter().map(async |content| {
        assert!(read(&repository, &blob(content).0, 0).await.unwrap() == *content);
    });
    futures_util::future::join_all(reads).await;
    let versions = front.versions();
    assert_eq!(
        versions,
        vec![Version::HTTP_2; registry.recorder.exchanges().len()]
    );
    assert_eq!(versions.len(), 11);
    assert_eq!(front.connections(), 1);
}

#[tokio::test]
async fn streams_that_are_reset_are_tried_again() {
    let registry = Embedded::start().await;
    let front = Front::start(&registry).await;
    let repository = front.repository(front.options());
    front.next(Method::POST, Trouble::Reset);
    assert_eq!(push(&repository, b"{}").await, Pushed::Uploaded);
    front.next(Method::PUT, Trouble::Reset);
    assert_eq!(push(&repository, &huge(0)).await, Pushed::Uploaded);
    assert!(registry.has_blob(&huge(0)).await);
    front.next(Method::PUT, Trouble::Reset);
    push_manifest(&repository).await;
    for trouble in [Trouble::Reset, Trouble::ResetAfter(10)] {
        front.next(Method::GET, trouble);
        assert_eq!(repository.manifest(which()).await.unwrap(), manifest("1"));
        assert!(front.is_calm());
    }
    front.next(Method::GET, Trouble::ResetAfter(3 << 20));
    assert!(read(&repository, &blob(&huge(0)).0, 0).await.unwrap() == huge(0));
    assert!(front.is_calm());
    // It goes on where it was.
    let exchanges = registry.recorder.exchanges();
    let range = exchanges.last().unwrap().header("range").unwrap();
    let start = range.trim_start_matches("bytes=").trim_end_matches('-');
    assert!((1..=3 << 20).contains(&start.parse().unwrap()), "{range}");
    // One stream's reset is none of the others' business.
    assert_eq!(front.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_goes_away_is_replaced() {
    let registry = Embedded::start().await;
    let front = Front::start(&registry).await;
    let repository = front.repository(front.options());
    front.next(Method::POST, Trouble::GoAway);
    assert_eq!(push(&repository, &huge(0)).await, Pushed::Uploaded);
    assert!(front.is_calm());
    let sent = registry.recorder.exchanges();
    assert_eq!(sent.iter().map(|one| one.bytes_in).sum::<u64>(), 9 << 20);
    assert_eq!(front.connections(), 2);
    front.next(Method::GET, Trouble::EndAfter(1 << 20));
    assert!(read(&repository, &blob(&huge(0)).0, 0).await.unwrap() == huge(0));
    assert!(front.is_calm());
    assert_eq!(front.connections(), 3);
    assert!(
        front
            .versions()
            .iter()
            .all(|version| *version == Version::HTTP_2)
    );
}

#[tokio::test]
async fn blobs_that_nobody_reads_hold_up_nothing_else() {
    let registry = Embedded::start().await;
    let front = Front::start(&registry).await;
    let mut options = front.options();
    options.idle_timeout = Duration::from_secs(5);
    let repository = front.repository(options);
    registry.add_manifest("v1", &manifest("1")).await;
    let mut unread = Vec::new();
    for n in 0..4 {
        registry.add_blob(&huge(n)).await;
        let mut stream = repository.blob(blob(&huge(n)).0, 0).await.unwrap();
        stream.next().await.unwrap().unwrap();
        unread.push(stream);
    }
    assert_eq!(repository.manifest(which()).await.unwrap(), manifest("1"));
    assert_eq!(front.connections(), 1);
}

#[tokio::test]
async fn without_an_offer_it_is_http_1() {
    let play = |_: &_| Reply::new(200).body("{}");
    let plain = Stage::plain(play).await;
    let authority = Authority::new();
    let over_tls = authority.stage(Demand::Nothing, play).await;
    for (stage, options) in [(&plain, options()), (&over_tls, authority.options())] {
        let registry = RemoteRegistry::new(stage.host(), options).unwrap();
        let found = read(&registry.repository(name()), &blob(b"{}").0, 0).await;
        assert_eq!(found.unwrap(), b"{}");
        let requests = stage.requests();
        assert!(
            requests[0]
                .head
                .lines()
                .next()
                .unwrap()
                .ends_with(" HTTP/1.1")
        );
        assert_eq!(requests.len(), 1);
    }
}
