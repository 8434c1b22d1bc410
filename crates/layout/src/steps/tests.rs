use std::path::{Path, PathBuf};

use bytes::Bytes;
use eigenpack_oci::{
    Algorithm, Content, Descriptor, Digest, MediaType, Precondition, RawManifest, Tag, Target as _,
};

use super::log::{Step, steps_in};
use crate::local_store::{LocalRepository, LocalStore};
use crate::store::LayoutStore;

/// A name that was given to a file is on disk, and was given only when the file's content was.
fn assert_lasting(steps: &[Step], path: &Path) {
    let is_naming = |step: &Step| matches!(step, Step::Name(_, named) if named == path);
    let named = steps.iter().rposition(is_naming);
    let named = named.unwrap_or_else(|| panic!("{} was not made: {steps:?}", path.display()));
    let (before, after) = steps.split_at(named);
    let Step::Name(from, _) = &steps[named] else {
        unreachable!("it is a naming");
    };
    assert_synced(after, path);
    if before
        .iter()
        .any(|step| matches!(step, Step::Name(_, named) if named == from))
    {
        // Linked from the pool, where it got its place in the same way.
        return assert_content_lasting(before, from);
    }
    let written = before
        .iter()
        .rposition(|step| *step == Step::Write(from.clone()));
    let synced = before
        .iter()
        .rposition(|step| *step == Step::SyncFile(from.clone()));
    assert!(written.is_some() && written < synced, "{steps:?}");
}

/// The content was on disk before the file had this name. The name itself may be lost.
fn assert_content_lasting(steps: &[Step], path: &Path) {
    let mut steps = steps.to_vec();
    steps.push(Step::SyncDir(path.parent().unwrap().to_owned()));
    assert_lasting(&steps, path);
}

fn assert_synced(after: &[Step], path: &Path) {
    let synced = Step::SyncDir(path.parent().unwrap().to_owned());
    assert!(after.contains(&synced), "{}: {after:?}", path.display());
}

fn manifest() -> RawManifest {
    let json = r#"{"schemaVersion":2,"manifests":[]}"#;
    RawManifest::new(MediaType::IMAGE_INDEX, json.into())
}

fn tag() -> Tag {
    "v1".parse().unwrap()
}

fn blob_in(layout: &LayoutStore, digest: &Digest) -> PathBuf {
    layout.path().join("blobs/sha256").join(digest.encoded())
}

async fn push_blob(to: &LayoutStore, content: &'static str) -> Digest {
    let blob = Descriptor::of(MediaType::OCTET_STREAM, content.as_bytes());
    let content = Content::Bytes(Bytes::from_static(content.as_bytes()));
    to.push_blob(blob.clone(), content).await.unwrap();
    blob.digest
}

async fn repositories<const N: usize>(path: &Path, names: [&str; N]) -> [LocalRepository; N] {
    let store = LocalStore::create_or_open(path).await.unwrap();
    names.map(|name| store.repository(&name.parse().unwrap()))
}

#[tokio::test]
async fn what_is_pushed_is_on_disk_before_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let alone = LayoutStore::create_or_open(path.join("layout"))
        .await
        .unwrap();
    let [pooled] = repositories(&path.join("store"), ["a"]).await;
    for layout in [alone, pooled] {
        let digest = push_blob(&layout, "blob").await;
        assert_lasting(&steps_in(path), &blob_in(&layout, &digest));

        let manifest = manifest();
        let digest = manifest.digest().clone();
        let pushed = layout.push_manifest(manifest, vec![tag()], Precondition::Any);
        pushed.await.unwrap();
        let steps = steps_in(path);
        let (stored, index) = (blob_in(&layout, &digest), layout.path().join("index.json"));
        assert_lasting(&steps, &stored);
        assert_lasting(&steps, &index);
        let of = |path: &Path| {
            let synced = Step::SyncDir(path.parent().unwrap().to_owned());
            let named = |step: &Step| matches!(step, Step::Name(_, named) if named == path);
            let named = steps.iter().rposition(named).unwrap();
            (
                named,
                named
                    + steps[named..]
                        .iter()
                        .position(|step| *step == synced)
                        .unwrap(),
            )
        };
        assert!(
            of(&stored).1 < of(&index).0,
            "content before what refers to it"
        );

        let before = steps.len();
        layout.delete(tag().into()).await.unwrap();
        assert_lasting(&steps_in(path)[before..], &index);
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_the_disk_before_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let layout = LayoutStore::create_or_open(directory.path()).await.unwrap();
    let digest = push_blob(&layout, "blob").await;
    assert!(layout.delete_blob(digest.clone()).await.unwrap());
    let steps = steps_in(directory.path());
    let path = blob_in(&layout, &digest);
    let removed = steps
        .iter()
        .position(|step| *step == Step::Remove(path.clone()));
    assert_synced(&steps[removed.unwrap()..], &path);
}

#[tokio::test]
async fn what_arrived_in_pieces_is_on_disk_before_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let [repository] = repositories(directory.path(), ["a"]).await;
    let upload = repository.receive_blob(Algorithm::Sha256).await.unwrap();
    // So much that a part is sent to the disk early.
    let (mut offset, piece) = (0, Bytes::from(vec![1; 5 * 1024 * 1024]));
    let mut hasher = Algorithm::Sha256.hasher().unwrap();
    for _ in 0..3 {
        hasher.update(&piece);
        offset = upload.append(offset, vec![piece.clone()]).await.unwrap();
    }
    let digest = hasher.finish();
    upload.keep(digest.clone()).await.unwrap();
    let path = blob_in(&repository, &digest);
    assert_lasting(&steps_in(directory.path()), &path);
}

#[tokio::test]
async fn a_mounted_blob_is_on_disk_and_read_once() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["from", "one", "two", "three"];
    let [from, to @ ..] = repositories(directory.path(), names).await;
    let digest = push_blob(&from, "blob").await;
    for to in &to {
        assert!(to.mount(digest.clone(), Some(&from)).await.unwrap());
        assert_lasting(&steps_in(directory.path()), &blob_in(to, &digest));
        assert!(to.mount(digest.clone(), Some(&from)).await.unwrap());
    }
    let steps = steps_in(directory.path());
    let read = steps.iter().filter(|step| matches!(step, Step::Verify(_)));
    assert_eq!(read.count(), 1);
    // A file that was changed is read again, and refused.
    let pooled = directory.path().join("blobs/sha256").join(digest.encoded());
    std::fs::write(pooled, "blab").unwrap();
    let [four] = repositories(directory.path(), ["four"]).await;
    assert!(!four.mount(digest, Some(&from)).await.unwrap());
}

#[tokio::test]
async fn what_another_program_wrote_is_synced_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("layout");
    let digest = Digest::sha256(b"blob");
    let blobs = path.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join(digest.encoded()), "blob").unwrap();
    let file = std::fs::File::open(blobs.join(digest.encoded())).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    let layout = LayoutStore::create_or_open(&path).await.unwrap();
    for _ in 0..3 {
        push_blob(&layout, "blob").await;
        // Something else in the same directory, so that its own name is asked for too.
        push_blob(&layout, "other").await;
    }
    let steps = steps_in(directory.path());
    let count = |step: Step| steps.iter().filter(|taken| **taken == step).count();
    assert_eq!(count(Step::SyncFile(blobs.join(digest.encoded()))), 1);
    assert_eq!(
        count(Step::SyncDir(path.join("blobs"))),
        1,
        "the name sha256"
    );
    assert_eq!(
        count(Step::SyncDir(directory.path().to_owned())),
        1,
        "the name layout"
    );
}
