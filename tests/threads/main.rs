//! The live view: every thread, what it does, and where.
#![cfg(all(
    feature = "profiling",
    feature = "framehop",
    target_os = "linux",
    target_arch = "x86_64"
))]

mod accounting;
#[path = "../common/live.rs"]
mod common;
mod hidden;
mod holders;
mod in_progress;
mod monitor;
mod sandboxed;

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{self, Arc, mpsc};
use std::thread;

use common::{NEVER, has_function, spawn, thread_when, turn};
use contend::{ThreadState, Threads};

/// Runs `wait` on a thread until `check` has seen it, then ends the wait with `end`.
fn check_wait(
    name: &str,
    state: ThreadState,
    function: &str,
    wait: impl FnOnce() + Send + 'static,
    end: impl FnOnce(),
) {
    let waiter = spawn(name, wait);
    let thread = thread_when(name, |thread| {
        *thread.state() == state && has_function(thread, function)
    });
    assert!(
        has_function(&thread, "threads::"),
        "no caller: {:#?}",
        thread.frames()
    );
    assert_eq!(thread.note(), None, "{:#?}", thread.frames());
    assert!(thread.cpu_time().is_some());
    end();
    waiter.join().unwrap();
}

#[test]
fn waits_of_our_types_have_their_kind_lock_and_wrapper() {
    let _turn = turn();
    let lock = Arc::new(contend::sync::Mutex::new(()));
    let guard = lock.lock().unwrap();
    let theirs = Arc::clone(&lock);
    let waiter = spawn("our-mutex", move || drop(theirs.lock()));
    let thread = thread_when("our-mutex", |thread| thread.wait().is_some());
    let wait = thread.wait().unwrap();
    assert_eq!(wait.kind(), "mutex");
    assert_eq!(*thread.state(), ThreadState::Waiting("mutex"));
    let address = wait.lock().unwrap();
    let range = Arc::as_ptr(&lock).addr() as u64;
    assert!((range..range + 64).contains(&address), "not this lock");
    let leaf = thread.frames()[0].function();
    assert!(leaf.starts_with("contend::sync::Mutex"), "{leaf}");
    assert!(has_function(&thread, "threads::"));
    let later = thread_when("our-mutex", |thread| {
        thread
            .wait()
            .is_some_and(|later| later.waited() > wait.waited())
    });
    assert_eq!(later.wait().unwrap().lock(), Some(address));
    drop(guard);
    waiter.join().unwrap();
}

/// Park has its frame by a frame pointer, which the kernel does not tell; and where it was called
/// by a register, as in an optimised `loop { park() }`, its caller cannot be told from the code.
#[test]
fn a_thread_that_sleeps_is_not_woken_by_a_dump() {
    #[inline(never)]
    fn sleep_by(call: fn(), until: &AtomicBool) {
        while !until.load(Ordering::Acquire) {
            call();
        }
    }
    let _turn = turn();
    let is_over = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&is_over);
    let sleeper = spawn("sleeper", move || {
        sleep_by(std::hint::black_box(thread::park), &theirs);
    });
    thread_when("sleeper", |thread| {
        *thread.state() == ThreadState::Futex && has_function(thread, "sleep_by")
    });
    let first = thread_when("sleeper", |_| true);
    for _ in 0..20 {
        let again = thread_when("sleeper", |_| true);
        assert_eq!(again.voluntary_switches(), first.voluntary_switches());
        let names = |thread: &contend::Thread| {
            let frames = thread.frames().iter();
            frames
                .map(|frame| frame.function().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&again), names(&first));
    }
    is_over.store(true, Ordering::Release);
    sleeper.thread().unpark();
    sleeper.join().unwrap();
}

#[test]
fn locks_that_nobody_swapped_are_futex_waits() {
    let _turn = turn();
    let lock = Arc::new(sync::Mutex::new(()));
    let guard = lock.lock().unwrap();
    let theirs = Arc::clone(&lock);
    check_wait(
        "std-mutex",
        ThreadState::Futex,
        "Mutex",
        move || drop(theirs.lock()),
        || drop(guard),
    );
    let lock = Arc::new(sync::RwLock::new(()));
    let guard = lock.write().unwrap();
    let theirs = Arc::clone(&lock);
    check_wait(
        "std-rwlock",
        ThreadState::Futex,
        "RwLock",
        move || drop(theirs.read()),
        || drop(guard),
    );
    let (sender, receiver) = mpsc::channel::<()>();
    check_wait(
        "std-recv",
        ThreadState::Futex,
        "Receiver",
        move || assert!(receiver.recv().is_err()),
        || drop(sender),
    );
    let (sender, receiver) = mpsc::channel::<()>();
    let inner = spawn("inner", move || assert!(receiver.recv().is_err()));
    check_wait(
        "std-join",
        ThreadState::Futex,
        "JoinHandle",
        move || inner.join().unwrap(),
        || drop(sender),
    );
}

#[test]
fn sleeping_parking_and_waiting_for_a_condition() {
    let _turn = turn();
    let pair = Arc::new((sync::Mutex::new(false), sync::Condvar::new()));
    let theirs = Arc::clone(&pair);
    check_wait(
        "std-condvar",
        ThreadState::Futex,
        "Condvar",
        move || {
            let is_set = theirs.0.lock().unwrap();
            drop(theirs.1.wait_while(is_set, |is_set| !*is_set).unwrap());
        },
        || {
            *pair.0.lock().unwrap() = true;
            pair.1.notify_all();
        },
    );
    let is_done = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&is_done);
    let parked = spawn("std-park", move || {
        while !theirs.load(Ordering::Relaxed) {
            thread::park();
        }
    });
    thread_when("std-park", |thread| {
        *thread.state() == ThreadState::Futex && has_function(thread, "park")
    });
    is_done.store(true, Ordering::Relaxed);
    parked.thread().unpark();
    parked.join().unwrap();
    // It cannot be ended: it sleeps on when the test is over.
    spawn("std-sleep", || thread::sleep(NEVER));
    let thread = thread_when("std-sleep", |thread| *thread.state() == ThreadState::Sleep);
    assert!(has_function(&thread, "sleep"), "{:#?}", thread.frames());
}

#[test]
fn input_output_and_child_processes() {
    let _turn = turn();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = spawn("accept", move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 0);
    });
    thread_when("accept", |thread| {
        *thread.state() == ThreadState::IoWait && has_function(thread, "accept")
    });
    let stream = TcpStream::connect(address).unwrap();
    thread_when("accept", |thread| {
        *thread.state() == ThreadState::IoWait && has_function(thread, "read")
    });
    drop(stream);
    accepting.join().unwrap();

    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let input = child.stdin.take();
    let waiting = spawn("child", move || assert!(child.wait().unwrap().success()));
    let thread = thread_when(
        "child",
        |thread| matches!(thread.state(), ThreadState::SystemCall(name) if name.starts_with("wait")),
    );
    assert_eq!(thread.state().to_string(), "system call: wait4");
    drop(input);
    waiting.join().unwrap();
}

#[inline(never)]
fn compute_until(is_done: &AtomicBool) {
    while !is_done.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

#[test]
fn threads_that_run_answer_with_their_stack() {
    let _turn = turn();
    let is_done = Arc::new(AtomicBool::new(false));
    let runners: Vec<_> = (0..3)
        .map(|number| {
            let is_done = Arc::clone(&is_done);
            spawn(&format!("runner-{number}"), move || compute_until(&is_done))
        })
        .collect();
    for number in 0..3 {
        let thread = thread_when(&format!("runner-{number}"), |thread| {
            has_function(thread, "compute_until")
        });
        assert!(!thread.state().is_blocked(), "{}", thread.state());
    }
    is_done.store(true, Ordering::Relaxed);
    runners
        .into_iter()
        .for_each(|runner| runner.join().unwrap());
}

#[test]
fn the_dumper_is_there_once_with_its_callers() {
    let _turn = turn();
    let threads = contend::threads();
    let dumpers = threads.threads().iter().filter(|thread| thread.is_dumper());
    let dumpers: Vec<_> = dumpers.collect();
    assert_eq!(dumpers.len(), 1);
    let leaf = dumpers[0].frames()[0].function();
    assert!(leaf.ends_with("::threads"), "{leaf}");
    assert!(has_function(dumpers[0], "the_dumper_is_there_once"));
    assert_eq!(*dumpers[0].state(), ThreadState::Running);
}

/// A blocked read with a time-out returns an error to its caller when a signal comes.
#[test]
fn dumps_do_not_interrupt_calls() {
    let _turn = turn();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let reading = spawn("reader", move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(NEVER)).unwrap();
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 0, "interrupted");
    });
    let stream = TcpStream::connect(address).unwrap();
    thread_when("reader", |thread| has_function(thread, "read"));
    for _ in 0..1000 {
        drop(contend::threads());
    }
    drop(stream);
    reading.join().unwrap();
}

#[test]
fn threads_come_and_go_during_dumps() {
    let _turn = turn();
    let is_done = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&is_done);
    let churn = spawn("churn", move || {
        while !theirs.load(Ordering::Relaxed) {
            let threads: Vec<_> = (0..8).map(|_| thread::spawn(thread::yield_now)).collect();
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        }
    });
    // It takes its name when it runs for the first time.
    thread_when("churn", |_| true);
    for _ in 0..200 {
        let threads = contend::threads();
        // Its children have its name until they have one of their own.
        let mut threads = threads.threads().iter();
        assert!(threads.any(|thread| thread.name() == "churn"));
    }
    is_done.store(true, Ordering::Relaxed);
    churn.join().unwrap();
}

/// A block of `goroutine?debug=2`, by the rules that gostackparse has published.
struct Goroutine {
    id: u64,
    state: String,
    functions: Vec<String>,
}

fn parse(text: &str) -> Vec<Goroutine> {
    let mut goroutines = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(header) = line.strip_prefix("goroutine ") else {
            assert!(line.is_empty() || line.starts_with('#'), "{line}");
            continue;
        };
        let (id, rest) = header.split_once(" [").unwrap();
        let state = rest.strip_suffix("]:").unwrap();
        let (state, minutes) = state.split_once(", ").unwrap_or((state, "1 minutes"));
        minutes
            .strip_suffix(" minutes")
            .unwrap()
            .parse::<u64>()
            .unwrap();
        let mut functions = Vec::new();
        while let Some(function) = lines.next().filter(|line| !line.is_empty()) {
            let name = function.strip_suffix("(...)").unwrap();
            assert!(!name.contains(['(', ')']), "{name}");
            functions.push(name.to_owned());
            let file = lines.next().unwrap().strip_prefix('\t').unwrap();
            let (path, line) = file.rsplit_once(':').unwrap();
            assert!(!path.contains(':'), "{path}");
            line.parse::<u64>().unwrap();
        }
        assert!(!functions.is_empty());
        goroutines.push(Goroutine {
            id: id.parse().unwrap(),
            state: state.to_owned(),
            functions,
        });
    }
    goroutines
}

fn stacks(threads: &Threads) -> String {
    let mut text = Vec::new();
    threads.write_stacks(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn stacks_are_read_by_gos_parsers() {
    let _turn = turn();
    let lock = Arc::new(contend::sync::Mutex::new(()));
    let guard = lock.lock().unwrap();
    let theirs = Arc::clone(&lock);
    let tuple: (Box<dyn Fn(u8) -> u8 + Send>, u8) = (Box::new(|byte| byte), 1);
    let waiter = spawn("go-mutex", move || {
        with_tuple(tuple, |_| drop(theirs.lock()))
    });
    let thread = thread_when("go-mutex", |thread| thread.wait().is_some());
    let threads = contend::threads();
    let goroutines = parse(&stacks(&threads));
    assert_eq!(goroutines.len(), threads.threads().len());
    let found = goroutines
        .iter()
        .find(|goroutine| goroutine.id == u64::from(thread.tid()))
        .unwrap();
    assert_eq!(found.state, "sync.Mutex.Lock");
    assert!(
        found.functions[0].contains("Mutex"),
        "{:?}",
        found.functions
    );
    let mut text = Vec::new();
    threads.write_text(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let total = format!("goroutine profile: total {}\n", threads.threads().len());
    assert!(text.starts_with(&total));
    assert!(text.contains("\"state\":\"sync.Mutex.Lock\""));
    drop(guard);
    waiter.join().unwrap();
}

#[inline(never)]
fn with_tuple<A, F: FnOnce(A)>(argument: A, function: F) {
    function(argument);
    std::hint::black_box(());
}
