//! From a dump of threads to the graph of who blocks whom.
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::model::{Edge, Graph, Node, NodeKind};
use crate::live::{Holder, Thread, WaitInProgress};
use crate::text::units::human;

/// The identity of a node.
#[derive(PartialEq, Eq, Hash)]
enum Key<'t> {
    Thread(u32),
    /// Threads with this name that wait for this.
    Group(&'t str, u64),
    Lock(u64),
}

/// Nodes above one lock. Threads of further names are one node together.
const GROUPS: usize = 8;
const OTHERS: &str = "others";

/// Builds the graph of threads.
#[derive(Default)]
struct Builder<'t> {
    graph: Graph,
    index_of: HashMap<Key<'t>, usize>,
    edges: HashSet<(usize, usize)>,
    /// How many nodes wait for each subject.
    groups: HashMap<u64, usize>,
}

pub(super) fn whole<'t>(threads: impl IntoIterator<Item = &'t Thread>) -> Graph {
    let threads: Vec<&Thread> = threads.into_iter().collect();
    let by_tid = threads.iter().map(|thread| (thread.tid(), *thread));
    let by_tid: HashMap<u32, &Thread> = by_tid.collect();
    let waits = || {
        let waits = threads.iter().copied();
        waits.filter_map(|thread| Some((thread, blocking(thread)?)))
    };
    let holders: HashSet<u32> = waits()
        .flat_map(|(_, wait)| wait.holders())
        .map(Holder::tid)
        .collect();
    let mut builder = Builder::default();
    for (thread, wait) in waits() {
        let lock = builder.lock(wait);
        let waiter = match holders.contains(&thread.tid()) {
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

/// The number that all who wait for the same have in common.
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
        let lock = match (wait.lock_name(), wait.lock()) {
            (Some(name), _) => format!(" {name}"),
            (None, Some(lock)) => format!(" {lock:#x}"),
            (None, None) => String::new(),
        };
        let kind = wait.kind();
        let kind = kind.split('_').next().unwrap_or(kind);

        self.node(Key::Lock(subject(wait)), || Node {
            kind: NodeKind::Lock,
            lines: [format!("{kind}{lock}"), String::new()],
            title: String::new(),
            threads: 0,
            in_cycle: false,
        })
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
        let subject = subject(wait);
        let mut name = thread.group();
        if !self.index_of.contains_key(&Key::Group(name, subject)) {
            let groups = self.groups.entry(subject).or_default();
            *groups += 1;
            if *groups > GROUPS {
                name = OTHERS;
            }
        }
        let index = self.node(Key::Group(name, subject), || Node {
            kind: NodeKind::Threads,
            lines: [format!("{} {}", thread.tid(), thread.name()), String::new()],
            title: String::new(),
            threads: 0,
            in_cycle: false,
        });
        let node = &mut self.graph.nodes[index];
        node.threads += 1;
        if node.threads > 1 {
            node.lines[0] = format!("{} × {name}", node.threads);
        }
        index
    }

    fn edge(&mut self, from: usize, to: usize, is_certain: bool) {
        if self.edges.insert((from, to)) {
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
            let named = self.index_of.get(&Key::Group(thread.group(), subject));
            let group = named.or_else(|| self.index_of.get(&Key::Group(OTHERS, subject)));
            // A thread that others wait for has a node of its own.
            let is_alone = self.index_of.contains_key(&Key::Thread(thread.tid()));
            let lock = self.index_of.get(&Key::Lock(subject));
            for index in group.filter(|_| !is_alone).into_iter().chain(lock) {
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
                (NodeKind::Lock, _) => format!("{count} wait, \u{2264} {}", human(time)),
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
