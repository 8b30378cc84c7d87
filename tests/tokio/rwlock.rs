//! Waits for a RwLock, and the charges for them.

use std::pin::pin;
use std::sync::Arc;
use std::thread;

use contend::tokio::sync::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
};

use crate::by_hand::{assert_waits, done, now};
use crate::common::{assert_law, at, ms, profile_everything, release_when_asleep};

#[inline(never)]
fn holds_too_long<G>(guard: G) {
    thread::sleep(ms(3));
    drop(guard);
}

#[inline(never)]
async fn writes(lock: &RwLock<[u32; 2]>) {
    lock.write().await[0] += 1;
}

#[track_caller]
fn assert_blamed() {
    assert_eq!(assert_law(), 1);
    let profile = contend::mutex_profile();
    assert!(at(&profile, "holds_too_long").1 >= ms(3), "{profile}");
}

#[test]
fn each_form_of_guard_is_charged() {
    let _profiling = profile_everything();
    let lock = Arc::new(RwLock::new([0; 2]));
    macro_rules! held {
        ($guard:expr) => {{
            contend::reset();
            let guard = $guard;
            let mut waiter = pin!(writes(&lock));
            assert_waits(waiter.as_mut());
            holds_too_long(guard);
            done(waiter);
            assert_blamed();
        }};
    }
    let (read, write) = (|| now(lock.read()), || now(lock.write()));
    let read_owned = || now(Arc::clone(&lock).read_owned());
    let write_owned = || now(Arc::clone(&lock).write_owned());
    held!(read());
    held!(write());
    held!(read_owned());
    held!(write_owned());
    held!(lock.try_read().unwrap());
    held!(lock.try_write().unwrap());
    held!(Arc::clone(&lock).try_read_owned().unwrap());
    held!(Arc::clone(&lock).try_write_owned().unwrap());
    held!(lock.blocking_read());
    held!(lock.blocking_write());
    held!(RwLockReadGuard::map(read(), |pair| &pair[1]));
    held!(RwLockReadGuard::try_map(read(), |pair| pair.first()).unwrap());
    held!(RwLockReadGuard::try_map(read(), |_| None::<&u32>).unwrap_err());
    held!(RwLockWriteGuard::map(write(), |pair| &mut pair[1]));
    held!(RwLockWriteGuard::try_map(write(), |pair| pair.first_mut()).unwrap());
    held!(RwLockMappedWriteGuard::map(
        RwLockWriteGuard::into_mapped(write()),
        |pair| &mut pair[1]
    ));
    held!(write().downgrade());
    held!(RwLockWriteGuard::downgrade_map(write(), |pair| &pair[1]));
    held!(RwLockWriteGuard::try_downgrade_map(write(), |pair| pair.first()).unwrap());
    held!(RwLockWriteGuard::try_downgrade_map(write(), |_| None::<&u32>).unwrap_err());
    held!(OwnedRwLockReadGuard::map(read_owned(), |pair| &pair[1]));
    held!(OwnedRwLockReadGuard::try_map(read_owned(), |pair| pair.first()).unwrap());
    held!(OwnedRwLockWriteGuard::map(write_owned(), |pair| &mut pair[1]));
    held!(OwnedRwLockWriteGuard::try_map(write_owned(), |pair| pair.first_mut()).unwrap());
    held!(OwnedRwLockMappedWriteGuard::map(
        OwnedRwLockWriteGuard::into_mapped(write_owned()),
        |pair| &mut pair[1]
    ));
    held!(write_owned().downgrade());
    held!(OwnedRwLockWriteGuard::downgrade_map(
        write_owned(),
        |pair| &pair[1]
    ));
    held!(OwnedRwLockWriteGuard::try_downgrade_map(write_owned(), |pair| pair.first()).unwrap());
    let owned = write_owned();
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&owned), &lock));
    drop(owned);
    assert!(lock.try_write().is_ok());
}

/// A downgrade lets readers go on: it is the release that they waited for.
#[test]
fn a_downgrade_is_charged_with_the_readers_that_it_lets_in() {
    let _profiling = profile_everything();
    let lock = RwLock::new(0);
    let writer = now(lock.write());
    let mut reader = pin!(lock.read());
    assert_waits(reader.as_mut());
    thread::sleep(ms(3));
    let downgraded = writer.downgrade();
    drop(done(reader));
    drop(downgraded);
    assert_eq!(assert_law(), 1);
    let profile = contend::mutex_profile();
    assert!(at(&profile, "RwLockWriteGuard").1 >= ms(3), "{profile}");
}

/// The original releases the lock where a closure of the user's panics; the count of holders knows.
#[test]
fn a_panic_while_mapping_releases_the_lock() {
    let _profiling = profile_everything();
    let lock = RwLock::new([0; 2]);
    let panics = || {
        drop(RwLockReadGuard::map(
            now(lock.read()),
            |_: &[u32; 2]| -> &u32 { std::panic::resume_unwind(Box::new("as the test wants it")) },
        ));
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    // Alone, so all of it is this holder's.
    let guard = now(lock.read());
    let mut waiter = pin!(writes(&lock));
    assert_waits(waiter.as_mut());
    holds_too_long(guard);
    done(waiter);
    assert_blamed();
}

#[test]
fn a_thread_that_blocks_is_recorded() {
    let _profiling = profile_everything();
    let lock = RwLock::new(0_u32);
    let guard = now(lock.write());
    release_when_asleep(|| drop(lock.blocking_read()), || holds_too_long(guard));
    assert_blamed();
    let guard = now(lock.read());
    contend::reset();
    release_when_asleep(|| drop(lock.blocking_write()), || holds_too_long(guard));
    assert_blamed();
}
