//! The state of a thread at this moment, in one word.
#![forbid(unsafe_code)]

use std::fmt;

use crate::profile::kind::Kind;

/// The state of a thread at the moment of a dump.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThreadState {
    /// On a processor.
    Running,
    /// Ready to run, without a processor.
    Runnable,
    /// In a wait of one of this crate's types. The text is the wait's kind, as `mutex`.
    Waiting(&'static str),
    /// In a futex wait of other code: a lock, a condition variable, a channel or a join that is
    /// not swapped.
    Futex,
    /// Asleep for a time.
    Sleep,
    /// In a system call that reads, writes, accepts, connects or polls.
    IoWait,
    /// In another system call, of this name; its number where it has no name here.
    SystemCall(String),
    /// Waits for a page of memory.
    PageFault,
    /// Stopped by a signal or a debugger.
    Stopped,
    /// The system does not tell.
    Unknown,
}

impl ThreadState {
    /// The state of a thread that is in a wait of ours.
    #[allow(dead_code)] // Where stacks cannot be read.
    pub(crate) fn of_kind(kind: Kind) -> Self {
        Self::Waiting(kind.label())
    }

    /// The state of a thread in the system call of this number.
    #[cfg(all(
        feature = "framehop",
        feature = "profiling",
        target_os = "linux",
        target_arch = "x86_64"
    ))]
    pub(crate) fn of_call(number: libc::c_long) -> Self {
        match CALLS.iter().find(|(known, ..)| *known == number) {
            Some((.., Class::Futex)) => Self::Futex,
            Some((.., Class::Sleep)) => Self::Sleep,
            Some((.., Class::Io)) => Self::IoWait,
            Some((_, name, Class::Other)) => Self::SystemCall((*name).to_owned()),
            None => Self::SystemCall(number.to_string()),
        }
    }

    /// Whether the thread waits for something, rather than for a processor.
    pub fn is_blocked(&self) -> bool {
        !matches!(
            self,
            Self::Running | Self::Runnable | Self::Stopped | Self::Unknown
        )
    }

    /// Go's word for it where Go has one, so that what reads goroutine dumps knows it.
    pub(crate) fn go_name(&self) -> String {
        match self {
            Self::Running => "running".to_owned(),
            Self::Runnable => "runnable".to_owned(),
            Self::Waiting(kind) => go_name_of_kind(kind).to_owned(),
            Self::Futex => "semacquire".to_owned(),
            Self::Sleep => "sleep".to_owned(),
            Self::IoWait => "IO wait".to_owned(),
            Self::SystemCall(_) => "syscall".to_owned(),
            Self::PageFault => "page fault".to_owned(),
            Self::Stopped => "stopped".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

fn go_name_of_kind(kind: &'static str) -> &'static str {
    match kind {
        "mutex" => "sync.Mutex.Lock",
        "rwlock_read" => "sync.RWMutex.RLock",
        "rwlock_write" => "sync.RWMutex.Lock",
        "condvar" => "sync.Cond.Wait",
        "barrier" => "sync.WaitGroup.Wait",
        "chan_send" => "chan send",
        "chan_recv" => "chan receive",
        other => other,
    }
}

/// `running`, `waiting: mutex`, `IO wait`, `system call: wait4`.
impl fmt::Display for ThreadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.pad("running"),
            Self::Runnable => f.pad("runnable"),
            Self::Waiting(kind) => f.pad(&format!("waiting: {kind}")),
            Self::Futex => f.pad("futex"),
            Self::Sleep => f.pad("sleep"),
            Self::IoWait => f.pad("IO wait"),
            Self::SystemCall(name) => f.pad(&format!("system call: {name}")),
            Self::PageFault => f.pad("page fault"),
            Self::Stopped => f.pad("stopped"),
            Self::Unknown => f.pad("unknown"),
        }
    }
}

#[cfg(all(
    feature = "framehop",
    feature = "profiling",
    target_os = "linux",
    target_arch = "x86_64"
))]
#[derive(Clone, Copy)]
enum Class {
    Futex,
    Sleep,
    Io,
    Other,
}

/// System calls that block, by their number on this machine.
#[cfg(all(
    feature = "framehop",
    feature = "profiling",
    target_os = "linux",
    target_arch = "x86_64"
))]
const CALLS: &[(libc::c_long, &str, Class)] = &[
    (libc::SYS_futex, "futex", Class::Futex),
    (libc::SYS_nanosleep, "nanosleep", Class::Sleep),
    (libc::SYS_clock_nanosleep, "clock_nanosleep", Class::Sleep),
    (libc::SYS_read, "read", Class::Io),
    (libc::SYS_write, "write", Class::Io),
    (libc::SYS_readv, "readv", Class::Io),
    (libc::SYS_writev, "writev", Class::Io),
    (libc::SYS_pread64, "pread64", Class::Io),
    (libc::SYS_pwrite64, "pwrite64", Class::Io),
    (libc::SYS_recvfrom, "recvfrom", Class::Io),
    (libc::SYS_recvmsg, "recvmsg", Class::Io),
    (libc::SYS_sendto, "sendto", Class::Io),
    (libc::SYS_sendmsg, "sendmsg", Class::Io),
    (libc::SYS_accept, "accept", Class::Io),
    (libc::SYS_accept4, "accept4", Class::Io),
    (libc::SYS_connect, "connect", Class::Io),
    (libc::SYS_ppoll, "ppoll", Class::Io),
    (libc::SYS_pselect6, "pselect6", Class::Io),
    (libc::SYS_epoll_pwait, "epoll_pwait", Class::Io),
    (libc::SYS_epoll_pwait2, "epoll_pwait2", Class::Io),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, "poll", Class::Io),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_select, "select", Class::Io),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, "epoll_wait", Class::Io),
    (libc::SYS_io_getevents, "io_getevents", Class::Io),
    (libc::SYS_io_uring_enter, "io_uring_enter", Class::Io),
    (libc::SYS_fsync, "fsync", Class::Io),
    (libc::SYS_fdatasync, "fdatasync", Class::Io),
    (libc::SYS_sendfile, "sendfile", Class::Io),
    (libc::SYS_wait4, "wait4", Class::Other),
    (libc::SYS_waitid, "waitid", Class::Other),
    (libc::SYS_flock, "flock", Class::Other),
    (libc::SYS_fcntl, "fcntl", Class::Other),
    (libc::SYS_rt_sigtimedwait, "rt_sigtimedwait", Class::Other),
    (libc::SYS_rt_sigsuspend, "rt_sigsuspend", Class::Other),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_pause, "pause", Class::Other),
    (libc::SYS_openat, "openat", Class::Other),
    (libc::SYS_mmap, "mmap", Class::Other),
    (libc::SYS_munmap, "munmap", Class::Other),
    (libc::SYS_semtimedop, "semtimedop", Class::Other),
    (libc::SYS_mq_timedreceive, "mq_timedreceive", Class::Other),
    (libc::SYS_mq_timedsend, "mq_timedsend", Class::Other),
];

#[cfg(all(
    test,
    feature = "framehop",
    feature = "profiling",
    target_os = "linux",
    target_arch = "x86_64"
))]
mod tests {
    use super::*;

    #[test]
    fn calls_have_their_states() {
        assert_eq!(ThreadState::of_call(libc::SYS_futex), ThreadState::Futex);
        assert_eq!(ThreadState::of_call(libc::SYS_read), ThreadState::IoWait);
        let wait = ThreadState::of_call(libc::SYS_wait4);
        assert_eq!(wait.to_string(), "system call: wait4");
        assert_eq!(
            ThreadState::of_call(100_000).to_string(),
            "system call: 100000"
        );
    }

    #[test]
    fn states_have_gos_names() {
        assert_eq!(
            ThreadState::of_kind(Kind::MUTEX).go_name(),
            "sync.Mutex.Lock"
        );
        assert_eq!(
            ThreadState::of_kind(Kind::CHAN_RECV).go_name(),
            "chan receive"
        );
        assert!(ThreadState::IoWait.is_blocked() && !ThreadState::Runnable.is_blocked());
    }
}
