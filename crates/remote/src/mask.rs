//! Keeping what is secret out of what a server said, which is shown: some send back what they were sent.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{RegistryAnswer, Secret};
use url::form_urlencoded::byte_serialize;

/// What stands in the place of a secret.
const MASK: &str = "…";

/// The secrets of one request, in every form in which they are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mask(Vec<Secret<String>>);

impl Mask {
    /// Makes the mask of a request that was sent with this credential and this `Authorization` header, if any.
    pub(crate) fn new(credential: &Credential, header: Option<&str>) -> Self {
        let mut secrets = Vec::new();
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
        let value = header.and_then(|header| header.split_once(' '));
        secrets.extend(value.map(|(_, value)| value.trim_end_matches('=').to_owned()));
        secrets.retain(|secret| !secret.is_empty());
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets {
            forms.push(BASE64_STANDARD_NO_PAD.encode(&secret));
            forms.push(BASE64_URL_SAFE_NO_PAD.encode(&secret));
            forms.push(byte_serialize(secret.as_bytes()).collect());
            forms.push(secret);
        }
        // One may be a part of another.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self(forms.into_iter().map(Secret::new).collect())
    }

    /// Returns a text without the secrets.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), MASK);
            }
        }
        text
    }

    /// Takes the secrets out of what a server said. What it was asked for stays: that is no news to it.
    pub(crate) fn hide_in(&self, answer: &mut RegistryAnswer) {
        let hide_in = |text: &mut String| *text = self.hide(text);
        answer.code.as_mut().map(hide_in);
        answer.message.as_mut().map(hide_in);
        answer.asked.missing_scope.as_mut().map(hide_in);
    }
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
        let mask = Mask::new(&credential, Some("Bearer t0ken"));
        for said in [
            "correct horse: battery",
            "ann:correct horse: battery",
            // Of both with a colon between them, and of the password alone.
            "YW5uOmNvcnJlY3QgaG9yc2U6IGJhdHRlcnk=",
            "Y29ycmVjdCBob3JzZTogYmF0dGVyeQ==",
            "correct+horse%3A+battery",
            "t0ken",
        ] {
            let hidden = mask.hide(&format!("<{said}>"));
            assert!(["<…>", "<…=>", "<…==>"].contains(&&*hidden), "{hidden}");
        }
        assert_eq!(mask.hide("ann is unknown"), "ann is unknown");
        assert_eq!(Mask::new(&Credential::Anonymous, None).hide(""), "");
    }
}
