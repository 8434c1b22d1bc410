//! JSON as the specifications want it: an object where one belongs, no key twice, nothing nested without end.
//!
//! Two readers of one document must not see two different things. Parsers differ in which of two equal keys they keep,
//! so a document with such keys is refused (image specification, `considerations.md`: I-JSON).

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::deceptive::without_control_characters;

/// How many characters of a parser's words are shown.
const MAX_REASON: usize = 200;

/// Reads a document that is a JSON object, in which no object has a key twice.
///
/// Depth is bounded by the JSON parser (128 levels).
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    UniqueKeys.deserialize(&mut deserializer)?;
    deserializer.end()?;
    from_checked(bytes)
}

/// Reads a document that [`from_slice`] has read before as something else.
pub(crate) fn from_checked<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> serde_json::Result<T> {
    let Object(value) = serde_json::from_slice(bytes)?;
    Ok(value)
}

/// Says why JSON could not be read, in at most some 200 characters, with the place, and safe to show: a parser's words
/// quote what was read.
pub fn reason(error: &serde_json::Error) -> String {
    let text = without_control_characters(&error.to_string());
    if text.chars().count() <= MAX_REASON {
        return text;
    }
    let start: String = text.chars().take(MAX_REASON).collect();
    let (line, column) = (error.line(), error.column());
    format!("{start}… at line {line} column {column}")
}

/// A value that is written as an object. A list of its fields, which a derived reader takes as well, is none.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Walks any JSON value and keeps nothing of it.
struct UniqueKeys;

impl<'de> DeserializeSeed<'de> for UniqueKeys {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if keys.contains(&key) {
                let shown: String = key.escape_debug().take(80).collect();
                return Err(A::Error::custom(format_args!(
                    "the key \"{shown}\" is there twice"
                )));
            }
            keys.insert(key);
            entries.next_value_seed(Self)?;
        }
        Ok(())
    }
}
