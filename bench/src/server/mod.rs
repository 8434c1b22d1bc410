//! Registry servers: how many small reads they answer, how much memory they take, how fast they are there.

mod content;
mod load;
mod results;

use std::fs;
use std::path::PathBuf;

use clap::Args;
use tokio::runtime::Runtime;

use self::content::{push_artifact, push_large};
use self::load::Load;
use self::results::{Pushes, Results, ServerResults};
use crate::registry::Registry;
use crate::rounds::{in_turn, settle};
use crate::{Result, machine, registry};

/// How long content lies before it is read: nobody reads what was written in the same second.
const REST: std::time::Duration = std::time::Duration::from_secs(3);

/// Measure registry servers: ours, crane's, docker-registry, registry
///
/// Each server runs on one core, and wrk on another. The rounds are interleaved, so that a disturbance of the machine
/// meets all of them alike, and each begins with another server; in each a server is a new process over an empty store.
/// The tables show medians.
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
        .map(|registry| ServerResults::of(registry.name.clone()))
        .collect();
    let load_average = machine::load_average_before("the servers");
    for round in 0..args.rounds {
        eprintln!("round {} of {}: reads", round + 1, args.rounds);
        for (registry, results) in in_turn(registries.iter().zip(&mut servers), round) {
            read(args, &runtime, &load, registry, results)?;
        }
        if args.push_mib == 0 {
            continue;
        }
        eprintln!("round {} of {}: pushes", round + 1, args.rounds);
        for (registry, results) in in_turn(registries.iter().zip(&mut servers), round) {
            results.pushes.push(push(args, &runtime, registry)?);
        }
    }
    let results = Results {
        machine: machine::describe(&std::env::temp_dir()),
        commit: machine::commit(),
        load_average,
        rounds: args.rounds,
        load: load.describe(),
        server_core: args.server_core.clone(),
        pushed: format!("{} × {} MiB", args.pushes, args.push_mib),
        servers,
    };
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_vec_pretty(&results)?)?;
    }
    print!("{}", results.to_markdown());
    Ok(())
}

/// Measures how fast a server is there, how large it is before it has done anything, how much small content it answers
/// with, and how large that makes it.
fn read(
    args: &ServerArgs,
    runtime: &Runtime,
    load: &Load<'_>,
    registry: &Registry,
    results: &mut ServerResults,
) -> Result<()> {
    settle()?;
    let server = registry.start(Some(&args.server_core))?;
    let started_in = server.started_in.as_secs_f64();
    results.start_ms.push(started_in * 1e3);
    results.idle_mib.push(server.resident());
    let paths = runtime.block_on(push_artifact(server.address))?;
    std::thread::sleep(REST);
    results.by_tag.push(load.run(&server, &paths.by_tag)?);
    results.by_digest.push(load.run(&server, &paths.by_digest)?);
    results.blob.push(load.run(&server, &paths.blob)?);
    results.read_peak_mib.push(server.most_resident());
    Ok(())
}

/// Measures how large a server becomes while much is pushed at once, and how long that takes.
fn push(args: &ServerArgs, runtime: &Runtime, registry: &Registry) -> Result<Pushes> {
    // What the server before this one wrote and removed is not left for this one to pay.
    settle()?;
    let server = registry.start(Some(&args.server_core))?;
    let size = args.push_mib * 1024 * 1024;
    let took = runtime.block_on(push_large(server.address, args.pushes, size))?;
    Ok(Pushes {
        seconds: took.as_secs_f64(),
        peak_mib: server.most_resident(),
    })
}
