//! A look at all threads each second, what it adds up to, and alarms.
//!
//! A monitor has one thread of its own. It looks from afar (`live::Looker`), so a thread that does
//! nothing costs a third of a microsecond a look; stacks are taken each n-th time, and at an alarm.
#![forbid(unsafe_code)]

pub(crate) mod alarms;
mod builder;
mod file;
mod history;
mod report;
mod rule;
mod run;
mod settings;

use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

use crate::fork;
pub use builder::MonitorBuilder;
pub use history::MonitorPoint;
pub use report::{LongWait, MonitorReport, TopStack, Verdict};
pub use rule::{Alarm, MonitorRule};
use run::Shared;
pub(crate) use settings::parse;

/// Looks at all threads of the process at an interval, keeps a history of how many there are in
/// which state, and raises alarms.
///
/// It runs until it is dropped. The report of the monitor that was started last is also served at
/// `/debug/pprof/monitor`, with the feature `http`.
///
/// Elsewhere than on x86-64 Linux, and without the features `profiling` and `framehop`, it sees no
/// threads, and its report says so.
///
/// # Overhead
///
/// One thread. A look asks for the CPU time of each thread, and reads `/proc` for those that have
/// run since the last one; [`MonitorReport::cost`] has what it comes to.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contend::{Monitor, MonitorRule};
///
/// let monitor = Monitor::builder()
///     .interval(Duration::from_millis(10))
///     .rule(MonitorRule::threads(1_000).call(|alarm| eprintln!("{alarm}")))
///     .rule(MonitorRule::wait(Duration::from_secs(5)).file("stuck-{pid}-{time}.txt"))
///     .start()?;
/// println!("{}", monitor.report());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a monitor ends when it is dropped"]
pub struct Monitor {
    shared: Arc<Shared>,
    /// A forked child has a copy of this value, but not of the thread.
    thread: Option<JoinHandle<()>>,
}

/// The monitor that was started last.
static LAST: fork::Lock<Weak<Shared>> = fork::Lock::new();

impl Monitor {
    /// For a monitor with an interval of one second, a history of 100 looks, and no rules.
    pub fn builder() -> MonitorBuilder {
        MonitorBuilder::new()
    }

    /// The report of all looks so far. In a child of `fork`, in which it does not run, there are
    /// none.
    pub fn report(&self) -> MonitorReport {
        self.shared.report()
    }

    /// Lets the monitor run to the end of the program.
    pub(crate) fn detach(mut self) {
        self.thread = None;
        // The drop must not stop it.
        std::mem::forget(self);
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if !self.shared.is_of_this_process() {
            return;
        }
        self.shared.stop();
        let thread = self.thread.take();
        // A callback may hold the monitor itself.
        let other = thread.filter(|thread| thread.thread().id() != thread::current().id());
        // It catches what panics in it.
        let _ = other.map(JoinHandle::join);
    }
}

/// The report of the monitor that was started last, if it still runs.
#[allow(dead_code)] // Asked for by what serves it.
pub(crate) fn last_report() -> Option<MonitorReport> {
    let last = LAST.lock().upgrade()?;
    last.is_of_this_process().then(|| last.report())
}
