//! The list of a repository's tags, page by page.

use std::collections::BTreeSet;

use eigenpack_oci::distribution::{Endpoint, Page, Pages, without_control_characters};
use eigenpack_oci::{FetchError, MAX_MANIFEST_SIZE, Tag};

use crate::repository::RemoteRepository;
use crate::request::{Read, Request};
use crate::transport::Method;

/// The most pages that a list may have.
pub(crate) const MAX_PAGES: usize = 10_000;

/// The most tags kept; a list beyond it is no list that somebody made.
const MAX_TAGS: usize = 1_000_000;

#[derive(serde::Deserialize)]
struct TagList {
    /// Some registries write `null` for none.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RemoteRepository {
    /// Lists all tags, in byte order (distribution specification, "Listing Tags").
    pub(crate) async fn list_tags(&self) -> Result<Vec<Tag>, FetchError> {
        let deadline = self.connection.deadline();
        let mut url = self.connection.url(&Endpoint::Tags {
            repository: self.name.clone(),
            page: Page::default(),
        });
        let mut pages = Pages::new(url.clone(), MAX_PAGES);
        let mut tags = BTreeSet::new();
        let mut is_led = false;
        loop {
            let request = Request::new(Method::GET, url, self.needs_to_read())
                .led(is_led)
                .reading(Read::UpTo(MAX_MANIFEST_SIZE));
            let answer = self.connection.exchange(&request, deadline).await?;
            match answer.status {
                200 => {}
                404 => return Err(FetchError::RepositoryNotFound),
                _ => return Err(answer.access_error().into()),
            }
            let list: TagList = serde_json::from_slice(&answer.body).map_err(|e| {
                // The error quotes what the registry sent. A secret is found before it is cut.
                let reason = without_control_characters(&answer.mask.hide(&e.to_string()));
                FetchError::Malformed(format!("this is no list of tags: {reason}"))
            })?;
            // What is not a tag cannot be asked for, so it is of no use to anybody.
            let page = list.tags.unwrap_or_default();
            tags.extend(page.iter().filter_map(|tag| tag.parse::<Tag>().ok()));
            if tags.len() > MAX_TAGS {
                let what = "the list of tags".to_owned();
                let limit = MAX_TAGS as u64;
                return Err(FetchError::TooLarge { what, limit });
            }
            let next = pages.next(&answer.url, answer.headers.all("link"));
            match next.map_err(|e| answer.refused(&e))? {
                Some(next) => (url, is_led) = (next, true),
                None => return Ok(tags.into_iter().collect()),
            }
        }
    }
}
