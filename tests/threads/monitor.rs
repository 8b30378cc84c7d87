//! The monitor: what it counts, what it says, and its alarms.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use contend::{Alarm, Monitor, MonitorReport, MonitorRule, ThreadCategory};

use super::{NEVER, spawn, thread_when, turn};

const TICK: Duration = Duration::from_millis(10);

/// Threads in a wait for a lock, until this is dropped.
struct Stuck {
    guard: Option<contend::sync::MutexGuard<'static, ()>>,
    threads: Vec<thread::JoinHandle<()>>,
}

fn stuck(name: &str, count: usize) -> Stuck {
    let lock: &'static contend::sync::Mutex<()> = Box::leak(Box::default());
    let guard = lock.lock().unwrap();
    let wait = |number| spawn(&format!("{name}-{number}"), || drop(lock.lock()));
    let threads = (0..count).map(wait).collect();
    for number in 0..count {
        thread_when(&format!("{name}-{number}"), |thread| {
            thread.wait().is_some()
        });
    }
    Stuck {
        guard: Some(guard),
        threads,
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.guard = None;
        self.threads
            .drain(..)
            .for_each(|thread| thread.join().unwrap());
    }
}

/// Asks until the report is as it should be.
fn report_when(monitor: &Monitor, is_there: impl Fn(&MonitorReport) -> bool) -> MonitorReport {
    loop {
        let report = monitor.report();
        if is_there(&report) {
            return report;
        }
        thread::sleep(TICK);
    }
}

fn count(report: &MonitorReport, category: ThreadCategory) -> usize {
    let mut categories = report.categories();
    categories.find(|(other, _)| *other == category).unwrap().1
}

#[test]
fn a_report_counts_threads_by_what_they_do() {
    let _turn = turn();
    let monitor = Monitor::builder()
        .interval(TICK)
        .stacks_every(1)
        .history(20);
    let monitor = monitor.start().unwrap();
    assert!(monitor.report().threads() >= 2, "the first look is over");
    let before = report_when(&monitor, |report| !report.top_stacks().is_empty());
    let stuck = stuck("mon-stuck", 12);
    let report = report_when(&monitor, |report| {
        let mut stacks = report.top_stacks().iter();
        count(report, ThreadCategory::Locks) == 12 && stacks.any(|stack| stack.threads() == 12)
    });
    assert_eq!(report.threads(), before.threads() + 12);
    let sum: usize = report.categories().map(|(_, count)| count).sum();
    let states: usize = report.states().map(|(_, count)| count).sum();
    assert_eq!((sum, states), (report.threads(), report.threads()));
    assert!(report.states().any(|state| state == ("waiting: mutex", 12)));
    assert!(report.deadlocks().is_empty());
    // More than half of the threads wait for one lock, and the report says so.
    let health = report.health();
    let mut broken = health.iter().filter(|verdict| !verdict.is_well());
    let blocked = broken
        .find(|verdict| verdict.rule().contains("wait for locks"))
        .unwrap();
    assert!(blocked.rule().contains("wait for locks"), "{health:?}");
    let waits = report.longest_waits();
    assert_eq!(waits.len(), 10, "as many as are shown");
    assert!(
        waits
            .iter()
            .all(|wait| wait.kind() == "mutex" && wait.lock() == waits[0].lock())
    );
    assert!(waits[0].waited() >= waits[9].waited());
    let text = report.to_string();
    for expected in [
        "waiting: mutex",
        "12 × mon-stuck [waiting: mutex]",
        "contend::sync::Mutex",
        "BAD  12 of ",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let later = report_when(&monitor, |later| {
        later.history().len() == 20 && later.time() > report.time()
    });
    assert!(later.longest_waits()[0].waited() > waits[0].waited());
    drop(stuck);
    report_when(&monitor, |report| {
        count(report, ThreadCategory::Locks) == 0 && report.threads() == before.threads()
    });
    assert!(monitor.report().cost().is_some_and(|cost| !cost.is_zero()));
}

/// The rule, the words and the file of an alarm.
type Told = (&'static str, String, Option<PathBuf>);

#[test]
fn alarms_call_and_leave_files() {
    let _turn = turn();
    let folder = std::env::temp_dir().join(format!("contend-monitor-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (sender, alarms) = mpsc::channel();
    let tell = |sender: &mpsc::Sender<Told>| {
        let sender = sender.clone();
        move |alarm: &Alarm| {
            assert!(!alarm.threads().threads().is_empty());
            let file = alarm.file().map(ToOwned::to_owned);
            sender
                .send((alarm.rule(), alarm.to_string(), file))
                .unwrap();
        }
    };
    let file = folder.join("{rule}-{pid}-{time}.txt");
    let monitor = Monitor::builder()
        .interval(TICK)
        .cool_down(Duration::ZERO)
        .max_files(1)
        .rule(MonitorRule::threads(3).call(|_| panic!("on purpose")))
        .rule(
            MonitorRule::wait(Duration::from_millis(50))
                .call(tell(&sender))
                .file(file.to_str().unwrap()),
        )
        .rule(MonitorRule::blocked(0.5).call(tell(&sender)))
        .start()
        .unwrap();
    let stuck = stuck("mon-alarm", 9);
    let mut seen: Vec<Told> = Vec::new();
    while seen.iter().filter(|(rule, ..)| *rule == "wait").count() < 2
        || !seen.iter().any(|(rule, ..)| *rule == "blocked")
    {
        // A panic in another rule's action has not ended the monitor.
        seen.push(alarms.recv_timeout(NEVER).unwrap());
    }
    drop(monitor);
    drop(stuck);
    let (_, message, file) = seen.iter().find(|(rule, ..)| *rule == "wait").unwrap();
    assert!(
        message.contains("in mutex 0x") && message.contains("longer than 50.0ms"),
        "{message}"
    );
    let file = file.as_ref().unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let start = format!("wait-{}-20", std::process::id());
    assert!(
        name.starts_with(&start) && name.ends_with("Z.txt"),
        "{name}"
    );
    let text = std::fs::read_to_string(file).unwrap();
    for expected in [
        "alarm at 20",
        "# Threads",
        "9 × mon-alarm",
        "Where did threads wait?",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    let files = seen.iter().filter(|(.., file)| file.is_some()).count();
    assert_eq!(files, 1, "no more than was allowed");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_action_of_a_rule_may_drop_its_monitor() {
    let _turn = turn();
    let place: Arc<std::sync::Mutex<Option<Monitor>>> = Arc::default();
    let (sender, dropped) = mpsc::channel();
    let theirs = Arc::clone(&place);
    let mut held = place.lock().unwrap();
    let monitor = Monitor::builder()
        .interval(TICK)
        .rule(MonitorRule::threads(0).call(move |_| {
            // Waits until the monitor is there.
            drop(theirs.lock().unwrap().take());
            sender.send(()).unwrap();
        }));
    *held = Some(monitor.start().unwrap());
    drop(held);
    dropped.recv_timeout(NEVER).unwrap();
}

#[test]
fn settings_out_of_range_are_errors() {
    let _turn = turn();
    let error = |builder: contend::MonitorBuilder| builder.start().unwrap_err().to_string();
    let interval = Duration::from_millis(1);
    assert!(error(Monitor::builder().interval(interval)).contains("10 ms"));
    assert!(error(Monitor::builder().history(1)).contains("2 looks"));
    let rule = MonitorRule::growth().file("/no/such/folder/x");
    assert!(error(Monitor::builder().rule(rule)).contains("no folder"));
}
