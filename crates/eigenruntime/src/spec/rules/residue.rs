//! What a template left behind.

use super::tree;
use crate::spec::collector::{Collector, Place};
use crate::spec::node::Node;
use crate::spec::rule::Rule;
use crate::spec::template;

/// `template-residue`: nothing is left over from a template.
pub(super) fn template_residue(root: &Node, out: &mut Collector<'_>) {
    tree::walk(root, &mut |visit| {
        let Some(mark) = visit.node.text().and_then(template::residue) else {
            return;
        };
        let place = Place {
            span: visit.node.span.clone(),
            path: visit.path.clone(),
        };
        let message = format!("`{mark}` is left over from a template");
        let help = match mark {
            template::ACTION => "render the template before the spec is checked",
            _ => {
                "fill in what the template looked for and render it again; \
                 `env` is a list of `- name: …`, not a mapping"
            }
        };
        // A program can take a Go template as its argument, as `docker ps --format` does.
        if mark == template::ACTION && matches!(visit.field, "command" | "value") {
            out.warning(Rule::TemplateResidue, place, message, help);
        } else {
            out.error(Rule::TemplateResidue, place, message, help);
        }
    });
}
