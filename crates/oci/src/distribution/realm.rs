//! Where credentials may go.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::location::{is_downgrade, same_origin};

/// To whom the answer to a challenge would send credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentTo<'a> {
    /// To the registry itself, in the repeated request.
    Registry,
    /// To the token service that the challenge names.
    Realm(&'a Url),
}

/// Why credentials are not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RealmRefusal {
    /// Another server than the registry that the user named asked for them.
    #[error("{asker} asked for credentials that are meant for another host")]
    ForeignChallenge {
        /// Who asked.
        asker: String,
    },
    /// The registry itself is reached in the clear, and nobody said that it may be.
    #[error("{host} is reached over plain http, which was not allowed for it")]
    PlainRegistry {
        /// The registry.
        host: String,
    },
    /// The realm is not an http or https URL with a host.
    #[error("the token service is not named by an http or https URL")]
    NotHttp,
    /// The realm has a user name or a password in it.
    #[error("the URL of the token service {host} has a user name or a password in it")]
    UserInfo {
        /// The realm's host.
        host: String,
    },
    /// The registry is reached securely, its token service would not be.
    #[error("the registry is reached over https, but its token service {host} over plain http")]
    Downgrade {
        /// The realm's host.
        host: String,
    },
    /// The token service is reached in the clear, and nobody said that it may be.
    #[error("the token service {host} is reached over plain http, which was not allowed for it")]
    PlainRealm {
        /// The realm's host.
        host: String,
    },
}

/// Decides whether credentials for `registry`, which the user named, may be sent in answer to a challenge.
///
/// `asked_by` is the URL that answered 401. `plain_http` tells of a host, given with its port where the URL has one, whether
/// the user allowed it to be reached in the clear; loopback hosts may be.
///
/// | the challenge came from | realm | credentials are sent |
/// |---|---|---|
/// | the registry over https | https, any host | yes |
/// | the registry over https | http | no |
/// | the registry over http (loopback or allowed) | https, any host | yes |
/// | the registry over http | http: itself, another port of loopback, or allowed | yes |
/// | the registry over http | http, any other | no |
/// | anyone else | any | no |
pub fn may_send_credentials(
    registry: &Url,
    asked_by: &Url,
    sent_to: SentTo<'_>,
    plain_http: impl Fn(&str) -> bool,
) -> Result<(), RealmRefusal> {
    if !same_origin(registry, asked_by) {
        return Err(RealmRefusal::ForeignChallenge {
            asker: authority(asked_by),
        });
    }
    let allowed_in_the_clear = |url: &Url| is_loopback(url) || plain_http(&authority(url));
    if registry.scheme() != "https" && !allowed_in_the_clear(registry) {
        return Err(RealmRefusal::PlainRegistry {
            host: authority(registry),
        });
    }
    let SentTo::Realm(realm) = sent_to else {
        return Ok(());
    };
    let host = authority(realm);
    if !matches!(realm.scheme(), "http" | "https") || !realm.has_host() {
        return Err(RealmRefusal::NotHttp);
    }
    if !realm.username().is_empty() || realm.password().is_some() {
        return Err(RealmRefusal::UserInfo { host });
    }
    if is_downgrade(registry, realm) {
        return Err(RealmRefusal::Downgrade { host });
    }
    let another_loopback = is_loopback(registry) && is_loopback(realm);
    let safe = realm.scheme() == "https"
        || same_origin(registry, realm)
        || another_loopback
        || plain_http(&host);
    if safe {
        Ok(())
    } else {
        Err(RealmRefusal::PlainRealm { host })
    }
}

/// Returns a URL's host, with its port where that is not the scheme's own.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Tells whether a URL leads to this machine, by its text alone.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A refusal without its texts.
    fn name(result: &Result<(), RealmRefusal>) -> &'static str {
        match result {
            Ok(()) => "sent",
            Err(RealmRefusal::ForeignChallenge { .. }) => "foreign",
            Err(RealmRefusal::PlainRegistry { .. }) => "plain-registry",
            Err(RealmRefusal::NotHttp) => "not-http",
            Err(RealmRefusal::UserInfo { .. }) => "user-info",
            Err(RealmRefusal::Downgrade { .. }) => "downgrade",
            Err(RealmRefusal::PlainRealm { .. }) => "plain-realm",
        }
    }

    /// The registry, who answered 401, where credentials would go (`-`: to the registry), what becomes of them.
    const TABLE: &str = "
        # The registry over https, realm over https on any host.
        https://r.test         https://r.test/v2/         https://r.test/t            sent
        https://r.test         https://r.test:443/v2/     https://auth.other.test/t   sent
        # The registry over https, realm over http.
        https://r.test         https://r.test/v2/         http://r.test/t             downgrade
        https://r.test         https://r.test/v2/         http://localhost/t          downgrade
        https://localhost      https://localhost/         http://localhost/t          downgrade
        https://r.test         https://r.test/v2/         http://named.test/t         downgrade
        # The registry over http, realm over https on any host.
        http://localhost:5000  http://localhost:5000/v2/  https://a.test/t            sent
        http://named.test      http://named.test/v2/      https://a.test/t            sent
        http://r.test          http://r.test/v2/          https://a.test/t            plain-registry
        # The registry over http, realm over http: itself, another port of loopback, or named.
        http://named.test      http://named.test/v2/      http://named.test/t         sent
        http://127.0.0.1:5000  http://127.0.0.1:5000/     http://localhost:5001/t     sent
        http://[::1]:5000      http://[::1]:5000/         http://127.9.9.9/t          sent
        http://localhost:5000  http://localhost:5000/     http://named.test/t         sent
        # The registry over http, realm over any other http.
        http://localhost:5000  http://localhost:5000/     http://a.test/t             plain-realm
        http://named.test      http://named.test/         http://localhost/t          plain-realm
        http://named.test      http://named.test/         http://named.test:81/t      plain-realm
        http://localhost       http://localhost/          http://localhost.evil.test/ plain-realm
        http://localhost       http://localhost/          http://169.254.169.254/t    plain-realm
        # Anyone else asks.
        https://r.test         https://cdn.test/b         https://r.test/t            foreign
        https://r.test         https://r.test:8443/b      https://r.test/t            foreign
        https://r.test         http://r.test/b            https://r.test/t            foreign
        http://localhost:1     http://localhost:2/        http://localhost:1/t        foreign
        # Realms that are no realms.
        https://r.test         https://r.test/            https://user@r.test/t       user-info
        https://r.test         https://r.test/            https://:pw@r.test/t        user-info
        https://r.test         https://r.test/            file:///etc/passwd          not-http
        https://r.test         https://r.test/            ftp://r.test/t              not-http
        # A password, which goes to the registry itself.
        https://r.test         https://r.test/v2/         -                           sent
        http://127.0.0.1:5000  http://127.0.0.1:5000/v2/  -                           sent
        http://r.test          http://r.test/v2/          -                           plain-registry
        https://r.test         https://cdn.test/          -                           foreign
    ";

    #[test]
    fn follows_the_table_row_by_row() {
        let rows = TABLE.lines().map(str::trim);
        for row in rows.filter(|row| !row.is_empty() && !row.starts_with('#')) {
            let cells: Vec<_> = row.split_whitespace().collect();
            let [registry, asked_by, realm, outcome] = cells[..] else {
                panic!("{row}")
            };
            let url = |text: &str| Url::parse(text).unwrap();
            let realm = (realm != "-").then(|| url(realm));
            let sent_to = realm.as_ref().map_or(SentTo::Registry, SentTo::Realm);
            let result = may_send_credentials(&url(registry), &url(asked_by), sent_to, |host| {
                host == "named.test"
            });
            assert_eq!(name(&result), outcome, "{row}");
        }
    }
}
