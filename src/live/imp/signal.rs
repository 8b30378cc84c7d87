//! Asks running threads for a copy of their stacks, by a signal.
//!
//! The handler copies at most 64 KiB of the stack that it interrupted and returns; the thread
//! that asks unwinds the copy. The handler never unwinds (the walker needs more stack than an
//! alternate signal stack has), never waits (the thread may hold a lock that the asker needs),
//! allocates nothing and uses no thread-local.
//!
//! The signal is SIGURG, by the criteria of Go's runtime (`signal_unix.go`): debuggers pass it on,
//! the C library does not use it, a spurious one is harmless, and its default is to be ignored, so
//! that one which comes too late kills nobody.
//!
//! **A slot's life.** `free → requested` by the asker, after it wrote the thread's number there;
//! `requested → in handler → done` by the handler of that thread; `done → free` by the asker, when
//! it has read the answer. Where no answer comes in time: `requested → free` by the asker. Each
//! request has a number of its own in the same word, so a handler that comes late changes nothing.

use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::look;
use super::procfs::{self, Position, Tid};
use crate::engine::stack::copied::{StackCopy, Start};
use crate::engine::stack::{memory, own_stack};

/// The signal that is sent.
const SIGNAL: c_int = libc::SIGURG;

/// Threads asked at a time. One by one 1,000 threads took 84 to 265 ms, in batches of 64 they took
/// 19 to 85.
const SLOTS: usize = 64;

/// How much of a stack is copied: some 300 frames.
pub(super) const COPIED_BYTES: usize = 64 << 10;

const FREE: u64 = 0;
const REQUESTED: u64 = 1;
const IN_HANDLER: u64 = 2;
const DONE: u64 = 3;
const STATE_MASK: u64 = 3;
/// Each request adds this to the word.
const NEXT_REQUEST: u64 = 4;

struct Slot {
    /// One of the states above, and the request's number above it.
    ///
    /// The asker stores `requested` with `Release`, after `tid`; the handler's `Acquire` load sees
    /// both. The handler stores `done` with `Release`, after the answer; the asker's `Acquire` load
    /// sees it.
    word: AtomicU64,
    tid: AtomicI32,
    instruction_pointer: AtomicU64,
    stack_pointer: AtomicU64,
    frame_pointer: AtomicU64,
    copied: AtomicUsize,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        word: AtomicU64::new(FREE),
        tid: AtomicI32::new(0),
        instruction_pointer: AtomicU64::new(0),
        stack_pointer: AtomicU64::new(0),
        frame_pointer: AtomicU64::new(0),
        copied: AtomicUsize::new(0),
    }
}; SLOTS];

/// `SLOTS` pieces of `COPIED_BYTES`. Mapped once, never unmapped; the pages are given back after
/// each use. Stored with `Release`, before the first request.
static COPIES: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Why running threads cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The program, or another library in it, has a handler for the signal.
    SignalTaken,
    /// A thread has not come out of its handler since an earlier dump.
    HandlerBusy,
    /// The system gives no memory, or refuses the handler.
    System,
}

/// The right to ask. There is one at a time, since there is one dump at a time.
#[derive(Debug)]
pub(super) struct Asker {
    /// Whether the system has refused to send a signal, to a thread that is there.
    pub(super) is_refused: bool,
}

impl Asker {
    /// Prepares for requests. `stack::start` was called before: a handler asks for the bounds of
    /// its stack.
    pub(super) fn new() -> Result<Self, Refusal> {
        if !is_this_process() {
            // In a child of `fork`: who was asked, and who would have answered, is not there.
            TABLE.iter().for_each(Slot::free);
        }
        for slot in &TABLE {
            match slot.word.load(Ordering::Acquire) & STATE_MASK {
                FREE => {}
                // Came after the end of the dump that asked.
                DONE => slot.free(),
                _ => return Err(Refusal::HandlerBusy),
            }
        }
        map_copies().ok_or(Refusal::System)?;
        install_handler()?;
        Ok(Self { is_refused: false })
    }

    /// Asks these threads, each with the scheduler's count of its turns at the last look. Calls
    /// `answer` with the index of each one that answers before `deadline`. Returns the indices of
    /// those that were not asked, as the signal could interrupt a call of theirs.
    pub(super) fn ask(
        &mut self,
        threads: &[(Tid, Option<u64>)],
        deadline: Instant,
        mut answer: impl FnMut(usize, Start, StackCopy<'_>),
    ) -> Vec<usize> {
        let mut not_asked = Vec::new();
        for (batch, threads) in threads.chunks(SLOTS).enumerate() {
            let mut requests = [0; SLOTS];
            let mut open: usize = threads.len();
            let mut is_open = [true; SLOTS];
            for (index, &(tid, turns)) in threads.iter().enumerate() {
                if has_had_turn_since(tid, turns) || is_interrupted(tid) {
                    not_asked.push(batch * SLOTS + index);
                    is_open[index] = false;
                    open -= 1;
                    continue;
                }
                match TABLE[index].request(index, tid) {
                    Ok(request) => requests[index] = request,
                    Err(error) => {
                        self.is_refused |= error.raw_os_error() != Some(libc::ESRCH);
                        is_open[index] = false;
                        open -= 1;
                    }
                }
            }
            let mut pause = Duration::from_micros(20);
            while open > 0 {
                for (index, slot) in TABLE.iter().enumerate().take(threads.len()) {
                    if !is_open[index] {
                        continue;
                    }
                    let is_late = Instant::now() >= deadline;
                    match slot.poll(requests[index], is_late) {
                        Poll::Waiting => continue,
                        Poll::Late => {}
                        Poll::Answered => {
                            let (start, len) = slot.read();
                            // SAFETY: the handler has written the first `len` bytes of this
                            // slot's piece, and `done`, seen with `Acquire`, came after them.
                            // Nobody writes there until the slot is requested again, by us.
                            let bytes = unsafe { std::slice::from_raw_parts(piece(index), len) };
                            let copy = StackCopy {
                                start: start.stack_pointer,
                                bytes,
                            };
                            answer(batch * SLOTS + index, start, copy);
                            slot.free();
                        }
                    }
                    is_open[index] = false;
                    open -= 1;
                }
                if open > 0 {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(1));
                }
            }
        }
        not_asked
    }
}

/// Whether the thread came onto a processor since its turns were counted. It may be on its way to
/// sleep again, and so to a call that the signal interrupts.
fn has_had_turn_since(tid: Tid, turns: Option<u64>) -> bool {
    procfs::scheduling(tid).map(|scheduling| scheduling.turns) != turns
}

/// Whether the thread blocks in a call that a signal's handler ends.
fn is_interrupted(tid: Tid) -> bool {
    let position = procfs::position(tid);
    position.is_some_and(|position| {
        matches!(position, Position::Call { .. }) && !look::is_restarted(&position)
    })
}

impl Drop for Asker {
    fn drop(&mut self) {
        let is_free = |slot: &Slot| slot.word.load(Ordering::Relaxed) & STATE_MASK == FREE;
        if TABLE.iter().all(is_free) {
            // SAFETY: the pieces are ours, mapped, and no handler writes to them: each slot is
            // free. The next read there finds zero.
            unsafe {
                let copies = COPIES.load(Ordering::Relaxed).cast::<c_void>();
                libc::madvise(copies, SLOTS * COPIED_BYTES, libc::MADV_DONTNEED);
            }
        }
    }
}

enum Poll {
    Waiting,
    Answered,
    Late,
}

impl Slot {
    /// Asks a thread. Returns the word that the request has; or the error of the system, which has
    /// sent no signal.
    fn request(&self, index: usize, tid: Tid) -> io::Result<u64> {
        let before = self.word.load(Ordering::Relaxed);
        if before & STATE_MASK != FREE {
            // A handler of an earlier batch is still at it.
            return Ok(before);
        }
        prepare(index);
        self.tid.store(tid, Ordering::Relaxed);
        let word = ((before & !STATE_MASK) + NEXT_REQUEST) | REQUESTED;
        self.word.store(word, Ordering::Release);
        // SAFETY: sends a signal, which has a handler, to a thread of this process; a number that
        // is no thread's is an error and nothing else.
        let failed = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, SIGNAL) } != 0;
        if failed {
            let error = io::Error::last_os_error();
            self.abandon(word);
            return Err(error);
        }
        Ok(word)
    }

    /// False: the handler has begun.
    fn abandon(&self, word: u64) -> bool {
        let free = (word & !STATE_MASK) | FREE;
        let relaxed = Ordering::Relaxed;
        let exchanged = self.word.compare_exchange(word, free, relaxed, relaxed);
        exchanged.is_ok()
    }

    fn poll(&self, request: u64, is_late: bool) -> Poll {
        let word = self.word.load(Ordering::Acquire);
        if word & !STATE_MASK != request & !STATE_MASK || request & STATE_MASK != REQUESTED {
            return Poll::Late;
        }
        match word & STATE_MASK {
            DONE => Poll::Answered,
            FREE => Poll::Late,
            REQUESTED if is_late && self.abandon(word) => Poll::Late,
            // The copy takes microseconds, but the thread may have lost its processor. The slot
            // stays in use, and no dump asks until it is free (`HandlerBusy`, then `done` below).
            IN_HANDLER if is_late => Poll::Late,
            _ => Poll::Waiting,
        }
    }

    fn read(&self) -> (Start, usize) {
        let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
        let start = Start {
            instruction_pointer: load(&self.instruction_pointer),
            stack_pointer: load(&self.stack_pointer),
            frame_pointer: Some(load(&self.frame_pointer)),
        };
        (start, self.copied.load(Ordering::Relaxed))
    }

    fn free(&self) {
        let word = self.word.load(Ordering::Relaxed);
        self.word
            .store((word & !STATE_MASK) | FREE, Ordering::Release);
    }
}

/// Whether this process has asked before, and not one that it was forked from.
fn is_this_process() -> bool {
    /// Relaxed: written under the lock of dumps.
    static ASKER: AtomicI32 = AtomicI32::new(0);
    // SAFETY: takes nothing and cannot fail.
    let own = unsafe { libc::getpid() };
    ASKER.swap(own, Ordering::Relaxed) == own
}

fn piece(index: usize) -> *mut u8 {
    // Wrapping: the result lies in the mapping, since there are as many pieces as slots.
    COPIES
        .load(Ordering::Relaxed)
        .wrapping_add(index * COPIED_BYTES)
}

/// Has the system give the pages that most stacks fit in, which the handler would wait for.
fn prepare(index: usize) {
    for page in 0..4 {
        // SAFETY: in the piece of a slot that is free: nobody else reads or writes it.
        unsafe { piece(index).add(page * 4096).write_volatile(0) };
    }
}

fn map_copies() -> Option<()> {
    if !COPIES.load(Ordering::Relaxed).is_null() {
        return Some(());
    }
    // SAFETY: a new private mapping, which replaces nothing.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            SLOTS * COPIED_BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    COPIES.store(start.cast(), Ordering::Release);
    Some(())
}

/// Sets the handler, if nobody else has one.
fn install_handler() -> Result<(), Refusal> {
    let mut current = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asks for the disposition and changes nothing; the answer goes to a live local.
    if unsafe { libc::sigaction(SIGNAL, ptr::null(), current.as_mut_ptr()) } != 0 {
        return Err(Refusal::System);
    }
    // SAFETY: zeros are a value of it, and the call above returned 0.
    let current = unsafe { current.assume_init() }.sa_sigaction;
    let handler = handle as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
    let handler = handler as *const () as libc::sighandler_t;
    if current == handler {
        return Ok(());
    }
    if current != libc::SIG_DFL && current != libc::SIG_IGN {
        return Err(Refusal::SignalTaken);
    }
    // SAFETY: zeros are a value of each of its fields; the set is filled by the C library.
    let action = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigfillset(&mut action.sa_mask);
        action
    };
    // SAFETY: the handler has the type that `SA_SIGINFO` asks for, and lives for ever.
    match unsafe { libc::sigaction(SIGNAL, &action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(Refusal::System),
    }
}

/// Copies the stack that it interrupted, if somebody asks for it.
extern "C" fn handle(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the C library's own place of this thread's error number, which is always there.
    let errno = unsafe { *libc::__errno_location() };
    // By the thread's number: with a full queue of signals the value in `siginfo` does not arrive.
    // SAFETY: takes nothing and cannot fail.
    let tid = unsafe { libc::gettid() };
    // SAFETY: the kernel passes a pointer to the interrupted context, valid during this call.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    for (index, slot) in TABLE.iter().enumerate() {
        let word = slot.word.load(Ordering::Acquire);
        let is_ours = word & STATE_MASK == REQUESTED && slot.tid.load(Ordering::Relaxed) == tid;
        let entered = (word & !STATE_MASK) | IN_HANDLER;
        let relaxed = Ordering::Relaxed;
        if is_ours
            && slot
                .word
                .compare_exchange(word, entered, Ordering::Acquire, relaxed)
                .is_ok()
        {
            answer(index, slot, context);
            let done = (word & !STATE_MASK) | DONE;
            slot.word.store(done, Ordering::Release);
            break;
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Copies a stack as it is.
///
/// Not by `memcpy`: AddressSanitizer has one of its own, which ends the process where it meets what
/// lies between the variables of a function.
///
/// # Safety
///
/// As for [`ptr::copy_nonoverlapping`], but that the bytes may be of any origin.
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: reads and writes what the caller vouches for. The direction flag is clear, in a
    // handler as well.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") len => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

fn answer(index: usize, slot: &Slot, context: &libc::ucontext_t) {
    let register = |number: c_int| context.uc_mcontext.gregs[number as usize] as u64;
    let stack_pointer = register(libc::REG_RSP);
    slot.instruction_pointer
        .store(register(libc::REG_RIP), Ordering::Relaxed);
    slot.stack_pointer.store(stack_pointer, Ordering::Relaxed);
    slot.frame_pointer
        .store(register(libc::REG_RBP), Ordering::Relaxed);
    // SAFETY: the slot is in the handler's hands: the state says so. The piece is mapped, and
    // nobody else reads or writes it until the state is `done`.
    let buffer = unsafe { std::slice::from_raw_parts_mut(piece(index), COPIED_BYTES) };
    let interrupted = stack_pointer as usize;
    let copied = match own_stack().filter(|own| own.contains(&interrupted)) {
        Some(own) => {
            let len = (own.end - interrupted).min(COPIED_BYTES);
            let from = ptr::with_exposed_provenance::<u8>(interrupted);
            // SAFETY: from this thread's stack pointer to the end of its stack, which the C
            // library knows and which stays as long as the thread runs. (The kernel's list of
            // mappings would not do: it may show the stack and what lies behind it as one, and
            // another thread may unmap that.) The buffer is as long.
            unsafe { copy(from, buffer.as_mut_ptr(), len) };
            len
        }
        // A coroutine's, or that of another signal's handler.
        None => memory::read(stack_pointer, buffer),
    };
    slot.copied.store(copied, Ordering::Relaxed);
}
