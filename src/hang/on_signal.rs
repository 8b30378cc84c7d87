//! Threads and deadlocks on standard error, when a signal asks for them.
//!
//! The handler writes one byte to a pipe, which a signal handler may do. A thread of its own reads
//! it and does the rest.

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use libc::c_int;

use crate::fork;

/// The end of the pipe that the handler writes to, and the process whose it is: a forked child has
/// a copy of it, but no thread that reads. Stored before the first handler is set.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static OWNER: AtomicI32 = AtomicI32::new(0);

/// One registration at a time.
static REGISTERING: fork::Lock<()> = fork::Lock::new();

/// Writes what every thread does to the standard error whenever `signal` comes, as a JVM does at
/// SIGQUIT (Ctrl-\ in a terminal, `kill -QUIT PID` elsewhere). The program goes on.
///
/// The words are those of [`deadlocks`](crate::deadlocks()) and [`threads`](crate::threads()). They
/// are written by a thread of its own, also if all others are stuck. A call that the signal
/// interrupts is started again by the system where it can be. A forked child has the handler, which
/// does nothing there.
///
/// On Linux alone.
///
/// # Errors
///
/// The program has another handler for this signal; the signal is one that a program cannot handle
/// and go on (SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT), or that this crate
/// uses (SIGURG, SIGPROF); or the system gives no pipe or thread.
///
/// # Examples
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// const SIGQUIT: i32 = 3; // libc::SIGQUIT
/// contend::dump_on_signal(SIGQUIT)?;
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn dump_on_signal(signal: i32) -> io::Result<()> {
    const REFUSED: [c_int; 9] = [
        libc::SIGKILL,
        libc::SIGSTOP,
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGILL,
        libc::SIGFPE,
        libc::SIGABRT,
        libc::SIGURG,
        libc::SIGPROF,
    ];
    if REFUSED.contains(&signal) {
        let what = format!("signal {signal} cannot be used to ask for threads");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let _one = REGISTERING.lock();
    if is_taken(signal)? {
        let what = format!("the program has a handler for signal {signal} already");
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    if PIPE.load(Ordering::Relaxed) < 0 || OWNER.load(Ordering::Relaxed) != own_pid() {
        start_reader()?;
    }
    // SAFETY: zeros are a value of each of its fields; the set is emptied by the C library.
    let action = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = address_of_handler();
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigemptyset(&mut action.sa_mask);
        action
    };
    // SAFETY: the handler has the type that these flags ask for, and lives for ever.
    match unsafe { libc::sigaction(signal, &action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn address_of_handler() -> libc::sighandler_t {
    let handler = handle as extern "C" fn(c_int);
    handler as *const () as libc::sighandler_t
}

fn is_taken(signal: c_int) -> io::Result<bool> {
    let mut current = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asks for the disposition and changes nothing; the answer goes to a live local.
    if unsafe { libc::sigaction(signal, ptr::null(), current.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeros are a value of it, and the call above returned 0.
    let current = unsafe { current.assume_init() }.sa_sigaction;
    let free = [libc::SIG_DFL, libc::SIG_IGN, address_of_handler()];
    Ok(!free.contains(&current))
}

fn own_pid() -> c_int {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

fn start_reader() -> io::Result<()> {
    let (reader, writer) = pipe()?;
    let mut reader = File::from(reader);
    thread::Builder::new()
        .name("contend-signals".to_owned())
        .spawn(move || {
            let mut signal = [0];
            while reader.read_exact(&mut signal).is_ok() {
                let why = format!("signal {} asks what the threads do", signal[0]);
                // A panic's hook has said what it was.
                let _ = std::panic::catch_unwind(|| super::tell(&why));
            }
        })?;
    // For the life of the process: a handler may run at any time.
    PIPE.store(writer.into_raw_fd(), Ordering::Relaxed);
    // Release: whoever sees its own number here sees the pipe.
    OWNER.store(own_pid(), Ordering::Release);
    Ok(())
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: two numbers go to a live local.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    for end in ends {
        // SAFETY: changes the flags of a descriptor that was just made, which nobody else has.
        unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    // So that a handler never waits: with a full pipe there are many requests already.
    // SAFETY: as above.
    unsafe { libc::fcntl(ends[1], libc::F_SETFL, libc::O_NONBLOCK) };
    // SAFETY: both were just made, and are owned by nobody else.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Asks the thread.
extern "C" fn handle(signal: c_int) {
    if OWNER.load(Ordering::Acquire) != own_pid() {
        return;
    }
    let byte = signal as u8;
    // SAFETY: the C library's own place of this thread's error number, which is always there.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: `write` may be called in a handler; the byte is a live local, and the descriptor is
    // never closed.
    unsafe { libc::write(PIPE.load(Ordering::Relaxed), ptr::from_ref(&byte).cast(), 1) };
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}
