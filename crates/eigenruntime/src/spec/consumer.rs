//! The programs that read published specs.

use std::fmt;
use std::str::FromStr;

/// A program that reads specs, with its own spelling of some fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Consumer {
    /// `hgctl`, which runs the components of an Hourglass AVS.
    Hgctl,
    /// The Go library `eigenruntime-go`.
    EigenruntimeGo,
}

impl Consumer {
    /// Every consumer that is known.
    pub const ALL: &[Self] = &[Self::Hgctl, Self::EigenruntimeGo];

    /// Returns the consumer's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hgctl => "hgctl",
            Self::EigenruntimeGo => "eigenruntime-go",
        }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text is not the name of a consumer that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a known consumer; known are `hgctl` and `eigenruntime-go`")]
pub struct UnknownConsumer;

impl FromStr for Consumer {
    type Err = UnknownConsumer;

    fn from_str(text: &str) -> Result<Self, UnknownConsumer> {
        Self::ALL
            .iter()
            .copied()
            .find(|consumer| consumer.as_str() == text)
            .ok_or(UnknownConsumer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_to_its_consumer() {
        for consumer in Consumer::ALL {
            assert_eq!(consumer.to_string().parse(), Ok(*consumer));
        }
        assert_eq!("HGCTL".parse::<Consumer>(), Err(UnknownConsumer));
    }
}
