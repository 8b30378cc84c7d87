//! The harms that programs meet.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use contend::sync::Mutex;

use crate::waits::{Numbers, spin};

static UNEXPECTED_PANICS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MAY_PANIC: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn count_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !MAY_PANIC.get() {
            UNEXPECTED_PANICS.fetch_add(1, Ordering::Relaxed);
            before(info);
        }
    }));
}

pub(crate) fn unexpected_panics() -> usize {
    UNEXPECTED_PANICS.load(Ordering::Relaxed)
}

/// Poisons a lock that others want.
pub(crate) fn panic_with_a_lock() {
    static LOCK: Mutex<()> = Mutex::new(());
    MAY_PANIC.set(true);
    thread::scope(|scope| {
        let waits = scope.spawn(|| drop(LOCK.lock()));
        let result = panic::catch_unwind(|| {
            let _held = LOCK.lock();
            spin(Duration::from_micros(50));
            panic!("on purpose");
        });
        assert!(result.is_err());
        waits.join().unwrap();
    });
    LOCK.clear_poison();
    MAY_PANIC.set(false);
}

pub(crate) fn toggle_rates() -> impl FnMut() + Send {
    let mut numbers = Numbers(3);
    move || {
        contend::set_mutex_profile_fraction([0, 1, 1, 2, 100][numbers.below(5) as usize]);
        contend::set_block_profile_rate([0, 1, 1, 1000, 1_000_000][numbers.below(5) as usize]);
    }
}

/// Libraries of the system's, of which nothing is used.
pub(crate) fn load_and_unload() {
    walk_the_loaders_list();
    for name in [
        c"libm.so.6",
        c"libutil.so.1",
        c"libresolv.so.2",
        c"libBrokenLocale.so.1",
    ] {
        // SAFETY: a string that ends with a zero; the libraries have no constructors that matter.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if !handle.is_null() {
            // SAFETY: opened above, closed once.
            unsafe { libc::dlclose(handle) };
        }
    }
}

/// Locked by handlers, and by threads that get no signals.
static HANDLERS: Mutex<u64> = Mutex::new(0);
static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn handler(_: c_int) {
    *HANDLERS.lock().unwrap() += 1;
    HANDLED.fetch_add(1, Ordering::Release);
}

pub(crate) fn handle_signals() {
    // SAFETY: the handler uses a lock that the thread it interrupts never holds, and allocates
    // nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as extern "C" fn(c_int) as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()),
            0
        );
    }
}

/// Signals interrupt a thread that waits and records without a rest.
pub(crate) fn send_signals() -> impl FnMut() + Send {
    static WANTED: Mutex<u64> = Mutex::new(0);
    || {
        let is_over = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            let (sends, told) = std::sync::mpsc::channel();
            let is_over = &is_over;
            scope.spawn(move || {
                // SAFETY: has no preconditions.
                sends.send(unsafe { libc::pthread_self() }).unwrap();
                while !is_over.load(Ordering::Acquire) {
                    *WANTED.lock().unwrap() += 1;
                }
            });
            let target = told.recv().unwrap();
            for _ in 0..20 {
                let before = HANDLED.load(Ordering::Acquire);
                let held = HANDLERS.lock().unwrap();
                // SAFETY: the thread lives until it is told below.
                unsafe { libc::pthread_kill(target, libc::SIGUSR1) };
                spin(Duration::from_micros(20));
                drop(held);
                let wanted = WANTED.lock().unwrap();
                spin(Duration::from_micros(5));
                drop(wanted);
                // It is handled in this round: nobody records when all stand still.
                while HANDLED.load(Ordering::Acquire) == before {
                    thread::sleep(Duration::from_micros(20));
                }
            }
            is_over.store(true, Ordering::Release);
        });
    }
}

/// A child switches profiling on, waits, and asks for everything.
pub(crate) fn fork_once() {
    // SAFETY: the child uses the allocator and starts a thread of the C library's, which supports
    // both; of locks it uses those of the profiler, and its own. It ends with `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: sets a timer, whose signal kills the child.
        unsafe { libc::alarm(100) };
        let lived = panic::catch_unwind(AssertUnwindSafe(live_as_child));
        // SAFETY: ends the process at once, which is what is wanted.
        unsafe { libc::_exit(i32::from(lived.is_err())) }
    }
    let mut status = 0;
    // SAFETY: our own child, waited for once; the status goes to a live local.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "0xe is the alarm: the child hung");
}

fn live_as_child() {
    static CHILDS: Mutex<()> = Mutex::new(());
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    contend::reset();
    extern "C" fn wait(_: *mut c_void) -> *mut c_void {
        drop(CHILDS.lock().unwrap());
        std::ptr::null_mut()
    }
    let held = CHILDS.lock().unwrap();
    let mut waiter = 0;
    let (attributes, argument) = (std::ptr::null(), std::ptr::null_mut());
    // Not std's threads: they begin with a lock of std's, which a fork may leave closed.
    // SAFETY: the function takes no argument; the number goes to a live local.
    let failed = unsafe { libc::pthread_create(&mut waiter, attributes, wait, argument) };
    assert_eq!(failed, 0);
    while contend::bench_support::waits_in_progress() == 0 {
        thread::yield_now();
    }
    drop(held);
    // SAFETY: a thread of ours, joined once.
    unsafe { libc::pthread_join(waiter, std::ptr::null_mut()) };
    assert_eq!(contend::mutex_profile().total_contentions(), 1);
    assert!(contend::block_profile().total_contentions() > 0);
    assert!(!contend::threads().threads().is_empty());
    if let Ok(recording) = contend::trace::Recording::start() {
        drop(recording.finish());
    }
}

/// So that the loader's list is walked by others than this crate, too.
fn walk_the_loaders_list() {
    unsafe extern "C" fn visit(_: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
        0
    }
    // SAFETY: the callback touches nothing.
    unsafe { libc::dl_iterate_phdr(Some(visit), std::ptr::null_mut()) };
}
