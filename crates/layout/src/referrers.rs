//! The answer to which manifests are about another one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use eigenpack_oci::{
    Descriptor, Digest, FetchError, MAX_MANIFEST_SIZE, MediaType, RawManifest, referrer,
};

use crate::blob_dir::BlobDir;
use crate::index::Index;

/// Of how many manifests of a repository it is remembered what they are about; where there are more, all are read again.
const MAX_KNOWN: usize = 2048;

/// What each manifest is about, as far as it was read: a digest means the same for ever.
#[derive(Debug, Default)]
pub(crate) struct KnownReferrers(Mutex<HashMap<Digest, Option<About>>>);

/// The digest of the subject, and the descriptor under which the manifest is listed there.
type About = (Digest, Descriptor);

impl KnownReferrers {
    /// Lists the manifests of an index that are about `subject`; a manifest that is not there is left out.
    pub(crate) fn list(
        &self,
        index: &Index,
        blobs: &BlobDir,
        subject: &Digest,
        artifact_type: Option<&MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        let mut known = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut listed = Vec::new();
        let mut current = HashMap::new();
        for entry in index.manifests().filter(|d| d.media_type.is_manifest()) {
            let about = match known.remove(&entry.digest) {
                Some(about) => about,
                None => match read(entry, blobs)? {
                    Some(manifest) => referrer(&manifest),
                    None => continue,
                },
            };
            let is_wanted = |(of, descriptor): &&About| {
                of == subject
                    && artifact_type.is_none_or(|t| descriptor.artifact_type.as_ref() == Some(t))
            };
            listed.extend(about.as_ref().filter(is_wanted).map(|(_, d)| d.clone()));
            current.insert(entry.digest.clone(), about);
        }
        // What has no entry any more is forgotten, and so are too many.
        if current.len() > MAX_KNOWN {
            current.clear();
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = current;
        Ok(listed)
    }
}

/// Reads a manifest; `None` where its bytes are not there.
fn read(entry: &Descriptor, blobs: &BlobDir) -> Result<Option<RawManifest>, FetchError> {
    let Some(bytes) = blobs.read(&entry.digest, MAX_MANIFEST_SIZE)? else {
        return Ok(None);
    };
    let media_type = Some(&entry.media_type);
    let manifest = RawManifest::from_outside(bytes, media_type, Some(&entry.digest))?;
    Ok(Some(manifest))
}
