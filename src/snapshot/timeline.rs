//! Takes timelines: the ring's events, then their names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::events::record::{Event, What};
use crate::engine::events::stacks::{self, StackNumber};
use crate::engine::events::threads::ThreadNumber;
use crate::engine::events::{self, Hold, Snapshot};
use crate::engine::{clock, registry, stack};
use crate::profile::Frame;
use crate::profile::kind::Kind;
use crate::profile::labels::LabelSet;
use crate::symbols::{self, Symbolizer};
use crate::timeline::{
    LabelsIndex, Log, Missing, NO_LABELS, NO_STACK, Region, Release, StackIndex, Task, Thread,
    ThreadIndex, Timeline, Wait, Waker,
};

/// A copy of what was recorded, without names.
#[derive(Debug)]
pub(crate) struct Raw {
    events: Snapshot,
    going_on: Vec<GoingOn>,
    end: u64,
}

/// A wait that goes on.
#[derive(Debug)]
struct GoingOn {
    /// The thread's pointer.
    owner: u64,
    kind: Kind,
    lock: u64,
    labels: LabelSet,
    begin: u64,
}

/// Copies what was recorded from `since` on.
pub(crate) fn raw(hold: &Hold, since: u64) -> Raw {
    // The timeline ends before it is copied: what happens meanwhile is not in it.
    let (now, monotonic) = (clock::now(), clock::monotonic());
    let labels: HashMap<u64, LabelSet> = registry::labels().collect();
    let going_on = registry::waits()
        .map(|published| {
            let wait = published.wait;
            let begin = now.saturating_sub(monotonic.saturating_sub(wait.since));
            GoingOn {
                owner: published.owner,
                kind: wait.kind,
                lock: wait.subject,
                labels: labels.get(&published.owner).copied().unwrap_or_default(),
                begin,
            }
        })
        .collect();
    let events = events::snapshot(hold, since);
    Raw {
        events,
        going_on,
        end: now,
    }
}

impl Raw {
    /// Looks names up.
    pub(crate) fn named(&self) -> Timeline {
        stack::refresh();
        let mut timeline = Timeline::empty(self.events.since, self.end);
        timeline.program = program();
        timeline.missing = Missing {
            overwritten: self.events.overwritten,
            lost: self.events.lost,
        };
        let mut builder = Builder {
            symbolizer: symbols::symbolizer(),
            threads: HashMap::new(),
            stacks: HashMap::new(),
            labels: HashMap::new(),
            releases: HashMap::new(),
            regions: HashMap::new(),
            region_ends: HashMap::new(),
            tasks: HashMap::new(),
            timeline,
        };
        builder.take_threads(&self.events);
        builder.prepare(&self.events);
        // The release that ended a wait is an event of its own.
        self.events.events(|event| builder.take_release(event));
        self.events.events(|event| builder.take(event));
        builder.take_going_on(&self.going_on, &self.events);
        builder.finish()
    }
}

/// Whether it belongs to a timeline that has ended before: a wait that had begun goes on there.
fn is_of(what: &What<'_>, end: u64, at: u64) -> bool {
    matches!(what, What::Wait(wait) if at.saturating_sub(wait.nanos) < end)
}

fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// By the thread, and the begin: those of a thread follow each other.
type RegionKey = (ThreadNumber, u64);

struct Builder {
    timeline: Timeline,
    symbolizer: Symbolizer,
    threads: HashMap<ThreadNumber, ThreadIndex>,
    stacks: HashMap<StackNumber, StackIndex>,
    labels: HashMap<LabelSet, LabelsIndex>,
    /// The stacks and labels of releases, by thread, time and lock.
    releases: HashMap<(ThreadNumber, u64, u64), (StackIndex, LabelsIndex)>,
    regions: HashMap<RegionKey, usize>,
    region_ends: HashMap<RegionKey, u64>,
    tasks: HashMap<u64, usize>,
}

impl Builder {
    /// Looks the names of all stacks up in one go.
    fn prepare(&mut self, events: &Snapshot) {
        let mut numbers = HashSet::new();
        events.events(|event| {
            numbers.extend(match &event.what {
                What::Wait(wait) => Some(wait.stack),
                What::Release(release) => Some(release.stack),
                _ => None,
            });
        });
        let stacks = numbers.into_iter().filter_map(stacks::addresses);
        self.symbolizer.prepare(stacks.flatten());
    }

    fn take_threads(&mut self, events: &Snapshot) {
        let mut known: Vec<_> = events.threads.iter().collect();
        known.sort_by_key(|thread| thread.number);
        for thread in known {
            let index = self.thread(thread.number);
            let thread_there = &mut self.timeline.threads[index];
            thread_there.tid = thread.tid.into();
            thread_there.name.clone_from(&thread.name);
            if thread.since > self.timeline.start {
                thread_there.begin = Some(thread.since);
            }
        }
    }

    fn thread(&mut self, number: ThreadNumber) -> ThreadIndex {
        let next = self.timeline.threads.len();
        let index = *self.threads.entry(number).or_insert(next);
        if index == next {
            self.timeline.threads.push(Thread {
                number: number.into(),
                ..Thread::default()
            });
        }
        index
    }

    fn stack(&mut self, number: StackNumber) -> StackIndex {
        if number == 0 {
            return NO_STACK;
        }
        if let Some(index) = self.stacks.get(&number) {
            return *index;
        }
        let addresses = stacks::addresses(number).unwrap_or_default();
        let stack = self.symbolizer.stack(addresses);
        let frames: Arc<[Frame]> = stack.frames_in_place().cloned().collect();
        let index = self.timeline.stacks.len();
        self.timeline.stacks.push(frames);
        self.stacks.insert(number, index);
        index
    }

    fn labels(&mut self, set: LabelSet) -> LabelsIndex {
        if set.is_none() {
            return NO_LABELS;
        }
        let sets = &mut self.timeline.labels;
        *self.labels.entry(set).or_insert_with(|| {
            let labels = set.labels();
            sets.push(
                labels
                    .map(|(key, value)| (key.into(), value.into()))
                    .collect(),
            );
            sets.len() - 1
        })
    }

    fn take_release(&mut self, event: &Event<'_>) {
        let What::Release(release) = event.what else {
            return;
        };
        if event.time > self.timeline.end {
            return;
        }
        let stack = self.stack(release.stack);
        let labels = self.labels(release.labels);
        let thread = self.thread(event.thread);
        self.releases
            .insert((event.thread, event.time, release.lock), (stack, labels));
        self.timeline.releases.push(Release {
            thread,
            kind: release.kind.label().into(),
            lock: release.lock,
            at: event.time,
            stack,
            labels,
            blame_nanos: release.blame_nanos,
        });
    }

    fn take(&mut self, event: &Event<'_>) {
        let (at, end) = (event.time, self.timeline.end);
        if at > end && !is_of(&event.what, end, at) {
            return;
        }
        let thread = self.thread(event.thread);
        match event.what {
            What::Release(_) => {}
            What::Wait(wait) => {
                let waker = wait.waker.map(|waker| {
                    let released = at.saturating_sub(waker.latency_nanos);
                    let release = self.releases.get(&(waker.thread, released, wait.lock));
                    let (stack, labels) = release.copied().unwrap_or((NO_STACK, NO_LABELS));
                    Waker {
                        stack,
                        labels,
                        at: released,
                        thread: self.thread(waker.thread),
                    }
                });
                let stack = self.stack(wait.stack);
                let labels = self.labels(wait.labels);
                self.timeline.waits.push(Wait {
                    thread,
                    kind: wait.kind.label().into(),
                    is_of_task: wait.is_of_task,
                    lock: wait.lock,
                    labels,
                    begin: at.saturating_sub(wait.nanos),
                    end: at.min(end),
                    is_over: at <= end,
                    stack,
                    waker: waker.filter(|_| at <= end),
                });
            }
            What::ThreadStart(spawned) => {
                let parent =
                    (spawned.parent != 0).then(|| (self.thread(spawned.parent), spawned.at));
                self.timeline.threads[thread].begin = Some(at);
                self.timeline.threads[thread].parent = parent;
            }
            What::ThreadEnd => self.timeline.threads[thread].end = Some(at),
            What::TaskBegin { task, parent, name } => {
                let task = self.task(task);
                task.parent = parent;
                name.0.clone_into(&mut task.name);
                task.begin = Some((thread, at));
            }
            What::TaskEnd { task } => self.task(task).end = Some((thread, at)),
            What::RegionBegin { task, region, name } => {
                let index = self.timeline.regions.len();
                self.regions.insert((event.thread, region), index);
                self.timeline.regions.push(Region {
                    thread,
                    task,
                    name: name.0.to_owned(),
                    begin: at,
                    end: None,
                });
            }
            What::RegionEnd { region } => {
                self.region_ends.insert((event.thread, region), at);
            }
            What::Log {
                task,
                category,
                text,
            } => self.timeline.logs.push(Log {
                thread,
                at,
                task,
                category: category.0.to_owned(),
                text: text.0.to_owned(),
            }),
        }
    }

    fn task(&mut self, id: u64) -> &mut Task {
        let next = self.timeline.tasks.len();
        let index = *self.tasks.entry(id).or_insert(next);
        if index == next {
            self.timeline.tasks.push(Task {
                id,
                parent: 0,
                name: String::new(),
                begin: None,
                end: None,
            });
        }
        &mut self.timeline.tasks[index]
    }

    fn take_going_on(&mut self, waits: &[GoingOn], events: &Snapshot) {
        for wait in waits {
            // The newest thread of that pointer: earlier ones have ended.
            let threads = events.threads.iter();
            let of_pointer = threads.filter(|thread| thread.pointer == wait.owner);
            let Some(number) = of_pointer.map(|thread| thread.number).max() else {
                continue;
            };
            let thread = self.thread(number);
            // An event may have it, with its stack, if it ended a moment after the timeline.
            let mut of_thread = self.timeline.waits.iter().rev();
            if of_thread.any(|known| known.thread == thread && known.end >= wait.begin) {
                continue;
            }
            let labels = self.labels(wait.labels);
            self.timeline.waits.push(Wait {
                thread,
                kind: wait.kind.label().into(),
                is_of_task: false,
                lock: wait.lock,
                labels,
                begin: wait.begin,
                end: self.timeline.end,
                is_over: false,
                stack: NO_STACK,
                waker: None,
            });
        }
    }

    fn finish(mut self) -> Timeline {
        for (key, index) in &self.regions {
            self.timeline.regions[*index].end = self.region_ends.get(key).copied();
        }
        let timeline = &mut self.timeline;
        // The first of a thread that nobody saw start is all that is known of its beginning.
        let mut first = vec![u64::MAX; timeline.threads.len()];
        for wait in &timeline.waits {
            first[wait.thread] = first[wait.thread].min(wait.begin);
        }
        for (thread, first) in timeline.threads.iter_mut().zip(first) {
            if thread.parent.is_none() {
                thread.begin = thread.begin.map(|begin| begin.min(first));
                thread.begin = thread.begin.filter(|begin| *begin > timeline.start);
            }
        }
        timeline.waits.sort_by_key(|wait| wait.begin);
        timeline.releases.sort_by_key(|release| release.at);
        timeline.regions.sort_by_key(|region| region.begin);
        timeline.logs.sort_by_key(|log| log.at);
        timeline
            .tasks
            .sort_by_key(|task| task.begin.map(|(_, at)| at));
        self.timeline
    }
}
