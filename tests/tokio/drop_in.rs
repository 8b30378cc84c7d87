//! Each type against the original: auto traits, names, sizes.

use crate::auto_traits::*;

mod sync {
    use super::*;

    same_for_every_content!(contend::tokio::sync, tokio::sync:
        Mutex OwnedMutexGuard OwnedMappedMutexGuard;
        MutexGuard MappedMutexGuard
    );
}

/// The future of an expression, without running it.
fn size_of_future<F: Future>(_: &F) -> usize {
    size_of::<F>()
}

/// Futures are parts of their callers' futures, so their sizes add up.
#[test]
fn futures_have_a_ceiling() {
    let (ours, original) = (
        contend::tokio::sync::Mutex::new(0_u64),
        tokio::sync::Mutex::new(0_u64),
    );
    let (ours, original) = (
        size_of_future(&ours.lock()),
        size_of_future(&original.lock()),
    );
    println!("Mutex::lock: {ours} bytes, the original's {original}");
    assert!(ours <= original + 112, "{ours} bytes");
}

/// What tasks and threads do with guards.
#[test]
fn futures_and_guards_go_where_the_originals_go() {
    use contend::tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};
    use std::sync::Arc;

    fn send_sync<T: Send + Sync>(value: T) -> T {
        value
    }
    fn send_static<T: Send + 'static>(value: T) -> T {
        value
    }

    static IN_A_STATIC: Mutex<u32> = Mutex::const_new(1);
    drop(send_sync(IN_A_STATIC.lock()));
    let mutex = Arc::new(Mutex::new(String::from("text")));
    drop(send_sync(Arc::clone(&mutex).lock_owned()));
    drop(send_static(Arc::clone(&mutex).lock_owned()));

    let guard = mutex.try_lock().unwrap();
    let is_same: &Mutex<String> = MutexGuard::mutex(&guard);
    assert!(std::ptr::eq(is_same, &*mutex));
    assert!(mutex.try_lock().is_err());
    let part = MutexGuard::map(guard, String::as_mut_str);
    assert!(mutex.try_lock().is_err());
    assert_eq!(format!("{part} {part:?}"), "text \"text\"");
    drop(part);

    let guard = Arc::clone(&mutex).try_lock_owned().unwrap();
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
    let refused = OwnedMutexGuard::try_map(guard, |_| None::<&mut u8>).unwrap_err();
    let mut part = OwnedMutexGuard::map(refused, String::as_mut_str);
    part.make_ascii_uppercase();
    // The guard keeps the mutex alive.
    drop(mutex);
    assert_eq!(&*part, "TEXT");
}

#[test]
fn unsized_values_are_locked() {
    let mutex: Box<contend::tokio::sync::Mutex<[u32]>> =
        Box::new(contend::tokio::sync::Mutex::new([1, 2, 3]));
    crate::by_hand::now(mutex.lock())[1] = 7;
    assert_eq!(mutex.try_lock().unwrap()[1], 7);
    assert_eq!(format!("{mutex:?}"), "Mutex { data: [1, 7, 3] }");
}

/// The originals panic on a thread that runs tasks, also where nobody holds the lock.
#[test]
fn blocking_forms_refuse_to_block_a_worker() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let message = |block: fn()| {
        let panic = std::panic::catch_unwind(|| runtime.block_on(async { block() })).unwrap_err();
        *panic
            .downcast::<String>()
            .unwrap_or_else(|panic| Box::new((*panic.downcast_ref::<&str>().unwrap()).to_owned()))
    };
    assert_eq!(
        message(|| drop(contend::tokio::sync::Mutex::new(()).blocking_lock())),
        message(|| drop(tokio::sync::Mutex::new(()).blocking_lock())),
    );
}
