use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::HTPASSWD;
use super::certificates::Certificates;
use super::jwt::TokenKey;
use super::token_server::{ISSUER, SERVICE, TokenRules, TokenServer};
use crate::registry::Registry;

/// Whether a registry, and its token server, speak TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Http,
    Tls,
}

/// Debian's registry, which lets in one account.
pub(crate) struct Guarded {
    pub(crate) registry: Registry,
    tokens: Option<TokenServer>,
    certificates: Option<Certificates>,
    _folder: TempDir,
}

impl Guarded {
    /// Starts one with an htpasswd file.
    pub(crate) fn by_password(over: Over) -> Self {
        Self::start(over, |folder, _| {
            let file = folder.join("users");
            fs::write(&file, HTPASSWD).unwrap();
            let auth = json!({ "htpasswd": { "realm": "Debian", "path": file } });
            (auth, None)
        })
    }

    /// Starts one with a token server.
    pub(crate) fn by_token(over: Over, rules: TokenRules) -> Self {
        Self::start(over, |folder, certificates| {
            let key = TokenKey::new();
            let bundle = folder.join("tokens.pem");
            fs::write(&bundle, key.certificate()).unwrap();
            let tls = certificates.map(Certificates::server_config);
            let tokens = TokenServer::start(key, rules, tls);
            let auth = json!({ "token": {
                "realm": tokens.realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": bundle,
            } });
            (auth, Some(tokens))
        })
    }

    fn start(
        over: Over,
        auth: impl FnOnce(&Path, Option<&Certificates>) -> (Value, Option<TokenServer>),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = (over == Over::Tls).then(|| Certificates::write(folder.path()));
        let (auth, tokens) = auth(folder.path(), certificates.as_ref());
        let tls = certificates.as_ref().map_or(
            Value::Null,
            |files| json!({ "certificate": files.certificate, "key": files.key }),
        );
        Self {
            registry: Registry::docker_with(&auth, &tls),
            tokens,
            certificates,
            _folder: folder,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.registry.address()
    }

    pub(crate) fn reference(&self, rest: &str) -> String {
        self.registry.reference(rest)
    }

    #[track_caller]
    pub(crate) fn tokens(&self) -> &TokenServer {
        self.tokens.as_ref().unwrap()
    }

    pub(crate) fn has_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Returns the authority of its certificate.
    pub(crate) fn authority(&self) -> Option<&str> {
        self.certificates.as_ref()?.authority.to_str()
    }

    /// Returns the flags with which we reach it.
    pub(crate) fn flags(&self) -> Vec<&str> {
        let authority = self.authority();
        authority.map_or_else(Vec::new, |file| vec!["--ca-file", file])
    }
}
