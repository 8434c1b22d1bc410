//! Many small artifacts into one repository, a process for each; and what it takes to start a program at all.

use serde::Serialize;
use tempfile::TempDir;

use super::artifact::Artifact;
use super::process::{Home, Usage};
use super::tool::Tool;
use crate::Result;
use crate::program::Program;
use crate::registry::Registry;
use crate::rounds::in_turn;

/// How often a program is started in each round.
const STARTS: usize = 10;

/// What one program took in one round.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) program: String,
    pub(super) round: usize,
    /// All pushes together.
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
    /// One start each, that says the version.
    pub(super) starts: Vec<Usage>,
}

/// All that was measured with many artifacts.
#[derive(Debug, Serialize)]
pub(super) struct Many {
    pub(super) registry: String,
    pub(super) count: u32,
    pub(super) samples: Vec<Sample>,
}

/// Pushes the artifacts one after the other with every program, into a registry that is empty each time.
pub(super) fn measure(
    tools: &[&Tool],
    registry: &Registry,
    count: u32,
    rounds: usize,
) -> Result<Many> {
    let eigenpack = Program::eigenpack()?;
    let home = Home::new()?;
    let directory = TempDir::new()?;
    let artifacts: Vec<Artifact> = (0..count)
        .map(|number| {
            let directory = directory.path().join(number.to_string());
            Artifact::make(&eigenpack, &home, &directory, number)
        })
        .collect::<Result<_>>()?;
    let mut samples = Vec::new();
    for round in 0..rounds {
        eprintln!("{count} artifacts: round {} of {rounds}", round + 1);
        for &tool in in_turn(tools, round) {
            let running = registry.start(None)?;
            let (mut wall_s, mut cpu_s) = (0.0, 0.0);
            for (number, artifact) in artifacts.iter().enumerate() {
                let reference = format!("{}/bench/avs:v{number}", running.address);
                let used = home.run(&mut tool.push(artifact, &reference))?;
                wall_s += used.wall_s;
                cpu_s += used.cpu_s;
            }
            let starts = (0..STARTS).map(|_| home.run(&mut tool.version()));
            samples.push(Sample {
                program: tool.name.clone(),
                round,
                wall_s,
                cpu_s,
                starts: starts.collect::<Result<_>>()?,
            });
        }
    }
    Ok(Many {
        registry: registry.name.clone(),
        count,
        samples,
    })
}
