//! Artifacts are built byte for byte, published once, and pulled as they were published.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what it relies on by failing"
)]

use std::sync::Arc;

use bytes::Bytes;
use eigenpack_oci::{
    Content, Descriptor, Digest, MediaType, MemoryStore, Observer, Precondition, RawManifest,
    Selector, Silent, Source, Tag, TagStatus, Target,
};
use eigenruntime::{
    Artifact, ArtifactBuilder, BuildError, CONFIG_MEDIA_TYPE, Created, Difference,
    OWNED_ANNOTATIONS, PublishError, PublishOptions, PullError, SPEC_MEDIA_TYPE, ShapeError,
    publish, pull, spec_digest,
};
use proptest::prelude::*;

const AGGREGATOR: &[u8] = include_bytes!("../fixtures/specs/valid/hourglass-aggregator.yaml");
const EXECUTOR: &[u8] = include_bytes!("../fixtures/specs/valid/hourglass-executor-performer.yaml");
const GENERIC: &[u8] = include_bytes!("../fixtures/specs/valid/runtime-generic.yaml");
const DEVKIT: &[u8] = include_bytes!("../fixtures/artifacts/devkit.json");

fn silent() -> Arc<dyn Observer> {
    Arc::new(Silent)
}

fn spec() -> Bytes {
    Bytes::from_static(AGGREGATOR)
}

fn builder(spec: Bytes) -> ArtifactBuilder {
    let created = "2025-08-14T12:00:00Z".parse().unwrap();
    ArtifactBuilder::new(spec, "price-feed-avs", "Hourglass", "opset-0-v0", created)
}

fn options(tag: &str) -> PublishOptions {
    PublishOptions {
        tag: tag.parse().unwrap(),
        overwrite: false,
        created_from_clock: false,
        expect_digest: None,
        mend: false,
    }
}

fn tagged(tag: &str) -> Selector {
    Selector {
        tag: Some(tag.parse().unwrap()),
        digest: None,
    }
}

#[test]
fn reproduces_artifacts_of_the_original_byte_for_byte() {
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(DEVKIT).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let spec = Bytes::from_static(match text("spec_file") {
            "hourglass-aggregator.yaml" => AGGREGATOR,
            "hourglass-executor-performer.yaml" => EXECUTOR,
            "runtime-generic.yaml" => GENERIC,
            other => panic!("no fixture {other}"),
        });
        let created: Created = text("created").parse().unwrap();
        let artifact = ArtifactBuilder::new(
            spec.clone(),
            text("avs_name"),
            text("kind"),
            text("tag"),
            created,
        )
        .description(text("description"))
        .devkit_version(text("devkit_version"))
        .build()
        .unwrap();
        assert_eq!(artifact.config, text("config_bytes"));
        assert_eq!(artifact.manifest.bytes(), text("manifest_bytes"));
        assert_eq!(artifact.manifest.digest().as_str(), text("manifest_digest"));
        assert_eq!(
            artifact.config_descriptor.digest.as_str(),
            text("config_digest")
        );
        assert_eq!(spec_digest(&spec).as_str(), text("spec_digest"));
        assert_eq!(artifact.spec, spec);
    }
}

#[test]
fn no_digest_knows_this_tools_version() {
    // A new version of this crate must not change what the same inputs give: this digest stays.
    let digest = builder(spec())
        .build()
        .unwrap()
        .manifest
        .digest()
        .to_string();
    assert_eq!(
        digest,
        "sha256:26d0a51ff53d8693e862cb46fb4b5e2814b8791472fb8234a477efae27683c53"
    );
    let artifact = builder(spec()).build().unwrap();
    for bytes in [artifact.manifest.bytes(), &artifact.config] {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(!text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    }
}

#[test]
fn a_title_and_annotations_are_written_where_tools_look() {
    let artifact = builder(spec())
        .title("runtime-spec.yaml")
        .annotation("org.example.commit", "<abc>&\u{2028}")
        .build()
        .unwrap();
    let text = std::str::from_utf8(artifact.manifest.bytes()).unwrap();
    assert!(text.contains(
        r#""layers":[{"annotations":{"org.opencontainers.image.title":"runtime-spec.yaml"},"digest":"#
    ));
    assert!(
        text.contains(r#""org.example.commit":"\u003cabc\u003e\u0026\u2028""#),
        "{text}"
    );
}

#[test]
fn refuses_what_cannot_be_an_artifact() {
    assert_eq!(builder(Bytes::new()).build(), Err(BuildError::EmptySpec));
    assert_eq!(
        builder(spec()).name(" ").build(),
        Err(BuildError::EmptyName)
    );
    for key in OWNED_ANNOTATIONS {
        let result = builder(spec()).annotation(key, "x").build();
        assert_eq!(
            result,
            Err(BuildError::OwnedAnnotation {
                key: key.to_owned()
            })
        );
    }
    let large = Bytes::from(vec![b'a'; eigenruntime::spec::MAX_SPEC_BYTES + 1]);
    assert!(matches!(
        builder(large).build(),
        Err(BuildError::SpecTooLarge { .. })
    ));
}

#[tokio::test]
async fn publishes_once_and_pulls_the_same() {
    let store = MemoryStore::default();
    let first = publish(&builder(spec()), &store, &options("v1"), &silent())
        .await
        .unwrap();
    assert_eq!(first.status, TagStatus::Created);
    let again = publish(&builder(spec()), &store, &options("v1"), &silent())
        .await
        .unwrap();
    assert_eq!(again.status, TagStatus::Unchanged);
    assert!(again.blobs.is_empty());

    let pulled = pull(&store, &tagged("v1"), &Silent).await.unwrap();
    assert_eq!(pulled.spec(), &spec());
    assert_eq!(pulled.digest(), first.artifact.manifest.digest());
    assert_eq!(pulled.config().avs_name.as_deref(), Some("price-feed-avs"));
    assert!(pulled.report(None).faults.is_valid());
}

#[tokio::test]
async fn the_clock_alone_makes_no_conflict() {
    let store = MemoryStore::default();
    let stored = publish(&builder(spec()), &store, &options("v1"), &silent())
        .await
        .unwrap();
    let later = builder(spec()).created("2026-01-01T00:00:00Z".parse().unwrap());

    let clock = PublishOptions {
        created_from_clock: true,
        ..options("v1")
    };
    let again = publish(&later, &store, &clock, &silent()).await.unwrap();
    assert_eq!(again.status, TagStatus::Unchanged);
    assert_eq!(again.artifact, stored.artifact);

    let error = publish(&later, &store, &options("v1"), &silent())
        .await
        .unwrap_err();
    let PublishError::Conflict { differences, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(differences, [Difference::Time]);
}

#[tokio::test]
async fn a_conflict_says_in_what_the_two_differ_and_writes_nothing() {
    let both = builder(Bytes::from_static(GENERIC)).name("other");
    // As the original words it.
    let devkit = "EigenRuntime specification for AVS price-feed-avs";
    let cases: [(ArtifactBuilder, &[Difference]); 8] = [
        (
            builder(spec()).description(devkit),
            &[Difference::Description],
        ),
        (both, &[Difference::Spec, Difference::Name]),
        (builder(Bytes::from_static(b"a: b")), &[Difference::Spec]),
        (builder(spec()).name("other"), &[Difference::Name]),
        (builder(spec()).devkit_version("v1"), &[Difference::Config]),
        (builder(spec()).description("x"), &[Difference::Description]),
        (builder(spec()).source("x"), &[Difference::Source]),
        (builder(spec()).title("x"), &[Difference::Annotations]),
    ];
    for (other, expected) in cases {
        let store = MemoryStore::default();
        let stored = publish(&builder(spec()), &store, &options("v1"), &silent())
            .await
            .unwrap();
        let clock = PublishOptions {
            created_from_clock: true,
            ..options("v1")
        };
        let error = publish(&other, &store, &clock, &silent())
            .await
            .unwrap_err();
        let PublishError::Conflict {
            existing,
            ours,
            differences,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(&existing, stored.artifact.manifest.digest());
        assert_ne!(existing, ours);
        assert_eq!(differences, expected);
        assert!(store.manifest(ours.into()).await.is_err());
        for blob in [
            &other.build().unwrap().config_descriptor,
            &other.build().unwrap().spec_descriptor,
        ] {
            let ours_alone = blob.digest != stored.artifact.config_descriptor.digest
                && blob.digest != stored.artifact.spec_descriptor.digest;
            assert_eq!(store.has_blob(blob.clone()).await.unwrap(), !ours_alone);
        }
    }
}

#[tokio::test]
async fn overwriting_names_what_was_there() {
    let store = MemoryStore::default();
    let first = publish(&builder(spec()), &store, &options("v1"), &silent())
        .await
        .unwrap();
    let overwrite = PublishOptions {
        overwrite: true,
        ..options("v1")
    };
    let other = builder(spec()).name("other");
    let second = publish(&other, &store, &overwrite, &silent())
        .await
        .unwrap();
    let previous = Some(first.artifact.manifest.digest().clone());
    assert_eq!(second.status, TagStatus::Overwritten { previous });
    let again = publish(&other, &store, &overwrite, &silent())
        .await
        .unwrap();
    assert_eq!(again.status, TagStatus::Unchanged);
}

#[tokio::test]
async fn layers_behind_the_spec_are_a_difference() {
    let store = MemoryStore::default();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(builder(spec()).build().unwrap().manifest.bytes()).unwrap();
    let layers = manifest["layers"].as_array_mut().unwrap();
    layers.push(layers[0].clone());
    let bytes = serde_json::to_vec(&manifest).unwrap().into();
    let raw = RawManifest::new(MediaType::IMAGE_MANIFEST, bytes);
    let tags = vec!["v1".parse().unwrap()];
    store
        .push_manifest(raw, tags, Precondition::Any)
        .await
        .unwrap();
    let error = publish(&builder(spec()), &store, &options("v1"), &silent()).await;
    let Err(PublishError::Conflict { differences, .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(differences, [Difference::Layers]);
}

#[tokio::test]
async fn overwriting_with_the_time_of_the_clock_keeps_what_differs_in_nothing_else() {
    let later = || builder(spec()).created("2026-01-01T00:00:00Z".parse().unwrap());
    for mend in [false, true] {
        let store = MemoryStore::default();
        let stored = publish(&builder(spec()), &store, &options("v1"), &silent()).await;
        let stored = stored.unwrap().artifact;
        let options = PublishOptions {
            overwrite: true,
            created_from_clock: true,
            mend,
            ..options("v1")
        };
        let again = publish(&later(), &store, &options, &silent())
            .await
            .unwrap();
        assert_eq!(again.status, TagStatus::Unchanged);
        assert_eq!(again.artifact, stored);
        // Whatever is reported is a part of it, and what is mended is all of it.
        let blobs: Vec<_> = again.blobs.iter().map(|(blob, _)| blob).collect();
        let both = [&stored.config_descriptor, &stored.spec_descriptor];
        assert!(blobs.iter().all(|blob| both.contains(blob)), "{blobs:?}");
        assert!(!mend || blobs.len() == 2, "{blobs:?}");
        let orphan = later().build().unwrap().config_descriptor;
        assert!(!mend || !store.has_blob(orphan).await.unwrap());

        // Which digest is expected is decided by what is there.
        let ours = later().build().unwrap().manifest.digest().clone();
        for (expected, is_right) in [(stored.manifest.digest().clone(), true), (ours, false)] {
            let options = PublishOptions {
                expect_digest: Some(expected),
                ..options.clone()
            };
            let again = publish(&later(), &store, &options, &silent()).await;
            assert_eq!(again.is_ok(), is_right, "{again:?}");
        }
    }
}

#[test]
fn what_no_reader_takes_is_not_built() {
    let long = "a".repeat(5_000_000);
    let kind = |kind: &str| {
        let created = "2025-08-14T12:00:00Z".parse().unwrap();
        ArtifactBuilder::new(spec(), "a", kind, "v1", created)
    };
    let refused = |builder: ArtifactBuilder| builder.build().unwrap_err();
    for title in ["", ".", "..", "../../etc/passwd", "a\\b", "a\nb", &long] {
        assert_eq!(refused(builder(spec()).title(title)), BuildError::BadTitle);
    }
    for text in ["", "a/b", "a b", &long] {
        assert_eq!(refused(kind(text)), BuildError::BadKind);
    }
    assert_eq!(
        refused(builder(spec()).name("a\u{1b}[2Jb")),
        BuildError::BadName
    );
    let config = refused(builder(spec()).name(&long));
    assert!(
        matches!(config, BuildError::ConfigTooLarge { .. }),
        "{config}"
    );
    let manifest = refused(builder(spec()).description(&long));
    assert!(
        matches!(manifest, BuildError::ManifestTooLarge { .. }),
        "{manifest}"
    );
}

#[tokio::test]
async fn another_digest_than_expected_writes_nothing() {
    let store = MemoryStore::default();
    for overwrite in [false, true] {
        let wrong = PublishOptions {
            expect_digest: Some(Digest::sha256(b"")),
            overwrite,
            ..options("v1")
        };
        let error = publish(&builder(spec()), &store, &wrong, &silent())
            .await
            .unwrap_err();
        assert!(
            matches!(error, PublishError::UnexpectedDigest { .. }),
            "{error}"
        );
        assert!(store.tags().await.is_err() || store.tags().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_tag_and_a_digest_must_agree() {
    let store = MemoryStore::default();
    let published = publish(&builder(spec()), &store, &options("v1"), &silent())
        .await
        .unwrap();
    let both = |digest| Selector {
        digest: Some(digest),
        ..tagged("v1")
    };
    let right = both(published.artifact.manifest.digest().clone());
    assert!(pull(&store, &right, &Silent).await.is_ok());
    let wrong = both(Digest::sha256(b""));
    let error = pull(&store, &wrong, &Silent).await.unwrap_err();
    assert!(matches!(error, PullError::OtherDigest { .. }), "{error}");
    let none = pull(&store, &Selector::default(), &Silent)
        .await
        .unwrap_err();
    assert!(matches!(none, PullError::NoSelector), "{none}");
}

/// Stores a manifest made of the given config type, layers and artifact type, and pulls it.
async fn pull_foreign(
    artifact_type: Option<&str>,
    config: (&MediaType, &str),
    layers: &[(&str, &str)],
) -> Result<eigenruntime::PulledArtifact, PullError> {
    let store = MemoryStore::default();
    let descriptor = |media_type: &str, content: &str| {
        Descriptor::of(media_type.parse().unwrap(), content.as_bytes())
    };
    let config_descriptor = descriptor(config.0.as_str(), config.1);
    let layer_descriptors: Vec<_> = layers.iter().map(|(t, c)| descriptor(t, c)).collect();
    let blobs = layer_descriptors
        .iter()
        .zip(layers.iter().map(|(_, content)| *content));
    for (descriptor, content) in blobs.chain([(&config_descriptor, config.1)]) {
        let content = Content::Bytes(Bytes::copy_from_slice(content.as_bytes()));
        store.push_blob(descriptor.clone(), content).await.unwrap();
    }
    let mut manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::IMAGE_MANIFEST,
        "config": config_descriptor,
        "layers": layer_descriptors,
        "unknown": {"kept": true},
    });
    if let Some(artifact_type) = artifact_type {
        manifest["artifactType"] = artifact_type.into();
    }
    let raw = RawManifest::new(
        MediaType::IMAGE_MANIFEST,
        serde_json::to_vec_pretty(&manifest).unwrap().into(),
    );
    let tag: Tag = "t".parse().unwrap();
    store
        .push_manifest(raw, vec![tag], Precondition::Any)
        .await
        .unwrap();
    pull(&store, &tagged("t"), &Silent).await
}

const TYPE: &str = "application/vnd.eigenruntime.manifest.v1";

#[tokio::test]
async fn reads_what_other_tools_write() {
    let created = r#"{"created": "2025-01-01T00:00:00Z", "more": [1]}"#;
    let layer = [("text/yaml", "broken: [digest")];
    for artifact_type in [Some(TYPE), None] {
        let pulled = pull_foreign(artifact_type, (&CONFIG_MEDIA_TYPE, created), &layer)
            .await
            .unwrap();
        assert_eq!(pulled.config().created(), Some("2025-01-01T00:00:00Z"));
        assert_eq!(pulled.spec(), layer[0].1);
        assert!(!pulled.report(None).faults.is_valid());
    }
    let other_config = MediaType::EMPTY;
    assert!(
        pull_foreign(Some(TYPE), (&other_config, "{}"), &layer)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn refuses_what_is_no_artifact() {
    let yaml = SPEC_MEDIA_TYPE.to_string();
    let spec = [(yaml.as_str(), "a: b")];
    let tar = [
        ("application/vnd.oci.image.layer.v1.tar", "x"),
        (yaml.as_str(), "a: b"),
    ];
    let empty = (&MediaType::EMPTY, "{}");
    let ours = (&CONFIG_MEDIA_TYPE, "{}");
    let shape = |result: Result<_, PullError>| match result {
        Err(PullError::Shape(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        shape(pull_foreign(None, empty, &spec).await),
        ShapeError::ArtifactType { .. }
    ));
    assert!(matches!(
        shape(pull_foreign(Some("a/b"), ours, &spec).await),
        ShapeError::ArtifactType { .. }
    ));
    assert!(matches!(
        shape(pull_foreign(Some(TYPE), ours, &[]).await),
        ShapeError::NoLayer
    ));
    assert!(matches!(
        shape(pull_foreign(Some(TYPE), ours, &tar).await),
        ShapeError::LayerType { .. }
    ));
    let config = pull_foreign(Some(TYPE), (&CONFIG_MEDIA_TYPE, "[]"), &spec).await;
    assert!(matches!(config, Err(PullError::Config(_))));
}

fn inputs() -> impl Strategy<Value = ArtifactBuilder> {
    let text = "\\PC{1,20}";
    let (kind, title) = ("[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "[^\\p{C}/\\\\.]{1,20}");
    let spec = prop::collection::vec(any::<u8>(), 1..100);
    (
        spec,
        "[^ \\p{C}]\\PC{0,20}",
        kind,
        text,
        prop::option::of(text),
        prop::option::of(title),
        0..4_000_000_000_i64,
    )
        .prop_map(|(spec, name, kind, release, description, title, seconds)| {
            let created = Created::from_unix_seconds(seconds).unwrap();
            let mut builder =
                ArtifactBuilder::new(spec.into(), format!("a{name}"), kind, release, created);
            if let Some(description) = description {
                builder = builder.description(description);
            }
            if let Some(title) = title {
                builder = builder.title(title);
            }
            builder
        })
}

/// Reads back every field that went in.
fn fields(artifact: &Artifact) -> (serde_json::Value, serde_json::Value) {
    (
        serde_json::from_slice(artifact.manifest.bytes()).unwrap(),
        serde_json::from_slice(&artifact.config).unwrap(),
    )
}

proptest! {
    #[test]
    fn equal_inputs_give_equal_bytes(builder in inputs()) {
        let (one, two) = (builder.build().unwrap(), builder.clone().build().unwrap());
        prop_assert_eq!(&one, &two);
        let (manifest, config) = fields(&one);
        prop_assert_eq!(manifest["config"]["digest"].as_str().unwrap(), one.config_descriptor.digest.as_str());
        prop_assert_eq!(&manifest["annotations"]["org.opencontainers.image.created"], &config["metadata"]["createdAt"]);
        let read = eigenruntime::ArtifactManifest::read(&one.manifest).unwrap();
        prop_assert_eq!(read.spec, one.spec_descriptor);
    }
}
