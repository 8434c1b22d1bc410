//! What fails: what it says, and that it leaves nothing open at the registry.

use eigenpack::oci::TagOrDigest;
use eigenpack::{CopyError, Digest, PublishError, PushError, Reference, TagError};
use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Method, Requests};

use crate::place::{Demand, Place, spec_with};

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
