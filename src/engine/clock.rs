//! Nanoseconds since the clock was started, as cheaply as the machine can say.
//!
//! The time stamp counter is read where the processor promises that it ticks evenly in every
//! power state ("invariant", x86-64); elsewhere, and before [`start`], the standard library's
//! monotonic clock. On the development machine (AMD EPYC, KVM) a reading costs 9 ns against 24.
//!
//! Ticks become nanoseconds at once, so that every difference of two readings is an exact
//! integer and sums of blame and of waits agree to the nanosecond. The scale is measured once,
//! in [`start`], and never changed, because a change would make time jump.
//!
//! # Threads that must not read the counter
//!
//! `prctl(PR_SET_TSC, PR_TSC_SIGSEGV)` turns a reading into a fatal signal, for one thread and for
//! those that it starts. So each thread is asked for once, at its first reading: one system call,
//! `prctl(PR_GET_TSC)`, 0.1 µs. Threads that are spawned by the skin need not ask where their
//! parent has, and may wait in a sandbox that kills for the question. The vDSO's clock is no way
//! out, as it reads the counter itself; such a thread asks the kernel. The two clocks drift apart
//! by up to 20 ppm, and readings of different threads are subtracted from each other; so the first
//! such thread makes all of the process read the system's clock from then on. Time jumps once then,
//! by the drift so far.
//!
//! (A thread that has read the counter, and forbids it to itself later, is not noticed.)

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Readings start here rather than at 0, which keeps 0 and 1 free for the states of a
/// lock's flag (see `blame`).
const FIRST_NANOS: u64 = 1_000;

/// How long [`start`] compares the counter with the system's clock. The readings at each end
/// are uncertain by some tens of nanoseconds, so 5 ms make the scale right within about 20 ppm.
const CALIBRATION: Duration = Duration::from_millis(5);

/// Nanoseconds per tick, times 2^32; 0: there is no counter to read, or not yet, or not any more.
///
/// PERF: plain words rather than one `OnceLock`, because a release that somebody waits for reads
/// the clock with the lock held. Stored with `Release`, after `ORIGIN_TICKS`; the `Acquire` in
/// `now` makes that one visible with it.
static NANOS_PER_TICK_Q32: AtomicU64 = AtomicU64::new(0);

/// The counter's reading at the start; 0: not read yet. Stored once.
static ORIGIN_TICKS: AtomicU64 = AtomicU64::new(0);

/// Whether [`start`] has nothing left to do. Stored with `Release` after all that it stores; its
/// `Acquire` is in `start`.
static IS_STARTED: AtomicBool = AtomicBool::new(false);

/// Starts the clock; later calls do nothing. The first one takes some 5 ms where there is a
/// counter to calibrate.
///
/// If several first calls come at once, each measures for itself, and the first to store counts:
/// none waits for another, which a fork may have left behind (see `published`).
pub(crate) fn start() {
    if IS_STARTED.load(Ordering::Acquire) {
        return;
    }
    system::start();
    if let Some((origin_ticks, scale)) = calibrate() {
        let origin = origin_ticks.max(1);
        let _ = ORIGIN_TICKS.compare_exchange(0, origin, Ordering::Relaxed, Ordering::Relaxed);
        let _ = NANOS_PER_TICK_Q32.compare_exchange(0, scale, Ordering::Release, Ordering::Relaxed);
    }
    IS_STARTED.store(true, Ordering::Release);
}

/// Nanoseconds since the clock started, never less than [`FIRST_NANOS`].
///
/// Two threads may see readings that disagree by the skew of their cores' counters; whoever
/// subtracts must not assume order.
#[inline]
pub(crate) fn now() -> u64 {
    let scale = NANOS_PER_TICK_Q32.load(Ordering::Acquire);
    if scale == 0 || !may_read_counter() {
        return now_without_counter();
    }
    let ticks = ticks().saturating_sub(ORIGIN_TICKS.load(Ordering::Relaxed));
    ((u128::from(ticks) * u128::from(scale)) >> 32) as u64 + FIRST_NANOS
}

/// Nanoseconds on the system's monotonic clock, also before [`start`]: 24 ns. No system call, but
/// in a thread that may not read the counter.
#[inline]
pub(crate) fn monotonic() -> u64 {
    system::nanos()
}

#[cold]
fn now_without_counter() -> u64 {
    if !may_read_counter() {
        // For all threads: see the head of the file. Relaxed: a reading that misses it is one more
        // by the counter.
        NANOS_PER_TICK_Q32.store(0, Ordering::Relaxed);
    }
    system::nanos_since_start().saturating_add(FIRST_NANOS)
}

/// A thread's right to read the counter, as far as it is known. A new thread has that of the one
/// that spawns it: the kernel copies it (`clone`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    NotAsked,
    Given,
    Refused,
}

thread_local! {
    /// Without a destructor, so that it is there till the end. A fork keeps it, as it should.
    static PERMISSION: Cell<Permission> = const { Cell::new(Permission::NotAsked) };
}

impl Permission {
    /// The known permission of this thread, without a question.
    pub(crate) fn of_this_thread() -> Self {
        PERMISSION.get()
    }

    /// In a new thread, before all else: what is known of the thread that spawned it.
    pub(crate) fn inherit(self) {
        PERMISSION.set(self);
    }
}

/// Whether this thread may read the counter, itself or through the vDSO.
#[inline]
fn may_read_counter() -> bool {
    PERMISSION.with(|permission| match permission.get() {
        Permission::Given => true,
        Permission::Refused => false,
        Permission::NotAsked => ask_once(permission),
    })
}

#[cold]
fn ask_once(permission: &Cell<Permission>) -> bool {
    let is_given = ask_system();
    permission.set(if is_given {
        Permission::Given
    } else {
        Permission::Refused
    });
    is_given
}

/// Where the system does not say, as on processors on which it cannot be forbidden or in a
/// sandbox that refuses the question, it is allowed.
#[cfg(target_os = "linux")]
fn ask_system() -> bool {
    let mut mode: libc::c_int = libc::PR_TSC_ENABLE;
    // SAFETY: `PR_GET_TSC` stores one int at the address given, which is `mode`'s.
    let answer = unsafe { libc::prctl(libc::PR_GET_TSC, &raw mut mode) };
    answer != 0 || mode == libc::PR_TSC_ENABLE
}

#[cfg(not(target_os = "linux"))]
fn ask_system() -> bool {
    true
}

/// The system's monotonic clock.
#[cfg(target_os = "linux")]
mod system {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::may_read_counter;

    /// The start; 0: not started. Stored once.
    static ORIGIN: AtomicU64 = AtomicU64::new(0);

    pub(super) fn start() {
        let now = nanos().max(1);
        let _ = ORIGIN.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// 0 before the start: of an event that races with the very first `set_…` call. The rates are
    /// set after the clock has started.
    pub(super) fn nanos_since_start() -> u64 {
        match ORIGIN.load(Ordering::Relaxed) {
            0 => 0,
            origin => nanos().saturating_sub(origin),
        }
    }

    /// `CLOCK_MONOTONIC`, which `Instant` reads too.
    pub(super) fn nanos() -> u64 {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: both store one `timespec` at the address given, which is `time`'s.
        unsafe {
            if may_read_counter() {
                libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time);
            } else {
                // The C library's function reads the counter, in the vDSO.
                libc::syscall(
                    libc::SYS_clock_gettime,
                    libc::c_long::from(libc::CLOCK_MONOTONIC),
                    &raw mut time,
                );
            }
        }
        (time.tv_sec as u64)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(time.tv_nsec as u64)
    }
}

/// The system's monotonic clock.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::{Duration, Instant};

    use crate::engine::published::Published;

    /// The start.
    static ORIGIN: Published<Instant> = Published::new();

    pub(super) fn start() {
        ORIGIN.get_or_publish(Instant::now);
    }

    /// Since the first reading.
    pub(super) fn nanos() -> u64 {
        let elapsed = ORIGIN.get_or_publish(Instant::now).elapsed();
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }

    /// 0 before the start: of an event that races with the very first `set_…` call. The rates are
    /// set after the clock has started.
    pub(super) fn nanos_since_start() -> u64 {
        let elapsed = ORIGIN.get().map_or(Duration::ZERO, Instant::elapsed);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The counter's reading now, and its scale.
fn calibrate() -> Option<(u64, u64)> {
    if !(ticks_are_invariant() && may_read_counter()) {
        return None;
    }
    let (first_instant, first_ticks) = simultaneous_reading();
    std::thread::sleep(CALIBRATION);
    let (last_instant, last_ticks) = simultaneous_reading();
    let nanos = last_instant.duration_since(first_instant).as_nanos();
    let ticks = u128::from(last_ticks.checked_sub(first_ticks)?);
    let scale = u64::try_from((nanos << 32).checked_div(ticks)?).ok()?;
    // A scale of 0 would stop time; a counter that slow (over 4 s a tick) is no counter.
    // The origin of the system's clock was read just before the first of them.
    (scale > 0).then_some((first_ticks, scale))
}

/// Both clocks read as close together as a few tries can get them: the try with the fewest
/// ticks around the instant wins, so an interrupt in one of them does no harm.
fn simultaneous_reading() -> (Instant, u64) {
    let mut best: Option<(u64, Instant, u64)> = None;
    for _ in 0..16 {
        let before = ticks();
        let instant = Instant::now();
        let after = ticks();
        let width = after.saturating_sub(before);
        if best.is_none_or(|(narrowest, ..)| width < narrowest) {
            best = Some((width, instant, before + width / 2));
        }
    }
    let (_, instant, ticks) = best.expect("the loop runs at least once");
    (instant, ticks)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn ticks() -> u64 {
    // SAFETY: the instruction is part of every x86-64 processor. (It faults in a thread that must
    // not read the counter; callers have asked `may_read_counter`.)
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn ticks() -> u64 {
    0
}

/// Whether the counter ticks evenly: CPUID 8000_0007H, EDX bit 8 ("Invariant TSC").
#[cfg(target_arch = "x86_64")]
fn ticks_are_invariant() -> bool {
    use core::arch::x86_64::__cpuid;
    const EXTENDED: u32 = 0x8000_0000;
    const POWER_MANAGEMENT: u32 = 0x8000_0007;
    const INVARIANT_TSC: u32 = 1 << 8;
    #[allow(unused_unsafe)] // `__cpuid` became safe to call in Rust 1.94.
    // SAFETY: every x86-64 processor has the instruction; the leaf is asked for only where the
    // processor says that it exists.
    unsafe {
        __cpuid(EXTENDED).eax >= POWER_MANAGEMENT
            && __cpuid(POWER_MANAGEMENT).edx & INVARIANT_TSC != 0
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn ticks_are_invariant() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_systems_clock_where_there_is_no_counter() {
        start();
        let (instant, ours) = (Instant::now(), now_without_counter());
        std::thread::sleep(Duration::from_millis(5));
        let ours = now_without_counter() - ours;
        let theirs = instant.elapsed().as_nanos() as u64;
        assert!((5_000_000..=theirs).contains(&ours), "{ours} of {theirs}");
    }

    #[test]
    fn agrees_with_the_systems_clock() {
        start();
        let (instant, ours) = (Instant::now(), now());
        std::thread::sleep(Duration::from_millis(200));
        let theirs = instant.elapsed().as_nanos() as f64;
        let ours = (now() - ours) as f64;
        // Calibration is good to tens of ppm; a preemption between the two readings at the end
        // is what the bound of 2 % (4 ms) leaves room for.
        assert!(
            (ours / theirs - 1.0).abs() < 0.02,
            "{ours} ns here, {theirs} ns there"
        );
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn a_thread_that_must_not_read_the_counter_reads_another_clock() {
        // In a process of its own: the counter is given up there.
        // SAFETY: the child only reads clocks and leaves, which needs no lock.
        let child = unsafe { libc::fork() };
        if child == 0 {
            start();
            let forbidden = libc::PR_TSC_SIGSEGV as libc::c_ulong;
            PERMISSION.set(Permission::NotAsked);
            // SAFETY: concerns this thread of the child alone. `_exit` ends the child at once.
            unsafe {
                libc::prctl(libc::PR_SET_TSC, forbidden);
                let ordered = [FIRST_NANOS, now(), now()].is_sorted();
                let given_up = NANOS_PER_TICK_Q32.load(Ordering::Relaxed) == 0;
                libc::_exit(if ordered && given_up { 0 } else { 1 })
            }
        }
        let mut status = -1;
        // SAFETY: `child` is our own child, waited for once; `status` is a live local.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
    }

    #[test]
    fn leaves_the_flags_states_free() {
        start();
        assert!(now() >= FIRST_NANOS);
    }
}
