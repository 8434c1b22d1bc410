//! A directory of its own for each test, and the program run in it.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The time that every artifact of these tests carries, so that digests are the same in every run.
pub(crate) const CREATED: &str = "--created=2025-08-14T12:00:00Z";

/// A place where the program runs: a working directory with a spec, and a store outside of it.
pub(crate) struct Place {
    directory: TempDir,
    env: Vec<(&'static str, String)>,
}

/// How a run of the program ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    directory: PathBuf,
}

impl Place {
    /// Makes a place with the Hourglass aggregator's spec in `spec.yaml`.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let place = Self {
            directory,
            env: Vec::new(),
        };
        std::fs::create_dir(place.path("work")).unwrap();
        place.write("spec.yaml", fixture("valid/hourglass-aggregator.yaml"));
        place
    }

    /// Makes a place where `spec.yaml` was pushed as `my-avs:v1`.
    pub(crate) fn with_artifact() -> Self {
        let place = Self::new();
        place
            .run(&["push", "spec.yaml", "my-avs:v1", CREATED])
            .succeeded();
        place
    }

    /// Sets a variable for the runs that follow.
    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    /// Returns the directory that everything is in.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the path of a file in the working directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path("work").join(name)
    }

    /// Returns the path of a blob in the local store's pool.
    pub(crate) fn pool_blob(&self, digest: &str) -> PathBuf {
        self.path("store/blobs").join(digest.replace(':', "/"))
    }

    /// Writes a file into the working directory.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.file(name), content).unwrap();
    }

    /// Reads a file of the working directory.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with_input(args, b"")
    }

    /// Runs the program and reads its JSON document.
    pub(crate) fn json(&self, args: &[&str]) -> (i32, Value) {
        let mut all = vec!["--format", "json"];
        all.extend(args);
        let run = self.run(&all);
        let document = serde_json::from_slice(&run.stdout)
            .unwrap_or_else(|error| panic!("no JSON on stdout ({error}):\n{run}"));
        (run.code, document)
    }

    /// Runs the program with `input` on stdin.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &[u8]) -> Run {
        let mut child = self.spawn(args);
        // The program may end without having read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().expect("not ended by a signal"),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
            directory: self.directory.path().to_owned(),
        }
    }

    /// Starts the program.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Returns the command that starts the program.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eigenpack"));
        command
            .args(args)
            .current_dir(self.path("work"))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("EIGENPACK_STORE", self.path("store"))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Run {
    /// Fails the test unless the program ended with 0.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// Fails the test unless the program ended with `code`.
    pub(crate) fn failed_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Returns what was printed on stdout, as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = self.directory.to_string_lossy();
        let shown = |text: &str| text.replace(&*directory, "DIR");
        writeln!(f, "exit code {}", self.code)?;
        for (name, text) in [
            ("stdout", &*String::from_utf8_lossy(&self.stdout)),
            ("stderr", &self.stderr),
        ] {
            if !text.is_empty() {
                writeln!(f, "----- {name} -----\n{}", shown(text))?;
            }
        }
        Ok(())
    }
}

/// Returns a spec of the fixtures.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = fixtures().join("specs").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the folder of the fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../eigenruntime/fixtures")
}
