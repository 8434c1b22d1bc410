//! Scopes: what a bearer token allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::reference::Repository;

/// The longest scope list read, in bytes, and the most scopes in it.
const MAX_LENGTH: usize = 4096;
const MAX_SCOPES: usize = 64;

/// One scope, `type:name:action,action` (distribution's `spec/auth/scope.md`).
///
/// The name may itself hold colons (`repository:host:5000/name:pull`), so the type ends at the first and the actions start
/// after the last. A text of another form is kept whole, as a resource without actions: registries define their own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    resource: String,
    actions: BTreeSet<String>,
}

impl Scope {
    /// Parses one scope; every text without spaces is one.
    pub fn parse(text: &str) -> Self {
        let (resource, actions) = match (text.find(':'), text.rfind(':')) {
            (Some(first), Some(last)) if first < last => (&text[..last], &text[last + 1..]),
            _ => (text, ""),
        };
        let actions: BTreeSet<String> = actions
            .split(',')
            .filter(|action| !action.is_empty())
            .map(str::to_owned)
            .collect();
        let resource = if actions.is_empty() { text } else { resource };
        Self {
            resource: resource.to_owned(),
            actions,
        }
    }

    /// Makes the scope that reading from `repository` takes.
    pub fn pull(repository: &Repository) -> Self {
        Self::parse(&format!("repository:{repository}:pull"))
    }

    /// Makes the scope that writing to `repository` takes.
    pub fn push(repository: &Repository) -> Self {
        Self::parse(&format!("repository:{repository}:pull,push"))
    }

    /// Makes the scope that deleting from `repository` takes: not specified, but what registries ask for.
    pub fn delete(repository: &Repository) -> Self {
        Self::parse(&format!("repository:{repository}:delete"))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scope(f, &self.resource, &self.actions)
    }
}

fn write_scope(
    f: &mut fmt::Formatter<'_>,
    resource: &str,
    actions: &BTreeSet<String>,
) -> fmt::Result {
    f.write_str(resource)?;
    for (at, action) in actions.iter().enumerate() {
        f.write_str(if at == 0 { ":" } else { "," })?;
        f.write_str(action)?;
    }
    Ok(())
}

/// Scopes merged by resource, sorted and without repetition: equal sets have equal text, so it is a key for a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeSet(BTreeMap<String, BTreeSet<String>>);

impl ScopeSet {
    /// Parses a list of scopes parted by spaces, as a challenge has it; what is over the bounds is left out.
    pub fn parse(text: &str) -> Self {
        let mut set = Self::default();
        if text.len() <= MAX_LENGTH {
            for scope in text.split_ascii_whitespace().take(MAX_SCOPES) {
                set.add(Scope::parse(scope));
            }
        }
        set
    }

    /// Adds one scope; `*` stands for every action.
    pub fn add(&mut self, scope: Scope) {
        let actions = self.0.entry(scope.resource).or_default();
        actions.extend(scope.actions);
        if actions.contains("*") {
            actions.retain(|action| action == "*");
        }
    }

    /// Adds every scope of `other`.
    pub fn merge(&mut self, other: &Self) {
        for scope in other.iter() {
            self.add(scope);
        }
    }

    /// Tells whether everything that `other` allows is allowed here.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(resource, wanted)| {
            self.0
                .get(resource)
                .is_some_and(|actions| actions.contains("*") || wanted.is_subset(actions))
        })
    }

    /// Returns the scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().map(|(resource, actions)| Scope {
            resource: resource.clone(),
            actions: actions.clone(),
        })
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Scope> for ScopeSet {
    fn from(scope: Scope) -> Self {
        let mut set = Self::default();
        set.add(scope);
        set
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (resource, actions)) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write_scope(f, resource, actions)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn merges_sorts_and_drops_repetition() {
        for (text, canonical) in [
            (
                "repository:b:push,pull repository:a:pull repository:b:pull",
                "repository:a:pull repository:b:pull,push",
            ),
            ("repository:host:5000/a:pull", "repository:host:5000/a:pull"),
            ("repository:a:pull,* repository:a:push", "repository:a:*"),
            ("registry:catalog:*  aws", "aws registry:catalog:*"),
            ("repository(plugin):a:pull", "repository(plugin):a:pull"),
            ("a: : b:c:", ": a: b:c:"),
        ] {
            assert_eq!(ScopeSet::parse(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn knows_what_it_covers() {
        let all = ScopeSet::parse("repository:a:* repository:b:pull,push");
        for (wanted, covered) in [
            ("repository:a:pull,delete", true),
            ("repository:b:push", true),
            ("repository:b:delete", false),
            ("repository:c:pull", false),
            ("", true),
        ] {
            assert_eq!(all.covers(&ScopeSet::parse(wanted)), covered, "{wanted}");
        }
    }

    #[test]
    fn is_bounded() {
        assert!(ScopeSet::parse(&"a:b:c ".repeat(1000)).is_empty());
        let many: Vec<_> = (0..200).map(|n| format!("a:{n}:c")).collect();
        assert_eq!(ScopeSet::parse(&many.join(" ")).iter().count(), MAX_SCOPES);
    }

    proptest! {
        #[test]
        fn text_and_set_agree(text in "((repository|registry|[a-z]{0,3})(:[a-z/:]{0,6}){0,3}(:(pull|push|\\*|,){0,4})? ){0,5}|\\PC{0,30}") {
            let set = ScopeSet::parse(&text);
            prop_assert_eq!(ScopeSet::parse(&set.to_string()), set);
        }
    }
}
