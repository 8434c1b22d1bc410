//! The columns of the matrix: the faults, and how to tell that one was met.

use std::time::Duration;

use eigenpack_registry::Exchange;
use eigenpack_registry::fault::{Fault, FaultPlan, Moment, Requests};

use super::row::Row;

/// Where an answer whose body means something goes wrong, in bytes.
const IN_ANSWER: u64 = 100;

/// Where content goes wrong, in bytes: less than the smallest has.
const IN_CONTENT: u64 = 3;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Column {
    Status(u16),
    /// With a `Retry-After` in seconds.
    AfterSeconds(u16),
    /// With a `Retry-After` that is a date.
    AfterDate(u16),
    ResetAtOnce,
    ResetBeforeHead,
    ResetInContent,
    ResetInAnswer,
    TruncatedAnswer,
    StalledAtOnce,
    StalledBeforeHead,
    StalledContent,
    StalledAnswer,
    CorruptedContent,
    CorruptedStart,
    CorruptedAnswer,
    SlowAnswer,
}

/// Which test a fault belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Group {
    Statuses,
    Breaks,
    Silences,
    Contents,
}

use Column::*;

impl Column {
    pub(super) fn group(self) -> Group {
        match self {
            Status(_) | AfterSeconds(_) | AfterDate(_) => Group::Statuses,
            ResetAtOnce | ResetBeforeHead | ResetInContent | ResetInAnswer | TruncatedAnswer => {
                Group::Breaks
            }
            StalledAtOnce | StalledBeforeHead | StalledContent | StalledAnswer => Group::Silences,
            CorruptedContent | CorruptedStart | CorruptedAnswer | SlowAnswer => Group::Contents,
        }
    }

    /// Returns the status that is answered in the registry's place.
    pub(super) fn status(self) -> Option<u16> {
        match self {
            Status(status) | AfterSeconds(status) | AfterDate(status) => Some(status),
            _ => None,
        }
    }

    /// Tells whether the registry carries out a request all the same, content and all.
    pub(super) fn is_carried_out(self) -> bool {
        matches!(
            self,
            ResetBeforeHead
                | ResetInAnswer
                | TruncatedAnswer
                | StalledBeforeHead
                | StalledAnswer
                | CorruptedStart
                | CorruptedAnswer
                | SlowAnswer
        )
    }

    /// Adds the fault to a plan, for these requests.
    pub(super) fn plan(self, plan: FaultPlan, row: Row, requests: Requests) -> FaultPlan {
        let in_answer = if row.reads() { IN_ANSWER } else { 0 };
        let fault = match self {
            Status(status) => Fault::answer(status).into(),
            AfterSeconds(status) => Fault::answer(status).header("retry-after", "1").into(),
            AfterDate(status) => {
                let date = "Fri, 31 Dec 2100 00:00:00 GMT";
                Fault::answer(status).header("retry-after", date).into()
            }
            ResetAtOnce => Fault::Reset(Moment::AtOnce),
            ResetBeforeHead => Fault::Reset(Moment::BeforeHead),
            ResetInContent => Fault::Reset(Moment::RequestBytes(IN_CONTENT)),
            ResetInAnswer => Fault::Reset(Moment::BodyBytes(in_answer)),
            TruncatedAnswer => Fault::Cut(in_answer),
            StalledAtOnce => Fault::stall(Moment::AtOnce),
            StalledBeforeHead => Fault::stall(Moment::BeforeHead),
            StalledContent => Fault::stall(Moment::RequestBytes(IN_CONTENT)),
            StalledAnswer => Fault::stall(Moment::BodyBytes(in_answer)),
            CorruptedContent => Fault::CorruptRequest(IN_CONTENT),
            CorruptedStart => Fault::Corrupt(0),
            CorruptedAnswer => Fault::Corrupt(IN_ANSWER),
            SlowAnswer => Fault::Drip {
                bytes: 40_000.try_into().unwrap(),
                pause: Duration::from_millis(1),
            },
        };
        let is_in_answer = matches!(self, ResetInAnswer | TruncatedAnswer | StalledAnswer);
        if is_in_answer && !row.reads() {
            // The answers to writes are empty, so a body is announced to go wrong.
            plan.rule(requests.clone(), Fault::Length(IN_ANSWER))
                .rule(requests, fault)
        } else {
            plan.rule(requests, fault)
        }
    }

    /// Checks that a request met the fault.
    pub(super) fn assert_met(self, row: Row, met: &Exchange) {
        let is_success = met
            .status
            .is_some_and(|status| (200..300).contains(&status));
        let in_answer = if row.reads() { IN_ANSWER } else { 0 };
        let is_met = match self {
            Status(_) | AfterSeconds(_) | AfterDate(_) => met.status == self.status(),
            ResetAtOnce | StalledAtOnce => met.status.is_none() && met.bytes_in == 0,
            ResetBeforeHead | StalledBeforeHead => {
                let announced = met.header("content-length").unwrap_or("0");
                met.status.is_none() && announced == met.bytes_in.to_string()
            }
            ResetInContent | StalledContent => met.status.is_none() && met.bytes_in >= IN_CONTENT,
            ResetInAnswer | TruncatedAnswer | StalledAnswer => {
                is_success && met.bytes_out == in_answer
            }
            CorruptedContent => met.bytes_in > IN_CONTENT,
            CorruptedStart => is_success && met.bytes_out > 0,
            CorruptedAnswer | SlowAnswer => is_success && met.bytes_out > IN_ANSWER,
        };
        assert!(is_met, "{self:?} of {row:?} is not met: {met:?}");
    }
}
