//! The spellings of a boolean.

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
/// The second group is its concession to YAML 1.1, in quotes or not; `Yes` and `ON` are not in it.
pub(super) fn read(text: &str, plain: bool) -> Option<Boolean> {
    let (value, portable) = match text {
        "true" | "True" | "TRUE" if plain => (true, true),
        "false" | "False" | "FALSE" if plain => (false, true),
        "y" | "Y" | "yes" | "on" => (true, false),
        "n" | "N" | "no" | "off" => (false, false),
        _ => return None,
    };
    Some(Boolean { value, portable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        assert_eq!(
            read("TRUE", true),
            Some(Boolean {
                value: true,
                portable: true
            })
        );
        assert_eq!(
            read("off", true),
            Some(Boolean {
                value: false,
                portable: false
            })
        );
        assert_eq!(read("true", false), None);
        assert_eq!(read("Yes", true), None);
        assert_eq!(read("1", true), None);
    }
}
