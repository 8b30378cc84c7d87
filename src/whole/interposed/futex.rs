//! `syscall(SYS_futex, …)`: how Rust's standard library, parking_lot and C++'s atomics wait.

use std::ffi::{c_int, c_long};

use crate::engine::blame::Outcome;
use crate::engine::wait::FrameMarker;
use crate::engine::{rates, sampler};
use crate::profile::kind::Kind;
use crate::whole::chain::{self, OwnWait};
use crate::whole::flags::flag_of;
use crate::whole::waiting::{errno, is_on, releasing, set_errno, waiting};

/// The arguments of the system call, in its order.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Futex {
    /// Where threads wait.
    pub address: *const u32,
    /// The operation.
    pub operation: c_int,
    /// The value that is expected there, or how many to wake.
    pub value: usize,
    /// A time, or another number.
    pub timeout: usize,
    /// A second place.
    pub address_2: usize,
    /// The operation there.
    pub value_3: usize,
}

/// Makes the call, with the waiting and the waking recorded. errno is that of the call.
/// `returns_to` is where the program goes on, which tells one kind of lock from another.
///
/// # Safety
///
/// - The duties of the system call.
#[inline(never)]
pub unsafe fn futex(returns_to: usize, call: Futex) -> c_long {
    // SAFETY: by this function's duty.
    let make = || unsafe { make(call) };
    if !is_on() {
        return make();
    }
    match call.operation & libc::FUTEX_CMD_MASK {
        libc::FUTEX_WAIT
        | libc::FUTEX_WAIT_BITSET
        | libc::FUTEX_LOCK_PI
        | libc::FUTEX_LOCK_PI2
        | libc::FUTEX_WAIT_REQUEUE_PI => wait(returns_to, call.address, make),
        libc::FUTEX_WAKE
        | libc::FUTEX_WAKE_BITSET
        | libc::FUTEX_WAKE_OP
        | libc::FUTEX_UNLOCK_PI
        | libc::FUTEX_REQUEUE
        | libc::FUTEX_CMP_REQUEUE
        | libc::FUTEX_CMP_REQUEUE_PI => wake(call.address, make),
        _ => make(),
    }
}

/// A word at which this thread alone sleeps is charged along the chain of wakers; any other one has
/// holders, whom the table of blame sees.
#[inline(always)]
fn wait(returns_to: usize, address: *const u32, make: impl FnOnce() -> c_long) -> c_long {
    if !chain::is_own(address.addr()) {
        return waiting(Kind::FUTEX, Some(flag_of(address)), make, outcome);
    }
    let weight = sampler::draw_contention(rates::mutex_fraction());
    let own = (weight > 0).then(|| OwnWait::begin(address.addr(), returns_to, weight));
    let result = waiting(Kind::FUTEX, None, make, outcome);
    if let Some(own) = own.flatten() {
        let errno = errno();
        let outcome = outcome(result);
        own.end(
            Kind::FUTEX,
            outcome == Outcome::Acquired,
            outcome != Outcome::Cancelled,
        );
        set_errno(errno);
    }
    result
}

#[inline(always)]
fn wake(address: *const u32, make: impl FnOnce() -> c_long) -> c_long {
    let marker = FrameMarker::default();
    let errno_before = errno();
    chain::tell(address.addr(), Kind::FUTEX, &marker);
    set_errno(errno_before);
    releasing(Kind::FUTEX, flag_of(address), make)
}

fn outcome(result: c_long) -> Outcome {
    match (result, errno()) {
        (0, _) => Outcome::Acquired,
        // By a signal, too: nobody has let it go on.
        (_, libc::ETIMEDOUT | libc::EINTR) => Outcome::TimedOut,
        _ => Outcome::Cancelled,
    }
}

/// The system call itself: not by the C library's function, before which ours stands.
unsafe fn make(call: Futex) -> c_long {
    let result: isize;
    // SAFETY: the kernel's convention for system calls. It changes `rcx`, `r11` and memory, which
    // the compiler is told. By the caller's duty the arguments are what this call wants.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") libc::SYS_futex as isize => result,
            in("rdi") call.address,
            in("rsi") call.operation,
            in("rdx") call.value,
            in("r10") call.timeout,
            in("r8") call.address_2,
            in("r9") call.value_3,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    returned(result)
}

/// A system call's result as the C library hands it on: -1 for an error, whose number is in errno.
pub fn returned(result: isize) -> c_long {
    const MAX_ERRNO: isize = 4095;
    if (-MAX_ERRNO..0).contains(&result) {
        set_errno(-result as c_int);
        return -1;
    }
    result as c_long
}
