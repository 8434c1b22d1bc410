//! Which keys of a file mean which registry.

use eigenpack_oci::{RegistryHost, Repository};

use super::fields::Fields;

/// The key, and the name for helpers, under which Docker keeps what is for Docker Hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

const DOCKER_HUB_NAMES: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// Returns the key under which Docker keeps what is for a registry, in files and in helpers.
pub(in crate::credentials) fn entry_key(host: &RegistryHost) -> &str {
    if host.is_docker_hub() {
        DOCKER_HUB_KEY
    } else {
        host.as_str()
    }
}

/// Returns the keys that name a registry exactly, the likeliest first.
pub(super) fn exact_keys(host: &RegistryHost) -> Vec<&str> {
    if host.is_docker_hub() {
        [&[DOCKER_HUB_KEY], DOCKER_HUB_NAMES.as_slice()].concat()
    } else {
        vec![host.as_str()]
    }
}

/// Tells whether a key names a registry and nothing narrower: with a scheme or a path of the API's versions, or without.
pub(in crate::credentials) fn names_host(key: &str, host: &RegistryHost) -> bool {
    let (name, path) = split(key);
    is_name_of(name, host) && matches!(path.trim_matches('/'), "" | "v1" | "v2")
}

/// Finds an entry by Docker's rules: the exact key, or else one whose host is the registry's, whatever its path.
///
/// Docker takes any of the latter. Here it is the one that names the registry and nothing narrower, or else the one with
/// most of the repository's path, or else the first.
pub(super) fn find_for_docker<'a>(
    auths: &'a Fields,
    host: &RegistryHost,
    repository: Option<&Repository>,
) -> Option<&'a str> {
    let exact = exact_keys(host)
        .into_iter()
        .find_map(|wanted| auths.last(|key| key == wanted));
    if let Some((key, _)) = exact {
        return Some(key);
    }
    let mut best: Option<(usize, &str)> = None;
    for key in auths.keys() {
        let (name, path) = split(key);
        // For Docker Hub, Docker knows no other key than its own, and keeps tokens for other uses under longer ones.
        if !is_name_of(name, host) || (host.is_docker_hub() && !names_host(key, host)) {
            continue;
        }
        let rank = if names_host(key, host) {
            usize::MAX
        } else {
            repository.map_or(0, |repository| common_path(path, repository))
        };
        if best.is_none_or(|(other, _)| rank > other) {
            best = Some((rank, key));
        }
    }
    best.map(|(_, key)| key)
}

/// Finds an entry by Podman's rules: the longest key that is the repository or a namespace of it, in whole segments; then
/// the registry; then a key that is the registry once its scheme and path are taken away.
pub(super) fn find_for_podman<'a>(
    auths: &'a Fields,
    host: &RegistryHost,
    repository: Option<&Repository>,
) -> Option<&'a str> {
    let mut namespace = repository.map(Repository::as_str);
    loop {
        let level = exact_keys(host).into_iter().find_map(|name| {
            auths.last(|key| match namespace {
                Some(namespace) => {
                    key.strip_prefix(name)
                        .and_then(|rest| rest.strip_prefix('/'))
                        == Some(namespace)
                }
                None => key == name,
            })
        });
        if let Some((key, _)) = level {
            return Some(key);
        }
        match namespace {
            Some(text) => namespace = text.rsplit_once('/').map(|(above, _)| above),
            None => break,
        }
    }
    auths
        .last(|key| {
            let (name, path) = split(key);
            // Only what was written as a URL has a path that is no namespace.
            is_name_of(name, host) && (has_scheme(key) || path.is_empty())
        })
        .map(|(key, _)| key)
}

/// Tells how many bytes of the repository's name a path names, in whole segments from its start.
fn common_path(path: &str, repository: &Repository) -> usize {
    let path = path.trim_matches('/');
    match repository.as_str().strip_prefix(path) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => path.len(),
        _ => 0,
    }
}

fn is_name_of(name: &str, host: &RegistryHost) -> bool {
    if host.is_docker_hub() {
        DOCKER_HUB_NAMES.contains(&name)
    } else {
        name.eq_ignore_ascii_case(host.as_str())
    }
}

fn has_scheme(key: &str) -> bool {
    key.starts_with("https://") || key.starts_with("http://")
}

/// Splits a key into its host with the port, and the path with the slash before it; a scheme is left out.
fn split(key: &str) -> (&str, &str) {
    let rest = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key);
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}
