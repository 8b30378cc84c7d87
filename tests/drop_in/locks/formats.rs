//! A lock prints what the original prints, to the letter.

/// Both families' texts of a lock in a state.
macro_rules! same_text {
    ($skin:ident, $original:path, $prepare:expr) => {{
        let ours = {
            use contend::$skin as family;
            let prepare: fn(&mut Vec<String>) = {
                #[allow(unused_imports)]
                use family::*;
                $prepare
            };
            texts(prepare)
        };
        let original = {
            use $original as family;
            let prepare: fn(&mut Vec<String>) = {
                #[allow(unused_imports)]
                use family::*;
                $prepare
            };
            texts(prepare)
        };
        assert!(!ours.is_empty());
        assert_eq!(ours, original);
    }};
}

fn texts(prepare: fn(&mut Vec<String>)) -> Vec<String> {
    let mut texts = Vec::new();
    prepare(&mut texts);
    texts
}

/// Plain, pretty, and with flags that go on to the content.
macro_rules! push_debug {
    ($texts:ident, $value:expr) => {
        $texts.push(format!("{0:?} {0:#?} {0:04x?}", $value))
    };
}

macro_rules! push_guard {
    ($texts:ident, $guard:expr) => {{
        let guard = &$guard;
        push_debug!($texts, guard);
        $texts.push(format!("{0} {0:>6} {0:<6} {0:^+06}", guard));
    }};
}

#[test]
fn sync_mutex() {
    same_text!(sync, std::sync, |texts| {
        let mutex = Mutex::new(26);
        push_debug!(texts, mutex);
        {
            let guard = mutex.lock();
            push_debug!(texts, mutex);
            push_debug!(texts, guard);
            push_guard!(texts, guard.unwrap());
        }
        crate::util::panics(|| {
            let _guard = mutex.lock().unwrap();
            panic!("with the lock held");
        });
        push_debug!(texts, mutex);
        push_debug!(texts, mutex.lock());
        texts.push(mutex.lock().unwrap_err().to_string());
        texts.push(mutex.try_lock().unwrap_err().to_string());
        push_debug!(texts, mutex.try_lock());
        let guard = mutex.lock();
        push_debug!(texts, mutex);
        push_debug!(texts, mutex.try_lock());
        texts.push(mutex.try_lock().unwrap_err().to_string());
        drop(guard);

        let slice: &Mutex<[u8]> = &Mutex::new([1, 26]);
        push_debug!(texts, slice);
        push_debug!(texts, Mutex::<Option<u8>>::default());
    });
}

#[test]
fn sync_rwlock() {
    same_text!(sync, std::sync, |texts| {
        let lock = RwLock::new(26);
        push_debug!(texts, lock);
        {
            let reader = lock.read();
            push_debug!(texts, lock);
            push_debug!(texts, reader);
            push_guard!(texts, reader.unwrap());
        }
        {
            let writer = lock.write();
            push_debug!(texts, lock);
            push_debug!(texts, lock.try_read());
            push_guard!(texts, writer.unwrap());
        }
        crate::util::panics(|| {
            let _guard = lock.write().unwrap();
            panic!("with the lock held");
        });
        push_debug!(texts, lock);
        push_debug!(texts, lock.read());
        push_debug!(texts, lock.try_write());
        texts.push(lock.write().unwrap_err().to_string());
        push_debug!(texts, RwLock::<Option<u8>>::default());
    });
}

#[test]
fn sync_condvar_and_once() {
    same_text!(sync, std::sync, |texts| {
        push_debug!(texts, Condvar::new());
        let (mutex, condvar) = (Mutex::new(1), Condvar::default());
        let wait = condvar.wait_timeout(mutex.lock().unwrap(), std::time::Duration::ZERO);
        push_debug!(texts, wait);
        drop(wait);

        let once = Once::new();
        push_debug!(texts, once);
        once.call_once_force(|state| push_debug!(texts, state));
        push_debug!(texts, once);
    });
}

/// A poisoned once panics with the original's message.
#[test]
fn sync_once_panics_alike() {
    same_text!(sync, std::sync, |texts| {
        let once = Once::new();
        let message = |result: std::thread::Result<()>| {
            let payload = result.unwrap_err();
            let text = payload.downcast_ref::<String>().cloned();
            text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).into()))
                .unwrap()
        };
        texts.push(message(std::panic::catch_unwind(|| {
            once.call_once(|| panic!("in the closure"));
        })));
        texts.push(message(std::panic::catch_unwind(|| once.call_once(|| ()))));
        texts.push(message(std::panic::catch_unwind(|| once.wait())));
    });
}

#[cfg(feature = "parking_lot")]
#[test]
fn parking_lot_mutexes() {
    same_text!(parking_lot, ::parking_lot, |texts| {
        let mutex = Mutex::new(26);
        push_debug!(texts, mutex);
        let guard = mutex.lock();
        push_debug!(texts, mutex);
        push_guard!(texts, guard);
        push_guard!(texts, MutexGuard::map(guard, |value| value));

        let mutex = FairMutex::new(26);
        push_debug!(texts, mutex);
        let guard = mutex.lock();
        push_debug!(texts, mutex);
        push_guard!(texts, guard);

        let mutex = ReentrantMutex::new(26);
        push_debug!(texts, mutex);
        let guard = mutex.lock();
        push_debug!(texts, mutex);
        push_guard!(texts, guard);
        std::thread::scope(|scope| {
            let text = scope.spawn(|| format!("{mutex:?} {mutex:#?}"));
            texts.push(text.join().unwrap());
        });
    });
}

#[cfg(feature = "parking_lot")]
#[test]
fn parking_lot_rwlock() {
    same_text!(parking_lot, ::parking_lot, |texts| {
        let lock = RwLock::new(26);
        push_debug!(texts, lock);
        {
            let (reader, upgradable) = (lock.read(), lock.upgradable_read());
            push_debug!(texts, lock);
            push_guard!(texts, reader);
            push_guard!(texts, upgradable);
            push_guard!(texts, RwLockReadGuard::map(reader, |value| value));
        }
        let writer = lock.write();
        push_debug!(texts, lock);
        push_guard!(texts, writer);
    });
}

#[cfg(feature = "parking_lot")]
#[test]
fn parking_lot_condvar_and_once() {
    same_text!(parking_lot, ::parking_lot, |texts| {
        push_debug!(texts, Condvar::new());
        let mutex = Mutex::new(1);
        let condvar = Condvar::default();
        push_debug!(
            texts,
            condvar.wait_for(&mut mutex.lock(), std::time::Duration::ZERO)
        );
        let once = Once::new();
        push_debug!(texts, once);
        once.call_once_force(|state| push_debug!(texts, state));
        push_debug!(texts, once);
    });
}
