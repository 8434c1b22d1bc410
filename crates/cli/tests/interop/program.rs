use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that the tests run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    /// Ours, as cargo has just built it.
    Eigenpack,
    /// Debian's registry server, an older `distribution`.
    DockerRegistry,
    /// The registry server that Debian's is an older version of.
    Distribution,
    Skopeo,
    /// Docker's command line; there is no engine, and none is needed.
    Docker,
    /// Python's oras is a library, so this is a script over it.
    PythonOras,
    /// The oras that is written in Go.
    Oras,
    Crane,
    Regctl,
    /// The OCI's own tests of registries.
    Conformance,
}

impl Program {
    /// Returns a command that runs this program, or fails the test when it is not installed.
    pub(crate) fn command(self) -> Command {
        match self {
            Self::Eigenpack => Command::new(env!("CARGO_BIN_EXE_eigenpack")),
            Self::DockerRegistry => self.installed(on_path("docker-registry")),
            Self::Distribution => self.installed(in_peers("bin/registry")),
            Self::Skopeo => self.installed(on_path("skopeo")),
            Self::Docker => self.installed(on_path("docker")),
            Self::PythonOras => {
                let mut command = self.installed(in_peers("venv/bin/python"));
                command.arg(
                    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/python_oras.py"),
                );
                command
            }
            Self::Oras => self.installed(in_peers("bin/oras")),
            Self::Crane => self.installed(in_peers("bin/crane")),
            Self::Regctl => self.installed(in_peers("bin/regctl")),
            Self::Conformance => self.installed(in_peers("bin/conformance")),
        }
    }

    fn installed(self, path: Option<PathBuf>) -> Command {
        Command::new(path.unwrap_or_else(|| {
            panic!("{self:?} is not installed: `.ci/install-peers` installs it")
        }))
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn in_peers(name: &str) -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/peers")
        .join(name);
    program.is_file().then_some(program)
}
