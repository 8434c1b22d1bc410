//! Copies within one registry.

use eigenpack::TagStatus;
use eigenpack_registry::fault::{Endpoint, Requests};

use crate::place::{BLOB, Demand, GET, PUT, Place, SINGLE, Uploads, spec};

#[tokio::test]
async fn a_copy_from_one_repository_to_another_takes_one_token_for_both() {
    let both = "repository:org/my-avs:pull repository:org/other:pull,push";
    for demand in Demand::ALL {
        let mut place = Place::start().await;
        place.push(spec(), false).await.unwrap();
        let gathered = [Endpoint::Blob, Endpoint::UploadStart].map(|e| (Requests::to(e), 2));
        place.becomes(demand, Uploads::Single, &gathered);
        let target = place.reference("org/other:v1");
        let copied = place.client.copy(&place.reference, &target, false);
        assert_eq!(copied.await.unwrap().status, TagStatus::Created);
        // The manifest and the target's tag, then the blobs down and up, then the manifest.
        let mut expected: Vec<&[&str]> =
            vec![&[GET], &[GET], &[BLOB, BLOB], &[SINGLE, SINGLE], &[PUT]];
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
    }
}
