//! Stacks as a tree: what they have in common from the root on is one node.
//!
//! It is made of one profile, or of two, where each node has the numbers of both. A profile may
//! come from anybody, so depth and number of the nodes are bounded.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use super::super::stacks::{Place, Stacks};

/// Frames of a stack that are drawn, from the root on. Go keeps 128 of them.
const MAX_DEPTH: usize = 512;
/// Deeper frames count for their callers.
const MAX_NODES: usize = 1 << 20;

/// A profile and the measure that counts.
pub(super) type Side<'a> = (&'a dyn Stacks, usize);

pub(super) struct Tree<'a, const SIDES: usize> {
    /// The root first; each behind its caller.
    pub(super) nodes: Vec<Node<'a, SIDES>>,
}

#[derive(Debug)]
pub(super) struct Node<'a, const SIDES: usize> {
    pub(super) name: &'a str,
    /// The kind of the stack that ends here; empty where none ends here, or it is not known.
    pub(super) kind: &'a str,
    /// With all that is below.
    pub(super) values: [f64; SIDES],
    /// By name.
    pub(super) children: Vec<usize>,
    pub(super) depth: usize,
}

impl<'a, const SIDES: usize> Tree<'a, SIDES> {
    pub(super) fn of(sides: [Side<'a>; SIDES]) -> Self {
        Self::bounded(sides, MAX_DEPTH, MAX_NODES)
    }

    fn bounded(sides: [Side<'a>; SIDES], max_depth: usize, max_nodes: usize) -> Self {
        let root = Node {
            name: "all",
            kind: "",
            values: [0.0; SIDES],
            children: Vec::new(),
            depth: 0,
        };
        let mut tree = Self { nodes: vec![root] };
        let mut known = HashMap::<(usize, &str, &str), usize>::new();
        for (side, (stacks, measure)) in sides.into_iter().enumerate() {
            for stack in 0..stacks.len() {
                let value = stacks.value(stack, measure);
                // A negative value, as in a difference, has no width.
                if value.is_nan() || value <= 0.0 {
                    continue;
                }
                tree.nodes[0].values[side] += value;
                let frames = names(&stacks.frames(stack));
                let leaf = frames.len() - 1;
                let mut at = 0;
                for (depth, name) in frames.into_iter().enumerate().take(max_depth) {
                    let kind = if depth == leaf {
                        stacks.kind(stack)
                    } else {
                        ""
                    };
                    let next = tree.nodes.len();
                    let node = match known.get(&(at, name, kind)) {
                        Some(node) => *node,
                        None if next >= max_nodes => break,
                        None => {
                            known.insert((at, name, kind), next);
                            tree.nodes[at].children.push(next);
                            tree.nodes.push(Node {
                                name,
                                kind,
                                values: [0.0; SIDES],
                                children: Vec::new(),
                                depth: depth + 1,
                            });
                            next
                        }
                    };
                    tree.nodes[node].values[side] += value;
                    at = node;
                }
            }
        }
        tree.sort();
        tree
    }

    /// So that the same functions stand in the same order wherever they are drawn.
    fn sort(&mut self) {
        for at in 0..self.nodes.len() {
            let mut children = std::mem::take(&mut self.nodes[at].children);
            let key = |node: &usize| (self.nodes[*node].name, self.nodes[*node].kind);
            children.sort_by(|a, b| key(a).cmp(&key(b)));
            self.nodes[at].children = children;
        }
    }
}

/// Root first. A stack has a frame at least.
fn names<'a>(frames: &[Place<'a>]) -> Vec<&'a str> {
    match frames {
        [] => vec!["-"],
        _ => frames.iter().rev().map(|frame| frame.function).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::kind::Kind;
    use crate::profile::tests::{location, profile, sample};

    /// `name [kind] values`, indented by depth.
    fn drawn<const SIDES: usize>(tree: &Tree<'_, SIDES>) -> Vec<String> {
        fn add<const SIDES: usize>(tree: &Tree<'_, SIDES>, at: usize, lines: &mut Vec<String>) {
            let node = &tree.nodes[at];
            let values: Vec<String> = node.values.iter().map(f64::to_string).collect();
            let indent = " ".repeat(node.depth);
            lines.push(format!(
                "{indent}{} [{}] {}",
                node.name,
                node.kind,
                values.join(" ")
            ));
            node.children
                .iter()
                .for_each(|child| add(tree, *child, lines));
        }
        let mut lines = Vec::new();
        add(tree, 0, &mut lines);
        lines
    }

    #[test]
    fn stacks_share_what_they_have_in_common_from_the_root_on() {
        let main = location(1, &["main"]);
        let both = location(2, &["inlined", "work"]);
        let stack = |leaf: &str| [location(3, &[leaf]), both.clone(), main.clone()];
        let before = profile(vec![
            sample(Kind::MUTEX, 1.0, 30, &stack("lock")),
            sample(Kind::CONDVAR, 1.0, 12, &stack("lock")),
            sample(Kind::SLEEP, 1.0, 8, std::slice::from_ref(&main)),
            sample(Kind::SLEEP, 1.0, 0, &[location(9, &["nothing"])]),
        ]);
        let after = profile(vec![sample(Kind::MUTEX, 1.0, 7, &stack("new"))]);
        assert_eq!(
            drawn(&Tree::of([(&before, 1), (&after, 1)])),
            [
                "all [] 50 7",
                " main [] 42 7",
                "  work [] 42 7",
                "   inlined [] 42 7",
                "    lock [condvar] 12 0",
                "    lock [mutex] 30 0",
                "    new [mutex] 0 7",
                " main [sleep] 8 0",
            ]
        );
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let frames: Vec<_> = (0..50).map(|at| location(at + 1, &["f"])).collect();
        let deep = profile(vec![sample(Kind::MUTEX, 1.0, 7, &frames)]);
        let tree = Tree::<1>::bounded([(&deep, 1)], 10, 100);
        assert_eq!(tree.nodes.len(), 11);
        let tree = Tree::<1>::bounded([(&deep, 1)], 100, 10);
        assert_eq!(tree.nodes.len(), 10);
        assert!(tree.nodes.iter().all(|node| node.values == [7.0]));
    }
}
