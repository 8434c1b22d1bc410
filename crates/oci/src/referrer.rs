//! What a store answers about a manifest that has a `subject`.

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::raw_manifest::RawManifest;

/// Returns the digest that a manifest is about, and the descriptor under which it is listed there.
///
/// `None` where the manifest has no `subject`, or is not of a kind that can have one. The descriptor carries the
/// manifest's annotations and its artifact type; an image manifest without one is listed under its config's media type
/// (distribution specification, "Listing Referrers").
pub fn referrer(manifest: &RawManifest) -> Option<(Digest, Descriptor)> {
    let (subject, artifact_type, annotations) = match Manifest::read(manifest).ok()? {
        Manifest::Image(image) => (
            image.subject?,
            image.artifact_type.or(Some(image.config.media_type)),
            image.annotations,
        ),
        Manifest::Index(index) => (index.subject?, index.artifact_type, index.annotations),
    };
    let listed = Descriptor {
        artifact_type,
        annotations,
        ..manifest.descriptor()
    };
    Some((subject.digest, listed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_type::MediaType;

    fn listed(json: &str) -> Option<(Digest, Descriptor)> {
        let bytes = json.as_bytes().to_vec().into();
        referrer(&RawManifest::from_outside(bytes, None, None).unwrap())
    }

    #[test]
    fn the_config_type_stands_in_for_the_artifact_type_of_an_image_only() {
        let subject = Descriptor::of(MediaType::IMAGE_MANIFEST, b"s");
        let pointer = serde_json::to_string(&subject).unwrap();
        let (about, image) = listed(&format!(
            r#"{{"config":{pointer},"subject":{pointer},"annotations":{{"a":"b"}}}}"#
        ))
        .unwrap();
        assert_eq!(about, subject.digest);
        assert_eq!(image.artifact_type, Some(subject.media_type));
        assert_eq!(image.annotations["a"], "b");

        let (_, index) = listed(&format!(r#"{{"manifests":[],"subject":{pointer}}}"#)).unwrap();
        assert_eq!(index.artifact_type, None);
        assert!(listed(&format!(r#"{{"config":{pointer}}}"#)).is_none());
    }
}
