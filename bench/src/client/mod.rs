//! Clients: what they ask a registry for, how long that takes, and what it costs the machine.

mod artifact;
mod blobs;
mod http;
mod many;
mod process;
mod proxy;
mod results;
mod small;
mod tool;
mod trips;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use self::results::Results;
use self::tool::{Kind, Tool};
use crate::registry::Registry;
use crate::{Result, machine, registry};

/// How many rounds there are when nothing but counts is wanted.
const COUNTS: usize = 3;

/// Measure clients: ours, oras, crane, regctl, skopeo, and a program over the crate oci-client
///
/// The rounds are interleaved, each begins with another program, and the tables show medians. The program over
/// oci-client is made by: cargo install --locked --path bench/oci-client-peer --root target/peers
#[derive(Args)]
pub(crate) struct ClientArgs {
    /// How often each thing is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// Measure only this; may be repeated
    #[arg(long, value_name = "WHAT")]
    only: Vec<Section>,

    /// How long the proxy holds each request back, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 50)]
    delay: u64,

    /// The sizes of the blobs, in KiB, separated by commas
    #[arg(
        long,
        value_name = "KIB",
        value_delimiter = ',',
        default_value = "1,1024,1048576"
    )]
    sizes: Vec<u64>,

    /// How many layers of that size an image has; with more than one, without oci-client and the yardsticks
    #[arg(long, default_value_t = 1)]
    layers: u64,

    /// Give the server of the blobs one core and the clients another, as if they were two machines
    #[arg(long)]
    apart: bool,

    /// How many artifacts are pushed to one repository
    #[arg(long, default_value_t = 100)]
    artifacts: u32,

    /// Measure only the clients whose names contain this; may be repeated
    #[arg(long, value_name = "NAME")]
    client: Vec<String>,

    /// Write every single measurement to a file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What can be measured alone.
#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum Section {
    /// Requests, connections and trips of a small artifact, in few rounds: they hardly differ
    Counts,
    /// The same, and how long it takes with every request held back
    Latency,
    /// Wall, processor's time and memory of blobs
    Blobs,
    /// Many artifacts, and start-up
    Many,
}

/// Measures, and prints the tables.
pub(crate) fn run(args: &ClientArgs) -> Result<()> {
    let wanted = |section| args.only.is_empty() || args.only.contains(&section);
    let mut tools = tool::find()?;
    tools.retain(|tool| is_named(&args.client, &tool.name));
    let without = |kind| {
        tools
            .iter()
            .filter(move |tool| tool.kind != kind)
            .collect::<Vec<_>>()
    };
    let mut registries = registry::find()?;
    registries.retain(Registry::suits_clients);
    // Our own, because it is there wherever this runs; it is the same for all.
    let ours = registries.first().ok_or("there is no registry")?;

    let mut results = Results {
        machine: machine::describe(&std::env::temp_dir()),
        commit: machine::commit(),
        delay_ms: args.delay,
        ..Results::default()
    };
    if wanted(Section::Counts) || wanted(Section::Latency) {
        results.has_latency = wanted(Section::Latency);
        let rounds = if results.has_latency {
            args.rounds
        } else {
            COUNTS
        };
        let delay = Duration::from_millis(args.delay);
        let tools: Vec<&Tool> = tools.iter().collect();
        results.note_load("the small artifacts");
        results.small = small::measure(&tools, &registries, rounds, delay)?;
    }
    if wanted(Section::Blobs) {
        // A spec of a gigabyte is none.
        let mut tools = without(Kind::Eigenpack);
        // Its program pushes one layer.
        tools.retain(|tool| args.layers == 1 || tool.kind != Kind::OciClient);
        let sizes: Vec<u64> = args.sizes.iter().map(|kib| kib * 1024).collect();
        let plan = blobs::Plan {
            sizes: &sizes,
            layers: args.layers,
            rounds: args.rounds,
            apart: args.apart,
        };
        results.note_load("the blobs");
        results.blobs = Some(blobs::measure(&tools, ours, &plan)?);
    }
    if wanted(Section::Many) {
        // It is the same program.
        let tools = without(Kind::EigenpackCopy);
        results.note_load("the many artifacts");
        results.many = Some(many::measure(&tools, ours, args.artifacts, args.rounds)?);
    }
    results.load_after = machine::load_average();
    results.floor_mib = process::floor_mib();
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_vec_pretty(&results)?)?;
    }
    print!("{}", results.to_markdown());
    Ok(())
}

fn is_named(names: &[String], tool: &str) -> bool {
    names.is_empty() || names.iter().any(|name| tool.contains(name))
}
