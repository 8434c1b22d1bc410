//! The clients that are compared, and how each is told to do the same work.

use std::path::Path;
use std::process::Command;

use super::artifact::{Artifact, Layout, TAG};
use crate::Result;
use crate::program::Program;

const ARTIFACT_TYPE: &str = "application/vnd.eigenruntime.manifest.v1";
const CONFIG_TYPE: &str = "application/vnd.eigenruntime.manifest.config.v1+json";
const SPEC_TYPE: &str = "text/yaml";

/// A client on this machine.
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) kind: Kind,
    program: Program,
}

/// How a client is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Ours, from a spec and to a spec.
    Eigenpack,
    /// Ours, from an image layout and to one.
    EigenpackCopy,
    Oras,
    Crane,
    Regctl,
    Skopeo,
    /// The program in `bench/oci-client-peer`.
    OciClient,
}

/// Finds the clients of this machine, ours first, and says which are missing.
pub(super) fn find() -> Result<Vec<Tool>> {
    let eigenpack = Program::eigenpack()?;
    let tool = |name: &str, kind, program: Program| Tool {
        name: format!("{name} {}", program.version),
        kind,
        program,
    };
    let mut found = vec![
        tool("eigenpack", Kind::Eigenpack, eigenpack.clone()),
        tool("eigenpack copy", Kind::EigenpackCopy, eigenpack),
    ];
    for (name, program, kind) in [
        ("oras", "oras", Kind::Oras),
        ("crane", "crane", Kind::Crane),
        ("regctl", "regctl", Kind::Regctl),
        ("skopeo", "skopeo", Kind::Skopeo),
        ("oci-client", "eigenpack-bench-oci-client", Kind::OciClient),
    ] {
        let version = [kind.version()];
        if let Some(program) = Program::look_for(program, &version) {
            found.push(tool(name, kind, program));
        }
    }
    Ok(found)
}

impl Kind {
    fn version(self) -> &'static str {
        match self {
            Self::Oras | Self::Crane | Self::Regctl => "version",
            Self::Eigenpack | Self::EigenpackCopy | Self::Skopeo | Self::OciClient => "--version",
        }
    }
}

impl Tool {
    /// Makes the command that says the version and does nothing else.
    pub(super) fn version(&self) -> Command {
        self.command([self.kind.version()])
    }

    /// Makes the command that pushes a small artifact as somebody would who has the spec.
    ///
    /// Who can push only layouts, is given one.
    pub(super) fn push(&self, artifact: &Artifact, reference: &str) -> Command {
        let mut command = match self.kind {
            Kind::Eigenpack => self.command([
                "push",
                "spec.yaml",
                reference,
                "--created",
                &artifact.created,
            ]),
            Kind::Oras => {
                let config = format!("config.json:{CONFIG_TYPE}");
                let spec = format!("spec.yaml:{SPEC_TYPE}");
                // Else it writes the time of every push, and no push is a repetition.
                let created = format!("org.opencontainers.image.created={}", artifact.created);
                let mut command = self.command(["push", "--plain-http", "--config", &config]);
                command.args(["--artifact-type", ARTIFACT_TYPE]).args([
                    "--annotation",
                    &created,
                    reference,
                    &spec,
                ]);
                command
            }
            Kind::Regctl => {
                let mut command = self.regctl(reference, ["artifact", "put"]);
                command
                    .args([
                        "--artifact-type",
                        ARTIFACT_TYPE,
                        "--config-type",
                        CONFIG_TYPE,
                    ])
                    .args(["--config-file", "config.json", "--file", "spec.yaml"])
                    .args(["--file-media-type", SPEC_TYPE, "--file-title", reference]);
                command
            }
            Kind::EigenpackCopy | Kind::Crane | Kind::Skopeo | Kind::OciClient => {
                self.push_layout(&artifact.layout, reference)
            }
        };
        command.current_dir(&artifact.directory);
        command
    }

    /// Makes the command that pulls a small artifact into an empty directory.
    pub(super) fn pull(&self, reference: &str, directory: &Path) -> Command {
        let mut command = match self.kind {
            Kind::Eigenpack => self.command(["pull", reference, "--output", "spec.yaml"]),
            Kind::Oras => self.command(["pull", "--plain-http", reference]),
            Kind::Regctl => {
                let mut command = self.regctl(reference, ["artifact", "get"]);
                command.args(["--output", ".", reference]);
                command
            }
            Kind::EigenpackCopy | Kind::Crane | Kind::Skopeo | Kind::OciClient => {
                self.pull_layout(reference, directory)
            }
        };
        command.current_dir(directory);
        command
    }

    /// Makes the command that pushes what an image layout holds.
    pub(super) fn push_layout(&self, layout: &Layout, reference: &str) -> Command {
        let directory = layout.directory.display();
        match self.kind {
            Kind::Eigenpack | Kind::EigenpackCopy => {
                self.command(["copy", &format!("oci:{directory}:{TAG}"), reference])
            }
            Kind::Oras => self.command([
                "copy",
                "--from-oci-layout",
                &format!("{directory}:{TAG}"),
                "--to-plain-http",
                reference,
            ]),
            Kind::Crane => self.command(["push", &directory.to_string(), reference]),
            Kind::Regctl => {
                let mut command = self.regctl(reference, ["image", "copy"]);
                command.args([&format!("ocidir://{directory}:{TAG}"), reference]);
                command
            }
            Kind::Skopeo => self.skopeo(
                "--dest-tls-verify=false",
                &format!("oci:{directory}:{TAG}"),
                &format!("docker://{reference}"),
            ),
            Kind::OciClient => {
                let mut command = self.command(["push", reference]);
                command.args([&layout.config, &layout.layer]);
                command
            }
        }
    }

    /// Makes the command that pulls into a new image layout in a directory.
    pub(super) fn pull_layout(&self, reference: &str, directory: &Path) -> Command {
        let layout = directory.join("layout");
        let layout = layout.display();
        match self.kind {
            Kind::Eigenpack | Kind::EigenpackCopy => {
                self.command(["copy", reference, &format!("oci:{layout}:{TAG}")])
            }
            Kind::Oras => self.command([
                "copy",
                "--from-plain-http",
                reference,
                "--to-oci-layout",
                &format!("{layout}:{TAG}"),
            ]),
            Kind::Crane => self.command(["pull", "--format=oci", reference, &layout.to_string()]),
            Kind::Regctl => {
                let mut command = self.regctl(reference, ["image", "copy"]);
                command.args([reference, &format!("ocidir://{layout}:{TAG}")]);
                command
            }
            Kind::Skopeo => self.skopeo(
                "--src-tls-verify=false",
                &format!("docker://{reference}"),
                &format!("oci:{layout}:{TAG}"),
            ),
            Kind::OciClient => self.command(["pull", reference, &layout.to_string()]),
        }
    }

    /// `regctl` is told beforehand which host speaks plain HTTP.
    fn regctl<const N: usize>(&self, reference: &str, args: [&str; N]) -> Command {
        let host = reference.split('/').next().unwrap_or_default();
        let mut command = self.command(["--host", &format!("reg={host},tls=disabled")]);
        command.args(args);
        command
    }

    /// `skopeo` would compress a layer that is not, and demands a policy from the machine.
    fn skopeo(&self, tls: &str, from: &str, to: &str) -> Command {
        self.command([
            "--insecure-policy",
            "copy",
            "--preserve-digests",
            tls,
            from,
            to,
        ])
    }

    fn command<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = Command::new(&self.program.path);
        command.args(args);
        command
    }
}
