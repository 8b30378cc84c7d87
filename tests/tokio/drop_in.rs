//! Each type against the original: auto traits, names, sizes.

use crate::auto_traits::*;

mod sync {
    use super::*;

    same_for_every_content!(contend::tokio::sync, tokio::sync:
        Mutex OwnedMutexGuard OwnedMappedMutexGuard
        RwLock OwnedRwLockReadGuard OwnedRwLockWriteGuard OwnedRwLockMappedWriteGuard;
        MutexGuard MappedMutexGuard RwLockReadGuard RwLockWriteGuard RwLockMappedWriteGuard
    );
    same!(contend::tokio::sync::Semaphore, tokio::sync::Semaphore);
    same!(
        contend::tokio::sync::SemaphorePermit<'static>,
        tokio::sync::SemaphorePermit<'static>
    );
    same!(
        contend::tokio::sync::OwnedSemaphorePermit,
        tokio::sync::OwnedSemaphorePermit
    );
    same!(contend::tokio::sync::Barrier, tokio::sync::Barrier);
    same!(contend::tokio::sync::Notify, tokio::sync::Notify);
    same!(
        contend::tokio::sync::futures::Notified<'static>,
        tokio::sync::futures::Notified<'static>
    );
    same!(
        contend::tokio::sync::futures::OwnedNotified,
        tokio::sync::futures::OwnedNotified
    );
}

/// Types of sized contents.
macro_rules! same_for_contents {
    ($name:ident: $ours:path, $original:path: $($type:ident)*) => {
        mod $name {
            use super::*;
            mod ours {
                pub(super) use $ours::{$($type),*};
            }
            mod original {
                pub(super) use $original::{$($type),*};
            }
            $(
                same!(ours::$type<contents::Plain>, original::$type<contents::Plain>);
                same!(ours::$type<contents::NotSync>, original::$type<contents::NotSync>);
                same!(ours::$type<contents::Neither>, original::$type<contents::Neither>);
                same!(ours::$type<contents::NotSend>, original::$type<contents::NotSend>);
                same!(ours::$type<contents::NotUnwindSafe>, original::$type<contents::NotUnwindSafe>);
                same!(
                    ours::$type<contents::NotRefUnwindSafe>,
                    original::$type<contents::NotRefUnwindSafe>
                );
            )*
        }
    };
}

same_for_contents!(cells: contend::tokio::sync, tokio::sync: OnceCell SetOnce);
same_for_contents!(mpsc: contend::tokio::sync::mpsc, tokio::sync::mpsc:
    Sender Receiver WeakSender UnboundedSender UnboundedReceiver WeakUnboundedSender OwnedPermit
);
same_for_contents!(oneshot: contend::tokio::sync::oneshot, tokio::sync::oneshot: Sender Receiver);
same_for_contents!(watch: contend::tokio::sync::watch, tokio::sync::watch: Sender Receiver);
same_for_contents!(broadcast: contend::tokio::sync::broadcast, tokio::sync::broadcast:
    Sender Receiver WeakSender
);
same_for_contents!(task: contend::tokio::task, tokio::task: JoinHandle JoinSet);

/// An import line that had a name has it after the swap, and without a word of ambiguity.
#[allow(unused_imports)]
mod names {
    mod sync {
        use contend::tokio::sync::{
            AcquireError, Barrier, BarrierWaitResult, MappedMutexGuard, Mutex, MutexGuard, Notify,
            OnceCell, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedRwLockMappedWriteGuard,
            OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock,
            RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
            SetError, SetOnce, SetOnceError, TryAcquireError, TryLockError, broadcast, futures,
            mpsc, oneshot, watch,
        };
    }
    mod mpsc {
        use contend::tokio::sync::mpsc::{
            OwnedPermit, Permit, PermitIterator, Receiver, Sender, UnboundedReceiver,
            UnboundedSender, WeakSender, WeakUnboundedSender, channel, error, unbounded_channel,
        };
    }
    mod others {
        use contend::tokio::sync::broadcast::{Receiver, Sender, WeakSender, channel, error};
        use contend::tokio::sync::futures::{Notified, OwnedNotified};
        use contend::tokio::sync::{oneshot, watch};
        use oneshot::{Receiver as A, Sender as B, channel as c, error as e};
        use watch::{Receiver as C, Ref, Sender as D, channel as f, error as g};
    }
    mod task {
        use contend::tokio::task::{
            AbortHandle, Id, JoinError, JoinHandle, JoinSet, LocalKey, LocalSet, block_in_place,
            coop, futures, spawn, spawn_blocking, spawn_local, yield_now,
        };
        use contend::tokio::{
            join, pin, runtime, select, spawn as at_root, task_local, time, try_join,
        };
    }
}

/// The future of an expression, without running it.
fn size_of_future<F: Future>(_: &F) -> usize {
    size_of::<F>()
}

/// Futures are parts of their callers' futures, so their sizes add up.
#[test]
fn futures_have_a_ceiling() {
    use contend::tokio::sync as ours;
    use tokio::sync as original;

    macro_rules! ceiling {
        ($name:literal, $more:literal, $ours:expr, $original:expr) => {
            let (ours, original) = (size_of_future(&$ours), size_of_future(&$original));
            println!("{}: {ours} bytes, the original's {original}", $name);
            assert!(ours <= original + $more, "{}: {ours} bytes", $name);
        };
    }
    ceiling!(
        "Mutex::lock",
        128,
        ours::Mutex::new(0_u64).lock(),
        original::Mutex::new(0_u64).lock()
    );
    ceiling!(
        "RwLock::read",
        128,
        ours::RwLock::new(0_u64).read(),
        original::RwLock::new(0_u64).read()
    );
    ceiling!(
        "Semaphore::acquire",
        128,
        ours::Semaphore::new(1).acquire(),
        original::Semaphore::new(1).acquire()
    );
    let (ours_ends, original_ends) = (ours::mpsc::channel(1), original::mpsc::channel(1));
    let ((ours_sender, mut ours_receiver), (original_sender, mut original_receiver)) =
        (ours_ends, original_ends);
    ceiling!(
        "Sender::send",
        128,
        ours_sender.send(0_u64),
        original_sender.send(0_u64)
    );
    ceiling!(
        "Receiver::recv",
        128,
        ours_receiver.recv(),
        original_receiver.recv()
    );
}

/// Guards as tasks and threads use them.
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

/// The originals panic on a thread that runs tasks, also where there is nothing to wait for.
#[test]
fn blocking_forms_refuse_to_block_a_worker() {
    use contend::tokio::sync as ours;
    use tokio::sync as original;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let message = |block: fn()| {
        let panic = std::panic::catch_unwind(|| runtime.block_on(async { block() })).unwrap_err();
        panic
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned())
    };
    macro_rules! same_panic {
        ($module:ident => $block:expr) => {{
            let ours = message(|| {
                use ours as $module;
                let _ = $block;
            });
            let original = message(|| {
                use original as $module;
                let _ = $block;
            });
            assert_eq!(ours, original);
        }};
    }
    same_panic!(sync => sync::Mutex::new(()).blocking_lock());
    same_panic!(sync => sync::RwLock::new(()).blocking_read());
    same_panic!(sync => sync::RwLock::new(()).blocking_write());
    same_panic!(sync => sync::Semaphore::new(1).blocking_acquire());
    same_panic!(sync => sync::mpsc::channel(1).0.blocking_send(()));
    same_panic!(sync => sync::mpsc::channel::<()>(1).1.blocking_recv());
    same_panic!(sync => sync::oneshot::channel::<()>().1.blocking_recv());
    same_panic!(sync => sync::broadcast::channel::<()>(1).1.blocking_recv());
}

/// `Debug` is the original's.
#[test]
fn types_are_shown_as_the_originals_are() {
    use contend::tokio::sync as ours;
    use tokio::sync as original;

    macro_rules! same_text {
        ($module:ident => $value:expr) => {{
            let ours = {
                use ours as $module;
                format!("{:?}", $value)
            };
            let original = {
                use original as $module;
                format!("{:?}", $value)
            };
            assert_eq!(ours, original);
        }};
    }
    same_text!(sync => sync::Mutex::new(1));
    same_text!(sync => sync::Mutex::new(1).try_lock());
    same_text!(sync => sync::RwLock::new(1));
    same_text!(sync => sync::RwLock::new("text").try_read());
    same_text!(sync => sync::OnceCell::new_with(Some(1)));
    same_text!(sync => sync::SetOnce::<u32>::new());
}
