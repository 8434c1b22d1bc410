//! Many processes on one store, some of which die at any moment.
//!
//! The other processes are this very test program, started again to run one of the tests that are ignored here.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use eigenpack_layout::{LocalRepository, LocalStore};
use eigenpack_oci::{
    Content, Descriptor, Digest, Manifest, MediaType, Precondition, RawManifest, Source as _, Tag,
    Target as _, fetch_blob,
};

/// Names the store for the processes that are started.
const STORE: &str = "EIGENPACK_TEST_STORE";
/// Tells the processes that are started apart.
const NUMBER: &str = "EIGENPACK_TEST_NUMBER";
/// How many processes are killed; a soak sets more than the default.
const ROUNDS: &str = "EIGENPACK_CRASH_ROUNDS";

const ROUNDS_OF_ONE_STORE: usize = 5;
const PROCESSES: usize = 16;
/// A process that has not acknowledged enough by then hangs.
const LIMIT: Duration = Duration::from_mins(1);
const LAYER: MediaType = MediaType::from_static("text/x-example");

#[tokio::test]
async fn sixteen_processes_push_into_one_repository() {
    let directory = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..PROCESSES)
        .map(|number| start("child_pushes_one_tag", directory.path(), number))
        .collect();
    for mut child in children {
        let mut said = String::new();
        let out = child.stdout.as_mut().unwrap();
        out.read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
    }
    let store = LocalStore::open(directory.path()).await.unwrap();
    assert_eq!(store.repositories().await.unwrap(), [name()]);
    let repository = store.repository(&name());
    let expected: BTreeSet<Tag> = (0..PROCESSES).map(tag).collect();
    let found = repository.tags().await.unwrap();
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), expected);
    assert_whole(&repository, &found).await;
    assert_every_file_verifies(directory.path());
}

#[tokio::test]
#[ignore = "run by sixteen_processes_push_into_one_repository"]
async fn child_pushes_one_tag() {
    let repository = repository_of_parent().await;
    let number = number();
    push(&repository, number, &format!("process {number}")).await;
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let rounds = std::env::var(ROUNDS).map_or(20, |rounds| rounds.parse().unwrap());
    // A store soon holds so much that reading it takes longer than writing it; a new one is also killed while it is made.
    for first in (0..rounds).step_by(ROUNDS_OF_ONE_STORE) {
        let last = rounds.min(first + ROUNDS_OF_ONE_STORE);
        kill_and_look(first..last).await;
    }
}

/// Kills one process after the other on one store, and looks each time for what was acknowledged.
async fn kill_and_look(rounds: Range<usize>) {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in rounds {
        acknowledged.extend(kill_one(directory.path(), round));
        let store = LocalStore::open(directory.path()).await.unwrap();
        assert_every_file_verifies(directory.path());
        if acknowledged.is_empty() {
            continue;
        }
        let repository = store.repository(&name());
        let tags = repository.tags().await.unwrap();
        assert_whole(&repository, &tags).await;
        for digest in &acknowledged {
            let manifest = repository.manifest(digest.clone().into()).await;
            assert_eq!(manifest.unwrap().digest(), digest);
        }
    }
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    push(&store.repository(&name()), 0, "afterwards").await;
}

/// Starts a process that pushes, kills it, and returns what it acknowledged before that.
fn kill_one(store: &Path, round: usize) -> Vec<Digest> {
    let mut child = start("child_pushes_until_it_is_killed", store, round);
    let out = BufReader::new(child.stdout.take().unwrap());
    let (acknowledge, acknowledgements) = mpsc::channel();
    let reader = thread::spawn(move || {
        // The last line may have been cut; a cut digest does not parse.
        for line in out.lines() {
            let line = line.unwrap();
            let digest = line.strip_prefix("pushed ").map(str::parse);
            if let Some(Ok(digest)) = digest {
                acknowledge.send(digest).unwrap();
            }
        }
    });
    // Spread out, so that every step of a push is hit sooner or later, however fast the machine is. The first process of
    // a store is killed while it makes that.
    let enough = (round % ROUNDS_OF_ONE_STORE) * 4;
    let mut acknowledged: Vec<Digest> = Vec::new();
    while acknowledged.len() < enough {
        match acknowledgements.recv_timeout(LIMIT) {
            Ok(digest) => acknowledged.push(digest),
            Err(_) => break,
        }
    }
    let pause = u64::try_from((round * 7) % 23).unwrap();
    thread::sleep(Duration::from_millis(pause));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    acknowledged.extend(acknowledgements);
    assert!(acknowledged.len() >= enough, "the process hangs");
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_killed_process_loses_nothing_that_it_acknowledged"]
async fn child_pushes_until_it_is_killed() {
    use std::io::Write as _;
    let repository = repository_of_parent().await;
    let number = number();
    for step in 0..100_000 {
        let content = [0, 1].map(|half| format!("{number} {step} {half} ").repeat(3000));
        // A tag of its own for the one, a tag that moves for the other.
        let (one, two) = tokio::join!(
            push(&repository, number * 100_000 + step, &content[0]),
            push(&repository, 0, &content[1]),
        );
        let mut out = std::io::stdout().lock();
        writeln!(out, "\npushed {one}\npushed {two}").unwrap();
        out.flush().unwrap();
    }
}

/// Starts this program again to run one test.
fn start(test: &str, store: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(STORE, store)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

async fn repository_of_parent() -> LocalRepository {
    let path = std::env::var_os(STORE).expect("started by another test, with a store");
    let store = LocalStore::create_or_open(path).await.unwrap();
    store.repository(&name())
}

fn number() -> usize {
    std::env::var(NUMBER).unwrap().parse().unwrap()
}

fn name() -> eigenpack_oci::Repository {
    "shared".parse().unwrap()
}

fn tag(number: usize) -> Tag {
    format!("v{number}").parse().unwrap()
}

/// Pushes an artifact whose config everybody shares.
async fn push(repository: &LocalRepository, number: usize, content: &str) -> Digest {
    let mut pointers = Vec::new();
    for (media_type, content) in [(MediaType::EMPTY, "{}"), (LAYER, content)] {
        let bytes = Bytes::copy_from_slice(content.as_bytes());
        let descriptor = Descriptor::of(media_type, &bytes);
        pointers.push(serde_json::to_string(&descriptor).unwrap());
        let pushed = repository.push_blob(descriptor, Content::Bytes(bytes));
        pushed.await.unwrap();
    }
    let [config, layer] = &pointers[..] else {
        unreachable!("two were pushed");
    };
    let json = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#);
    let manifest = RawManifest::new(MediaType::IMAGE_MANIFEST, json.into());
    let digest = manifest.digest().clone();
    let pushed = repository.push_manifest(manifest, vec![tag(number)], Precondition::Any);
    pushed.await.unwrap();
    digest
}

/// Reads everything that the tags lead to.
async fn assert_whole(repository: &LocalRepository, tags: &[Tag]) {
    for tag in tags {
        let manifest = repository.manifest(tag.clone().into()).await.unwrap();
        for blob in Manifest::read(&manifest).unwrap().blobs() {
            fetch_blob(repository, blob.clone(), 1 << 20).await.unwrap();
        }
    }
}

/// Reads every file of every `blobs` directory and compares it with its name.
fn assert_every_file_verifies(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_every_file_verifies(&path);
        } else if path.parent().unwrap().ends_with("blobs/sha256") {
            let name = path.file_name().unwrap().to_str().unwrap();
            let digest = Digest::sha256(&std::fs::read(&path).unwrap());
            assert_eq!(digest.encoded(), name);
        }
    }
}
