//! Nanoseconds since the clock was started, as cheaply as the machine can say.
//!
//! The time stamp counter is read where the processor promises that it ticks evenly in every
//! power state ("invariant", x86-64); elsewhere, and before [`start`], the standard library's
//! monotonic clock. On the development machine (AMD EPYC, KVM) a reading costs 9 ns against 24.
//!
//! Ticks become nanoseconds at once, so that every difference of two readings is an exact
//! integer and sums of blame and of waits agree to the nanosecond. The scale is measured once,
//! in [`start`], and never changed, because a change would make time jump.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Readings start here rather than at 0, which keeps 0 and 1 free for the states of a
/// lock's flag (see `blame`).
const FIRST_NANOS: u64 = 1_000;

/// How long [`start`] compares the counter with the system's clock. The readings at each end
/// are uncertain by some tens of nanoseconds, so 5 ms make the scale right within about 20 ppm.
const CALIBRATION: Duration = Duration::from_millis(5);

/// Nanoseconds per tick, times 2^32; 0: there is no counter to read, or not yet.
///
/// PERF: plain words rather than one `OnceLock`, because a release that somebody waits for reads
/// the clock with the lock held. Stored once, with `Release`, after `ORIGIN_TICKS`; the `Acquire`
/// in `now` makes that one visible with it.
static NANOS_PER_TICK_Q32: AtomicU64 = AtomicU64::new(0);

/// The counter's reading at the start.
static ORIGIN_TICKS: AtomicU64 = AtomicU64::new(0);

/// The start, for systems without a counter.
static ORIGIN: OnceLock<Instant> = OnceLock::new();

/// Starts the clock; later calls do nothing. The first one takes some 5 ms where there is a
/// counter to calibrate.
pub(crate) fn start() {
    ORIGIN.get_or_init(|| {
        if let Some((origin_ticks, scale)) = calibrate() {
            ORIGIN_TICKS.store(origin_ticks, Ordering::Relaxed);
            NANOS_PER_TICK_Q32.store(scale, Ordering::Release);
        }
        Instant::now()
    });
}

/// Nanoseconds since the clock started, never less than [`FIRST_NANOS`].
///
/// Two threads may see readings that disagree by the skew of their cores' counters; whoever
/// subtracts must not assume order.
#[inline]
pub(crate) fn now() -> u64 {
    let scale = NANOS_PER_TICK_Q32.load(Ordering::Acquire);
    if scale == 0 {
        return now_without_counter();
    }
    let ticks = ticks().saturating_sub(ORIGIN_TICKS.load(Ordering::Relaxed));
    ((u128::from(ticks) * u128::from(scale)) >> 32) as u64 + FIRST_NANOS
}

#[cold]
fn now_without_counter() -> u64 {
    // Before the start: an event that races with the very first `set_…` call. The rates are set
    // after the clock has started.
    let elapsed = ORIGIN.get().map_or(Duration::ZERO, Instant::elapsed);
    u64::try_from(elapsed.as_nanos())
        .unwrap_or(u64::MAX)
        .saturating_add(FIRST_NANOS)
}

/// The counter's reading now, and its scale.
fn calibrate() -> Option<(u64, u64)> {
    if !(ticks_are_invariant() && ticks_are_allowed()) {
        return None;
    }
    let (first_instant, first_ticks) = simultaneous_reading();
    std::thread::sleep(CALIBRATION);
    let (last_instant, last_ticks) = simultaneous_reading();
    let nanos = last_instant.duration_since(first_instant).as_nanos();
    let ticks = u128::from(last_ticks.checked_sub(first_ticks)?);
    let scale = u64::try_from((nanos << 32).checked_div(ticks)?).ok()?;
    // A scale of 0 would stop time; a counter that slow (over 4 s a tick) is no counter.
    (scale > 0).then_some((last_ticks, scale))
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
    // SAFETY: the instruction is part of every x86-64 processor, and `ticks_are_allowed` was
    // asked before the first reading.
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

/// Whether reading the counter is not forbidden to this process (`prctl(PR_SET_TSC)`, which
/// some sandboxes use and which turns a reading into a fatal signal).
#[cfg(target_os = "linux")]
fn ticks_are_allowed() -> bool {
    let mut mode: libc::c_int = 0;
    // SAFETY: `PR_GET_TSC` stores one int at the address given, which is `mode`'s.
    let answer = unsafe { libc::prctl(libc::PR_GET_TSC, &raw mut mode) };
    answer == 0 && mode == libc::PR_TSC_ENABLE
}

#[cfg(not(target_os = "linux"))]
fn ticks_are_allowed() -> bool {
    true
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
    fn leaves_the_flags_states_free() {
        start();
        assert!(now() >= FIRST_NANOS);
    }
}
