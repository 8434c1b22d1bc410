//! The users of a server and the hashes of their passwords, as an htpasswd file lists them.

use std::collections::BTreeMap;
use std::fmt;

use bcrypt::HashParts;

/// The largest htpasswd file read, in bytes.
const MAX_SIZE: usize = 1024 * 1024;

/// The highest cost taken, which is the highest that `htpasswd` makes. Each step doubles the time of a check: this one
/// takes seconds already.
const MAX_COST: u32 = 17;

/// Who may use a server: what an htpasswd file says.
///
/// A line is `NAME:HASH`, where the hash is one of bcrypt; `htpasswd -B` makes it. Lines that are empty or start with
/// `#` count for nothing. Others know further kinds of hashes, but those can be guessed too quickly.
///
/// ```
/// use eigenpack_registry::Htpasswd;
/// let file = b"ann:$2y$04$GWAe.kIkupRxYG/AewrSPO8sVEhFxwcEYJy/TsPLoi.V8PsGFb9K6\n";
/// assert_eq!(Htpasswd::parse(file)?.len(), 1);
/// # Ok::<(), eigenpack_registry::HtpasswdError>(())
/// ```
#[derive(Clone)]
pub struct Htpasswd {
    entries: BTreeMap<Box<str>, Entry>,
}

/// The hash of one user's password.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) hash: Box<str>,
    pub(crate) cost: u32,
}

/// Why bytes are not an htpasswd file that can be used. It shows nothing of their content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HtpasswdError {
    /// There is more than any such file holds.
    #[error("it has more than {MAX_SIZE} bytes")]
    TooLarge,
    /// No line names a user.
    #[error("it names no user")]
    Empty,
    /// A line is not UTF-8.
    #[error("line {line} is not UTF-8 text")]
    NotText {
        /// The line, from 1.
        line: usize,
    },
    /// A line has no name, or nothing after it.
    #[error("line {line} is not NAME:HASH")]
    Malformed {
        /// The line, from 1.
        line: usize,
    },
    /// A password is hashed in another way, or not at all.
    #[error("line {line}: the password is not hashed with bcrypt, as `htpasswd -B` does")]
    NotBcrypt {
        /// The line, from 1.
        line: usize,
    },
    /// A hash is cut, say.
    #[error("line {line}: the bcrypt hash is not well formed")]
    BadHash {
        /// The line, from 1.
        line: usize,
    },
    /// A check would take too long, or none is possible.
    #[error("line {line}: the bcrypt cost is {cost}; it may be 4 to {MAX_COST}")]
    BadCost {
        /// The line, from 1.
        line: usize,
        /// The cost.
        cost: u32,
    },
    /// A user has two lines.
    #[error("line {line} names a user that an earlier line names")]
    Duplicate {
        /// The later line, from 1.
        line: usize,
    },
}

impl Htpasswd {
    /// Reads the content of an htpasswd file.
    pub fn parse(bytes: &[u8]) -> Result<Self, HtpasswdError> {
        if bytes.len() > MAX_SIZE {
            return Err(HtpasswdError::TooLarge);
        }
        let mut entries = BTreeMap::new();
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let number = at + 1;
            let text = std::str::from_utf8(line)
                .map_err(|_| HtpasswdError::NotText { line: number })?
                .trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let malformed = HtpasswdError::Malformed { line: number };
            let (name, hash) = text.split_once(':').ok_or(malformed.clone())?;
            if name.is_empty() || hash.is_empty() {
                return Err(malformed);
            }
            let entry = Entry::parse(hash, number)?;
            if entries.insert(name.into(), entry).is_some() {
                return Err(HtpasswdError::Duplicate { line: number });
            }
        }
        if entries.is_empty() {
            return Err(HtpasswdError::Empty);
        }
        Ok(Self { entries })
    }

    /// Returns how many users there are; at least one.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a file without users is an error"
    )]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (&**name, entry))
    }
}

impl Entry {
    fn parse(hash: &str, line: usize) -> Result<Self, HtpasswdError> {
        if !["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|kind| hash.starts_with(kind))
        {
            return Err(HtpasswdError::NotBcrypt { line });
        }
        let parts: HashParts = hash.parse().map_err(|_| HtpasswdError::BadHash { line })?;
        let cost = parts.get_cost();
        if !(4..=MAX_COST).contains(&cost) {
            return Err(HtpasswdError::BadCost { line, cost });
        }
        Ok(Self {
            hash: hash.into(),
            cost,
        })
    }
}

impl fmt::Debug for Htpasswd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Htpasswd")
            .field("users", &self.entries.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$04$GWAe.kIkupRxYG/AewrSPO8sVEhFxwcEYJy/TsPLoi.V8PsGFb9K6";

    fn parse(text: &str) -> Result<Vec<String>, HtpasswdError> {
        let file = Htpasswd::parse(text.as_bytes())?;
        Ok(file.entries().map(|(name, _)| name.to_owned()).collect())
    }

    #[test]
    fn lines_name_users() {
        let others = HASH.replace("2y", "2a") + "\nü:" + &HASH.replace("2y", "2b");
        let file = format!("# users\r\n\r\nann:{HASH}\r\n\n  # more\n bob:{others}");
        assert_eq!(
            parse(&file),
            Ok(["ann", "bob", "ü"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_by_its_line() {
        use HtpasswdError as E;
        let with = |second: &str| parse(&format!("ann:{HASH}\n{second}\n")).unwrap_err();
        assert_eq!(parse("# nobody\n"), Err(E::Empty));
        assert_eq!(parse(&"#".repeat(MAX_SIZE + 1)), Err(E::TooLarge));
        for malformed in ["bob", "bob:", &format!(":{HASH}")] {
            assert_eq!(with(malformed), E::Malformed { line: 2 }, "{malformed}");
        }
        for other in ["$apr1$x$y", "{SHA}x", "secret", "$2x$05$x", "rqXexS6ZhobKA"] {
            assert_eq!(with(&format!("bob:{other}")), E::NotBcrypt { line: 2 });
        }
        let cut = &HASH[..59];
        assert_eq!(with(&format!("bob:{cut}")), E::BadHash { line: 2 });
        assert_eq!(with(&format!("bob:{HASH}:more")), E::BadHash { line: 2 });
        for cost in [0, 3, 18, 31] {
            let hash = HASH.replace("$04$", &format!("${cost:02}$"));
            assert_eq!(with(&format!("bob:{hash}")), E::BadCost { line: 2, cost });
        }
        assert_eq!(with(&format!("ann:{HASH}")), E::Duplicate { line: 2 });
        let binary = Htpasswd::parse(b"\nann:\xff\n").unwrap_err();
        assert_eq!(binary, E::NotText { line: 2 });
    }

    #[test]
    fn hashes_are_not_shown() {
        let file = Htpasswd::parse(format!("ann:{HASH}").as_bytes()).unwrap();
        assert!(!format!("{file:?}").contains("2y"));
    }
}
