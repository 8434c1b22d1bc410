//! Pushes of shared blobs by many tasks and processes, while other tasks and processes collect garbage.
//!
//! The other processes are this very test program, started again to run one of the tests that are ignored here.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use eigenpack_layout::{GcOptions, LocalStore};
use eigenpack_oci::{
    Content, Descriptor, Digest, Manifest, MediaType, Precondition, RawManifest, Source as _,
    Target as _, fetch_blob,
};
use futures_util::future::join_all;

/// Names the store for the processes that are started.
const STORE: &str = "EIGENPACK_TEST_STORE";
/// Tells the processes that are started apart.
const NUMBER: &str = "EIGENPACK_TEST_NUMBER";
/// How many rounds there are; a soak sets more than the default.
const ROUNDS: &str = "EIGENPACK_GC_ROUNDS";

const TASKS: usize = 4;
const PROCESSES: usize = 2;
const ARTIFACTS: usize = 3;
/// The layers that everybody chooses from.
const SHARED: usize = 12;
const NAMES: [&str; 2] = ["one", "two"];

/// Longer than a push ever takes here; what is to be garbage is made older than that.
const OPTIONS: GcOptions = GcOptions {
    min_age: Duration::from_mins(2),
    dry_run: false,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_is_collected() {
    let rounds = std::env::var(ROUNDS).map_or(10, |rounds| rounds.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let mut collected = 0;
    for _ in 0..rounds {
        let mut children: Vec<_> = (0..PROCESSES)
            .map(|number| {
                start(
                    "child_pushes_shared_blobs",
                    directory.path(),
                    TASKS + number,
                )
            })
            .collect();
        let mut collector = start("child_collects_garbage", directory.path(), 0);
        let done = AtomicBool::new(false);
        let pushing = async {
            let pushed = join_all((0..TASKS).map(|number| push_all(&store, number))).await;
            let mut acknowledged = pushed.concat();
            for child in &mut children {
                let out = BufReader::new(child.stdout.take().unwrap());
                acknowledged.extend(out.lines().filter_map(|line| pushed_in(&line.unwrap())));
                assert!(child.wait().unwrap().success());
            }
            done.store(true, Ordering::Relaxed);
            acknowledged
        };
        let collecting = async {
            while !done.load(Ordering::Relaxed) {
                collected += store.collect_garbage(OPTIONS).await.unwrap().blobs.len();
            }
        };
        let (acknowledged, ()) = tokio::join!(pushing, collecting);
        assert!(collector.wait().unwrap().success());
        assert_eq!(acknowledged.len(), (TASKS + PROCESSES) * ARTIFACTS);
        for (name, digest) in &acknowledged {
            assert_whole(&store, name, digest).await;
        }
        abandon(&store, &acknowledged).await;
    }
    collected += store.collect_garbage(OPTIONS).await.unwrap().blobs.len();
    assert!(collected > 0, "there was nothing to lose");
}

#[tokio::test]
#[ignore = "run by nothing_that_was_acknowledged_is_collected"]
async fn child_pushes_shared_blobs() {
    let number = std::env::var(NUMBER).unwrap().parse().unwrap();
    for (name, digest) in push_all(&store_of_parent().await, number).await {
        writeln!(std::io::stdout(), "\npushed {name} {digest}").unwrap();
    }
}

#[tokio::test]
#[ignore = "run by nothing_that_was_acknowledged_is_collected"]
async fn child_collects_garbage() {
    let store = store_of_parent().await;
    for _ in 0..5 {
        store.collect_garbage(OPTIONS).await.unwrap();
    }
}

/// Starts this program again to run one test.
fn start(test: &str, store: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(STORE, store)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn store_of_parent() -> LocalStore {
    let path = std::env::var_os(STORE).expect("started by another test, with a store");
    LocalStore::create_or_open(path).await.unwrap()
}

fn pushed_in(line: &str) -> Option<(String, Digest)> {
    let (name, digest) = line.strip_prefix("pushed ")?.split_once(' ')?;
    Some((name.to_owned(), digest.parse().unwrap()))
}

/// Pushes artifacts whose layers others push as well, and returns what was acknowledged.
async fn push_all(store: &LocalStore, number: usize) -> Vec<(String, Digest)> {
    let mut acknowledged = Vec::new();
    for step in 0..ARTIFACTS {
        let name = NAMES[(number + step) % NAMES.len()];
        let shared = (0..SHARED / 2).map(|n| format!("layer {}", (number + step * 5 + n) % SHARED));
        let contents: Vec<_> = ["{}".to_owned()].into_iter().chain(shared).collect();
        let digest = push(store, name, &contents, &format!("{number} {step}")).await;
        acknowledged.push((name.to_owned(), digest));
    }
    acknowledged
}

async fn push(store: &LocalStore, name: &str, contents: &[String], note: &str) -> Digest {
    let repository = store.repository(&name.parse().unwrap());
    let mut pointers = Vec::new();
    for content in contents {
        let bytes = Bytes::copy_from_slice(content.as_bytes());
        let descriptor = Descriptor::of(MediaType::EMPTY, &bytes);
        pointers.push(serde_json::to_string(&descriptor).unwrap());
        // As a client does: what is there already is not sent.
        if !repository.has_blob(descriptor.clone()).await.unwrap() {
            let pushed = repository.push_blob(descriptor, Content::Bytes(bytes));
            pushed.await.unwrap();
        }
    }
    let (config, layers) = (&pointers[0], pointers[1..].join(","));
    let json = format!(
        r#"{{"schemaVersion":2,"config":{config},"layers":[{layers}],"annotations":{{"note":"{note}"}}}}"#
    );
    let manifest = RawManifest::new(MediaType::IMAGE_MANIFEST, json.into());
    let digest = manifest.digest().clone();
    let pushed = repository.push_manifest(manifest, Vec::new(), Precondition::Any);
    pushed.await.unwrap();
    digest
}

/// Reads a manifest and all that it points to.
async fn assert_whole(store: &LocalStore, name: &str, digest: &Digest) {
    let repository = store.repository(&name.parse().unwrap());
    let manifest = repository.manifest(digest.clone().into()).await.unwrap();
    for blob in Manifest::read(&manifest).unwrap().blobs() {
        fetch_blob(&repository, blob.clone(), 1 << 20)
            .await
            .unwrap();
    }
}

/// Makes garbage of everything, old enough to be collected.
async fn abandon(store: &LocalStore, acknowledged: &[(String, Digest)]) {
    for (name, digest) in acknowledged {
        let repository = store.repository(&name.parse().unwrap());
        repository.delete(digest.clone().into()).await.unwrap();
    }
    make_old(store.path());
}

fn make_old(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            make_old(&path);
        } else {
            let old = SystemTime::now() - OPTIONS.min_age * 2;
            File::open(path).unwrap().set_modified(old).unwrap();
        }
    }
}
