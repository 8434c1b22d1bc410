//! What to do about a fault, worked out only where the fault is listed.

/// The help of a fault.
///
/// A hostile spec can have a fault for every few bytes, of which few are listed; to look for what was meant by a name
/// costs more than all the rest of a fault.
pub(super) enum Help {
    /// A text that is there already.
    Text(String),
    /// A text that is worked out when it is needed.
    Later(Box<dyn FnOnce() -> String>),
}

impl Help {
    /// Puts off working out a help.
    pub(super) fn later(work_out: impl FnOnce() -> String + 'static) -> Self {
        Self::Later(Box::new(work_out))
    }

    /// Returns the text.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Later(work_out) => work_out(),
        }
    }
}

impl From<&str> for Help {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Help {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
