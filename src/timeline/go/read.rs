//! Reads a trace that [`write`](super::write()) wrote back into a timeline.
//!
//! Traces of Go programs are refused with a sentence: their threads and goroutines are two things,
//! and `go tool trace` shows them.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{HEADER, NO_THREAD, TASK_WAIT, code, labels, reason};
use crate::profile::Frame;
use crate::timeline::{
    Log, NO_LABELS, NO_STACK, Region, StackIndex, Task, Thread, ThreadIndex, Timeline, Wait, Waker,
};

/// Why a file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Result<T> = std::result::Result<T, Unreadable>;

fn unreadable<T>(why: impl Into<String>) -> Result<T> {
    Err(Unreadable(why.into()))
}

/// Whether it is a trace of Go's, of whatever version.
pub(crate) fn is_trace(bytes: &[u8]) -> bool {
    bytes.starts_with(b"go 1.")
        && bytes
            .get(..16)
            .is_some_and(|head| head.ends_with(b"trace\0\0\0"))
}

/// The memory that a timeline and its events may take, in bytes. Traces come from anybody: an event
/// of six bytes can repeat a name of megabytes.
const MAX_MEMORY: usize = 1 << 30;

/// Reads a timeline.
pub(crate) fn read(bytes: &[u8]) -> Result<Timeline> {
    let Some(data) = bytes.strip_prefix(HEADER) else {
        return unreadable(match is_trace(bytes) {
            true => "a trace of another version than contend writes; `go tool trace` may read it",
            false => "not a trace",
        });
    };
    let mut file = File::default();
    let mut input = Input(data);
    while !input.0.is_empty() {
        file.take_batch(&mut input)?;
    }
    file.timeline()
}

struct Input<'f>(&'f [u8]);

impl<'f> Input<'f> {
    fn byte(&mut self) -> Result<u8> {
        let Some((first, rest)) = self.0.split_first() else {
            return unreadable("cut short");
        };
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        unreadable("a number of more than 64 bits")
    }

    fn numbers<const N: usize>(&mut self) -> Result<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Ok(numbers)
    }

    fn bytes(&mut self, count: u64) -> Result<&'f [u8]> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let Some((first, rest)) = self.0.split_at_checked(count) else {
            return unreadable("cut short");
        };
        self.0 = rest;
        Ok(first)
    }
}

/// An event of a row: its time, its code, and its arguments.
type Event = (u64, u8, [u64; 4]);

#[derive(Default)]
struct File {
    strings: HashMap<u64, String>,
    /// By id: function, file, line.
    stacks: Vec<(u64, Vec<[u64; 3]>)>,
    rows: Vec<(u64, Vec<Event>)>,
    row_of: HashMap<u64, usize>,
    /// The times of batches: the first and the last.
    times: Option<(u64, u64)>,
    /// The bytes that this and the timeline take so far.
    memory: Cell<usize>,
}

/// The memory of an event, and of the wait that it may become: the largest of such things.
const EVENT_SIZE: usize = size_of::<Event>() + size_of::<Wait>();
/// The same of a frame.
const FRAME_SIZE: usize = size_of::<[u64; 3]>() + size_of::<Frame>();
/// The same of a text, beside its bytes.
const TEXT_SIZE: usize = size_of::<(u64, String)>() + size_of::<(u64, Arc<str>)>();

/// How many arguments an event has after its time.
fn argument_count(event: u8) -> Option<usize> {
    Some(match event {
        code::PROC_STOP | code::GO_DESTROY => 0,
        code::GO_LABEL => 1,
        code::PROC_START | code::PROC_STATUS | code::GO_START => 2,
        code::GO_BLOCK | code::TASK_END => 2,
        code::GO_CREATE | code::GO_UNBLOCK | code::REGION_BEGIN | code::REGION_END => 3,
        code::TASK_BEGIN | code::LOG | code::GO_STATUS_STACK => 4,
        _ => return None,
    })
}

impl File {
    /// Refuses what would take more memory than there may be.
    fn count(&self, bytes: usize) -> Result<()> {
        let memory = self.memory.get().saturating_add(bytes);
        self.memory.set(memory);
        match memory > MAX_MEMORY {
            true => unreadable(format!(
                "too large: takes more than {} MB of memory",
                MAX_MEMORY >> 20
            )),
            false => Ok(()),
        }
    }

    fn take_batch(&mut self, input: &mut Input<'_>) -> Result<()> {
        if input.byte()? != code::BATCH {
            return unreadable("no batch where one must begin");
        }
        let [generation, thread, time, size] = input.numbers()?;
        if generation != 1 {
            return unreadable("a trace of several generations, which contend does not write");
        }
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        let mut data = Input(input.bytes(size)?);
        match data.0.first() {
            None => Ok(()),
            Some(&code::STRINGS) => self.take_strings(&mut data),
            Some(&code::STACKS) => self.take_stacks(&mut data),
            Some(&code::FREQUENCY) => Ok(()),
            Some(_) if thread == NO_THREAD => unreadable("a batch of an unknown kind"),
            Some(_) => self.take_events(thread, time, &mut data),
        }
    }

    fn take_strings(&mut self, data: &mut Input<'_>) -> Result<()> {
        data.byte()?;
        while !data.0.is_empty() {
            data.byte()?;
            let [id, len] = data.numbers()?;
            let text = String::from_utf8_lossy(data.bytes(len)?).into_owned();
            self.count(TEXT_SIZE + text.len())?;
            self.strings.insert(id, text);
        }
        Ok(())
    }

    fn take_stacks(&mut self, data: &mut Input<'_>) -> Result<()> {
        data.byte()?;
        while !data.0.is_empty() {
            data.byte()?;
            let [id, count] = data.numbers()?;
            self.count(size_of::<(u64, Vec<[u64; 3]>)>())?;
            let mut frames = Vec::new();
            for _ in 0..count {
                let [_, function, file, line] = data.numbers()?;
                self.count(FRAME_SIZE)?;
                frames.push([function, file, line]);
            }
            self.stacks.push((id, frames));
        }
        Ok(())
    }

    fn take_events(&mut self, thread: u64, mut time: u64, data: &mut Input<'_>) -> Result<()> {
        let next = self.rows.len();
        let row = *self.row_of.entry(thread).or_insert(next);
        if row == next {
            self.rows.push((thread, Vec::new()));
        }
        while !data.0.is_empty() {
            let event = data.byte()?;
            let Some(count) = argument_count(event) else {
                return unreadable(format!(
                    "an event of type {event}, which contend does not write: a trace of a Go \
                     program? `go tool trace` reads it"
                ));
            };
            time = time.saturating_add(data.number()?);
            self.count(EVENT_SIZE)?;
            let mut arguments = [0; 4];
            for argument in &mut arguments[..count] {
                *argument = data.number()?;
            }
            self.rows[row].1.push((time, event, arguments));
        }
        Ok(())
    }

    /// A copy of a text, for the timeline.
    fn text(&self, id: u64) -> Result<String> {
        let text = self.strings.get(&id).map_or("", String::as_str);
        self.count(text.len())?;
        Ok(text.to_owned())
    }

    fn timeline(self) -> Result<Timeline> {
        let times = || {
            self.rows
                .iter()
                .flat_map(|(_, events)| events)
                .map(|event| event.0)
        };
        let (first, last) = self.times.unwrap_or_default();
        let start = times().min().unwrap_or(first).min(first);
        let end = times().max().unwrap_or(last).max(last);
        let mut timeline = Timeline::empty(start, end);
        let stack_of = self.read_stacks(&mut timeline)?;
        let threads = self.read_threads(&mut timeline);
        let mut tasks = HashMap::new();
        let mut wakers = HashMap::new();
        for (row, (_, events)) in self.rows.iter().enumerate() {
            for (at, event, [number, sequence, stack, _]) in events {
                if *event == code::GO_UNBLOCK
                    && let Some(thread) = threads.of_row.get(row).copied().flatten()
                {
                    let stack = stack_of.get(stack).copied().unwrap_or(NO_STACK);
                    wakers.insert(
                        (*number, *sequence),
                        Waker {
                            thread,
                            at: *at,
                            stack,
                            labels: NO_LABELS,
                        },
                    );
                }
            }
        }
        for (row, (_, events)) in self.rows.iter().enumerate() {
            if let Some(thread) = threads.of_row[row] {
                let mut reader = RowReader {
                    file: &self,
                    timeline: &mut timeline,
                    stack_of: &stack_of,
                    wakers: &wakers,
                    tasks: &mut tasks,
                    thread,
                    wait: None,
                    regions: Vec::new(),
                };
                for event in events {
                    reader.take(event)?;
                }
                reader.finish();
            }
        }
        for task in tasks.into_values() {
            match wait_of_task(&task, end) {
                Some(wait) => timeline.waits.push(wait),
                None => timeline.tasks.push(task),
            }
        }
        labels::take(&mut timeline);
        timeline.waits.sort_by_key(|wait| wait.begin);
        timeline.regions.sort_by_key(|region| region.begin);
        timeline.logs.sort_by_key(|log| log.at);
        timeline
            .tasks
            .sort_by_key(|task| (task.begin.map(|(_, at)| at), task.id));
        Ok(timeline)
    }

    fn read_stacks(&self, timeline: &mut Timeline) -> Result<HashMap<u64, StackIndex>> {
        let mut stack_of = HashMap::new();
        let mut interned: HashMap<u64, Arc<str>> = HashMap::new();
        let mut text = |id: u64| -> Result<Arc<str>> {
            if let Some(known) = interned.get(&id) {
                return Ok(Arc::clone(known));
            }
            let text: Arc<str> = self.text(id)?.into();
            interned.insert(id, Arc::clone(&text));
            Ok(text)
        };
        for (id, frames) in &self.stacks {
            let frames = frames.iter().map(|[function, file, line]| {
                Ok(Frame {
                    function: text(*function)?,
                    system_name: None,
                    file: (*file != 0).then(|| text(*file)).transpose()?,
                    line: u32::try_from(*line).ok().filter(|line| *line > 0),
                    address: 0,
                })
            });
            stack_of.insert(*id, timeline.stacks.len());
            timeline.stacks.push(frames.collect::<Result<_>>()?);
        }
        Ok(stack_of)
    }

    fn read_threads(&self, timeline: &mut Timeline) -> Threads {
        let mut threads = Threads::default();
        for (thread, events) in &self.rows {
            // A row is one thread's, which starts in it, or is waiting all the time.
            let number = events.iter().find_map(|(_, event, arguments)| {
                matches!(*event, code::GO_START | code::GO_STATUS_STACK).then_some(arguments[0])
            });
            threads.of_row.push(number.map(|number| {
                let index = timeline.threads.len();
                threads.of_number.insert(number, index);
                timeline.threads.push(Thread {
                    number,
                    tid: if *thread < 1 << 40 { *thread } else { 0 },
                    ..Thread::default()
                });
                index
            }));
        }
        for (row, (_, events)) in self.rows.iter().enumerate() {
            let by = threads.of_row[row];
            for (at, event, [number, ..]) in events {
                if *event == code::GO_CREATE
                    && let Some(child) = threads.of_number.get(number)
                {
                    let parent = by.filter(|parent| parent != child);
                    timeline.threads[*child].parent = parent.map(|parent| (parent, *at));
                    timeline.threads[*child].begin = Some(*at);
                }
            }
        }
        threads
    }
}

/// The wait that a task stands for, if it does.
fn wait_of_task(task: &Task, timeline_end: u64) -> Option<Wait> {
    let (kind, lock) = reason::parse(task.name.strip_prefix(TASK_WAIT)?);
    let (thread, begin) = task.begin?;
    Some(Wait {
        thread,
        kind: kind.into(),
        is_of_task: true,
        lock,
        labels: NO_LABELS,
        begin,
        end: task.end.map_or(timeline_end, |(_, at)| at).max(begin),
        is_over: task.end.is_some(),
        stack: NO_STACK,
        waker: None,
    })
}

#[derive(Default)]
struct Threads {
    of_row: Vec<Option<ThreadIndex>>,
    of_number: HashMap<u64, ThreadIndex>,
}

/// Reads the events of one thread.
struct RowReader<'f> {
    file: &'f File,
    timeline: &'f mut Timeline,
    stack_of: &'f HashMap<u64, StackIndex>,
    wakers: &'f HashMap<(u64, u64), Waker>,
    /// By id: the two ends may be in two rows.
    tasks: &'f mut HashMap<u64, Task>,
    thread: ThreadIndex,
    /// The wait that it is in: begin, reason, stack.
    wait: Option<(u64, String, StackIndex)>,
    /// The open ones, as indices.
    regions: Vec<usize>,
}

impl RowReader<'_> {
    fn stack(&self, id: u64) -> StackIndex {
        self.stack_of.get(&id).copied().unwrap_or(NO_STACK)
    }

    fn take(&mut self, &(at, event, [first, second, third, _]): &Event) -> Result<()> {
        let thread = self.thread;
        match event {
            code::GO_STATUS_STACK if third == code::GO_WAITING => {
                self.wait = Some((at, String::new(), NO_STACK));
            }
            code::GO_BLOCK => self.wait = Some((at, self.file.text(first)?, self.stack(second))),
            code::GO_START => {
                if self.timeline.threads[thread].parent.is_some()
                    && self.timeline.threads[thread]
                        .begin
                        .is_some_and(|begin| begin < at)
                    && second == 1
                {
                    self.timeline.threads[thread].begin = Some(at);
                }
                let waker = second.checked_sub(1).map(|sequence| (first, sequence));
                let waker = waker.and_then(|key| self.wakers.get(&key).copied());
                self.end_wait(at, true, waker.filter(|waker| waker.thread != thread));
            }
            code::GO_DESTROY => self.timeline.threads[thread].end = Some(at),
            code::GO_LABEL => self.timeline.threads[thread].name = self.file.text(first)?,
            code::TASK_BEGIN => {
                let name = self.file.text(third)?;
                let task = self.task(first);
                (task.parent, task.name, task.begin) = (second, name, Some((thread, at)));
            }
            code::TASK_END => self.task(first).end = Some((thread, at)),
            code::REGION_BEGIN => {
                self.regions.push(self.timeline.regions.len());
                let region = Region {
                    thread,
                    task: first,
                    name: self.file.text(second)?,
                    begin: at,
                    end: None,
                };
                self.timeline.regions.push(region);
            }
            code::REGION_END => {
                if let Some(open) = self.regions.pop() {
                    let region = &mut self.timeline.regions[open];
                    region.end = Some(at.max(region.begin));
                }
            }
            code::LOG => self.timeline.logs.push(Log {
                thread,
                at,
                task: first,
                category: self.file.text(second)?,
                text: self.file.text(third)?,
            }),
            _ => {}
        }
        Ok(())
    }

    fn task(&mut self, id: u64) -> &mut Task {
        self.tasks.entry(id).or_insert(Task {
            id,
            parent: 0,
            name: String::new(),
            begin: None,
            end: None,
        })
    }

    fn end_wait(&mut self, at: u64, is_over: bool, waker: Option<Waker>) {
        let Some((begin, reason, stack)) = self.wait.take() else {
            return;
        };
        let (kind, lock) = reason::parse(&reason);
        self.timeline.waits.push(Wait {
            thread: self.thread,
            kind: if kind.is_empty() {
                "other".into()
            } else {
                kind.into()
            },
            is_of_task: false,
            lock,
            labels: NO_LABELS,
            begin,
            // A later event of a row may say that it was earlier.
            end: at.max(begin),
            is_over,
            stack,
            waker,
        });
    }

    fn finish(&mut self) {
        self.end_wait(self.timeline.end, false, None);
    }
}
