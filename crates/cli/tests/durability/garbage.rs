//! `eigenpack gc` as another process, while a server takes pushes whose layers everybody shares.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use eigenpack::oci::{Digest, RawManifest};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Client, manifest};
use crate::server::{Server, eigenpack};
use crate::store_on_disk::{assert_every_blob_verifies, make_old};

/// How many rounds there are; a soak sets more than the default.
const ROUNDS: &str = "EIGENPACK_GC_ROUNDS";

const PUSHERS: usize = 4;
const ARTIFACTS: usize = 4;
/// The layers that everybody chooses from.
const SHARED: usize = 12;
const REPOSITORIES: [&str; 2] = ["one", "two"];

/// Longer than a push ever takes here; what is to be garbage is made older than that.
const MIN_AGE: Duration = Duration::from_mins(2);

#[test]
fn nothing_that_was_acknowledged_is_collected_by_another_process() {
    let rounds = std::env::var(ROUNDS).map_or(5, |rounds| rounds.parse().unwrap());
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("store");
    let server = Server::start(&store);
    let client = server.client();
    let mut collected = 0;
    for round in 0..rounds {
        let done = AtomicBool::new(false);
        let (asked, collections) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let acknowledged = thread::scope(|scope| {
            let collector = scope.spawn(|| {
                let mut removed = 0;
                while !done.load(Ordering::Relaxed) {
                    // What is garbage at first is collected when everybody was told that it is there, and not before.
                    if asked.load(Ordering::Relaxed) < PUSHERS {
                        thread::sleep(Duration::from_millis(1));
                        continue;
                    }
                    removed += collect(&store);
                    collections.fetch_add(1, Ordering::Relaxed);
                }
                removed
            });
            let pushers: Vec<_> = (0..PUSHERS)
                .map(|pusher| {
                    let (collections, asked) = (&collections, &asked);
                    scope.spawn(move || {
                        push_all(client, round, pusher, |step| {
                            asked.fetch_add(1, Ordering::Relaxed);
                            // Some go on at once, and some when a collector has seen what they were told of.
                            if step % 2 == 0 {
                                wait_for_a_whole_collection(collections);
                            }
                        })
                    })
                })
                .collect();
            let ended: Vec<_> = pushers.into_iter().map(ScopedJoinHandle::join).collect();
            // However they ended: otherwise the collector would go on for ever.
            done.store(true, Ordering::Relaxed);
            collected += collector.join().unwrap();
            let acknowledged = ended.into_iter().flat_map(|pushed| pushed.unwrap());
            acknowledged.collect::<Vec<_>>()
        });
        assert_eq!(acknowledged.len(), PUSHERS * ARTIFACTS);
        for (repository, manifest) in &acknowledged {
            assert_whole(client, repository, manifest);
        }
        assert_every_blob_verifies(&store);
        abandon(client, &acknowledged);
        make_old(&store, MIN_AGE * 2);
    }
    collected += collect(&store);
    assert!(collected > 0, "there was nothing to lose");
}

/// Collects garbage, and returns how many blobs were removed.
fn collect(store: &Path) -> usize {
    let age = format!("--min-age={}s", MIN_AGE.as_secs());
    let output = eigenpack(store)
        .args(["gc", &age, "--format=json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["removed"].as_array().unwrap().len()
}

/// Pushes artifacts whose layers others push as well, and returns what was acknowledged.
fn push_all(
    client: Client,
    round: usize,
    pusher: usize,
    before_manifest: impl Fn(usize),
) -> Vec<(&'static str, RawManifest)> {
    let artifacts = (0..ARTIFACTS).map(|step| {
        let repository = REPOSITORIES[(pusher + step) % REPOSITORIES.len()];
        // Nobody else would push it again if it were lost.
        let own = format!("of {pusher} at {step}, in every round");
        let layers = (0..SHARED / 2).map(|n| format!("layer {}", (pusher + step * 5 + n) % SHARED));
        let blobs: Vec<_> = ["{}".to_owned(), own].into_iter().chain(layers).collect();
        let blobs: Vec<_> = blobs.iter().map(String::as_bytes).collect();
        for blob in &blobs {
            push_where_missing(client, repository, blob);
        }
        before_manifest(step);
        let manifest = manifest(&blobs, &format!("{round} {pusher} {step}"));
        client
            .push_manifest(repository, manifest.digest().as_str(), &manifest)
            .unwrap();
        (repository, manifest)
    });
    artifacts.collect()
}

/// Waits until a collection that began after this was called has ended.
fn wait_for_a_whole_collection(collections: &AtomicUsize) {
    let (before, started) = (collections.load(Ordering::Relaxed), Instant::now());
    while collections.load(Ordering::Relaxed) < before + 2 {
        assert!(started.elapsed() < MIN_AGE / 2, "the collector is stuck");
        thread::sleep(Duration::from_millis(1));
    }
}

/// As most clients do: what is there already is not sent.
fn push_where_missing(client: Client, repository: &str, blob: &[u8]) {
    let digest = Digest::sha256(blob);
    let question = format!("HEAD /v2/{repository}/blobs/{digest}");
    let answer = client.send(&question, "text/plain", b"").unwrap();
    if answer.status != 200 {
        assert_eq!(answer.status, 404);
        client.push_blob(repository, blob).unwrap();
    }
}

/// Reads a manifest and all that it points to.
fn assert_whole(client: Client, repository: &str, manifest: &RawManifest) {
    let digest = manifest.digest();
    let read = client.get(&format!("/v2/{repository}/manifests/{digest}"));
    assert_eq!(read.body, manifest.bytes().as_ref());
    let document: Value = serde_json::from_slice(manifest.bytes()).unwrap();
    let layers = document["layers"].as_array().unwrap();
    for pointer in layers.iter().chain([&document["config"]]) {
        let digest = pointer["digest"].as_str().unwrap();
        let read = client.get(&format!("/v2/{repository}/blobs/{digest}"));
        assert_eq!(read.status, 200, "{repository}@{digest} was collected");
        assert_eq!(Digest::sha256(&read.body).to_string(), digest);
    }
}

/// Leaves the layers to nobody.
fn abandon(client: Client, acknowledged: &[(&'static str, RawManifest)]) {
    for (repository, manifest) in acknowledged {
        let line = format!("DELETE /v2/{repository}/manifests/{}", manifest.digest());
        assert_eq!(client.send(&line, "text/plain", b"").unwrap().status, 202);
    }
}
