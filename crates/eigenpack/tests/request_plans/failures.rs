//! What fails: what it says, and that it leaves nothing open at the registry.

use eigenpack::oci::TagOrDigest;
use eigenpack::{CopyError, Digest, PublishError, PushError, Reference, TagError};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Feature, Method, Moment, Requests};

use crate::place::{Demand, Place, spec, spec_with};

/// Pushes one artifact each under the tags v1 and v2, and returns their references and digests.
async fn two_artifacts(place: &mut Place) -> [(Reference, Digest); 2] {
    let mut pushed = Vec::new();
    for tag in ["v2", "v1"] {
        place.reference = place.reference(&format!("org/my-avs:{tag}"));
        place.push(spec_with(tag), false).await.unwrap();
        let manifest = place.client.manifest(&place.reference).await.unwrap();
        pushed.push((place.reference.clone(), manifest.digest().clone()));
    }
    pushed.try_into().unwrap()
}

#[tokio::test]
async fn a_tag_that_somebody_else_moves_meanwhile_is_a_conflict_in_every_use_case() {
    let mut place = Place::start().await;
    let [(source, ours), (target, theirs)] = two_artifacts(&mut place).await;
    let tag = target.selector.tag.clone().unwrap();
    // As if it were moved between reading and writing it.
    let read = Requests::to(Endpoint::Manifest)
        .method(Method::Get)
        .reference(TagOrDigest::Tag(tag.clone()));
    let hidden = FaultPlan::new().rule(read.first(1), Fault::answer(404));

    place.meets(Demand::Nothing, hidden.clone());
    let copied = place.client.copy(&source, &target, false).await;
    let Err(CopyError::Conflict {
        existing, ours: it, ..
    }) = copied
    else {
        panic!("{copied:?}");
    };
    assert_eq!((&existing, &it), (&theirs, &ours));

    place.meets(Demand::Nothing, hidden.clone());
    let tagged = place.client.tag(&source, &[tag], false).await;
    let Err(TagError::Conflict {
        existing, ours: it, ..
    }) = tagged
    else {
        panic!("{tagged:?}");
    };
    assert_eq!((&existing, &it), (&theirs, &ours));

    place.meets(Demand::Nothing, hidden);
    let pushed = place.push(spec_with("another"), false).await;
    let Err(PushError::Publish(PublishError::Conflict { existing, .. })) = pushed else {
        panic!("{pushed:?}");
    };
    assert_eq!(existing, theirs);
}

/// Returns what the registry answered to those who cancelled an upload.
fn cancelled(place: &Place) -> Vec<Option<u16>> {
    let exchanges = place.recorder.exchanges();
    let cancels = exchanges
        .iter()
        .filter(|one| one.endpoint == Endpoint::UploadCancel);
    cancels.map(|one| one.status).collect()
}

#[tokio::test]
async fn where_one_upload_fails_the_one_beside_it_is_cancelled_too() {
    let source = Place::start().await;
    source.push(spec(), false).await.unwrap();
    let starts = Requests::to(Endpoint::UploadStart);
    let closes = Requests::to(Endpoint::UploadClose);
    // Both are under way when one is refused, and the registry never answers the other one.
    let plan = FaultPlan::new()
        .rule(starts, Fault::Ignore(Feature::SinglePost))
        .rule(closes.clone(), Fault::Gather(2.try_into().unwrap()))
        .rule(closes.clone().nth(1), Fault::answer(403))
        .rule(closes.nth(2), Fault::stall(Moment::AtOnce));

    let mut place = Place::start().await;
    for overwrite in [false, true] {
        place.meets(Demand::Nothing, plan.clone());
        let pushed = place.push(spec(), overwrite).await;
        let Err(PushError::Publish(PublishError::PushBlob { .. })) = pushed else {
            panic!("{pushed:?}");
        };
        assert_eq!(cancelled(&place), [Some(204); 2], "{:?}", place.recorder);
    }

    place.meets(Demand::Nothing, plan);
    let target = place.reference("org/copy:v1");
    let copied = place.client.copy(&source.reference, &target, false).await;
    assert!(matches!(copied, Err(CopyError::Content(_))), "{copied:?}");
    assert_eq!(cancelled(&place), [Some(204); 2], "{:?}", place.recorder);
}
