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
    pub(super) load: String,
    pub(super) server_core: String,
    pub(super) servers: Vec<ServerResults>,
}

/// What was measured of one server.
#[derive(Default, Serialize)]
pub(super) struct ServerResults {
    pub(super) name: String,
    pub(super) start_ms: Vec<f64>,
    pub(super) idle_mib: f64,
    /// The most memory that reading took.
    pub(super) read_peak_mib: f64,
    pub(super) pushes: Option<PushResults>,
    pub(super) by_tag: Vec<Measured>,
    pub(super) by_digest: Vec<Measured>,
    pub(super) blob: Vec<Measured>,
}

/// What was measured while many large blobs were pushed at once.
#[derive(Serialize)]
pub(super) struct PushResults {
    pub(super) count: u64,
    pub(super) mib: u64,
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
        let row = "| server | start-up ms | idle MiB | peak MiB while read |";
        writeln!(
            text,
            "\n{row} peak MiB while pushed to | s |\n|---|--:|--:|--:|--:|--:|"
        )?;
        for server in &self.servers {
            let (peak, seconds) = server.pushes.as_ref().map_or_else(
                || ("-".to_owned(), "-".to_owned()),
                |pushes| {
                    let PushResults { count, mib, .. } = pushes;
                    let peak = format!("{:.1} ({count} × {mib} MiB)", pushes.peak_mib);
                    (peak, format!("{:.1}", pushes.seconds))
                },
            );
            let start = median(server.start_ms.iter().copied());
            writeln!(
                text,
                "| {} | {start:.1} | {:.1} | {:.1} | {peak} | {seconds} |",
                server.name, server.idle_mib, server.read_peak_mib
            )?;
        }
        Ok(())
    }
}

impl ServerResults {
    fn reads(&self) -> [(&'static str, &[Measured]); 3] {
        [
            ("manifest by tag", &self.by_tag),
            ("manifest by digest", &self.by_digest),
            ("blob of 1 KiB", &self.blob),
        ]
    }
}
