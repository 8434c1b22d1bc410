//! The requests, connections and waits of each use case against a registry, counted by the registry.
//!
//! An artifact has two blobs, which go side by side: the registry answers neither before both were asked for.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

use std::path::Path;

use eigenpack::{Client, PublishError, PushError, PushOptions, Reference, TagStatus};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Faults, Feature, Requests};
use eigenpack_registry::{Exchange, MemoryRegistry, Recorder, Server, ServerOptions};

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
