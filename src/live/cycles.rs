//! Which threads of a graph of waits can never go on.
#![forbid(unsafe_code)]

/// One wait, of the thread with the same index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::live) struct Edges {
    /// The waiting threads that have what is waited for.
    pub(in crate::live) to: Vec<usize>,
    /// Whether each of these is known to have it. Otherwise one of them has it, or somebody who is
    /// not in the graph.
    pub(in crate::live) is_certain: bool,
}

/// A group of threads that are stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::live) struct Stuck {
    /// Those that wait for each other, in the order in which they do where that is one circle.
    pub(in crate::live) cycle: Vec<usize>,
    /// Those that wait for these, directly or not.
    pub(in crate::live) behind: Vec<usize>,
    /// Whether there is a cycle without a guess.
    pub(in crate::live) is_certain: bool,
}

/// The groups of threads that wait for each other.
///
/// A wait for what several threads have goes on as long as one of them has it: a certain one is
/// stuck with any of them, an uncertain one only if all are, since any of them may be the one.
pub(in crate::live) fn stuck(edges: &[Edges]) -> Vec<Stuck> {
    let stuck = stuck_nodes(edges, |_| true);
    let certain = stuck_nodes(edges, |edges| edges.is_certain);
    let mut groups: Vec<Stuck> = Vec::new();
    let mut is_in_cycle = vec![false; edges.len()];
    for node in 0..edges.len() {
        if !stuck[node] || is_in_cycle[node] {
            continue;
        }
        let from = reachable(edges, node, &stuck);
        let cycle: Vec<usize> = (0..edges.len())
            .filter(|other| from[*other] && reachable(edges, *other, &stuck)[node])
            .collect();
        if cycle.is_empty() {
            continue;
        }
        for member in &cycle {
            is_in_cycle[*member] = true;
        }
        groups.push(Stuck {
            is_certain: cycle.iter().any(|member| certain[*member]),
            cycle: in_order(edges, &cycle),
            behind: Vec::new(),
        });
    }
    for group in &mut groups {
        let first = group.cycle[0];
        group.behind = (0..edges.len())
            .filter(|node| stuck[*node] && !is_in_cycle[*node])
            .filter(|node| reachable(edges, *node, &stuck)[first])
            .collect();
    }
    groups
}

/// Takes away whoever may go on, until nobody is left who may.
fn stuck_nodes(edges: &[Edges], counts: impl Fn(&Edges) -> bool) -> Vec<bool> {
    let mut stuck: Vec<bool> = edges.iter().map(counts).collect();
    loop {
        let mut is_done = true;
        for (node, Edges { to, is_certain }) in edges.iter().enumerate() {
            let is_stuck = match is_certain {
                true => to.iter().any(|other| stuck[*other]),
                false => !to.is_empty() && to.iter().all(|other| stuck[*other]),
            };
            if stuck[node] && !is_stuck {
                stuck[node] = false;
                is_done = false;
            }
        }
        if is_done {
            return stuck;
        }
    }
}

/// The nodes that a way of one edge or more leads to.
fn reachable(edges: &[Edges], from: usize, among: &[bool]) -> Vec<bool> {
    let mut reached = vec![false; edges.len()];
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        for next in edges[node].to.iter().copied() {
            if among[next] && !std::mem::replace(&mut reached[next], true) {
                open.push(next);
            }
        }
    }
    reached
}

fn in_order(edges: &[Edges], cycle: &[usize]) -> Vec<usize> {
    let mut ordered = vec![cycle[0]];
    while let Some(last) = ordered.last() {
        let mut next = edges[*last].to.iter();
        match next.find(|next| cycle.contains(next) && !ordered.contains(next)) {
            Some(next) => ordered.push(*next),
            None => break,
        }
    }
    let rest = cycle.iter().filter(|node| !ordered.contains(node));
    let rest: Vec<usize> = rest.copied().collect();
    ordered.extend(rest);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certain(to: &[usize]) -> Edges {
        Edges {
            to: to.to_vec(),
            is_certain: true,
        }
    }

    fn perhaps(to: &[usize]) -> Edges {
        Edges {
            to: to.to_vec(),
            is_certain: false,
        }
    }

    fn group(cycle: &[usize], behind: &[usize], is_certain: bool) -> Stuck {
        Stuck {
            cycle: cycle.to_vec(),
            behind: behind.to_vec(),
            is_certain,
        }
    }

    #[test]
    fn circles_are_found_with_who_is_behind_them() {
        let edges = [
            certain(&[2]),
            certain(&[1]),
            certain(&[3]),
            certain(&[0]),
            certain(&[2]),
            certain(&[4]),
            certain(&[]),
            certain(&[6]),
        ];
        let expected = [group(&[0, 2, 3], &[4, 5], true), group(&[1], &[], true)];
        assert_eq!(stuck(&edges), expected);
        assert_eq!(stuck(&edges[6..7]), []);
    }

    #[test]
    fn the_end_of_a_scope_is_stuck_with_any_of_its_threads() {
        let edges = [certain(&[1, 2]), certain(&[]), certain(&[0])];
        assert_eq!(stuck(&edges), [group(&[0, 2], &[], true)]);
    }

    #[test]
    fn a_guess_is_stuck_only_with_all_that_it_may_be() {
        let edges = [perhaps(&[1, 2]), certain(&[0]), certain(&[])];
        assert_eq!(stuck(&edges), []);
        let edges = [perhaps(&[1, 2]), certain(&[0]), certain(&[0])];
        assert_eq!(stuck(&edges), [group(&[0, 1, 2], &[], false)]);
        let edges = [perhaps(&[0]), certain(&[])];
        assert_eq!(stuck(&edges), [group(&[0], &[], false)]);
    }

    #[test]
    fn a_certain_circle_beside_a_guess_is_certain() {
        let edges = [certain(&[1]), certain(&[0, 2]), perhaps(&[0])];
        assert_eq!(stuck(&edges), [group(&[0, 1, 2], &[], true)]);
    }
}
