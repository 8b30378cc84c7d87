//! A lock that is freed by its next holder, while the last one is still recording its release:
//! after the unlock nothing may touch it.
//!
//! This checks writes by itself. Under valgrind or AddressSanitizer it checks reads as well;
//! `CONTEND_TEST_MS` then says how long to try:
//!
//! ```sh
//! CONTEND_TEST_MS=5000 CONTEND_TEST_LIMIT_SECS=600 \
//!     valgrind --fair-sched=yes target/debug/deps/profiles-… freed_lock --nocapture
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test --all-features \
//!     --target x86_64-unknown-linux-gnu --test profiles freed_lock
//! ```

use std::alloc::Layout;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::time::Instant;
use std::{hint, ptr, slice, thread};

use crate::common::{ms, profile_everything};

trait Lock: Sync + Sized {
    const NEW: Self;
    /// Locks, calls, unlocks.
    fn hold(&self, during: impl FnOnce());
}

impl Lock for contend::sync::Mutex<u32> {
    const NEW: Self = Self::new(0);

    fn hold(&self, during: impl FnOnce()) {
        let mut held = self.lock().unwrap();
        *held += 1;
        during();
    }
}

impl Lock for contend::sync::RwLock<u32> {
    const NEW: Self = Self::new(0);

    fn hold(&self, during: impl FnOnce()) {
        let mut held = self.write().unwrap();
        *held += 1;
        during();
    }
}

#[cfg(feature = "parking_lot")]
impl Lock for contend::parking_lot::Mutex<u32> {
    const NEW: Self = contend::parking_lot::const_mutex(0);

    fn hold(&self, during: impl FnOnce()) {
        let mut held = self.lock();
        *held += 1;
        during();
    }
}

#[cfg(feature = "parking_lot")]
impl Lock for contend::parking_lot::RwLock<u32> {
    const NEW: Self = contend::parking_lot::const_rwlock(0);

    fn hold(&self, during: impl FnOnce()) {
        let mut held = self.write();
        *held += 1;
        during();
    }
}

/// Freed memory is filled with this.
const FREED: u8 = 0xa5;

fn spin(rounds: usize) {
    (0..rounds).for_each(|_| hint::spin_loop());
}

/// One thread makes a lock and releases it, as another one arrives; that one acquires it, releases
/// it and frees it at once, while the first may still be recording.
fn free_after_unlock<L: Lock>() {
    let time = std::env::var("CONTEND_TEST_MS").map_or(500, |ms| ms.parse().unwrap());
    let _profiling = profile_everything();
    let layout = Layout::new::<L>();
    let shared = AtomicPtr::new(ptr::null_mut::<L>());
    let released = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let begin = Instant::now();
    let rounds = thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1.. {
                let mut lock = ptr::null_mut::<L>();
                while lock.is_null() {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    hint::spin_loop();
                    lock = shared.swap(ptr::null_mut(), Ordering::Acquire);
                }
                // SAFETY: made by the other thread, which lets go of it when it unlocks it; after
                // that it is this thread's alone, to use and to free. When it is filled, it
                // stays allocated until the other thread has said that it is done with it.
                unsafe {
                    (*lock).hold(|| ());
                    lock.drop_in_place();
                    let bytes = lock.cast::<u8>();
                    if round / 50 % 2 == 0 {
                        bytes.write_bytes(FREED, layout.size());
                        while released.load(Ordering::Acquire) < round {
                            thread::yield_now();
                        }
                        let bytes = slice::from_raw_parts(bytes, layout.size());
                        assert!(
                            bytes.iter().all(|&byte| byte == FREED),
                            "written to: {bytes:x?}"
                        );
                    }
                    std::alloc::dealloc(bytes, layout);
                }
            }
        });
        for round in 1.. {
            // Freed by the other thread with the same layout, as a box would be.
            let lock = Box::into_raw(Box::new(L::NEW));
            // SAFETY: the box is alive at least until this thread unlocks.
            unsafe { &*lock }.hold(|| {
                shared.store(lock, Ordering::Release);
                while !shared.load(Ordering::Relaxed).is_null() {
                    hint::spin_loop();
                }
                // From before the other thread's first try until it sleeps.
                spin(round % 50 * 40);
            });
            released.store(round, Ordering::Release);
            if begin.elapsed() >= ms(time) {
                is_over.store(true, Ordering::Relaxed);
                return round;
            }
        }
        unreachable!()
    });
    // The test is worth something only if releases were charged: those that raced with a wait.
    let charged = contend::mutex_profile().total_contentions();
    println!("{charged} of {rounds} releases were waited for");
    assert!(charged > 0 && begin.elapsed() >= ms(time));
}

#[test]
fn std_mutex() {
    free_after_unlock::<contend::sync::Mutex<u32>>();
}

#[test]
fn std_rwlock() {
    free_after_unlock::<contend::sync::RwLock<u32>>();
}

#[cfg(feature = "parking_lot")]
#[test]
fn parking_lot_mutex() {
    free_after_unlock::<contend::parking_lot::Mutex<u32>>();
}

#[cfg(feature = "parking_lot")]
#[test]
fn parking_lot_rwlock() {
    free_after_unlock::<contend::parking_lot::RwLock<u32>>();
}
