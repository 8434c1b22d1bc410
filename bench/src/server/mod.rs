//! Registry servers: how many small reads they answer, how much memory they take, how fast they are there.

mod content;
mod load;
mod results;

use std::fs;
use std::path::PathBuf;

use clap::Args;

use self::content::{push_artifact, push_large};
use self::load::Load;
use self::results::{PushResults, Results, ServerResults};
use crate::registry::Registry;
use crate::{Result, machine, registry};

/// How long content lies before it is read: nobody reads what was written in the same second.
const REST: std::time::Duration = std::time::Duration::from_secs(3);

/// Measure registry servers: ours, crane's, docker-registry, registry
///
/// Each server runs on one core, and wrk on another. The rounds are interleaved, so that a disturbance of the machine
/// meets all of them alike; the tables show medians.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// How often each thing is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// How long wrk runs each time, in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u64,

    /// How many threads wrk has; it has one core
    #[arg(long, default_value_t = 1)]
    threads: usize,

    /// How many connections wrk has
    #[arg(long, default_value_t = 32)]
    connections: usize,

    /// How many large blobs are pushed at once
    #[arg(long, default_value_t = 32)]
    pushes: u64,

    /// The size of each of these blobs, in MiB; 0 leaves them out
    #[arg(long, default_value_t = 64)]
    push_mib: u64,

    /// The core of the server; several are separated by commas
    #[arg(long, default_value = "0")]
    server_core: String,

    /// The core of wrk
    #[arg(long, default_value = "1")]
    load_core: String,

    /// Measure only the servers whose names contain this
    #[arg(long, default_value = "")]
    only: String,

    /// Write every single measurement to a file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures, and prints the tables.
pub(crate) fn run(args: &ServerArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let load = Load::new(args)?;
    let mut registries = registry::find()?;
    registries.retain(|registry| registry.name.contains(&args.only));
    let mut servers: Vec<ServerResults> = registries
        .iter()
        .map(|registry| ServerResults {
            name: registry.name.clone(),
            ..ServerResults::default()
        })
        .collect();
    for (registry, results) in registries.iter().zip(&mut servers) {
        eprintln!("{}: start and pushes", registry.name);
        start(args, registry, results)?;
        push(args, &runtime, registry, results)?;
    }
    read(args, &runtime, &load, &registries, &mut servers)?;
    let results = Results {
        machine: machine::describe(&std::env::temp_dir()),
        commit: machine::commit(),
        load: load.describe(),
        server_core: args.server_core.clone(),
        servers,
    };
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_vec_pretty(&results)?)?;
    }
    print!("{}", results.to_markdown());
    Ok(())
}

/// Measures how fast a server is there, and how large it is before it has done anything.
fn start(args: &ServerArgs, registry: &Registry, results: &mut ServerResults) -> Result<()> {
    for _ in 0..args.rounds {
        let running = registry.start(Some(&args.server_core))?;
        results
            .start_ms
            .push(running.started_in.as_secs_f64() * 1e3);
        results.idle_mib = running.resident();
    }
    Ok(())
}

/// Measures how large a server becomes while much is pushed at once.
fn push(
    args: &ServerArgs,
    runtime: &tokio::runtime::Runtime,
    registry: &Registry,
    results: &mut ServerResults,
) -> Result<()> {
    if args.push_mib == 0 {
        return Ok(());
    }
    let running = registry.start(Some(&args.server_core))?;
    let size = args.push_mib * 1024 * 1024;
    let took = runtime.block_on(push_large(running.address, args.pushes, size))?;
    results.pushes = Some(PushResults {
        count: args.pushes,
        mib: args.push_mib,
        seconds: took.as_secs_f64(),
        peak_mib: running.most_resident(),
    });
    Ok(())
}

/// Measures how much small content the servers answer with, one after the other in every round.
fn read(
    args: &ServerArgs,
    runtime: &tokio::runtime::Runtime,
    load: &Load<'_>,
    registries: &[Registry],
    servers: &mut [ServerResults],
) -> Result<()> {
    let mut running = Vec::new();
    for registry in registries {
        let server = registry.start(Some(&args.server_core))?;
        let paths = runtime.block_on(push_artifact(server.address))?;
        running.push((server, paths));
    }
    std::thread::sleep(REST);
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        for ((server, paths), results) in running.iter().zip(&mut *servers) {
            results.by_tag.push(load.run(server, &paths.by_tag)?);
            results.by_digest.push(load.run(server, &paths.by_digest)?);
            results.blob.push(load.run(server, &paths.blob)?);
        }
    }
    for ((server, _), results) in running.iter().zip(servers) {
        results.read_peak_mib = server.most_resident();
    }
    Ok(())
}
