//! A home folder of a test: files of credentials, and helper programs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use eigenpack_oci::distribution::Credential;
use eigenpack_oci::{RegistryHost, Secret};
use eigenpack_remote::credentials::{DockerCredentials, Places};
use tempfile::TempDir;

/// A home folder without anything in it, deleted when dropped.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("bin")).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path("docker/config.json")
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn config(&self, content: &str) -> PathBuf {
        self.write("docker/config.json", content)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Adds a helper that runs a shell script.
    pub(crate) fn helper(&self, name: &str, script: &str) {
        let program = format!("docker-credential-{name}");
        write_program(&self.path("bin").join(program), script);
    }

    /// Adds a helper that keeps what it is given in a file of the home folder, and notes how it was called.
    pub(crate) fn keeping_helper(&self, name: &str) {
        let kept = self.path(&format!("kept-{name}"));
        let kept = kept.display();
        let script = format!(
            r#"echo "$1" >> {kept}.calls
case "$1" in
    store) cat > {kept} ;;
    get) if [ -e {kept} ]; then cat {kept}; else echo "credentials not found in native keychain"; exit 1; fi ;;
    erase) cat > {kept}.server; if [ -e {kept} ]; then rm {kept}; else echo "credentials not found in native keychain"; exit 1; fi ;;
esac"#
        );
        self.helper(name, &script);
    }

    pub(crate) fn places(&self) -> Places {
        let mut places = Places::default();
        places.docker_config = Some(self.config_path());
        places.auth_files = vec![self.path("run/auth.json"), self.path("config/auth.json")];
        places.helper_folders = vec![self.path("bin")];
        places
    }

    pub(crate) fn credentials(&self) -> DockerCredentials {
        DockerCredentials::new(self.places()).helper_timeout(Duration::from_secs(20))
    }
}

/// Writes a program. A process of its own writes it: were it open for writing in this one while another thread starts a
/// program, that one would hold it open too, and it could not be run.
pub(crate) fn write_program(path: &Path, script: &str) {
    let mut writer = Command::new("/bin/sh")
        .args(["-c", r#"cat > "$0" && chmod 755 "$0""#])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = writer.stdin.take().unwrap();
    write!(stdin, "#!/bin/sh\n{script}\n").unwrap();
    drop(stdin);
    assert!(writer.wait().unwrap().success());
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) fn host(text: &str) -> RegistryHost {
    text.parse().unwrap()
}

pub(crate) fn basic(username: &str, password: &str) -> Credential {
    Credential::Basic {
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
    }
}

pub(crate) fn identity(token: &str) -> Credential {
    Credential::IdentityToken(Secret::new(token.to_owned()))
}
