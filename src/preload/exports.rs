//! The names. Each is a frame of its own on the stack of whoever waits, so that profiles show it.

use std::arch::naked_asm;
use std::ffi::{c_int, c_long, c_uint, c_void};
use std::hint::black_box;

use contend::whole::interposed::futex::{Futex, returned};
use contend::whole::interposed::{condvar, futex, mutex, once, others, rwlock, semaphore};
use libc::{
    clockid_t, pthread_barrier_t, pthread_cond_t, pthread_mutex_t, pthread_rwlock_t, pthread_t,
    sem_t, timespec,
};

/// Called by the loader, once, before the program's `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = construct;

extern "C" fn construct() {
    contend::whole::start();
}

/// `long syscall(long number, ...)`. Every call but `futex` reaches the kernel with the registers
/// and the stack that it came with, so those that return twice do so.
///
/// # Safety
///
/// - The duties of the system call.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn syscall() {
    naked_asm!(
        "cmp rdi, {futex_number}",
        "je 3f",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov r10, r8",
        "mov r8, r9",
        "mov r9, [rsp + 8]",
        "syscall",
        "cmp rax, -4095",
        "jae 2f",
        "ret",
        "2:",
        "mov rdi, rax",
        "jmp {failed}",
        "3:",
        // In the place of the number: where the program goes on.
        "mov rdi, [rsp]",
        "jmp {futex}",
        futex_number = const libc::SYS_futex,
        futex = sym futex_of_syscall,
        failed = sym failed,
    )
}

extern "C" fn failed(result: isize) -> c_long {
    returned(result)
}

/// Entered by a jump, with the arguments of `syscall`; the last is on the stack, if it was given.
unsafe extern "C-unwind" fn futex_of_syscall(
    returns_to: usize,
    address: *const u32,
    operation: c_int,
    value: usize,
    timeout: usize,
    address_2: usize,
    value_3: usize,
) -> c_long {
    let call = Futex {
        address,
        operation,
        value,
        timeout,
        address_2,
        value_3,
    };
    // SAFETY: by the duty of `syscall`.
    unsafe { futex::futex(returns_to, call) }
}

/// Declares the functions. The call is not the last thing that they do: it would become a jump, and
/// their frame, which has the name, would be gone.
macro_rules! exports {
    ($($name:ident = $module:ident::$function:ident($($argument:ident: $type:ty),*);)+) => {$(
        /// # Safety
        ///
        /// - The duties of the C library's function of this name.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C-unwind" fn $name($($argument: $type),*) -> c_int {
            // SAFETY: by this function's duty.
            let result = unsafe { $module::$function($($argument),*) };
            black_box(());
            result
        }
    )+};
}

exports! {
    pthread_mutex_lock = mutex::lock(mutex: *mut pthread_mutex_t);
    pthread_mutex_trylock = mutex::trylock(mutex: *mut pthread_mutex_t);
    pthread_mutex_timedlock = mutex::timedlock(mutex: *mut pthread_mutex_t, until: *const timespec);
    pthread_mutex_clocklock = mutex::clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, until: *const timespec);
    pthread_mutex_unlock = mutex::unlock(mutex: *mut pthread_mutex_t);
    pthread_rwlock_rdlock = rwlock::rdlock(lock: *mut pthread_rwlock_t);
    pthread_rwlock_timedrdlock = rwlock::timedrdlock(lock: *mut pthread_rwlock_t, until: *const timespec);
    pthread_rwlock_clockrdlock = rwlock::clockrdlock(lock: *mut pthread_rwlock_t, clock: clockid_t, until: *const timespec);
    pthread_rwlock_wrlock = rwlock::wrlock(lock: *mut pthread_rwlock_t);
    pthread_rwlock_timedwrlock = rwlock::timedwrlock(lock: *mut pthread_rwlock_t, until: *const timespec);
    pthread_rwlock_clockwrlock = rwlock::clockwrlock(lock: *mut pthread_rwlock_t, clock: clockid_t, until: *const timespec);
    pthread_rwlock_unlock = rwlock::unlock(lock: *mut pthread_rwlock_t);
    pthread_cond_wait = condvar::wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t);
    pthread_cond_timedwait = condvar::timedwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, until: *const timespec);
    pthread_cond_clockwait = condvar::clockwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, until: *const timespec);
    pthread_cond_signal = condvar::signal(condition: *mut pthread_cond_t);
    pthread_cond_broadcast = condvar::broadcast(condition: *mut pthread_cond_t);
    sem_wait = semaphore::wait(semaphore: *mut sem_t);
    sem_timedwait = semaphore::timedwait(semaphore: *mut sem_t, until: *const timespec);
    sem_clockwait = semaphore::clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec);
    sem_post = semaphore::post(semaphore: *mut sem_t);
    pthread_join = others::join(thread: pthread_t, result: *mut *mut c_void);
    pthread_timedjoin_np = others::timedjoin(thread: pthread_t, result: *mut *mut c_void, until: *const timespec);
    pthread_clockjoin_np = others::clockjoin(thread: pthread_t, result: *mut *mut c_void, clock: clockid_t, until: *const timespec);
    pthread_once = once::once(control: *mut c_int, routine: unsafe extern "C-unwind" fn());
    pthread_barrier_wait = others::barrier_wait(barrier: *mut pthread_barrier_t);
    nanosleep = others::nanosleep(time: *const timespec, left: *mut timespec);
    clock_nanosleep = others::clock_nanosleep(clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec);
    usleep = others::usleep(micros: c_uint);
    sched_yield = others::sched_yield();
}

const EXPLANATION: &str = "contend-preload: this is the part of contend that is loaded into other programs; \
    run `contend run -- PROGRAM` instead\n";

static EXPLANATION_BYTES: [u8; EXPLANATION.len()] = {
    let mut bytes = [0; EXPLANATION.len()];
    bytes.copy_from_slice(EXPLANATION.as_bytes());
    bytes
};

/// Where the object begins when somebody runs it: without a loader, so nothing but the kernel is
/// there.
///
/// # Safety
///
/// - Only the kernel jumps here.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn contend_explain() {
    naked_asm!(
        "mov eax, {write}",
        "mov edi, 2",
        "lea rsi, [rip + {bytes}]",
        "mov edx, {len}",
        "syscall",
        "mov eax, {exit}",
        "mov edi, 1",
        "syscall",
        "ud2",
        write = const libc::SYS_write,
        bytes = sym EXPLANATION_BYTES,
        len = const EXPLANATION.len(),
        exit = const libc::SYS_exit_group,
    )
}
