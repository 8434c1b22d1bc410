//! Lists that come in pages: the next one is where `Link` says.

use std::collections::HashSet;

use url::Url;

use super::location::{LocationError, resolve_location, same_origin};

/// The most bytes of `Link` headers that are read.
const MAX_LENGTH: usize = 16 * 1024;

/// Why a list's next page is not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PaginationError {
    /// The next page was fetched before.
    #[error("the pages of the list lead in a circle")]
    Loop,
    /// There are more pages than any list has.
    #[error("the list has more than {0} pages")]
    TooMany(usize),
    /// The next page is on another server.
    #[error("the list continues on another server, {host}")]
    ForeignHost {
        /// Where it would continue.
        host: String,
    },
    /// The next page's URL cannot be followed.
    #[error(transparent)]
    Location(#[from] LocationError),
}

/// Returns the target of the first link with `rel=next` in the `Link` headers of an answer (RFC 8288), unresolved.
pub fn next_link<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    headers
        .into_iter()
        .filter(|header| header.len() <= MAX_LENGTH)
        .find_map(|header| {
            let mut rest = header;
            loop {
                let (_, link) = rest.split_once('<')?;
                let (target, parameters) = link.split_once('>')?;
                let (parameters, next) = split_parameters(parameters);
                if parameters.iter().any(|parameter| is_rel_next(parameter)) {
                    return Some(target);
                }
                rest = next;
            }
        })
}

/// Splits `; a=b; c="d, e", <next>` into the parameters and what follows the comma after them.
fn split_parameters(text: &str) -> (Vec<&str>, &str) {
    let mut parameters = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' | ',' if !quoted => {
                parameters.push(&text[start..at]);
                start = at + 1;
                if c == ',' {
                    return (parameters, &text[start..]);
                }
            }
            _ => {}
        }
    }
    parameters.push(&text[start..]);
    (parameters, "")
}

fn is_rel_next(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("rel")
            && value
                .trim()
                .trim_matches('"')
                .split_ascii_whitespace()
                .any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// The guard over the pages of one list: they must stay on their server, must not repeat, and must end.
#[derive(Clone, Debug)]
pub struct Pages {
    seen: HashSet<Url>,
    max: usize,
}

impl Pages {
    /// Starts with the URL of the first page and the most pages to fetch.
    pub fn new(first: Url, max: usize) -> Self {
        Self {
            seen: HashSet::from([first]),
            max,
        }
    }

    /// Returns the URL of the page after the one that `answered`, or `None` where the list ends.
    pub fn next<'a>(
        &mut self,
        answered: &Url,
        links: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Url>, PaginationError> {
        let Some(link) = next_link(links) else {
            return Ok(None);
        };
        let url = resolve_location(answered, Some(link))?;
        if !same_origin(answered, &url) {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Err(PaginationError::ForeignHost { host });
        }
        if self.seen.len() >= self.max {
            return Err(PaginationError::TooMany(self.max));
        }
        if self.seen.insert(url.clone()) {
            Ok(Some(url))
        } else {
            Err(PaginationError::Loop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_next_link() {
        for (header, target) in [
            (
                r#"</v2/a/tags/list?n=1&last=b>; rel="next""#,
                Some("/v2/a/tags/list?n=1&last=b"),
            ),
            ("<x>;REL=Next", Some("x")),
            (
                r#"<p>; rel="prev", <n>; title="a, <b>; rel=\"next\""; rel="start next""#,
                Some("n"),
            ),
            (r#"<p>; rel="prev""#, None),
            (r#"<x>; rel="nextish""#, None),
            ("x; rel=next", None),
            ("<x", None),
            ("", None),
        ] {
            assert_eq!(next_link([header]), target, "{header}");
        }
        assert_eq!(next_link(["<p>; rel=prev", "<n>; rel=next"]), Some("n"));
    }

    #[test]
    fn pages_stay_where_they_are_and_end() {
        let url = |text: &str| Url::parse(text).unwrap();
        let first = url("https://r.test/v2/a/tags/list");
        let mut pages = Pages::new(first.clone(), 3);
        let second = pages
            .next(&first, ["<?last=b>; rel=next"])
            .unwrap()
            .unwrap();
        assert_eq!(second.as_str(), "https://r.test/v2/a/tags/list?last=b");
        assert_eq!(pages.next(&second, []), Ok(None));
        let mut next = |link: &str| pages.next(&second, [link]);
        assert_eq!(next("<?last=b>; rel=next"), Err(PaginationError::Loop));
        assert_eq!(
            next("</v2/a/tags/list>; rel=next"),
            Err(PaginationError::Loop)
        );
        assert!(matches!(
            next("<https://other.test/>; rel=next"),
            Err(PaginationError::ForeignHost { .. })
        ));
        assert!(matches!(
            next("<http://r.test/>; rel=next"),
            Err(PaginationError::Location(LocationError::Downgrade { .. }))
        ));
        assert!(next("<?last=c>; rel=next").is_ok());
        assert_eq!(
            next("<?last=d>; rel=next"),
            Err(PaginationError::TooMany(3))
        );
    }

    proptest! {
        #[test]
        fn never_panics(header in "(<|>|;|,|=|\"|\\\\|rel|next| |\\PC){0,40}") {
            let url = Url::parse("https://r.test/").unwrap();
            let _ = Pages::new(url.clone(), 9).next(&url, [header.as_str()]);
        }
    }
}
