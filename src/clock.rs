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
use std::time::{Duration, Instant};

/// What [`start`] found out. Unset until then.
static CLOCK: OnceLock<Clock> = OnceLock::new();

/// Readings start here rather than at 0, which keeps 0 and 1 free for the states of a
/// lock's flag (see `blame`).
const FIRST_NANOS: u64 = 1_000;

/// How long [`start`] compares the counter with the system's clock. The readings at each end
/// are uncertain by some tens of nanoseconds, so 5 ms make the scale right within about 20 ppm.
const CALIBRATION: Duration = Duration::from_millis(5);

#[derive(Debug)]
struct Clock {
    origin: Instant,
    counter: Option<Counter>,
}

/// A tick counter and its scale: nanos = (ticks - origin) * scale / 2^32.
#[derive(Debug)]
struct Counter {
    origin_ticks: u64,
    nanos_per_tick_q32: u64,
}

/// Starts the clock; later calls do nothing. The first one takes some 5 ms where there is a
/// counter to calibrate.
pub(crate) fn start() {
    CLOCK.get_or_init(|| Clock {
        counter: Counter::calibrate(),
        origin: Instant::now(),
    });
}

/// Nanoseconds since the clock started, never less than [`FIRST_NANOS`].
///
/// Two threads may see readings that disagree by the skew of their cores' counters; whoever
/// subtracts must not assume order.
#[inline]
pub(crate) fn now() -> u64 {
    let Some(clock) = CLOCK.get() else {
        // Only reached by events that race with the very first `set_…` call: the rates are
        // set after the clock has started.
        return FIRST_NANOS;
    };
    let nanos = match &clock.counter {
        Some(counter) => counter.nanos(),
        None => u64::try_from(clock.origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
    };
    nanos.saturating_add(FIRST_NANOS)
}

impl Counter {
    #[inline]
    fn nanos(&self) -> u64 {
        let ticks = ticks().saturating_sub(self.origin_ticks);
        ((u128::from(ticks) * u128::from(self.nanos_per_tick_q32)) >> 32) as u64
    }

    fn calibrate() -> Option<Self> {
        if !(ticks_are_invariant() && ticks_are_allowed()) {
            return None;
        }
        let (first_instant, first_ticks) = simultaneous_reading();
        std::thread::sleep(CALIBRATION);
        let (last_instant, last_ticks) = simultaneous_reading();
        let nanos = last_instant.duration_since(first_instant).as_nanos();
        let ticks = u128::from(last_ticks.checked_sub(first_ticks)?);
        let scale = u64::try_from((nanos << 32).checked_div(ticks)?).ok()?;
        // A scale of 0 would stop time; a counter that slow (under 1 Hz) is no counter.
        (scale > 0).then_some(Counter {
            origin_ticks: last_ticks,
            nanos_per_tick_q32: scale,
        })
    }
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
        assert!(now() >= FIRST_NANOS);
        start();
        assert!(now() >= FIRST_NANOS);
    }
}
