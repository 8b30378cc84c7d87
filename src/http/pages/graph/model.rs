//! Threads and locks as nodes, waiting and holding as edges.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::time::Duration;

use crate::live::{Thread, Threads, WaitInProgress};
use crate::text::units::human;

/// All that hangs together.
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

/// What makes a node one.
#[derive(PartialEq, Eq, Hash)]
enum Key<'t> {
    Thread(u32),
    /// Threads with this name that wait for this.
    Group(&'t str, u64),
    Lock(u64),
}

impl Graph {
    /// The graphs of a dump, those with a cycle first, then those with most threads.
    pub(super) fn all(threads: &Threads) -> Vec<Self> {
        let mut graph = whole(threads);
        graph.mark_cycles();
        let mut parts = graph.parts();
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
        let successors = self.successors();
        let reached: Vec<Vec<bool>> = (0..self.nodes.len())
            .map(|start| reached(start, &successors))
            .collect();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.in_cycle = reached[index][index];
        }
        for edge in &mut self.edges {
            edge.in_cycle = reached[edge.to][edge.from];
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

/// Which nodes one gets to from `start`, with one step or more.
fn reached(start: usize, successors: &[Vec<usize>]) -> Vec<bool> {
    let mut seen = vec![false; successors.len()];
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for next in &successors[at] {
            if !std::mem::replace(&mut seen[*next], true) {
                open.push(*next);
            }
        }
    }
    seen
}

/// Builds the graph of all threads.
#[derive(Default)]
struct Builder<'t> {
    graph: Graph,
    index_of: HashMap<Key<'t>, usize>,
}

fn whole(threads: &Threads) -> Graph {
    let by_tid: HashMap<u32, &Thread> = threads
        .threads()
        .iter()
        .map(|thread| (thread.tid(), thread))
        .collect();
    let waits = || {
        let waits = threads.threads().iter();
        waits.filter_map(|thread| Some((thread, blocking(thread)?)))
    };
    let holds = |tid| {
        let mut holders = waits().flat_map(|(_, wait)| wait.holders());
        holders.any(|holder| holder.tid() == tid)
    };
    let mut builder = Builder::default();
    for (thread, wait) in waits() {
        let lock = builder.lock(wait);
        let waiter = match holds(thread.tid()) {
            true => builder.thread(thread),
            false => builder.group(thread, wait),
        };
        builder.edge(waiter, lock, true);
        for holder in wait.holders() {
            let node = match by_tid.get(&holder.tid()) {
                Some(thread) => builder.thread(thread),
                None => builder.unknown(holder.tid(), holder.name()),
            };
            builder.edge(lock, node, holder.is_certain());
        }
    }
    builder.finish(&by_tid)
}

/// The wait of a thread that somebody can end: for a lock, or for who is known.
fn blocking(thread: &Thread) -> Option<&WaitInProgress> {
    let is_lock = matches!(
        wait_kind(thread)?,
        "mutex" | "rwlock_read" | "rwlock_write" | "once"
    );
    let wait = thread.wait()?;
    (is_lock || !wait.holders().is_empty()).then_some(wait)
}

fn wait_kind(thread: &Thread) -> Option<&str> {
    thread.wait().map(WaitInProgress::kind)
}

/// What all who wait for it have in common.
fn subject(wait: &WaitInProgress) -> u64 {
    let holder = || {
        wait.holders()
            .first()
            .map_or(0, |holder| u64::from(holder.tid()))
    };
    wait.lock().unwrap_or_else(holder)
}

impl<'t> Builder<'t> {
    fn node(&mut self, key: Key<'t>, make: impl FnOnce() -> Node) -> usize {
        let next = self.graph.nodes.len();
        let index = *self.index_of.entry(key).or_insert(next);
        if index == next {
            self.graph.nodes.push(make());
        }
        index
    }

    fn lock(&mut self, wait: &WaitInProgress) -> usize {
        let lock = match wait.lock() {
            Some(lock) => format!(" {lock:#x}"),
            None => String::new(),
        };
        let kind = wait.kind();
        let kind = kind.split('_').next().unwrap_or(kind);
        let index = self.node(Key::Lock(subject(wait)), || Node {
            kind: NodeKind::Lock,
            lines: [format!("{kind}{lock}"), String::new()],
            title: String::new(),
            threads: 0,
            in_cycle: false,
        });
        index
    }

    fn thread(&mut self, thread: &'t Thread) -> usize {
        let at = thread.place().map_or_else(
            || thread.state().to_string(),
            |frame| last_segments(frame.function()).to_owned(),
        );
        self.node(Key::Thread(thread.tid()), || Node {
            kind: NodeKind::Threads,
            lines: [format!("{} {}", thread.tid(), thread.name()), at],
            title: format!(
                "thread {} {:?}: {}",
                thread.tid(),
                thread.name(),
                thread.state()
            ),
            threads: 1,
            in_cycle: false,
        })
    }

    /// A thread that has ended since, or hides.
    fn unknown(&mut self, tid: u32, name: &str) -> usize {
        self.node(Key::Thread(tid), || Node {
            kind: NodeKind::Threads,
            lines: [format!("{tid} {name}"), String::new()],
            title: String::new(),
            threads: 1,
            in_cycle: false,
        })
    }

    /// Its name and its wait are told at the end, when it is known how many they are.
    fn group(&mut self, thread: &'t Thread, wait: &WaitInProgress) -> usize {
        let index = self.node(Key::Group(thread.group(), subject(wait)), || Node {
            kind: NodeKind::Threads,
            lines: [format!("{} {}", thread.tid(), thread.name()), String::new()],
            title: String::new(),
            threads: 0,
            in_cycle: false,
        });
        let node = &mut self.graph.nodes[index];
        node.threads += 1;
        if node.threads > 1 {
            node.lines[0] = format!("{} × {}", node.threads, thread.group());
        }
        index
    }

    fn edge(&mut self, from: usize, to: usize, is_certain: bool) {
        let mut edges = self.graph.edges.iter();
        if !edges.any(|edge| (edge.from, edge.to) == (from, to)) {
            self.graph.edges.push(Edge {
                from,
                to,
                is_certain,
                in_cycle: false,
            });
        }
    }

    /// Adds up how long there has been waiting, at each node.
    fn finish(mut self, by_tid: &HashMap<u32, &'t Thread>) -> Graph {
        let mut longest: HashMap<usize, (Duration, usize)> = HashMap::new();
        for thread in by_tid.values() {
            let Some(wait) = blocking(thread) else {
                continue;
            };
            let subject = subject(wait);
            let keys = [Key::Group(thread.group(), subject), Key::Lock(subject)];
            for index in keys.iter().filter_map(|key| self.index_of.get(key)) {
                let (time, count) = longest.entry(*index).or_default();
                *time = wait.waited().max(*time);
                *count += 1;
            }
        }
        for (index, (time, count)) in longest {
            let node = &mut self.graph.nodes[index];
            node.lines[1] = match (node.kind, count) {
                (NodeKind::Threads, 1) => format!("waited {}", human(time)),
                (NodeKind::Threads, _) => format!("waited up to {}", human(time)),
                (NodeKind::Lock, 1) => format!("1 waits, {}", human(time)),
                (NodeKind::Lock, _) => format!("{count} wait, up to {}", human(time)),
            };
            if node.title.is_empty() {
                node.title = format!("{}: {}", node.lines[0], node.lines[1]);
            }
        }
        self.graph
    }
}

/// `cart::add` of `shop::cart::add`.
fn last_segments(path: &str) -> &str {
    let mut cuts = path.rmatch_indices("::");
    match cuts.nth(1) {
        Some((at, _)) => &path[at + 2..],
        None => path,
    }
}
