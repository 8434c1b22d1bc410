//! What a display of progress is told.

use std::fmt;

use crate::content::Pushed;
use crate::descriptor::Descriptor;
use crate::reference::RegistryHost;

/// Hears of the progress of an operation, and of what registries say; all of it is optional to listen to.
///
/// The libraries never print: whoever wants to show progress gives one of these.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// One step of an operation.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A blob is about to be sent or fetched.
    BlobStarted(&'a Descriptor),
    /// More bytes of a blob were moved.
    BlobProgress(&'a Descriptor, u64),
    /// A blob is in the target.
    BlobPushed(&'a Descriptor, Pushed),
    /// A blob was fetched and verified.
    BlobFetched(&'a Descriptor),
    /// A manifest is in the target.
    ManifestPushed(&'a Descriptor),
    /// A registry warns of something: for whoever is there to read it, and of no consequence for the operation.
    ///
    /// Each registry's warnings are told once each. The text has no control characters.
    Warning {
        /// The registry.
        host: &'a RegistryHost,
        /// What it says.
        text: &'a str,
    },
}

/// The observer that listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}
