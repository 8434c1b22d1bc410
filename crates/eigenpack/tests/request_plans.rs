//! The requests, connections and waits of each use case against a registry, counted by the registry.
//!
//! An artifact has two blobs, which go side by side: the registry answers neither before both were asked for.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

use std::fs;
use std::path::Path;

use eigenpack::oci::{Descriptor, Precondition, RawManifest, Target as _};
use eigenpack::{
    Client, FetchConfigError, PublishError, PushError, PushOptions, Reference, TagStatus,
};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Faults, Feature, Requests};
use eigenpack_registry::{Exchange, MemoryRegistry, Recorder, Server, ServerOptions};
use serde_json::Value;
use tempfile::TempDir;

/// A registry, and a client that has not spoken to it yet.
struct Place {
    client: Client,
    reference: Reference,
    faults: Faults,
    recorder: Recorder,
}

impl Place {
    async fn start() -> Self {
        let mut options = ServerOptions::default();
        let (faults, recorder) = (Faults::default(), Recorder::new());
        options.faults = Some(faults.clone());
        options.recorder = Some(recorder.clone());
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::bind(address, MemoryRegistry::new(), options);
        let server = server.await.unwrap();
        let reference = format!("{}/org/my-avs:v1", server.local_addr());
        tokio::spawn(server.serve(std::future::pending()));
        Self {
            client: Client::builder().build(),
            reference: reference.parse().unwrap(),
            faults,
            recorder,
        }
    }

    /// Forgets what was asked and learned so far: what follows is the first that a new process does.
    fn afresh(&mut self, plan: FaultPlan) {
        self.client = Client::builder().build();
        self.faults.replace(plan);
        self.recorder.clear();
    }

    async fn push(&self, spec: Vec<u8>, overwrite: bool) -> Result<TagStatus, PushError> {
        let options = PushOptions {
            overwrite,
            ..PushOptions::default()
        };
        let pushed = self.client.push(spec, &self.reference, options).await;
        pushed.map(|published| published.status)
    }

    /// Asserts what was asked, in any order of what goes side by side, on how many connections and in how many trips.
    fn took(&self, requests: &[&str], connections: usize, trips: usize) {
        let mut exchanges = self.recorder.exchanges();
        exchanges.sort_by_key(|one| (one.trip, one.summary()));
        let summaries: Vec<_> = exchanges.iter().map(Exchange::summary).collect();
        assert_eq!(summaries, requests);
        assert_eq!(self.recorder.connections(), connections, "{exchanges:?}");
        assert_eq!(self.recorder.trips(), trips, "{exchanges:?}");
    }
}

fn spec() -> Vec<u8> {
    let path = "../eigenruntime/fixtures/specs/valid/hourglass-aggregator.yaml";
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The same spec with one more line.
fn other_spec() -> Vec<u8> {
    [spec(), b"\n# another\n".to_vec()].concat()
}

fn gather(plan: FaultPlan, requests: Requests, count: usize) -> FaultPlan {
    plan.rule(requests, Fault::Gather(count.try_into().unwrap()))
}

fn no_single_posts() -> FaultPlan {
    let starts = Requests::to(Endpoint::UploadStart);
    FaultPlan::new().rule(starts, Fault::Ignore(Feature::SinglePost))
}

const SINGLE: &str = "POST upload-start ?digest";
const CLOSE: &str = "PUT upload-close ?digest";

#[tokio::test]
async fn a_new_artifact_where_single_posts_are_taken() {
    let mut place = Place::start().await;
    place.afresh(gather(
        FaultPlan::new(),
        Requests::to(Endpoint::UploadStart),
        2,
    ));
    assert_eq!(place.push(spec(), false).await.unwrap(), TagStatus::Created);
    place.took(&["GET manifest", SINGLE, SINGLE, "PUT manifest"], 2, 3);
}

#[tokio::test]
async fn a_new_artifact_where_uploads_take_two_requests() {
    let mut place = Place::start().await;
    let plan = gather(no_single_posts(), Requests::to(Endpoint::UploadStart), 2);
    place.afresh(gather(plan, Requests::to(Endpoint::UploadClose), 2));
    assert_eq!(place.push(spec(), false).await.unwrap(), TagStatus::Created);
    let put = "PUT manifest";
    place.took(&["GET manifest", SINGLE, SINGLE, CLOSE, CLOSE, put], 2, 4);
}

#[tokio::test]
async fn an_artifact_that_replaces_another() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    // The tag is read beside the first requests of the uploads.
    let first = || Requests::all().first(3);
    place.afresh(gather(FaultPlan::new(), first(), 3));
    let pushed = place.push(other_spec(), true).await.unwrap();
    assert!(matches!(pushed, TagStatus::Overwritten { .. }));
    place.took(&["GET manifest", SINGLE, SINGLE, "PUT manifest"], 3, 2);

    let plan = gather(no_single_posts(), first(), 3);
    place.afresh(gather(plan, Requests::to(Endpoint::UploadClose), 2));
    let pushed = place.push(spec(), true).await.unwrap();
    assert!(matches!(pushed, TagStatus::Overwritten { .. }));
    let put = "PUT manifest";
    place.took(&["GET manifest", SINGLE, SINGLE, CLOSE, CLOSE, put], 3, 3);
}

#[tokio::test]
async fn an_artifact_that_is_there_or_in_the_way() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    place.afresh(FaultPlan::new());
    let pushed = place.push(spec(), false).await.unwrap();
    assert_eq!(pushed, TagStatus::Unchanged);
    place.took(&["GET manifest"], 1, 1);

    place.afresh(FaultPlan::new());
    let error = place.push(other_spec(), false).await.unwrap_err();
    let conflict = matches!(error, PushError::Publish(PublishError::Conflict { .. }));
    assert!(conflict, "{error:?}");
    place.took(&["GET manifest"], 1, 1);
}

#[tokio::test]
async fn a_pull_by_tag_and_by_digest() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    let manifest = place.client.manifest(&place.reference).await.unwrap();
    let by_tag = place.reference.to_string();
    let (repository, _) = by_tag.rsplit_once(':').unwrap();
    let by_digest = format!("{repository}@{}", manifest.digest());
    for reference in [&by_tag, &by_digest] {
        place.afresh(gather(FaultPlan::new(), Requests::to(Endpoint::Blob), 2));
        let pulled = place.client.pull(&reference.parse().unwrap()).await;
        assert_eq!(pulled.unwrap().spec(), &spec());
        place.took(&["GET manifest", "GET blob", "GET blob"], 2, 2);
    }
}

/// Pulls once from the place, so that a local store has the artifact; returns the store and the reference by digest.
async fn stored(place: &Place) -> (TempDir, Reference) {
    let store = TempDir::new().unwrap();
    place.push(spec(), false).await.unwrap();
    let pulled = with_store(&store).pull(&place.reference).await.unwrap();
    (store, place.reference.pinned(pulled.digest().clone()))
}

fn with_store(store: &TempDir) -> Client {
    Client::builder().store(store.path()).build()
}

const GET: &str = "GET manifest";
const BLOB: &str = "GET blob";

#[tokio::test]
async fn what_the_local_store_has_is_not_fetched_again() {
    let mut place = Place::start().await;
    let (store, by_digest) = stored(&place).await;

    place.afresh(FaultPlan::new());
    let client = with_store(&store);
    let pulled = client.pull(&by_digest).await.unwrap();
    assert_eq!(pulled.spec(), &spec());
    let manifest = client.manifest(&by_digest).await.unwrap();
    assert_eq!(&manifest, pulled.raw_manifest());
    let config = client.config(&by_digest).await.unwrap();
    assert_eq!(&config.bytes, pulled.config_bytes());
    place.took(&[], 0, 0);

    client.pull(&place.reference).await.unwrap();
    client.config(&place.reference).await.unwrap();
    place.took(&[GET, GET], 1, 2);

    place.recorder.clear();
    let asking = client.without_cache();
    asking.pull(&by_digest).await.unwrap();
    assert_eq!(place.recorder.summaries(), [GET, BLOB, BLOB]);

    place.afresh(FaultPlan::new());
    let elsewhere = TempDir::new().unwrap();
    let client = Client::builder().store(elsewhere.path()).cache(false);
    client.build().pull(&by_digest).await.unwrap();
    assert_eq!(place.recorder.summaries(), [GET, BLOB, BLOB]);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_pushed_locally_is_not_fetched_from_elsewhere() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    let store = TempDir::new().unwrap();
    let client = with_store(&store);
    let local: Reference = "my-avs:v1".parse().unwrap();
    client.copy(&place.reference, &local, false).await.unwrap();
    place.afresh(FaultPlan::new());
    let pulled = client.pull(&place.reference).await.unwrap();
    assert_eq!(pulled.spec(), &spec());
    place.took(&[GET], 1, 1);
}

#[tokio::test]
async fn a_copy_takes_what_the_local_store_has() {
    let mut place = Place::start().await;
    let (store, by_digest) = stored(&place).await;
    place.afresh(FaultPlan::new());
    let client = with_store(&store);
    let directory = TempDir::new().unwrap();
    let layout = format!("oci:{}:v1", directory.path().join("layout").display());
    let local = ["other:v1", &layout];
    for target in local {
        let target = target.parse().unwrap();
        client.copy(&by_digest, &target, true).await.unwrap();
        assert_eq!(client.pull(&target).await.unwrap().spec(), &spec());
    }
    place.took(&[], 0, 0);

    // What only passes through is not kept.
    let elsewhere = TempDir::new().unwrap();
    let client = Client::builder().store(elsewhere.path().join("store"));
    let target = format!("oci:{}:v1", elsewhere.path().join("layout").display());
    let target = target.parse().unwrap();
    let copied = client.build().copy(&by_digest, &target, false).await;
    assert_eq!(copied.unwrap().copied.blobs.len(), 2);
    assert!(!elsewhere.path().join("store").exists());
}

#[tokio::test]
async fn a_damaged_blob_in_the_local_store_is_fetched_again_and_mended() {
    let mut place = Place::start().await;
    let (store, by_digest) = stored(&place).await;
    let pulled = place.client.pull(&by_digest).await.unwrap();
    let spec_digest = pulled.manifest().spec.digest.to_string();
    for digest in [spec_digest, pulled.digest().to_string()] {
        let path = store.path().join("blobs").join(digest.replace(':', "/"));
        let mut bytes = fs::read(&path).unwrap();
        bytes[10] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    place.afresh(FaultPlan::new());
    for _ in 0..2 {
        let pulled = with_store(&store).pull(&by_digest).await.unwrap();
        assert_eq!(pulled.spec(), &spec());
    }
    place.took(&[GET, BLOB], 1, 2);
}

#[tokio::test]
async fn a_local_store_that_cannot_be_used_fails_no_pull() {
    let place = Place::start().await;
    let (store, by_digest) = stored(&place).await;
    let file = store.path().join("file");
    fs::write(&file, "").unwrap();
    let foreign = TempDir::new().unwrap();
    fs::write(foreign.path().join("mine.txt"), "").unwrap();
    for unusable in [&file, &file.join("below"), foreign.path()] {
        place.recorder.clear();
        let client = Client::builder().store(unusable).build();
        let pulled = client.pull(&by_digest).await.unwrap();
        assert_eq!(pulled.spec(), &spec());
        assert_eq!(place.recorder.summaries(), [GET, BLOB, BLOB]);
    }
    assert_eq!(fs::read_dir(foreign.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn content_in_its_descriptor_is_not_asked_for() {
    let mut place = Place::start().await;
    place.push(spec(), false).await.unwrap();
    let pulled = place.client.pull(&place.reference).await.unwrap();
    let embed = |data: &[u8]| {
        let mut manifest: Value = serde_json::from_slice(pulled.raw_manifest().bytes()).unwrap();
        let data = serde_json::to_value(Descriptor {
            data: Some(data.to_vec().into()),
            ..pulled.manifest().config.clone()
        });
        manifest["config"] = data.unwrap();
        let json = serde_json::to_vec(&manifest).unwrap();
        RawManifest::new(pulled.raw_manifest().media_type().clone(), json.into())
    };
    let target = place.client.open_to_write(&place.reference.location);
    let target = target.await.unwrap();
    for (tag, data) in [("good", &pulled.config_bytes()[..]), ("bad", b"{}")] {
        let tag = vec![tag.parse().unwrap()];
        let pushed = target.push_manifest(embed(data), tag, Precondition::Any);
        pushed.await.unwrap();
    }
    let reference = |tag: &str| place.reference.tagged(tag.parse().unwrap());
    let (good, bad) = (reference("good"), reference("bad"));

    place.afresh(FaultPlan::new());
    let again = place.client.pull(&good).await.unwrap();
    assert_eq!(again.config_bytes(), pulled.config_bytes());
    place.took(&[GET, BLOB], 1, 2);
    place.recorder.clear();
    let error = place.client.config(&bad).await.unwrap_err();
    assert!(matches!(error, FetchConfigError::Blob { .. }), "{error:?}");
    let layout = TempDir::new().unwrap();
    let target = format!("oci:{}:v1", layout.path().join("layout").display());
    let target = target.parse().unwrap();
    place.client.copy(&good, &target, false).await.unwrap();
    let asked = place.recorder.summaries();
    assert_eq!(asked, [GET, GET, BLOB]);
}
