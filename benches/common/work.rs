//! Work that takes a known time and shares nothing.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A piece of busy work, in steps of a nanosecond or two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    steps: u32,
}

impl Work {
    /// Returns `value`, when the work is done.
    ///
    /// The work begins with the value and the result ends it, as far as the processor can see. So
    /// between loading and storing what a lock protects it takes its time; without that, the
    /// processor overlaps it with taking and releasing the lock, and 20 ns cost 5.
    #[inline(always)]
    pub(crate) fn run(self, value: u64) -> u64 {
        let mut state = value;
        for _ in 0..self.steps {
            // A multiplication that waits for the one before it: the same time on every pass,
            // and nothing that the compiler could shorten.
            state = state.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ (state >> 29);
        }
        // Nothing is added, which only this line knows.
        value + (state & black_box(0))
    }
}

/// How long a step takes on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calibration {
    step_nanos: f64,
}

impl Calibration {
    /// Takes some milliseconds. The best of many tries: what disturbs only makes longer.
    pub(crate) fn measure() -> Self {
        const STEPS: u32 = 20_000;
        let best = (0..50)
            .map(|_| {
                let start = Instant::now();
                black_box(Work { steps: STEPS }.run(black_box(1)));
                start.elapsed()
            })
            .min()
            .unwrap_or(Duration::from_micros(20));
        Self {
            step_nanos: (best.as_nanos() as f64 / f64::from(STEPS)).max(0.01),
        }
    }

    /// Work of about `nanos`.
    pub(crate) fn work(self, nanos: u64) -> Work {
        Work {
            steps: (nanos as f64 / self.step_nanos).round() as u32,
        }
    }
}
