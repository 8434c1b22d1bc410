//! The tag that stands in for the referrers API where a registry has none.

use crate::digest::Digest;
use crate::reference::Tag;

/// Returns the tag under which an index of the referrers of `digest` is kept (distribution specification, "Referrers Tag
/// Schema").
///
/// The algorithm is cut to 32 characters, the encoded part to 64, and what a tag cannot hold becomes a dash. `None` only
/// where even that is no tag.
pub fn fallback_tag(digest: &Digest) -> Option<Tag> {
    let algorithm = digest.algorithm().as_str().chars().take(32);
    let encoded = digest.encoded().chars().take(64);
    let text: String = algorithm
        .chain(['-'])
        .chain(encoded)
        .map(|c| {
            let legal = c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            if legal { c } else { '-' }
        })
        .collect();
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_replaces() {
        let tag = |text: &str| fallback_tag(&text.parse().unwrap()).unwrap().to_string();
        let hex = "ab".repeat(32);
        assert_eq!(tag(&format!("sha256:{hex}")), format!("sha256-{hex}"));
        assert_eq!(tag(&format!("sha512:{hex}{hex}")), format!("sha512-{hex}"));
        assert_eq!(tag("a+b:x=y"), "a-b-x-y");
    }
}
