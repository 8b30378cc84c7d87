//! Waits begun = recorded + lost + in progress, at any moment: counted by the tests, and looked up
//! in the profiles and in the engine's ledger.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::{in_child, profile_everything, release_when_asleep};
use contend::bench_support::{Ledger, ledger, waits_in_progress};
use contend::sync::{Condvar, Mutex, Once, RwLock, mpsc};

/// The test's own books. There is one of them at a time.
struct Truth {
    begun: u64,
    /// The waits for a lock among these: the mutex profile has them too.
    contentions: u64,
    at_start: Ledger,
    in_progress_at_start: usize,
}

impl Truth {
    /// Profiles are empty, and nothing is lost.
    fn new() -> Self {
        contend::reset();
        Self {
            begun: 0,
            contentions: 0,
            at_start: ledger(),
            in_progress_at_start: waits_in_progress(),
        }
    }

    /// Nobody records right now.
    ///
    /// A contention that is owed to a release may be recorded by any look at the mutex profile, as
    /// nobody's. So the ledger is read after that.
    #[track_caller]
    fn check(&self, waits: usize, waits_for_locks: u64) {
        let (block, mutex) = (contend::block_profile(), contend::mutex_profile());
        let lost = block.lost();
        let in_progress = waits_in_progress() - self.in_progress_at_start;
        assert_eq!(in_progress, waits);
        let missing_in_block = self.begun - block.total_contentions() - in_progress as u64;
        assert_eq!(missing_in_block, lost.reentrant, "{block}");

        let book = ledger();
        assert_eq!(book.missing(), 0.0, "{book:?}");
        assert_eq!(in_the_recorder(&book, &self.at_start), 0.0, "{book:?}");
        let since = |field: fn(&Ledger) -> f64| (field(&book) - field(&self.at_start)) as u64;
        assert_eq!(
            since(|book| book.begun) + lost.lock_table_full,
            self.contentions
        );
        assert_eq!(since(|book| book.waiting), waits_for_locks);
        let recorded = mutex.total_contentions();
        assert_eq!(since(|book| book.recorded), recorded);
        assert_eq!(
            recorded + lost.lock_table_full + waits_for_locks + since(|book| book.owed),
            self.contentions
        );
    }

    /// One wait, looked at before it, in it, and after it.
    #[track_caller]
    fn one(&mut self, is_for_lock: bool, wait: impl FnOnce() + Send, release: impl FnOnce()) {
        self.check(0, 0);
        self.begun += 1;
        self.contentions += u64::from(is_for_lock);
        release_when_asleep(wait, || {
            self.check(1, u64::from(is_for_lock));
            release();
        });
        self.check(0, 0);
    }
}

/// Resets of other tests, before the first look, are not in the books.
fn in_the_recorder(book: &Ledger, at_start: &Ledger) -> f64 {
    book.in_the_recorder() - at_start.in_the_recorder()
}

/// Every kind of wait of the standard library, once.
fn wait_in_each_way(truth: &mut Truth) {
    let lock = Mutex::new(());
    let held = lock.lock().unwrap();
    truth.one(true, || drop(lock.lock().unwrap()), || drop(held));

    let lock = RwLock::new(());
    let held = lock.write().unwrap();
    truth.one(true, || drop(lock.read().unwrap()), || drop(held));
    let held = lock.read().unwrap();
    truth.one(true, || drop(lock.write().unwrap()), || drop(held));

    let once = Once::new();
    let (runs, may_end) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            once.call_once(|| {
                runs.store(true, Ordering::Release);
                until(&may_end);
            });
        });
        until(&runs);
        let end = || may_end.store(true, Ordering::Release);
        truth.one(true, || once.call_once(|| unreachable!()), end);
    });
    let (flag, condvar) = (Mutex::new(false), Condvar::new());
    truth.one(
        false,
        || {
            let guard = flag.lock().unwrap();
            drop(condvar.wait_while(guard, |is_set| !*is_set).unwrap());
        },
        || {
            *flag.lock().unwrap() = true;
            condvar.notify_all();
        },
    );

    let (sender, receiver) = mpsc::channel();
    let receive = move || assert_eq!(receiver.recv(), Ok(1));
    truth.one(false, receive, || sender.send(1).unwrap());
    let (sender, receiver) = mpsc::sync_channel(1);
    sender.send(1).unwrap();
    let receive = || assert_eq!(receiver.recv(), Ok(1));
    truth.one(false, || sender.send(2).unwrap(), receive);

    let may_end = AtomicBool::new(false);
    let end = || may_end.store(true, Ordering::Release);
    truth.one(
        false,
        || contend::blocking("ledger", || until(&may_end)),
        end,
    );
}

/// Looks, with naps in between: the thread is taken for asleep.
fn until(is_set: &AtomicBool) {
    while !is_set.load(Ordering::Acquire) {
        thread::sleep(std::time::Duration::from_micros(50));
    }
}

#[test]
fn each_wait_is_somewhere() {
    let _profiling = profile_everything();
    wait_in_each_way(&mut Truth::new());
}

#[test]
fn each_wait_is_somewhere_when_the_store_is_full() {
    let name = "robust::ledger::each_wait_is_somewhere_when_the_store_is_full";
    in_child(name, || {
        contend::set_memory_limit(0).unwrap();
        let _profiling = profile_everything();
        let mut truth = Truth::new();
        for number in 1..=4000_usize {
            contend::bench_support::add_stack(&[number; 30], 1);
            truth.begun += 1;
        }
        let lost = contend::block_profile().lost().stack_table_full;
        assert!(lost > 0);
        wait_in_each_way(&mut truth);
        assert!(contend::block_profile().lost().stack_table_full > lost);
    });
}

#[cfg(feature = "parking_lot")]
#[test]
fn each_wait_is_somewhere_when_guards_are_leaked() {
    use std::time::Duration;

    use contend::parking_lot;

    let _profiling = profile_everything();
    let mut truth = Truth::new();
    let give_up =
        |lock: &parking_lot::Mutex<()>| assert!(lock.try_lock_for(Duration::ZERO).is_none());

    // It is released after they have given up.
    let lock = parking_lot::Mutex::new(());
    let held = lock.lock();
    for _ in 0..3 {
        give_up(&lock);
        truth.begun += 1;
        truth.contentions += 1;
        truth.check(0, 0);
    }
    drop(held);
    truth.check(0, 0);

    // They are never released: more than the table has room for.
    for number in 0..20_000 {
        let lock = Box::new(parking_lot::Mutex::new(()));
        std::mem::forget(lock.lock());
        give_up(&lock);
        truth.begun += 1;
        truth.contentions += 1;
        if number % 1000 == 0 {
            truth.check(0, 0);
        }
    }
    // A reset forgets what is owed, and says so.
    let before = ledger();
    contend::reset();
    let after = ledger();
    assert_eq!((after.owed, after.recorded), (0.0, 0.0));
    assert_eq!(after.missing(), 0.0);
    assert_eq!(in_the_recorder(&after, &truth.at_start), 0.0);
    assert_eq!(
        after.owed_and_forgotten - before.owed_and_forgotten,
        before.owed
    );
    assert_eq!(after.forgotten - before.forgotten, before.recorded);
}

/// More locks are waited for than there is room for: tasks wait for them, as there are not so many
/// threads.
#[cfg(feature = "tokio")]
#[test]
fn each_wait_is_somewhere_when_too_many_locks_are_waited_for() {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use contend::tokio::sync::Mutex;

    const LOCKS: u64 = 12_000;

    let _profiling = profile_everything();
    let mut truth = Truth::new();
    let locks: Vec<_> = (0..LOCKS).map(|_| Mutex::new(())).collect();
    let held: Vec<_> = locks.iter().map(|lock| lock.try_lock().unwrap()).collect();
    let mut waiting: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    for lock in &locks {
        let mut future = Box::pin(lock.lock());
        assert!(future.as_mut().poll(&mut context).is_pending());
        waiting.push(future);
    }
    let book = ledger();
    let waits = (book.waiting - truth.at_start.waiting) as u64;
    let lost = contend::mutex_profile().lost().lock_table_full;
    assert!(lost > 0 && waits + lost == LOCKS, "{waits} + {lost}");
    // The block profile has those that give up here.
    truth.contentions = LOCKS;
    waiting.truncate(LOCKS as usize / 2);
    truth.begun = LOCKS / 2;
    let gave_up = waits - (ledger().waiting - truth.at_start.waiting) as u64;
    assert!(gave_up > 0);
    truth.check(0, waits - gave_up);
    drop(held);
    for mut future in waiting {
        assert!(future.as_mut().poll(&mut context).is_ready());
    }
    truth.begun = LOCKS;
    truth.check(0, 0);
}

/// Looks while others wait, release, give up and reset.
#[test]
fn each_wait_is_somewhere_at_any_moment() {
    let _profiling = profile_everything();
    let truth = Truth::new();
    truth.check(0, 0);
    let locks = [const { Mutex::new(()) }; 3];
    let lock = RwLock::new(());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..4 {
            let (locks, lock, is_over) = (&locks, &lock, &is_over);
            scope.spawn(move || {
                for round in 0.. {
                    let _held = locks[(number + round) % 3].lock().unwrap();
                    let _read = lock.read().unwrap();
                    drop(_read);
                    let _write = lock.write().unwrap();
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for look in 0..300 {
            let book = ledger();
            assert_eq!(book.missing(), 0.0, "{book:?}");
            assert!(in_the_recorder(&book, &truth.at_start) >= 0.0, "{book:?}");
            if look % 10 == 0 {
                contend::reset();
            }
            thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let book = ledger();
    assert!(book.begun > 0.0);
    assert_eq!(book.missing(), 0.0, "{book:?}");
    assert_eq!(in_the_recorder(&book, &truth.at_start), 0.0, "{book:?}");
    assert_eq!(book.waiting, 0.0, "{book:?}");
}
