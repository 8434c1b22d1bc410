//! The rules' names.

use std::fmt;

/// Declares the rules as one table: variant, stable id, what the rule demands.
macro_rules! rules {
    ($($variant:ident $id:literal $summary:literal;)+) => {
        /// A rule that a spec may break.
        ///
        /// The ids are stable: scripts may match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!("`", $id, "`: ", $summary, ".")] $variant,)+
        }

        impl Rule {
            /// Every rule, in the order in which faults at one place are listed.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the rule's stable name, in kebab case.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// Returns what the rule demands, in one line.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)+ }
            }
        }
    };
}

rules! {
    InputTooLarge "input-too-large" "a spec is at most 4 MiB";
    NotUtf8 "not-utf8" "a spec is UTF-8 text";
    YamlSyntax "yaml-syntax" "a spec is well-formed YAML or JSON";
    NestingTooDeep "nesting-too-deep" "nodes are nested at most 64 deep";
    TooManyNodes "too-many-nodes" "a spec has at most 250,000 nodes after its aliases are expanded";
    RecursiveAlias "recursive-alias" "an alias does not stand inside the node it refers to";
    EmptyInput "empty-input" "a spec has content";
    SeveralDocuments "several-documents" "a spec is a single YAML document";
    DuplicateKey "duplicate-key" "a key occurs once in its mapping";
    WrongType "wrong-type" "a field has the type that its readers decode";
    MissingField "missing-field" "a required field is present";
    EmptyValue "empty-value" "a required field is not empty";
    NullValue "null-value" "a required field is not null";
    TemplateResidue "template-residue" "nothing is left over from a template";
    UnknownField "unknown-field" "a field is one that some reader knows";
    CustomTag "custom-tag" "a value carries no YAML tag outside the core schema";
    BooleanSpelling "boolean-spelling" "a boolean is spelled `true` or `false`";
    UnknownApiVersion "unknown-api-version" "the `apiVersion` is a known one";
    MalformedKind "malformed-kind" "the `kind` is an identifier";
    UnknownKind "unknown-kind" "the `kind` is a known one";
    MalformedName "malformed-name" "a name is plain, short and on one line";
    MalformedVersion "malformed-version" "the `version` is short and without spaces";
    NoComponents "no-components" "a spec has at least one component";
    MalformedRegistry "malformed-registry" "a `registry` is `HOST[:PORT]/REPOSITORY`";
    RegistryScheme "registry-scheme" "a `registry` has no scheme";
    RegistryTag "registry-tag" "a `registry` has no tag";
    RegistryDigest "registry-digest" "a `registry` has no digest";
    RegistryHost "registry-host" "a `registry` names its host";
    MalformedDigest "malformed-digest" "a `digest` is well formed";
    UnverifiableDigest "unverifiable-digest" "a `digest` uses SHA-256 or SHA-512";
    MalformedEnvName "malformed-env-name" "a variable's name is one that a process can have";
    DuplicateEnvName "duplicate-env-name" "a variable is declared once in its component";
    SecretValue "secret-value" "a secret carries no value";
    MalformedPort "malformed-port" "a port is a number from 1 to 65535";
    TeeConflict "tee-conflict" "the two spellings of the TEE demand agree";
    TeeSpelling "tee-spelling" "every reader sees the TEE demand";
    EnvTypeConflict "env-type-conflict" "a variable's `type` and `kind` agree";
    EnvTypeSpelling "env-type-spelling" "every reader sees a variable's type";
    UnreadEnvValue "unread-env-value" "every reader sees a variable's value";
    UnreadPorts "unread-ports" "every reader sees the ports";
    UnreadCommand "unread-command" "every reader runs the command";
    UnreadComponent "unread-component" "the runner looks for every component";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_kebab_case_and_unique() {
        let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for id in ids {
            assert!(
                id.bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')),
                "{id}"
            );
        }
    }

    #[test]
    fn limits_named_in_summaries_are_the_real_ones() {
        use crate::spec::{MAX_DEPTH, MAX_NODES, MAX_SPEC_BYTES};
        assert!(
            Rule::NestingTooDeep
                .summary()
                .contains(&MAX_DEPTH.to_string())
        );
        assert!(
            Rule::TooManyNodes
                .summary()
                .replace(',', "")
                .contains(&MAX_NODES.to_string())
        );
        assert_eq!(MAX_SPEC_BYTES, 4 * 1024 * 1024);
    }
}
