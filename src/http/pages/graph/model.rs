//! Threads and locks as nodes, waiting and holding as edges.
#![forbid(unsafe_code)]

use std::collections::HashMap;

/// The waits, their subjects, and the holders of these.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// One thread, or several that wait for the same and hold nothing.
    Threads,
    Lock,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) lines: [String; 2],
    /// All of it, for the tooltip.
    pub(super) title: String,
    /// How many threads it stands for.
    pub(super) threads: usize,
    pub(super) in_cycle: bool,
}

/// From who waits to what it waits for, and from that to who has it: indices of nodes.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) is_certain: bool,
    pub(super) in_cycle: bool,
}

impl Graph {
    /// A graph for each connected part: those with a cycle first, then those with most threads.
    pub(super) fn in_pieces(mut self) -> Vec<Self> {
        self.mark_cycles();
        let mut parts = self.parts();
        parts.sort_by_key(|part| {
            let has_cycle = part.nodes.iter().any(|node| node.in_cycle);
            let threads: usize = part.nodes.iter().map(|node| node.threads).sum();
            std::cmp::Reverse((has_cycle, threads))
        });
        parts
    }

    /// For those who cannot see it.
    pub(super) fn in_words(&self) -> String {
        let edge = |edge: &Edge| {
            let (from, to) = (&self.nodes[edge.from], &self.nodes[edge.to]);
            let verb = match from.kind {
                NodeKind::Threads => "waits for",
                NodeKind::Lock => "is held by",
            };
            format!("{} {verb} {}", from.lines[0], to.lines[0])
        };
        let edges: Vec<String> = self.edges.iter().map(edge).collect();
        edges.join("; ")
    }

    /// The nodes that each node leads to.
    pub(super) fn successors(&self) -> Vec<Vec<usize>> {
        let mut successors = vec![Vec::new(); self.nodes.len()];
        for edge in &self.edges {
            successors[edge.from].push(edge.to);
        }
        successors
    }

    /// A node is in a cycle if it leads to itself; an edge, if it is between two such nodes that
    /// lead to each other.
    fn mark_cycles(&mut self) {
        let component_of = components(&self.successors());
        let mut sizes = vec![0; self.nodes.len()];
        for component in &component_of {
            sizes[*component] += 1;
        }
        for edge in &mut self.edges {
            let (from, to) = (component_of[edge.from], component_of[edge.to]);
            edge.in_cycle = from == to && (sizes[from] > 1 || edge.from == edge.to);
            if edge.in_cycle {
                self.nodes[edge.from].in_cycle = true;
                self.nodes[edge.to].in_cycle = true;
            }
        }
    }

    /// The pieces that no edge connects.
    fn parts(self) -> Vec<Self> {
        let mut part_of: Vec<usize> = (0..self.nodes.len()).collect();
        fn root(part_of: &[usize], mut at: usize) -> usize {
            while part_of[at] != at {
                at = part_of[at];
            }
            at
        }
        for edge in &self.edges {
            let (from, to) = (root(&part_of, edge.from), root(&part_of, edge.to));
            part_of[from] = to;
        }
        let mut parts: Vec<Self> = Vec::new();
        let mut index_of: HashMap<usize, usize> = HashMap::new();
        let mut place_of = Vec::new();
        for (at, node) in self.nodes.into_iter().enumerate() {
            let next = parts.len();
            let part = *index_of.entry(root(&part_of, at)).or_insert(next);
            if part == next {
                parts.push(Self::default());
            }
            place_of.push((part, parts[part].nodes.len()));
            parts[part].nodes.push(node);
        }
        for edge in self.edges {
            let ((part, from), (_, to)) = (place_of[edge.from], place_of[edge.to]);
            parts[part].edges.push(Edge { from, to, ..edge });
        }
        parts
    }
}

/// For each node the number of its strongly connected component, by Kosaraju's algorithm: two
/// nodes are in one if each leads to the other.
fn components(successors: &[Vec<usize>]) -> Vec<usize> {
    let mut predecessors = vec![Vec::new(); successors.len()];
    for (from, next) in successors.iter().enumerate() {
        for to in next {
            predecessors[*to].push(from);
        }
    }
    let mut component_of = vec![usize::MAX; successors.len()];
    for (number, start) in finished(successors).into_iter().rev().enumerate() {
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            if component_of[at] == usize::MAX {
                component_of[at] = number;
                open.extend(&predecessors[at]);
            }
        }
    }
    component_of
}

/// The nodes in the order in which a search that goes deep first leaves them. Without recursion: a
/// chain may have a node for each thread.
fn finished(successors: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(successors.len());
    let mut seen = vec![false; successors.len()];
    for start in 0..successors.len() {
        let mut open = Vec::new();
        if !std::mem::replace(&mut seen[start], true) {
            open.push((start, 0));
        }
        while let Some((at, done)) = open.last_mut() {
            match successors[*at].get(*done) {
                Some(next) => {
                    *done += 1;
                    if !std::mem::replace(&mut seen[*next], true) {
                        open.push((*next, 0));
                    }
                }
                None => {
                    order.push(*at);
                    open.pop();
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_what_leads_to_each_other() {
        // 0 → 1 → 2 → 0, 2 → 3 → 4, 5 → 5.
        let successors = [vec![1], vec![2], vec![0, 3], vec![4], vec![], vec![5]];
        let component_of = components(&successors);
        assert_eq!(component_of[0], component_of[1]);
        assert_eq!(component_of[1], component_of[2]);
        for other in 3..6 {
            let same = component_of.iter().filter(|of| **of == component_of[other]);
            assert_eq!(same.count(), 1, "{component_of:?}");
        }
        // No recursion.
        let chain: Vec<Vec<usize>> = (1..=100_000).map(|next| vec![next % 100_000]).collect();
        let component_of = components(&chain);
        assert!(component_of.iter().all(|of| *of == component_of[0]));
    }
}
