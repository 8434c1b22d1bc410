//! A JSON object that is edited without losing what is not understood.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// The fields of a JSON object, in the order and in the very spelling in which they were written.
///
/// An object with a duplicate key does not parse: readers disagree on what it means.
#[derive(Clone, Debug, Default)]
pub(crate) struct JsonObject(Vec<(String, Box<RawValue>)>);

impl JsonObject {
    /// Returns a field as it was written.
    pub(crate) fn get(&self, key: &str) -> Option<&RawValue> {
        let (_, value) = self.0.iter().find(|(name, _)| name == key)?;
        Some(value)
    }

    /// Reads a field; absent and `null` are both nothing.
    pub(crate) fn read<'a, T: Deserialize<'a>>(
        &'a self,
        key: &str,
    ) -> serde_json::Result<Option<T>> {
        self.get(key)
            .map_or(Ok(None), |raw| serde_json::from_str(raw.get()))
    }

    /// Sets a field, in the place that it has or else at the end.
    pub(crate) fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, present)) => *present = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Removes a field.
    pub(crate) fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }
}

/// Writes a value that has text for keys throughout, as all in a layout does.
pub(crate) fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("maps with text for keys are JSON")
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = JsonObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject, A::Error> {
                let mut fields = Vec::<(String, _)>::new();
                while let Some((key, value)) = map.next_entry()? {
                    if fields.iter().any(|(name, _)| *name == key) {
                        return Err(de::Error::custom(format!("duplicate key {key:?}")));
                    }
                    fields.push((key, value));
                }
                Ok(JsonObject(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_spelling_and_unknown_fields() {
        let text = r#"{"z":1.50,"a":{"k" : [null]},"m":"\u0041"}"#;
        let mut object: JsonObject = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
        object.set("a", raw(&2));
        object.set("new", raw("x"));
        object.remove("m");
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            r#"{"z":1.50,"a":2,"new":"x"}"#
        );
        assert!(serde_json::from_str::<JsonObject>(r#"{"a":1,"a":2}"#).is_err());
        assert!(serde_json::from_str::<JsonObject>("[]").is_err());
    }
}
