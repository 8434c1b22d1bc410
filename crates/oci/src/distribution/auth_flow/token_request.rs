//! Requests to a token service, in its two dialects.

use url::{Url, form_urlencoded};

use super::credential::{Authorization, Credential};
use crate::distribution::scope::ScopeSet;
use crate::secret::Secret;

/// The name under which this client asks for tokens.
const CLIENT_ID: &str = "eigenpack";

/// The user's name with which an identity token stands as a password: the one under which Docker's credential helpers keep
/// such tokens.
const IDENTITY_TOKEN_USER: &str = "<token>";

/// A request to a token service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A GET, with credentials in the header or without any (distribution's `spec/auth/token.md`).
    Get {
        /// The URL, with service and scopes.
        url: Url,
        /// The credentials, where there are any.
        authorization: Option<Authorization>,
    },
    /// A POST of a form (distribution's `spec/auth/oauth.md`).
    Post {
        /// The URL.
        url: Url,
        /// The form, encoded; it holds the credentials.
        form: Secret<String>,
    },
}

/// How a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Get,
    Post,
}

impl TokenRequest {
    /// Returns where the request goes.
    pub fn url(&self) -> &Url {
        match self {
            Self::Get { url, .. } | Self::Post { url, .. } => url,
        }
    }
}

impl Dialect {
    /// Returns how a token is asked for first: an identity token is made for POST, everything else for GET.
    pub(super) fn of(credential: &Credential) -> Self {
        match credential {
            Credential::IdentityToken(_) => Self::Post,
            _ => Self::Get,
        }
    }

    /// Returns the other dialect, where it can carry the credential.
    pub(super) fn other(self, credential: &Credential) -> Option<Self> {
        match (self, credential) {
            (Self::Post, _) => Some(Self::Get),
            (Self::Get, Credential::Basic { .. }) => Some(Self::Post),
            (Self::Get, _) => None,
        }
    }

    /// Renders the request of a token for `scopes`.
    pub(super) fn request(
        self,
        credential: &Credential,
        url: Url,
        service: Option<&str>,
        scopes: &ScopeSet,
    ) -> TokenRequest {
        match self {
            Self::Get => get(credential, url, service, scopes),
            Self::Post => post(credential, url, service, scopes),
        }
    }
}

fn get(
    credential: &Credential,
    mut url: Url,
    service: Option<&str>,
    scopes: &ScopeSet,
) -> TokenRequest {
    // A realm may have a query of its own; what is asked for joins it. Without anything to join, no `?` is left behind.
    if service.is_some() || !scopes.is_empty() {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(service.map(|service| ("service", service)));
        query.extend_pairs(scopes.iter().map(|scope| ("scope", scope.to_string())));
    }
    let authorization = match credential {
        Credential::Basic { username, password } => Some(Authorization::basic(username, password)),
        Credential::IdentityToken(token) => Some(Authorization::basic(IDENTITY_TOKEN_USER, token)),
        Credential::Anonymous | Credential::RegistryToken(_) => None,
    };
    TokenRequest::Get { url, authorization }
}

fn post(
    credential: &Credential,
    url: Url,
    service: Option<&str>,
    scopes: &ScopeSet,
) -> TokenRequest {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let grant = match credential {
        Credential::Basic { .. } => "password",
        _ => "refresh_token",
    };
    form.append_pair("grant_type", grant)
        .append_pair("service", service.unwrap_or_default())
        .append_pair("client_id", CLIENT_ID)
        .append_pair("scope", &scopes.to_string());
    match credential {
        Credential::Basic { username, password } => {
            form.append_pair("username", username)
                .append_pair("password", password.expose());
        }
        Credential::IdentityToken(token) => {
            form.append_pair("refresh_token", token.expose());
        }
        Credential::Anonymous | Credential::RegistryToken(_) => {}
    }
    TokenRequest::Post {
        url,
        form: Secret::new(form.finish()),
    }
}
