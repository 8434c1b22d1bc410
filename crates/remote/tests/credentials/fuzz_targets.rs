//! The fuzz targets on input of our own: likely input with random damage.

use proptest::prelude::*;

use damaged::damaged;

#[path = "../../../../fuzz/damaged.rs"]
pub mod damaged;
#[expect(clippy::missing_panics_doc, reason = "to panic is what they are for")]
#[path = "../../../../fuzz/src/credentials.rs"]
pub mod targets;

const CHALLENGES: [&str; 3] = [
    r#"Bearer realm="https://auth.example/token",service="a",scope="repository:a/b:pull,push""#,
    "Basic realm=\"a \\\" b\", Bearer realm=x, scope=\"a\"\nNegotiate abc==",
    ", ,Bearer  realm = \"https://a\" ,error=insufficient_scope",
];
const FILES: [&str; 3] = [
    r#"{"auths":{"a.example":{"auth":"dTpw"},"https://index.docker.io/v1/":{"identitytoken":"t"}}}"#,
    r#"{"credHelpers":{"a.example":"ecr-login","docker.io":""},"credsStore":"desktop","auths":{"a.example":{}}}"#,
    r#"{"auths":{"a.example/a/b":{"auth":"dTpw"},"localhost:5000/a":{"username":"u","password":"p"}}}"#,
];
const ANSWERS: [&str; 3] = [
    r#"0{"ServerURL":"a.example","Username":"<token>","Secret":"t"}"#,
    "1credentials not found in native keychain\n",
    "1error: \u{1b}[31mthe keychain is locked\r\n",
];
const TOKENS: [&str; 2] = [
    r#"{"token":"a.b.c","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}"#,
    r#"{"access_token":"t","refresh_token":"r","expires_in":1e9}"#,
];

proptest! {
    #[test]
    fn challenge(bytes in damaged(&CHALLENGES)) {
        targets::challenge(&bytes);
    }

    #[test]
    fn config_json(bytes in damaged(&FILES)) {
        targets::config_json(&bytes);
    }

    #[test]
    fn auth_json(bytes in damaged(&FILES)) {
        targets::auth_json(&bytes);
    }

    #[test]
    fn helper_answer(bytes in damaged(&ANSWERS)) {
        targets::helper_answer(&bytes);
    }

    #[test]
    fn token_answer(bytes in damaged(&TOKENS)) {
        targets::token_answer(&bytes);
    }
}
