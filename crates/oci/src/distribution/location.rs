//! Where a server's `Location` leads: resolved, and refused where it must not be followed.

use url::Url;

use crate::digest::Digest;

/// The longest `Location` followed, in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// Why a `Location` is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// There is none where one must be.
    #[error("the answer has no Location")]
    Missing,
    /// It is no http or https URL.
    #[error("the Location is not a URL that can be followed")]
    Malformed,
    /// It leads from https to http.
    #[error("the Location leads from https to plain http at {host}")]
    Downgrade {
        /// Where it leads.
        host: String,
    },
    /// It has a user name or a password in it.
    #[error("the Location has a user name or a password in it")]
    UserInfo,
}

/// Resolves a `Location`, relative or absolute, against the URL that answered with it.
///
/// The query is kept as it is: it may hold the state of an upload. A fragment is dropped, for it is never sent.
pub fn resolve_location(answered: &Url, location: Option<&str>) -> Result<Url, LocationError> {
    let location = location.ok_or(LocationError::Missing)?;
    if location.len() > MAX_LENGTH {
        return Err(LocationError::Malformed);
    }
    let mut url = answered
        .join(location)
        .map_err(|_| LocationError::Malformed)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(LocationError::Malformed);
    }
    if is_downgrade(answered, &url) {
        return Err(LocationError::Downgrade {
            host: url.host_str().unwrap_or_default().to_owned(),
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LocationError::UserInfo);
    }
    url.set_fragment(None);
    Ok(url)
}

/// Appends the digest that closes an upload to its session's URL (distribution specification, "POST then PUT").
#[must_use]
pub fn with_digest(mut session: Url, digest: &Digest) -> Url {
    let mut query = match session.query() {
        None | Some("") => String::new(),
        Some(state) => format!("{state}&"),
    };
    query.push_str("digest=");
    super::percent::encode_into(&mut query, digest.as_str());
    session.set_query(Some(&query));
    session
}

/// Tells whether two URLs have the same scheme, host and port.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Tells whether the way from one URL to the next leads out of https.
pub fn is_downgrade(from: &Url, to: &Url) -> bool {
    from.scheme() == "https" && to.scheme() != "https"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolve(answered: &str, location: &str) -> Result<String, LocationError> {
        resolve_location(&Url::parse(answered).unwrap(), Some(location)).map(String::from)
    }

    #[test]
    fn resolves_relative_and_absolute() {
        let base = "https://r.test/v2/a/blobs/uploads/";
        for (location, resolved) in [
            (
                "/v2/a/blobs/uploads/1",
                "https://r.test/v2/a/blobs/uploads/1",
            ),
            (
                "1?s=a%2Fb&t",
                "https://r.test/v2/a/blobs/uploads/1?s=a%2Fb&t",
            ),
            ("?s=1", "https://r.test/v2/a/blobs/uploads/?s=1"),
            ("https://r.test:443/x#y", "https://r.test/x"),
            ("https://cdn.test/x", "https://cdn.test/x"),
            ("//cdn.test/x", "https://cdn.test/x"),
        ] {
            assert_eq!(
                resolve(base, location).as_deref(),
                Ok(resolved),
                "{location}"
            );
        }
    }

    #[test]
    fn refuses_where_it_must_not_lead() {
        let base = "https://r.test/v2/";
        for location in ["http://r.test/x", "http://localhost/x"] {
            assert!(matches!(
                resolve(base, location),
                Err(LocationError::Downgrade { .. })
            ));
        }
        for location in ["file:///x", "data:,x", "https://", "https://a:99999/"] {
            assert_eq!(
                resolve(base, location),
                Err(LocationError::Malformed),
                "{location}"
            );
        }
        assert_eq!(
            resolve(base, "https://u:p@r.test/"),
            Err(LocationError::UserInfo)
        );
        assert!(resolve("http://localhost/", "http://other.test/").is_ok());
        assert!(resolve("http://localhost/", "https://other.test/").is_ok());
        let long = format!("/{}", "a".repeat(MAX_LENGTH));
        assert_eq!(resolve(base, &long), Err(LocationError::Malformed));
        let url = Url::parse(base).unwrap();
        assert_eq!(resolve_location(&url, None), Err(LocationError::Missing));
    }

    #[test]
    fn the_digest_joins_the_state() {
        let digest = Digest::sha256(b"");
        let text = digest.as_str().replace(':', "%3A");
        for (session, joined) in [
            (
                "https://r.test/u",
                format!("https://r.test/u?digest={text}"),
            ),
            (
                "https://r.test/u?",
                format!("https://r.test/u?digest={text}"),
            ),
            (
                "https://r.test/u?_state=a%2Bb+c==",
                format!("https://r.test/u?_state=a%2Bb+c==&digest={text}"),
            ),
        ] {
            let url = Url::parse(session).unwrap();
            assert_eq!(with_digest(url, &digest).as_str(), joined);
        }
    }

    proptest! {
        #[test]
        fn never_leaves_https(location in "(http|https|//|/|:|@|\\?|#|[a-z.]|\\PC){0,20}") {
            if let Ok(url) = resolve("https://r.test/v2/", &location) {
                prop_assert!(url.starts_with("https://"));
            }
        }
    }
}
