//! The spellings of a boolean.

use super::node::Form;

/// A boolean and how it is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Boolean {
    pub(super) value: bool,
    /// Whether every YAML reader takes the spelling for a boolean, rather than only one that expects a boolean and
    /// still knows YAML 1.1.
    pub(super) portable: bool,
}

/// Reads a boolean as Go's `yaml.v3` does where it decodes into one.
///
/// The second group is its concession to YAML 1.1: texts, in quotes or not, that it takes for booleans all the same.
pub(super) fn read(text: &str, form: Form) -> Option<Boolean> {
    let resolved = matches!(form, Form::Plain | Form::Boolean);
    let text_or_plain = matches!(form, Form::Plain | Form::Text);
    let (value, portable) = match text {
        "true" | "True" | "TRUE" if resolved => (true, true),
        "false" | "False" | "FALSE" if resolved => (false, true),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if text_or_plain => (true, false),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if text_or_plain => (false, false),
        _ => return None,
    };
    Some(Boolean { value, portable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let read = |text, form| read(text, form).map(|boolean| (boolean.value, boolean.portable));
        for (text, value) in [("true", true), ("TRUE", true), ("False", false)] {
            assert_eq!(read(text, Form::Plain), Some((value, true)));
            assert_eq!(read(text, Form::Boolean), Some((value, true)));
            assert_eq!(read(text, Form::Text), None);
        }
        let yes = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
        let no = ["n", "N", "no", "No", "NO", "off", "Off", "OFF"];
        for (texts, value) in [(yes, true), (no, false)] {
            for text in texts {
                assert_eq!(read(text, Form::Plain), Some((value, false)), "{text}");
                assert_eq!(read(text, Form::Text), Some((value, false)), "{text}");
                assert_eq!(read(text, Form::Boolean), None, "{text}");
            }
        }
        for text in ["1", "tRUE", "yES", "oN"] {
            assert_eq!(read(text, Form::Plain), None, "{text}");
        }
        assert_eq!(read("true", Form::Other), None);
    }
}
