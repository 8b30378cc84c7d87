//! The names. Each is a frame of its own on the stack of whoever waits, so that profiles show it.

use std::arch::naked_asm;
use std::ffi::{c_int, c_long, c_uint, c_void};
use std::hint::black_box;

use contend::whole::interposed::futex::{Futex, returned};
use contend::whole::interposed::{condvar, futex, io, mutex, once, others, rwlock, semaphore};
use libc::{
    clockid_t, epoll_event, fd_set, iovec, msghdr, nfds_t, pollfd, pthread_barrier_t,
    pthread_cond_t, pthread_mutex_t, pthread_rwlock_t, pthread_t, sem_t, sigset_t, sockaddr,
    socklen_t, timespec, timeval,
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

/// The type that a function returns: a `c_int`, unless it says something else.
macro_rules! returned {
    () => {
        c_int
    };
    ($returned:ident) => {
        $returned
    };
}

/// Declares the functions. The call is not the last thing that they do: it would become a jump, and
/// their frame, which has the name, would be gone.
macro_rules! exports {
    ($($name:ident = $module:ident::$function:ident($($argument:ident: $type:ty),*) $(-> $returned:ident)?;)+) => {$(
        /// # Safety
        ///
        /// - The duties of the C library's function of this name.
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C-unwind" fn $name($($argument: $type),*) -> returned!($($returned)?) {
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
    read = io::read(file: c_int, to: *mut c_void, len: usize) -> isize;
    readv = io::readv(file: c_int, to: *const iovec, count: c_int) -> isize;
    recv = io::recv(file: c_int, to: *mut c_void, len: usize, flags: c_int) -> isize;
    recvfrom = io::recvfrom(file: c_int, to: *mut c_void, len: usize, flags: c_int, address: *mut sockaddr, address_len: *mut socklen_t) -> isize;
    recvmsg = io::recvmsg(file: c_int, to: *mut msghdr, flags: c_int) -> isize;
    accept = io::accept(file: c_int, address: *mut sockaddr, len: *mut socklen_t);
    accept4 = io::accept4(file: c_int, address: *mut sockaddr, len: *mut socklen_t, flags: c_int);
    connect = io::connect(file: c_int, address: *const sockaddr, len: socklen_t);
    write = io::write(file: c_int, from: *const c_void, len: usize) -> isize;
    writev = io::writev(file: c_int, from: *const iovec, count: c_int) -> isize;
    send = io::send(file: c_int, from: *const c_void, len: usize, flags: c_int) -> isize;
    sendto = io::sendto(file: c_int, from: *const c_void, len: usize, flags: c_int, address: *const sockaddr, address_len: socklen_t) -> isize;
    sendmsg = io::sendmsg(file: c_int, from: *const msghdr, flags: c_int) -> isize;
    poll = io::poll(files: *mut pollfd, count: nfds_t, timeout: c_int);
    ppoll = io::ppoll(files: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t);
    select = io::select(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval);
    pselect = io::pselect(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *const timespec, mask: *const sigset_t);
    epoll_wait = io::epoll_wait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int);
    epoll_pwait = io::epoll_pwait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int, mask: *const sigset_t);
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
