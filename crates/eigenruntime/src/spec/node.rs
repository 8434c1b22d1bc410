//! The nodes of a spec's YAML, with all that decoding into types would lose.

use std::sync::Arc;

use super::boolean::{self, Boolean};
use super::source::Span;

/// How many levels of nodes there can be. A spec needs six.
pub const MAX_DEPTH: usize = 64;

/// How many nodes there can be after aliases are expanded.
///
/// Some 30 MB of memory; more than 1 MiB of the smallest environment variables needs. A long text counts as one more
/// node for each 64 bytes, so that an alias to it is not a cheap way to keep the rules busy.
pub const MAX_NODES: usize = 250_000;

const BYTES_PER_NODE: usize = 64;

/// A node and where it stands.
///
/// A node that an alias stands for keeps the place of its definition.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    /// The tag as written, if it is outside YAML's core schema.
    pub(super) custom_tag: Option<Arc<str>>,
    pub(super) span: Span,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A text as written, with escapes of quoted text resolved. Copies made for aliases share it.
    Scalar {
        /// The text.
        text: Arc<str>,
        /// What a reader takes it for.
        form: Form,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order it is written, keys that occur twice included.
    Mapping(Vec<Entry>),
}

/// What a text is to a reader before it asks for a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Written without quotes and without a tag, so that it may be of another type if it looks like one.
    Plain,
    /// A text: in quotes, or with the tag `!!str` or one outside the core schema.
    Text,
    /// A boolean, by the tag `!!bool`.
    Boolean,
    /// An integer, by the tag `!!int`.
    Integer,
    /// Something else, by another tag of the core schema.
    Other,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
}

impl Entry {
    /// Returns the key's text, if it is one.
    pub(super) fn name(&self) -> Option<&str> {
        self.key.text()
    }
}

impl Node {
    /// Returns the text, if this is a scalar that is not null.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the entries, if this is a mapping.
    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the items, if this is a list.
    pub(super) fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the boolean, if readers that expect one take this for one.
    pub(super) fn boolean(&self) -> Option<Boolean> {
        match &self.value {
            Value::Scalar { text, form } => boolean::read(text, *form),
            _ => None,
        }
    }

    /// Tells whether readers that expect an integer take this for one, if it looks like one.
    pub(super) fn may_be_integer(&self) -> bool {
        let Value::Scalar { form, .. } = self.value else {
            return false;
        };
        matches!(form, Form::Plain | Form::Integer)
    }

    /// Tells whether this is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Tells whether there is nothing to see of this node in the text: `key:` and no more.
    pub(super) fn is_unwritten(&self) -> bool {
        self.is_null() && self.span.is_empty()
    }

    /// Names the node's type for a message.
    pub(super) fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Scalar { .. } => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// Returns how many nodes this one counts for, without those below it.
    pub(super) fn weight(&self) -> usize {
        1 + self.text().map_or(0, str::len) / BYTES_PER_NODE
    }

    /// Returns how many nodes this one and those below it count for, and how many levels they have.
    pub(super) fn measure(&self) -> (usize, usize) {
        let mut nodes = self.weight();
        let mut below = 0;
        let mut add = |node: &Node| {
            let (count, levels) = node.measure();
            nodes += count;
            below = below.max(levels);
        };
        match &self.value {
            Value::Null | Value::Scalar { .. } => {}
            Value::Sequence(items) => items.iter().for_each(add),
            Value::Mapping(entries) => {
                for entry in entries {
                    add(&entry.key);
                    add(&entry.value);
                }
            }
        }
        (nodes, below + 1)
    }
}
