//! What a plan's file says as text: names, headers, times; each checked where it stands.

use std::fmt;
use std::time::Duration;

use eigenpack_oci::{Repository, TagOrDigest};
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Headers, in their order; a name may come more than once.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Adds a header. What cannot be one is left out of the answer, and so is what says how its body ends.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.0.iter().filter_map(|(name, value)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            // How a body ends is not for a header alone to say; there is a fault for it.
            if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
                return None;
            }
            Some((name, HeaderValue::from_str(value).ok()?))
        })
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers: an object of names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    header_name(&name)?;
                    let value = map.next_value::<String>()?;
                    HeaderValue::from_str(&value)
                        .map_err(|_| A::Error::custom("this is not the value of a header"))?;
                    headers.push((name, value));
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

fn header_name<E: Error>(name: &str) -> Result<(), E> {
    HeaderName::try_from(name)
        .map(drop)
        .map_err(|_| E::custom(format!("{name:?} is not the name of a header")))
}

/// Reads the names of headers.
pub(super) fn header_names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().try_for_each(|name| header_name(name))?;
    Ok(names)
}

/// Reads a status that an answer can end with.
pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    let known = StatusCode::from_u16(status).is_ok() && (200..600).contains(&status);
    known
        .then_some(status)
        .ok_or_else(|| D::Error::custom("a status is a number from 200 to 599"))
}

/// Reads the value of one header.
pub(super) fn header_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = String::deserialize(deserializer)?;
    match HeaderValue::from_str(&value) {
        Ok(_) => Ok(value),
        Err(_) => Err(D::Error::custom("this is not the value of a header")),
    }
}

pub(super) fn some_header_value<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    header_value(deserializer).map(Some)
}

pub(super) fn milliseconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

pub(super) fn some_milliseconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    milliseconds(deserializer).map(Some)
}

pub(super) fn repository<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Repository>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

pub(super) fn tag_or_digest<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TagOrDigest>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // A tag holds no colon, a digest always does.
    let parsed = if text.contains(':') {
        TagOrDigest::Digest(text.parse().map_err(D::Error::custom)?)
    } else {
        TagOrDigest::Tag(text.parse().map_err(D::Error::custom)?)
    };
    Ok(Some(parsed))
}
