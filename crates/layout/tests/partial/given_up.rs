//! Who leaves a partial file, and who does not.

use std::fs::{self, File};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use eigenpack_oci::{Descriptor, MediaType, Pushed, Target as _};
use tokio::sync::Notify;

use crate::fixture::{Blob, Comes, MIB, PART, Place, bytes, until, until_written};

#[tokio::test]
async fn two_at_once_never_write_to_one_file() {
    let place = Place::new().await;
    place.leave(&bytes()[..MIB]);
    let go_on = Arc::new(Notify::new());
    let first = Blob::that(bytes(), Comes::WaitsAt(PART, go_on.clone()));
    let second = Blob::that(bytes(), Comes::Whole);
    let pushing = {
        let (layout, blob, content) = (place.layout.clone(), place.blob.clone(), first.content());
        tokio::spawn(async move { layout.push_blob(blob, content).await })
    };
    until_written(&place.partial(), MIB + 1).await;
    assert_eq!(place.push(&second).await.unwrap(), Pushed::Uploaded);
    assert_eq!(second.opened(), [0]);
    go_on.notify_one();
    assert_eq!(pushing.await.unwrap().unwrap(), Pushed::Uploaded);
    assert_eq!(first.opened(), [MIB]);
    place.assert_there().await;
}

#[tokio::test]
async fn what_is_given_up_is_deleted_and_what_fails_elsewhere_is_not() {
    for (held, fails) in [(0, false), (MIB, false), (0, true), (MIB, true)] {
        let place = Place::new().await;
        if held > 0 {
            place.leave(&bytes()[..held]);
        }
        let from = Blob::that(bytes(), Comes::WaitsAt(PART, Arc::default()));
        let pushing = {
            let (layout, blob, content) =
                (place.layout.clone(), place.blob.clone(), from.content());
            tokio::spawn(async move { layout.push_blob(blob, content).await })
        };
        until_written(&place.partial(), held + 1).await;
        from.source_failed.store(fails, Ordering::Relaxed);
        pushing.abort();
        assert!(pushing.await.unwrap_err().is_cancelled());
        // A step that had begun is finished first.
        if fails {
            until(|| File::open(place.partial()).unwrap().try_lock().is_ok()).await;
            let left = fs::read(place.partial()).unwrap();
            assert!(left.len() > held && left == bytes()[..left.len()]);
            let whole = Blob::that(bytes(), Comes::Whole);
            assert_eq!(place.push(&whole).await.unwrap(), Pushed::Uploaded);
            assert_eq!(whole.opened(), [left.len()]);
            place.assert_there().await;
        } else {
            until(|| place.left().is_empty()).await;
        }
    }
}

#[tokio::test]
async fn of_a_small_blob_nothing_is_kept() {
    let place = Place::new().await;
    let small = &bytes()[..MIB - 1];
    let blob = Descriptor::of(MediaType::OCTET_STREAM, small);
    let breaks = Blob::that(small, Comes::Until(MIB / 2));
    let broken = place.layout.push_blob(blob, breaks.content()).await;
    assert!(broken.is_err());
    assert_eq!(place.left(), [""; 0]);
    // Nor of what never began.
    assert!(
        place
            .push(&Blob::that(bytes(), Comes::Until(0)))
            .await
            .is_err()
    );
    assert!(
        place
            .push(&Blob::that(bytes(), Comes::NotAtAll))
            .await
            .is_err()
    );
    assert_eq!(place.left(), [""; 0]);
}
