//! From reports and failures to what a person or a script reads.

mod auth;
mod clean;
mod fields;
mod json;
mod snippet;
mod text;

pub(crate) use clean::{clean, shell_quoted};
pub(crate) use fields::Fields;
pub(crate) use json::{failure_document, report_document};
pub(crate) use snippet::faults;
pub(crate) use text::{counted, failure_text, push_text, report_text};
