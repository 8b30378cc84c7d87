//! Writes a timeline as Go's trace: one generation.

mod tables;

use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, Write};

use super::plan::{End, Plan, plans};
use super::reason::Locks;
use super::{HEADER, NO_THREAD, TASK_WAIT, code, labels};
use crate::timeline::{NO_STACK, Region, ThreadIndex, Timeline};
use tables::{Stacks, Strings, varint};

/// The only generation that there is.
const GENERATION: u64 = 1;

/// The most that a batch may have, with some room for its last entry.
const BATCH_BYTES: usize = 60_000;

/// The numbers of the tasks that stand for waits of tasks begin here.
const OF_TASKS: u64 = 1 << 48;

/// See [`Timeline::write_go`].
pub(crate) fn write(timeline: &Timeline, writer: impl Write) -> io::Result<()> {
    let mut rows = Rows::of(timeline);
    rows.lay_out(timeline);
    let mut writer = BufWriter::new(writer);
    writer.write_all(HEADER)?;
    let start = timeline.start;
    let mut frequency = vec![code::FREQUENCY];
    varint(&mut frequency, 1_000_000_000);
    write_batch(&mut writer, NO_THREAD, start, &frequency)?;
    for (row, events) in rows.rows.iter_mut().enumerate() {
        events.write(rows.ids[row], &mut writer)?;
    }
    rows.stacks.write(&mut rows.strings, |data| {
        write_batch(&mut writer, NO_THREAD, start, data)
    })?;
    // The latest time in the file says when the timeline ends.
    rows.strings
        .write(|data| write_batch(&mut writer, NO_THREAD, timeline.end, data))?;
    writer.flush()
}

fn write_batch(writer: &mut impl Write, thread: u64, time: u64, data: &[u8]) -> io::Result<()> {
    let mut header = vec![code::BATCH];
    // Go's reader takes 0 for no time, and the earliest other one for the beginning.
    for number in [GENERATION, thread, time.max(1), data.len() as u64] {
        varint(&mut header, number);
    }
    writer.write_all(&header)?;
    writer.write_all(data)
}

/// An event of a row.
#[derive(Clone, Copy, Debug)]
struct Event {
    time: u64,
    code: u8,
    arguments: [u64; 4],
    count: u8,
}

/// The events that stand in one M's batches.
#[derive(Debug, Default)]
struct Row {
    /// The thread's own events, in order.
    own: Vec<Event>,
    /// Its effects on others: before its own at the same time.
    to_others: Vec<Event>,
}

impl Row {
    fn write(&mut self, thread: u64, writer: &mut impl Write) -> io::Result<()> {
        self.to_others.sort_by_key(|event| event.time);
        let mut to_others = self.to_others.iter().peekable();
        let mut batch = Batch::default();
        for own in &self.own {
            while let Some(event) = to_others.next_if(|event| event.time <= own.time) {
                batch.push(event, thread, writer)?;
            }
            batch.push(own, thread, writer)?;
        }
        for event in to_others {
            batch.push(event, thread, writer)?;
        }
        batch.finish(thread, writer)
    }
}

#[derive(Debug, Default)]
struct Batch {
    data: Vec<u8>,
    base: u64,
    time: u64,
}

impl Batch {
    fn push(&mut self, event: &Event, thread: u64, writer: &mut impl Write) -> io::Result<()> {
        if self.data.len() > BATCH_BYTES {
            self.finish(thread, writer)?;
        }
        if self.data.is_empty() {
            self.base = event.time;
            self.time = event.time;
        }
        self.data.push(event.code);
        varint(&mut self.data, event.time.saturating_sub(self.time));
        self.time = self.time.max(event.time);
        for argument in &event.arguments[..event.count.into()] {
            varint(&mut self.data, *argument);
        }
        Ok(())
    }

    fn finish(&mut self, thread: u64, writer: &mut impl Write) -> io::Result<()> {
        if !self.data.is_empty() {
            write_batch(writer, thread, self.base, &self.data)?;
            self.data.clear();
        }
        Ok(())
    }
}

struct Rows<'t> {
    plans: Vec<Plan>,
    /// By the index of the thread, as all of these.
    rows: Vec<Row>,
    /// The numbers of the Ms.
    ids: Vec<u64>,
    stacks: Stacks<'t>,
    strings: Strings,
    locks: Locks,
}

impl<'t> Rows<'t> {
    fn of(timeline: &'t Timeline) -> Self {
        Self {
            plans: plans(timeline),
            rows: timeline.threads.iter().map(|_| Row::default()).collect(),
            ids: thread_ids(timeline),
            stacks: Stacks::new(timeline),
            strings: Strings::default(),
            locks: Locks::of(timeline),
        }
    }

    fn lay_out(&mut self, timeline: &'t Timeline) {
        let said = self.said(timeline);
        let first_stacks = first_stacks(timeline);
        for (thread, said) in said.into_iter().enumerate() {
            let plan = std::mem::take(&mut self.plans[thread]);
            let start_stack = self.stacks.start_of(
                timeline.stack(first_stacks[thread]).last(),
                &timeline.threads[thread].name,
            );
            let begins = self.begin(timeline, thread, &plan, start_stack);
            self.run(timeline, thread, &plan, begins, &said);
            self.plans[thread] = plan;
        }
    }

    fn own(&mut self, thread: ThreadIndex, time: u64, code: u8, arguments: &[u64]) {
        self.rows[thread].own.push(event(time, code, arguments));
    }

    fn say_to_others(&mut self, thread: ThreadIndex, time: u64, code: u8, arguments: &[u64]) {
        self.rows[thread]
            .to_others
            .push(event(time, code, arguments));
    }

    /// How the thread comes into the trace. Returns whether its first run creates it.
    fn begin(
        &mut self,
        timeline: &Timeline,
        thread: ThreadIndex,
        plan: &Plan,
        stack: u64,
    ) -> Option<u64> {
        let known = &timeline.threads[thread];
        let number = known.number;
        if known.begin.is_none() {
            let status = match plan.first_wait {
                Some(_) => code::GO_WAITING,
                None => code::GO_RUNNABLE,
            };
            let arguments = [number, NO_THREAD, status, stack];
            self.own(thread, timeline.start, code::GO_STATUS_STACK, &arguments);
            return None;
        }
        let begin = plan.runs.first()?.begin;
        let parent = known.parent.filter(|(parent, at)| {
            *parent != thread
                && *at <= begin
                && self
                    .plans
                    .get(*parent)
                    .is_some_and(|plan| plan.runs_through(*at))
        });
        match parent {
            Some((parent, at)) => {
                self.say_to_others(parent, at, code::GO_CREATE, &[number, stack, 0]);
                None
            }
            None => Some(stack),
        }
    }

    fn run(
        &mut self,
        timeline: &Timeline,
        thread: ThreadIndex,
        plan: &Plan,
        mut created_with: Option<u64>,
        said: &[Event],
    ) {
        let known = &timeline.threads[thread];
        let number = known.number;
        let mut sequence = 0;
        let mut said = said.iter().peekable();
        let mut gaps = plan.gaps.iter();
        if let Some(gap) = plan.first_wait {
            self.unblock(
                timeline,
                thread,
                gap.index,
                (gap.begin, gap.end),
                &mut sequence,
            );
        }
        for (index, run) in plan.runs.iter().enumerate() {
            if run.proc_sequence == 1 {
                let arguments = [run.proc, code::PROC_IDLE];
                self.own(thread, run.begin, code::PROC_STATUS, &arguments);
            }
            let arguments = [run.proc, run.proc_sequence];
            self.own(thread, run.begin, code::PROC_START, &arguments);
            if let Some(stack) = created_with.take() {
                self.own(thread, run.begin, code::GO_CREATE, &[number, stack, 0]);
            }
            sequence += 1;
            self.own(thread, run.begin, code::GO_START, &[number, sequence]);
            if index == 0 && !known.name.is_empty() {
                let name = self.strings.id(&known.name);
                self.own(thread, run.begin, code::GO_LABEL, &[name]);
            }
            while let Some(event) = said.next_if(|event| event.time <= run.end) {
                self.rows[thread].own.push(*event);
            }
            match run.ends_with {
                End::Timeline => continue,
                End::Thread => self.own(thread, run.end, code::GO_DESTROY, &[]),
                End::Wait(index) => {
                    let wait = &timeline.waits[index];
                    let reason = self.locks.reason(&wait.kind, wait.lock);
                    let arguments = [self.strings.id(&reason), self.stacks.id(wait.stack)];
                    self.own(thread, run.end, code::GO_BLOCK, &arguments);
                }
            }
            self.own(thread, run.end, code::PROC_STOP, &[]);
            if let End::Wait(_) = run.ends_with
                && let Some(gap) = gaps.next()
            {
                let times = (gap.begin, gap.end);
                self.unblock(timeline, thread, gap.index, times, &mut sequence);
            }
        }
    }

    /// By the waker at the time of its release, if it is known; else by the thread itself.
    fn unblock(
        &mut self,
        timeline: &Timeline,
        thread: ThreadIndex,
        index: usize,
        (begin, end): (u64, u64),
        sequence: &mut u64,
    ) {
        let wait = &timeline.waits[index];
        if !wait.is_over {
            return;
        }
        *sequence += 1;
        let number = timeline.threads[thread].number;
        let waker = wait.waker.filter(|waker| waker.thread < self.rows.len());
        let (by, at, stack) = match waker {
            // Later than the block, or the reader would see it first.
            Some(waker) => (waker.thread, waker.at.clamp(begin + 1, end), waker.stack),
            None => (thread, end, NO_STACK),
        };
        let arguments = [number, *sequence, self.stacks.id(stack)];
        self.say_to_others(by, at, code::GO_UNBLOCK, &arguments);
    }

    /// The tasks, regions and logs of each thread, in the order of their time.
    fn said(&mut self, timeline: &'t Timeline) -> Vec<Vec<Event>> {
        let mut said = self.regions(timeline);
        let mut push = |plans: &[Plan], thread: ThreadIndex, at, code, arguments: &[u64]| {
            if let Some(at) = plans.get(thread).and_then(|plan| plan.running_at(at)) {
                said[thread].push(event(at, code, arguments));
            }
        };
        let mut known = HashSet::new();
        for task in timeline.tasks.iter().filter(|task| known.insert(task.id)) {
            if let Some((thread, at)) = task.begin {
                let name = self.strings.id(&task.name);
                let arguments = [task.id, task.parent, name, 0];
                push(&self.plans, thread, at, code::TASK_BEGIN, &arguments);
            }
            if let Some((thread, at)) = task.end {
                push(&self.plans, thread, at, code::TASK_END, &[task.id, 0]);
            }
        }
        for (index, wait) in timeline.waits.iter().enumerate() {
            if wait.is_of_task {
                let (id, thread) = (OF_TASKS + index as u64, wait.thread);
                let reason = self.locks.reason(&wait.kind, wait.lock);
                let name = self.strings.id(&format!("{TASK_WAIT}{reason}"));
                push(
                    &self.plans,
                    thread,
                    wait.begin,
                    code::TASK_BEGIN,
                    &[id, 0, name, 0],
                );
                push(&self.plans, thread, wait.end, code::TASK_END, &[id, 0]);
            }
        }
        for log in &timeline.logs {
            let (category, text) = (self.strings.id(&log.category), self.strings.id(&log.text));
            let arguments = [log.task, category, text, 0];
            push(&self.plans, log.thread, log.at, code::LOG, &arguments);
        }
        for (thread, at, set) in labels::changes(timeline) {
            let category = self.strings.id(labels::CATEGORY);
            let text = self.strings.id(&timeline.labels_text(set));
            push(&self.plans, thread, at, code::LOG, &[0, category, text, 0]);
        }
        for events in &mut said {
            // Stable: regions keep their order.
            events.sort_by_key(|event| event.time);
        }
        said
    }

    /// The regions of each thread, nested.
    fn regions(&mut self, timeline: &'t Timeline) -> Vec<Vec<Event>> {
        let mut of_thread: Vec<Vec<(u64, Option<u64>, &Region)>> =
            vec![Vec::new(); self.rows.len()];
        for region in &timeline.regions {
            let Some(plan) = self.plans.get(region.thread) else {
                continue;
            };
            if let Some(begin) = plan.running_at(region.begin) {
                let end = region.end.and_then(|end| plan.running_at(end));
                of_thread[region.thread].push((begin, end.map(|end| end.max(begin)), region));
            }
        }
        of_thread
            .into_iter()
            .map(|mut regions| {
                let forever = |end: Option<u64>| end.unwrap_or(u64::MAX);
                regions.sort_by_key(|(begin, end, _)| (*begin, std::cmp::Reverse(forever(*end))));
                let mut events = Vec::new();
                let mut open: Vec<(Option<u64>, [u64; 3])> = Vec::new();
                for (begin, end, region) in regions {
                    close(&mut open, begin, &mut events);
                    // At the latest with the one around it.
                    let outer = open.last().map_or(u64::MAX, |(end, _)| forever(*end));
                    let end = Some(forever(end).min(outer)).filter(|end| *end < u64::MAX);
                    let name = self.strings.id(&region.name);
                    let arguments = [region.task, name, 0];
                    events.push(event(begin, code::REGION_BEGIN, &arguments));
                    open.push((end, arguments));
                }
                close(&mut open, u64::MAX - 1, &mut events);
                events
            })
            .collect()
    }
}

/// Ends the open regions whose time has come, the inner ones first.
fn close(open: &mut Vec<(Option<u64>, [u64; 3])>, until: u64, events: &mut Vec<Event>) {
    while let Some((end, arguments)) = open
        .pop_if(|(end, _)| end.is_some_and(|end| end <= until))
        .and_then(|(end, arguments)| Some((end?, arguments)))
    {
        events.push(event(end, code::REGION_END, &arguments));
    }
}

fn event(time: u64, code: u8, arguments: &[u64]) -> Event {
    let mut all = [0; 4];
    all[..arguments.len()].copy_from_slice(arguments);
    Event {
        time,
        code,
        arguments: all,
        count: arguments.len() as u8,
    }
}

/// The kernel's numbers of the threads, where no two have the same one: the kernel uses them again.
fn thread_ids(timeline: &Timeline) -> Vec<u64> {
    let mut count: HashMap<u64, u32> = HashMap::new();
    for thread in &timeline.threads {
        *count.entry(thread.tid).or_default() += 1;
    }
    let id = |thread: &crate::timeline::Thread| match count[&thread.tid] {
        1 if thread.tid != 0 => thread.tid,
        _ => (1 << 40) | thread.number,
    };
    timeline.threads.iter().map(id).collect()
}

/// A stack of each thread that has some, to name it by its outermost function.
fn first_stacks(timeline: &Timeline) -> Vec<usize> {
    let mut first = vec![NO_STACK; timeline.threads.len()];
    for wait in &timeline.waits {
        if let Some(first) = first.get_mut(wait.thread)
            && *first == NO_STACK
        {
            *first = wait.stack;
        }
    }
    first
}
