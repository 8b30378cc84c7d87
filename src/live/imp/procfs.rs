//! The entry of each thread in `/proc/self/task`, and the thread's CPU clock.
//!
//! Nothing here stops, wakes or signals the thread that is asked about. Every file may be
//! missing: the thread may have ended, and a sandbox may hide any of them.

use std::fs::{self, File};
use std::io::Read as _;
use std::time::Duration;

/// A thread of this process, by the kernel's number: what `top -H` and `perf` show.
pub(super) type Tid = libc::pid_t;

/// All threads, in the order in which the kernel lists them.
///
/// # Errors
///
/// Where `/proc` is hidden.
pub(super) fn tids() -> std::io::Result<Vec<Tid>> {
    let entries = fs::read_dir("/proc/self/task")?;
    // A thread that ends while the folder is read makes no error of the whole.
    let names = entries.flatten().map(|entry| entry.file_name());
    Ok(names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect())
}

/// The kernel makes such a file when it is read, and hands it out whole if there is room.
///
/// PERF: one read, where `fs::read` asks for a size that it is not told and then grows a buffer: a
/// dump reads five files for each thread. A process in many groups has a longer `status`.
fn read(tid: Tid, file: &str) -> Option<String> {
    let mut file = File::open(format!("/proc/self/task/{tid}/{file}")).ok()?;
    let mut bytes = [0; 4096];
    let len = file.read(&mut bytes).ok()?;
    let mut text = bytes[..len].to_vec();
    if len == bytes.len() {
        file.read_to_end(&mut text).ok()?;
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The thread's name, as it or its creator has set it: 15 bytes at the most.
pub(super) fn name(tid: Tid) -> Option<String> {
    let name = read(tid, "comm")?;
    Some(name.strip_suffix('\n').unwrap_or(&name).to_owned())
}

/// The letter of the thread's state in `stat`: `R` running or runnable, `S` sleeping, `D` in a
/// sleep that no signal ends, `T` stopped, `t` stopped by a debugger, `Z` and `X` ended.
pub(super) fn state_letter(tid: Tid) -> Option<char> {
    letter_of(&read(tid, "stat")?)
}

/// The name stands in parentheses and may hold any character, so the last one counts.
fn letter_of(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// When the thread was started, on the clock of [`since_boot`]. The kernel tells it to 10 ms.
pub(super) fn started(tid: Tid) -> Option<Duration> {
    let ticks = start_of(&read(tid, "stat")?)?;
    // SAFETY: asks for a number.
    let per_second = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok()?;
    let nanos = u128::from(ticks) * 1_000_000_000;
    let nanos = nanos.checked_div(per_second.into())?;
    Some(Duration::from_nanos(nanos.try_into().ok()?))
}

/// The 22nd field of all, so the 20th behind the name.
fn start_of(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The time since the machine was started.
pub(super) fn since_boot() -> Duration {
    read_clock(libc::CLOCK_BOOTTIME).unwrap_or_default()
}

/// The scheduler's counts for a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scheduling {
    /// On a processor.
    pub(super) run: Duration,
    /// Runnable, without a processor.
    pub(super) queue: Duration,
    /// How often the thread came onto a processor, be it from sleep or from the queue.
    pub(super) turns: u64,
}

/// `None` where the kernel is built without these counts.
pub(super) fn scheduling(tid: Tid) -> Option<Scheduling> {
    scheduling_of(&read(tid, "schedstat")?)
}

fn scheduling_of(text: &str) -> Option<Scheduling> {
    let mut numbers = text
        .split_ascii_whitespace()
        .map(|word| word.parse::<u64>().ok());
    let (run, queue, turns) = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some(Scheduling {
        run: Duration::from_nanos(run),
        queue: Duration::from_nanos(queue),
        turns,
    })
}

/// Changes of context: because the thread had to wait, and because others had to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Switches {
    pub(super) voluntary: u64,
    pub(super) involuntary: u64,
}

pub(super) fn switches(tid: Tid) -> Option<Switches> {
    switches_of(&read(tid, "status")?)
}

fn switches_of(status: &str) -> Option<Switches> {
    let count = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().parse().ok()
    };
    Some(Switches {
        voluntary: count("voluntary_ctxt_switches:")?,
        involuntary: count("nonvoluntary_ctxt_switches:")?,
    })
}

/// Where a thread is, from its `syscall` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// On a processor or waiting for one: nothing else is told.
    Running,
    /// In the system call of this number.
    Call {
        number: libc::c_long,
        arguments: [u64; 6],
        stack_pointer: u64,
        instruction_pointer: u64,
    },
    /// Blocked outside of a system call, as by a page fault.
    Blocked {
        stack_pointer: u64,
        instruction_pointer: u64,
    },
}

impl Position {
    /// `None`: not told.
    pub(super) fn stack_pointer(&self) -> Option<u64> {
        match *self {
            Self::Running => None,
            Self::Call { stack_pointer, .. } | Self::Blocked { stack_pointer, .. } => {
                Some(stack_pointer)
            }
        }
    }

    /// `None`: not told.
    pub(super) fn instruction_pointer(&self) -> Option<u64> {
        match *self {
            Self::Running => None,
            Self::Call {
                instruction_pointer,
                ..
            }
            | Self::Blocked {
                instruction_pointer,
                ..
            } => Some(instruction_pointer),
        }
    }
}

/// `None` if the thread has ended, or the file may not be read.
pub(super) fn position(tid: Tid) -> Option<Position> {
    position_of(&read(tid, "syscall")?)
}

/// `running`; or the number, six arguments, the stack pointer and the instruction pointer; or -1
/// and these two (proc(5)).
fn position_of(text: &str) -> Option<Position> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    match *words {
        ["running"] => Some(Position::Running),
        [number, a, b, c, d, e, f, sp, pc] => Some(Position::Call {
            number: number.parse().ok()?,
            arguments: [hex(a)?, hex(b)?, hex(c)?, hex(d)?, hex(e)?, hex(f)?],
            stack_pointer: hex(sp)?,
            instruction_pointer: hex(pc)?,
        }),
        ["-1", sp, pc] => Some(Position::Blocked {
            stack_pointer: hex(sp)?,
            instruction_pointer: hex(pc)?,
        }),
        _ => None,
    }
}

/// How long the thread has been on a processor. The cheapest way to ask whether it has run since:
/// 0.35 µs. `None`: there is no such thread any more.
pub(super) fn cpu_time(tid: Tid) -> Option<Duration> {
    read_clock(cpu_clock_of(tid))
}

pub(in crate::live) fn own_cpu_time() -> Option<Duration> {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn read_clock(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: any clock may be asked for; the answer goes to a live local of the right type.
    let failed = unsafe { libc::clock_gettime(clock, &mut time) };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanos = u32::try_from(time.tv_nsec).ok()?;
    (failed == 0).then(|| Duration::new(seconds, nanos))
}

/// The kernel's number for a thread's clock: `~tid << 3`, with bit 2 for "of a thread" and 2 for
/// the scheduler's own count (`CPUCLOCK_PERTHREAD_MASK`, `CPUCLOCK_SCHED` in
/// `include/linux/posix-timers.h`).
fn cpu_clock_of(tid: Tid) -> libc::clockid_t {
    (!tid << 3) | 6
}

/// The calling thread's number.
pub(super) fn own_tid() -> Tid {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::gettid() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_state() {
        assert_eq!(letter_of("12 (a) R (b)) S 1 2 3"), Some('S'));
        assert_eq!(letter_of("12"), None);
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 1234 20";
        assert_eq!(start_of(&format!("12 (a) R (b)) {fields}")), Some(1234));
        assert_eq!(start_of("12 (a) S 1"), None);
    }

    #[test]
    fn a_thread_starts_before_now_and_not_long_ago() {
        let before = since_boot();
        let started = std::thread::spawn(|| started(own_tid()).unwrap());
        let started = started.join().unwrap();
        let tick = Duration::from_millis(10);
        assert!((before.saturating_sub(tick)..=since_boot()).contains(&started));
    }

    #[test]
    fn positions_are_read_in_all_forms() {
        assert_eq!(position_of("running\n"), Some(Position::Running));
        assert_eq!(
            position_of("202 0x7f01 0x80 0x2 0x0 0x0 0x0 0x7ffe10 0x7f0a\n"),
            Some(Position::Call {
                number: 202,
                arguments: [0x7f01, 0x80, 2, 0, 0, 0],
                stack_pointer: 0x7ffe10,
                instruction_pointer: 0x7f0a,
            })
        );
        assert_eq!(
            position_of("-1 0x7ffe10 0x7f0a"),
            Some(Position::Blocked {
                stack_pointer: 0x7ffe10,
                instruction_pointer: 0x7f0a,
            })
        );
        for broken in ["", "-1", "202 0x1", "x 0x1 0x1 0x1 0x1 0x1 0x1 0x1 0x1"] {
            assert_eq!(position_of(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn counts_are_found_among_others() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t3\n";
        let expected = Switches {
            voluntary: 7,
            involuntary: 3,
        };
        assert_eq!(switches_of(status), Some(expected));
        let scheduling = scheduling_of("1500 20 3\n").unwrap();
        assert_eq!(scheduling.run, Duration::from_nanos(1500));
        assert_eq!(scheduling.queue, Duration::from_nanos(20));
        assert_eq!(scheduling.turns, 3);
        assert_eq!(scheduling_of("1500 20"), None);
    }

    #[test]
    fn this_thread_is_among_the_threads_and_runs() {
        let own = own_tid();
        assert!(tids().unwrap().contains(&own));
        assert_eq!(state_letter(own), Some('R'));
        let before = cpu_time(own).unwrap();
        while cpu_time(own).unwrap() == before {}
        assert!(name(own).is_some_and(|name| !name.is_empty()));
    }
}
