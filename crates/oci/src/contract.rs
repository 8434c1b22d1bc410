//! The suite that every [`Target`] must pass, whatever it stores in.
//!
//! It is what the traits promise, as a program: one suite for memory, disk and registries, so that code written over the
//! traits works the same on all of them. It panics at the first promise that is broken.
//!
//! Enabled by the feature `contract`, for tests only.

mod blobs;
mod manifests;
mod preconditions;
mod referrers;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::content::{Content, Pushed, Source, Target};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::FetchError;
use crate::media_type::MediaType;
use crate::raw_manifest::RawManifest;
use crate::reference::Tag;

/// Runs the whole suite; `make` gives an empty target each time, and none of those may share content with another.
///
/// # Panics
///
/// At the first promise that the target does not keep.
pub async fn target_contract<T: Target>(make: impl Fn() -> T) {
    blobs::come_back_as_they_were(&make()).await;
    blobs::are_refused_unless_they_are_what_they_claim(&make()).await;
    blobs::can_be_read_from_an_offset(&make()).await;
    blobs::can_be_addressed_by_sha512(&make()).await;
    blobs::can_be_pushed_by_many_at_once(&make()).await;
    manifests::come_back_as_they_were(&make()).await;
    manifests::need_no_tag(&make()).await;
    manifests::stay_when_their_tag_moves(&make()).await;
    manifests::can_have_many_tags(&make()).await;
    manifests::that_are_not_there_are_not_found(&make()).await;
    manifests::are_deleted_by_tag_or_by_digest(&make()).await;
    preconditions::are_about_each_tag(&make()).await;
    preconditions::let_one_of_several_win(&make()).await;
    preconditions::do_not_lose_tags_pushed_together(&make()).await;
    referrers::are_listed_under_their_subject(&make()).await;
}

/// Pushes `content` and returns its descriptor.
async fn push_bytes<T: Target>(target: &T, media_type: MediaType, content: &[u8]) -> Descriptor {
    let descriptor = Descriptor::of(media_type, content);
    let pushed = target
        .push_blob(descriptor.clone(), bytes_of(content))
        .await
        .expect("a blob that is what it claims is stored");
    assert_ne!(pushed, Pushed::Mounted, "there is no other repository");
    descriptor
}

/// Pushes the blobs of an artifact that differs by `name`, and returns its manifest, not yet pushed.
async fn artifact<T: Target>(target: &T, name: &str) -> RawManifest {
    let config = push_bytes(target, CONFIG, b"{}").await;
    let layer = push_bytes(target, LAYER, name.as_bytes()).await;
    manifest_of(&config, &layer, "")
}

/// Makes a manifest, spaced and with an unknown field, so that writing it anew would change it.
fn manifest_of(config: &Descriptor, layer: &Descriptor, rest: &str) -> RawManifest {
    let (config, layer) = (json(config), json(layer));
    let media_type = MediaType::IMAGE_MANIFEST;
    let text = format!(
        r#"{{ "schemaVersion":2, "x-unknown": [1.50, null], "mediaType":"{media_type}",
            "config":{config}, "layers":[{layer}]{rest} }}"#
    );
    RawManifest::from_outside(text.into(), None, None).expect("the suite's manifest is well formed")
}

fn json(descriptor: &Descriptor) -> String {
    serde_json::to_string(descriptor).expect("a descriptor is JSON")
}

async fn read<S: Source>(
    source: &S,
    descriptor: &Descriptor,
    offset: u64,
) -> Result<Bytes, FetchError> {
    let mut stream = source.blob(descriptor.clone(), offset).await?;
    let mut content = BytesMut::new();
    while let Some(bytes) = stream.next().await {
        content.extend_from_slice(&bytes?);
    }
    Ok(content.freeze())
}

fn bytes_of(content: &[u8]) -> Content {
    Bytes::copy_from_slice(content).into()
}

fn tag(text: &str) -> Tag {
    text.parse().expect("the suite's tags are well formed")
}

fn digest_of(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

const CONFIG: MediaType = MediaType::from_static("application/vnd.example.config+json");
const LAYER: MediaType = MediaType::from_static("text/x-example");
