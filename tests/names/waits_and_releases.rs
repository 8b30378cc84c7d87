//! A program with waits and releases in functions that are known by name, which is built in many
//! ways. It prints their stacks: `CASE: leaf < caller < …`.

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use contend::sync::{Mutex, MutexGuard, RwLock};

/// Lets `first` hold until the thread of `second` sleeps, and some time longer.
fn one_after_the_other(first: impl FnOnce(&dyn Fn()) + Send, second: impl FnOnce() + Send) {
    let (has_it, it_is_had) = mpsc::channel();
    let (waits, waiter) = mpsc::channel::<PathBuf>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            first(&|| {
                has_it.send(()).unwrap();
                await_sleep(&waiter.recv().unwrap());
            });
        });
        scope.spawn(move || {
            it_is_had.recv().unwrap();
            about_to_wait(&waits);
            second();
        });
    });
}

fn about_to_wait(waits: &Sender<PathBuf>) {
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    waits.send(thread).unwrap();
}

fn await_sleep(thread: &PathBuf) {
    let stat = PathBuf::from("/proc").join(thread).join("stat");
    let mut seen = 0;
    while seen < 3 {
        let stat = std::fs::read_to_string(&stat).unwrap();
        let is_asleep = stat.rsplit(") ").next().unwrap().starts_with('S');
        seen = if is_asleep { seen + 1 } else { 0 };
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Both profiles of what `work` does.
fn print(case: &str, work: impl FnOnce()) {
    contend::reset();
    work();
    for (profile, of) in [(contend::mutex_profile(), "release"), (contend::block_profile(), "wait")] {
        for sample in profile.samples() {
            let names = sample.frames().iter().map(|frame| frame.function());
            let names: Vec<_> = names.collect();
            if names[0] != "contend::wakeup" && sample.kind() != "join" {
                println!("{case} {of}: {}", names.join(" < "));
            }
        }
    }
}

#[inline(never)]
fn takes_a_guard(mut guard: MutexGuard<'_, u64>, hold: &dyn Fn()) {
    *guard += 1;
    hold();
}

#[inline(never)]
fn ends_with_lock(lock: &Mutex<u64>) -> MutexGuard<'_, u64> {
    lock.lock().unwrap()
}

struct Cart<'a> {
    items: MutexGuard<'a, u64>,
    _name: String,
}

#[inline(never)]
fn drops_a_struct(cart: Cart<'_>, hold: &dyn Fn()) {
    std::hint::black_box(*cart.items + 2);
    hold();
}

struct Shop {
    stock: RwLock<u64>,
}

trait Stock {
    fn take(&self, hold: &dyn Fn());
    fn count(&self) -> u64;
}

impl Stock for Shop {
    #[inline(never)]
    fn take(&self, hold: &dyn Fn()) {
        let mut stock = self.stock.write().unwrap();
        hold();
        *stock += 3;
    }

    #[inline(never)]
    fn count(&self) -> u64 {
        *self.stock.read().unwrap() + 4
    }
}

#[inline(never)]
fn holds_any<T: Copy + Into<u64>>(lock: &Mutex<T>, hold: &dyn Fn()) -> u64 {
    let guard = lock.lock().unwrap();
    hold();
    (*guard).into() + 5
}

#[inline(never)]
fn reads_any<T: Copy + Into<u64>>(lock: &Mutex<T>) -> u64 {
    (*lock.lock().unwrap()).into() + 6
}

mod sold {
    use super::Mutex;

    #[inline(never)]
    pub(super) fn get(lock: &Mutex<u64>, hold: &dyn Fn()) -> u64 {
        let guard = lock.lock().unwrap();
        hold();
        *guard + 7
    }
}

mod left {
    use super::Mutex;

    #[inline(never)]
    pub(super) fn get(lock: &Mutex<u64>) -> u64 {
        *lock.lock().unwrap() + 8
    }
}

#[inline(always)]
fn inlined(lock: &Mutex<u64>, hold: &dyn Fn()) {
    let mut guard = lock.lock().unwrap();
    hold();
    *guard += 9;
}

#[inline(never)]
fn calls_inlined(lock: &Mutex<u64>, hold: &dyn Fn()) {
    inlined(lock, hold);
    std::hint::black_box(lock);
}

/// All of these threads' code is in their closures.
#[inline(never)]
fn in_threads(lock: &'static Mutex<u64>) {
    let (has_it, it_is_had) = mpsc::channel();
    let (waits, waiter) = mpsc::channel::<PathBuf>();
    let first = std::thread::spawn(move || {
        let mut guard = lock.lock().unwrap();
        has_it.send(()).unwrap();
        await_sleep(&waiter.recv().unwrap());
        *guard += 10;
    });
    let second = std::thread::spawn(move || {
        it_is_had.recv().unwrap();
        about_to_wait(&waits);
        *lock.lock().unwrap() += 11;
    });
    first.join().unwrap();
    second.join().unwrap();
}

/// The same by this crate's own threads.
#[inline(never)]
fn in_our_threads(lock: &'static Mutex<u64>) {
    let (has_it, it_is_had) = mpsc::channel();
    let (waits, waiter) = mpsc::channel::<PathBuf>();
    let first = contend::thread::spawn(move || {
        let mut guard = lock.lock().unwrap();
        has_it.send(()).unwrap();
        await_sleep(&waiter.recv().unwrap());
        *guard += 12;
    });
    let second = contend::thread::spawn(move || {
        it_is_had.recv().unwrap();
        about_to_wait(&waits);
        *lock.lock().unwrap() += 13;
    });
    first.join().unwrap();
    second.join().unwrap();
}

fn main() {
    contend::set_mutex_profile_fraction(1);
    contend::set_block_profile_rate(1);
    static LOCK: Mutex<u64> = Mutex::new(0);
    print("guard", || {
        one_after_the_other(
            |hold| takes_a_guard(LOCK.lock().unwrap(), hold),
            || *ends_with_lock(&LOCK) += 1,
        );
    });
    print("struct", || {
        one_after_the_other(
            |hold| {
                let cart = Cart {
                    items: LOCK.lock().unwrap(),
                    _name: "a".repeat(9),
                };
                drops_a_struct(cart, hold);
            },
            || *ends_with_lock(&LOCK) += 1,
        );
    });
    let shop = Shop {
        stock: RwLock::new(0),
    };
    print("trait", || {
        let shop: &(dyn Stock + Sync) = std::hint::black_box(&shop);
        one_after_the_other(|hold| shop.take(hold), || assert!(shop.count() > 0));
    });
    let small = Mutex::new(1_u8);
    print("generic", || {
        one_after_the_other(
            |hold| assert!(holds_any(&small, hold) > 0),
            || assert!(reads_any(&small) > 0),
        );
    });
    print("modules", || {
        one_after_the_other(
            |hold| assert!(sold::get(&LOCK, hold) > 0),
            || assert!(left::get(&LOCK) > 0),
        );
    });
    print("inlined", || {
        one_after_the_other(
            |hold| calls_inlined(&LOCK, hold),
            || *ends_with_lock(&LOCK) += 1,
        );
    });
    print("thread", || in_threads(&LOCK));
    print("our_thread", || in_our_threads(&LOCK));
}
