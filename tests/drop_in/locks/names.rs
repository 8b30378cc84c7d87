//! An import line that had a name has it after the swap.

/// Imports each name from both families. The glob of ours must have them too, and without a word of
/// ambiguity.
macro_rules! names {
    ($module:ident, $original:ident: $ours:path, $theirs:path: $($name:ident)*) => {
        #[allow(unused_imports)]
        mod $original {
            use $theirs::{$($name),*};
        }
        #[allow(unused_imports)]
        mod $module {
            mod by_name {
                use $ours::{$($name),*};
            }
            mod glob {
                pub(super) use $ours::*;
            }
            $(use glob::$name;)*
        }
    };
}

names!(sync, std_sync: contend::sync, std::sync:
    Arc Barrier BarrierWaitResult Condvar LazyLock LockResult Mutex MutexGuard Once OnceLock
    OnceState PoisonError RwLock RwLockReadGuard RwLockWriteGuard TryLockError TryLockResult
    WaitTimeoutResult Weak atomic mpsc
);

#[cfg(feature = "parking_lot")]
names!(parking_lot, original_parking_lot: contend::parking_lot, ::parking_lot:
    ArcMutexGuard ArcReentrantMutexGuard ArcRwLockReadGuard ArcRwLockUpgradableReadGuard
    ArcRwLockWriteGuard Condvar FairMutex FairMutexGuard MappedFairMutexGuard MappedMutexGuard
    MappedReentrantMutexGuard MappedRwLockReadGuard MappedRwLockWriteGuard Mutex MutexGuard Once
    OnceState RawFairMutex RawMutex RawRwLock RawThreadId ReentrantMutex ReentrantMutexGuard RwLock
    RwLockReadGuard RwLockUpgradableReadGuard RwLockWriteGuard WaitTimeoutResult const_fair_mutex
    const_mutex const_reentrant_mutex const_rwlock lock_api
);

#[cfg(feature = "parking_lot_0_13")]
names!(parking_lot_0_13, original_parking_lot_0_13: contend::parking_lot_0_13, ::parking_lot_0_13:
    ArcMutexGuard ArcReentrantMutexGuard ArcRwLockReadGuard ArcRwLockUpgradableReadGuard
    ArcRwLockWriteGuard Condvar FairMutex FairMutexGuard MappedFairMutexGuard MappedMutexGuard
    MappedRecursiveRwLockReadGuard MappedRecursiveRwLockWriteGuard MappedReentrantMutexGuard
    MappedRwLockReadGuard MappedRwLockWriteGuard Mutex MutexGuard Once OnceState RawCondvar
    RawFairMutex RawMutex RawRwLock RawRwLockRecursive RawThreadId RecursiveRwLock
    RecursiveRwLockReadGuard RecursiveRwLockUpgradableReadGuard RecursiveRwLockWriteGuard
    ReentrantMutex ReentrantMutexGuard RwLock RwLockReadGuard RwLockUpgradableReadGuard
    RwLockWriteGuard WaitTimeoutResult lock_api
);

/// Names next to each other, as a program with one glob uses them.
#[test]
fn std_glob() {
    use contend::sync::atomic::{AtomicUsize, Ordering};
    use contend::sync::*;

    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static NAMES: LazyLock<Mutex<Vec<&str>>> = LazyLock::new(Mutex::default);
    static LIMIT: OnceLock<RwLock<u32>> = OnceLock::new();

    fn recovered<T>(result: LockResult<MutexGuard<'_, T>>) -> MutexGuard<'_, T> {
        result.unwrap_or_else(PoisonError::into_inner)
    }
    fn tried<T>(result: TryLockResult<MutexGuard<'_, T>>) -> bool {
        !matches!(result, Err(TryLockError::WouldBlock))
    }

    recovered(NAMES.lock()).push("name");
    assert!(tried(NAMES.try_lock()));
    assert_eq!(*LIMIT.get_or_init(|| RwLock::new(1)).read().unwrap(), 1);

    let barrier = Arc::new(Barrier::new(2));
    let weak: Weak<Barrier> = Arc::downgrade(&barrier);
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = std::thread::spawn(move || {
        let result: BarrierWaitResult = barrier.wait();
        sender.send(result.is_leader()).unwrap();
    });
    let is_leader = weak.upgrade().unwrap().wait().is_leader();
    assert_ne!(receiver.recv().unwrap(), is_leader);
    thread.join().unwrap();

    Once::new().call_once_force(|state: &OnceState| {
        assert!(!state.is_poisoned());
        COUNT.fetch_add(1, Ordering::Relaxed);
    });
    let mutex = Mutex::new(());
    let wait = Condvar::new().wait_timeout(mutex.lock().unwrap(), std::time::Duration::ZERO);
    let result: WaitTimeoutResult = wait.unwrap().1;
    assert!(result.timed_out());
    assert_eq!(COUNT.load(Ordering::Relaxed), 1);
}

/// Names that are not shadowed are the originals, so errors and results fit the rest of a program.
#[test]
fn others_are_the_originals() {
    fn std_error(error: contend::sync::PoisonError<()>) -> std::sync::TryLockError<()> {
        error.into()
    }
    fn std_state(_: &contend::sync::OnceState, _: &std::sync::Arc<contend::sync::Mutex<()>>) {}

    assert!(matches!(
        std_error(contend::sync::PoisonError::new(())),
        std::sync::TryLockError::Poisoned(_)
    ));
    let shared = contend::sync::Arc::new(contend::sync::Mutex::new(()));
    std::sync::Once::new().call_once_force(|state| std_state(state, &shared));
}

/// The wrappers are meant when profiling is on, by name and by glob.
#[cfg(feature = "profiling")]
#[test]
fn locks_are_wrapped() {
    use std::any::TypeId;

    mod glob {
        pub(super) use contend::sync::*;
    }

    macro_rules! is_wrapped {
        ($($name:ident $(<$content:ty>)?)*) => {$(
            let ours = TypeId::of::<contend::sync::$name $(<$content>)?>();
            assert_eq!(ours, TypeId::of::<glob::$name $(<$content>)?>());
            assert_ne!(ours, TypeId::of::<std::sync::$name $(<$content>)?>());
        )*};
    }
    is_wrapped!(Condvar Mutex<u32> Once RwLock<u32>);

    #[cfg(feature = "parking_lot")]
    {
        use ::parking_lot as original;
        use contend::parking_lot as ours;

        assert_ne!(
            TypeId::of::<ours::RawMutex>(),
            TypeId::of::<original::RawMutex>()
        );
        assert_ne!(
            TypeId::of::<ours::RawRwLock>(),
            TypeId::of::<original::RawRwLock>()
        );
        assert_ne!(
            TypeId::of::<ours::Mutex<u32>>(),
            TypeId::of::<original::Mutex<u32>>()
        );
        assert_ne!(
            TypeId::of::<ours::RwLock<u32>>(),
            TypeId::of::<original::RwLock<u32>>()
        );
        assert_ne!(
            TypeId::of::<ours::Condvar>(),
            TypeId::of::<original::Condvar>()
        );
        assert_ne!(TypeId::of::<ours::Once>(), TypeId::of::<original::Once>());
    }
}
