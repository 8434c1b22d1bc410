//! Reading a fault plan, and not more of it than a plan can have.

use std::fs::File;
use std::io::{self, Read as _};

use eigenpack_registry::fault::{FaultPlan, MAX_PLAN_SIZE};

use crate::failure::Failure;

/// Reads the plan that `serve` is to follow.
pub(super) fn read_fault_plan(path: &str) -> Result<FaultPlan, Failure> {
    let json = read(path).map_err(|error| Failure::file("read the fault plan", path, &error))?;
    FaultPlan::from_json(&json).map_err(|error| Failure::fault_plan(path, &error))
}

/// Reads one byte more than a plan may have, which is enough to know that it is too large.
fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    File::open(path)?
        .take(MAX_PLAN_SIZE + 1)
        .read_to_end(&mut json)?;
    Ok(json)
}
