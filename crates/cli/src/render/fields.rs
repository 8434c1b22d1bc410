//! A list of names and values, aligned for people.

use super::clean;

/// Names and values, one a line, the values aligned.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a value.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Adds a value where there is one.
    pub(crate) fn add_some(&mut self, name: impl Into<String>, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    /// Writes the lines, cleaned.
    pub(crate) fn render(&self) -> String {
        let width = self
            .0
            .iter()
            .map(|(name, _)| clean(name).chars().count())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for (name, value) in &self.0 {
            let line = format!(
                "{:width$}  {}",
                clean(name),
                clean(value).replace('\n', "\\n")
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
