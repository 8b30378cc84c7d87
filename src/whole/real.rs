//! The C library's own functions behind the interposed ones.
//!
//! Asked for by version where there are several: `dlsym` alone answered with the condition
//! variables of glibc 2.2.5, which are another type, before glibc 2.36.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{
    clockid_t, epoll_event, fd_set, iovec, msghdr, nfds_t, pollfd, pthread_barrier_t,
    pthread_cond_t, pthread_mutex_t, pthread_rwlock_t, pthread_t, sem_t, sigset_t, sockaddr,
    socklen_t, timespec, timeval,
};

unsafe extern "C" {
    fn dlvsym(handle: *mut c_void, name: *const c_char, version: *const c_char) -> *mut c_void;
}

/// The next definition of this name behind ours. Null: the C library has none.
#[cold]
#[inline(never)]
fn look_up(place: &AtomicPtr<c_void>, name: &CStr, version: Option<&CStr>) -> *mut c_void {
    let mut found = ptr::null_mut();
    if let Some(version) = version {
        // SAFETY: both are strings of C's; the handle stands for the objects behind this one.
        found = unsafe { dlvsym(libc::RTLD_NEXT, name.as_ptr(), version.as_ptr()) };
    }
    if found.is_null() {
        // SAFETY: as above.
        found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    }
    // Relaxed: the address of code that is there for the life of the process. All who look find the
    // same.
    place.store(found, Ordering::Relaxed);
    found
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

/// Declares the functions. One that the C library does not have answers `missing`.
macro_rules! functions {
    ($($name:ident $(@ $version:literal)? ($($argument:ident: $type:ty),*) $(-> $returned:ident)? $missing:expr;)+) => {$(
        /// # Safety
        ///
        /// - The duties of the C library's function of this name.
        #[inline(always)]
        pub(super) unsafe fn $name($($argument: $type),*) -> returned!($($returned)?) {
            let mut function = places::$name.load(Ordering::Relaxed);
            if function.is_null() {
                // Before the constructor, as a rule.
                let version: Option<&CStr> = None $(.or(Some($version)))?;
                function = look_up(&places::$name, names::$name, version);
                if function.is_null() {
                    return $missing;
                }
            }
            type Function = unsafe extern "C-unwind" fn($($type),*) -> returned!($($returned)?);
            // SAFETY: the C library's function of this name has this type.
            let function = unsafe { std::mem::transmute::<*mut c_void, Function>(function) };
            // SAFETY: by this function's duty.
            unsafe { function($($argument),*) }
        }
    )+

    /// Where the functions are, once that is known.
    #[allow(non_upper_case_globals)]
    mod places {
        use super::*;
        $(pub(super) static $name: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());)+
    }

    #[allow(non_upper_case_globals)]
    mod names {
        use super::*;
        $(pub(super) const $name: &CStr =
            match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!("a name has no zero inside"),
            };)+
    }

    /// Looks all of them up, in the constructor. Later the loader's lock may be held by a thread
    /// that waits for the one that asks: a library's constructor that joins a thread.
    pub(super) fn look_all_up() {$(
        let version: Option<&CStr> = None $(.or(Some($version)))?;
        look_up(&places::$name, names::$name, version);
    )+}
    };
}

functions! {
    pthread_mutex_lock(mutex: *mut pthread_mutex_t) libc::ENOSYS;
    pthread_mutex_trylock(mutex: *mut pthread_mutex_t) libc::ENOSYS;
    pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, until: *const timespec) libc::ENOSYS;
    pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, until: *const timespec) libc::ENOSYS;
    pthread_mutex_unlock(mutex: *mut pthread_mutex_t) libc::ENOSYS;
    pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) libc::ENOSYS;
    pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) libc::ENOSYS;
    pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, until: *const timespec) libc::ENOSYS;
    pthread_rwlock_clockrdlock(lock: *mut pthread_rwlock_t, clock: clockid_t, until: *const timespec) libc::ENOSYS;
    pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) libc::ENOSYS;
    pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) libc::ENOSYS;
    pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, until: *const timespec) libc::ENOSYS;
    pthread_rwlock_clockwrlock(lock: *mut pthread_rwlock_t, clock: clockid_t, until: *const timespec) libc::ENOSYS;
    pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) libc::ENOSYS;
    pthread_cond_wait @ c"GLIBC_2.3.2" (condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) libc::ENOSYS;
    pthread_cond_timedwait @ c"GLIBC_2.3.2" (condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, until: *const timespec) libc::ENOSYS;
    pthread_cond_clockwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, until: *const timespec) libc::ENOSYS;
    pthread_cond_signal @ c"GLIBC_2.3.2" (condition: *mut pthread_cond_t) libc::ENOSYS;
    pthread_cond_broadcast @ c"GLIBC_2.3.2" (condition: *mut pthread_cond_t) libc::ENOSYS;
    pthread_join(thread: pthread_t, result: *mut *mut c_void) libc::ENOSYS;
    pthread_timedjoin_np(thread: pthread_t, result: *mut *mut c_void, until: *const timespec) libc::ENOSYS;
    pthread_clockjoin_np(thread: pthread_t, result: *mut *mut c_void, clock: clockid_t, until: *const timespec) libc::ENOSYS;
    pthread_once(control: *mut c_int, routine: unsafe extern "C-unwind" fn()) libc::ENOSYS;
    pthread_barrier_wait(barrier: *mut pthread_barrier_t) libc::ENOSYS;
    sem_wait(semaphore: *mut sem_t) unsupported();
    sem_trywait(semaphore: *mut sem_t) unsupported();
    sem_timedwait(semaphore: *mut sem_t, until: *const timespec) unsupported();
    sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, until: *const timespec) unsupported();
    sem_post(semaphore: *mut sem_t) unsupported();
    nanosleep(time: *const timespec, left: *mut timespec) unsupported();
    clock_nanosleep(clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec) libc::ENOSYS;
    usleep(micros: c_uint) unsupported();
    sched_yield() unsupported();
    read(file: c_int, to: *mut c_void, len: usize) -> isize unsupported() as isize;
    readv(file: c_int, to: *const iovec, count: c_int) -> isize unsupported() as isize;
    recv(file: c_int, to: *mut c_void, len: usize, flags: c_int) -> isize unsupported() as isize;
    recvfrom(file: c_int, to: *mut c_void, len: usize, flags: c_int, address: *mut sockaddr, address_len: *mut socklen_t) -> isize unsupported() as isize;
    recvmsg(file: c_int, to: *mut msghdr, flags: c_int) -> isize unsupported() as isize;
    accept(file: c_int, address: *mut sockaddr, len: *mut socklen_t) unsupported();
    accept4(file: c_int, address: *mut sockaddr, len: *mut socklen_t, flags: c_int) unsupported();
    connect(file: c_int, address: *const sockaddr, len: socklen_t) unsupported();
    write(file: c_int, from: *const c_void, len: usize) -> isize unsupported() as isize;
    writev(file: c_int, from: *const iovec, count: c_int) -> isize unsupported() as isize;
    send(file: c_int, from: *const c_void, len: usize, flags: c_int) -> isize unsupported() as isize;
    sendto(file: c_int, from: *const c_void, len: usize, flags: c_int, address: *const sockaddr, address_len: socklen_t) -> isize unsupported() as isize;
    sendmsg(file: c_int, from: *const msghdr, flags: c_int) -> isize unsupported() as isize;
    poll(files: *mut pollfd, count: nfds_t, timeout: c_int) unsupported();
    ppoll(files: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) unsupported();
    select(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval) unsupported();
    pselect(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *const timespec, mask: *const sigset_t) unsupported();
    epoll_wait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int) unsupported();
    epoll_pwait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int, mask: *const sigset_t) unsupported();
}

/// As a function that the kernel does not have.
fn unsupported() -> c_int {
    super::waiting::set_errno(libc::ENOSYS);
    -1
}
