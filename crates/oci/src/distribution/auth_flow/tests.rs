use super::*;
use crate::distribution::parse_challenges;
use crate::secret::Secret;

const ASKED: &str = "https://r.test/v2/a/manifests/x";
const BEARER: &str =
    r#"Bearer realm="https://auth.test/token?x=y",service="r.test",scope="repository:a:pull""#;

fn flow(credential: Credential) -> AuthFlow {
    let registry = Url::parse("https://r.test/").unwrap();
    AuthFlow::new(
        registry,
        credential,
        ScopeSet::parse("repository:a:pull,push"),
    )
}

fn password() -> Credential {
    Credential::Basic {
        username: "me".into(),
        password: Secret::new("pw".into()),
    }
}

fn refuse(flow: &mut AuthFlow, status: u16, url: &str, challenge: &str) -> AuthStep {
    flow.refused(
        status,
        &Url::parse(url).unwrap(),
        &parse_challenges([challenge]),
    )
}

fn header(step: &AuthStep) -> &str {
    match step {
        AuthStep::Retry(authorization) => authorization.header_value(),
        other => panic!("{other:?}"),
    }
}

fn token_request(step: AuthStep) -> TokenRequest {
    match step {
        AuthStep::RequestToken(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn anonymous_gets_the_token_that_everybody_gets() {
    let mut flow = flow(Credential::Anonymous);
    let request = token_request(refuse(&mut flow, 401, ASKED, BEARER));
    let TokenRequest::Get { url, authorization } = request else {
        panic!("{request:?}")
    };
    assert_eq!(
        url.as_str(),
        "https://auth.test/token?x=y&service=r.test&scope=repository%3Aa%3Apull%2Cpush"
    );
    assert_eq!(authorization, None);
    let retry = flow.token_answered(200, br#"{"token":"t"}"#);
    assert_eq!(header(&retry), "Bearer t");
    assert_eq!(flow.token().unwrap().token.expose(), "t");
    // Refused again with the same demand: it is over.
    assert_eq!(
        refuse(&mut flow, 401, ASKED, BEARER),
        AuthStep::GiveUp(AuthFailure::CredentialsRequired)
    );
}

#[test]
fn a_password_is_sent_to_the_token_service_or_to_the_registry() {
    let mut by_token = flow(password());
    let request = token_request(refuse(&mut by_token, 401, ASKED, BEARER));
    assert!(matches!(
        request,
        TokenRequest::Get { authorization: Some(a), .. } if a.header_value() == "Basic bWU6cHc="
    ));
    let mut directly = flow(password());
    let step = refuse(&mut directly, 401, ASKED, "Basic realm=x");
    assert_eq!(header(&step), "Basic bWU6cHc=");
    assert_eq!(
        refuse(&mut directly, 401, ASKED, "Basic realm=x"),
        AuthStep::GiveUp(AuthFailure::CredentialsRejected)
    );
    // Where both are offered, the password goes to the token service, once.
    let both = format!("Basic realm=x, {BEARER}");
    token_request(refuse(&mut flow(password()), 401, ASKED, &both));
}

#[test]
fn an_identity_token_is_posted() {
    let mut flow = flow(Credential::IdentityToken(Secret::new("i&d".into())));
    let request = token_request(refuse(&mut flow, 401, ASKED, BEARER));
    let TokenRequest::Post { url, form } = request else {
        panic!("{request:?}")
    };
    assert_eq!(url.as_str(), "https://auth.test/token?x=y");
    assert_eq!(
        form.expose(),
        "grant_type=refresh_token&service=r.test&client_id=eigenpack&scope=repository%3Aa%3Apull%2Cpush&refresh_token=i%26d"
    );
    let failed = flow.token_answered(401, b"");
    assert_eq!(failed, AuthStep::GiveUp(AuthFailure::CredentialsRejected));
}

#[test]
fn a_registry_token_is_sent_as_it_is() {
    let mut flow = flow(Credential::RegistryToken(Secret::new("r".into())));
    assert_eq!(header(&refuse(&mut flow, 401, ASKED, BEARER)), "Bearer r");
    assert_eq!(
        refuse(&mut flow, 401, ASKED, BEARER),
        AuthStep::GiveUp(AuthFailure::CredentialsRejected)
    );
}

#[test]
fn a_scope_that_did_not_suffice_is_widened_once() {
    let wider = r#"Bearer realm="https://auth.test/token",scope="repository:a:delete",error="insufficient_scope""#;
    let widest = wider.replace("delete", "admin");
    let mut flow = flow(password());
    token_request(refuse(&mut flow, 401, ASKED, BEARER));
    flow.token_answered(200, br#"{"token":"t"}"#);
    token_request(refuse(&mut flow, 401, ASKED, wider));
    assert_eq!(flow.scopes().to_string(), "repository:a:delete,pull,push");
    let step = flow.token_answered(200, br#"{"token":"u"}"#);
    assert_eq!(header(&step), "Bearer u");
    assert_eq!(
        refuse(&mut flow, 401, ASKED, &widest),
        lacks("repository:a:admin")
    );
}

fn lacks(scopes: &str) -> AuthStep {
    let missing = ScopeSet::parse(scopes);
    AuthStep::GiveUp(AuthFailure::TokenTooNarrow { missing })
}

#[test]
fn a_token_that_was_given_and_is_refused_lacks_what_is_demanded() {
    let refused_with = |credential, error: &str| {
        let mut flow = flow(credential);
        token_request(refuse(&mut flow, 401, ASKED, BEARER));
        flow.token_answered(200, br#"{"token":"t"}"#);
        refuse(&mut flow, 401, ASKED, &format!("{BEARER}{error}"))
    };
    let narrow = r#",error="insufficient_scope""#;
    assert_eq!(refused_with(password(), narrow), lacks("repository:a:pull"));
    assert_eq!(refused_with(password(), ""), lacks("repository:a:pull"));
    for (credential, error, failure) in [
        (
            password(),
            r#",error="invalid_token""#,
            AuthFailure::CredentialsRejected,
        ),
        (
            Credential::Anonymous,
            narrow,
            AuthFailure::CredentialsRequired,
        ),
        (Credential::Anonymous, "", AuthFailure::CredentialsRequired),
    ] {
        assert_eq!(refused_with(credential, error), AuthStep::GiveUp(failure));
    }
    let mut flow = flow(Credential::RegistryToken(Secret::new("r".into())));
    refuse(&mut flow, 401, ASKED, BEARER);
    let again = format!("{BEARER}{narrow}");
    assert_eq!(
        refuse(&mut flow, 401, ASKED, &again),
        lacks("repository:a:pull")
    );
}

#[test]
fn a_service_that_knows_one_dialect_is_asked_in_it() {
    let unsupported = r#"{"error":"unsupported_grant_type"}"#;
    for (status, body) in [(404, ""), (405, ""), (400, unsupported)] {
        let mut by_token = flow(Credential::IdentityToken(Secret::new("i".into())));
        token_request(refuse(&mut by_token, 401, ASKED, BEARER));
        let get = token_request(by_token.token_answered(status, body.as_bytes()));
        assert!(matches!(
            &get,
            TokenRequest::Get { authorization: Some(a), .. } if a.header_value() == "Basic PHRva2VuPjpp"
        ));
        assert_eq!(
            get.url().as_str(),
            "https://auth.test/token?x=y&service=r.test&scope=repository%3Aa%3Apull%2Cpush"
        );
        assert_eq!(
            header(&by_token.token_answered(200, br#"{"token":"t"}"#)),
            "Bearer t"
        );

        let mut by_password = flow(password());
        token_request(refuse(&mut by_password, 401, ASKED, BEARER));
        let post = token_request(by_password.token_answered(status, body.as_bytes()));
        let TokenRequest::Post { form, .. } = post else {
            panic!("{post:?}")
        };
        assert_eq!(
            form.expose(),
            "grant_type=password&service=r.test&client_id=eigenpack&scope=repository%3Aa%3Apull%2Cpush&username=me&password=pw"
        );
        // Each dialect is tried once.
        assert_eq!(
            by_password.token_answered(status, body.as_bytes()),
            AuthStep::GiveUp(AuthFailure::TokenService {
                host: "auth.test".into(),
                status
            })
        );
    }
    let mut anonymous = flow(Credential::Anonymous);
    token_request(refuse(&mut anonymous, 401, ASKED, BEARER));
    assert!(matches!(
        anonymous.token_answered(404, b""),
        AuthStep::GiveUp(_)
    ));
}

#[test]
fn a_new_identity_token_replaces_the_old_one() {
    let mut flow = flow(Credential::IdentityToken(Secret::new("old".into())));
    token_request(refuse(&mut flow, 401, ASKED, BEARER));
    flow.token_answered(200, br#"{"access_token":"t","refresh_token":"new"}"#);
    assert_eq!(
        flow.credential(),
        &Credential::IdentityToken(Secret::new("new".into()))
    );
    let mut flow = self::flow(password());
    token_request(refuse(&mut flow, 401, ASKED, BEARER));
    flow.token_answered(200, br#"{"access_token":"t","refresh_token":"new"}"#);
    assert_eq!(flow.credential(), &password());
}

#[test]
fn gives_up_and_says_why() {
    use AuthFailure as F;
    let give_up = |credential, status, url, challenge| match refuse(
        &mut flow(credential),
        status,
        url,
        challenge,
    ) {
        AuthStep::GiveUp(failure) => failure,
        other => panic!("{other:?}"),
    };
    assert_eq!(give_up(password(), 403, ASKED, BEARER), F::Denied);
    assert_eq!(give_up(password(), 401, ASKED, ""), F::NoKnownChallenge);
    assert_eq!(
        give_up(password(), 401, ASKED, "Negotiate"),
        F::NoKnownChallenge
    );
    let anonymous = give_up(Credential::Anonymous, 401, ASKED, "Basic");
    assert_eq!(anonymous, F::CredentialsRequired);
    let token = Credential::IdentityToken(Secret::new("i".into()));
    assert_eq!(give_up(token, 401, ASKED, "Basic"), F::CredentialsRejected);
    assert!(matches!(
        give_up(password(), 401, "https://cdn.test/", BEARER),
        F::Refused(RealmRefusal::ForeignChallenge { .. })
    ));
    assert!(matches!(
        give_up(password(), 401, ASKED, r#"Bearer realm="http://auth.test""#),
        F::Refused(RealmRefusal::Downgrade { .. })
    ));
    assert!(matches!(
        give_up(password(), 401, ASKED, r#"Bearer realm="/token""#),
        F::Refused(RealmRefusal::NotHttp)
    ));
}

#[test]
fn a_token_service_that_fails_is_named() {
    for (status, body, failure) in [
        (
            500,
            "",
            AuthFailure::TokenService {
                host: "auth.test".into(),
                status: 500,
            },
        ),
        (
            200,
            "{}",
            AuthFailure::Token {
                host: "auth.test".into(),
                error: TokenError::Missing,
            },
        ),
        (403, "", AuthFailure::CredentialsRejected),
        (
            400,
            r#"{"error":"invalid_grant"}"#,
            AuthFailure::CredentialsRejected,
        ),
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            AuthFailure::TokenService {
                host: "auth.test".into(),
                status: 400,
            },
        ),
        (
            302,
            "",
            AuthFailure::TokenService {
                host: "auth.test".into(),
                status: 302,
            },
        ),
    ] {
        let mut flow = flow(password());
        token_request(refuse(&mut flow, 401, ASKED, BEARER));
        assert_eq!(
            flow.token_answered(status, body.as_bytes()),
            AuthStep::GiveUp(failure)
        );
    }
}

#[test]
fn nothing_secret_is_shown() {
    let mut flow = flow(password());
    let step = refuse(&mut flow, 401, ASKED, BEARER);
    flow.token_answered(200, br#"{"token":"hunter2"}"#);
    let shown = format!("{flow:?} {step:?}");
    for secret in ["pw", "bWU6cHc=", "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
