//! Looks at every thread of the process.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::holders::{self, Party, Trace, Wanted};
use super::look::{self, Seen, Walker};
use super::procfs::{self, Position, Tid};
use super::stacks::{Ranges, Stacks};
use super::thread_pointer;

use super::signal::{Asker, COPIED_BYTES, Refusal};
use crate::engine::clock;
use crate::engine::registry::{self, Published};
use crate::engine::stack::copied::{StackCopy, Start, WalkEnd};
use crate::engine::stack::{self, Stack, memory};
use crate::fork;
use crate::live::state::ThreadState;
use crate::live::thread::{Thread, WaitInProgress};
use crate::live::threads::Threads;
use crate::loader::list;
use crate::profile::labels::LabelSet;
use crate::symbols::{self, Symbolizer};

/// How long all running threads together have for their answers. A runnable thread answers when it
/// gets a processor: on a busy machine after 20 to 75 ms in 99 of 100 cases, 0.98 s at worst.
const DEADLINE: Duration = Duration::from_secs(1);

/// One dump at a time: there is one set of slots for answers.
static DUMP: fork::Lock<()> = fork::Lock::new();

/// Not inlined, nor is its caller: the dumper's own stack begins at the frame of the caller's
/// `marker`.
#[inline(never)]
pub(in crate::live) fn dump<T>(marker: &T) -> Threads {
    take(marker).threads
}

/// A dump, and what it was made of.
#[derive(Debug)]
pub(super) struct Dump {
    pub(super) threads: Threads,
    pub(super) parties: Vec<Party>,
    pub(super) stacks: Stacks<Tid>,
}

#[inline(never)]
pub(super) fn take<T>(marker: &T) -> Dump {
    let _one = DUMP.lock();
    stack::start();
    stack::refresh();
    let time = SystemTime::now();
    let mut notes = Vec::new();
    let tids = procfs::tids().unwrap_or_else(|error| {
        notes.push(format!(
            "only this thread is shown: /proc/self/task cannot be read ({error})"
        ));
        vec![procfs::own_tid()]
    });
    notes.extend(registry::refused());
    let waits: HashMap<Tid, Published> = registry::waits()
        .filter_map(|published| Some((thread_pointer::tid_of(published.owner)?, published)))
        .collect();
    forget_ended();
    let wanted = Wanted::of(waits.values());
    let mut found = look_at_all(&tids, &waits, &wanted, marker);
    ask_running(&mut found, &wanted, &mut notes);
    if found.len() > 1 && !list::may_be_asked() {
        notes.push(
            "only this thread is shown with its stack: the process was forked from one that was \
             profiled"
                .to_owned(),
        );
    }
    if found.len() > 1 && !memory::may_be_read() {
        notes.push(
            "sleeping threads are shown by their innermost frame alone, and without holders: the \
             system does not let this process read its own memory (process_vm_readv)"
                .to_owned(),
        );
    }
    if found.iter().any(|found| found.is_hidden) {
        notes.push(
            "sleeping threads are shown without their stacks: /proc/self/task/TID/syscall cannot \
             be read here"
                .to_owned(),
        );
    }
    let labels: HashMap<Tid, LabelSet> = registry::labels()
        .filter_map(|(owner, labels)| Some((thread_pointer::tid_of(owner)?, labels)))
        .collect();
    for found in &mut found {
        let tid = found.thread.tid as Tid;
        found.thread.labels = labels.get(&tid).copied().unwrap_or_default();
    }
    let mut symbolizer = symbols::symbolizer();
    symbolizer.prepare(
        found
            .iter()
            .flat_map(|found| found.addresses.iter().copied()),
    );
    let pointers = found.iter().filter_map(Found::pointer_in_stack);
    let stacks = match found.iter().any(Found::waits_for_somebody) {
        true => Stacks::new(&Ranges::of_this_process(), pointers),
        false => Stacks::default(),
    };
    let (mut threads, parties): (Vec<_>, Vec<_>) = found
        .into_iter()
        .map(|found| found.named(&mut symbolizer))
        .unzip();
    holders::tell(&mut threads, &parties, &stacks);
    Dump {
        threads: Threads::new(time, threads, notes, symbolizer.mappings()),
        parties,
        stacks,
    }
}

/// Frees the records of threads that have ended. Asked is whether the thread is there now: one that
/// began after the threads were listed needs its record.
fn forget_ended() {
    if thread_pointer::are_tids_known() {
        registry::forget_if(|owner| {
            thread_pointer::tid_of(owner).is_none_or(|tid| procfs::cpu_time(tid).is_none())
        });
    }
}

/// A thread and its addresses.
struct Found {
    thread: Thread,
    /// As `Symbolizer::interrupted_stack` wants them.
    addresses: Vec<usize>,
    stack_pointer: Option<u64>,
    published: Option<Published>,
    traces: Vec<Trace>,
    /// As [`procfs::Scheduling`] has them. `None`: not told.
    turns: Option<u64>,
    wants_signal: bool,
    is_hidden: bool,
}

fn look_at_all<T>(
    tids: &[Tid],
    waits: &HashMap<Tid, Published>,
    wanted: &Wanted,
    marker: &T,
) -> Vec<Found> {
    let own = procfs::own_tid();
    let mut buffer = vec![0; COPIED_BYTES];
    let mut walker = Walker::new();
    let looks = tids.iter().filter_map(|tid| {
        if *tid == own {
            return Some(this_thread(own, marker));
        }
        let waiting = waits
            .get(tid)
            .and_then(|published| look_at_wait(*tid, published, wanted, &mut buffer, &mut walker));
        waiting.or_else(|| look_at(*tid, wanted, &mut buffer, &mut walker))
    });
    looks.collect()
}

/// It is never taken for a reader: what it has of earlier dumps has the addresses of locks.
fn this_thread<T>(own: Tid, marker: &T) -> Found {
    let mut found = Found::new(own, ThreadState::Running);
    found.stack_pointer = Some(std::ptr::from_ref(marker).addr() as u64);
    let mut stack = Stack::new();
    if stack.capture(marker) {
        found.addresses = stack.addresses().to_vec();
    }
    found.thread.is_dumper = true;
    found
}

/// A thread in a wait of ours, from the frame that published it: the thread need not be asked, and
/// may run. `None` if the wait is over.
fn look_at_wait(
    tid: Tid,
    published: &Published,
    wanted: &Wanted,
    buffer: &mut [u8],
    walker: &mut Walker,
) -> Option<Found> {
    let registers = published.wait.registers;
    let start = Start {
        instruction_pointer: registers.instruction_pointer,
        stack_pointer: registers.stack_pointer,
        frame_pointer: Some(registers.frame_pointer),
    };
    let copied = memory::read(start.stack_pointer, buffer);
    let waited = clock::monotonic().saturating_sub(published.wait.since);
    // While it goes on, the frame that published it is there, and all above it stands still.
    if !registry::is_going_on(published) {
        return None;
    }
    let copy = StackCopy {
        start: start.stack_pointer,
        bytes: &buffer[..copied],
    };
    let end = walker.walk(start, copy);
    let kind = published.wait.kind;
    let mut found = Found::new(tid, ThreadState::of_kind(kind));
    found.addresses = walker.addresses.as_slice().to_vec();
    found.stack_pointer = Some(start.stack_pointer);
    found.traces = wanted.find(copy);
    found.published = Some(*published);
    found.thread.wait = Some(WaitInProgress::new(&published.wait, waited));
    found.thread.note = note_of(end);
    Some(found)
}

fn note_of(end: WalkEnd) -> Option<&'static str> {
    match end {
        WalkEnd::Root => None,
        WalkEnd::Lost => Some("the stack is not whole: no way on from its last frame"),
        WalkEnd::CopyEnded | WalkEnd::Full => Some("additional frames elided"),
    }
}

fn look_at(tid: Tid, wanted: &Wanted, buffer: &mut [u8], walker: &mut Walker) -> Option<Found> {
    let mut traces = Vec::new();
    let seen = look::look(tid, buffer, walker, |copy| traces = wanted.find(copy));
    let found = match seen {
        Seen::Gone => return None,
        Seen::Asleep { position, end } => {
            let state = match position {
                Position::Call { number, .. } => ThreadState::of_call(number),
                _ => ThreadState::PageFault,
            };
            let mut found = Found::new(tid, state);
            found.addresses = walker.addresses.as_slice().to_vec();
            found.stack_pointer = position.stack_pointer();
            found.traces = traces;
            found.thread.note = note_of(end);
            found.wants_signal = end == WalkEnd::Lost && look::is_restarted(&position);
            found
        }
        Seen::Running => {
            let mut found = Found::new(tid, ThreadState::Runnable);
            found.wants_signal = true;
            found.thread.note = Some(NO_ANSWER);
            found
        }
        Seen::Hidden => {
            let mut found = Found::new(tid, ThreadState::Unknown);
            found.is_hidden = true;
            found.wants_signal = procfs::state_letter(tid) == Some('R');
            found.thread.note = Some("no stack: the system does not tell where the thread is");
            found
        }
    };
    Some(found)
}

/// The note of a running thread, until it has answered.
const NO_ANSWER: &str = "no stack: the thread did not answer in time";

/// The pauses before looks at threads that ran at the look before.
const BETWEEN_LOOKS: [Duration; 6] = {
    const fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }
    [
        micros(100),
        micros(200),
        micros(400),
        micros(800),
        micros(1_600),
        micros(3_200),
    ]
};

/// Asks the threads that run for their stacks.
///
/// A call that a thread blocks in when the signal comes may return `EINTR`. A thread that came onto
/// a processor a moment ago may be on its way there. So it is asked only if it had no turn there
/// since the last look; most that ran at the first one sleep at the second, and need not be asked.
fn ask_running(found: &mut [Found], wanted_traces: &Wanted, notes: &mut Vec<String>) {
    let mut open: Vec<usize> = (0..found.len())
        .filter(|index| found[*index].wants_signal)
        .collect();
    if open.is_empty() {
        return;
    }
    let mut asker = match Asker::new() {
        Ok(asker) => asker,
        Err(refusal) => {
            notes.push(why_not_asked(refusal).to_owned());
            return;
        }
    };
    let deadline = Instant::now() + DEADLINE;
    let mut buffer = vec![0; COPIED_BYTES];
    let mut walker = Walker::new();
    for pause in BETWEEN_LOOKS {
        thread::sleep(pause);
        let mut steady = Vec::new();
        open.retain(|&index| {
            let before = &mut found[index];
            let tid = before.thread.tid as Tid;
            let Some(again) = look_at(tid, wanted_traces, &mut buffer, &mut walker) else {
                before.thread.note = Some("no stack: the thread ended during the dump");
                return false;
            };
            let has_slept = again.thread.voluntary_switches != before.thread.voluntary_switches;
            let is_new_there = has_slept || again.turns != before.turns;
            *before = again;
            match (before.wants_signal, is_new_there) {
                (false, _) => false,
                (true, true) => true,
                (true, false) => {
                    steady.push(index);
                    false
                }
            }
        });
        let threads: Vec<(Tid, Option<u64>)> = steady
            .iter()
            .map(|index| (found[*index].thread.tid as Tid, found[*index].turns))
            .collect();
        let not_asked = asker.ask(&threads, deadline, |index, start, copy| {
            let end = walker.walk(start, copy);
            let found = &mut found[steady[index]];
            found.addresses = walker.addresses.as_slice().to_vec();
            found.stack_pointer = Some(start.stack_pointer);
            found.traces = wanted_traces.find(copy);
            if let Some(leaf) = found.addresses.first_mut() {
                *leaf = behind_instruction(*leaf);
            }
            found.thread.note = note_of(end);
        });
        open.extend(not_asked.into_iter().map(|index| steady[index]));
        if open.is_empty() {
            break;
        }
    }
    for index in open {
        found[index].thread.note =
            Some("no stack: the thread came onto a processor before each look");
    }
    if asker.is_refused {
        notes.push(
            "running threads are shown without their stacks: the system refused to send them a \
             signal (tgkill)"
                .to_owned(),
        );
        let not_asked = found
            .iter_mut()
            .filter(|found| found.thread.note == Some(NO_ANSWER));
        not_asked.for_each(|found| found.thread.note = Some("no stack: the thread was not asked"));
    }
}

fn why_not_asked(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::SignalTaken => {
            "running threads are shown without their stacks: the program has a handler for SIGURG"
        }
        Refusal::HandlerBusy => {
            "running threads are shown without their stacks: a thread has not finished its answer \
             to an earlier dump"
        }
        Refusal::System => {
            "running threads are shown without their stacks: the system refused a signal handler"
        }
    }
}

/// An address behind the start of the instruction at `address`, as a return address is behind its
/// call. A system call that is to be started again is taken as one that goes on, so that the same
/// wait is the same stack however it was looked at.
fn behind_instruction(address: usize) -> usize {
    const SYSCALL: [u8; 2] = [0x0f, 0x05];
    let mut bytes = [0; 2];
    let is_syscall = memory::read(address as u64, &mut bytes) == 2 && bytes == SYSCALL;
    address + if is_syscall { SYSCALL.len() } else { 1 }
}

impl Found {
    fn new(tid: Tid, state: ThreadState) -> Self {
        let state = match procfs::state_letter(tid) {
            Some('T' | 't') => ThreadState::Stopped,
            _ => state,
        };
        let scheduling = procfs::scheduling(tid);
        let switches = procfs::switches(tid);
        Self {
            thread: Thread {
                name: procfs::name(tid).unwrap_or_default(),
                cpu_time: procfs::cpu_time(tid),
                run_queue_time: scheduling.map(|times| times.queue),
                voluntary_switches: switches.map(|counts| counts.voluntary),
                involuntary_switches: switches.map(|counts| counts.involuntary),
                ..Thread::new(tid.unsigned_abs(), state)
            },
            addresses: Vec::new(),
            stack_pointer: None,
            published: None,
            traces: Vec::new(),
            turns: scheduling.map(|times| times.turns),
            wants_signal: false,
            is_hidden: false,
        }
    }

    fn pointer_in_stack(&self) -> Option<(u64, Tid)> {
        Some((self.stack_pointer?, self.thread.tid as Tid))
    }

    fn waits_for_somebody(&self) -> bool {
        self.published
            .as_ref()
            .is_some_and(|published| published.wait.subject != 0)
    }

    fn named(self, symbolizer: &mut Symbolizer) -> (Thread, Party) {
        let mut thread = self.thread;
        // Running and runnable look the same to the kernel: who has run since is running.
        if thread.state == ThreadState::Runnable
            && procfs::cpu_time(thread.tid as Tid) != thread.cpu_time
        {
            thread.state = ThreadState::Running;
        }
        thread.stack = match thread.wait {
            // Begins in the wrapper, as in a profile.
            Some(_) => symbolizer.stack(self.addresses.into()).locations.into(),
            None => symbolizer.interrupted_stack(&self.addresses).into(),
        };
        let party = Party {
            tid: thread.tid as Tid,
            published: self.published,
            traces: self.traces,
        };
        (thread, party)
    }
}
