//! Threads that may do hardly anything when they wait for the first time: in a sandbox, without a
//! clock, within the C library's allocator, on the smallest of stacks.
#![cfg(all(feature = "profiling", target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use common::{Sleeper, at, in_child, profile_everything};
use contend::sync::{Mutex, MutexGuard};

static LOCK: Mutex<u64> = Mutex::new(0);

/// A new thread prepares and waits; this one lets it go on when it sleeps.
fn first_wait_of_a_thread(prepare: impl FnOnce() + Send) {
    let sleeper = Sleeper::new();
    let held = LOCK.lock().unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            sleeper.about_to_wait();
            prepare();
            waits_for_the_first_time();
        });
        sleeper.await_sleep();
        drop(held);
        waiter.join().unwrap();
    });
}

#[inline(never)]
fn waits_for_the_first_time() {
    *LOCK.lock().unwrap() += 1;
    black_box(());
}

#[track_caller]
fn assert_recorded() {
    let block = contend::block_profile();
    assert_eq!(at(&block, "waits_for_the_first_time").0, 1, "{block}");
    assert_eq!(block.lost().total(), 0, "{block}");
}

/// Kills the process at each system call that nobody needs who waits, lets go and ends.
///
/// The allowed ones: what a wait and the end of a thread take, and, if `allows_prctl`, the question
/// whether the thread may read the counter.
fn enter_sandbox(allows_prctl: bool) {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    let allowed = [
        libc::SYS_futex,
        match allows_prctl {
            true => libc::SYS_prctl,
            false => libc::SYS_futex,
        },
        libc::SYS_exit,
        libc::SYS_madvise,
        libc::SYS_munmap,
        libc::SYS_rseq,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
    ];
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = vec![step(LOAD, 0, 0, 0)];
    for (done, call) in allowed.iter().enumerate() {
        let to_allow = (allowed.len() - done) as u8;
        filter.push(step(JUMP_IF_EQUAL, to_allow, 0, *call as u32));
    }
    filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS));
    filter.push(step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the filter is a valid one that lives during the call, and concerns this thread alone.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let filter = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, filter, &program), 0);
    }
}

#[test]
fn a_sandbox_sees_nothing_but_the_wait() {
    in_child("a_sandbox_sees_nothing_but_the_wait", || {
        let _profiling = profile_everything();
        first_wait_of_a_thread(|| enter_sandbox(true));
        assert_recorded();
    });
}

/// The thread that spawns it has asked.
#[test]
fn a_thread_of_ours_asks_for_nothing_in_a_sandbox() {
    in_child("a_thread_of_ours_asks_for_nothing_in_a_sandbox", || {
        let _profiling = profile_everything();
        let sleeper = Sleeper::new();
        let held = LOCK.lock().unwrap();
        contend::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                sleeper.about_to_wait();
                enter_sandbox(false);
                waits_for_the_first_time();
            });
            sleeper.await_sleep();
            drop(held);
            waiter.join().unwrap();
        });
        let block = contend::block_profile();
        assert_eq!(at(&block, "waits_for_the_first_time").0, 1, "{block}");
        assert_eq!(block.lost().total(), 0, "{block}");
    });
}

/// Otherwise the test above shows nothing.
#[test]
fn the_sandbox_kills() {
    // SAFETY: the child calls nothing that needs a lock, and ends at once.
    let child = unsafe { libc::fork() };
    if child == 0 {
        enter_sandbox(true);
        // SAFETY: a question; and an end.
        unsafe {
            libc::syscall(libc::SYS_getpid);
            libc::_exit(0);
        }
    }
    let mut status = 0;
    // SAFETY: our own child, waited for once; the status goes to a live local.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFSIGNALED(status));
    assert_eq!(libc::WTERMSIG(status), libc::SIGSYS);
}

/// A reading of the counter kills such a thread, in the vDSO too.
fn forbid_the_counter() {
    let forbidden = libc::PR_TSC_SIGSEGV as libc::c_ulong;
    // SAFETY: concerns this thread alone.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_TSC, forbidden) }, 0);
}

#[test]
fn a_thread_without_the_counter_waits() {
    in_child("a_thread_without_the_counter_waits", || {
        let _profiling = profile_everything();
        first_wait_of_a_thread(forbid_the_counter);
        assert_recorded();
        // The others go on, with another clock.
        contend::reset();
        first_wait_of_a_thread(|| ());
        assert_recorded();
        assert!(contend::block_profile().total_delay() < common::secs(60));
        assert_eq!(common::assert_law(), 1);
    });
}

#[test]
fn a_thread_without_the_counter_releases() {
    in_child("a_thread_without_the_counter_releases", || {
        let _profiling = profile_everything();
        let sleeper = Sleeper::new();
        let holds = AtomicBool::new(false);
        let may_release = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let releaser = scope.spawn(|| {
                forbid_the_counter();
                let held = LOCK.lock().unwrap();
                holds.store(true, Ordering::Release);
                while !may_release.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                drop(held);
            });
            while !holds.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            let waiter = scope.spawn(|| {
                sleeper.about_to_wait();
                waits_for_the_first_time();
            });
            sleeper.await_sleep();
            may_release.store(true, Ordering::Release);
            releaser.join().unwrap();
            waiter.join().unwrap();
        });
        assert_recorded();
        assert_eq!(common::assert_law(), 1);
    });
}

/// The lock of C's allocator.
static ALLOCATORS: Mutex<()> = Mutex::new(());
static HELD: Held = Held(UnsafeCell::new(None));
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// Calls of `malloc` by a thread that is in the methods of its lock: it would wait for itself.
static FROM_WITHIN: AtomicUsize = AtomicUsize::new(0);

/// The guard of whoever holds [`ALLOCATORS`].
struct Held(UnsafeCell<Option<MutexGuard<'static, ()>>>);

// SAFETY: only the holder of the lock touches the cell: it puts the guard there when it has
// locked, and takes it to unlock.
unsafe impl Sync for Held {}

thread_local! {
    static IS_WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Called by C's `malloc`: with 1 before its work, with 0 after it.
extern "C" fn around_malloc(locks: c_int) {
    if IS_WITHIN.replace(true) {
        FROM_WITHIN.fetch_add(1, Ordering::Relaxed);
        return;
    }
    CALLS.fetch_add(1, Ordering::Relaxed);
    if locks == 1 {
        let held = ALLOCATORS.lock().unwrap();
        // SAFETY: this thread holds the lock: see `Held`.
        unsafe { *HELD.0.get() = Some(held) };
    } else {
        // Long enough for others to come and sleep.
        std::thread::yield_now();
        // SAFETY: this thread has held the lock since the call before.
        let held = unsafe { (*HELD.0.get()).take() };
        drop(held);
    }
    IS_WITHIN.set(false);
}

/// A library that puts `around_malloc` around the C library's `malloc`.
fn build_allocator() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let source = directory.join("locked_malloc.c");
    let library = directory.join("liblocked_malloc.so");
    let code = "
        #include <stddef.h>
        void *__libc_malloc(size_t size);
        static void (*volatile around)(int);
        void set_around_malloc(void (*function)(int)) { around = function; }
        void *malloc(size_t size) {
            void (*function)(int) = around;
            if (function) function(1);
            void *memory = __libc_malloc(size);
            if (function) function(0);
            return memory;
        }";
    std::fs::write(&source, code).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-fPIC", "-shared", "-o"]);
    let compiled = compiler.args([&library, &source]).status();
    assert!(compiled.expect("the linker's driver is there").success());
    library
}

#[test]
fn the_c_allocators_own_lock_is_profiled() {
    const NAME: &str = "the_c_allocators_own_lock_is_profiled";
    // SAFETY: the name ends with a zero; the lookup has no other duties.
    let set = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"set_around_malloc".as_ptr()) };
    if set.is_null() {
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program)
            .args(["--exact", NAME, "--nocapture"])
            .env("LD_PRELOAD", build_allocator())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{errors}");
        assert!(text.contains("1 passed"), "{text}");
        return;
    }
    let _profiling = profile_everything();
    // SAFETY: the function of this name has this type in the code above.
    let set = unsafe {
        std::mem::transmute::<*mut c_void, extern "C" fn(Option<extern "C" fn(c_int)>)>(set)
    };
    // The calls come from threads that have waited for nothing yet, four at a time.
    set(Some(around_malloc));
    for _ in 0..10 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for size in 1..1000 {
                        // SAFETY: memory that is freed at once.
                        unsafe { libc::free(black_box(libc::malloc(size))) };
                    }
                });
            }
        });
    }
    set(None);
    assert_eq!(FROM_WITHIN.load(Ordering::Relaxed), 0);
    assert!(CALLS.load(Ordering::Relaxed) > 50_000);
    let block = contend::block_profile();
    assert!(at(&block, "around_malloc").0 > 0, "{block}");
    assert_eq!(block.lost().no_stack, 0, "{block}");
}

/// The context of what runs on the coroutine, and where the thread goes on.
struct Coroutine {
    context: libc::ucontext_t,
    caller: libc::ucontext_t,
}

/// The one that runs. Tests of this binary that use it run in processes of their own.
static RUNNING: AtomicPtr<Coroutine> = AtomicPtr::new(std::ptr::null_mut());

unsafe extern "C" {
    // Not in the libc crate for this system's `makecontext` with arguments; ours takes none.
    fn makecontext(
        context: *mut libc::ucontext_t,
        function: extern "C" fn(),
        arguments: c_int,
        ...
    );
    fn swapcontext(from: *mut libc::ucontext_t, to: *const libc::ucontext_t) -> c_int;
    fn getcontext(context: *mut libc::ucontext_t) -> c_int;
}

extern "C" fn on_coroutine() {
    waits_for_the_first_time();
    let running = RUNNING.load(Ordering::Relaxed);
    // SAFETY: `run_on_stack_of` keeps it alive until it is switched back to.
    unsafe { swapcontext(&mut (*running).context, &(*running).caller) };
}

/// Waits on a stack of this size, above a page that must not be touched.
fn run_on_stack_of(bytes: usize) {
    const PAGE: usize = 4096;
    // SAFETY: a mapping of our own, with its lowest page closed; the contexts live in a box that
    // outlives both switches. The function switches back before it ends.
    unsafe {
        let memory = libc::mmap(
            std::ptr::null_mut(),
            PAGE + bytes.next_multiple_of(PAGE),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(memory, libc::MAP_FAILED);
        assert_eq!(libc::mprotect(memory, PAGE, libc::PROT_NONE), 0);
        let mut coroutine = Box::new(std::mem::zeroed::<Coroutine>());
        assert_eq!(getcontext(&mut coroutine.context), 0);
        coroutine.context.uc_stack.ss_sp = memory.byte_add(PAGE);
        coroutine.context.uc_stack.ss_size = bytes;
        makecontext(&mut coroutine.context, on_coroutine, 0);
        let running = Box::into_raw(coroutine);
        RUNNING.store(running, Ordering::Relaxed);
        swapcontext(&mut (*running).caller, &(*running).context);
        drop(Box::from_raw(running));
    }
}

fn waits_on_a_stack_of(bytes: usize) -> (u64, u64) {
    let _profiling = profile_everything();
    let sleeper = Sleeper::new();
    let held = LOCK.lock().unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            sleeper.about_to_wait();
            run_on_stack_of(bytes);
        });
        sleeper.await_sleep();
        drop(held);
        waiter.join().unwrap();
    });
    let block = contend::block_profile();
    assert_eq!(block.total_contentions(), 1, "{block}");
    let (named, _) = at(&block, "waits_for_the_first_time");
    (named, block.lost().no_stack)
}

#[test]
fn a_small_coroutine_waits_without_a_stack() {
    in_child("a_small_coroutine_waits_without_a_stack", || {
        assert_eq!(waits_on_a_stack_of(4096), (0, 1));
    });
}

#[test]
fn a_coroutine_with_room_has_its_stack() {
    in_child("a_coroutine_with_room_has_its_stack", || {
        assert_eq!(waits_on_a_stack_of(64 << 10), (1, 0));
    });
}
