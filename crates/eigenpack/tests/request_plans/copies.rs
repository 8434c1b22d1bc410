//! Copies within one registry, which moves the blobs itself where it mounts them.

use eigenpack::oci::{Copied, Pushed};
use eigenpack::{Reference, TagStatus};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Feature, Requests};

use crate::place::{BLOB, CLOSE, Demand, GET, PUT, Place, SINGLE, Uploads, spec};

const MOUNT: &str = "POST upload-start ?mount&from";

#[tokio::test]
async fn blobs_are_mounted_with_one_token_for_both_repositories() {
    let both = "repository:org/my-avs:pull repository:org/other:pull,push";
    for demand in Demand::ALL {
        let mut place = Place::with_artifact().await;
        let starts = Requests::to(Endpoint::UploadStart);
        place.becomes(demand, Uploads::Single, &[(starts, 2)]);
        let target = place.reference("org/other:v1");
        assert_eq!(place.copies_to(&target).await, [Pushed::Mounted; 2]);
        // The manifest and the target's tag, then the blobs, then the manifest.
        let mut expected: Vec<&[&str]> = vec![&[GET], &[GET], &[MOUNT, MOUNT], &[PUT]];
        match demand {
            Demand::Nothing => {}
            Demand::Password => expected.insert(0, &[GET]),
            Demand::AnyToken | Demand::Token => {
                expected.insert(0, &["GET other ?service&scope&scope"]);
                expected.insert(0, &[GET]);
                assert_eq!(place.scopes(), [both]);
            }
        }
        assert_eq!(place.trips(), expected, "{demand:?}");
        assert_eq!(place.recorder.accepted(), 2, "{demand:?}");
        assert_eq!(place.mounted_from(), ["org/my-avs"; 2]);

        place.afresh();
        let pulled = place.client.pull(&target).await.unwrap();
        assert_eq!(*pulled.spec(), spec());
    }
}

#[tokio::test]
async fn a_copy_to_another_tag_of_a_repository_moves_no_blob() {
    let mut place = Place::with_artifact().await;
    let starts = Requests::to(Endpoint::UploadStart);
    place.becomes(Demand::Nothing, Uploads::Single, &[(starts, 2)]);
    let target = place.reference("org/my-avs:v2");
    assert_eq!(place.copies_to(&target).await, [Pushed::Existed; 2]);
    let expected: [&[&str]; 4] = [&[GET], &[GET], &[MOUNT, MOUNT], &[PUT]];
    assert_eq!(place.trips(), expected);
    assert_eq!(place.mounted_from(), ["org/my-avs"; 2]);
}

#[tokio::test]
async fn a_registry_that_ignores_mounts_is_sent_the_content_in_the_session_that_it_opened() {
    let mut place = Place::with_artifact().await;
    let starts = Requests::to(Endpoint::UploadStart);
    let mut plan = FaultPlan::new().rule(starts, Fault::Ignore(Feature::Mount));
    for endpoint in [Endpoint::UploadStart, Endpoint::Blob, Endpoint::UploadClose] {
        plan = plan.rule(Requests::to(endpoint), pair());
    }
    place.meets(Demand::Nothing, plan);
    let target = place.reference("org/other:v1");
    assert_eq!(place.copies_to(&target).await, [Pushed::Uploaded; 2]);
    let expected: [&[&str]; 6] = [
        &[GET],
        &[GET],
        &[MOUNT, MOUNT],
        &[BLOB, BLOB],
        &[CLOSE, CLOSE],
        &[PUT],
    ];
    assert_eq!(place.trips(), expected);
}

#[tokio::test]
async fn a_registry_that_refuses_mounts_is_sent_the_content_and_not_asked_again() {
    for (status, demand) in product([400, 405, 501]) {
        let place = Place::refusing_mounts(status, demand).await;
        for (name, mounts) in [("org/other:v1", 2), ("org/third:v1", 0)] {
            place.recorder.clear();
            let target = place.reference(name);
            assert_eq!(place.copies_to(&target).await, [Pushed::Uploaded; 2]);
            let told = format!("{status} {demand:?} {name}: {:?}", place.recorder);
            assert_eq!(place.count(MOUNT, status), mounts, "{told}");
            assert_eq!(place.count(BLOB, 200), 2, "{told}");
            assert_eq!(place.count(SINGLE, 201), 2, "{told}");
        }
    }
}

#[tokio::test]
async fn a_source_that_must_not_be_read_from_says_nothing_of_others() {
    for (status, demand) in product([401, 403, 404]) {
        let place = Place::refusing_mounts(status, demand).await;
        let target = place.reference("org/other:v1");
        place.recorder.clear();
        assert_eq!(place.copies_to(&target).await, [Pushed::Uploaded; 2]);
        let told = format!("{status} {demand:?}: {:?}", place.recorder);
        assert_eq!(place.count(MOUNT, status), 2, "{told}");
        assert_eq!(place.count(SINGLE, 201), 2, "{told}");
        let target = place.reference("org/third:v1");
        assert_eq!(place.copies_to(&target).await, [Pushed::Mounted; 2]);
    }
}

/// Returns each of some statuses, with and without a token.
fn product<const N: usize>(statuses: [u16; N]) -> impl Iterator<Item = (u16, Demand)> {
    let demands = [Demand::Nothing, Demand::Token];
    statuses
        .into_iter()
        .flat_map(move |status| demands.map(|demand| (status, demand)))
}

#[tokio::test]
async fn a_registry_is_the_same_one_however_its_host_is_spelled() {
    let mut place = Place::with_artifact().await;
    place.becomes(Demand::Token, Uploads::Single, &[]);
    let address = place.host();
    let (_, port) = address.split_once(':').unwrap();
    let source = format!("LocalHost:{port}/org/my-avs:v1").parse();
    let target = format!("localhost:{port}/org/other:v1").parse();
    let (source, target): (Reference, Reference) = (source.unwrap(), target.unwrap());
    let copied = place.client.copy(&source, &target, false);
    assert_eq!(pushed(&copied.await.unwrap().copied), [Pushed::Mounted; 2]);
    let both = "repository:org/my-avs:pull repository:org/other:pull,push";
    assert_eq!(place.scopes(), [both]);
}

#[tokio::test]
async fn nothing_is_mounted_from_another_registry() {
    let one = Place::with_artifact().await;
    let other = Place::start().await;
    let target = other.reference("org/other:v1");
    let copied = one.client.copy(&one.reference, &target, false);
    assert_eq!(pushed(&copied.await.unwrap().copied), [Pushed::Uploaded; 2]);
    assert!(other.mounted_from().is_empty(), "{:?}", other.recorder);
}

/// Makes two requests certainly be side by side.
fn pair() -> Fault {
    Fault::Gather(2.try_into().unwrap())
}

fn pushed(copied: &Copied) -> Vec<Pushed> {
    copied.blobs.iter().map(|(_, pushed)| *pushed).collect()
}

impl Place {
    /// Starts a registry that holds an artifact.
    async fn with_artifact() -> Self {
        let place = Self::start().await;
        place.push(spec(), false).await.unwrap();
        place
    }

    /// Starts a registry that holds an artifact, and refuses the first two mounts.
    async fn refusing_mounts(status: u16, demand: Demand) -> Self {
        let mut place = Self::with_artifact().await;
        let mounts = Requests::to(Endpoint::UploadStart).first(2);
        let plan = FaultPlan::new().rule(mounts, Fault::answer(status));
        // Neither blob is read, to be sent otherwise, before both mounts were answered.
        let reads = Requests::to(Endpoint::Blob).first(2);
        place.meets(demand, plan.rule(reads, pair()));
        place
    }

    /// Counts the requests that were answered with a status.
    fn count(&self, what: &str, status: u16) -> usize {
        let exchanges = self.recorder.exchanges();
        let answered = exchanges.iter().filter(|one| one.status == Some(status));
        answered.filter(|one| one.summary() == what).count()
    }

    /// Copies the artifact, and returns what became of its blobs.
    async fn copies_to(&self, target: &Reference) -> Vec<Pushed> {
        let copied = self.client.copy(&self.reference, target, false);
        let copied = copied.await.unwrap();
        assert_eq!(copied.status, TagStatus::Created);
        pushed(&copied.copied)
    }

    /// Returns the repositories that blobs were to be mounted from.
    fn mounted_from(&self) -> Vec<String> {
        let exchanges = self.recorder.exchanges();
        let queries = exchanges.iter().filter_map(|one| one.query.as_deref());
        let pairs = queries.flat_map(|query| query.split('&'));
        let sources = pairs.filter_map(|pair| pair.strip_prefix("from="));
        sources.map(|name| name.replace("%2F", "/")).collect()
    }
}
