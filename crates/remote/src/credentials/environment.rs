//! The environment, as far as it says where credentials are: the only file of this crate that reads it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use eigenpack_oci::Secret;

use super::docker::DockerCredentials;
use super::place::Places;

impl DockerCredentials {
    /// Looks where Docker and Podman look: `DOCKER_AUTH_CONFIG`; the `config.json` in `DOCKER_CONFIG` or `~/.docker`; the
    /// file `REGISTRY_AUTH_FILE`, or without it `auth.json` under `XDG_RUNTIME_DIR` and `~/.config`; helpers on the `PATH`.
    ///
    /// The environment is read now, the files and helpers when a registry demands credentials.
    pub fn from_environment() -> Self {
        Self::new(Places::from_environment())
    }
}

impl Places {
    /// Reads the environment.
    pub fn from_environment() -> Self {
        let mut places = Self::from_variables(env::home_dir(), |name| env::var_os(name));
        // Podman's place for those who have no session.
        #[cfg(target_os = "linux")]
        if env::var_os("REGISTRY_AUTH_FILE").is_none_or(|file| file.is_empty())
            && env::var_os("XDG_RUNTIME_DIR").is_none_or(|folder| folder.is_empty())
        {
            let user = rustix::process::getuid().as_raw();
            let file = PathBuf::from(format!("/run/containers/{user}/auth.json"));
            // Others may not even be let into the folder, and need not know.
            if file.exists() {
                places.auth_files.insert(0, file);
            }
        }
        places
    }

    /// Derives the places from variables; an empty one counts as unset.
    fn from_variables(home: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let get = |name| variable(name).filter(|value| !value.is_empty());
        let path = |name| get(name).map(PathBuf::from);
        let home = home.filter(|home| !home.as_os_str().is_empty());
        let in_home = |name| home.as_deref().map(|home: &Path| home.join(name));

        let docker = path("DOCKER_CONFIG").or_else(|| in_home(".docker"));
        let auth_files = if let Some(file) = path("REGISTRY_AUTH_FILE") {
            // Podman looks nowhere else then.
            vec![file]
        } else {
            let runtime = path("XDG_RUNTIME_DIR").filter(|_| cfg!(target_os = "linux"));
            let config = path("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
            let folders = runtime.into_iter().chain(config);
            folders.map(|it| it.join("containers/auth.json")).collect()
        };
        Self {
            docker_auth_config: get("DOCKER_AUTH_CONFIG")
                .map(|value| Secret::new(value.to_string_lossy().into_owned())),
            docker_config: docker.map(|folder| folder.join("config.json")),
            auth_files,
            helper_folders: get("PATH")
                .map(|value| env::split_paths(&value).collect())
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &str)]) -> Places {
        Places::from_variables(Some("/home/me".into()), |name| {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some((*value).into())
        })
    }

    #[test]
    fn without_variables_all_is_in_the_home_folder() {
        let places = places(&[("DOCKER_CONFIG", ""), ("DOCKER_AUTH_CONFIG", "")]);
        assert_eq!(places.docker_auth_config, None);
        assert_eq!(
            places.docker_config,
            Some("/home/me/.docker/config.json".into())
        );
        let podman: [PathBuf; 1] = ["/home/me/.config/containers/auth.json".into()];
        assert_eq!(places.auth_files, podman);
        assert!(places.helper_folders.is_empty());
    }

    #[test]
    fn variables_move_the_places() {
        let places = places(&[
            ("DOCKER_AUTH_CONFIG", "{}"),
            ("DOCKER_CONFIG", "/d"),
            ("XDG_CONFIG_HOME", "/x"),
            ("REGISTRY_AUTH_FILE", "/r.json"),
        ]);
        assert_eq!(places.docker_auth_config, Some(Secret::new("{}".into())));
        assert_eq!(places.docker_config, Some("/d/config.json".into()));
        let podman: [PathBuf; 1] = ["/r.json".into()];
        assert_eq!(places.auth_files, podman);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_session_has_its_own_file_before_the_users() {
        let places = places(&[
            ("XDG_RUNTIME_DIR", "/run/user/1"),
            ("XDG_CONFIG_HOME", "/x"),
            ("PATH", "/usr/bin::relative"),
        ]);
        let podman: [PathBuf; 2] = [
            "/run/user/1/containers/auth.json".into(),
            "/x/containers/auth.json".into(),
        ];
        assert_eq!(places.auth_files, podman);
        assert_eq!(places.helper_folders.len(), 3);
    }
}
