//! Composes the tree of nodes from a parser's events, within limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};

use super::collector::{Collector, Draft};
use super::keys;
use super::merge;
use super::node::{Entry, Form, MAX_DEPTH, MAX_NODES, Node, Value};
use super::path::FieldPath;
use super::rule::Rule;
use super::secret;
use super::source::{Source, Span};
use super::syntax;
use super::template::ACTION;

/// Composes the first document of `source`, and reports what keeps it from being a single well-formed one.
pub(super) fn compose<'a>(source: &'a Source<'a>, collector: &mut Collector<'a>) -> Option<Node> {
    let root = Composer::new(source, collector).run();
    if root.is_err() {
        collector.mark_values_from(0);
    }
    collector.settle_secrets();
    match root {
        Ok(Some(root)) if !root.is_null() => Some(root),
        Ok(_) => {
            let help = "write a spec: `apiVersion`, `kind`, `name`, `version`, `spec`";
            collector.push(refusal(
                Rule::EmptyInput,
                0..0,
                "there is no spec in the input",
                help,
            ));
            None
        }
        Err(draft) => {
            collector.push(draft);
            None
        }
    }
}

fn refusal(rule: Rule, span: Span, message: impl Into<String>, help: &str) -> Draft {
    Draft::error(rule, span, FieldPath::default(), message, help)
}

/// A collection that is not complete yet.
struct Open {
    anchor: usize,
    custom_tag: Option<Arc<str>>,
    start: Span,
    style: StructureStyle,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    /// The entries so far, and the key that waits for its value.
    Mapping(Vec<Entry>, Option<Node>),
}

struct Composer<'a, 'c> {
    source: &'a Source<'a>,
    collector: &'c mut Collector<'a>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

impl<'a, 'c> Composer<'a, 'c> {
    fn new(source: &'a Source<'a>, collector: &'c mut Collector<'a>) -> Self {
        Self {
            source,
            collector,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            nodes: 0,
            root: None,
        }
    }

    fn run(mut self) -> Result<Option<Node>, Draft> {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let mut documents = 0;
        for next in Parser::new_from_str_with_options(self.source.text(), options) {
            let (event, span) = next.map_err(|error| syntax::fault(&error, self.source))?;
            // The parser gives offsets for every event of a text that it holds in full.
            let span = span.byte_range().unwrap_or_default();
            if matches!(event, Event::DocumentStart(..)) {
                documents += 1;
                if documents == 2 {
                    self.collector.mark_values_from(span.start);
                    self.collector.push(refusal(
                        Rule::SeveralDocuments,
                        span,
                        "a second YAML document begins here; readers see only the first",
                        "keep one document and remove this `---` and what follows it",
                    ));
                    break;
                }
            }
            self.take(event, span)?;
        }
        Ok(self.root)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Draft> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, tag.as_deref(), span);
                self.charge(node.weight(), &node.span)?;
                self.complete(node, anchor)
            }
            Event::SequenceStart(style, anchor, tag) => self.begin(Open {
                anchor,
                custom_tag: tag.as_deref().and_then(custom_tag),
                start: span,
                style,
                content: Content::Sequence(Vec::new()),
            }),
            Event::MappingStart(style, anchor, tag) => self.begin(Open {
                anchor,
                custom_tag: tag.as_deref().and_then(custom_tag),
                start: span,
                style,
                content: Content::Mapping(Vec::new(), None),
            }),
            Event::SequenceEnd | Event::MappingEnd => self.end(&span),
            Event::Alias(id) => self.alias(id, &span),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), Draft> {
        self.charge(1, &open.start)?;
        self.limit_depth(1, &open.start)?;
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self, end: &Span) -> Result<(), Draft> {
        let Some(Open {
            anchor,
            custom_tag,
            start,
            style,
            content,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let span = start.start..end.end;
        let value = match content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping(..) if self.is_template_action(style, &span) => Value::Scalar {
                text: self.source.text()[span.clone()].into(),
                form: Form::Plain,
            },
            Content::Mapping(mut entries, _) => {
                secret::mark(&entries, self.collector);
                let path = || path(&self.open);
                keys::check(&entries, path, self.collector);
                merge::resolve(&mut entries, path, self.collector);
                Value::Mapping(entries)
            }
        };
        self.complete(
            Node {
                value,
                custom_tag,
                span,
            },
            anchor,
        )
    }

    /// Tells whether the mapping at `span` is a template action without quotes.
    ///
    /// `{{ .Name }}` is YAML for a mapping with a mapping as its key, which no spec has: it is kept as the text that it
    /// was meant to be, so that it is found as a template's residue. A block that begins with one as its first key is a
    /// mapping all the same.
    fn is_template_action(&self, style: StructureStyle, span: &Span) -> bool {
        style == StructureStyle::Flow && self.source.text()[span.clone()].starts_with(ACTION)
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<(), Draft> {
        let Some(node) = self.anchors.get(&id) else {
            return Err(refusal(
                Rule::RecursiveAlias,
                span.clone(),
                "this alias refers to a node that it is a part of",
                "write out what it stands for",
            ));
        };
        let (nodes, levels) = node.measure();
        // Charged before it is copied: the budget bounds the memory.
        self.charge(nodes, span)?;
        self.limit_depth(levels, span)?;
        self.complete(self.anchors[&id].clone(), 0)
    }

    /// Puts a node that is complete where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Draft> {
        if anchor != 0 {
            // The copy kept for aliases counts like the node itself.
            self.charge(node.measure().0, &node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping(entries, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push(Entry { key, value: node }),
            },
        }
        Ok(())
    }

    fn charge(&mut self, nodes: usize, span: &Span) -> Result<(), Draft> {
        self.nodes += nodes;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(refusal(
            Rule::TooManyNodes,
            span.clone(),
            format!("the spec has more than {MAX_NODES} nodes, aliases expanded"),
            "check that this is the right file: a spec has a few hundred at most",
        ))
    }

    fn limit_depth(&self, levels: usize, span: &Span) -> Result<(), Draft> {
        if self.open.len() + levels <= MAX_DEPTH {
            return Ok(());
        }
        Err(too_deep(span.clone()))
    }
}

/// Returns the path of the node that comes next in the innermost of the collections `open`.
fn path(open: &[Open]) -> FieldPath {
    open.iter()
        .fold(FieldPath::default(), |path, open| match &open.content {
            Content::Sequence(items) => path.item(items.len()),
            Content::Mapping(_, Some(key)) => path.field(key.text().unwrap_or_default()),
            Content::Mapping(_, None) => path,
        })
}

/// Makes the fault of a node that is nested too deep.
pub(super) fn too_deep(span: Span) -> Draft {
    refusal(
        Rule::NestingTooDeep,
        span,
        format!("nodes are nested more than {MAX_DEPTH} deep"),
        "check that this is the right file: a spec has six levels",
    )
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
    let plain = style == ScalarStyle::Plain;
    let core = tag.and_then(Tag::core_suffix);
    let null = match core {
        Some(suffix) => suffix == "null",
        None => plain && matches!(text, "" | "~" | "null" | "Null" | "NULL"),
    };
    let form = match core {
        Some("bool") => Form::Boolean,
        Some("int") => Form::Integer,
        Some("str") => Form::Text,
        Some(_) => Form::Other,
        None if plain && tag.is_none() => Form::Plain,
        None => Form::Text,
    };
    let value = if null {
        Value::Null
    } else {
        let text = text.into();
        Value::Scalar { text, form }
    };
    Node {
        value,
        custom_tag: tag.and_then(custom_tag),
        span,
    }
}

fn custom_tag(tag: &Tag) -> Option<Arc<str>> {
    tag.core_suffix().is_none().then(|| tag.original().into())
}
