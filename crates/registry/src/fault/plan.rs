//! The plan: rules in their order, each with the requests that it is for and what goes wrong with them.

use std::num::NonZeroUsize;
use std::time::Duration;

use eigenpack_oci::Digest;
use serde::Deserialize;

use super::requests::Requests;
use super::text::{self, Headers};

/// The largest file that a plan is read from, in bytes.
pub const MAX_PLAN_SIZE: u64 = 1024 * 1024;

/// What goes wrong with which requests: rules in their order.
///
/// Every rule counts every request that it is for. All faults that are due apply, in the order of their rules, up to the
/// first that keeps the request from the registry; those before it change or break its answer too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    pub(super) rules: Vec<Rule>,
}

/// One rule of a plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    pub(super) requests: Requests,
    pub(super) fault: Fault,
}

/// What goes wrong with a request. Bytes are counted from 0.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// The answer comes from the plan, and nothing is carried out.
    Answer(Answer),
    /// 401 with this challenge, as for a token that has expired; nothing is carried out.
    Unauthorized(#[serde(deserialize_with = "text::header_value")] String),
    /// A redirect; nothing is carried out.
    Redirect {
        /// Where to; `{path}` in it stands for the path and query that were asked for.
        #[serde(deserialize_with = "text::header_value")]
        to: String,
        /// 307, unless another is said.
        #[serde(default = "temporary", deserialize_with = "text::status")]
        status: u16,
    },
    /// The request is carried out, but answered with this status.
    Status(#[serde(deserialize_with = "text::status")] u16),
    /// The connection is reset (TCP RST).
    Reset(Moment),
    /// Nothing moves any more, until the time is over or the client goes away.
    Stall {
        /// From when on.
        at: Moment,
        /// How long; for ever, if not said.
        #[serde(
            default,
            rename = "milliseconds",
            deserialize_with = "text::some_milliseconds"
        )]
        time: Option<Duration>,
    },
    /// The connection is closed in good order after so many bytes of the answer's body, though more were announced.
    Cut(u64),
    /// This byte of the answer's body is another.
    Corrupt(u64),
    /// This byte of the request's body is another before the registry sees it.
    CorruptRequest(u64),
    /// The answer announces so many bytes, whatever its body has. What is over is not sent; what is missing never comes.
    Length(u64),
    /// The answer states this digest.
    Digest(Digest),
    /// The answer's headers are others.
    Headers {
        /// These are set, in place of those of the same names.
        #[serde(default)]
        set: Headers,
        /// These are left out.
        #[serde(default, deserialize_with = "text::header_names")]
        omit: Vec<String>,
    },
    /// The answer's body comes in small pieces with pauses between them.
    Drip {
        /// How many bytes a piece has.
        bytes: NonZeroUsize,
        /// How long each pause is.
        #[serde(rename = "milliseconds", deserialize_with = "text::milliseconds")]
        pause: Duration,
    },
    /// The registry does not know something that others do.
    Ignore(Feature),
    /// None of the requests is looked at before so many have come; then all are. It makes what runs side by side certain.
    Gather(NonZeroUsize),
}

/// When a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Moment {
    /// When the request's head has come: nothing is carried out.
    AtOnce,
    /// When so many bytes of the request's body have come; they are carried out as far as that goes. If it has fewer, never.
    RequestBytes(u64),
    /// When the request was carried out, before the answer's head.
    BeforeHead,
    /// When the answer's head and so many bytes of its body are sent. If it has no more than these, never.
    BodyBytes(u64),
}

/// What a registry may not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Feature {
    /// A blob in the POST that starts its upload: the content is dropped, and the answer is 202 with a session.
    SinglePost,
    /// A mount: the answer is 202 with a session, whatever there is.
    Mount,
    /// `Range`: the answer is always the whole blob.
    Range,
    /// `If-Match` and `If-None-Match`.
    Precondition,
}

/// An answer that the registry does not give itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(deserialize_with = "text::status")]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: Headers,
    #[serde(default)]
    pub(super) body: String,
}

/// Why a file is not a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultPlanError {
    /// It has more than [`MAX_PLAN_SIZE`] bytes.
    #[error("a plan may have at most {MAX_PLAN_SIZE} bytes")]
    TooLarge,
    /// Something in it is not what it should be.
    #[error("line {line}, column {column}: {reason}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1, or 0 for the end of the line before.
        column: usize,
        /// What is wrong.
        reason: String,
    },
}

impl FaultPlan {
    /// Makes a plan without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule at the end.
    #[must_use]
    pub fn rule(mut self, requests: Requests, fault: impl Into<Fault>) -> Self {
        self.rules.push(Rule {
            requests,
            fault: fault.into(),
        });
        self
    }

    /// Reads a plan from JSON. A field that is not known is an error: a fault that is not injected would go unnoticed.
    pub fn from_json(json: &[u8]) -> Result<Self, FaultPlanError> {
        if json.len() as u64 > MAX_PLAN_SIZE {
            return Err(FaultPlanError::TooLarge);
        }
        serde_json::from_slice(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            let place = format!(" at line {line} column {column}");
            FaultPlanError::Malformed {
                line,
                column,
                reason: text.strip_suffix(&place).unwrap_or(&text).to_owned(),
            }
        })
    }
}

impl Fault {
    /// An answer with this status and a body that says that it is a fault; nothing is carried out.
    pub fn answer(status: u16) -> Answer {
        Answer {
            status,
            headers: Headers::default(),
            body: String::new(),
        }
    }

    /// The connection stands still for good.
    pub fn stall(at: Moment) -> Self {
        Self::Stall { at, time: None }
    }

    /// Another value of one header of the answer.
    pub fn header(name: &str, value: &str) -> Self {
        Self::Headers {
            set: Headers::default().with(name, value),
            omit: Vec::new(),
        }
    }

    /// One header of the answer left out.
    pub fn without_header(name: &str) -> Self {
        Self::Headers {
            set: Headers::default(),
            omit: vec![name.to_owned()],
        }
    }

    /// A redirect with status 307; `{path}` stands for the path and query that were asked for.
    pub fn redirect(to: impl Into<String>) -> Self {
        Self::Redirect {
            to: to.into(),
            status: temporary(),
        }
    }
}

impl Answer {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers = self.headers.with(name, value);
        self
    }

    /// Sets the body; without one, the error of the specification says that a fault was injected.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

impl From<Answer> for Fault {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

fn temporary() -> u16 {
    307
}
