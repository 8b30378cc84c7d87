//! Writes a timeline as a trace of Perfetto, which <https://ui.perfetto.dev> opens.
//!
//! | here | there |
//! |---|---|
//! | a thread | a thread's track, and a sequence of packets |
//! | a wait, a region | slices on it, one within the other; a wait with its stack, weighted by its time |
//! | the part of a wait after the release | a slice "woken" within the wait |
//! | the release | an instant on the waker's track, with an arrow to "woken" |
//! | a log | an instant |
//! | a task, a wait of a task | a track each; the reader puts those of one name together |
//! | how many wait for a lock | a counter's track, for the locks that were waited for longest |
//!
//! The arrow ends at "woken", not at the wait: an arrow's direction is that of time. No packet
//! names a clock: the times are nanoseconds of one clock, and another one would have to be tied to
//! it.

mod sequence;

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::process;

use super::model::{Timeline, Wait};
use super::slices::{Edge, What, edges};
use crate::pprof::protobuf::Message;
use sequence::{Sequence, field};

/// Locks whose waiters are counted on a track.
const COUNTED_LOCKS: usize = 24;

/// The tracks' numbers: the process's, and where those of each sort begin.
const PROCESS: u64 = 1;
const THREADS: u64 = 1 << 32;
const TASKS: u64 = 2 << 32;
const TASK_WAITS: u64 = 3 << 32;
const COUNTERS: u64 = 4 << 32;

/// The sequences of packets that are no thread's. Never 0.
const OF_DESCRIPTORS: u32 = 1;
const OF_TASKS: u32 = 2;
const OF_COUNTERS: u32 = 3;
const FIRST_OF_THREADS: u32 = 16;

/// See [`Timeline::write_perfetto`].
pub(crate) fn write(timeline: &Timeline, writer: impl Write) -> io::Result<()> {
    let mut writer = BufWriter::new(writer);
    let locks = counted_locks(timeline);
    write_descriptors(timeline, &locks, &mut writer)?;
    let instants = releases(timeline);
    let logs = logs(timeline);
    for (thread, edges) in edges(timeline).into_iter().enumerate() {
        let id = FIRST_OF_THREADS.saturating_add(thread as u32);
        let mut sequence = Sequence::new(id, THREADS + thread as u64, timeline);
        let mut events: Vec<(u64, OnThread)> = Vec::new();
        events.extend(
            edges
                .into_iter()
                .map(|edge| (edge.at(), OnThread::Edge(edge))),
        );
        let of_thread = instants.get(&thread).into_iter().flatten();
        events.extend(of_thread.map(|wait| {
            (
                timeline.waits[*wait].waker.map_or(0, |at| at.at),
                OnThread::Release(*wait),
            )
        }));
        let of_thread = logs.get(&thread).into_iter().flatten();
        events.extend(of_thread.map(|log| (timeline.logs[*log].at, OnThread::Log(*log))));
        // Stable: the edges keep their order.
        events.sort_by_key(|(at, _)| *at);
        for (at, event) in events {
            write_on_thread(timeline, &mut sequence, at, event, &mut writer)?;
        }
    }
    write_tasks(timeline, &mut writer)?;
    write_counters(timeline, &locks, &mut writer)?;
    writer.flush()
}

#[derive(Clone, Copy)]
enum OnThread {
    Edge(Edge),
    /// The release by the waker of this wait.
    Release(usize),
    Log(usize),
}

fn write_on_thread(
    timeline: &Timeline,
    sequence: &mut Sequence<'_>,
    at: u64,
    event: OnThread,
    writer: &mut impl Write,
) -> io::Result<()> {
    match event {
        OnThread::Edge(Edge::End(..)) => sequence.end(at, None, writer),
        OnThread::Edge(Edge::Begin(_, What::Region(index))) => {
            let region = &timeline.regions[index];
            let name = if region.name.is_empty() {
                "region"
            } else {
                &region.name
            };
            sequence.begin(at, None, name, |_| (), writer)
        }
        OnThread::Edge(Edge::Begin(_, What::Woken(index))) => sequence.begin(
            at,
            None,
            "woken",
            |event| event.fixed(field::TERMINATING_FLOW, flow(index)),
            writer,
        ),
        OnThread::Edge(Edge::Begin(_, What::Wait(index))) => {
            let wait = &timeline.waits[index];
            sequence.wait(at, wait, &label(wait), writer)
        }
        OnThread::Release(index) => {
            let stack = timeline.waits[index].waker.map_or(0, |waker| waker.stack);
            sequence.release(at, flow(index), stack, writer)
        }
        OnThread::Log(index) => {
            let log = &timeline.logs[index];
            let name = if log.category.is_empty() {
                "log"
            } else {
                &log.category
            };
            sequence.log(at, name, &log.text, writer)
        }
    }
}

/// Never 0.
fn flow(wait: usize) -> u64 {
    wait as u64 + 1
}

fn label(wait: &Wait) -> String {
    match wait.lock {
        0 => format!("wait {}", wait.kind),
        lock => format!("wait {} {lock:#x}", wait.kind),
    }
}

/// The waits that each thread's releases have ended.
fn releases(timeline: &Timeline) -> HashMap<usize, Vec<usize>> {
    let mut of_thread: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, wait) in timeline.waits.iter().enumerate() {
        if let Some(waker) = &wait.waker
            && !wait.is_of_task
        {
            of_thread.entry(waker.thread).or_default().push(index);
        }
    }
    of_thread
}

fn logs(timeline: &Timeline) -> HashMap<usize, Vec<usize>> {
    let mut of_thread: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, log) in timeline.logs.iter().enumerate() {
        of_thread.entry(log.thread).or_default().push(index);
    }
    of_thread
}

/// Those that were waited for longest, with a kind of wait for each.
fn counted_locks(timeline: &Timeline) -> Vec<(u64, &str)> {
    let mut waited: HashMap<u64, (u64, &str)> = HashMap::new();
    for wait in timeline.waits.iter().filter(|wait| wait.lock != 0) {
        let (nanos, kind) = waited.entry(wait.lock).or_default();
        (*nanos, *kind) = (*nanos + wait.nanos(), &wait.kind);
    }
    let mut all: Vec<_> = waited.into_iter().collect();
    all.sort_unstable_by_key(|(lock, (nanos, _))| (std::cmp::Reverse(*nanos), *lock));
    all.truncate(COUNTED_LOCKS);
    all.into_iter()
        .map(|(lock, (_, kind))| (lock, kind))
        .collect()
}

fn write_descriptors(
    timeline: &Timeline,
    locks: &[(u64, &str)],
    writer: &mut impl Write,
) -> io::Result<()> {
    let process_id = u64::from(process::id());
    let mut sequence = Sequence::new(OF_DESCRIPTORS, PROCESS, timeline);
    sequence.track(
        PROCESS,
        None,
        None,
        |track| {
            let mut process = Message::default();
            process.integer(1, process_id);
            process.element(6, timeline.program.as_bytes());
            track.element(3, process.bytes());
        },
        writer,
    )?;
    for (index, known) in timeline.threads.iter().enumerate() {
        // A number that no thread of the system has, where it is not known or was used again.
        let is_other =
            |other: &super::model::Thread| other.tid == known.tid && other.number != known.number;
        let is_shared = known.tid == 0 || timeline.threads.iter().take(index).any(is_other);
        let tid = if is_shared {
            (1 << 30) | known.number
        } else {
            known.tid
        };
        sequence.track(
            THREADS + index as u64,
            None,
            None,
            |track| {
                let mut thread = Message::default();
                thread.integer(1, process_id);
                thread.integer(2, tid);
                thread.element(5, timeline.thread_name(index).as_bytes());
                track.element(4, thread.bytes());
            },
            writer,
        )?;
    }
    for (index, task) in timeline.tasks.iter().enumerate() {
        let name = if task.name.is_empty() {
            "task"
        } else {
            &task.name
        };
        sequence.track(
            TASKS + index as u64,
            Some(PROCESS),
            Some(name),
            |_| (),
            writer,
        )?;
    }
    for (index, wait) in timeline.waits.iter().enumerate() {
        if wait.is_of_task {
            let name = format!("tasks: {}", label(wait));
            sequence.track(
                TASK_WAITS + index as u64,
                Some(PROCESS),
                Some(&name),
                |_| (),
                writer,
            )?;
        }
    }
    for (index, (lock, kind)) in locks.iter().enumerate() {
        let name = format!("waiting for {kind} {lock:#x}");
        let counter = |track: &mut Message| track.element(8, &[]);
        sequence.track(
            COUNTERS + index as u64,
            Some(PROCESS),
            Some(&name),
            counter,
            writer,
        )?;
    }
    Ok(())
}

fn write_tasks(timeline: &Timeline, writer: &mut impl Write) -> io::Result<()> {
    let mut sequence = Sequence::new(OF_TASKS, PROCESS, timeline);
    // By time: begins before ends of the same moment, which may be of the same task.
    let mut events: Vec<(u64, bool, u64, String, Option<usize>)> = Vec::new();
    for (index, task) in timeline.tasks.iter().enumerate() {
        let Some((_, begin)) = task.begin else {
            continue;
        };
        let track = TASKS + index as u64;
        let name = if task.name.is_empty() {
            "task"
        } else {
            &task.name
        };
        events.push((begin, false, track, name.to_owned(), None));
        if let Some((_, end)) = task.end {
            events.push((end.max(begin), true, track, String::new(), None));
        }
    }
    for (index, wait) in timeline.waits.iter().enumerate() {
        if wait.is_of_task {
            let track = TASK_WAITS + index as u64;
            events.push((wait.begin, false, track, label(wait), Some(index)));
            if wait.is_over {
                events.push((wait.end.max(wait.begin), true, track, String::new(), None));
            }
        }
    }
    events.sort_by_key(|(at, is_end, ..)| (*at, *is_end));
    for (at, is_end, track, name, wait) in events {
        match (is_end, wait) {
            (true, _) => sequence.end(at, Some(track), writer)?,
            (false, None) => sequence.begin(at, Some(track), &name, |_| (), writer)?,
            (false, Some(wait)) => {
                let stack = timeline.waits[wait].stack;
                sequence.begin_with_stack(at, Some(track), &name, stack, writer)?;
            }
        }
    }
    Ok(())
}

fn write_counters(
    timeline: &Timeline,
    locks: &[(u64, &str)],
    writer: &mut impl Write,
) -> io::Result<()> {
    let track_of: HashMap<u64, u64> = locks
        .iter()
        .enumerate()
        .map(|(index, (lock, _))| (*lock, COUNTERS + index as u64))
        .collect();
    let mut changes: Vec<(u64, u64, i64)> = Vec::new();
    for wait in &timeline.waits {
        if let Some(track) = track_of.get(&wait.lock) {
            changes.push((wait.begin, *track, 1));
            if wait.is_over {
                changes.push((wait.end, *track, -1));
            }
        }
    }
    changes.sort_unstable();
    let mut sequence = Sequence::new(OF_COUNTERS, PROCESS, timeline);
    let mut waiting: HashMap<u64, i64> = HashMap::new();
    for (at, track, change) in changes {
        let now = waiting.entry(track).or_default();
        *now += change;
        sequence.counter(at, track, (*now).max(0) as u64, writer)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
