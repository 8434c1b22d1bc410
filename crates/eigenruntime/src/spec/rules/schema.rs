//! The fields of a spec: all that some reader knows, in every spelling.

use crate::spec::view::Object;

/// The fields of one kind of mapping.
pub(super) struct Schema {
    /// What the mapping is, for messages.
    pub(super) name: &'static str,
    pub(super) fields: &'static [Known],
}

/// A field that some reader knows.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// How to write the field, if a spec must have it.
    pub(super) required: Option<&'static str>,
}

/// What a field holds.
pub(super) enum Shape {
    /// A single value, read as the text that is written.
    Text,
    /// A boolean.
    Boolean,
    /// A list of single values.
    Texts,
    /// A mapping with these fields.
    Object(&'static Schema),
    /// A list of mappings with these fields.
    Objects(&'static Schema),
    /// A mapping of free names to mappings with these fields.
    Map(&'static Schema),
}

const fn required(name: &'static str, example: &'static str) -> Known {
    Known {
        name,
        shape: Shape::Text,
        required: Some(example),
    }
}

const fn optional(name: &'static str, shape: Shape) -> Known {
    Known {
        name,
        shape,
        required: None,
    }
}

/// The whole spec.
pub(super) static ROOT: Schema = Schema {
    name: "a spec",
    fields: &[
        required("apiVersion", "apiVersion: eigenruntime.io/v1alpha1"),
        required("kind", "kind: Hourglass"),
        required("name", "name: my-avs"),
        required("version", "version: 1"),
        Known {
            name: "spec",
            shape: Shape::Map(&COMPONENT),
            required: Some("spec: { performer: { … } }"),
        },
    ],
};

static COMPONENT: Schema = Schema {
    name: "a component",
    fields: &[
        required("registry", "registry: ghcr.io/org/image"),
        required("digest", "digest: sha256:…"),
        optional("command", Shape::Texts),
        optional("env", Shape::Objects(&VARIABLE)),
        optional("ports", Shape::Texts),
        optional("resources", Shape::Object(&RESOURCES)),
    ],
};

static VARIABLE: Schema = Schema {
    name: "a variable",
    fields: &[
        required("name", "name: OPERATOR_ADDRESS"),
        optional("type", Shape::Text),
        optional("kind", Shape::Text),
        optional("value", Shape::Text),
        optional("required", Shape::Boolean),
    ],
};

static RESOURCES: Schema = Schema {
    name: "`resources`",
    fields: &[
        optional("teeEnabled", Shape::Boolean),
        optional("tee_enabled", Shape::Boolean),
    ],
};

impl Schema {
    /// Returns the field called `name`.
    pub(super) fn field(&self, name: &str) -> Option<&'static Known> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Visits every mapping of the spec `root` that has a schema.
pub(super) fn walk(root: &Object<'_>, visit: &mut dyn FnMut(&Object<'_>, &'static Schema)) {
    step(root, &ROOT, visit);
}

fn step(
    object: &Object<'_>,
    schema: &'static Schema,
    visit: &mut dyn FnMut(&Object<'_>, &'static Schema),
) {
    visit(object, schema);
    for field in object.fields() {
        match schema.field(field.name).map(|known| &known.shape) {
            Some(Shape::Object(schema)) => {
                field
                    .object()
                    .iter()
                    .for_each(|object| step(object, schema, visit));
            }
            Some(Shape::Objects(schema)) => {
                field
                    .objects()
                    .iter()
                    .for_each(|object| step(object, schema, visit));
            }
            Some(Shape::Map(schema)) => {
                let Some(map) = field.object() else { continue };
                for field in map.fields() {
                    field
                        .object()
                        .iter()
                        .for_each(|object| step(object, schema, visit));
                }
            }
            _ => {}
        }
    }
}
