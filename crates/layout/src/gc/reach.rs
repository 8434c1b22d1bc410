//! What is reachable: a walk along links that opens no file itself.

use std::collections::HashSet;

use eigenpack_oci::Digest;

/// Something that is pointed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) digest: Digest,
    pub(super) kind: Kind,
}

/// What is known of something that is pointed to, and so whether it leads on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A manifest or an index of a known type.
    Manifest,
    /// Something listed like a manifest, of a type that is not known: it may lead on.
    Opaque,
    /// A config or a layer: it leads nowhere.
    Blob,
}

/// What was reached so far.
#[derive(Debug, Default)]
pub(super) struct Reached {
    digests: HashSet<Digest>,
    /// Those that were opened and followed; the content of a digest never changes, so once is enough.
    followed: HashSet<Digest>,
}

impl Reached {
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }

    /// Tells whether all that a digest leads to was reached as well.
    pub(super) fn has_followed(&self, digest: &Digest) -> bool {
        self.followed.contains(digest)
    }

    /// Adds a digest without following it.
    pub(super) fn add(&mut self, digest: Digest) {
        self.digests.insert(digest);
    }

    /// Adds everything that `roots` lead to.
    ///
    /// `open` returns the links of what leads on, or `None` where that is not there: another repository may have it, so
    /// the next one to point to it is asked again. After an error, part of what the roots lead to was added.
    pub(super) fn extend<E>(
        &mut self,
        roots: impl IntoIterator<Item = Link>,
        mut open: impl FnMut(&Link) -> Result<Option<Vec<Link>>, E>,
    ) -> Result<(), E> {
        let mut unvisited: Vec<Link> = roots.into_iter().collect();
        while let Some(link) = unvisited.pop() {
            if link.kind != Kind::Blob
                && !self.followed.contains(&link.digest)
                && let Some(links) = open(&link)?
            {
                self.followed.insert(link.digest.clone());
                unvisited.extend(links);
            }
            self.digests.insert(link.digest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    const NODES: usize = 24;

    /// For each node whether it is there, and what it points to: a kind, and how far further on.
    type Graph = Vec<(bool, Vec<(Kind, usize)>)>;

    fn graph() -> impl Strategy<Value = Graph> {
        let kind = prop::sample::select(vec![Kind::Manifest, Kind::Opaque, Kind::Blob]);
        let links = prop::collection::vec((kind, 1..NODES), 0..4);
        prop::collection::vec((prop::bool::weighted(0.8), links), NODES)
    }

    fn roots() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(0..NODES, 0..6)
    }

    fn digest(node: usize) -> Digest {
        Digest::sha256(&[u8::try_from(node).unwrap()])
    }

    fn root(node: usize) -> Link {
        Link {
            digest: digest(node),
            kind: Kind::Manifest,
        }
    }

    /// What a node points to; a content cannot hold its own digest, so only forwards.
    fn targets(graph: &Graph, node: usize) -> impl Iterator<Item = (Kind, usize)> {
        let links = graph[node].1.iter();
        links
            .map(move |(kind, step)| (*kind, node + step))
            .filter(|(_, target)| *target < NODES)
    }

    fn walk(graph: &Graph, reached: &mut Reached, roots: &[usize]) {
        let nodes = 0..NODES;
        let Ok(()) = reached.extend(roots.iter().copied().map(root), |link| {
            let node = nodes.clone().find(|n| digest(*n) == link.digest).unwrap();
            let links = targets(graph, node).map(|(kind, target)| Link {
                digest: digest(target),
                kind,
            });
            Ok::<_, Infallible>(graph[node].0.then(|| links.collect()))
        });
    }

    /// The same by adding to a set until nothing is new.
    fn closure(graph: &Graph, roots: &[usize]) -> HashSet<Digest> {
        let mut known: HashSet<(usize, bool)> = roots.iter().map(|node| (*node, true)).collect();
        loop {
            let before = known.len();
            for (node, leads_on) in known.clone() {
                if leads_on && graph[node].0 {
                    known.extend(targets(graph, node).map(|(kind, t)| (t, kind != Kind::Blob)));
                }
            }
            if known.len() == before {
                return known.into_iter().map(|(node, _)| digest(node)).collect();
            }
        }
    }

    proptest! {
        #[test]
        fn reaches_exactly_what_the_roots_lead_to(graph in graph(), roots in roots()) {
            let mut reached = Reached::default();
            walk(&graph, &mut reached, &roots);
            prop_assert_eq!(reached.digests, closure(&graph, &roots));
        }

        #[test]
        fn roots_may_come_one_after_the_other(graph in graph(), first in roots(), second in roots()) {
            let mut reached = Reached::default();
            walk(&graph, &mut reached, &first);
            walk(&graph, &mut reached, &second);
            let all = [first, second].concat();
            prop_assert_eq!(reached.digests, closure(&graph, &all));
        }

        #[test]
        fn what_one_repository_lacks_is_followed_in_another(graph in graph(), roots in roots()) {
            let nothing: Graph = vec![(false, Vec::new()); NODES];
            let mut reached = Reached::default();
            walk(&nothing, &mut reached, &roots);
            walk(&graph, &mut reached, &roots);
            prop_assert_eq!(reached.digests, closure(&graph, &roots));
        }
    }
}
