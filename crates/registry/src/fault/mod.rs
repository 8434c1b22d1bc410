//! Faults on demand: a plan of what goes wrong with which requests, for whoever tests a client.
//!
//! A [`FaultPlan`] is a value, built here or read from JSON; `docs/faults.md` describes the file. [`Faults`] is a plan in
//! force: it counts the requests that its rules wait for, and another plan can take its place while the server runs.
//!
//! ```
//! use eigenpack_registry::ServerOptions;
//! use eigenpack_registry::fault::{Endpoint, Fault, FaultPlan, Moment, Requests};
//!
//! let plan = FaultPlan::new()
//!     .rule(Requests::to(Endpoint::Manifest).nth(1), Fault::answer(429).header("retry-after", "1"))
//!     .rule(Requests::to(Endpoint::Blob).first(2), Fault::Reset(Moment::BodyBytes(1000)));
//! let mut options = ServerOptions::default();
//! options.faults = Some(plan.into());
//! ```

mod armed;
mod body;
mod link;
mod plan;
mod requests;
mod tap;
mod text;

pub use armed::Faults;
pub use plan::{Answer, Fault, FaultPlan, FaultPlanError, Feature, MAX_PLAN_SIZE, Moment, Rule};
pub use requests::{Endpoint, Method, Requests, When};
pub use text::Headers;

pub(crate) use link::Breakable;
pub(crate) use tap::{RequestTap, Tap, Watch};
