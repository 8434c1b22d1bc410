//! The results, as a table for people and as JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::load::Measured;
use crate::median::median;

/// All that was measured in one run.
#[derive(Serialize)]
pub(super) struct Results {
    pub(super) machine: String,
    pub(super) commit: String,
    pub(super) load_average: String,
    pub(super) rounds: usize,
    pub(super) load: String,
    pub(super) server_core: String,
    /// How much was pushed at once.
    pub(super) pushed: String,
    pub(super) servers: Vec<ServerResults>,
}

/// What was measured of one server: a value for each round, each of a new process.
#[derive(Serialize)]
pub(super) struct ServerResults {
    pub(super) name: String,
    pub(super) start_ms: Vec<f64>,
    pub(super) idle_mib: Vec<f64>,
    /// The most memory that reading took.
    pub(super) read_peak_mib: Vec<f64>,
    pub(super) pushes: Vec<Pushes>,
    pub(super) by_tag: Vec<Measured>,
    pub(super) by_digest: Vec<Measured>,
    pub(super) blob: Vec<Measured>,
}

/// What was measured while many large blobs were pushed at once.
#[derive(Serialize)]
pub(super) struct Pushes {
    pub(super) seconds: f64,
    pub(super) peak_mib: f64,
}

impl Results {
    /// Renders two tables: throughput, and what it takes to run.
    pub(super) fn to_markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "- Machine: {}", self.machine)?;
        writeln!(text, "- Commit: {}", self.commit)?;
        writeln!(
            text,
            "- Load average of the machine: {} before",
            self.load_average
        )?;
        writeln!(text, "- Rounds: {}, interleaved", self.rounds)?;
        writeln!(text, "- Server: on core {} alone", self.server_core)?;
        writeln!(text, "- Load: {}\n", self.load)?;
        let row = "| server | read | requests/s | p50 µs | p99 µs | server CPU µs/request |";
        writeln!(text, "{row}\n|---|---|--:|--:|--:|--:|")?;
        for server in &self.servers {
            for (what, rounds) in server.reads() {
                let middle = |of: fn(&Measured) -> f64| median(rounds.iter().map(of));
                writeln!(
                    text,
                    "| {} | {what} | {:.0} | {:.0} | {:.0} | {:.1} |",
                    server.name,
                    middle(|m| m.requests_per_second),
                    middle(|m| m.p50_us),
                    middle(|m| m.p99_us),
                    middle(|m| m.cpu_us),
                )?;
            }
        }
        let Self { pushed, .. } = self;
        writeln!(
            text,
            "\n| server | start-up ms | idle MiB | peak MiB while read | peak MiB while pushed to ({pushed}) | s |\n\
             |---|--:|--:|--:|--:|--:|"
        )?;
        for server in &self.servers {
            let name = &server.name;
            let start = median(server.start_ms.iter().copied());
            let idle = median(server.idle_mib.iter().copied());
            let read = median(server.read_peak_mib.iter().copied());
            write!(text, "| {name} | {start:.1} | {idle:.1} | {read:.1} |")?;
            if server.pushes.is_empty() {
                writeln!(text, " - | - |")?;
            } else {
                let peak = median(server.pushes.iter().map(|pushes| pushes.peak_mib));
                let seconds = median(server.pushes.iter().map(|pushes| pushes.seconds));
                writeln!(text, " {peak:.1} | {seconds:.1} |")?;
            }
        }
        Ok(())
    }
}

impl ServerResults {
    pub(super) fn of(name: String) -> Self {
        Self {
            name,
            start_ms: Vec::new(),
            idle_mib: Vec::new(),
            read_peak_mib: Vec::new(),
            pushes: Vec::new(),
            by_tag: Vec::new(),
            by_digest: Vec::new(),
            blob: Vec::new(),
        }
    }

    fn reads(&self) -> [(&'static str, &[Measured]); 3] {
        [
            ("manifest by tag", &self.by_tag),
            ("manifest by digest", &self.by_digest),
            ("blob of 1 KiB", &self.blob),
        ]
    }
}
