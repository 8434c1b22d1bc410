//! The names of credential helpers.

use std::fmt;
use std::str::FromStr;

/// A credential helper's name, without the `docker-credential-` of its program: `[A-Za-z0-9._-]+`.
///
/// It comes from a file and becomes a part of a program's name, so it holds no separator of paths, no `..`, and no `-` at
/// its start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HelperName(Box<str>);

/// The text is not the name of a credential helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a credential helper's name is made of letters, digits, '.', '_' and '-'")]
pub struct NotAHelperName;

impl HelperName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the helper's program.
    pub fn program(&self) -> String {
        format!("docker-credential-{}", self.0)
    }
}

impl FromStr for HelperName {
    type Err = NotAHelperName;

    fn from_str(text: &str) -> Result<Self, NotAHelperName> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if text.is_empty()
            || text.len() > 128
            || text.starts_with('-')
            || text.contains("..")
            || !text.bytes().all(is_allowed)
        {
            return Err(NotAHelperName);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_path_or_an_option() {
        for good in ["desktop", "ecr-login", "gcloud.v2", "x_1", ".hidden"] {
            assert_eq!(good.parse::<HelperName>().unwrap().as_str(), good);
        }
        let long = "x".repeat(129);
        for bad in [
            "", "-x", "a/b", "a\\b", "..", "a..b", "a b", "a\0", "a\n", "é", "$(id)", "c:x", &long,
        ] {
            assert_eq!(bad.parse::<HelperName>(), Err(NotAHelperName), "{bad:?}");
        }
    }
}
