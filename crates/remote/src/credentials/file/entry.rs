//! One entry of `auths`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use eigenpack_oci::Secret;
use eigenpack_oci::distribution::Credential;
use serde_json::value::RawValue;

use super::fields::Fields;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with an entry. Nothing of what it holds is said: it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryProblem {
    /// It should be an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// One of its fields should be text.
    #[error("`{0}` is not text")]
    NotText(&'static str),
    /// `auth` cannot be decoded.
    #[error("`auth` is not base64")]
    NotBase64,
    /// `auth` is decoded to something else than a name and a password.
    #[error("`auth` is not the base64 of USERNAME:PASSWORD")]
    NotAPair,
    /// A token holds characters that no header can.
    #[error("`registrytoken` holds characters that cannot be sent")]
    Unsendable,
    /// What it says is the name of a credential helper cannot be one.
    #[error(
        "this is not the name of a credential helper, which is made of letters, digits, '.', '_' and '-': {0:?}"
    )]
    HelperName(String),
}

/// Reads an entry as Docker does: a registry token counts before an identity token, that before a password, and `auth`
/// before `username` and `password`. An entry without any of them, `{}`, only says that a helper has it.
pub(super) fn read(raw: &RawValue) -> Result<Option<Credential>, EntryProblem> {
    let fields = Fields::of(raw).ok_or(EntryProblem::NotAnObject)?;
    if let Some(token) = text(&fields, "registrytoken")? {
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EntryProblem::Unsendable);
        }
        return Ok(Some(Credential::RegistryToken(Secret::new(token))));
    }
    if let Some(token) = text(&fields, "identitytoken")? {
        return Ok(Some(Credential::IdentityToken(Secret::new(token))));
    }
    if let Some(auth) = text(&fields, "auth")? {
        return decode(&auth).map(Some);
    }
    let username = text(&fields, "username")?;
    let password = text(&fields, "password")?;
    Ok(username.map(|username| Credential::Basic {
        username,
        password: Secret::new(password.unwrap_or_default()),
    }))
}

/// Returns only an entry's registry token, which Docker uses although a helper has the rest.
pub(super) fn registry_token(raw: &RawValue) -> Option<Credential> {
    read(raw)
        .ok()
        .flatten()
        .filter(|credential| matches!(credential, Credential::RegistryToken(_)))
}

/// Reads a field of text; an empty one is nothing.
fn text(fields: &Fields, name: &'static str) -> Result<Option<String>, EntryProblem> {
    let Some(raw) = fields.get(name) else {
        return Ok(None);
    };
    let text: String = serde_json::from_str(raw.get()).map_err(|_| EntryProblem::NotText(name))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn decode(auth: &str) -> Result<Credential, EntryProblem> {
    // Some tools break long lines.
    let encoded = auth.replace(['\r', '\n'], "");
    let decoded = BASE64
        .decode(encoded)
        .map_err(|_| EntryProblem::NotBase64)?;
    let pair = String::from_utf8(decoded).map_err(|_| EntryProblem::NotAPair)?;
    match pair.split_once(':') {
        Some((username, password)) if !username.is_empty() => Ok(Credential::Basic {
            username: username.to_owned(),
            // Old versions of Docker padded with NUL.
            password: Secret::new(password.trim_matches('\0').to_owned()),
        }),
        _ => Err(EntryProblem::NotAPair),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;

    fn read(json: &str) -> Result<Option<Credential>, EntryProblem> {
        super::read(serde_json::from_str(json).unwrap())
    }

    fn basic(username: &str, password: &str) -> Credential {
        Credential::Basic {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
        }
    }

    fn auth(pair: &str) -> String {
        format!(r#"{{"auth":"{}"}}"#, BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn a_password_starts_at_the_first_colon_and_has_no_padding() {
        assert_eq!(read(&auth("u:p:q")), Ok(Some(basic("u", "p:q"))));
        assert_eq!(read(&auth("u:p\0\0")), Ok(Some(basic("u", "p"))));
        assert_eq!(read(&auth("u:")), Ok(Some(basic("u", ""))));
        assert_eq!(read(r#"{"auth":"dTpw\nZA"}"#), Ok(Some(basic("u", "pd"))));
    }

    #[test]
    fn the_strongest_of_several_counts() {
        let token = |text: &str| Secret::new(text.to_owned());
        for (json, credential) in [
            (r#"{"username":"u","password":"p"}"#, basic("u", "p")),
            (
                r#"{"username":"x","password":"y","auth":"dTpw"}"#,
                basic("u", "p"),
            ),
            (r#"{"username":"u","auth":null}"#, basic("u", "")),
            (
                r#"{"auth":"dTpw","IdentityToken":"i"}"#,
                Credential::IdentityToken(token("i")),
            ),
            (
                r#"{"identitytoken":"i","registrytoken":"r"}"#,
                Credential::RegistryToken(token("r")),
            ),
        ] {
            assert_eq!(read(json), Ok(Some(credential)), "{json}");
        }
        for marker in ["{}", "null", r#"{"auth":""}"#, r#"{"email":"a@b.example"}"#] {
            assert_eq!(read(marker), Ok(None), "{marker}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (json, problem) in [
            ("[]", EntryProblem::NotAnObject),
            (r#"{"auth":5}"#, EntryProblem::NotText("auth")),
            (r#"{"auth":"???"}"#, EntryProblem::NotBase64),
            (&auth("user"), EntryProblem::NotAPair),
            (&auth(":password"), EntryProblem::NotAPair),
            (r#"{"auth":"/zo="}"#, EntryProblem::NotAPair),
            (r#"{"registrytoken":"a\r\nX: y"}"#, EntryProblem::Unsendable),
        ] {
            assert_eq!(read(json), Err(problem), "{json}");
        }
    }
}
