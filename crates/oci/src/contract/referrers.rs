//! What is promised about manifests that are about others.

use super::{CONFIG, LAYER, artifact, digest_of, json, manifest_of, push_bytes};
use crate::content::{Precondition, Target};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::media_type::MediaType;
use crate::raw_manifest::RawManifest;

const SIGNATURE: MediaType = MediaType::from_static("application/vnd.example.signature");

pub(super) async fn are_listed_under_their_subject<T: Target>(target: &T) {
    let subject = artifact(target, "subject").await;
    let push = async |manifest: &RawManifest| {
        let pushed = target.push_manifest(manifest.clone(), Vec::new(), Precondition::Any);
        pushed.await.expect("the manifest is stored");
    };
    push(&subject).await;
    let config = push_bytes(target, CONFIG, b"{}").await;
    let layer = push_bytes(target, LAYER, b"about it").await;
    let about = format!(r#","subject":{}"#, json(&subject.descriptor()));
    let typed = format!(r#"{about},"artifactType":"{SIGNATURE}","annotations":{{"k":"v"}}"#);
    let signature = manifest_of(&config, &layer, &typed);
    let note = manifest_of(&config, &layer, &about);
    push(&signature).await;
    push(&note).await;

    let list = async |digest: &Digest, artifact_type| {
        let listed = target.referrers(digest.clone(), artifact_type).await;
        let mut listed = listed.expect("referrers can be listed");
        listed.sort_by(|a, b| a.digest.cmp(&b.digest));
        listed
    };
    let signature_listed = Descriptor {
        artifact_type: Some(SIGNATURE),
        annotations: [("k".to_owned(), "v".to_owned())].into(),
        ..signature.descriptor()
    };
    let note_listed = Descriptor {
        artifact_type: Some(CONFIG),
        ..note.descriptor()
    };
    let mut all = [signature_listed.clone(), note_listed.clone()];
    all.sort_by(|a, b| a.digest.cmp(&b.digest));
    assert_eq!(list(subject.digest(), None).await, all);
    assert_eq!(
        list(subject.digest(), Some(SIGNATURE)).await,
        [signature_listed]
    );
    assert_eq!(
        list(subject.digest(), Some(CONFIG)).await,
        std::slice::from_ref(&note_listed)
    );
    assert_eq!(list(subject.digest(), Some(LAYER)).await, []);
    assert_eq!(list(note.digest(), None).await, []);
    assert_eq!(list(&digest_of("absent"), None).await, []);

    let deleted = target.delete(signature.digest().clone().into()).await;
    deleted.expect("a referrer can be deleted");
    assert_eq!(list(subject.digest(), None).await, [note_listed]);
}
