//! The fields of a JSON object, found as Go's programs find them.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The fields of a JSON object in their order, each value as it was written. Of equal keys the last counts.
#[derive(Clone, Debug, Default)]
pub(in crate::credentials) struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Reads an object; `null` is an empty one, and anything else is none.
    pub(in crate::credentials) fn of(raw: &RawValue) -> Option<Self> {
        if raw.get() == "null" {
            return Some(Self::default());
        }
        serde_json::from_str(raw.get()).ok()
    }

    /// Returns a field that a Go struct declares: in its exact spelling, or else in any case. `null` is nothing.
    pub(in crate::credentials) fn get(&self, name: &str) -> Option<&RawValue> {
        let in_any_case = || self.last(|key| key.eq_ignore_ascii_case(name));
        let (_, raw) = self.last(|key| key == name).or_else(in_any_case)?;
        Some(raw).filter(|raw| raw.get() != "null")
    }

    /// Returns the last field whose key is wanted, with that key.
    pub(in crate::credentials) fn last(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<(&str, &RawValue)> {
        let (key, raw) = self.0.iter().rev().find(|(key, _)| wanted(key))?;
        Some((key, raw))
    }

    /// Returns the keys, in the order of the file.
    pub(in crate::credentials) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    pub(in crate::credentials) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Fields {
    type Item = (String, Box<RawValue>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
