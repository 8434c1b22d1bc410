use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::Program;

/// No command of these tests takes more than a moment, but for the OCI's thousand tests: after this many seconds it is
/// stuck.
const LIMIT_SECONDS: &str = "300";

/// A user of their own: programs that run in here find no home, no store, no credentials and no cache but those in here.
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "session", "bin", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    /// Returns one of the user's folders: `home`, `session`, `bin` on the `PATH`, `work`.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path of a file in the folder that programs run in.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder("work").join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the path of the local store.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Returns the names of what is in the folder that programs run in, sorted.
    pub(crate) fn listing(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs a program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(
        &self,
        program: Program,
        arguments: impl IntoIterator<Item = A>,
    ) -> Finished {
        self.run_with(program, &[], arguments)
    }

    /// Runs a program with further environment variables to its end.
    pub(crate) fn run_with<A: AsRef<OsStr>>(
        &self,
        program: Program,
        variables: &[(&str, &str)],
        arguments: impl IntoIterator<Item = A>,
    ) -> Finished {
        self.run_on(program, variables, "", arguments)
    }

    /// Runs a program with further environment variables and a standard input to its end.
    pub(crate) fn run_on<A: AsRef<OsStr>>(
        &self,
        program: Program,
        variables: &[(&str, &str)],
        input: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Finished {
        let bare = program.command();
        let path = env::var_os("PATH").unwrap();
        let path = iter::once(self.folder("bin")).chain(env::split_paths(&path));
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", LIMIT_SECONDS])
            .arg(bare.get_program())
            .args(bare.get_args())
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", env::join_paths(path).unwrap())
            .env("HOME", self.folder("home"))
            // Else Podman's place is one that all who run as root share.
            .env("XDG_RUNTIME_DIR", self.folder("session"))
            .env("EIGENPACK_STORE", self.store())
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // No input here is larger than a pipe holds, and whoever does not read it may be gone.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Finished {
            shown: format!("{command:?}"),
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn eigenpack<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Finished {
        self.run(Program::Eigenpack, arguments)
    }
}

/// What a program left behind.
pub(crate) struct Finished {
    shown: String,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Finished {
    /// Returns what was written to standard output, after checking how the program ended.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Vec<u8> {
        assert_eq!(
            self.code,
            Some(code),
            "{}\nstdout: {}\nstderr: {}",
            self.shown,
            String::from_utf8_lossy(&self.stdout),
            self.stderr,
        );
        self.stdout
    }

    /// Returns what was written to standard error.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Returns what was written to standard output.
    pub(crate) fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Vec<u8> {
        self.exits(0)
    }

    #[track_caller]
    pub(crate) fn exits_with_json(self, code: i32) -> Value {
        let stdout = self.exits(code);
        serde_json::from_slice(&stdout).unwrap_or_else(|error| {
            panic!(
                "not a JSON document: {error}: {}",
                String::from_utf8_lossy(&stdout)
            )
        })
    }
}
