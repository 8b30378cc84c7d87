//! Where a sleeping thread is, without waking it.
//!
//! `/proc/self/task/TID/syscall` tells its stack pointer and instruction pointer, and its stack is
//! copied by the kernel. The thread's CPU clock is read before and after: where it stands still,
//! the thread did not run, and the copy is of one moment.

use super::procfs::{self, Position, Tid};
use super::signal::COPIED_BYTES;
use crate::engine::stack::copied::{self, Addresses, Calls, StackCopy, Start, WalkEnd};
use crate::engine::stack::memory;

/// Tries to catch a thread that keeps waking up.
const TRIES: usize = 3;

/// Copied first: most stacks are shorter, and the rest is copied when a walk needs it.
const FIRST_BYTES: usize = 16 << 10;

/// The result of a look at a thread.
#[derive(Debug)]
pub(super) enum Seen {
    /// It sleeps here. The addresses may be few, where the tables do not lead on.
    Asleep { position: Position, end: WalkEnd },
    /// It runs, or kept running while it was looked at.
    Running,
    /// The system does not tell where it is.
    Hidden,
    /// It has ended.
    Gone,
}

/// Walks the copies of stacks, for one dump.
#[derive(Debug)]
pub(super) struct Walker {
    /// The stack that was walked last.
    pub(super) addresses: Addresses,
    calls: Calls,
}

impl Walker {
    pub(super) fn new() -> Self {
        Self {
            addresses: Addresses::EMPTY,
            calls: Calls::NONE,
        }
    }

    pub(super) fn walk(&mut self, start: Start, copy: StackCopy<'_>) -> WalkEnd {
        self.addresses.clear();
        copied::walk(start, copy, &mut self.calls, &mut self.addresses)
    }
}

/// Looks at a thread that is not this one. `buffer` is for the copy of its stack, which `also`
/// sees.
pub(super) fn look(
    tid: Tid,
    buffer: &mut [u8],
    walker: &mut Walker,
    mut also: impl FnMut(StackCopy<'_>),
) -> Seen {
    for _ in 0..TRIES {
        let Some(before) = procfs::cpu_time(tid) else {
            return Seen::Gone;
        };
        let Some(position) = procfs::position(tid) else {
            return match procfs::cpu_time(tid) {
                Some(_) => Seen::Hidden,
                None => Seen::Gone,
            };
        };
        let Some(start) = start_of(&position) else {
            return Seen::Running;
        };
        let mut end = WalkEnd::Lost;
        for wanted in [FIRST_BYTES, COPIED_BYTES] {
            let Some(buffer) = buffer.get_mut(..wanted) else {
                break;
            };
            let copied = memory::read(start.stack_pointer, buffer);
            if procfs::cpu_time(tid) != Some(before) {
                break;
            }
            let copy = StackCopy {
                start: start.stack_pointer,
                bytes: &buffer[..copied],
            };
            end = walker.walk(start, copy);
            also(copy);
            // Lost: a guess may have led beyond the copy.
            let is_short = matches!(end, WalkEnd::CopyEnded | WalkEnd::Lost);
            if !is_short || copied < wanted {
                break;
            }
        }
        if procfs::cpu_time(tid) == Some(before) {
            return Seen::Asleep { position, end };
        }
        walker.addresses.clear();
    }
    Seen::Running
}

fn start_of(position: &Position) -> Option<Start> {
    Some(Start {
        instruction_pointer: position.instruction_pointer()?,
        stack_pointer: position.stack_pointer()?,
        frame_pointer: None,
    })
}

/// Whether the kernel starts this call again after a signal's handler, so that the thread does not
/// notice. Others return `EINTR`, which programs see (signal(7), and measured).
pub(super) fn is_restarted(position: &Position) -> bool {
    let Position::Call {
        number, arguments, ..
    } = position
    else {
        return false;
    };
    let is = |call: libc::c_long| *number == call;
    // The fourth argument is the time-out of a wait.
    (is(libc::SYS_futex) && arguments[3] == 0)
        || is(libc::SYS_wait4)
        || is(libc::SYS_waitid)
        || is(libc::SYS_flock)
}
