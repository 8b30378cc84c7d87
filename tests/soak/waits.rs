//! Waits of many kinds, at locks that several workers share.

use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use contend::sync::{Condvar, Mutex, RwLock, mpsc};
use contend::{crossbeam_channel, parking_lot, tokio};

static LOCKS: [Mutex<u64>; 3] = [const { Mutex::new(0) }; 3];
static SHARED: RwLock<u64> = RwLock::new(0);
static PARKING: parking_lot::Mutex<u64> = parking_lot::const_mutex(0);
static PARKING_SHARED: parking_lot::RwLock<u64> = parking_lot::const_rwlock(0);
static TURN: (Mutex<u64>, Condvar) = (Mutex::new(0), Condvar::new());

pub(crate) fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Numbers that look random (xorshift, Marsaglia 2003).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// One of several threads that want the same.
pub(crate) struct Waits(Numbers);

impl Waits {
    pub(crate) fn new(number: u64) -> Self {
        Self(Numbers(number + 1))
    }

    pub(crate) fn round(&mut self) {
        for _ in 0..8 {
            let hold = Duration::from_micros(self.0.below(30));
            let lock = &LOCKS[self.0.below(3) as usize];
            match self.0.below(8) {
                0..3 => {
                    // Poisoned now and then.
                    let mut held = lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    *held += 1;
                    spin(hold);
                }
                3 => {
                    let _held = SHARED.read().unwrap();
                    spin(hold);
                }
                4 => *SHARED.write().unwrap() += 1,
                5 => {
                    let _held = PARKING.try_lock_for(Duration::from_micros(50));
                    spin(hold);
                }
                6 => {
                    let _held = PARKING_SHARED.upgradable_read();
                    spin(hold);
                }
                _ => *PARKING_SHARED.write() += 1,
            }
        }
        let (turn, changed) = &TURN;
        let mut turn = turn.lock().unwrap();
        *turn += 1;
        changed.notify_all();
        drop(
            changed
                .wait_timeout(turn, Duration::from_micros(200))
                .unwrap(),
        );
    }
}

#[inline(never)]
fn left(path: u64, turns: u32) {
    turn(path, turns);
    black_box(());
}

#[inline(never)]
fn right(path: u64, turns: u32) {
    turn(path, turns);
    black_box(());
}

/// Goes left or right, as each bit of `path` says: so many turns, as many stacks.
#[inline(always)]
fn turn(path: u64, turns: u32) {
    match turns.checked_sub(1) {
        None => {
            contend::blocking("soak", || black_box(()));
            *LOCKS[0]
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
        }
        Some(turns) if path >> turns & 1 == 0 => left(path, turns),
        Some(turns) => right(path, turns),
    }
}

/// Fills the store.
pub(crate) fn many_stacks() -> impl FnMut() + Send {
    let mut numbers = Numbers(77);
    move || {
        for _ in 0..50 {
            left(numbers.below(1 << 14), 14);
        }
    }
}

/// Threads that end in a channel, a join, a scope.
pub(crate) fn threads_that_come_and_go() {
    let (sender, receiver) = mpsc::sync_channel(1);
    let (to_crossbeam, crossbeam) = crossbeam_channel::bounded(1);
    contend::thread::scope(|scope| {
        for number in 0..3 {
            let (sender, to_crossbeam) = (sender.clone(), to_crossbeam.clone());
            scope.spawn(move || {
                sender.send(number).unwrap();
                drop(sender);
                *LOCKS[1]
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
                to_crossbeam.send(number).unwrap();
            });
        }
        drop((sender, to_crossbeam));
        assert_eq!(receiver.iter().sum::<u64>(), 3);
        assert_eq!(crossbeam.iter().sum::<u64>(), 3);
    });
    let thread =
        contend::thread::spawn(|| contend::thread::park_timeout(Duration::from_micros(50)));
    thread.join().unwrap();
}

/// Waits that time out at locks which are never released, and are freed later.
pub(crate) fn leaked_guards() -> impl FnMut() + Send {
    let mut leaked = std::collections::VecDeque::new();
    move || {
        for _ in 0..5 {
            let lock = Box::new(parking_lot::Mutex::new(()));
            std::mem::forget(lock.lock());
            assert!(lock.try_lock_for(Duration::from_micros(20)).is_none());
            leaked.push_back(lock);
        }
        leaked.drain(..leaked.len().saturating_sub(100));
    }
}

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks that wait for locks and permits, some of which are dropped before they have them.
pub(crate) fn tasks() -> impl FnMut() + Send {
    let lock = Arc::new(tokio::sync::Mutex::new(()));
    let permits = Arc::new(tokio::sync::Semaphore::new(2));
    let mut numbers = Numbers(5);
    let mut waiting: Vec<Waiting> = Vec::new();
    move || {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..4 {
            let (lock, permits) = (Arc::clone(&lock), Arc::clone(&permits));
            let is_lock = numbers.below(2) == 0;
            waiting.push(Box::pin(async move {
                let _held = match is_lock {
                    true => (Some(lock.lock().await), None),
                    false => (None, Some(permits.acquire().await.unwrap())),
                };
                // Goes on at the next poll.
                let mut is_first = true;
                std::future::poll_fn(|_| match std::mem::take(&mut is_first) {
                    true => std::task::Poll::Pending,
                    false => std::task::Poll::Ready(()),
                })
                .await;
            }));
        }
        waiting.retain_mut(|future| future.as_mut().poll(&mut context).is_pending());
        // Some give up.
        while waiting.len() > 20 {
            drop(waiting.swap_remove(numbers.below(20) as usize));
        }
    }
}

/// Threads wait for a second and longer, also while all others stand still.
pub(crate) fn long_waits<'scope>(scope: &'scope Scope<'scope, '_>) -> impl FnMut() + Send + 'scope {
    struct Long {
        lock: Mutex<()>,
        done: AtomicU64,
    }
    const WAITERS: u64 = 3;
    // Leaked once: guards of it live from round to round.
    let long: &'static Long = Box::leak(Box::new(Long {
        lock: Mutex::new(()),
        done: AtomicU64::new(0),
    }));
    let mut held = None;
    let mut round = 0;
    move || {
        round += 1;
        if round % 15 != 1 {
            return;
        }
        if let Some(released) = held.take() {
            drop::<SendGuard>(released);
            while long.done.load(Ordering::Acquire) < WAITERS {
                thread::sleep(Duration::from_micros(100));
            }
            long.done.store(0, Ordering::Relaxed);
        }
        held = Some(SendGuard(long.lock.lock().unwrap()));
        for _ in 0..WAITERS {
            scope.spawn(|| {
                drop(long.lock.lock().unwrap());
                long.done.fetch_add(1, Ordering::Release);
            });
        }
    }
}

struct SendGuard(#[allow(dead_code)] contend::sync::MutexGuard<'static, ()>);

// SAFETY: made, used and dropped by one worker: the closure moves to its thread before it has one.
unsafe impl Send for SendGuard {}
