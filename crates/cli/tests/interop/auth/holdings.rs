use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::token_server::{By, TokenRequest};
use super::{IDENTITY, PASSWORD, USER};
use crate::sandbox::Sandbox;

/// Where a user has credentials.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holding {
    /// In `auths` of Docker's `config.json`.
    Auths,
    /// In a helper for this registry.
    CredHelper,
    /// In the helper of all registries.
    CredsStore,
    /// An identity token in `config.json`, as `docker login` leaves it.
    IdentityToken,
    /// An identity token in a helper, as `docker login` leaves it there.
    IdentityTokenInHelper,
    /// A password that is given with each command, on its standard input.
    PasswordStdin,
    /// An identity token that is given likewise.
    TokenStdin,
}

/// The helper, which is on the `PATH` as `docker-credential-test`: it keeps one entry in a file beside it, and a record of
/// what it was asked.
const HELPER: &str = r#"#!/bin/sh
entry=${0%/*}/entry
case $1 in
store)
  cat >"$entry"
  echo store >>"${0%/*}/asked"
  exit
  ;;
esac
read -r server
echo "$1 $server" >>"${0%/*}/asked"
if ! grep -qF "\"$server\"" "$entry" 2>/dev/null; then
  echo 'credentials not found in native keychain'
  exit 1
fi
case $1 in
get) cat "$entry" ;;
erase) rm "$entry" ;;
esac
"#;

impl Holding {
    /// Gives a user the credentials of the account at a registry.
    pub(crate) fn give(self, user: &Sandbox, registry: &str) {
        let config = match self {
            Self::Auths => json!({ "auths": { registry: { "auth": basic(USER, PASSWORD) } } }),
            Self::CredHelper => json!({ "credHelpers": { registry: "test" } }),
            Self::CredsStore | Self::IdentityTokenInHelper => json!({ "credsStore": "test" }),
            Self::IdentityToken => {
                let entry = json!({ "auth": basic(USER, ""), "identitytoken": IDENTITY });
                json!({ "auths": { registry: entry } })
            }
            Self::PasswordStdin | Self::TokenStdin => return,
        };
        write_docker_config(user, &config);
        match self {
            Self::CredHelper | Self::CredsStore => fill_helper(user, registry, USER, PASSWORD),
            Self::IdentityTokenInHelper => fill_helper(user, registry, "<token>", IDENTITY),
            _ => {}
        }
    }

    /// Returns the flags of each command, and its standard input.
    pub(crate) fn given(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::PasswordStdin => (&["--username", USER, "--password-stdin"], PASSWORD),
            Self::TokenStdin => (&["--token-stdin"], IDENTITY),
            _ => (&[], ""),
        }
    }

    fn is_token(self) -> bool {
        matches!(
            self,
            Self::IdentityToken | Self::IdentityTokenInHelper | Self::TokenStdin
        )
    }

    /// Returns how a token for these scopes is asked for with them.
    pub(crate) fn token_request(self, scopes: &[&str]) -> TokenRequest {
        let (method, by) = if self.is_token() {
            ("POST", By::IdentityToken)
        } else {
            ("GET", By::Password)
        };
        TokenRequest {
            method: method.to_owned(),
            by: Some(by),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }

    pub(crate) fn is_in_helper(self) -> bool {
        matches!(
            self,
            Self::CredHelper | Self::CredsStore | Self::IdentityTokenInHelper
        )
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    BASE64_STANDARD.encode(format!("{user}:{password}"))
}

pub(crate) fn docker_config(user: &Sandbox) -> PathBuf {
    user.folder("home").join(".docker/config.json")
}

pub(crate) fn write_docker_config(user: &Sandbox, config: &Value) {
    let file = docker_config(user);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, config.to_string()).unwrap();
}

/// Installs the helper, with nothing in it.
pub(crate) fn install_helper(user: &Sandbox) {
    let file = user.folder("bin").join("docker-credential-test");
    fs::write(&file, HELPER).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
}

/// Returns the file in which the helper keeps its entry.
pub(crate) fn helper_entry(user: &Sandbox) -> PathBuf {
    user.folder("bin").join("entry")
}

fn fill_helper(user: &Sandbox, registry: &str, name: &str, secret: &str) {
    install_helper(user);
    let entry = json!({ "ServerURL": registry, "Username": name, "Secret": secret });
    fs::write(helper_entry(user), entry.to_string()).unwrap();
}

/// Returns what the helper was asked since the last call.
pub(crate) fn take_asked(user: &Sandbox) -> Vec<String> {
    let file = user.folder("bin").join("asked");
    let asked = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(file);
    asked.lines().map(str::to_owned).collect()
}
