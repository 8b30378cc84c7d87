//! Feeds requests made of arbitrary bytes to the handler.
#![no_main]

#[path = "../http/corpus/check.rs"]
mod check;

use std::sync::atomic::{AtomicUsize, Ordering};

/// One request in so many may wait for a window of time; with all of them it would do little
/// else. The first may, so that an input that failed fails again by itself.
const WAITING: usize = 64;

static SEEN: AtomicUsize = AtomicUsize::new(0);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let may_wait = SEEN.fetch_add(1, Ordering::Relaxed).is_multiple_of(WAITING);
    check::checked_answer(bytes, may_wait);
});
