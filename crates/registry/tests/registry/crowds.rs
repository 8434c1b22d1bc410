//! A crowd at one repository: what each was told is there must be there, byte for byte, when all have gone.

use eigenpack_layout::LocalStore;
use eigenpack_oci::{Digest, Precondition, PushError, RawManifest, Tag, TagOrDigest, Target};
use eigenpack_registry::ServerOptions;
use futures_util::future::join_all;
use tempfile::TempDir;

use crate::fixture::{Running, manifest};

const CLIENTS: usize = 64;
const ROUNDS: usize = 50;

/// What one client was told is stored.
struct Acknowledged {
    blobs: Vec<Digest>,
    manifest: RawManifest,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crowd_pushed_outlives_the_server_on_disk() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    let store = LocalStore::open(&path).await.unwrap();
    let server = Running::start(store, ServerOptions::default()).await;
    let acknowledged = push_all(&server).await;
    server.stop().await;

    let store = LocalStore::open(&path).await.unwrap();
    let server = Running::start(store, ServerOptions::default()).await;
    assert_all_there(&server, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crowd_pushed_is_in_memory() {
    let server = Running::in_memory().await;
    let acknowledged = push_all(&server).await;
    assert_all_there(&server, &acknowledged).await;
}

/// Everybody pushes one blob that all have and one of their own, and moves the same tag.
async fn push_all(server: &Running) -> Vec<Acknowledged> {
    let shared = vec![7; 100_000];
    let pushes = (0..CLIENTS).map(|client| {
        let shared = &shared;
        async move {
            let own = format!("client {client} ").repeat(client * 100);
            let mut blobs = Vec::new();
            for content in [shared, own.as_bytes()] {
                blobs.push(push_in_one_of_three_ways(server, client, content).await);
            }
            let manifest = manifest(&client.to_string());
            let pushed = server.put("a/b", "shared", &manifest, &[]).await;
            assert_eq!(pushed.status, 201, "{pushed:?}");
            Acknowledged { blobs, manifest }
        }
    });
    join_all(pushes).await
}

async fn push_in_one_of_three_ways(server: &Running, way: usize, content: &[u8]) -> Digest {
    if way.is_multiple_of(3) {
        return server.push_blob("a/b", content).await;
    }
    let digest = Digest::sha256(content);
    let location = server.open("a/b").await;
    let (first, rest) = if way % 3 == 1 {
        content.split_at(content.len() / 2)
    } else {
        (&content[..0], content)
    };
    if !first.is_empty() {
        let patched = server.ask(&format!("PATCH {location}"), &[], first).await;
        assert_eq!(patched.status, 202, "{patched:?}");
    }
    let put = format!("PUT {location}?digest={digest}");
    let closed = server.ask(&put, &[], rest).await;
    assert_eq!(closed.status, 201, "{closed:?}");
    digest
}

async fn assert_all_there(server: &Running, acknowledged: &[Acknowledged]) {
    assert_eq!(acknowledged.len(), CLIENTS);
    for one in acknowledged {
        for blob in &one.blobs {
            let read = server.get(&format!("/v2/a/b/blobs/{blob}")).await;
            assert_eq!(read.status, 200, "{blob}");
            assert_eq!(Digest::sha256(&read.body), *blob);
        }
        let digest = one.manifest.digest();
        let read = server.get(&format!("/v2/a/b/manifests/{digest}")).await;
        assert_eq!(read.body, one.manifest.bytes().as_ref());
    }
    let tagged = server.get("/v2/a/b/manifests/shared").await;
    let is_one_of_them = |one: &Acknowledged| one.manifest.bytes().as_ref() == tagged.body;
    assert!(acknowledged.iter().any(is_one_of_them), "{tagged:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_publishers_at_one_server_exactly_one_gets_each_tag() {
    let (_directory, servers) = Running::both().await;
    for server in &servers {
        let repositories = [server.repository("a/b"), server.repository("a/b")];
        for round in 0..ROUNDS {
            race(&repositories[0], &repositories[1], round).await;
        }
    }
}

/// The one publishes through the server, the other past it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_server_and_another_process_exactly_one_gets_each_tag() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store");
    let store = LocalStore::open(&path).await.unwrap();
    let server = Running::start(store, ServerOptions::default()).await;
    let through_it = server.repository("a/b");
    let past_it = LocalStore::open(&path).await.unwrap();
    let past_it = past_it.repository(&"a/b".parse().unwrap());
    for round in 0..ROUNDS {
        race(&through_it, &past_it, round).await;
    }
}

/// Lets two publishers want the same tag for different manifests, each only where it is absent.
async fn race(first: &impl Target, second: &impl Target, round: usize) {
    let tag: Tag = format!("v{round}").parse().unwrap();
    let manifests = ["first", "second"].map(|who| manifest(&format!("{who} {round}")));
    let (one, two) = tokio::join!(
        first.push_manifest(
            manifests[0].clone(),
            vec![tag.clone()],
            Precondition::Absent
        ),
        second.push_manifest(
            manifests[1].clone(),
            vec![tag.clone()],
            Precondition::Absent
        ),
    );
    let winner = match (one, two) {
        (Ok(()), Err(PushError::Conflict { .. })) => &manifests[0],
        (Err(PushError::Conflict { .. }), Ok(())) => &manifests[1],
        other => panic!("round {round}: {other:?}"),
    };
    for seen_by in [
        first.manifest(TagOrDigest::Tag(tag.clone())).await,
        second.manifest(TagOrDigest::Tag(tag.clone())).await,
    ] {
        assert_eq!(seen_by.unwrap(), *winner, "round {round}");
    }
}
