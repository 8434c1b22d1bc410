//! What broke off is gone on with, or started anew where that leads nowhere.

use std::fs::{self};

use eigenpack_layout::LocalStore;
use eigenpack_oci::{
    AccessError, Action, Algorithm, AnsweredBy, Asked, Descriptor, FetchError, MediaType,
    PushError, Pushed, RegistryAnswer, Target as _, fetch_blob,
};

use crate::fixture::{Blob, Comes, MIB, PART, Place, SIZE, blob_file, bytes, partial_in};

#[tokio::test]
async fn what_broke_off_is_kept_to_the_last_byte_and_gone_on_with() {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let place = Place::of(&algorithm).await;
        let breaks = Blob::that(bytes(), Comes::Until(PART));
        let broken = place.push(&breaks).await;
        assert!(matches!(broken, Err(PushError::Content(_))), "{broken:?}");
        assert!(fs::read(place.partial()).unwrap() == bytes()[..PART]);

        // Who cannot even be asked takes nothing away.
        let silent = Blob::that(bytes(), Comes::NotAtAll);
        assert!(place.push(&silent).await.is_err());
        assert_eq!(silent.opened(), [PART]);
        assert!(fs::read(place.partial()).unwrap() == bytes()[..PART]);

        let further = Blob::that(bytes(), Comes::Until(PART + MIB));
        assert!(place.push(&further).await.is_err());
        let whole = Blob::that(bytes(), Comes::Whole);
        place.assert_pushed(&whole, &[PART + MIB]).await;
    }
}

#[tokio::test]
async fn a_repository_of_the_local_store_keeps_it_beside_the_pool() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let blob = Descriptor::of(MediaType::OCTET_STREAM, bytes());
    let [one, two] = ["one", "two"].map(|name| store.repository(&name.parse().unwrap()));
    let breaks = Blob::that(bytes(), Comes::Until(PART));
    let broken = one.push_blob(blob.clone(), breaks.content()).await;
    assert!(broken.is_err());
    let partial = partial_in(&directory.path().join("tmp"), &blob.digest);
    assert!(fs::read(&partial).unwrap() == bytes()[..PART]);

    // Whichever repository it is for.
    let whole = Blob::that(bytes(), Comes::Whole);
    let pushed = two.push_blob(blob.clone(), whole.content()).await;
    assert_eq!(pushed.unwrap(), Pushed::Uploaded);
    assert_eq!(whole.opened(), [PART]);
    let found = fetch_blob(&two, blob.clone(), blob.size).await;
    assert!(found.unwrap() == bytes());
    assert!(!partial.exists());
}

#[tokio::test]
async fn a_damaged_partial_does_not_stand_in_the_way() {
    let place = Place::new().await;
    let mut damaged = bytes().to_vec();
    damaged[PART / 2] ^= 1;
    let longer = [bytes(), &[0]].concat();
    for (held, opened) in [
        (&damaged[..PART], [PART, 0].as_slice()),
        (&damaged[..SIZE], &[SIZE, 0]),
        (&longer[..], &[0]),
        (&[], &[0]),
        // All of it had come, and only its place was wanting.
        (bytes(), &[SIZE]),
    ] {
        place.leave(held);
        let whole = Blob::that(bytes(), Comes::Whole);
        place.assert_pushed(&whole, opened).await;
        fs::remove_file(blob_file(&place)).unwrap();
    }
}

#[tokio::test]
async fn content_that_is_wrong_is_kept_nowhere() {
    let place = Place::new().await;
    let mut wrong = bytes().to_vec();
    wrong[PART + 1] ^= 1;
    let longer = [bytes(), &[0]].concat();
    for (content, comes) in [
        (&wrong[..], Comes::Whole),
        (&bytes()[..PART], Comes::Whole),
        (&longer, Comes::Whole),
        (bytes(), Comes::EndsAt(PART + 1)),
    ] {
        for (held, opened) in [(0, [0].as_slice()), (PART, &[PART, 0])] {
            if held > 0 {
                place.leave(&bytes()[..held]);
            }
            let from = Blob::that(content, comes.clone());
            let refused = place.push(&from).await;
            assert!(
                matches!(refused, Err(PushError::Verify(_) | PushError::Content(_))),
                "{refused:?}"
            );
            assert_eq!(from.opened(), opened);
            assert_eq!(place.left(), [""; 0]);
        }
    }
}

#[tokio::test]
async fn who_does_not_know_ranges_is_asked_for_all_of_it() {
    let refusals: [fn() -> FetchError; 2] = [
        || FetchError::Malformed("other bytes".to_owned()),
        || FetchError::Access(AccessError::Registry(Box::new(answer(416)))),
    ];
    for refusal in refusals {
        let place = Place::new().await;
        place.leave(&bytes()[..PART]);
        let whole = Blob::that(bytes(), Comes::FromTheStart(refusal));
        place.assert_pushed(&whole, &[PART, 0]).await;
    }
    // A registry that is only out of order will know more later.
    let place = Place::new().await;
    place.leave(&bytes()[..PART]);
    let out_of_order = || FetchError::Access(AccessError::Registry(Box::new(answer(503))));
    let refused = Blob::that(bytes(), Comes::FromTheStart(out_of_order));
    assert!(place.push(&refused).await.is_err());
    assert_eq!(refused.opened(), [PART]);
    assert!(fs::read(place.partial()).unwrap() == bytes()[..PART]);
}

fn answer(status: u16) -> RegistryAnswer {
    RegistryAnswer {
        host: "registry.example".to_owned(),
        request: "GET /v2/org/my-avs/blobs/…".to_owned(),
        status,
        code: None,
        message: None,
        asked: Asked {
            registry: "registry.example".to_owned(),
            repository: None,
            action: Action::Pull,
            credentials: None,
            missing_scope: None,
            answered_by: AnsweredBy::Registry,
        },
    }
}
