//! Timelines against the profiles, and against what the program did.
#![cfg(feature = "profiling")]

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use contend::sync::{Condvar, Mutex, RwLock, mpsc};
use contend::thread;
use contend::trace::{self, FlightRecorder, Recording, StartError};

/// The recorder and the rates are the process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: StdMutex<()> = StdMutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("contend-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Until some thread waits for a lock.
fn until_somebody_waits() {
    let is_there =
        |thread: &contend::Thread| thread.wait().is_some_and(|wait| wait.lock().is_some());
    while !contend::threads().threads().iter().any(is_there) {
        thread::yield_now();
    }
}

/// Waits of every kind.
fn wait_in_many_ways() {
    let (mutex, lock) = (Mutex::new(0_u64), RwLock::new(0_u64));
    let (sender, receiver) = mpsc::sync_channel(1);
    let (ready, condvar) = (Mutex::new(0), Condvar::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 0..400 {
                    *mutex.lock().unwrap() += 1;
                    match round % 3 {
                        0 => *lock.write().unwrap() += 1,
                        _ => drop(lock.read().unwrap()),
                    }
                }
                *ready.lock().unwrap() += 1;
                condvar.notify_all();
            });
        }
        scope.spawn(move || (0..300).for_each(|number| sender.send(number).unwrap()));
        scope.spawn(move || assert_eq!(receiver.iter().count(), 300));
        let mut ready = ready.lock().unwrap();
        while *ready < 3 {
            ready = condvar.wait(ready).unwrap();
        }
        drop(ready);
        thread::sleep(Duration::from_millis(1));
    });
}

#[test]
fn a_timeline_has_the_time_that_the_block_profile_has() {
    let _alone = alone();
    let before = contend::set_block_profile_rate(1);
    let recording = Recording::start().unwrap();
    let profile = contend::block_profile();
    wait_in_many_ways();
    let gained = contend::block_profile().since(&profile);
    let timeline = recording.finish();
    contend::set_block_profile_rate(before);
    assert_eq!(timeline.missing_events(), 0);
    assert!(timeline.waits().len() > 100);
    assert_eq!(timeline.total_wait(), gained.total_delay());
    assert_eq!(timeline.waits().len() as u64, gained.total_contentions());
    assert!(timeline.waits().all(|wait| wait.is_over()));
    let stacks = timeline.waits().filter(|wait| !wait.frames().is_empty());
    assert_eq!(stacks.count(), timeline.waits().len());
}

#[test]
fn events_of_an_earlier_recording_are_not_missing_in_a_later_one() {
    let _alone = alone();
    let log = |count: u64| (0..count).for_each(|_| trace::log("one", "event"));
    // More than the least ring has room for.
    let flight = || FlightRecorder::builder().max_bytes(1).start().unwrap();
    let first = flight();
    log(30_000);
    assert!(first.timeline().missing_events() > 0);
    drop(first);
    let second = flight();
    log(100);
    assert_eq!(second.timeline().missing_events(), 0);
    // A ring that is always on is the beginning of whatever is recorded besides.
    log(30_000);
    let beside = Recording::start().unwrap();
    log(100);
    assert_eq!(beside.finish().missing_events(), 0);
}

#[test]
fn who_waits_is_told_by_whom_it_was_woken() {
    let _alone = alone();
    let recording = Recording::start().unwrap();
    let mutex = Mutex::new(());
    thread::scope(|scope| {
        let guard = mutex.lock().unwrap();
        let waiter = contend::thread::Builder::new().name("the-waiter".into());
        let waiter = waiter.spawn_scoped(scope, || drop(mutex.lock().unwrap()));
        let waiter = waiter.unwrap();
        until_somebody_waits();
        drop(guard);
        waiter.join().unwrap();
    });
    let timeline = recording.finish();
    let of_waiter = |wait: &trace::TimelineWait<'_>| wait.thread() == "the-waiter";
    let waits: Vec<_> = timeline.waits().filter(of_waiter).collect();
    let [wait] = waits[..] else {
        panic!("{waits:?}")
    };
    assert_eq!((wait.kind(), wait.is_over()), ("mutex", true));
    assert!(wait.woken_by().is_some() && wait.wake_latency().unwrap() < wait.duration());
    let has = |frames: &[contend::Frame], name: &str| {
        frames.iter().any(|frame| frame.function().contains(name))
    };
    assert!(has(wait.frames(), "who_waits_is_told"));
    assert!(has(wait.release_frames(), "who_waits_is_told"));
}

#[test]
fn a_second_start_is_an_error() {
    let _alone = alone();
    trace::start(std::io::sink()).unwrap();
    let again = trace::start(std::io::sink());
    assert_eq!(again.unwrap_err(), StartError::AlreadyStarted);
    trace::stop().unwrap();
    trace::stop().unwrap();
    trace::start(std::io::sink()).unwrap();
    trace::stop().unwrap();
}

#[test]
fn there_may_be_eight_recordings() {
    let _alone = alone();
    let eight: Vec<_> = (0..8).map(|_| Recording::start().unwrap()).collect();
    assert_eq!(Recording::start().unwrap_err(), StartError::TooMany);
    drop(eight);
    assert!(!trace::is_enabled());
    assert!(Recording::start().is_ok());
}

#[test]
fn a_long_wait_triggers_once_in_the_cooldown_also_one_that_goes_on() {
    let _alone = alone();
    let folder = folder("flight");
    let recorder = FlightRecorder::builder()
        .on_wait(Duration::from_millis(20))
        .tail(Duration::ZERO)
        .files_in(&folder)
        .start()
        .unwrap();
    // It waits for work, and not for a lock.
    contend::blocking("work", || thread::sleep(Duration::from_millis(150)));
    assert_eq!(recorder.files().len(), 0);
    let mutex = Mutex::new(());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let guard = mutex.lock().unwrap();
        scope.spawn(|| {
            drop(mutex.lock().unwrap());
            is_over.store(true, Ordering::Relaxed);
        });
        while recorder.files().is_empty() {
            thread::yield_now();
        }
        assert!(!is_over.load(Ordering::Relaxed), "it goes on");
        drop(guard);
    });
    assert!(!recorder.trigger("by hand"), "too soon");
    let files = recorder.files();
    let [file] = &files[..] else {
        panic!("{files:?}")
    };
    assert!(file.to_str().unwrap().contains("wait-of-"), "{file:?}");
    assert!(fs::read(file).unwrap().starts_with(b"go 1.23 trace"));
    drop(recorder);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_call_triggers_and_old_files_make_room() {
    let _alone = alone();
    let folder = folder("flight-call");
    let recorder = FlightRecorder::builder()
        .tail(Duration::ZERO)
        .cooldown(Duration::ZERO)
        .max_files(2)
        .files_in(&folder)
        .start()
        .unwrap();
    let mut last = None;
    for round in 0..4 {
        while !recorder.trigger(format!("round/{round}")) {
            thread::yield_now();
        }
        while recorder.files().last() == last.as_ref() {
            thread::yield_now();
        }
        last = recorder.files().last().cloned();
    }
    let names: Vec<String> = recorder
        .files()
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(
        names[0].ends_with("round-2.trace") && names[1].ends_with("round-3.trace"),
        "{names:?}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    drop(recorder);
    fs::remove_dir_all(folder).unwrap();
}

/// A writer in which the recorder is asked again.
struct Asks<'r>(&'r FlightRecorder, Option<ErrorKind>);

impl std::io::Write for Asks<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1 = self
            .0
            .write_to(std::io::sink())
            .err()
            .map(|error| error.kind());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn two_writes_at_once_are_an_error_and_a_recorder_keeps_its_age() {
    let _alone = alone();
    let recorder = FlightRecorder::builder()
        .min_age(Duration::from_millis(50))
        .start()
        .unwrap();
    assert!(!recorder.trigger("there is no folder"));
    let mut asks = Asks(&recorder, None);
    recorder.write_to(&mut asks).unwrap();
    assert_eq!(asks.1, Some(ErrorKind::WouldBlock));
    thread::sleep(Duration::from_millis(60));
    thread::sleep(Duration::from_millis(1));
    let timeline = recorder.timeline();
    // The first sleep began before, and ended in it.
    assert!(timeline.waits().len() >= 2);
    thread::sleep(Duration::from_millis(60));
    let timeline = recorder.timeline();
    let short = |wait: &trace::TimelineWait<'_>| wait.duration() < Duration::from_millis(30);
    let old = timeline
        .waits()
        .filter(|wait| wait.kind() == "sleep")
        .filter(short);
    assert_eq!(old.count(), 0, "it is too old");
}

#[cfg(unix)]
#[test]
fn a_signal_triggers_and_one_with_a_handler_is_refused() {
    let _alone = alone();
    let folder = folder("flight-signal");
    let builder = FlightRecorder::builder().on_signal(libc::SIGUSR2);
    let builder = builder.tail(Duration::ZERO).files_in(&folder);
    let recorder = builder.clone().start().unwrap();
    let refused = builder.start().unwrap_err();
    assert_eq!(refused, StartError::SignalTaken(libc::SIGUSR2));
    while recorder.files().is_empty() {
        // SAFETY: the recorder handles the signal.
        unsafe { libc::raise(libc::SIGUSR2) };
        thread::yield_now();
    }
    drop(recorder);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_begun_before_a_recording_ends_quietly() {
    let _alone = alone();
    let (task, region) = (trace::task("early"), trace::region("early"));
    let recording = Recording::start().unwrap();
    let inner = task.enter();
    trace::log("kind", "text");
    drop((inner, region));
    drop(task);
    let mut file = Vec::new();
    recording.finish().write_go(&mut file).unwrap();
    assert!(file.starts_with(b"go 1.23 trace"));
}

#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
#[test]
fn an_alarm_of_a_monitor_triggers() {
    let _alone = alone();
    let folder = folder("flight-alarm");
    let recorder = FlightRecorder::builder()
        .on_alarm()
        .tail(Duration::ZERO)
        .files_in(&folder)
        .start()
        .unwrap();
    let monitor = contend::Monitor::builder()
        .interval(Duration::from_millis(10))
        // There is one thread at least.
        .rule(contend::MonitorRule::threads(0).call(|_| ()))
        .start()
        .unwrap();
    while recorder.files().is_empty() {
        thread::yield_now();
    }
    let name = recorder.files()[0].display().to_string();
    assert!(name.contains("alarm"), "{name}");
    drop((monitor, recorder));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_a_thread_does_while_it_is_torn_down_is_there() {
    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            let _region = trace::region("last");
            thread::sleep(Duration::from_micros(10));
            trace::log("last", "words");
        }
    }

    thread_local! {
        static LAST: Last = const { Last };
    }

    let _alone = alone();
    let recording = Recording::start().unwrap();
    std::thread::spawn(|| LAST.with(|_| ())).join().unwrap();
    let timeline = recording.finish();
    let told = format!("{timeline:?}");
    assert!(
        told.contains("words") && told.contains("name: \"last\""),
        "{told}"
    );
    assert!(timeline.waits().any(|wait| wait.kind() == "sleep"));
}

/// A handler comes in the middle of events that are being recorded, and records events.
#[cfg(target_os = "linux")]
#[test]
fn events_of_a_signal_handler_are_there_or_counted() {
    use std::sync::atomic::AtomicUsize;

    const SIGNALS: usize = 2_000;
    static HANDLED: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn handle(_: libc::c_int) {
        HANDLED.fetch_add(1, Ordering::Relaxed);
        trace::log("handler", "of a signal");
    }

    let _alone = alone();
    let recording = Recording::start().unwrap();
    // SAFETY: the handler takes a number, and uses atomics and thread-locals without destructors.
    let before =
        unsafe { libc::signal(libc::SIGUSR1, handle as extern "C" fn(libc::c_int) as usize) };
    // SAFETY: has no preconditions.
    let this = unsafe { libc::pthread_self() };
    let mut own = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while HANDLED.load(Ordering::Relaxed) < SIGNALS {
                // SAFETY: the thread waits for this one at the end of the scope.
                unsafe { libc::pthread_kill(this, libc::SIGUSR1) };
                std::thread::yield_now();
            }
        });
        while HANDLED.load(Ordering::Relaxed) < SIGNALS {
            own += 1;
            trace::log("thread", "its own");
        }
    });
    // SAFETY: gives back what was there.
    unsafe { libc::signal(libc::SIGUSR1, before) };
    let timeline = recording.finish();
    let told = format!("{timeline:?}");
    let handled = HANDLED.load(Ordering::Relaxed);
    let there = told.matches("\"of a signal\"").count() + told.matches("\"its own\"").count();
    assert_eq!(there + timeline.missing_events() as usize, handled + own);
}

/// Threads record while the process forks. The child records nothing of theirs, and then its own.
#[cfg(target_os = "linux")]
#[test]
fn a_child_of_fork_records_for_itself() {
    let _alone = alone();
    let recording = Recording::start().unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    trace::log("parent", "of the parent");
                }
            });
        }
        for _ in 0..20 {
            // SAFETY: the child uses what is tested and ends by `_exit`; the alarm ends it if it
            // hangs.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: sets a timer, whose signal kills the child.
                unsafe { libc::alarm(60) };
                let lived = std::panic::catch_unwind(|| {
                    assert!(!trace::is_enabled());
                    let recording = Recording::start().unwrap();
                    trace::log("child", "of the child");
                    let timeline = recording.finish();
                    let told = format!("{timeline:?}");
                    assert_eq!(told.matches("of the child").count(), 1);
                    assert!(!told.contains("of the parent"));
                    assert_eq!(timeline.missing_events(), 0);
                });
                // SAFETY: ends the process at once, which is what is wanted.
                unsafe { libc::_exit(i32::from(lived.is_err())) }
            }
            let mut status = -1;
            // SAFETY: our own child, waited for once; the status goes to a live local.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(format!("{:?}", recording.finish()).contains("of the parent"));
}
