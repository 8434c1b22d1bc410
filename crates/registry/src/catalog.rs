//! Lists: tags, repositories, referrers.

use eigenpack_oci::distribution::{Endpoint, Page};
use eigenpack_oci::{Descriptor, Digest, FetchError, MediaType, Repository, Tag};
use hyper::header::{HeaderName, LINK};
use serde::Serialize;

use crate::refusal::Refusal;
use crate::request::Request;
use crate::respond::{Answer, header, json};
use crate::router::Registry;
use crate::store::RegistryStore;

/// Says that the artifact type was heeded (distribution specification, "Listing Referrers").
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// The most bytes of descriptors on one page of referrers, so that it is no larger than a manifest may be.
const MAX_REFERRERS: usize = 3 * 1024 * 1024;

#[derive(Serialize)]
struct TagList<'a> {
    name: &'a Repository,
    tags: &'a [Tag],
}

#[derive(Serialize)]
struct Catalog<'a> {
    repositories: &'a [Repository],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Referrers<'a> {
    schema_version: u8,
    media_type: MediaType,
    manifests: &'a [Descriptor],
}

/// Which manifests are listed as being about another one.
pub(crate) struct WantedReferrers {
    pub(crate) subject: Digest,
    pub(crate) artifact_type: Option<MediaType>,
    /// The one after which the page starts.
    pub(crate) last: Option<Digest>,
}

impl<S: RegistryStore> Registry<S> {
    /// Lists tags in byte order (distribution specification, "Listing Tags").
    pub(crate) async fn tags(
        &self,
        request: &Request,
        repository: &Repository,
        page: Page,
    ) -> Result<Answer, Refusal> {
        only_reads(request)?;
        let all = self.store.tags(repository).await?;
        let (tags, next) = part(&all, &page, Tag::as_str);
        let name = repository;
        let mut answer = json("application/json", &TagList { name, tags });
        link(&mut answer, next, |page| Endpoint::Tags {
            repository: repository.clone(),
            page,
        });
        Ok(answer)
    }

    /// Lists the repositories in byte order.
    pub(crate) async fn catalog(&self, request: &Request, page: Page) -> Result<Answer, Refusal> {
        only_reads(request)?;
        let all = self.store.repositories().await?;
        let (repositories, next) = part(&all, &page, Repository::as_str);
        let mut answer = json("application/json", &Catalog { repositories });
        link(&mut answer, next, |page| Endpoint::Catalog { page });
        Ok(answer)
    }

    /// Lists the manifests that are about another one, whether that one is there or not (distribution specification,
    /// "Listing Referrers").
    pub(crate) async fn referrers(
        &self,
        request: &Request,
        repository: Repository,
        wanted: WantedReferrers,
    ) -> Result<Answer, Refusal> {
        only_reads(request)?;
        let WantedReferrers {
            subject,
            artifact_type,
            last,
        } = wanted;
        let listed = self
            .store
            .referrers(&repository, subject.clone(), artifact_type.clone());
        let mut all = match listed.await {
            Err(FetchError::RepositoryNotFound) => Vec::new(),
            result => result?,
        };
        all.sort_unstable_by(|a, b| a.digest.cmp(&b.digest));
        let start = all.partition_point(|d| last.as_ref().is_some_and(|last| d.digest <= *last));
        let end = start + fitting(&all[start..]);
        let index = Referrers {
            schema_version: 2,
            media_type: MediaType::IMAGE_INDEX,
            manifests: &all[start..end],
        };
        let mut answer = json(MediaType::IMAGE_INDEX.as_str(), &index);
        if artifact_type.is_some() {
            header(&mut answer, FILTERS_APPLIED, "artifactType");
        }
        if end < all.len()
            && let Some(last) = all[..end].last()
        {
            let next = Endpoint::Referrers {
                repository,
                digest: subject,
                artifact_type,
                last: Some(last.digest.clone()),
            };
            let next = format!("<{}>; rel=\"next\"", next.to_path_and_query());
            header(&mut answer, LINK, &next);
        }
        Ok(answer)
    }
}

fn only_reads(request: &Request) -> Result<(), Refusal> {
    if request.reads() {
        Ok(())
    } else {
        Err(Refusal::method("GET, HEAD"))
    }
}

/// Takes one page of a list in byte order, and says which comes next, where there is more.
fn part<'a, T>(all: &'a [T], page: &Page, name: impl Fn(&T) -> &str) -> (&'a [T], Option<Page>) {
    let rest = match &page.last {
        Some(last) => &all[all.partition_point(|entry| name(entry) <= last.as_str())..],
        None => all,
    };
    let n = page.n.and_then(|n| usize::try_from(n).ok());
    let listed = &rest[..n.unwrap_or(usize::MAX).min(rest.len())];
    let next = listed.last().filter(|_| listed.len() < rest.len());
    let next = next.map(|last| Page {
        n: page.n,
        last: Some(name(last).to_owned()),
    });
    (listed, next)
}

fn link(answer: &mut Answer, next: Option<Page>, endpoint: impl Fn(Page) -> Endpoint) {
    if let Some(page) = next {
        let target = endpoint(page).to_path_and_query();
        header(answer, LINK, &format!("<{target}>; rel=\"next\""));
    }
}

/// Tells how many descriptors fit on a page: at least one.
fn fitting(descriptors: &[Descriptor]) -> usize {
    let mut size = 0;
    let fits = descriptors.iter().take_while(|descriptor| {
        size += serde_json::to_vec(descriptor).map_or(0, |json| json.len() + 1);
        size <= MAX_REFERRERS
    });
    fits.count().max(1).min(descriptors.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(n: Option<u64>, last: Option<&str>) -> (String, Option<String>) {
        let all = ["B", "a", "b", "c"];
        let last = last.map(str::to_owned);
        let (listed, next) = part(&all, &Page { n, last }, |entry| entry);
        (listed.concat(), next.and_then(|page| page.last))
    }

    #[test]
    fn pages_follow_each_other() {
        assert_eq!(listed(None, None), ("Babc".into(), None));
        assert_eq!(listed(Some(2), None), ("Ba".into(), Some("a".into())));
        assert_eq!(listed(Some(2), Some("a")), ("bc".into(), None));
        assert_eq!(listed(None, Some("aa")), ("bc".into(), None));
        assert_eq!(listed(Some(0), None), (String::new(), None));
        assert_eq!(listed(Some(9), Some("z")), (String::new(), None));
    }
}
