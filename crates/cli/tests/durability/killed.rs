//! A server that is killed while many push to it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use eigenpack::oci::{Digest, RawManifest};
use tempfile::TempDir;

use crate::client::{Client, manifest};
use crate::server::Server;
use crate::store_on_disk::assert_every_blob_verifies;

/// How often the server is killed; a soak sets more than the default.
const ROUNDS: &str = "EIGENPACK_CRASH_ROUNDS";

const ROUNDS_OF_ONE_STORE: usize = 5;
const PUSHERS: usize = 4;
const REPOSITORIES: [&str; 2] = ["one", "two/nested"];
/// From nothing to more than what is sent or written at once, in bytes.
const SIZES: [usize; 6] = [0, 1, 1000, 40_000, 300_000, 4_000_000];
const CHUNK: usize = 1_500_000;
/// A server that has not answered so much by then is killed all the same.
const LIMIT: Duration = Duration::from_mins(1);

/// What the server said is stored.
#[derive(Default)]
struct Acknowledged {
    blobs: Vec<(&'static str, Digest)>,
    manifests: Vec<(&'static str, RawManifest)>,
    /// By repository and tag: the manifest that a tag was moved to.
    tags: BTreeMap<(&'static str, String), Digest>,
    /// As above: where a tag may have been moved to as well, since no answer came.
    perhaps: BTreeMap<(&'static str, String), Digest>,
    /// How often no answer came.
    unanswered: usize,
}

#[test]
fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let rounds = std::env::var(ROUNDS).map_or(20, |rounds| rounds.parse().unwrap());
    let (mut manifests, mut unanswered) = (0, 0);
    // A store soon holds so much that reading it takes longer than writing it; a new one is also killed while it is made.
    for first in (0..rounds).step_by(ROUNDS_OF_ONE_STORE) {
        let last = rounds.min(first + ROUNDS_OF_ONE_STORE);
        let acknowledged = kill_and_look(first..last);
        manifests += acknowledged.manifests.len();
        unanswered += acknowledged.unanswered;
    }
    assert!(manifests > 0, "no server lived long enough");
    assert!(
        unanswered > 0,
        "no server was killed while it stored a manifest"
    );
}

/// Kills one server after the other on one store, and looks each time with the next.
fn kill_and_look(rounds: Range<usize>) -> Acknowledged {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("store");
    let mut acknowledged = Acknowledged::default();
    for round in rounds {
        let mut server = Server::start(&store);
        acknowledged.assert_served(server.client());
        push_until_killed(&mut server, round, &mut acknowledged);
        assert_every_blob_verifies(&store);
    }
    acknowledged.assert_found_after_all(&store);
    acknowledged
}

/// Pushes with many threads, and kills the server in the middle of it.
fn push_until_killed(server: &mut Server, round: usize, acknowledged: &mut Acknowledged) {
    let client = server.client();
    let requests = AtomicUsize::new(0);
    thread::scope(|scope| {
        let pushers: Vec<_> = (0..PUSHERS)
            .map(|pusher| {
                let requests = &requests;
                scope.spawn(move || {
                    let mut acknowledged = Acknowledged::default();
                    for step in 0.. {
                        let pushed = acknowledged.push(client, (round, pusher, step), requests);
                        // The first that fails has met a server that is gone.
                        if pushed.is_err() {
                            break;
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        // Spread out, so that every step of a push is hit sooner or later, however fast the machine is.
        let enough = (round * 7) % 60;
        let started = Instant::now();
        while requests.load(Ordering::Relaxed) < enough && started.elapsed() < LIMIT {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(u64::try_from(round % 10).unwrap()));
        server.kill();
        for pusher in pushers {
            acknowledged.extend(pusher.join().unwrap());
        }
    });
}

impl Acknowledged {
    /// Pushes an artifact of a blob that all share and one of its own, and notes each step that was acknowledged.
    fn push(
        &mut self,
        client: Client,
        (round, pusher, step): (usize, usize, usize),
        requests: &AtomicUsize,
    ) -> io::Result<()> {
        let repository = REPOSITORIES[(pusher + step) % REPOSITORIES.len()];
        let size = SIZES[(round % 60 + pusher + step) % SIZES.len()];
        let note = format!("{round} {pusher} {step}");
        let own: Vec<u8> = note.bytes().cycle().take(size.max(note.len())).collect();
        let shared = vec![u8::try_from(step % 7).unwrap(); size];

        let blob = client.push_blob(repository, &shared)?;
        self.blobs.push((repository, blob));
        requests.fetch_add(1, Ordering::Relaxed);
        let blob = client.push_chunks(repository, &own, CHUNK)?;
        self.blobs.push((repository, blob));
        requests.fetch_add(1, Ordering::Relaxed);

        let manifest = manifest(&[&shared, &own], &note);
        let digest = manifest.digest().clone();
        // A tag that moves, or the digest alone.
        if step % 3 == 2 {
            client.push_manifest(repository, digest.as_str(), &manifest)?;
        } else {
            let tag = (repository, format!("moves-{pusher}"));
            self.perhaps.insert(tag.clone(), digest.clone());
            client.push_manifest(repository, &tag.1, &manifest)?;
            self.perhaps.remove(&tag);
            self.tags.insert(tag, digest);
        }
        self.manifests.push((repository, manifest));
        requests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn extend(&mut self, other: Self) {
        self.blobs.extend(other.blobs);
        self.manifests.extend(other.manifests);
        self.tags.extend(other.tags);
        self.perhaps.extend(other.perhaps);
    }

    /// Reads all that was acknowledged; from now on the tags are what they are.
    fn assert_served(&mut self, client: Client) {
        for (repository, digest) in &self.blobs {
            let read = client.get(&format!("/v2/{repository}/blobs/{digest}"));
            assert_eq!(read.status, 200, "{repository}@{digest} is lost");
            assert_eq!(Digest::sha256(&read.body), *digest);
        }
        for (repository, manifest) in &self.manifests {
            let digest = manifest.digest();
            let read = client.get(&format!("/v2/{repository}/manifests/{digest}"));
            assert_eq!(read.status, 200, "{repository}@{digest} is lost");
            assert_eq!(read.body, manifest.bytes().as_ref());
        }
        for (key, digest) in &mut self.tags {
            let (repository, tag) = key;
            let read = client.get(&format!("/v2/{repository}/manifests/{tag}"));
            assert_eq!(read.status, 200, "{repository}:{tag} is lost");
            let found = Digest::sha256(&read.body);
            let possible = found == *digest || Some(&found) == self.perhaps.get(key);
            assert!(possible, "{repository}:{tag} is {found}, and not {digest}");
            *digest = found;
        }
        self.unanswered += self.perhaps.len();
        self.perhaps.clear();
    }

    /// Looks once more with a server that nobody kills, which takes pushes as if nothing had been.
    fn assert_found_after_all(&mut self, store: &Path) {
        let server = Server::start(store);
        self.assert_served(server.client());
        let step = (usize::MAX, 0, 0);
        self.push(server.client(), step, &AtomicUsize::new(0))
            .unwrap();
        self.assert_served(server.client());
        assert!(assert_every_blob_verifies(store) > 0);
    }
}
