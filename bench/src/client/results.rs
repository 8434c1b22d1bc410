//! The results, as tables for people and as JSON for programs.

use std::fmt::{Result, Write as _};

use serde::Serialize;

use super::blobs::{self, Blobs, Yardstick};
use super::many::Many;
use super::process::Usage;
use super::small::{self, Work};
use crate::machine;
use crate::median::median;

/// All that was measured in one run.
#[derive(Default, Serialize)]
pub(super) struct Results {
    pub(super) machine: String,
    pub(super) commit: String,
    pub(super) load_before: Vec<LoadBefore>,
    pub(super) load_after: String,
    pub(super) delay_ms: u64,
    /// Whether the walls of small artifacts are medians that count.
    pub(super) has_latency: bool,
    /// No peak can be less, whatever a program takes.
    pub(super) floor_mib: f64,
    pub(super) small: Vec<small::Sample>,
    pub(super) blobs: Option<Blobs>,
    pub(super) many: Option<Many>,
}

/// The load average when a section began.
#[derive(Serialize)]
pub(super) struct LoadBefore {
    pub(super) section: &'static str,
    pub(super) average: String,
}

impl Results {
    /// Notes the load average before a section is measured.
    pub(super) fn note_load(&mut self, section: &'static str) {
        let average = machine::load_average_before(section);
        self.load_before.push(LoadBefore { section, average });
    }

    /// Renders a table for all that was measured.
    pub(super) fn to_markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> Result {
        writeln!(text, "- Machine: {}", self.machine)?;
        writeln!(text, "- Commit: {}", self.commit)?;
        write!(text, "- Load average of the machine: ")?;
        for LoadBefore { section, average } in &self.load_before {
            write!(text, "{average} before {section}, ")?;
        }
        writeln!(text, "{} after", self.load_after)?;
        if !self.small.is_empty() {
            self.write_counts(text)?;
        }
        if self.has_latency {
            self.write_latency(text)?;
        }
        if let Some(blobs) = &self.blobs {
            self.write_blobs(text, blobs)?;
        }
        if let Some(many) = &self.many {
            write_many(text, many)?;
        }
        Ok(())
    }

    fn write_counts(&self, text: &mut String) -> Result {
        let registries = names(self.small.iter().map(|sample| &sample.registry));
        write!(text, "\n| program | work |")?;
        for registry in &registries {
            write!(text, " {registry}: requests | connections | trips |")?;
        }
        writeln!(
            text,
            "\n|---|---|{}",
            "--:|--:|--:|".repeat(registries.len())
        )?;
        for program in names(self.small.iter().map(|sample| &sample.program)) {
            for work in Work::ALL {
                write!(text, "| {program} | {} |", work.name())?;
                for registry in &registries {
                    let samples = || self.small_samples(program, registry, work);
                    let requests = range(samples().map(|s| s.traffic.requests.len()));
                    let connections = range(samples().map(|s| s.traffic.connections));
                    let probes = range(samples().map(|s| s.traffic.tls_probes));
                    // Requests side by side count as two trips when the machine lets one of them wait for long; one
                    // after the other never counts as less than it is.
                    let trips = samples().map(|s| s.traffic.trips).min().unwrap_or(0);
                    let probes = match probes.as_str() {
                        "0" => String::new(),
                        probes => format!(" + {probes} TLS"),
                    };
                    write!(text, " {requests} | {connections}{probes} | {trips} |")?;
                }
                writeln!(text)?;
            }
        }
        Ok(())
    }

    fn write_latency(&self, text: &mut String) -> Result {
        let registries = names(self.small.iter().map(|sample| &sample.registry));
        let rounds = rounds(self.small.iter().map(|sample| sample.round));
        write!(
            text,
            "\n{rounds}\n\n| ms, with {} added for each request |",
            self.delay_ms
        )?;
        for registry in &registries {
            for work in Work::ALL {
                write!(text, " {registry}: {} |", work.name())?;
            }
        }
        let columns = registries.len() * Work::ALL.len();
        writeln!(text, "\n|---|{}", "--:|".repeat(columns))?;
        for program in names(self.small.iter().map(|sample| &sample.program)) {
            write!(text, "| {program} |")?;
            for registry in &registries {
                for work in Work::ALL {
                    let samples = self.small_samples(program, registry, work);
                    write!(text, " {:.0} |", median(samples.map(|s| s.wall_s * 1e3)))?;
                }
            }
            writeln!(text)?;
        }
        Ok(())
    }

    fn small_samples(
        &self,
        program: &str,
        registry: &str,
        work: Work,
    ) -> impl Iterator<Item = &small::Sample> {
        self.small.iter().filter(move |sample| {
            sample.program == program && sample.registry == registry && sample.work == work
        })
    }

    fn write_blobs(&self, text: &mut String, blobs: &Blobs) -> Result {
        let Self { floor_mib, .. } = self;
        let rounds = rounds(blobs.samples.iter().map(|sample| sample.round));
        let place = if blobs.apart {
            ", on a core of its own; the clients on another"
        } else {
            ""
        };
        writeln!(
            text,
            "\n{rounds} Registry: {}{place}. Least peak that can be measured: {floor_mib:.1} MiB.",
            blobs.registry
        )?;
        for size in sizes(&blobs.samples) {
            let row = "push ms | CPU ms | peak MiB | pull ms | CPU ms | peak MiB |";
            writeln!(
                text,
                "\n| {} | {row}\n|---|{}",
                in_words(blobs.layers, size),
                "--:|".repeat(6)
            )?;
            let samples = || {
                blobs
                    .samples
                    .iter()
                    .filter(move |sample| sample.size == size)
            };
            for program in names(samples().map(|sample| &sample.program)) {
                let samples = || samples().filter(move |sample| &sample.program == program);
                let push = cells(samples().map(|sample| sample.push));
                let pull = cells(samples().map(|sample| sample.pull));
                writeln!(text, "| {program} | {push} | {pull} |")?;
            }
            let yardsticks: Vec<&Yardstick> =
                blobs.yardsticks.iter().filter(|y| y.size == size).collect();
            if yardsticks.is_empty() {
                continue;
            }
            let hash = cells(yardsticks.iter().map(|yardstick| yardstick.hash));
            let upload = cells(yardsticks.iter().map(|yardstick| yardstick.upload));
            let download = cells(yardsticks.iter().map(|yardstick| yardstick.download));
            writeln!(text, "| `openssl dgst -sha256` | {hash} | {hash} |")?;
            writeln!(text, "| `curl` | {upload} | {download} |")?;
        }
        Ok(())
    }
}

fn write_many(text: &mut String, many: &Many) -> Result {
    let Many {
        registry,
        count,
        samples,
    } = many;
    let rounds = rounds(samples.iter().map(|sample| sample.round));
    writeln!(
        text,
        "\n{rounds} Registry: {registry}. {count} artifacts to one repository, a process for each."
    )?;
    let row = "| program | wall s | CPU s | start-up ms | CPU ms | peak MiB |";
    writeln!(text, "\n{row}\n|---|--:|--:|--:|--:|--:|")?;
    for program in names(samples.iter().map(|sample| &sample.program)) {
        let samples = || {
            samples
                .iter()
                .filter(move |sample| &sample.program == program)
        };
        let wall = median(samples().map(|sample| sample.wall_s));
        let cpu = median(samples().map(|sample| sample.cpu_s));
        let starts = cells(samples().flat_map(|sample| sample.starts.iter().copied()));
        writeln!(text, "| {program} | {wall:.2} | {cpu:.2} | {starts} |")?;
    }
    Ok(())
}

/// Says what the figures below are medians of.
fn rounds(rounds: impl Iterator<Item = usize>) -> String {
    let count = rounds.max().map_or(0, |last| last + 1);
    format!("Medians of {count} interleaved rounds.")
}

/// Renders wall, processor's time and memory.
fn cells(used: impl Iterator<Item = Usage>) -> String {
    let used: Vec<Usage> = used.collect();
    let middle = |of: fn(&Usage) -> f64| median(used.iter().map(of));
    let wall = in_ms(middle(|used| used.wall_s));
    let cpu = in_ms(middle(|used| used.cpu_s));
    let peak = middle(|used| used.peak_mib);
    format!("{wall} | {cpu} | {peak:.1}")
}

fn in_ms(seconds: f64) -> String {
    let ms = seconds * 1e3;
    if ms < 100.0 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}

fn in_words(layers: u64, size: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    let mut size = size / 1024;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while size >= 1024 && size.is_multiple_of(1024) && units.len() > 0 {
        size /= 1024;
        unit = units.next();
    }
    let unit = unit.unwrap_or(&"");
    if layers == 1 {
        format!("{size} {unit}")
    } else {
        format!("{layers} × {size} {unit}")
    }
}

/// Renders one number, or the least and the most where the rounds differ.
fn range(values: impl Iterator<Item = usize>) -> String {
    let (least, most) = values.fold((usize::MAX, 0), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    if least == most {
        most.to_string()
    } else {
        format!("{least}-{most}")
    }
}

/// Returns each name once, in the order of the first round, which begins with ours.
fn names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut found: Vec<&String> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn sizes(samples: &[blobs::Sample]) -> Vec<u64> {
    let mut sizes: Vec<u64> = samples.iter().map(|sample| sample.size).collect();
    sizes.dedup();
    sizes
}
