//! The manifests that are about another one: from the API, or from the tag that stands in for it.

use eigenpack_oci::distribution::{Endpoint, Pages, fallback_tag};
use eigenpack_oci::{Descriptor, Digest, FetchError, ImageIndex, Manifest, MediaType, TagOrDigest};

use crate::answer::Answer;
use crate::deadline::Deadline;
use crate::repository::RemoteRepository;
use crate::request::{Read, Request};
use crate::tags::MAX_PAGES;
use crate::transport::Method;

/// The most referrers kept.
const MAX_REFERRERS: usize = 100_000;

/// The most bytes of all pages of a list together: they are in memory until the last one is there.
const MAX_LIST_SIZE: u64 = 64 * 1024 * 1024;

impl RemoteRepository {
    /// Lists the referrers of a manifest (distribution specification, "Listing Referrers").
    pub(crate) async fn list_referrers(
        &self,
        digest: Digest,
        artifact_type: Option<MediaType>,
    ) -> Result<Vec<Descriptor>, FetchError> {
        let deadline = self.connection.deadline();
        let from_api = self.referrers_from_api(&digest, artifact_type.as_ref(), deadline);
        if let Some(referrers) = from_api.await? {
            return Ok(referrers);
        }
        let mut referrers = self.referrers_from_tag(&digest, deadline).await?;
        retain(&mut referrers, artifact_type.as_ref(), false);
        Ok(referrers)
    }

    /// Asks the API; `None` where the registry has none.
    async fn referrers_from_api(
        &self,
        digest: &Digest,
        artifact_type: Option<&MediaType>,
        deadline: Deadline,
    ) -> Result<Option<Vec<Descriptor>>, FetchError> {
        let mut url = self.connection.url(&Endpoint::Referrers {
            repository: self.name.clone(),
            digest: digest.clone(),
            artifact_type: artifact_type.cloned(),
            last: None,
        });
        let mut pages = Pages::new(url.clone(), MAX_PAGES);
        let mut referrers = Vec::new();
        let (mut is_led, mut read) = (false, 0);
        loop {
            let request = Request::new(Method::GET, url, self.needs_to_read())
                .header("accept", MediaType::IMAGE_INDEX.as_str())
                .led(is_led)
                .staying()
                .reading(Read::UpTo(self.connection.options.max_manifest_size));
            let answer = self.connection.exchange(&request, deadline).await?;
            match answer.status {
                200 => {}
                // A denial is no absence: only these say that there is no such API. Some registries without it redirect to a page
                // for people, on another host. Whoever gave a page has the API.
                301..=303 | 307 | 308 | 404 | 405 | 501 if !is_led => return Ok(None),
                _ => return Err(answer.access_error().into()),
            }
            let mut index = match read_index(&answer) {
                Some(index) => index,
                // Others answer with it themselves.
                None if !is_led => return Ok(None),
                None => {
                    let reason = "this is no page of a list of referrers";
                    return Err(FetchError::Malformed(reason.to_owned()));
                }
            };
            let filtered = answer.headers.get("oci-filters-applied");
            let filtered = filtered.is_some_and(|all| all.contains("artifactType"));
            retain(&mut index.manifests, artifact_type, filtered);
            referrers.extend(index.manifests);
            read += answer.body.len() as u64;
            let too_large = |limit| FetchError::TooLarge {
                what: "the list of referrers".to_owned(),
                limit,
            };
            if read > MAX_LIST_SIZE {
                return Err(too_large(MAX_LIST_SIZE));
            }
            if referrers.len() > MAX_REFERRERS {
                return Err(too_large(MAX_REFERRERS as u64));
            }
            let next = pages.next(&answer.url, answer.headers.all("link"));
            match next.map_err(|e| answer.refused(&e))? {
                Some(next) => (url, is_led) = (next, true),
                None => return Ok(Some(referrers)),
            }
        }
    }

    /// Reads the index under the fallback tag (distribution specification, "Referrers Tag Schema"); what is not an index
    /// lists nothing.
    async fn referrers_from_tag(
        &self,
        digest: &Digest,
        deadline: Deadline,
    ) -> Result<Vec<Descriptor>, FetchError> {
        let Some(tag) = fallback_tag(digest) else {
            return Ok(Vec::new());
        };
        match self.fetch_manifest(TagOrDigest::Tag(tag), deadline).await {
            Ok(manifest) => match Manifest::read(&manifest) {
                Ok(Manifest::Index(index)) => Ok(index.manifests),
                _ => Ok(Vec::new()),
            },
            Err(FetchError::ManifestNotFound(_) | FetchError::Manifest(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Keeps what is of a type, whether or not the registry has `filtered` it by itself. Some registries filter and then leave the
/// type out.
fn retain(referrers: &mut Vec<Descriptor>, artifact_type: Option<&MediaType>, filtered: bool) {
    let Some(wanted) = artifact_type else { return };
    referrers.retain(|referrer| match &referrer.artifact_type {
        Some(found) => found == wanted,
        None => filtered,
    });
}

fn read_index(answer: &Answer) -> Option<ImageIndex> {
    serde_json::from_slice(&answer.body).ok()
}
