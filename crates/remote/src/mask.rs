//! Keeping what is secret out of what a server said, which is shown: some send back what they were sent.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use eigenpack_oci::Secret;
use eigenpack_oci::distribution::{Credential, ErrorCode, ErrorResponse, MAX_MESSAGE};
use url::Url;
use url::form_urlencoded::byte_serialize;

/// What stands in the place of a secret.
const MASK: &str = "…";

/// The secrets of one request, in every form in which they are sent.
///
/// What a server says becomes text that is shown or logged only through this: the words of its errors and warnings, and the
/// URLs that it leads to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mask(Arc<[Secret<String>]>);

impl Mask {
    /// Makes the mask of whoever has these credentials and has sent these `Authorization` headers.
    pub(crate) fn new<'a>(
        credentials: impl IntoIterator<Item = Credential>,
        headers: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut secrets = Vec::new();
        for credential in credentials {
            match credential {
                Credential::Anonymous => {}
                Credential::Basic { username, password } => {
                    let password = password.expose();
                    secrets.push(password.clone());
                    secrets.push(format!("{username}:{password}"));
                }
                Credential::IdentityToken(token) | Credential::RegistryToken(token) => {
                    secrets.push(token.expose().clone());
                }
            }
        }
        let values = headers.into_iter().filter_map(|it| it.split_once(' '));
        secrets.extend(values.map(|(_, value)| value.trim_end_matches('=').to_owned()));
        secrets.retain(|secret| !secret.is_empty());
        let mut forms: Vec<String> = secrets.into_iter().flat_map(forms).collect();
        // One may be a part of another.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self(forms.into_iter().map(Secret::new).collect())
    }

    /// Returns a text without the secrets.
    pub(crate) fn hide(&self, text: &str) -> String {
        let was_cut = text.chars().count() >= MAX_MESSAGE;
        let mut text = text.to_owned();
        for secret in self.0.iter() {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), MASK);
            }
        }
        if was_cut {
            self.hide_start_at_end(&mut text);
        }
        text
    }

    /// Returns the path of a URL as it may be shown: what a user asked for as it is, for that is no news to anybody; what a
    /// server led to without the secrets. The query is left out: it may hold an upload's state or a storage's signature.
    pub(crate) fn path(&self, url: &Url, is_led: bool) -> String {
        if is_led {
            self.hide(url.path())
        } else {
            url.path().to_owned()
        }
    }

    /// Takes out the start of a secret at the end of a text, where the text was cut in the middle of it.
    fn hide_start_at_end(&self, text: &mut String) {
        let longest = |secret: &Secret<String>| {
            let secret = secret.expose();
            let starts = secret.char_indices().map(|(at, c)| at + c.len_utf8());
            starts
                .take_while(|length| *length <= text.len())
                .filter(|length| text.ends_with(&secret[..*length]))
                .last()
        };
        if let Some(length) = self.0.iter().filter_map(longest).max() {
            text.truncate(text.len() - length);
            text.push_str(MASK);
        }
    }

    /// Reads the errors of an answer, without the secrets.
    pub(crate) fn errors(&self, body: &[u8]) -> ErrorResponse {
        let mut response = ErrorResponse::parse(body);
        for error in &mut response.errors {
            if let Some(ErrorCode::Other(text)) = &mut error.code {
                *text = self.hide(text).into();
            }
            if let Some(text) = &mut error.message {
                *text = self.hide(text);
            }
        }
        response
    }
}

/// Returns the forms in which a secret comes back.
fn forms(secret: String) -> impl Iterator<Item = String> {
    let form: String = byte_serialize(secret.as_bytes()).collect();
    // As a part of a URL that was read.
    let path = Url::parse("http://host/").map(|mut url| {
        url.set_path(&secret);
        url.path()[1..].to_owned()
    });
    let forms = [
        BASE64_STANDARD_NO_PAD.encode(&secret),
        BASE64_URL_SAFE_NO_PAD.encode(&secret),
        form.replace('+', "%20"),
        form,
        secret,
    ];
    // The name of a host has no capital letters.
    let both = |form: String| [form.to_ascii_lowercase(), form];
    let forms = forms.into_iter().chain(path.ok()).flat_map(both);
    forms.filter(|form| !form.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_hidden() {
        let credential = Credential::Basic {
            username: "ann".into(),
            password: Secret::new("correct horse: battery".into()),
        };
        let mask = Mask::new([credential], ["Bearer t0ken"]);
        for said in [
            "correct horse: battery",
            "ann:correct horse: battery",
            // Of both with a colon between them, and of the password alone.
            "YW5uOmNvcnJlY3QgaG9yc2U6IGJhdHRlcnk=",
            "Y29ycmVjdCBob3JzZTogYmF0dGVyeQ==",
            "correct+horse%3A+battery",
            "correct%20horse%3A%20battery",
            "correct%20horse:%20battery",
            "t0ken",
        ] {
            let hidden = mask.hide(&format!("<{said}>"));
            assert!(["<…>", "<…=>", "<…==>"].contains(&&*hidden), "{hidden}");
        }
        assert_eq!(mask.hide("ann is unknown"), "ann is unknown");
        assert_eq!(Mask::new([Credential::Anonymous], []).hide(""), "");
    }

    #[test]
    fn a_host_has_no_capital_letters() {
        let mask = Mask::new([], ["Bearer T0kenOfAnn"]);
        assert_eq!(mask.hide("t0kenofann.example.com"), "….example.com");
    }

    #[test]
    fn a_secret_that_was_cut_is_hidden_too() {
        let token = "abcdefgh".repeat(200);
        let mask = Mask::new([], [&*format!("Bearer {token}")]);
        let said = mask.errors(format!("you sent {token}").as_bytes());
        let message = said.errors[0].message.as_deref();
        assert_eq!(message, Some("you sent …"));
        // What was not cut may end like a secret begins.
        assert_eq!(mask.hide("a b c a"), "a b c a");
    }
}
