//! Calls that transfer, or wait until something can be transferred: where that is asked for.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{
    epoll_event, fd_set, iovec, msghdr, nfds_t, pollfd, sigset_t, sockaddr, socklen_t, timespec,
    timeval,
};

use crate::profile::kind::Kind;
use crate::whole::real;
use crate::whole::waiting::perhaps_sleeping;

/// Relaxed: as whether anything is recorded (see `waiting`), which comes before.
static IS_ON: AtomicBool = AtomicBool::new(false);

pub(in crate::whole) fn switch_on() {
    IS_ON.store(true, Ordering::Relaxed);
}

macro_rules! forms {
    ($($name:ident($($argument:ident: $type:ty),*) -> $returned:ident;)+) => {$(
        /// # Safety
        ///
        /// - The duties of the C library's function.
        #[inline(never)]
        pub unsafe fn $name($($argument: $type),*) -> $returned {
            // SAFETY: by this function's duty.
            let call = || unsafe { real::$name($($argument),*) };
            match IS_ON.load(Ordering::Relaxed) {
                true => perhaps_sleeping(Kind::IO, call),
                false => call(),
            }
        }
    )+};
}

forms! {
    read(file: c_int, to: *mut c_void, len: usize) -> isize;
    readv(file: c_int, to: *const iovec, count: c_int) -> isize;
    recv(file: c_int, to: *mut c_void, len: usize, flags: c_int) -> isize;
    recvfrom(file: c_int, to: *mut c_void, len: usize, flags: c_int, address: *mut sockaddr, address_len: *mut socklen_t) -> isize;
    recvmsg(file: c_int, to: *mut msghdr, flags: c_int) -> isize;
    accept(file: c_int, address: *mut sockaddr, len: *mut socklen_t) -> c_int;
    accept4(file: c_int, address: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int;
    connect(file: c_int, address: *const sockaddr, len: socklen_t) -> c_int;
    write(file: c_int, from: *const c_void, len: usize) -> isize;
    writev(file: c_int, from: *const iovec, count: c_int) -> isize;
    send(file: c_int, from: *const c_void, len: usize, flags: c_int) -> isize;
    sendto(file: c_int, from: *const c_void, len: usize, flags: c_int, address: *const sockaddr, address_len: socklen_t) -> isize;
    sendmsg(file: c_int, from: *const msghdr, flags: c_int) -> isize;
    poll(files: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int;
    ppoll(files: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int;
    select(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *mut timeval) -> c_int;
    pselect(count: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, timeout: *const timespec, mask: *const sigset_t) -> c_int;
    epoll_wait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int) -> c_int;
    epoll_pwait(epoll: c_int, events: *mut epoll_event, most: c_int, timeout: c_int, mask: *const sigset_t) -> c_int;
}
