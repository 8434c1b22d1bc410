//! The tree of nodes seen as a spec: its fields and components, each with its place.
//!
//! What has another type than the spec's readers decode is not seen: one rule finds that, and the others need not ask.

use super::boolean::Boolean;
use super::collector::Place;
use super::merge::is_merge_key;
use super::node::{Entry, Node};
use super::path::FieldPath;
use super::source::Span;
use super::template;

/// A mapping and where a field that it lacks is placed.
#[derive(Clone, Debug)]
pub(super) struct Object<'a> {
    entries: &'a [Entry],
    place: Place,
}

/// A field of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) key: &'a Node,
    pub(super) value: &'a Node,
    pub(super) path: FieldPath,
}

impl<'a> Object<'a> {
    /// Sees the whole spec; its place is its first key.
    pub(super) fn root(node: &'a Node) -> Option<Self> {
        let span = node
            .entries()?
            .first()
            .map_or(0..0, |entry| entry.key.span.clone());
        Self::new(
            node,
            Place {
                span,
                path: FieldPath::default(),
            },
        )
    }

    fn new(node: &'a Node, place: Place) -> Option<Self> {
        Some(Self {
            entries: node.entries()?,
            place,
        })
    }

    /// Returns the place of the mapping: its key, or the item of a list that it is.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Returns the place of the field `name` that this mapping lacks.
    pub(super) fn missing(&self, name: &str) -> Place {
        Place {
            span: self.place.span.clone(),
            path: self.place.path.field(name),
        }
    }

    /// Returns the first field called `name`.
    pub(super) fn field(&self, name: &str) -> Option<Field<'a>> {
        self.entries
            .iter()
            .find(|entry| entry.name() == Some(name))
            .and_then(|entry| self.see(entry))
    }

    /// Iterates over the fields, also those whose key occurs twice.
    ///
    /// A merge key is none: one that is still there has a fault of its own.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field<'a>> {
        let fields = self.entries.iter().filter(|entry| !is_merge_key(entry));
        fields.filter_map(|entry| self.see(entry))
    }

    /// Iterates over the keys that are no text, and so no field's name.
    pub(super) fn odd_keys(&self) -> impl Iterator<Item = &'a Node> {
        self.entries
            .iter()
            .filter(|entry| entry.name().is_none())
            .map(|entry| &entry.key)
    }

    fn see(&self, entry: &'a Entry) -> Option<Field<'a>> {
        let name = entry.name()?;
        let path = self.place.path.field(name);
        Some(Field {
            name,
            key: &entry.key,
            value: &entry.value,
            path,
        })
    }
}

impl<'a> Field<'a> {
    /// Returns the place of the key.
    pub(super) fn key_place(&self) -> Place {
        self.place(&self.key.span)
    }

    /// Returns the place of the value, or of the key where no value is written.
    pub(super) fn value_place(&self) -> Place {
        self.place(if self.value.is_unwritten() {
            &self.key.span
        } else {
            &self.value.span
        })
    }

    fn place(&self, span: &Span) -> Place {
        Place {
            span: span.clone(),
            path: self.path.clone(),
        }
    }

    /// Returns the place of an item of the value.
    pub(super) fn item_place(&self, index: usize, item: &Node) -> Place {
        Place {
            span: item.span.clone(),
            path: self.path.item(index),
        }
    }

    /// Returns the text, if it is one.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.text()
    }

    /// Returns the text, if it is one without a template's residue.
    ///
    /// The rules read texts by this, so that residue is one fault and not also a bad digest or name.
    pub(super) fn sound_text(&self) -> Option<&'a str> {
        self.text().filter(|text| template::residue(text).is_none())
    }

    /// Tells whether the field's name is a template's residue.
    pub(super) fn key_has_residue(&self) -> bool {
        template::residue(self.name).is_some()
    }

    /// Returns the boolean, if it is one.
    pub(super) fn boolean(&self) -> Option<Boolean> {
        self.value.boolean()
    }

    /// Returns the mapping, if it is one.
    pub(super) fn object(&self) -> Option<Object<'a>> {
        Object::new(self.value, self.key_place())
    }

    /// Returns the mappings of a list; items that are none are left out.
    pub(super) fn objects(&self) -> Vec<Object<'a>> {
        let items = self.value.items().unwrap_or_default().iter().enumerate();
        items
            .filter_map(|(index, item)| Object::new(item, self.item_place(index, item)))
            .collect()
    }
}

/// A component of a spec.
#[derive(Clone, Debug)]
pub(super) struct Component<'a> {
    /// The entry below `spec`; its name is the component's.
    pub(super) entry: Field<'a>,
    /// The component's fields.
    pub(super) fields: Object<'a>,
    /// The variables below `env`.
    pub(super) env: Vec<Object<'a>>,
}

/// Returns the components of the spec `root`.
pub(super) fn components<'a>(root: &Object<'a>) -> Vec<Component<'a>> {
    let Some(spec) = root.field("spec").and_then(|field| field.object()) else {
        return Vec::new();
    };
    let component = |entry: Field<'a>| {
        let fields = entry.object()?;
        let env = fields
            .field("env")
            .map(|field| field.objects())
            .unwrap_or_default();
        Some(Component { entry, fields, env })
    };
    spec.fields().filter_map(component).collect()
}
