//! The threads of the process and what they do now.

#[cfg(all(
    feature = "framehop",
    feature = "profiling",
    target_os = "linux",
    target_arch = "x86_64"
))]
mod imp {
    pub(super) mod dump;
    mod look;
    mod procfs;
    mod signal;
    mod thread_pointer;

    pub(super) use dump::dump;
}

#[cfg(not(all(
    feature = "framehop",
    feature = "profiling",
    target_os = "linux",
    target_arch = "x86_64"
)))]
#[path = "live/waits_only.rs"]
mod imp;
mod state;
mod thread;
mod threads;

pub use state::ThreadState;
pub use thread::{Thread, WaitInProgress};
pub use threads::Threads;

/// Every thread of the process: what it does, and its stack.
///
/// Also those that no type of this crate has met, and with all rates at 0. A thread that sleeps is
/// not woken; one that runs is interrupted for some microseconds by SIGURG, unless the program has
/// a handler for that signal. Threads that do not answer within a second are listed without a
/// stack. [`Threads::notes`] says what could not be seen.
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
