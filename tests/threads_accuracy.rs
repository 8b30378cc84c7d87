//! The words of a dump on fifty threads in each kind of waiting, next to what the test knows.
//!
//! The test knows more than bounds for an idle machine: a wait began after its thread said so, and
//! before the end of the first dump that showed it. Between these two and the two ends of the last
//! dump the time lies that it shows. Threads that sleep stay when a test is over: so this is a
//! program of its own.
#![cfg(all(
    feature = "profiling",
    feature = "framehop",
    target_os = "linux",
    target_arch = "x86_64"
))]

#[path = "common/live.rs"]
mod common;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use contend::{Thread, ThreadState, Threads, sync};

use common::{Keeper, NEVER, spawn, turn};

const WAITERS: usize = 50;

/// The threads that wait, and when each of them began to.
struct Waiters {
    group: usize,
    threads: Vec<thread::JoinHandle<()>>,
    begun: Arc<Mutex<Vec<Option<Instant>>>>,
}

impl Waiters {
    /// Each calls `wait` with its number, and what it is to call last before it waits.
    fn new(wait: impl Fn(usize, &dyn Fn()) + Send + Sync + 'static) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let group = NEXT.fetch_add(1, Ordering::Relaxed);
        let begun = Arc::new(Mutex::new(vec![None; WAITERS]));
        let wait = Arc::new(wait);
        let threads = (0..WAITERS).map(|number| {
            let (begun, wait) = (Arc::clone(&begun), Arc::clone(&wait));
            spawn(&name(group, number), move || {
                wait(number, &|| {
                    begun.lock().unwrap()[number] = Some(Instant::now());
                });
            })
        });
        Self {
            group,
            threads: threads.collect(),
            begun,
        }
    }

    fn find<'t>(&self, threads: &'t Threads, number: usize) -> Option<&'t Thread> {
        let name = name(self.group, number);
        let mut threads = threads.threads().iter();
        threads.find(|thread| thread.name() == name)
    }

    fn join(self) {
        let threads = self.threads.into_iter();
        threads.for_each(|thread| thread.join().unwrap());
    }
}

/// Sleepers sleep on when their test is over, so each group has names of its own.
fn name(group: usize, number: usize) -> String {
    format!("group-{group}-{number}")
}

/// The threads that have what the waiters wait for.
enum Holders {
    Nobody,
    /// A thread of the name `keeper`: since then, and surely or as a guess.
    Keeper(Instant, bool),
    /// For each waiter a thread of this name and the waiter's number.
    Each(&'static str),
}

/// The facts that hold for all waiters.
struct Truth {
    kind: &'static str,
    /// Where the lock is.
    lock: Option<Range<u64>>,
    holders: Holders,
}

impl Truth {
    fn of_nobody(kind: &'static str) -> Self {
        Self {
            kind,
            lock: None,
            holders: Holders::Nobody,
        }
    }

    fn of_keeper<L>(kind: &'static str, lock: &Arc<L>, since: Instant, is_certain: bool) -> Self {
        let address = Arc::as_ptr(lock).addr() as u64;
        Self {
            kind,
            lock: Some(address..address + size_of::<L>() as u64),
            holders: Holders::Keeper(since, is_certain),
        }
    }

    /// Compares a dump with it. Returns by how much the time that the dump shows may be wrong at
    /// most, as the test knows it.
    fn check(&self, waiters: &Waiters) -> Duration {
        let seen = self.all_seen(waiters);
        let begun = waiters.begun.lock().unwrap().clone();
        // Time passes, so that a wait that is dated from the dump would be found out.
        thread::sleep(Duration::from_millis(20));
        let before = Instant::now();
        let threads = contend::threads();
        let after = Instant::now();
        let mut widest = Duration::ZERO;
        for (number, (begun, seen)) in begun.into_iter().zip(seen).enumerate() {
            let thread = waiters
                .find(&threads, number)
                .unwrap_or_else(|| panic!("{number}:\n{threads}"));
            assert_eq!(*thread.state(), ThreadState::Waiting(self.kind));
            assert_eq!(thread.note(), None, "{:#?}", thread.frames());
            let wait = thread.wait().unwrap();
            assert_eq!(wait.is_timed(), self.kind == "sleep");
            let begun = begun.unwrap();
            let range = before - seen..=after - begun;
            let waited = wait.waited();
            assert!(
                *range.start() <= waited && waited <= *range.end(),
                "{}: {waited:?} is not in {range:?}",
                self.kind
            );
            widest = widest.max(range.end().abs_diff(waited));
            match (&self.lock, wait.lock()) {
                (Some(lock), Some(address)) => assert!(lock.contains(&address), "{}", self.kind),
                (None, None) => {}
                (_, found) => panic!("{}: lock {found:?}", self.kind),
            }
            self.check_holders(number, wait, after);
        }
        widest
    }

    fn check_holders(&self, number: usize, wait: &contend::WaitInProgress, after: Instant) {
        let holders = wait.holders();
        let names: Vec<_> = holders.iter().map(|holder| holder.name()).collect();
        match self.holders {
            Holders::Nobody => assert!(names.is_empty(), "{}: {names:?}", self.kind),
            // Readers are a guess, by the words in the stacks: `holders.rs` has a lock for which
            // there is no doubt.
            Holders::Keeper(_, false) => {
                let mut holders = holders.iter();
                assert!(holders.all(|holder| !holder.is_certain()), "{names:?}");
            }
            Holders::Keeper(since, true) => {
                assert_eq!(names, ["keeper"], "{}", self.kind);
                assert!(holders[0].is_certain(), "{}", self.kind);
                let held = holders[0].held_for_at_least().unwrap();
                assert!(held >= wait.waited(), "{held:?} of {:?}", wait.waited());
                assert!(held <= after - since, "{held:?}");
            }
            Holders::Each(name) => {
                assert_eq!(names, [format!("{name}-{number}")], "{}", self.kind);
                assert!(holders[0].is_certain());
            }
        }
    }

    /// Dumps until each waiter was seen in its wait: the ends of the first dumps that showed them.
    fn all_seen(&self, waiters: &Waiters) -> Vec<Instant> {
        let start = Instant::now();
        let mut seen = vec![None; WAITERS];
        loop {
            let threads = contend::threads();
            let now = Instant::now();
            for (number, seen) in seen.iter_mut().enumerate() {
                let thread = waiters.find(&threads, number);
                let waits = thread.is_some_and(|thread| {
                    let wait = thread.wait();
                    wait.is_some_and(|wait| wait.kind() == self.kind)
                });
                if waits {
                    seen.get_or_insert(now);
                }
            }
            if let Some(seen) = seen.iter().copied().collect() {
                return seen;
            }
            assert!(start.elapsed() < NEVER / 6, "{}:\n{threads}", self.kind);
        }
    }
}

/// Lets the waiters wait for a lock that a keeper holds.
fn at_lock<L: Send + Sync + 'static>(
    kind: &'static str,
    is_certain: bool,
    lock: L,
    hold: fn(&L, &dyn Fn()),
    wait: fn(&L),
) -> Duration {
    let lock = Arc::new(lock);
    let since = Instant::now();
    let theirs = Arc::clone(&lock);
    let keeper = Keeper::new("keeper", move |keep| hold(&theirs, keep));
    let theirs = Arc::clone(&lock);
    let waiters = Waiters::new(move |_, begin| {
        begin();
        wait(&theirs);
    });
    let widest = Truth::of_keeper(kind, &lock, since, is_certain).check(&waiters);
    keeper.end();
    waiters.join();
    widest
}

/// Lets them wait for something without a holder, until `end`.
fn at_nothing(
    kind: &'static str,
    wait: impl Fn(usize, &dyn Fn()) + Send + Sync + 'static,
    end: impl FnOnce(&[thread::JoinHandle<()>]),
) -> Duration {
    let waiters = Waiters::new(wait);
    let widest = Truth::of_nobody(kind).check(&waiters);
    end(&waiters.threads);
    waiters.join();
    widest
}

fn at_locks() -> Vec<(&'static str, Duration)> {
    use sync::{Mutex, Once, RwLock};
    let write = |lock: &RwLock<u64>, keep: &dyn Fn()| {
        let _guard = lock.write().unwrap();
        keep();
    };
    let read = |lock: &RwLock<u64>, keep: &dyn Fn()| {
        let guard = lock.read().unwrap();
        keep();
        assert_eq!(*guard, 1);
    };
    let lock = |lock: &Mutex<u64>, keep: &dyn Fn()| {
        let _guard = lock.lock().unwrap();
        keep();
    };
    let to_lock = |lock: &Mutex<u64>| drop(lock.lock().unwrap());
    let to_read = |lock: &RwLock<u64>| drop(lock.read().unwrap());
    let to_write = |lock: &RwLock<u64>| drop(lock.write().unwrap());
    let run = |once: &Once, keep: &dyn Fn()| once.call_once(keep);
    let to_run = |once: &Once| once.call_once(|| unreachable!());
    let new = || RwLock::new(1);
    vec![
        (
            "mutex",
            at_lock("mutex", true, Mutex::new(1), lock, to_lock),
        ),
        ("read", at_lock("rwlock_read", true, new(), write, to_read)),
        (
            "write",
            at_lock("rwlock_write", true, new(), write, to_write),
        ),
        (
            "write behind a reader",
            at_lock("rwlock_write", false, new(), read, to_write),
        ),
        ("once", at_lock("once", true, Once::new(), run, to_run)),
    ]
}

/// Conditions, channels, barriers, parked threads.
fn at_signals() -> Vec<(&'static str, Duration)> {
    let pair = Arc::new((sync::Mutex::new(false), sync::Condvar::new()));
    let theirs = Arc::clone(&pair);
    let condvar = at_nothing(
        "condvar",
        move |_, begin| {
            let mut is_over = theirs.0.lock().unwrap();
            begin();
            while !*is_over {
                is_over = theirs.1.wait(is_over).unwrap();
            }
        },
        |_| {
            *pair.0.lock().unwrap() = true;
            pair.1.notify_all();
        },
    );
    let (sender, receiver) = sync::mpsc::sync_channel::<()>(0);
    let send = at_nothing(
        "chan_send",
        move |_, begin| {
            begin();
            assert!(sender.send(()).is_err());
        },
        |_| drop(receiver),
    );
    let (ends, channels): (Vec<_>, Vec<_>) =
        (0..WAITERS).map(|_| sync::mpsc::channel::<()>()).unzip();
    let channels: Vec<_> = channels
        .into_iter()
        .map(|channel| Mutex::new(Some(channel)))
        .collect();
    let receive = at_nothing(
        "chan_recv",
        move |number, begin| {
            let receiver = channels[number].lock().unwrap().take().unwrap();
            begin();
            assert!(receiver.recv().is_err());
        },
        |_| drop(ends),
    );
    let barrier = Arc::new(sync::Barrier::new(WAITERS + 1));
    let theirs = Arc::clone(&barrier);
    let at_barrier = at_nothing(
        "barrier",
        move |_, begin| {
            begin();
            theirs.wait();
        },
        |_| {
            barrier.wait();
        },
    );
    let (over, is_over) = mpsc::channel::<()>();
    let is_over = Mutex::new(is_over);
    let parked = at_nothing(
        "park",
        move |_, begin| {
            begin();
            loop {
                contend::thread::park();
                let is_over = is_over.lock().unwrap();
                if is_over.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
                    break;
                }
            }
        },
        |threads| {
            drop(over);
            threads.iter().for_each(|thread| thread.thread().unpark());
        },
    );
    vec![
        ("condition", condvar),
        ("send", send),
        ("receive", receive),
        ("barrier", at_barrier),
        ("park", parked),
    ]
}

#[cfg(feature = "crossbeam-channel")]
fn at_selection() -> Duration {
    use contend::crossbeam_channel::{Select, unbounded};
    let (sender, receiver) = unbounded::<()>();
    at_nothing(
        "select",
        move |_, begin| {
            let mut select = Select::new();
            select.recv(&receiver);
            begin();
            assert!(select.select().recv(&receiver).is_err());
        },
        |_| drop(sender),
    )
}

/// Each waiter waits for the end of a thread of its own, which `wait` starts.
fn at_end_of_thread(wait: fn(usize, &Until, &dyn Fn())) -> Duration {
    let (end, until) = mpsc::channel();
    let until = Until(Arc::new(Mutex::new(until)));
    let waiters = Waiters::new(move |number, begin| wait(number, &until, begin));
    let truth = Truth {
        holders: Holders::Each("awaited"),
        ..Truth::of_nobody("join")
    };
    let widest = truth.check(&waiters);
    drop(end);
    waiters.join();
    widest
}

#[derive(Clone)]
struct Until(Arc<Mutex<mpsc::Receiver<()>>>);

impl Until {
    fn wait(&self) {
        assert!(self.0.lock().unwrap().recv().is_err());
    }
}

fn awaited(number: usize) -> contend::thread::Builder {
    let builder = contend::thread::Builder::new();
    builder.name(format!("awaited-{number}"))
}

fn at_ends_of_threads() -> [(&'static str, Duration); 2] {
    let joined = at_end_of_thread(|number, until, begin| {
        let until = until.clone();
        let thread = awaited(number).spawn(move || until.wait()).unwrap();
        begin();
        thread.join().unwrap();
    });
    let scopes = at_end_of_thread(|number, until, begin| {
        contend::thread::scope(|scope| {
            let wait = || until.wait();
            awaited(number).spawn_scoped(scope, wait).unwrap();
            begin();
        });
    });
    [("join", joined), ("end of a scope", scopes)]
}

fn asleep() -> Duration {
    let waiters = Waiters::new(|_, begin| {
        begin();
        contend::thread::sleep(NEVER);
    });
    Truth::of_nobody("sleep").check(&waiters)
}

/// Each kind once: by how much the times that dumps show may be wrong at most.
fn round() -> Vec<(&'static str, Duration)> {
    let mut found = at_locks();
    found.extend(at_signals());
    #[cfg(feature = "crossbeam-channel")]
    found.push(("select", at_selection()));
    found.extend(at_ends_of_threads());
    found.push(("sleep", asleep()));
    found
}

#[test]
fn fifty_threads_in_each_kind_of_waiting() {
    let _turn = turn();
    round();
}

#[test]
#[ignore = "ten rounds of fifty_threads_in_each_kind_of_waiting, which prints how far times may be off: cargo test --all-features --test threads_accuracy ten_rounds -- --ignored --nocapture"]
fn fifty_threads_in_each_kind_of_waiting_in_ten_rounds() {
    let _turn = turn();
    let mut rounds: Vec<_> = (0..10).map(|_| round()).collect();
    let mut widest = rounds.pop().unwrap();
    for (kind, time) in rounds.into_iter().flatten() {
        let of_kind = widest.iter_mut().find(|(other, _)| *other == kind);
        let of_kind = of_kind.unwrap();
        of_kind.1 = of_kind.1.max(time);
    }
    for (kind, time) in widest {
        println!("{kind}: at most {time:?}");
    }
}
