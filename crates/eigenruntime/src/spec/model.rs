//! A spec as its readers see it.

use eigenpack_oci::Digest;

use super::node::Node;
use super::view::{self, Field, Object};

/// An EigenRuntime spec, each text as it is written.
///
/// It can be read in spite of faults, so every field may be missing; one that is null, empty or of another type is
/// missing too. Of a key that occurs twice the first counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeSpec {
    api_version: Option<Box<str>>,
    kind: Option<Box<str>>,
    name: Option<Box<str>>,
    version: Option<Box<str>>,
    components: Vec<Component>,
}

impl RuntimeSpec {
    /// Returns the `apiVersion`, such as `eigenruntime.io/v1alpha1`.
    pub fn api_version(&self) -> Option<&str> {
        self.api_version.as_deref()
    }

    /// Returns the `kind`, such as `Hourglass`.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Returns the name of the AVS.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the version.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Returns the components in the order they are written.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Returns the component called `name`.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components
            .iter()
            .find(|component| component.name() == name)
    }

    pub(super) fn from_node(node: &Node) -> Option<Self> {
        let root = Object::root(node)?;
        Some(Self {
            api_version: text(&root, "apiVersion"),
            kind: text(&root, "kind"),
            name: text(&root, "name"),
            version: text(&root, "version"),
            components: view::components(&root)
                .iter()
                .map(Component::from_view)
                .collect(),
        })
    }
}

/// A component of a spec: an image and how to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    name: Box<str>,
    registry: Option<Box<str>>,
    digest: Option<Box<str>>,
    command: Vec<Box<str>>,
    env: Vec<EnvVar>,
    ports: Vec<Box<str>>,
    tee: TeeDemand,
}

impl Component {
    /// Returns the component's name, its key below `spec`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the image's repository with its host.
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }

    /// Returns the image's digest as it is written, well formed or not.
    pub fn digest_text(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Returns the image's digest, if it is well formed.
    pub fn digest(&self) -> Option<Digest> {
        self.digest_text()?.parse().ok()
    }

    /// Iterates over the words of the command.
    pub fn command(&self) -> impl Iterator<Item = &str> {
        self.command.iter().map(|word| &**word)
    }

    /// Returns the environment variables.
    pub fn env(&self) -> &[EnvVar] {
        &self.env
    }

    /// Iterates over the ports as they are written.
    pub fn ports(&self) -> impl Iterator<Item = &str> {
        self.ports.iter().map(|port| &**port)
    }

    /// Returns what the component demands of a trusted execution environment.
    pub fn tee(&self) -> TeeDemand {
        self.tee
    }

    fn from_view(view: &view::Component<'_>) -> Self {
        let fields = &view.fields;
        let resources = fields.field("resources").and_then(|field| field.object());
        let flag = |name| boolean(resources.as_ref()?, name);
        Self {
            name: view.entry.name.into(),
            registry: text(fields, "registry"),
            digest: text(fields, "digest"),
            command: texts(fields, "command"),
            env: view.env.iter().map(EnvVar::from_view).collect(),
            ports: texts(fields, "ports"),
            tee: TeeDemand {
                camel_case: flag("teeEnabled"),
                snake_case: flag("tee_enabled"),
            },
        }
    }
}

/// The demand for a trusted execution environment, in both its spellings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TeeDemand {
    /// `teeEnabled`, which eigenruntime-go reads.
    pub camel_case: Option<bool>,
    /// `tee_enabled`, which hgctl reads and the Hourglass template writes.
    pub snake_case: Option<bool>,
}

impl TeeDemand {
    /// Tells whether either spelling demands it.
    pub fn is_enabled(self) -> bool {
        self.camel_case == Some(true) || self.snake_case == Some(true)
    }
}

/// An environment variable that a component declares.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvVar {
    name: Option<Box<str>>,
    type_name: Option<Box<str>>,
    kind: Option<Box<str>>,
    value: Option<Box<str>>,
    required: Option<bool>,
}

impl EnvVar {
    /// Returns the variable's name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the `type`, which eigenruntime-go reads and the Hourglass template writes.
    pub fn type_name(&self) -> Option<&str> {
        self.type_name.as_deref()
    }

    /// Returns the `kind`, which hgctl reads in the place of `type`.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Returns the value, which only hgctl reads. It can be a secret that should not be there.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Tells whether the variable has to be set, if the spec says so.
    pub fn required(&self) -> Option<bool> {
        self.required
    }

    /// Tells whether either spelling of the type makes it a secret.
    pub fn is_secret(&self) -> bool {
        [self.type_name(), self.kind()]
            .into_iter()
            .flatten()
            .any(is_secret_type)
    }

    fn from_view(view: &Object<'_>) -> Self {
        Self {
            name: text(view, "name"),
            type_name: text(view, "type"),
            kind: text(view, "kind"),
            value: text(view, "value"),
            required: boolean(view, "required"),
        }
    }
}

/// Tells whether a variable of the type `text` is a secret; one that is misspelt in case is not to be shown either.
pub(super) fn is_secret_type(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("secret")
}

impl std::fmt::Debug for EnvVar {
    /// Leaves the value out: debug output ends in logs, and a value can be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvVar")
            .field("name", &self.name)
            .field("type_name", &self.type_name)
            .field("kind", &self.kind)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

fn text(object: &Object<'_>, name: &str) -> Option<Box<str>> {
    let field = object.field(name)?;
    field.text().filter(|text| !text.is_empty()).map(Into::into)
}

fn boolean(object: &Object<'_>, name: &str) -> Option<bool> {
    Some(object.field(name)?.boolean()?.value)
}

fn texts(object: &Object<'_>, name: &str) -> Vec<Box<str>> {
    let items = |field: Field<'_>| {
        let items = field.value.items().unwrap_or_default();
        items
            .iter()
            .filter_map(Node::text)
            .map(Into::into)
            .collect()
    };
    object.field(name).map(items).unwrap_or_default()
}
