//! Contention profiling: where threads wait, for how long, and whose code made them wait.
//!
//! A CPU profile does not show waiting, and a lock's own statistics do not show whose code held it.
//! This crate wraps the locks, channels and threads that a program uses and answers, with stacks:
//!
//! - **Who made others wait?** [`mutex_profile`]. If `slow_update` holds a lock for 30 ms and two
//!   threads wait for it all that time, the stack in which `slow_update` releases the lock is
//!   charged with 60 ms.
//! - **Who waited?** [`block_profile`]: the stacks of those two threads, with 30 ms each.
//!
//! Both are profiles in the pprof format with the meaning that Go's profiles of the same names
//! have, so `go tool pprof`, flame graph pages and profile stores read them. They can be on in
//! production, all the time: where nobody waits they cost nothing, and where threads wait they are
//! sampled.
//!
//! # Quick start
//!
//! 1. Put `contend::` before the path of what you wait for, in the place of `std::`:
//!    `std::sync::Mutex` becomes [`contend::sync::Mutex`](sync::Mutex), and
//!    `crossbeam_channel::select!` becomes `contend::crossbeam_channel::select!` (a feature each,
//!    see below). The modules have every name of the originals, so imports go on working.
//! 2. Switch the profiles on when the program starts.
//! 3. Write the profiles when you want to look.
//!
//! ```
//! use std::thread;
//! use std::time::Duration;
//!
//! use contend::sync::Mutex;
//!
//! contend::set_mutex_profile_fraction(1); // every contention; 100 in production
//! contend::set_block_profile_rate(1); // every wait; 1_000_000 (1 ms) in production
//!
//! let counter = Mutex::new(0);
//! thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| {
//!             let mut counter = counter.lock().unwrap();
//!             thread::sleep(Duration::from_millis(20)); // too long, under a lock
//!             *counter += 1;
//!         });
//!     }
//! });
//!
//! let profile = contend::mutex_profile();
//! println!("{profile}");
//! # #[cfg(feature = "profiling")]
//! assert_eq!(profile.total_contentions(), 1);
//! // For `go tool pprof -http=: mutex.pb.gz`.
//! profile.save(std::env::temp_dir().join("mutex.pb.gz"))?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # How to read the profiles
//!
//! A *wait* is one blocked operation of one thread, from its first failed try to its success, or to
//! giving up. Each profile has two values per stack: `contentions`, the number of waits, and
//! `delay`, their time summed over the threads that waited. Ten threads that wait one second each
//! are ten seconds.
//!
//! | | mutex profile | block profile | wake profile |
//! |---|---|---|---|
//! | stack | of the thread that **released** | of the thread that **waited** | of the thread that **notified** |
//! | leaf frame | the release: `contend::sync::MutexGuard::drop` | the operation: `contend::sync::Mutex::lock` | the notification: `contend::sync::Condvar::notify_one` |
//! | delay | what others waited for that release | what this stack waited | what others waited for that notification |
//! | covers | locks, `Once` | the same, and waits for which nobody is to blame, such as a Condvar's | those: conditions, channels, barriers, parking, joins |
//! | start here when | you want to know what to make faster | you want to know what is slow because of it | most of the waiting is for no lock |
//!
//! **Whose time is it?** A wait is cut where the lock changes hands, and each piece is charged to
//! the thread that held the lock in it, on the stack of its release. In a piece in which nobody
//! held it, the waiting thread had been woken and had no processor yet. That is the scheduler's
//! time; it stands under the frame `contend::wakeup`, called by the release before it. Shorter
//! sections do not help against it, more processors or fewer threads do.
//!
//! ```text
//!   the lock     held by A          free     held by B      free     held by C
//!              ├──────────────────┼────────┼──────────────┼────────┼───────────
//!   C waits        ├────────────────────────────────────────────────┤
//!   charged to     A's release      wakeup   B's release    wakeup
//! ```
//!
//! Readers that hold a lock together while a writer waits share that: in a piece in which n of them
//! held, each pays the n-th part. Tasks' permits do the same.
//!
//! ```text
//!   reader A   ├──────────────┤                   pays ½ of the first piece
//!   reader B ├─────────────────────────┤          pays the other half, and all of the second
//!   writer          ├───────┼──────────┼──────┤   waits: A and B held · B held · free (wakeup)
//! ```
//!
//! **What could be won?** The column "could win" is a site's delay without the wake-ups after it:
//! what all threads together waited while it held. In a window it says too how many threads these
//! are at any moment, on average: 0.50 threads of 4 are an eighth of what the program could get
//! done. It is an estimate. Less is won where a thread then waits for the next holder instead, or
//! for a processor. More is won where a long hold has made a queue, which waits for the holds after
//! it as well. All of the delay at that lock is the most. (The column is there where somebody
//! waited for a processor; else it would repeat the delay.) `cargo run --release --example
//! could_win` compares the estimate with what is won.
//!
//! **Who blocks whom?** The [`pairs_profile`] joins both sides: a stack is the waiter's, then the
//! frame `contend::blocked_by`, then the releaser's. It is the mutex profile, divided among those
//! who waited, with the same sums. It is off unless [`set_pairs_profile_fraction`] or a window asks
//! for it.
//!
//! For one lock the sum of the blame is the sum of the sampled waits, to the nanosecond. A release
//! within 5 µs of one that was charged is not captured; the next one after that is charged with its
//! hold as well. So a hold that long is always charged exactly, shorter ones in proportion to their
//! length on average. `go tool pprof -ignore contend::wakeup` shows the holds alone.
//!
//! The label `kind` says what was waited for: `go tool pprof -tagfocus kind=mutex` shows the
//! mutexes alone, and `-tagignore kind=sleep` takes sleeping out. Besides `contend::wakeup` these
//! frames stand for no code: `contend::unattributed` is blame of waits that saw no release (a
//! waiter that comes in the very moment of an unlock, or that gave up and nobody has released the
//! lock for ten seconds since) or no notification, `contend::timeout` in the wake profile what
//! nobody has ended, `contend::thread_end` the end of a thread that was joined (its caller is the
//! thread's function), `contend::overflow` holds what came when the table of stacks was full,
//! `contend::no_stack` what came from a thread with too little stack left, or from code without
//! unwind tables. In the pairs profile `contend::blocked_by` stands between the two stacks, and
//! `contend::unknown_waiter` for a waiter that is not known. [`Profile::lost`] counts what could
//! not be recorded.
//!
//! The numbers only grow; for the last minute take two profiles and use [`Profile::since`]. A wait
//! is in the profile when it is over. What goes on at this moment is in [`threads()`]: every
//! thread, what it waits for and since when, and its stack, also with all rates at 0.
//!
//! # Services
//!
//! The feature `server` has `contend::http::serve("127.0.0.1:6060")`, and `tower` has a service for
//! axum, hyper and tonic: they answer what Go serves under `/debug/pprof/`, for `go tool pprof`,
//! scrapers and people. The module's page has the table of paths, what to do when latency is high
//! and CPU is low, and what to know about security.
//!
//! # Tasks
//!
//! The feature `tokio` has `contend::tokio`, whose locks, channels and tasks are profiled as those
//! of threads are; [`FutureExt::contend`] names any future, and a [`Resource`] tells who kept the
//! connections of a pool. [`docs::asynchronous`] says whose stack and whose time it is.
//!
//! # Labels
//!
//! [`labels!`]`{"endpoint" => name}` says for whom the thread works. The mutex profile then says
//! whose work makes others wait, the block profile whose work waits, the timeline both:
//! [`docs::labels`].
//!
//! # Tests, benchmarks and the command line
//!
//! | to profile | write | and get |
//! |---|---|---|
//! | a run of a program | [`contend::init()`](init) in `main`, or the feature `auto-init` | files, as `CONTEND_MUTEX_PROFILE=mutex.pb.gz` says when it is started |
//! | a part of it | [`Recording::start`], or [`measure`] | [`Profiles`] of that time |
//! | criterion's benchmarks | [`criterion_profiler!`] | files for each, by `cargo bench -- --profile-time 5` |
//! | a test's claim | [`assert_contention!`] | a failure with the lines to blame |
//! | a change of the program | [`Profile::diff`] | what became better, worse, new, gone |
//! | what is in files, or on a server | the `contend` command, feature `cli` | tables, source lines, differences, flame graphs, a live view |
//!
//! # What is profiled
//!
//! | item | kind | block profile | mutex profile | wake profile | wraps |
//! |---|---|---|---|---|---|
//! | `sync::Mutex` | `mutex` | lock | release | | std |
//! | `sync::RwLock` | `rwlock_read`, `rwlock_write` | read, write | release, downgrade: by shares | | std |
//! | `sync::Condvar` | `condvar` | every wait, with having the mutex again | the release of the mutex (`mutex`) | notifying | std |
//! | `sync::Once`, `OnceLock`, `LazyLock` | `once` | waiting for an initialiser | the initialiser's end | | std (`LazyLock`: its `OnceLock`) |
//! | `sync::Barrier` | `barrier` | wait, but for the leader | | the last one to come | std |
//! | `sync::mpsc`: `SyncSender`, `Receiver` | `chan_send`, `chan_recv` | send when full, recv when empty | | sending, receiving, the end of the other side | std |
//! | `thread::sleep`, `park`, `park_timeout` | `sleep`, `park` | the call | | `Thread::unpark` | std |
//! | `thread::JoinHandle`, `ScopedJoinHandle`, `scope` | `join` | join, the end of a scope | | the thread's end | std |
//! | `parking_lot::Mutex`, `FairMutex`, `ReentrantMutex` | `mutex` | lock, timed tries | release, `bump`, `unlocked` | | parking_lot 0.12 |
//! | `parking_lot::RwLock` | `rwlock_read`, `rwlock_write` | read, upgradable read, write, upgrade, timed tries | release, downgrade, `bump`: by shares | | parking_lot 0.12 |
//! | `parking_lot::Condvar` | `condvar` | every wait | the release of the mutex (`mutex`) | notifying | parking_lot 0.12 |
//! | `parking_lot::Once` | `once` | waiting for a run | the run's end | | parking_lot 0.12 |
//! | `parking_lot_0_13::Mutex`, `FairMutex`, `ReentrantMutex` | `mutex` | lock, timed tries | release, `bump`, `unlocked` | | parking_lot 0.13 |
//! | `parking_lot_0_13::RwLock`, `RecursiveRwLock` | `rwlock_read`, `rwlock_write` | read, upgradable read, write, upgrade, timed tries | release, downgrade, `bump`: by shares | | parking_lot 0.13 |
//! | `parking_lot_0_13::Condvar` | `condvar` | every wait, each turn of a `wait_while` | the release of the mutex (`mutex`) | notifying | parking_lot 0.13 |
//! | `parking_lot_0_13::Once` | `once` | waiting for a run | the run's end | | parking_lot 0.13 |
//! | `crossbeam_channel::Sender`, `Receiver` | `chan_send`, `chan_recv` | send when full, recv when empty, timed ones | | sending, receiving, the end of the other side | crossbeam-channel 0.5 |
//! | `crossbeam_channel::Select`, `select!`, `select_biased!` | `select` | one event per select, without the handler | | the same | crossbeam-channel 0.5 |
//! | `crossbeam_utils::sync::Parker`, `WaitGroup` | `park`, `barrier` | park, wait | | unparking, the last one to leave | crossbeam-utils 0.8 |
//! | `crossbeam_utils::sync::ShardedLock` | `rwlock_read`, `rwlock_write` | read, write | release: by shares | | crossbeam-utils 0.8 |
//! | `once_cell::sync::OnceCell`, `Lazy` | `once` | waiting for an initialiser | the initialiser's end | | once_cell 1 |
//! | `tokio::sync::Mutex` | `async_mutex` | lock, also the blocking forms | release | | tokio 1 |
//! | `tokio::sync::RwLock` | `async_rwlock_read`, `async_rwlock_write` | read, write | release, downgrade: by shares | | tokio 1 |
//! | `tokio::sync::Semaphore` | `async_semaphore` | acquire | release, `add_permits`: by shares | | tokio 1 |
//! | `tokio::sync::OnceCell`, `SetOnce` | `async_once` | waiting for an initialiser, or for the value | the initialiser's end | | tokio 1 |
//! | `tokio::sync::mpsc` | `async_send`, `async_recv` | send and reserve when full, recv when empty | | | tokio 1 |
//! | `tokio::sync::oneshot`, `watch`, `broadcast` | `async_oneshot`, `async_watch`, `async_broadcast` | recv, changed | | | tokio 1 |
//! | `tokio::sync::Notify`, `Barrier` | `async_notify`, `async_barrier` | notified, `closed` of a sender; wait | | | tokio 1 |
//! | `tokio::task::JoinHandle`, `JoinSet` | `async_join` | join | | | tokio 1 |
//! | `blocking("name", …)` | the name | the call | | | any blocking call |
//! | `FutureExt::contend("name")` | the name | while it is pending | | | any future |
//! | `Resource`: `wait`, `hold` | the name | wait | the end of a hold: by shares | | any pool or limit |
//!
//! Everything else in these modules is the original itself and is not profiled:
//! `contend::sync::Arc` is `std::sync::Arc`. An operation that does not block, because its first
//! try succeeds, is no event. A wait that ends by a timeout, by disconnection or by a panic is one
//! event; so are several wake-ups within one call.
//!
//! # Cost
//!
//! | one uncontended lock + unlock | bare | with everything recorded |
//! |---|---|---|
//! | `std::sync::Mutex` | 11.55 ns | 11.95 ns |
//! | `std::sync::RwLock`, read | 10.41 ns | 10.40 ns |
//! | `parking_lot::Mutex` | 10.10 ns | 10.34 ns |
//! | `parking_lot::RwLock`, read | 10.02 ns | 10.01 ns |
//!
//! (AMD EPYC, 2 cores, a virtual machine; Rust 1.95.) Threads that do nothing but take one
//! contended lock run at 1.00 to 1.02 of the bare lock's time at fraction 100 + rate 1 ms, and at
//! 1.02 to 1.1 with everything recorded, in some runs 1.2. One recorded event takes 0.20 µs at 16
//! frames in a hot loop. An unlock whose waiter has slept 5 ms takes 2.4 µs, and 8.6 µs where it is
//! captured: caches are cold then. `benches/README.md` in the repository has all tables, with
//! command, machine and commit.
//!
//! The first profile of a process looks names up in the program's debug information, and keeps none
//! of it: 39 ms and 0.5 MB that stay for optimised programs of 39 MB and of 174 MB, 0.5 s and 0.6
//! MB for a debug build of 87 MB, where the code that looks up is not optimised either, 0.4 s for
//! debug information that is 170 MB and compressed (all on a busy machine). Later ones take
//! milliseconds.
//!
//! # Sampling
//!
//! An event that is recorded with probability p counts for 1/p events, so the sums are unbiased at
//! any rate, and rates can change at any time without touching what was recorded.
//!
//! | | recorded with | adds to contentions | adds to delay |
//! |---|---|---|---|
//! | mutex profile, fraction n, wait of d ns | p = 1/n | n | n·d |
//! | block profile, rate T ns, d ≥ T | p = 1 | 1 | d |
//! | block profile, rate T ns, d < T | p = d/T | T/d | T |
//! | wake profile, rate T ns, notified after e ≥ T | p = 1 | 1 | d |
//! | wake profile, rate T ns, notified after e < T | p = e/T | T/e | d·T/e |
//!
//! [`Sample::delay_std_error`] is the standard error that this adds, estimated by √Σ w(w−1)d² with
//! w = 1/p; 0 where everything was recorded. A wait for a lock that ends within a short spin (under
//! a microsecond) is not a contention, as in Go, but counts for the block profile.
//!
//! # Where Go differs
//!
//! Go's mutex profile estimates the delay of a queue from its first and last waiter, once per
//! waking unlock. With two waiters of 100 ms it reports 153 ms, with one early and nine late
//! waiters four times the truth; all of a writer's wait for several readers goes to the last of
//! them; and a waiter that queued before profiling was switched on hides those behind it. Here each
//! of these is right (`tests/profiles/accuracy`). Go's block profile does not have the time between
//! being woken and running; here it is a part of the wait.
//!
//! # Limits
//!
//! - Coverage starts at the wrapper: locks inside dependencies are seen if they use the wrappers.
//! - A dependency that is not optimised makes recording slow. For debug builds of your program
//!   consider `[profile.dev.package.contend] opt-level = 3`.
//! - A wait that does not end is in no profile, since waits are recorded when they end.
//!   [`threads()`] shows it, and so does [`Profile::with_waits_in_progress`].
//! - Blame goes to code that *released*. Readers that waited for one writer wake up one by one;
//!   what one of them waits while others have woken already and read is charged to those.
//! - How many readers hold a lock is known from their releases. If a writer gives up before they
//!   have released, the first one to do so is charged with what the others would share, unless all
//!   have come while somebody waited. Whoever waits for an upgradable read shares its wait among
//!   the other readers, too.
//! - A wait that gives up is charged to the next release of that lock, when it comes.
//! - The wake profile charges a whole wait to the notification that ended it. Where something goes
//!   from hand to hand, such as the connections of a pool or the turn to write in a database, all
//!   who kept it are there, but the shares are those of who handed over last: a thread that queued
//!   behind two others is charged to the second one alone. If the notification is inside a
//!   dependency, `contend top --cum` has the program's own functions.
//! - A stack is taken where 32 KB of it are left. On a coroutine's or a signal's own stack 5 KB
//!   must be mapped below; its end is noticed by the guard page there, so without one it must have
//!   room.
//! - A thread that forbids itself to read the time stamp counter (`PR_SET_TSC`) must do so before
//!   its first wait, and before it spawns others. A sandbox must allow the question for it,
//!   `prctl(PR_GET_TSC)`, once per thread; not where the thread has waited before, or was spawned
//!   by [`contend::thread`](crate::thread) in a thread that has.
//! - A wait longer than 584 years, in sum and on one stack, wraps around.
//!
//! # Names and lines
//!
//! Names come from the program itself. In release builds put this into `Cargo.toml`:
//!
//! ```toml
//! [profile.release]
//! debug = "limited"   # or "line-tables-only"
//! ```
//!
//! | `debug` | what the profile shows |
//! |---|---|
//! | `"limited"`, or more | full paths of functions, inlined ones too, files and lines |
//! | `"line-tables-only"` | files and lines; full paths of functions that were not inlined, the last part of those that were (`slow_update`, `{closure#0}`) |
//! | none, or `strip = "debuginfo"` | full paths of functions that were not inlined; no lines. What was inlined stands under its caller's name |
//! | `strip = true` | addresses, with mappings and build ids: `addr2line -fie PROGRAM 0x41fc3` names them later |
//!
//! The files are opened when profiling is first turned on. Where one cannot be read then, as in a
//! chroot without /proc, or after setuid where its mode is 0711, its code has addresses alone. A
//! line below the table names the file, the reason and the share of the delay.
//!
//! So it is at each `opt-level`, with thin and fat LTO, `panic = "abort"`, one codegen unit,
//! `split-debuginfo`, debug information that is compressed with zlib or zstd, and with both
//! manglings of names: `tests/names` builds a program in all of these ways and looks at its stacks.
//! Three things no table can tell:
//!
//! - With `opt-level = "s"` or `"z"` a function may be missing that gets a guard of `contend::sync`
//!   by value and drops it at its very end: the drop is a jump then. Its caller is shown instead.
//! - An optimised build without debug information inlines the closure of a thread into the function
//!   that starts it. With `-C symbol-mangling-version=v0` the closure's name is shown. Rust's older
//!   mangling leaves it out, and the stack ends with
//!   `std::sys::backtrace::__rust_begin_short_backtrace`.
//! - The optimiser makes one function of those whose code is the same, as instances of a generic
//!   function often are. The name that is left stands for all of them.
//!
//! A function that ends with a release or a wait is named as any other, also where the optimiser
//! makes jumps of last calls. Its callers are the compiler's: one that ends with a call may be
//! missing, as in every backtrace.
//!
//! The names of a program are those of the build that runs, also if its file has been replaced
//! since.
//!
//! Stacks are walked by unwind tables, which Rust writes by default. A stack ends at code without
//! them, as with `-C force-unwind-tables=no`; if that is the wrapper's own, the wait stands under
//! `contend::no_stack`. A program that was linked without the index of its tables
//! (`--no-eh-frame-hdr`) has its stacks all the same on x86-64 Linux with the feature `framehop`,
//! though it cannot unwind a panic; a library without it ends them.
//!
//! # Systems
//!
//! Tested on x86-64 Linux with glibc. Elsewhere stacks are captured by the system's unwinder, ten
//! times as slowly, through the `backtrace` crate; time is the standard library's; mappings are
//! left out. The crate needs 64-bit atomics.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `profiling` | yes | The profiler. Without it every module re-exports the original, and the functions do nothing: for builds that must not have it |
//! | `framehop` | yes | Captures stacks ten times faster than the system's unwinder, on x86-64 Linux; without effect elsewhere |
//! | `parking_lot` | no | `contend::parking_lot`, for programs that use parking_lot 0.12 |
//! | `parking_lot_0_13` | no | `contend::parking_lot_0_13`, for programs that use parking_lot 0.13. Needs Rust 1.95 |
//! | `crossbeam-channel` | no | `contend::crossbeam_channel`, for programs that use crossbeam-channel 0.5 |
//! | `crossbeam-utils` | no | `contend::crossbeam_utils`: `Parker`, `WaitGroup`, `ShardedLock`. Adds no crate |
//! | `once_cell` | no | `contend::once_cell`, for programs that use once_cell 1 |
//! | `tokio` | no | `contend::tokio`, for programs whose tasks wait: tokio 1.54 or later |
//! | `tracing` | no | `trace::SpanLayer`: spans of the tracing crate as tasks and regions, their fields as labels. Adds the registry of tracing-subscriber 0.3 |
//! | `serde` | no | `Serialize` and `Deserialize` for `contend::sync::{Mutex, RwLock}` and for parking_lot's locks, as serde has them for the originals |
//! | `flamegraph` | no | `Profile::write_flamegraph`, and the flame graphs of the pages and the command. Adds inferno, whose licence is the CDDL-1.0 |
//! | `http` | no | `contend::http`: the answers to `/debug/pprof/…`, for whatever server a program has. No runtime |
//! | `tower` | no | The same as a tower service, for axum 0.8, hyper 1 and tonic. Adds the crates of HTTP's types |
//! | `server` | no | A server on a thread of its own, for programs that have none. Adds hyper 1 and tokio |
//! | `cpu` | no | CPU profiles at `/debug/pprof/profile`, on Linux (x86-64, aarch64), by the pprof crate |
//! | `auto-init` | no | The `CONTEND_…` variables are obeyed without a call of [`init`]. Adds the ctor crate |
//! | `cli` | no | The `contend` command. For `cargo install`, not for libraries |
#![cfg_attr(docsrs, feature(doc_cfg))]

// Skins: the types that users swap in. A path here is a path of the original's.
mod blocking;
#[cfg(all(feature = "crossbeam-channel", feature = "profiling"))]
pub mod crossbeam_channel;
#[cfg(all(feature = "crossbeam-utils", feature = "profiling"))]
pub mod crossbeam_utils;
mod future;
mod labels;
#[cfg(all(feature = "once_cell", feature = "profiling"))]
pub mod once_cell;
#[cfg(all(feature = "parking_lot", feature = "profiling"))]
pub mod parking_lot;
#[cfg(all(feature = "parking_lot_0_13", feature = "profiling"))]
pub mod parking_lot_0_13;
mod resource;
mod skin;
#[cfg(feature = "profiling")]
pub mod sync;
#[cfg(feature = "profiling")]
pub mod thread;
#[cfg(all(feature = "tokio", feature = "profiling"))]
pub mod tokio;

// The record path.
mod engine;
#[cfg(feature = "profiling")]
mod fork;
#[cfg(not(feature = "profiling"))]
#[path = "fork/off.rs"]
mod fork;

// From what was recorded to what is written.
mod export;
#[cfg(feature = "profiling")]
mod loader;
mod pprof;
mod profile;
#[cfg(feature = "profiling")]
mod snapshot;
#[cfg(feature = "profiling")]
mod symbols;
mod text;
mod timeline;

// Ways to ask for profiles.
mod ask;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "http")]
mod cpu;
#[cfg(feature = "http")]
pub mod http;
mod init;

pub mod docs;
mod hang;
mod live;
mod metrics;
mod monitor;
pub mod trace;
#[cfg(contend_whole)]
#[doc(hidden)]
pub mod whole;

#[cfg(feature = "profiling")]
#[doc(hidden)]
pub mod bench_support;

/// The macros of this crate expand to calls of these.
#[doc(hidden)]
pub mod __private {
    pub use crate::ask::assertion::{Condition, assert, start_assertion};
    pub use crate::ask::criterion::BenchRecorder;
    pub use crate::labels::enter_labels;
}

pub use ask::control::{
    MemoryInUse, block_profile, block_profile_rate, mutex_profile, mutex_profile_fraction,
    pairs_profile, pairs_profile_fraction, reset, set_block_profile_rate, set_memory_limit,
    set_mutex_profile_fraction, set_pairs_profile_fraction, set_wake_profile_rate, wake_profile,
    wake_profile_rate,
};

pub use ask::locks::{lock_name, locks};
pub use ask::recording::{Profiles, Recording, RecordingBuilder, measure};
pub use blocking::blocking;
pub use future::{Contended, FutureExt};
#[cfg(target_os = "linux")]
pub use hang::dump_on_signal;
pub use hang::{Watchdog, watchdog};
pub use init::{InitGuard, init};
pub use labels::{LabelScope, Labelled, Labels, with_labels};
pub use live::{
    Accounting, Deadlock, Holder, Thread, ThreadCategory, ThreadState, ThreadTime, ThreadTimes,
    Threads, WaitInProgress, deadlocks, threads,
};
pub use metrics::write_metrics;
pub use monitor::{
    Alarm, LongWait, Monitor, MonitorBuilder, MonitorPoint, MonitorReport, MonitorRule, TopStack,
    Verdict,
};
pub use profile::lock_waits::LockWaits;
pub use profile::lost::Lost;
pub use profile::{Change, ChangeStatus, Diff, Frame, Profile, ProfileKind, Sample};
pub use resource::{Held, Resource};

/// Without the profiler a skin is the original.
#[cfg(not(feature = "profiling"))]
macro_rules! originals {
    ($(
        $(#[$attribute:meta])* $module:ident = $($original:ident)::+ $(, with $($more:ident)::+)?;
    )*) => {$(
        $(#[$attribute])*
        ///
        /// Not profiled: the `profiling` feature is off.
        pub mod $module {
            pub use ::$($original)::+::*;
            $(pub use crate::$($more)::+::*;)?
        }
    )*};
}

#[cfg(not(feature = "profiling"))]
originals! {
    /// The standard library's locks and channels.
    sync = std::sync, with skin::unnamed::std;
    /// The standard library's threads.
    thread = std::thread;
    /// `parking_lot` 0.12.
    #[cfg(feature = "parking_lot")]
    parking_lot = parking_lot, with skin::unnamed::parking_lot;
    /// `parking_lot` 0.13.
    #[cfg(feature = "parking_lot_0_13")]
    parking_lot_0_13 = parking_lot_0_13, with skin::unnamed::parking_lot_0_13;
    /// `crossbeam-channel` 0.5.
    #[cfg(feature = "crossbeam-channel")]
    crossbeam_channel = crossbeam_channel;
    /// `crossbeam-utils` 0.8.
    #[cfg(feature = "crossbeam-utils")]
    crossbeam_utils = crossbeam_utils;
    /// `once_cell` 1.
    #[cfg(feature = "once_cell")]
    once_cell = once_cell;
    /// `tokio` 1.
    #[cfg(feature = "tokio")]
    tokio = tokio;
}
