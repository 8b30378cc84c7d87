//! The live view: what a dump of all threads takes, for how long it stops a thread that runs, and
//! what a look of the monitor takes.
//!
//! ```text
//! cargo bench --bench live
//! ```
//!
//! Where there are 10, 100 or 1,000 threads, all but one are parked. `time` is that of the one that
//! dumps or looks; `processor` is what it spends of that on a processor, with the kernel's work.
//!
//! **The pause.** A thread that does nothing but look at its own processor's time takes a step of
//! more than some microseconds only where the kernel or a signal's handler comes in between; what
//! other threads take of the processor is not in it. Measured is its longest step within a dump,
//! and within as much time without one; and by a signal with a handler that does nothing, which
//! is the least that it takes to ask a thread that runs.

mod common;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::common::options::Options;
    use super::common::report::{Report, Row};
    use contend::Monitor;

    const THREADS: [usize; 3] = [10, 100, 1_000];
    const DUMPS: usize = 101;
    const PAUSES: usize = 301;
    /// The looks of the monitor.
    const LOOKS: usize = 100;
    const TICK: Duration = Duration::from_millis(10);

    pub(super) fn main() {
        let options = Options::from_args();
        let mut report = Report::begin("the live view", &options);
        pauses(&options, &mut report);
        dumps(&options, &mut report);
        report.end(&options);
    }

    /// The time that this thread has been on a processor.
    fn processor_time() -> Duration {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the result goes to a live local.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        assert_eq!(failed, 0);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    fn micros(time: Duration) -> f64 {
        time.as_nanos() as f64 / 1e3
    }

    fn pauses(options: &Options, report: &mut Report) {
        let name = "the longest step of a thread that runs";
        if !options.wants(name) {
            return;
        }
        report.section(name);
        let rounds = options.rounds(PAUSES);
        // Relaxed: the longest step so far, in nanoseconds, that the other thread takes and clears.
        let (longest, is_over) = (&AtomicU64::new(0), &AtomicBool::new(false));
        let tid = &AtomicI32::new(0);
        handle_by_nothing(libc::SIGUSR2);
        thread::scope(|scope| {
            scope.spawn(|| {
                // SAFETY: takes nothing and cannot fail.
                tid.store(unsafe { libc::gettid() }, Ordering::Relaxed);
                let mut before = processor_time();
                while !is_over.load(Ordering::Relaxed) {
                    let now = processor_time();
                    let step = (now - before).as_nanos() as u64;
                    longest.fetch_max(step, Ordering::Relaxed);
                    before = now;
                }
            });
            let within = |work: &dyn Fn()| {
                longest.store(0, Ordering::Relaxed);
                work();
                longest.load(Ordering::Relaxed) as f64 / 1e3
            };
            let signal = || {
                let tid = tid.load(Ordering::Relaxed);
                // SAFETY: sends a signal that has a handler to a thread of this process.
                unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, libc::SIGUSR2) };
            };
            while tid.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            let (mut with, mut without, mut by_signal) = (Vec::new(), Vec::new(), Vec::new());
            // The first dump, in which much is prepared, is left out.
            for round in 0..=rounds {
                let start = Instant::now();
                let of_dump = within(&|| drop(contend::threads()));
                let took = start.elapsed();
                let of_none = within(&|| thread::sleep(took));
                let of_signal = within(&|| {
                    signal();
                    thread::sleep(took);
                });
                if round > 0 {
                    with.push(of_dump);
                    without.push(of_none);
                    by_signal.push(of_signal);
                }
            }
            is_over.store(true, Ordering::Relaxed);
            report.add(Row::of_value("no dump".to_owned(), "µs", without));
            let case = "a signal, handled by nothing".to_owned();
            report.add(Row::of_value(case, "µs", by_signal));
            report.add(Row::of_value("a dump".to_owned(), "µs", with));
        });
    }

    fn handle_by_nothing(signal: libc::c_int) {
        extern "C" fn nothing(_: libc::c_int) {}
        let handler = nothing as extern "C" fn(libc::c_int) as *const () as libc::sighandler_t;
        // SAFETY: the handler has the type of one, touches nothing, and lives for ever.
        let before = unsafe { libc::signal(signal, handler) };
        assert_ne!(before, libc::SIG_ERR);
    }

    /// Threads that are parked, until the program ends.
    fn park_threads(count: &mut usize, wanted: usize) {
        for number in *count..wanted {
            let park = || loop {
                thread::park();
            };
            let thread = thread::Builder::new().stack_size(64 << 10);
            let name = format!("parked-{number}");
            thread.name(name).spawn(park).expect("there is room");
        }
        *count = wanted;
        let are_parked = || {
            let threads = contend::threads();
            let named = |thread: &&contend::Thread| thread.name().starts_with("parked-");
            let parked = threads.threads().iter().filter(named);
            parked.filter(|thread| thread.state().is_blocked()).count() == wanted
        };
        while !are_parked() {
            thread::yield_now();
        }
    }

    fn dumps(options: &Options, report: &mut Report) {
        let mut count = 0;
        for wanted in THREADS {
            let name = format!("{wanted} threads");
            if !options.wants(&name) {
                continue;
            }
            report.section(&name);
            park_threads(&mut count, wanted);
            let once = |_| {
                let (time, processor) = (Instant::now(), processor_time());
                let threads = contend::threads();
                let spent = (time.elapsed(), processor_time() - processor);
                assert!(threads.threads().len() > wanted, "not all threads");
                (micros(spent.0), micros(spent.1))
            };
            let (times, processor) = (0..options.rounds(DUMPS)).map(once).unzip();
            report.add(Row::of_value("a dump, time".to_owned(), "µs", times));
            let case = "a dump, processor".to_owned();
            report.add(Row::of_value(case, "µs", processor));
            let case = "a look of the monitor, processor".to_owned();
            let look = micros(cost_of_a_look(options.rounds(LOOKS).max(2)));
            report.add(Row::of_value(case, "µs", vec![look]));
        }
    }

    /// The mean of so many.
    fn cost_of_a_look(looks: usize) -> Duration {
        let monitor = Monitor::builder().interval(TICK).history(looks);
        let monitor = monitor.stacks_every(0).start().expect("no other one runs");
        loop {
            let report = monitor.report();
            // The first look, which knows no thread yet, counts little among so many.
            if report.history().len() == looks {
                return report.cost().expect("Linux tells");
            }
            thread::sleep(TICK);
        }
    }
}

fn main() {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    linux::main();
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    println!("the live view sees threads on Linux, on x86-64");
}
