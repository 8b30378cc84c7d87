//! Where nodes and edges are drawn.
#![forbid(unsafe_code)]

use super::model::Graph;

/// Two of them side by side, and a lane, fit on a phone.
pub(super) const NODE_WIDTH: u64 = 156;
pub(super) const NODE_HEIGHT: u64 = 44;
const GAP: u64 = 14;
/// Between two rows: room for the arrows.
const ROW_GAP: u64 = 38;
const MARGIN: u64 = 8;
/// Between two edges that lead upwards, which run beside the nodes.
const LANE: u64 = 12;
/// Nodes side by side. More of one rank go into a further row.
const IN_ROW: usize = 6;

pub(super) struct Layout {
    pub(super) width: u64,
    pub(super) height: u64,
    /// The upper left corners.
    pub(super) nodes: Vec<(u64, u64)>,
    pub(super) edges: Vec<Path>,
}

/// As SVG's `d` has it.
pub(super) struct Path {
    pub(super) line: String,
    pub(super) head: String,
}

impl Layout {
    pub(super) fn of(graph: &Graph) -> Self {
        let ranks = ranks(graph);
        let rows = rows(&ranks);
        let widest = rows.iter().map(Vec::len).max().unwrap_or(0) as u64;
        let inner = widest * (NODE_WIDTH + GAP) - GAP.min(widest * GAP);
        let mut nodes = vec![(0, 0); graph.nodes.len()];
        for (row, members) in rows.iter().enumerate() {
            let count = members.len() as u64;
            let used = count * (NODE_WIDTH + GAP) - GAP;
            let left = MARGIN + (inner - used) / 2;
            for (column, node) in members.iter().enumerate() {
                let x = left + column as u64 * (NODE_WIDTH + GAP);
                let y = MARGIN + row as u64 * (NODE_HEIGHT + ROW_GAP);
                nodes[*node] = (x, y);
            }
        }
        let mut lanes = 0;
        let right = MARGIN + inner;
        let edges = graph.edges.iter().map(|edge| {
            let (from, to) = (nodes[edge.from], nodes[edge.to]);
            // Past the ranks between them an edge would run behind their nodes.
            if ranks[edge.to] == ranks[edge.from] + 1 {
                return down(from, to);
            }
            lanes += 1;
            around(from, to, right + lanes * LANE)
        });
        let edges = edges.collect();
        let height =
            rows.len() as u64 * (NODE_HEIGHT + ROW_GAP) - ROW_GAP.min(rows.len() as u64 * ROW_GAP);
        Self {
            width: right + lanes * LANE + MARGIN,
            height: height + 2 * MARGIN,
            nodes,
            edges,
        }
    }
}

/// From the lower edge of one node to the upper edge of another one.
fn down(from: (u64, u64), to: (u64, u64)) -> Path {
    let (x1, y1) = (from.0 + NODE_WIDTH / 2, from.1 + NODE_HEIGHT);
    let (x2, y2) = (to.0 + NODE_WIDTH / 2, to.1 - 6);
    let middle = (y1 + y2) / 2;
    Path {
        line: format!("M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"),
        head: format!(
            "M{} {}L{x2} {}L{} {}z",
            x2 - 5,
            y2 - 2,
            to.1,
            x2 + 5,
            y2 - 2
        ),
    }
}

/// From the right side of one node, along a lane beside all nodes, to the right side of another.
fn around(from: (u64, u64), to: (u64, u64), lane: u64) -> Path {
    let (x1, y1) = (from.0 + NODE_WIDTH, from.1 + NODE_HEIGHT / 2 + 6);
    let (x2, y2) = (to.0 + NODE_WIDTH, to.1 + NODE_HEIGHT / 2 - 6);
    let turn = 8;
    let up = y2 < y1;
    let (before, after) = match up {
        true => (y1 - turn, y2 + turn),
        false => (y1 + turn, y2 - turn.min(y2)),
    };
    Path {
        line: format!(
            "M{x1} {y1}H{}Q{lane} {y1} {lane} {before}V{after}Q{lane} {y2} {} {y2}H{}",
            lane - turn,
            lane - turn,
            x2 + 6,
        ),
        head: format!("M{} {}L{x2} {y2}L{} {}z", x2 + 8, y2 - 5, x2 + 8, y2 + 5),
    }
}

/// The nodes by rank: each below those that lead to it, as far as there is no cycle.
fn rows(ranks: &[usize]) -> Vec<Vec<usize>> {
    let last = ranks.iter().copied().max().unwrap_or(0);
    let mut rows = Vec::new();
    for rank in 0..=last {
        let members = ranks.iter().enumerate();
        let members = members.filter(|(_, other)| **other == rank);
        let members: Vec<usize> = members.map(|(node, _)| node).collect();
        rows.extend(members.chunks(IN_ROW).map(<[usize]>::to_vec));
    }
    rows
}

/// The longest way to each node, without the edges that lead back.
fn ranks(graph: &Graph) -> Vec<usize> {
    let successors = graph.successors();
    let count = graph.nodes.len();
    let mut has_predecessor = vec![false; count];
    successors
        .iter()
        .flatten()
        .for_each(|to| has_predecessor[*to] = true);
    // Those that nothing leads to come first; a cycle of its own begins anywhere.
    let mut starts: Vec<usize> = (0..count).collect();
    starts.sort_by_key(|node| has_predecessor[*node]);
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; count];
    let mut order = Vec::new();
    let mut forward = vec![Vec::new(); count];
    for start in starts {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        let mut path = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            match successors[node].get(*next) {
                Some(to) => {
                    *next += 1;
                    if marks[*to] != Mark::Open {
                        forward[node].push(*to);
                    }
                    if marks[*to] == Mark::New {
                        marks[*to] = Mark::Open;
                        path.push((*to, 0));
                    }
                }
                None => {
                    marks[node] = Mark::Done;
                    order.push(node);
                    path.pop();
                }
            }
        }
    }
    let mut ranks = vec![0; count];
    for node in order.into_iter().rev() {
        for to in &forward[node] {
            ranks[*to] = ranks[*to].max(ranks[node] + 1);
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::super::model::{Edge, Node, NodeKind};
    use super::*;

    /// Nodes, and edges between them by their numbers.
    fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
        let node = |number: usize| Node {
            kind: NodeKind::Threads,
            lines: [number.to_string(), String::new()],
            title: String::new(),
            threads: 1,
            in_cycle: false,
        };
        let edge = |(from, to): &(usize, usize)| Edge {
            from: *from,
            to: *to,
            is_certain: true,
            in_cycle: false,
        };
        Graph {
            nodes: (0..nodes).map(node).collect(),
            edges: edges.iter().map(edge).collect(),
        }
    }

    #[test]
    fn each_node_is_below_those_that_lead_to_it() {
        assert_eq!(
            ranks(&graph(4, &[(0, 1), (1, 2), (0, 3), (2, 3)])),
            [0, 1, 2, 3]
        );
        // 4 leads into a circle of the others.
        let edges = [(4, 0), (0, 1), (1, 2), (2, 3), (3, 0)];
        assert_eq!(ranks(&graph(5, &edges)), [1, 2, 3, 4, 0]);
        // A thread that waits for itself.
        assert_eq!(ranks(&graph(2, &[(0, 1), (1, 0)])), [0, 1]);
    }

    #[test]
    fn no_node_lies_on_another_or_outside() {
        let edges: Vec<(usize, usize)> = (0..20).map(|node| (node, 20)).chain([(20, 0)]).collect();
        let layout = Layout::of(&graph(21, &edges));
        for (at, a) in layout.nodes.iter().enumerate() {
            assert!(a.0 + NODE_WIDTH < layout.width && a.1 + NODE_HEIGHT < layout.height);
            for b in &layout.nodes[..at] {
                let apart = a.0.abs_diff(b.0) > NODE_WIDTH || a.1.abs_diff(b.1) > NODE_HEIGHT;
                assert!(apart, "{a:?} {b:?}");
            }
        }
        assert_eq!(layout.edges.len(), edges.len());
    }

    #[test]
    fn circles_are_marked_and_pieces_told_apart() {
        let edges = [(4, 0), (0, 1), (1, 2), (2, 3), (3, 0), (5, 6)];
        let pieces = graph(7, &edges).in_pieces();
        let nodes: Vec<usize> = pieces.iter().map(|piece| piece.nodes.len()).collect();
        assert_eq!(nodes, [5, 2], "the one with a circle first");
        let marked = pieces[0].nodes.iter().filter(|node| node.in_cycle);
        let marked: Vec<&str> = marked.map(|node| &*node.lines[0]).collect();
        assert_eq!(marked, ["0", "1", "2", "3"]);
        let edges = pieces[0].edges.iter().filter(|edge| edge.in_cycle);
        assert_eq!(edges.count(), 4);
        assert!(pieces[1].edges.iter().all(|edge| !edge.in_cycle));
    }
}
