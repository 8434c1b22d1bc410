//! Small artifacts over a slow network: what is asked for, in how many trips, and how long it takes.

use std::fs;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;

use super::artifact::{Artifact, TAG};
use super::process::Home;
use super::proxy::{Proxy, Traffic};
use super::tool::Tool;
use crate::Result;
use crate::program::Program;
use crate::registry::{Registry, Running};
use crate::rounds::in_turn;

/// What is done with each artifact, in this order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(super) enum Work {
    PushNew,
    PushUnchanged,
    Pull,
}

impl Work {
    pub(super) const ALL: [Self; 3] = [Self::PushNew, Self::PushUnchanged, Self::Pull];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PushNew => "push, new",
            Self::PushUnchanged => "push, unchanged",
            Self::Pull => "pull by tag",
        }
    }
}

/// One run of one program.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) program: String,
    pub(super) registry: String,
    pub(super) work: Work,
    pub(super) round: usize,
    pub(super) wall_s: f64,
    pub(super) traffic: Traffic,
}

/// Runs every program against every registry, through a proxy that holds each request back.
pub(super) fn measure(
    tools: &[&Tool],
    registries: &[Registry],
    rounds: usize,
    delay: Duration,
) -> Result<Vec<Sample>> {
    let eigenpack = Program::eigenpack()?;
    let home = Home::new()?;
    let mut before = Vec::new();
    for registry in registries {
        let running: Running = registry.start(None)?;
        let proxy = Proxy::before(running.address, delay)?;
        before.push((registry, proxy, running));
    }
    let mut samples = Vec::new();
    let mut number = 0;
    for round in 0..rounds {
        eprintln!("small artifacts: round {} of {rounds}", round + 1);
        for (registry, proxy, _running) in &before {
            for &tool in in_turn(tools, round) {
                let directory = TempDir::new()?;
                let artifact =
                    Artifact::make(&eigenpack, &home, &directory.path().join("push"), number)?;
                let pulled = directory.path().join("pull");
                fs::create_dir(&pulled)?;
                // A repository of its own: what others pushed does not help.
                let reference = format!("{}/bench/avs-{number}:{TAG}", proxy.address);
                number += 1;
                for work in Work::ALL {
                    let mut command = match work {
                        Work::PushNew | Work::PushUnchanged => tool.push(&artifact, &reference),
                        Work::Pull => tool.pull(&reference, &pulled),
                    };
                    proxy.take_traffic();
                    let used = home.run(&mut command)?;
                    samples.push(Sample {
                        program: tool.name.clone(),
                        registry: registry.name.clone(),
                        work,
                        round,
                        wall_s: used.wall_s,
                        traffic: proxy.take_traffic(),
                    });
                }
            }
        }
    }
    Ok(samples)
}
