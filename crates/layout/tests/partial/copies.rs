//! A copy that fails on one blob.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use eigenpack_oci::{
    BlobStream, CopyError, CopyOptions, Descriptor, Digest, FetchError, MediaType, Observer,
    Precondition, RawManifest, Silent, Source, Tag, TagOrDigest, copy,
};
use futures_util::TryStreamExt as _;

use crate::fixture::{Blob, Comes, PART, Place, bytes, until, until_written};

/// An image of two large layers, of which one cannot be had and the other takes its time.
#[derive(Clone)]
struct Image {
    manifest: RawManifest,
    layers: Vec<(Descriptor, Blob)>,
    /// What has to be there before the first one fails.
    waits_for: PathBuf,
}

impl Source for Image {
    async fn manifest(&self, _: TagOrDigest) -> Result<RawManifest, FetchError> {
        Ok(self.manifest.clone())
    }

    async fn unverified_blob(
        &self,
        descriptor: Descriptor,
        offset: u64,
    ) -> Result<BlobStream, FetchError> {
        let is_it = |layer: &&(Descriptor, Blob)| layer.0.digest == descriptor.digest;
        let (_, blob) = self.layers.iter().find(is_it).unwrap();
        if let Comes::NotAtAll = blob.comes {
            until_written(&self.waits_for, 1).await;
            return Err(FetchError::BlobNotFound(descriptor.digest));
        }
        let stream = blob.stream(usize::try_from(offset).unwrap()).unwrap();
        let failed = |error: io::Error| FetchError::Malformed(error.to_string());
        Ok(Box::pin(stream.map_err(failed)))
    }

    async fn has_blob(&self, _: Descriptor) -> Result<bool, FetchError> {
        Ok(true)
    }

    async fn tags(&self) -> Result<Vec<Tag>, FetchError> {
        Ok(Vec::new())
    }

    async fn referrers(
        &self,
        _: Digest,
        _: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_copy_that_fails_on_one_blob_keeps_what_it_has_of_the_others() {
    let place = Place::new().await;
    let missing = Descriptor::of(MediaType::OCTET_STREAM, &bytes()[1..]);
    let pointer = |blob: &Descriptor| serde_json::to_string(blob).unwrap();
    let json = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
        pointer(&missing),
        pointer(&place.blob)
    );
    let waits = Blob::that(bytes(), Comes::WaitsAt(PART, Arc::default()));
    let image = Image {
        manifest: RawManifest::new(MediaType::IMAGE_MANIFEST, json.into()),
        layers: vec![
            (missing.clone(), Blob::that(&[], Comes::NotAtAll)),
            (place.blob.clone(), waits),
        ],
        waits_for: place.partial(),
    };
    let options = CopyOptions {
        tags: Vec::new(),
        precondition: Precondition::Any,
        concurrency: 2,
    };
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let manifest = image.manifest.clone();
    let failed = copy(&image, &place.layout, manifest, &options, &observer).await;
    match failed.unwrap_err() {
        CopyError::Source { digest, .. } => assert_eq!(digest, missing.digest),
        other => panic!("{other:?}"),
    }
    // A step that had begun is finished first.
    let is_done = || File::open(place.partial()).map_or(true, |file| file.try_lock().is_ok());
    until(is_done).await;
    let name = place.partial().file_name().unwrap().to_owned();
    assert_eq!(place.left(), [name.into_string().unwrap()]);
    let left = fs::read(place.partial()).unwrap();
    assert!(!left.is_empty() && left == bytes()[..left.len()]);
}
