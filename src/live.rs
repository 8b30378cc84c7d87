//! The threads of the process and what they do now.

#[cfg(all(
    feature = "framehop",
    feature = "profiling",
    target_os = "linux",
    target_arch = "x86_64"
))]
mod imp {
    mod clocks;
    mod deadlocks;
    pub(super) mod dump;
    mod holders;
    mod look;
    mod looker;
    mod procfs;
    mod signal;
    mod stacks;
    mod thread_pointer;

    pub(super) use clocks::Clocks;
    pub(super) use deadlocks::deadlocks;
    pub(super) use dump::dump;
    pub(crate) use looker::Looker;
    pub(super) use procfs::own_cpu_time;
}

mod accounting;
mod category;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
mod cycles;
mod deadlock;
mod glance;
mod holder;
#[cfg(not(all(
    feature = "framehop",
    feature = "profiling",
    target_os = "linux",
    target_arch = "x86_64"
)))]
#[path = "live/waits_only.rs"]
mod imp;
mod in_progress;
mod state;
mod thread;
mod thread_times;
mod threads;

pub use accounting::Accounting;
pub use category::ThreadCategory;
pub use deadlock::Deadlock;
pub(crate) use glance::{Glance, Glimpse};
pub use holder::Holder;
pub(crate) use imp::Looker;
pub use state::ThreadState;
pub use thread::{Thread, WaitInProgress};
pub use thread_times::{ThreadTime, ThreadTimes};
#[cfg(feature = "http")]
pub(crate) use threads::Group;
pub use threads::Threads;

/// Every thread of the process: what it does, and its stack.
///
/// Also those that no type of this crate has met, and with all rates at 0. A thread that sleeps is
/// not woken; one that runs is interrupted for some microseconds by SIGURG, unless the program has
/// a handler for that signal. A thread that came onto a processor a moment ago may be about to
/// block, so it is not interrupted: it is looked at again. In 45,000 dumps beside reads with
/// time-outs, sleeps, child processes, mio and tokio no call returned `EINTR`. It cannot be
/// excluded: a call may begin as the signal is sent. Threads that do not answer within a second are
/// listed without a stack. [`Threads::notes`] says what could not be seen. In a process that was
/// forked from a profiled one only the calling thread has a stack, because the loader's lock may be
/// closed there for ever.
///
/// With musl a thread has its state, its wait and the holder, and no stack as long as it is in one
/// of musl's own functions, which cannot be unwound: a thread that sleeps is. Profiles have their
/// stacks.
///
/// On other systems than x86-64 Linux, and without the feature `framehop`, the dump has the threads
/// that are in a wait of this crate's types, without stacks; without the feature `profiling`, none.
///
/// # Overhead
///
/// Some 0.1 ms for each thread, most of it to look names up the first time.
///
/// # Examples
///
/// ```
/// let threads = contend::threads();
/// println!("{threads}");
/// for thread in threads.threads() {
///     println!("{} {}: {}", thread.tid(), thread.name(), thread.state());
/// }
/// ```
#[inline(never)]
pub fn threads() -> Threads {
    // Has a size, and so an address of its own in this frame.
    let marker = 0_u8;
    imp::dump(&marker)
}

/// How long this thread has been on a processor, where the system tells.
pub(crate) fn cpu_time() -> Option<std::time::Duration> {
    imp::own_cpu_time()
}

/// The threads that wait for each other, and will for ever.
///
/// Found are cycles of waits of this crate's types: for mutexes, for writers and readers of locks,
/// for a lock that the thread itself holds, for initialisers, for threads that are joined and for
/// the threads of a scope. A cycle counts if each of its waits went on from a first look to a
/// second one at least 100 ms later, and none of them ends by itself after a time. Readers are
/// found by their stacks alone (see [`Holder::is_certain`]), so a cycle through them is a possible
/// deadlock: [`Deadlock::is_certain`] tells.
///
/// Condition variables, channels and parked threads can be woken by anybody; nobody is known to be
/// the one for whom they wait, so no deadlock is found through them. Waits of other types than this
/// crate's are not known.
///
/// On other systems than x86-64 Linux, and without the features `profiling` and `framehop`, none is
/// found.
///
/// # Blocking
///
/// For some 100 ms if there may be a deadlock, else not.
///
/// # Overhead
///
/// Some 0.3 ms if no wait forms a cycle; that of [`threads`] besides if one does.
///
/// # Examples
///
/// ```
/// for deadlock in contend::deadlocks() {
///     eprintln!("{deadlock}");
/// }
/// ```
#[inline(never)]
pub fn deadlocks() -> Vec<Deadlock> {
    let marker = 0_u8;
    imp::deadlocks(&marker)
}
