//! What a credential helper answers.

use eigenpack_oci::Secret;
use eigenpack_oci::distribution::{Credential, without_control_characters};
use serde_json::value::RawValue;

use crate::credentials::file::Fields;

/// The most bytes that are read of a helper's answer, and of what it says besides.
pub const MAX_ANSWER_SIZE: usize = 1024 * 1024;

/// What a helper says when it has nothing (docker-credential-helpers, `credentials/error.go`).
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user name that tells that the secret is an identity token.
pub(super) const TOKEN_USERNAME: &str = "<token>";

/// How much of what a helper says is shown, in characters.
const MAX_SHOWN: usize = 300;

/// A helper's answer to `get`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HelperAnswer {
    /// It has a credential.
    Found(Credential),
    /// It has none.
    NotFound,
    /// It failed, and said this, cleaned and cut.
    Failed(String),
    /// It succeeded, and what it answered is no answer.
    Nonsense(&'static str),
}

impl HelperAnswer {
    /// Reads what a helper wrote to its output before it ended, with success or without.
    ///
    /// Which registry the answer names does not matter: it is used for the one that was asked about and no other. Nothing
    /// of an answer that cannot be read is shown: it may hold a secret.
    pub fn parse(success: bool, stdout: &[u8], stderr: &[u8]) -> Self {
        if success {
            return Self::read(stdout);
        }
        if is_not_found(stdout) {
            return Self::NotFound;
        }
        Self::Failed(said(stdout, stderr))
    }

    fn read(stdout: &[u8]) -> Self {
        if stdout.len() > MAX_ANSWER_SIZE {
            return Self::Nonsense("more than any answer has");
        }
        if stdout.trim_ascii().is_empty() {
            return Self::Nonsense("nothing");
        }
        let fields = serde_json::from_slice::<&RawValue>(stdout).ok();
        let Some(fields) = fields.and_then(Fields::of) else {
            return Self::Nonsense("something that is not a JSON object");
        };
        let text = |name| match fields.get(name) {
            Some(raw) => serde_json::from_str::<String>(raw.get()).ok(),
            None => Some(String::new()),
        };
        let (Some(username), Some(secret)) = (text("Username"), text("Secret")) else {
            return Self::Nonsense("a user name or a secret that is not text");
        };
        match (username.as_str(), secret.as_str()) {
            // Some helpers say so in this way that a registry is none of theirs.
            ("", "") if fields.get("Secret").is_some() => Self::NotFound,
            ("", "") => Self::Nonsense("JSON that holds neither a user name nor a secret"),
            (TOKEN_USERNAME, "") => Self::Nonsense("an empty token"),
            (TOKEN_USERNAME, _) => Self::Found(Credential::IdentityToken(Secret::new(secret))),
            _ => Self::Found(Credential::Basic {
                username,
                password: Secret::new(secret),
            }),
        }
    }
}

/// Tells whether a helper that failed said that it has nothing.
pub(super) fn is_not_found(stdout: &[u8]) -> bool {
    stdout.trim_ascii() == NOT_FOUND.as_bytes()
}

/// Returns what a helper that failed said, fit to be shown: the protocol puts it on the output, many use the error output.
pub(super) fn said(stdout: &[u8], stderr: &[u8]) -> String {
    let text = [stdout, stderr]
        .into_iter()
        .map(<[u8]>::trim_ascii)
        // What looks like the answer of one that succeeded holds a secret.
        .find(|text| !text.is_empty() && !holds_secret(text));
    match text {
        Some(text) => {
            // Far more than is shown, but not all of a megabyte.
            let text = &text[..text.len().min(8 * MAX_SHOWN)];
            let clean = without_control_characters(&String::from_utf8_lossy(text));
            clean.chars().take(MAX_SHOWN).collect()
        }
        None => String::new(),
    }
}

fn holds_secret(text: &[u8]) -> bool {
    text.to_ascii_lowercase()
        .windows(8)
        .any(|window| window == br#""secret""#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn basic(username: &str, password: &str) -> HelperAnswer {
        HelperAnswer::Found(Credential::Basic {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
        })
    }

    #[test]
    fn reads_what_helpers_answer() {
        let token = Credential::IdentityToken(Secret::new("t".to_owned()));
        for (json, answer) in [
            (
                r#"{"ServerURL":"x","Username":"u","Secret":"p"}"#,
                basic("u", "p"),
            ),
            (
                "\n{\"username\":\"u\",\"secret\":\"p\",\"x\":1}\r\n",
                basic("u", "p"),
            ),
            (r#"{"Username":"u"}"#, basic("u", "")),
            (
                r#"{"Username":"<token>","Secret":"t"}"#,
                HelperAnswer::Found(token),
            ),
            (
                r#"{"ServerURL":"x","Username":"","Secret":""}"#,
                HelperAnswer::NotFound,
            ),
        ] {
            assert_eq!(
                HelperAnswer::parse(true, json.as_bytes(), b""),
                answer,
                "{json}"
            );
        }
        for nonsense in [
            "",
            "ok",
            "{}",
            "[]",
            r#"{"Username":1,"Secret":"p"}"#,
            "{\"Username\":",
        ] {
            let answer = HelperAnswer::parse(true, nonsense.as_bytes(), b"");
            assert!(
                matches!(answer, HelperAnswer::Nonsense(_)),
                "{nonsense}: {answer:?}"
            );
        }
    }

    #[test]
    fn only_the_exact_message_means_none() {
        let parse = |stdout: &str, stderr: &str| {
            HelperAnswer::parse(false, stdout.as_bytes(), stderr.as_bytes())
        };
        assert_eq!(
            parse(&format!("{NOT_FOUND}\r\n"), "noise"),
            HelperAnswer::NotFound
        );
        for (stdout, stderr, said) in [
            ("credentials not found", "", "credentials not found"),
            ("", NOT_FOUND, NOT_FOUND),
            ("", "", ""),
            ("locked\u{1b}[2J\n", "", "locked[2J"),
            (r#"{"Secret":"s"}"#, "", ""),
            (&"x".repeat(5000), "", &"x".repeat(300)),
        ] {
            assert_eq!(parse(stdout, stderr), HelperAnswer::Failed(said.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            success in any::<bool>(),
            stdout in prop::collection::vec(any::<u8>(), 0..80),
            stderr in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let _ = HelperAnswer::parse(success, &stdout, &stderr);
        }
    }
}
