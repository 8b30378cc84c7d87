//! Profiles on request of whoever starts the program: what the `CONTEND_…` variables ask for.

#[cfg(feature = "auto-init")]
mod auto;
mod path;
mod privilege;
mod session;
mod settings;

/// Obeys the `CONTEND_…` environment variables: switches profiles on, and writes them when the
/// guard that it returns is dropped.
///
/// Call it first in `main` and keep the guard to its end. Without such variables it does nothing,
/// so it can stay in the program for good.
///
/// | variable | value | |
/// |---|---|---|
/// | `CONTEND_MUTEX_PROFILE` | a path | where the [mutex profile](crate::mutex_profile) is written |
/// | `CONTEND_BLOCK_PROFILE` | a path | where the [block profile](crate::block_profile) is written |
/// | `CONTEND_WAKE_PROFILE` | a path | where the [wake profile](crate::wake_profile) is written |
/// | `CONTEND_PAIRS_PROFILE` | a path | where the [pairs profile](crate::pairs_profile) is written |
/// | `CONTEND_MUTEX_PROFILE_FRACTION` | `0` to `4294967295` | calls [`set_mutex_profile_fraction`](crate::set_mutex_profile_fraction); 1 where a path is given and this is not |
/// | `CONTEND_BLOCK_PROFILE_RATE` | `1ms`, `10us`, `1000` | calls [`set_block_profile_rate`](crate::set_block_profile_rate): a whole number with `ns`, `us`, `ms` or `s`, or of nanoseconds; 1 where a path is given and this is not |
/// | `CONTEND_WAKE_PROFILE_RATE` | the same | calls [`set_wake_profile_rate`](crate::set_wake_profile_rate), in the same way |
/// | `CONTEND_PAIRS_PROFILE_FRACTION` | as `CONTEND_MUTEX_PROFILE_FRACTION` | calls [`set_pairs_profile_fraction`](crate::set_pairs_profile_fraction), in the same way |
/// | `CONTEND_TRACE` | a path | where the [timeline](crate::trace) of the run is written: its newest 750,000 waits or more, for `go tool trace` and `contend trace` |
/// | `CONTEND_FLIGHT` | `10s,wait=100ms` | runs a [`FlightRecorder`](crate::trace::FlightRecorder): see below |
/// | `CONTEND_MONITOR` | `1s,wait=5s,deadlock,file=/tmp/{pid}-{time}.txt` | runs a [`Monitor`](crate::Monitor): see below |
/// | `CONTEND_WATCHDOG` | `60s` | a [`watchdog`](crate::watchdog()) for the whole program: after that time it says what every thread does, and aborts |
/// | `CONTEND_HTTP` | `127.0.0.1:6060` | serves the profiles there, with the feature `server`. It sets no rate |
///
/// An empty value is none. In paths `{bin}` becomes the program's name (without the hash that cargo
/// gives to test and bench programs) and `{pid}` the number of the process. A path that ends in
/// `.txt` gets a table of all call sites, one in `.svg` a flame graph (with the feature
/// `flamegraph`), every other one, usually `….pb.gz`, the form that `go tool pprof` reads.
///
/// A value that cannot be obeyed is named in one line on the standard error, with what is accepted,
/// and the program runs as if none of these variables were set. A path in a folder that does not
/// exist, or to a file that cannot be replaced, is such a value; so is a variable that begins like
/// these and is none of them, as `CONTEND_BLOCK_RATE` does. If only the server cannot be started, a
/// line says so and all else goes on.
///
/// In a program with rights that its user has not (set-user-id, set-group-id, capabilities) nothing
/// of the environment is obeyed, because it is the user's: a line on the standard error says so.
///
/// # A flight recorder
///
/// `CONTEND_FLIGHT` has items behind commas, in any order: how much time is kept, as `10s`; the
/// triggers `wait=100ms`, `deadlock`, `alarm` (of the monitor) and (on Unix) `signal=USR2`;
/// `in=FOLDER` for the files, which is the working folder otherwise; and `bytes=16MiB`,
/// `tail=200ms`, `cooldown=60s`, `files=10`, as the methods of
/// [`FlightRecorderBuilder`](crate::trace::FlightRecorderBuilder) have them. A line on the standard
/// error names each file that is written.
///
/// # A monitor
///
/// `CONTEND_MONITOR` has items behind commas, in any order: the interval, as `1s`; the rules
/// `wait=5s`, `deadlock`, `threads=1000`, `growth` and `blocked=50%`, which are those of
/// [`MonitorRule`](crate::MonitorRule); and `file=PATH` for the files of all rules, `history=100`,
/// `stacks=10`, `cooldown=60s`, `files=10`, which are the settings of
/// [`MonitorBuilder`](crate::MonitorBuilder). An alarm is a line on the standard error. Its report
/// is at `/debug/pprof/monitor` of the program's server.
///
/// # When files are written
///
/// When the guard is dropped: at the end of `main`, also if that returns an error or panics; and,
/// on Unix, when the program calls [`std::process::exit`]. They hold what was recorded since the
/// call of `init`. Not when the program aborts or is killed, and not by a forked child. A file is
/// there whole or not at all; an old one stays until the new one is complete, so processes that
/// write to the same path replace each other's file but never mix (`{pid}` keeps all of them). A
/// hidden `.….tmp` may stay beside the file if the process is killed while it writes.
///
/// A path may lead to a pipe or a device. The end of the program does not wait for one: if nobody
/// reads a pipe, or its reader stops for seconds, a line says so. Sockets and disks are refused.
///
/// `let _ = contend::init();` drops the guard at once: give it a name, as `_profiles`.
///
/// Only the first call in a process counts. With the feature `auto-init` that is one before `main`,
/// so that test programs, which have no `main` of their own, and programs whose `main` is not to be
/// touched can be profiled; files are written at the end of the process (on Unix), and guards do
/// nothing.
///
/// # Compared with Go's test flags
///
/// | | `go test -mutexprofile F -blockprofile F` | here |
/// |---|---|---|
/// | for | tests and benchmarks of one package | every program. Several test programs: `{bin}` |
/// | file without a rate | 1: everything | the same |
/// | rate without a file | is ignored | sets the rate: the program itself, or its server, may be asked for profiles |
/// | rate 0 with a file | an empty profile is written | the same, and it says that it is off |
/// | negative rate | neither sets the rate nor writes the file, silently | an error line |
/// | the program sets a rate itself | the last one counts | the same |
/// | forms | pprof | pprof, table, flame graph |
/// | missing folder | is found at the end, exit code 2 | is found at the start, and the exit code is the program's own |
/// | written | after the tests, also after a timeout; not on exit or panic | at the end, at an exit, after a panic |
/// | covers | all tests, repetitions and the harness in one profile | the same; a [`Recording`](crate::Recording) or [`criterion_profiler!`](crate::criterion_profiler) has one for each |
/// | its time | is not in the file | is in the file, so that pprof relates delay to it |
///
/// # Examples
///
/// ```
/// # fn serve_customers() -> Result<(), Box<dyn std::error::Error>> { Ok(()) }
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let _profiles = contend::init();
///     serve_customers()
/// }
/// ```
///
/// ```sh
/// CONTEND_MUTEX_PROFILE=mutex.pb.gz CONTEND_BLOCK_PROFILE='{bin}.{pid}.txt' target/release/shop
/// ```
pub fn init() -> InitGuard {
    InitGuard {
        is_first: session::begin(),
    }
}

/// Writes what the variables asked [`init`] for when it is dropped.
#[derive(Debug)]
#[must_use = "profiles are written when this is dropped: keep it to the end of `main`"]
pub struct InitGuard {
    /// Guards of later calls do nothing.
    is_first: bool,
}

impl Drop for InitGuard {
    fn drop(&mut self) {
        if self.is_first {
            session::end();
        }
    }
}
