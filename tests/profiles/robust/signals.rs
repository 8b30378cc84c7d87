//! Signal handlers that use profiled locks, while the threads that they interrupt are recording.
#![cfg(target_os = "linux")]

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{profile_everything, secs};
use contend::sync::Mutex;

/// Used by handlers with `try_lock`, and by the interrupted threads as they like.
static SHARED: Mutex<u64> = Mutex::new(0);

/// Locked by handlers, and by one thread that gets no signals: a handler may wait for it.
static HANDLERS: Mutex<u64> = Mutex::new(0);

static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn handler(_: c_int) {
    if let Ok(mut held) = SHARED.try_lock() {
        *held += 1;
    }
    *HANDLERS.lock().unwrap() += 1;
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn handlers_use_locks_while_the_thread_records() {
    let _profiling = profile_everything();
    // SAFETY: the handler uses no lock that the thread it interrupts may hold, but for a try. It
    // allocates nothing. No other test of this process uses the signal.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as extern "C" fn(c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()),
            0
        );
    }
    let is_over = AtomicBool::new(false);
    let is_quiet = AtomicBool::new(false);
    let threads = [const { AtomicU64::new(0) }; 3];
    thread::scope(|scope| {
        for thread in &threads {
            let (is_over, is_quiet) = (&is_over, &is_quiet);
            scope.spawn(move || {
                // SAFETY: has no preconditions.
                thread.store(unsafe { libc::pthread_self() } as u64, Ordering::Release);
                while !is_over.load(Ordering::Relaxed) {
                    // Short, so that much of the time goes to recording.
                    *SHARED.lock().unwrap() += 1;
                }
                // Lives until nobody sends it a signal any more.
                while !is_quiet.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            });
        }
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let held = HANDLERS.lock().unwrap();
                spin(Duration::from_micros(5));
                drop(held);
                thread::sleep(Duration::from_micros(20));
            }
        });
        let begin = Instant::now();
        while begin.elapsed() < secs(3) {
            for thread in &threads {
                let thread = thread.load(Ordering::Acquire);
                if thread != 0 {
                    // SAFETY: the thread lives until `is_quiet` is set.
                    unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
                }
            }
            spin(Duration::from_micros(10));
        }
        is_over.store(true, Ordering::Relaxed);
        is_quiet.store(true, Ordering::Release);
    });

    let handled = HANDLED.load(Ordering::Relaxed);
    assert!(handled > 1000, "{handled}");
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    println!("{handled} signals; lost: {}", block.lost());
    assert!(mutex.total_contentions() > 0 && block.total_contentions() > 0);
    // An event in a handler whose thread is recording is counted, and nothing else is lost.
    assert_eq!(block.lost().total(), block.lost().reentrant);

    // The tables are whole: nothing is left of it all.
    contend::reset();
    for lock in [&SHARED, &HANDLERS] {
        let held = lock.lock().unwrap();
        crate::common::release_when_asleep(|| drop(lock.lock().unwrap()), || drop(held));
    }
    assert_eq!(crate::common::assert_law(), 2);
    assert_eq!(contend::mutex_profile().lost().total(), 0);
}
