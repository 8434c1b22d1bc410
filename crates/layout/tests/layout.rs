//! What is particular to a layout directory: what other tools wrote, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use eigenpack_layout::LayoutStore;
use eigenpack_oci::{
    AccessError, Content, Descriptor, FetchError, MediaType, Precondition, PushError, RawManifest,
    Source as _, Tag, Target as _,
};

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn manifest(config: &Descriptor) -> RawManifest {
    let pointer = serde_json::to_string(config).unwrap();
    let json = format!(r#"{{"schemaVersion":2,"config":{pointer},"layers":[]}}"#);
    RawManifest::new(MediaType::IMAGE_MANIFEST, json.into())
}

fn write_blob(layout: &Path, descriptor: &Descriptor, content: &[u8]) -> PathBuf {
    let directory = layout.join("blobs/sha256");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(descriptor.digest.encoded());
    fs::write(&path, content).unwrap();
    path
}

/// Writes a layout as other tools do: an image index under a whole reference, its children without entries.
fn foreign(path: &Path) -> (RawManifest, RawManifest) {
    let config = Descriptor::of(MediaType::EMPTY, b"{}");
    write_blob(path, &config, b"{}");
    let child = manifest(&config);
    write_blob(path, &child.descriptor(), child.bytes());
    let pointer = serde_json::to_string(&child.descriptor()).unwrap();
    let json = format!(r#"{{"schemaVersion":2,"manifests":[{pointer}]}}"#);
    let index = RawManifest::new(MediaType::IMAGE_INDEX, json.into());
    write_blob(path, &index.descriptor(), index.bytes());
    let entry = |name: &str| {
        let mut entry = index.descriptor();
        let key = "org.opencontainers.image.ref.name".to_owned();
        entry.annotations.insert(key, name.to_owned());
        serde_json::to_string(&entry).unwrap()
    };
    let (whole, short) = (entry("docker.io/library/x:1"), entry("v1"));
    fs::write(
        path.join("oci-layout"),
        "{ \"imageLayoutVersion\": \"1.0.0\" }\n",
    )
    .unwrap();
    fs::write(
        path.join("index.json"),
        format!("{{\n \"schemaVersion\": 2, \"x-tool\": true,\n \"manifests\": [ {whole}, {short} ]\n}}\n"),
    )
    .unwrap();
    (index, child)
}

#[tokio::test]
async fn reads_and_keeps_what_other_tools_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let (index, child) = foreign(directory.path());
    let store = LayoutStore::open(directory.path()).await.unwrap();
    assert_eq!(store.tags().await.unwrap(), [tag("v1")]);
    assert_eq!(store.manifest(tag("v1").into()).await.unwrap(), index);
    let found = store.manifest(child.digest().clone().into()).await;
    assert_eq!(found.unwrap(), child);
    // A blob that no index leads to is not a manifest of this layout.
    let garbage = manifest(&Descriptor::of(MediaType::EMPTY, b""));
    write_blob(directory.path(), &garbage.descriptor(), garbage.bytes());
    assert!(matches!(
        store.manifest(garbage.digest().clone().into()).await,
        Err(FetchError::ManifestNotFound(_))
    ));
    assert!(matches!(
        store.manifest(tag("1").into()).await,
        Err(FetchError::ManifestNotFound(_))
    ));

    let pushed = store.push_manifest(child.clone(), vec![tag("v1")], Precondition::Any);
    pushed.await.unwrap();
    let written = fs::read_to_string(directory.path().join("index.json")).unwrap();
    assert!(written.contains(r#""x-tool":true"#), "{written}");
    assert!(written.contains("docker.io/library/x:1"), "{written}");
    assert_eq!(store.manifest(tag("v1").into()).await.unwrap(), child);
}

#[tokio::test]
async fn says_why_a_directory_is_no_layout() {
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str, files: &[(&str, &str)]| {
        let path = directory.path().join(name);
        fs::create_dir(&path).unwrap();
        for (name, content) in files {
            fs::write(path.join(name), content).unwrap();
        }
        path
    };
    let layout = r#"{"imageLayoutVersion":"1.0.0"}"#;
    let newer = r#"{"imageLayoutVersion":"2.0.0"}"#;
    for (name, files, expected) in [
        ("empty", &[][..], "no file oci-layout"),
        ("newer", &[("oci-layout", newer)], "version 2.0.0"),
        ("invalid", &[("oci-layout", "1")], "oci-layout is not valid"),
        (
            "unfinished",
            &[("oci-layout", layout)],
            "index.json is missing",
        ),
        (
            "damaged",
            &[("oci-layout", layout), ("index.json", "{]")],
            "index.json is not valid",
        ),
    ] {
        match LayoutStore::open(make(name, files)).await {
            Err(AccessError::Store { reason, .. }) => {
                assert!(reason.contains(expected), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    let absent = LayoutStore::open(directory.path().join("absent")).await;
    assert!(matches!(
        absent,
        Err(AccessError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound
    ));
    let file = directory.path().join("empty.tar");
    fs::write(&file, "").unwrap();
    for refused in [
        LayoutStore::open(&file).await,
        LayoutStore::create_or_open(&file).await,
        LayoutStore::create_or_open(make("photos", &[("cat.jpg", "")])).await,
    ] {
        assert!(refused.is_err());
    }
    assert!(!directory.path().join("photos/oci-layout").exists());
    for created in ["empty", "unfinished", "new/and/deep"] {
        let path = directory.path().join(created);
        LayoutStore::create_or_open(&path).await.unwrap();
        LayoutStore::open(&path).await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["index.json", "oci-layout", ".eigenpack/lock"] {
        let path = directory.path().join(name.replace('/', "-"));
        LayoutStore::create_or_open(&path).await.unwrap();
        let replaced = path.join(name);
        fs::remove_file(&replaced).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&replaced).status();
        assert!(made.unwrap().success());
        let opened = LayoutStore::create_or_open(&path).await;
        let Err(AccessError::Io { source, .. }) = opened else {
            panic!("{name}: {opened:?}");
        };
        assert_eq!(source.to_string(), "it is not a file", "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_made_or_deleted_where_a_link_leads() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let theirs = elsewhere.path().join("tmp-mine");
    let file = fs::File::create(&theirs).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(48);
    file.set_modified(long_ago).unwrap();
    let path = directory.path().join("layout");
    LayoutStore::create_or_open(&path).await.unwrap();
    let scratch = path.join(".eigenpack");
    fs::remove_dir_all(&scratch).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &scratch).unwrap();
    let opened = LayoutStore::create_or_open(&path).await;
    assert!(
        matches!(opened, Err(AccessError::Store { .. })),
        "{opened:?}"
    );
    let left: Vec<_> = fs::read_dir(elsewhere.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
    assert!(theirs.exists());

    // The lock alone as a link.
    fs::remove_file(&scratch).unwrap();
    fs::create_dir(&scratch).unwrap();
    let made = elsewhere.path().join("made");
    std::os::unix::fs::symlink(&made, scratch.join("lock")).unwrap();
    LayoutStore::create_or_open(&path).await.unwrap_err();
    assert!(!made.exists());
}

#[tokio::test]
async fn refuses_what_is_too_large() {
    let directory = tempfile::tempdir().unwrap();
    let store = LayoutStore::create_or_open(directory.path()).await.unwrap();
    let large = " ".repeat(4 * 1024 * 1024 + 1);
    let large = RawManifest::new(MediaType::IMAGE_MANIFEST, large.into());
    let pushed = store.push_manifest(large.clone(), vec![tag("v1")], Precondition::Any);
    assert!(matches!(pushed.await, Err(PushError::TooLarge { .. })));

    let entry = serde_json::to_string(&large.descriptor()).unwrap();
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
    fs::write(directory.path().join("index.json"), index).unwrap();
    write_blob(directory.path(), &large.descriptor(), large.bytes());
    let read = store.manifest(large.digest().clone().into()).await;
    assert!(matches!(read, Err(FetchError::TooLarge { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_disk_that_cannot_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (index, _) = foreign(directory.path());
    let set_mode = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(directory.path(), permissions).unwrap();
    };
    set_mode(0o555);
    let can_write_anyway = fs::write(directory.path().join("probe"), "").is_ok();
    let store = LayoutStore::open(directory.path()).await.unwrap();
    assert_eq!(store.manifest(tag("v1").into()).await.unwrap(), index);
    let content = Content::Bytes(Bytes::from_static(b"new"));
    let blob = Descriptor::of(MediaType::OCTET_STREAM, b"new");
    let pushed = store.push_blob(blob, content).await;
    set_mode(0o755);
    // Root may write everywhere.
    if !can_write_anyway {
        assert!(matches!(
            pushed,
            Err(PushError::Access(AccessError::Io { .. }))
        ));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_not_a_file_is_not_a_blob() {
    let directory = tempfile::tempdir().unwrap();
    let store = LayoutStore::create_or_open(directory.path()).await.unwrap();
    let blob = Descriptor::of(MediaType::OCTET_STREAM, b"x");
    let path = write_blob(directory.path(), &blob, b"x");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(matches!(
        store.blob(blob, 0).await.map(drop),
        Err(FetchError::Access(AccessError::Store { .. }))
    ));
}
