//! The events of each thread in an order that Go's reader accepts: its runs, cut by its waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::timeline::{ThreadIndex, Timeline};

/// A piece of time in which a thread runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) begin: u64,
    /// Later than `begin`, but for the last one, which may be as short as it likes.
    pub(super) end: u64,
    pub(super) ends_with: End,
    /// The P that it has, and the how many-th run of that P it is, from 1 on.
    pub(super) proc: u64,
    pub(super) proc_sequence: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The wait of this index begins.
    Wait(usize),
    /// The thread ends.
    Thread,
    /// The timeline does.
    Timeline,
}

/// A wait between two runs, or before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The number of the wait.
    pub(super) index: usize,
    pub(super) begin: u64,
    pub(super) end: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// The wait that the thread is in when it is first seen.
    pub(super) first_wait: Option<Gap>,
    pub(super) runs: Vec<Run>,
    /// The waits between the runs, in their order; the last one may be without a run after it.
    pub(super) gaps: Vec<Gap>,
}

impl Plan {
    fn of(timeline: &Timeline, thread: ThreadIndex, waits: &[usize]) -> Self {
        let known = &timeline.threads[thread];
        let begin = known.begin.unwrap_or(timeline.start);
        let begin = begin.clamp(timeline.start, timeline.end);
        let end = known.end.unwrap_or(timeline.end).clamp(begin, timeline.end);
        let mut plan = Plan::default();
        let mut at = begin;
        let mut is_running = true;
        for index in waits {
            let wait = &timeline.waits[*index];
            let is_first = plan.runs.is_empty() && plan.first_wait.is_none();
            let is_before = is_first && known.begin.is_none() && wait.begin <= begin;
            // The thread runs for a moment before it waits. A wait within an earlier one, or after
            // the thread's end, is left out.
            let gap = Gap {
                index: *index,
                begin: if is_before {
                    begin
                } else {
                    wait.begin.max(at.saturating_add(1))
                },
                end: wait.end.min(end),
            };
            if gap.end <= gap.begin {
                continue;
            }
            if is_before {
                plan.first_wait = Some(gap);
            } else {
                plan.push_run(at, gap.begin, End::Wait(*index));
                plan.gaps.push(gap);
            }
            at = gap.end;
            if !wait.is_over {
                is_running = false;
                break;
            }
        }
        if is_running {
            let ends_with = match known.end {
                Some(_) => End::Thread,
                None => End::Timeline,
            };
            plan.push_run(at, end, ends_with);
        }
        plan
    }

    fn push_run(&mut self, begin: u64, end: u64, ends_with: End) {
        self.runs.push(Run {
            begin,
            end,
            ends_with,
            proc: 0,
            proc_sequence: 0,
        });
    }

    /// The time at which the thread can say something that happened at `at`: then, or when it runs
    /// again. `None`: it does not.
    pub(super) fn running_at(&self, at: u64) -> Option<u64> {
        let next = self.runs.partition_point(|run| run.end < at);
        self.runs.get(next).map(|run| at.max(run.begin))
    }

    /// Whether the thread runs then, and did a moment before.
    pub(super) fn runs_through(&self, at: u64) -> bool {
        let next = self.runs.partition_point(|run| run.end < at);
        self.runs.get(next).is_some_and(|run| run.begin < at)
    }
}

/// The plans of all threads, by their index.
pub(super) fn plans(timeline: &Timeline) -> Vec<Plan> {
    let mut waits_of: Vec<Vec<usize>> = vec![Vec::new(); timeline.threads.len()];
    for (index, wait) in timeline.waits.iter().enumerate() {
        // A task's thread goes on.
        if !wait.is_of_task
            && let Some(waits) = waits_of.get_mut(wait.thread)
        {
            waits.push(index);
        }
    }
    let mut plans: Vec<Plan> = Vec::with_capacity(waits_of.len());
    for (thread, waits) in waits_of.iter_mut().enumerate() {
        // Outer waits first where several begin at once.
        waits.sort_by_key(|index| {
            let wait = &timeline.waits[*index];
            (wait.begin, Reverse(wait.end))
        });
        plans.push(Plan::of(timeline, thread, waits));
    }
    give_procs(&mut plans);
    plans
}

/// Gives each run the lowest P that is free when it begins.
fn give_procs(plans: &mut [Plan]) {
    let mut order: Vec<(u64, usize, usize)> = Vec::new();
    for (thread, plan) in plans.iter().enumerate() {
        order.extend(
            plan.runs
                .iter()
                .enumerate()
                .map(|(run, at)| (at.begin, thread, run)),
        );
    }
    order.sort_unstable();
    let mut free = BinaryHeap::new();
    let mut busy: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut sequences: BTreeMap<u64, u64> = BTreeMap::new();
    for (begin, thread, run) in order {
        // A P is free again a moment after its run, so that no order at one time is needed.
        while let Some(Reverse((end, proc))) = busy
            .peek()
            .copied()
            .filter(|Reverse((end, _))| *end < begin)
        {
            busy.pop();
            debug_assert!(end < begin);
            free.push(Reverse(proc));
        }
        let proc = free
            .pop()
            .map_or(sequences.len() as u64, |Reverse(proc)| proc);
        let sequence = sequences.entry(proc).or_default();
        *sequence += 1;
        let run = &mut plans[thread].runs[run];
        run.proc = proc;
        run.proc_sequence = *sequence;
        // A run that the timeline ends keeps its P.
        let end = match run.ends_with {
            End::Timeline => u64::MAX,
            End::Wait(_) | End::Thread => run.end,
        };
        busy.push(Reverse((end, proc)));
    }
}
