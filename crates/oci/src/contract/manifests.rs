//! What is promised about manifests and tags.

use super::{artifact, digest_of, tag};
use crate::content::{Precondition, Source, Target};
use crate::error::{FetchError, PushError};
use crate::media_type::MediaType;
use crate::raw_manifest::RawManifest;
use crate::reference::{Tag, TagOrDigest};

pub(super) async fn come_back_as_they_were<T: Target>(target: &T) {
    let manifest = artifact(target, "layer").await;
    push(target, &manifest, &["v1"]).await;
    assert_eq!(by_tag(target, "v1").await, manifest);
    assert_eq!(by_digest(target, &manifest).await, manifest);

    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}",  "manifests":[{}]}}"#,
        MediaType::IMAGE_INDEX,
        super::json(&manifest.descriptor())
    );
    let index = RawManifest::new(MediaType::IMAGE_INDEX, index.into());
    push(target, &index, &["all"]).await;
    assert_eq!(by_tag(target, "all").await, index);
}

pub(super) async fn need_no_tag<T: Target>(target: &T) {
    let manifest = artifact(target, "untagged").await;
    push(target, &manifest, &[]).await;
    assert_eq!(by_digest(target, &manifest).await, manifest);
    assert_eq!(tags(target).await, [""; 0]);
    push(target, &manifest, &["later"]).await;
    assert_eq!(by_tag(target, "later").await, manifest);
}

pub(super) async fn stay_when_their_tag_moves<T: Target>(target: &T) {
    let (old, new) = (artifact(target, "old").await, artifact(target, "new").await);
    push(target, &old, &["current"]).await;
    push(target, &new, &["current"]).await;
    assert_eq!(by_tag(target, "current").await, new);
    assert_eq!(by_digest(target, &old).await, old);
    push(target, &old, &["current"]).await;
    assert_eq!(by_tag(target, "current").await, old);
    assert_eq!(by_digest(target, &new).await, new);
    assert_eq!(tags(target).await, ["current"]);
}

pub(super) async fn can_have_many_tags<T: Target>(target: &T) {
    // Characters that a path, a range or a sort in another order would trip over.
    let names = ["v1.10", "v1.9", "_x", "a..b", "a-", "A", "latest", "0"];
    let manifest = artifact(target, "many").await;
    push(target, &manifest, &names).await;
    for name in names {
        assert_eq!(by_tag(target, name).await, manifest);
    }
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(tags(target).await, sorted);
}

pub(super) async fn that_are_not_there_are_not_found<T: Target>(target: &T) {
    let absent = [
        TagOrDigest::Tag(tag("absent")),
        TagOrDigest::Digest(digest_of("absent")),
    ];
    // Nothing was pushed yet: there may not even be a repository.
    for which in absent.clone() {
        assert!(matches!(
            target.manifest(which).await,
            Err(FetchError::ManifestNotFound(_) | FetchError::RepositoryNotFound)
        ));
    }
    assert!(matches!(
        target.tags().await.as_deref(),
        Ok([]) | Err(FetchError::RepositoryNotFound)
    ));
    let manifest = artifact(target, "present").await;
    push(target, &manifest, &["present"]).await;
    for which in absent {
        assert!(matches!(
            target.manifest(which.clone()).await,
            Err(FetchError::ManifestNotFound(found)) if found == which
        ));
        assert!(matches!(
            target.delete(which.clone()).await,
            Err(PushError::ManifestNotFound(found)) if found == which
        ));
    }
}

pub(super) async fn are_deleted_by_tag_or_by_digest<T: Target>(target: &T) {
    let (one, two) = (artifact(target, "one").await, artifact(target, "two").await);
    push(target, &one, &["a", "b"]).await;
    push(target, &two, &["c"]).await;

    let deleted = target.delete(tag("a").into()).await;
    deleted.expect("a tag can be deleted");
    assert_absent(target, tag("a").into()).await;
    assert_eq!(by_tag(target, "b").await, one);
    let deleted = target.delete(tag("b").into()).await;
    deleted.expect("the last tag can be deleted");
    assert_eq!(by_digest(target, &one).await, one);

    push(target, &one, &["d", "e"]).await;
    let deleted = target.delete(one.digest().clone().into()).await;
    deleted.expect("a manifest can be deleted");
    for gone in [
        tag("d").into(),
        tag("e").into(),
        one.digest().clone().into(),
    ] {
        assert_absent(target, gone).await;
    }
    assert_eq!(tags(target).await, ["c"]);
    push(target, &one, &["again"]).await;
    assert_eq!(by_tag(target, "again").await, one);
}

async fn push<T: Target>(target: &T, manifest: &RawManifest, names: &[&str]) {
    let tags = names.iter().copied().map(tag).collect();
    target
        .push_manifest(manifest.clone(), tags, Precondition::Any)
        .await
        .expect("a manifest whose blobs are there is stored");
}

async fn by_tag<S: Source>(source: &S, name: &str) -> RawManifest {
    source.manifest(tag(name).into()).await.expect("is tagged")
}

async fn by_digest<S: Source>(source: &S, manifest: &RawManifest) -> RawManifest {
    let which = manifest.digest().clone().into();
    source.manifest(which).await.expect("is there")
}

async fn assert_absent<S: Source>(source: &S, which: TagOrDigest) {
    assert!(matches!(
        source.manifest(which).await,
        Err(FetchError::ManifestNotFound(_))
    ));
}

async fn tags<S: Source>(source: &S) -> Vec<String> {
    let tags = source.tags().await.expect("tags can be listed");
    tags.iter().map(Tag::to_string).collect()
}
