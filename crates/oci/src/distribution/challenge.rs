//! Challenges: what a registry demands in `WWW-Authenticate`.

use super::scope::ScopeSet;

/// The most bytes, challenges and parameters that are read.
const MAX_LENGTH: usize = 16 * 1024;
const MAX_CHALLENGES: usize = 16;
const MAX_PARAMETERS: usize = 32;

/// One way in which a registry lets itself be answered (RFC 9110, section 11.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Challenge {
    /// A user name and a password, sent to the registry itself.
    Basic {
        /// What the registry calls itself; to be shown, not to be used.
        realm: Option<String>,
    },
    /// A token, got elsewhere first.
    Bearer(BearerChallenge),
    /// A scheme that is not spoken here.
    Other {
        /// The scheme's name.
        scheme: String,
    },
}

/// A challenge for a bearer token (distribution's `spec/auth/token.md`, RFC 6750 section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BearerChallenge {
    /// The URL of the token service, as it was written.
    pub realm: String,
    /// What the registry is called there.
    pub service: Option<String>,
    /// What the request would have needed.
    pub scopes: ScopeSet,
    /// Why a token that was sent is not accepted, such as `insufficient_scope`.
    pub error: Option<String>,
}

/// Reads all challenges of all `WWW-Authenticate` headers of one answer.
///
/// Lenient where servers are careless (values without quotes, stray commas) and bounded; what cannot be read is skipped. A
/// bearer challenge without a realm cannot be answered and counts as [`Challenge::Other`].
pub fn parse_challenges<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    let mut budget = MAX_LENGTH;
    let mut challenges = Vec::new();
    for header in headers {
        let Some(rest) = budget.checked_sub(header.len()) else {
            break;
        };
        budget = rest;
        let mut cursor = Cursor { rest: header };
        while challenges.len() < MAX_CHALLENGES {
            match cursor.challenge() {
                Some((scheme, parameters)) => challenges.push(interpret(scheme, &parameters)),
                None => break,
            }
        }
    }
    challenges
}

type Parameters = Vec<(String, String)>;

fn interpret(scheme: &str, parameters: &Parameters) -> Challenge {
    // The first of equal names counts, so that nothing can be slipped in behind it.
    let get = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    };
    if scheme.eq_ignore_ascii_case("basic") {
        return Challenge::Basic {
            realm: get("realm"),
        };
    }
    match get("realm") {
        Some(realm) if scheme.eq_ignore_ascii_case("bearer") => {
            Challenge::Bearer(BearerChallenge {
                realm,
                service: get("service"),
                scopes: ScopeSet::parse(&get("scope").unwrap_or_default()),
                error: get("error"),
            })
        }
        _ => Challenge::Other {
            scheme: scheme.to_owned(),
        },
    }
}

/// A place in a header.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// Reads a scheme and its parameters; `None` at the end.
    fn challenge(&mut self) -> Option<(&'a str, Parameters)> {
        let scheme = loop {
            self.skip(|c| c.is_ascii_whitespace() || c == ',');
            let scheme = self.take(is_token);
            if !scheme.is_empty() {
                break scheme;
            }
            // Something that starts nothing: over it, or the end.
            self.rest.chars().next()?;
            self.skip_one();
        };
        let mut parameters = Parameters::new();
        while let Some(parameter) = self.parameter() {
            if parameters.len() < MAX_PARAMETERS {
                parameters.push(parameter);
            }
        }
        Some((scheme, parameters))
    }

    /// Reads `name=value`; where the next name has no `=`, it is the next scheme and stays unread.
    fn parameter(&mut self) -> Option<(String, String)> {
        let start = self.rest;
        self.skip(|c| c.is_ascii_whitespace() || c == ',');
        let name = self.take(is_token);
        self.skip(|c| c.is_ascii_whitespace());
        match self.rest.strip_prefix('=') {
            Some(rest) if !name.is_empty() => {
                self.rest = rest;
                self.skip(|c| c.is_ascii_whitespace());
                Some((name.to_owned(), self.value()))
            }
            _ => {
                self.rest = start;
                None
            }
        }
    }

    /// Reads a quoted string, or without quotes everything up to a comma or white space.
    fn value(&mut self) -> String {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            return self
                .take(|c| !c.is_ascii_whitespace() && c != ',')
                .chars()
                .filter(|c| !c.is_control())
                .collect();
        };
        let mut value = String::new();
        let mut characters = quoted.chars();
        while let Some(mut c) = characters.next() {
            match c {
                '"' => break,
                '\\' => match characters.next() {
                    Some(escaped) => c = escaped,
                    None => break,
                },
                _ => {}
            }
            if !c.is_control() {
                value.push(c);
            }
        }
        self.rest = characters.as_str();
        value
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip(&mut self, unwanted: impl Fn(char) -> bool) {
        self.take(unwanted);
    }

    fn skip_one(&mut self) {
        let mut characters = self.rest.chars();
        characters.next();
        self.rest = characters.as_str();
    }
}

/// Tells whether `c` may be in a token (RFC 9110, section 5.6.2).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bearer(realm: &str, service: Option<&str>, scopes: &str) -> Challenge {
        Challenge::Bearer(BearerChallenge {
            realm: realm.into(),
            service: service.map(Into::into),
            scopes: ScopeSet::parse(scopes),
            error: None,
        })
    }

    fn basic(realm: Option<&str>) -> Challenge {
        Challenge::Basic {
            realm: realm.map(Into::into),
        }
    }

    #[test]
    fn reads_what_registries_send() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:org/a:pull,push""#;
        let realm = "https://auth.docker.io/token";
        assert_eq!(
            parse_challenges([hub]),
            [bearer(
                realm,
                Some("registry.docker.io"),
                "repository:org/a:pull,push"
            )]
        );
        // Several in one header, in several headers, in odd case and spacing.
        assert_eq!(
            parse_challenges([
                r#"bEARER  Realm = "https://a/t" , SCOPE="x:y:z", basic realm="a, \"b\" \\""#,
                "Basic",
                ",, Basic realm=plain",
            ]),
            [
                bearer("https://a/t", None, "x:y:z"),
                basic(Some(r#"a, "b" \"#)),
                basic(None),
                basic(Some("plain")),
            ]
        );
    }

    #[test]
    fn is_lenient_without_quotes() {
        assert_eq!(
            parse_challenges(["Bearer realm=https://a:1/t?x=y,service=b:c/d scope=e:f:g"]),
            [bearer("https://a:1/t?x=y", Some("b:c/d"), "e:f:g")]
        );
    }

    #[test]
    fn keeps_the_error() {
        let header = r#"Bearer realm="https://a",error="insufficient_scope",error="x""#;
        assert!(matches!(
            parse_challenges([header]).as_slice(),
            [Challenge::Bearer(BearerChallenge { error: Some(error), .. })] if error == "insufficient_scope"
        ));
    }

    #[test]
    fn other_schemes_do_not_disturb() {
        assert_eq!(
            parse_challenges([r#"Negotiate YWJj==, Bearer service="x", Digest, Basic realm="y""#]),
            [
                Challenge::Other {
                    scheme: "Negotiate".into()
                },
                Challenge::Other {
                    scheme: "Bearer".into()
                },
                Challenge::Other {
                    scheme: "Digest".into()
                },
                basic(Some("y")),
            ]
        );
    }

    #[test]
    fn is_bounded() {
        assert!(parse_challenges([" ".repeat(MAX_LENGTH + 1).as_str()]).is_empty());
        assert_eq!(
            parse_challenges(["Basic,".repeat(100).as_str()]).len(),
            MAX_CHALLENGES
        );
    }

    fn quoted(text: &str) -> String {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }

    proptest! {
        #[test]
        fn quoting_is_undone(realm in "[^\\pC]{1,30}", service in "[^\\pC]{0,30}") {
            let header = format!("Bearer realm={}, service={}", quoted(&realm), quoted(&service));
            prop_assert_eq!(parse_challenges([header.as_str()]), [bearer(&realm, Some(&service), "")]);
        }

        #[test]
        fn never_panics(header in "(Bearer|Basic|realm|scope|=|,|\"|\\\\| |[a-z:/]|\\PC){0,60}") {
            let _ = parse_challenges([header.as_str()]);
        }
    }
}
