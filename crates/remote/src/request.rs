//! A request to a registry, as it is asked for.

use url::Url;

use crate::concurrency::{Load, is_small};
use crate::needs::Needs;
use crate::outgoing::Outgoing;
use crate::transport::Method;

/// A request that is to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content: Option<Outgoing>,
    /// What it must be allowed to do.
    pub(crate) needs: Needs,
    /// Whether it may be sent again when it is not known whether it was carried out.
    pub(crate) repeatable: bool,
    /// Whether a redirect to another host is followed; it is the answer otherwise.
    pub(crate) may_leave: bool,
    /// Whether the registry chose the URL, so that its words may be ours.
    pub(crate) is_led: bool,
    pub(crate) read: Read,
}

/// What is to be done with the body of a successful answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    /// It means nothing: what the head says counts, however the body ends.
    Nothing,
    /// It is read into memory, and over so many bytes it is an error.
    UpTo(u64),
    /// It is left to be streamed, and should have so many bytes.
    Stream(u64),
}

impl Request {
    /// Makes a request that may be repeated, and whose answer is its head.
    pub(crate) fn new(method: Method, url: Url, needs: Needs) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            content: None,
            needs,
            repeatable: true,
            may_leave: true,
            is_led: false,
            read: Read::Nothing,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn content(mut self, media_type: &str, content: Outgoing) -> Self {
        self.content = Some(content);
        self.header("content-type", media_type)
    }

    pub(crate) fn reading(mut self, read: Read) -> Self {
        self.read = read;
        self
    }

    pub(crate) fn sent_once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    pub(crate) fn led(mut self, is_led: bool) -> Self {
        self.is_led = is_led;
        self
    }

    pub(crate) fn staying(mut self) -> Self {
        self.may_leave = false;
        self
    }

    /// Returns which share of the registry's requests it takes.
    pub(crate) fn load(&self) -> Load {
        match (&self.content, self.read) {
            (Some(content), _) if !content.is_small() => Load::Upload,
            (_, Read::Stream(bytes)) if !is_small(bytes) => Load::Download,
            _ => Load::Small,
        }
    }
}
