//! What is deleted in the end, and what is never written to.

use std::fs::{self, File};
use std::sync::Arc;

use eigenpack_layout::{GcOptions, LayoutStore, LocalStore};
use eigenpack_oci::{Digest, Pushed, Target as _};
use tokio::sync::Notify;

use crate::fixture::{
    BATCH, Blob, Comes, PART, Place, blob_file, bytes, make_old, partial_in, until_written,
};

#[tokio::test]
async fn only_what_nobody_works_on_is_swept() {
    let place = Place::new().await;
    let another = partial_in(&place.scratch(), &Digest::sha256(b"another"));
    let young = partial_in(&place.scratch(), &Digest::sha256(b"young"));
    fs::write(&another, "old").unwrap();
    make_old(&another);
    fs::write(&young, "young").unwrap();
    let go_on = Arc::new(Notify::new());
    let waits = Blob::that(bytes(), Comes::WaitsAt(PART, go_on.clone()));
    let pushing = {
        let (layout, blob, content) = (place.layout.clone(), place.blob.clone(), waits.content());
        tokio::spawn(async move { layout.push_blob(blob, content).await })
    };
    // All that is written before it stands still, so its age is what it is given then.
    until_written(&place.partial(), PART / BATCH * BATCH).await;
    make_old(&place.partial());

    // Whoever opens the layout for writing sweeps it.
    LayoutStore::create_or_open(place.layout.path())
        .await
        .unwrap();
    assert_eq!(
        (another.exists(), young.exists(), place.partial().exists()),
        (false, true, true)
    );
    go_on.notify_one();
    assert_eq!(pushing.await.unwrap().unwrap(), Pushed::Uploaded);
    fs::remove_file(young).unwrap();
    place.assert_there().await;
}

#[tokio::test]
async fn garbage_is_a_partial_file_that_is_old_and_not_worked_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::create_or_open(directory.path()).await.unwrap();
    let tmp = directory.path().join("tmp");
    let [old, young] = ["old", "young"].map(|name| {
        let path = partial_in(&tmp, &Digest::sha256(name.as_bytes()));
        fs::write(&path, name).unwrap();
        path
    });
    make_old(&old);
    let locked = partial_in(&tmp, &Digest::sha256(b"locked"));
    let held = File::create(&locked).unwrap();
    held.lock().unwrap();
    make_old(&locked);
    for dry_run in [true, false] {
        let options = GcOptions {
            dry_run,
            ..GcOptions::default()
        };
        let collected = store.collect_garbage(options).await.unwrap();
        assert_eq!(
            (collected.temporary_files, collected.temporary_bytes),
            (1, 3)
        );
        let there = (old.exists(), young.exists(), locked.exists());
        assert_eq!(there, (dry_run, true, true));
    }
    drop(held);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_to_but_a_file_of_that_name_alone() {
    // Linked to a blob: a process died while it gave the file its place. The blob is left as it is, even if it is wrong.
    let place = Place::new().await;
    let wrong = vec![0; PART];
    fs::create_dir_all(blob_file(&place).parent().unwrap()).unwrap();
    fs::write(blob_file(&place), &wrong).unwrap();
    fs::hard_link(blob_file(&place), place.partial()).unwrap();
    let reader = fs::canonicalize(blob_file(&place)).unwrap();
    let reader = File::open(reader).unwrap();
    let whole = Blob::that(bytes(), Comes::Whole);
    place.assert_pushed(&whole, &[0]).await;
    assert_eq!(reader.metadata().unwrap().len(), wrong.len() as u64);

    // Somebody else's file, a directory, and nothing at all.
    let elsewhere = tempfile::tempdir().unwrap();
    let theirs = elsewhere.path().join("theirs");
    fs::write(&theirs, &bytes()[..PART]).unwrap();
    let nothing = elsewhere.path().join("nothing");
    for target in [&theirs, &nothing, &elsewhere.path().to_owned()] {
        let place = Place::new().await;
        std::os::unix::fs::symlink(target, place.partial()).unwrap();
        let whole = Blob::that(bytes(), Comes::Whole);
        assert_eq!(place.push(&whole).await.unwrap(), Pushed::Uploaded);
        assert_eq!(whole.opened(), [0]);
    }
    assert!(fs::read(&theirs).unwrap() == bytes()[..PART]);
    assert!(!nothing.exists());
}
