//! What the content of a manifest, an index or something that may be one points to.

use std::fmt;

use bytes::Bytes;
use eigenpack_oci::{
    Descriptor, Digest, FetchError, Manifest, MediaType, RawManifest, VerifyError, verify,
};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::reach::{Kind, Link};

/// Returns what an entry of an index, or a subject, points to.
pub(super) fn link_to(descriptor: &Descriptor) -> Link {
    Link {
        digest: descriptor.digest.clone(),
        kind: if descriptor.media_type.is_manifest() {
            Kind::Manifest
        } else {
            Kind::Opaque
        },
    }
}

/// Reads what a manifest of a known type points to: its subject as well, which need not have an entry of its own.
pub(super) fn links_of_manifest(digest: &Digest, bytes: Bytes) -> Result<Vec<Link>, FetchError> {
    let raw = RawManifest::from_outside(bytes, None, Some(digest))?;
    let manifest = Manifest::read(&raw)?;
    let subject = match &manifest {
        Manifest::Image(image) => &image.subject,
        Manifest::Index(index) => &index.subject,
    };
    let blobs = manifest.blobs().map(|blob| Link {
        digest: blob.digest.clone(),
        kind: Kind::Blob,
    });
    let manifests = manifest.children().iter().chain(subject).map(link_to);
    Ok(blobs.chain(manifests).collect())
}

/// Reads what content of a type that is not known may point to: every digest in it, if it is a JSON object.
pub(super) fn links_of_opaque(digest: &Digest, bytes: &[u8]) -> Result<Vec<Link>, VerifyError> {
    let size = bytes.len() as u64;
    let descriptor = Descriptor::new(MediaType::OCTET_STREAM, digest.clone(), size);
    verify(&descriptor, bytes)?;
    Ok(links_in_json(bytes))
}

/// Finds every digest in a JSON object, wherever in it; what is no JSON object, such as a layer, has none.
pub(super) fn links_in_json(bytes: &[u8]) -> Vec<Link> {
    let mut links = Vec::new();
    if bytes.trim_ascii_start().starts_with(b"{") {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        // What was found before it turned out not to be JSON after all does no harm.
        drop(Digests(&mut links).deserialize(&mut json));
    }
    links
}

/// Walks any JSON value, fields that are there twice included, and keeps the digests.
struct Digests<'a>(&'a mut Vec<Link>);

impl<'de> DeserializeSeed<'de> for Digests<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Digests<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if let Ok(digest) = text.parse() {
            let kind = Kind::Opaque;
            self.0.push(Link { digest, kind });
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Digests(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key_seed(Digests(self.0))?.is_some() {
            entries.next_value_seed(Digests(self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_digests_anywhere_in_an_object() {
        let digest = |n: u8| Digest::sha256(&[n]);
        let json = format!(
            r#" {{"fsLayers":[{{"blobSum":"{}"}}],"x":[1,-1,0.5,null,true,"sha256:short"],
                 "{}":{{"a":"{}","a":"{}"}}}}"#,
            digest(0),
            digest(1),
            digest(2),
            digest(3).as_str().replace("sha", r"\u0073ha"),
        );
        let found: Vec<_> = links_in_json(json.as_bytes())
            .into_iter()
            .map(|link| link.digest)
            .collect();
        assert_eq!(found, [0, 1, 2, 3].map(digest));
        assert!(links_in_json(b"\x1f\x8b layer").is_empty());
        assert!(links_in_json(b"{ not json").is_empty());
    }

    #[test]
    fn a_manifest_leads_to_all_that_it_points_to() {
        let pointers = [0, 1, 2].map(|n: u8| {
            serde_json::to_string(&Descriptor::of(MediaType::IMAGE_MANIFEST, &[n])).unwrap()
        });
        let [a, b, c] = &pointers;
        let image = format!(r#"{{"schemaVersion":2,"config":{a},"layers":[{b}],"subject":{c}}}"#);
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{a},{b}],"subject":{c}}}"#);
        let kinds = |json: String| {
            let bytes = Bytes::from(json);
            let digest = Digest::sha256(&bytes);
            let links = links_of_manifest(&digest, bytes).unwrap();
            links.iter().map(|link| link.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(image), [Kind::Blob, Kind::Blob, Kind::Manifest]);
        assert_eq!(kinds(index), [Kind::Manifest; 3]);
        let bytes = Bytes::from_static(br#"{"schemaVersion":2,"manifests":[]}"#);
        assert!(links_of_manifest(&Digest::sha256(b"other"), bytes).is_err());
    }
}
