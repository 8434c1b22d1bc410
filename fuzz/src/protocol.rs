//! Manifests, references, and what stands in the lines of requests and in the headers of answers.

use eigenpack_oci::distribution::{
    Endpoint, Pages, acknowledged_bytes, chunk_range, next_link, resolve_location, same_origin,
    served_from, with_digest,
};
use eigenpack_oci::{Descriptor, Digest, Manifest, MediaType, RawManifest, Reference, referrer};
use url::Url;

/// A manifest or an index, whatever it came as.
pub fn manifest(bytes: &[u8]) {
    for came_as in [
        None,
        Some(MediaType::IMAGE_MANIFEST),
        Some(MediaType::IMAGE_INDEX),
    ] {
        let Ok(raw) = RawManifest::from_outside(bytes.to_vec().into(), came_as.as_ref(), None)
        else {
            continue;
        };
        assert_eq!(raw.bytes().as_ref(), bytes);
        assert_eq!(*raw.digest(), Digest::sha256(bytes));
        assert!(came_as.is_none_or(|came_as| came_as == *raw.media_type()));
        let Ok(manifest) = Manifest::read(&raw) else {
            continue;
        };
        for found in manifest.blobs().chain(manifest.children()) {
            let json = serde_json::to_vec(found).expect("a descriptor is JSON");
            let again: Descriptor = serde_json::from_slice(&json).expect("it was just written");
            assert_eq!(again.digest, found.digest);
            assert_eq!(again.size, found.size);
        }
        if let Some((_, listed)) = referrer(&raw) {
            assert_eq!(listed.digest, *raw.digest());
        }
    }
}

/// A reference as a user types it.
pub fn reference(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(reference) = text.parse::<Reference>() {
        let shown = reference.to_string();
        assert_eq!(shown.parse::<Reference>().ok(), Some(reference), "{shown}");
    }
}

/// A digest, in the registries' form and in the chain's.
pub fn digest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.as_str(), text);
        // It becomes the name of a file.
        assert!(!digest.encoded().is_empty() && !digest.encoded().contains(['/', '\\', '.', ':']));
        assert!(digest.encoded().starts_with(digest.short()));
        if let Some(bytes32) = digest.bytes32() {
            assert_eq!(Digest::parse_bytes32(&bytes32), Ok(digest));
        }
    }
    if let Ok(digest) = Digest::parse_bytes32(text) {
        assert!(
            digest
                .bytes32()
                .is_some_and(|bytes32| bytes32.eq_ignore_ascii_case(text))
        );
    }
}

/// The target of a request to our server.
pub fn endpoint(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let parse = |text: &str| match text.split_once('?') {
        Some((path, query)) => Endpoint::parse(path, Some(query)),
        None => Endpoint::parse(text, None),
    };
    if let Ok(endpoint) = parse(text) {
        let rendered = endpoint.to_path_and_query();
        assert_eq!(parse(&rendered).ok(), Some(endpoint), "{rendered}");
    }
}

/// A `Location`, or several `Link`s with a line each.
pub fn location_and_link(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for answered in [
        "https://a.example/v2/a/b/blobs/uploads/?n=1",
        "http://localhost:5000/v2/_catalog",
    ] {
        let answered: Url = answered.parse().expect("this is a URL");
        if let Ok(url) = resolve_location(&answered, Some(text)) {
            assert!(
                url.scheme() == "https" || (url.scheme() == "http" && answered.scheme() == "http")
            );
            assert!(url.host_str().is_some_and(|host| !host.is_empty()));
            assert!(url.username().is_empty() && url.password().is_none());
            assert!(url.fragment().is_none());
            let digest = Digest::sha256(b"");
            let closing = with_digest(url.clone(), &digest);
            assert!(same_origin(&url, &closing) && url.path() == closing.path());
            let last = closing.query_pairs().last();
            assert!(last.is_some_and(|(name, value)| name == "digest" && value == digest.as_str()));
        }
        let mut pages = Pages::new(answered.clone(), 10);
        if let Ok(Some(next)) = pages.next(&answered, text.lines()) {
            assert!(same_origin(&answered, &next) && next != answered);
            assert!(next_link(text.lines()).is_some());
        }
    }
}

/// A `Range` that acknowledges, and a `Content-Range`.
pub fn content_range(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let acknowledged = acknowledged_bytes(Some(text));
    assert_ne!(acknowledged, 1, "0-0 acknowledges nothing");
    if let Some(range) = chunk_range(0, acknowledged) {
        assert_eq!(acknowledged_bytes(Some(&range)), acknowledged);
    }
    if let Some(start) = served_from(text) {
        assert!(text.contains(&start.to_string()));
    }
}
