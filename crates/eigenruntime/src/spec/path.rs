//! The path to a field, as a fault shows it.

use std::fmt;

use super::excerpt::excerpt;

/// A path such as `spec.executor.env[0].name`; that of the whole spec is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldPath(String);

impl FieldPath {
    /// Returns the path of the field `name` below this one.
    pub(super) fn field(&self, name: &str) -> Self {
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        Self(match (plain, self.0.is_empty()) {
            (true, true) => excerpt(name),
            (true, false) => format!("{}.{}", self.0, excerpt(name)),
            (false, _) => format!("{}[\"{}\"]", self.0, excerpt(name)),
        })
    }

    /// Returns the path of the item at `index` below this one.
    pub(super) fn item(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// Returns the path as text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fields_and_items() {
        let env = FieldPath::default()
            .field("spec")
            .field("api-server")
            .field("env");
        assert_eq!(
            env.item(2).field("name").to_string(),
            "spec.api-server.env[2].name"
        );
        assert_eq!(
            FieldPath::default().field("a.b").field("").to_string(),
            "[\"a.b\"][\"\"]"
        );
    }
}
