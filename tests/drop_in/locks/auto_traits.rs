//! Each type against the type that it stands for: auto traits, and the others that types get by
//! being made of the right parts. Checked while compiling, and in both directions: a trait too
//! many is a hole, one too few breaks a program that compiled.

#![allow(clippy::mutable_key_type)]

use crate::auto_traits::*;

mod sync {
    use super::*;

    same!(contend::sync::Condvar, std::sync::Condvar);
    same!(contend::sync::Once, std::sync::Once);
    same_for_every_content!(contend::sync, std::sync:
        Mutex RwLock;
        MutexGuard RwLockReadGuard RwLockWriteGuard
    );

    // Said outright, in case the comparison is ever blind: what makes a guard a guard.
    type MutexGuard<T> = contend::sync::MutexGuard<'static, T>;
    type Mutex<T> = contend::sync::Mutex<T>;
    const _: () =
        assert!(!implements!(MutexGuard<u32>: Send) && implements!(MutexGuard<u32>: Sync));
    const _: () = assert!(!implements!(MutexGuard<contents::NotSync>: Sync));
    const _: () = assert!(implements!(Mutex<contents::NotSync>: Sync));
    const _: () = assert!(!implements!(Mutex<contents::Neither>: Sync));
    const _: () = assert!(implements!(Mutex<contents::NotUnwindSafe>: UnwindSafe));
}

#[cfg(feature = "parking_lot")]
mod parking_lot {
    use super::*;

    use ::parking_lot as original;
    use contend::parking_lot as ours;

    same!(ours::Condvar, original::Condvar);
    same!(ours::Once, original::Once);
    same!(ours::RawMutex, original::RawMutex);
    same!(ours::RawFairMutex, original::RawFairMutex);
    same!(ours::RawRwLock, original::RawRwLock);

    same_for_every_content!(contend::parking_lot, ::parking_lot:
        Mutex FairMutex ReentrantMutex RwLock;
        MutexGuard FairMutexGuard ReentrantMutexGuard
        MappedMutexGuard MappedFairMutexGuard MappedReentrantMutexGuard
        RwLockReadGuard RwLockWriteGuard RwLockUpgradableReadGuard
        MappedRwLockReadGuard MappedRwLockWriteGuard
    );

    /// The guards that hold an `Arc` of their lock, which name its raw lock.
    macro_rules! same_arc_guards {
        ($($content:ident)*) => {$(
            same!(
                ours::ArcMutexGuard<ours::RawMutex, contents::$content>,
                original::ArcMutexGuard<original::RawMutex, contents::$content>
            );
            same!(
                ours::ArcMutexGuard<ours::RawFairMutex, contents::$content>,
                original::ArcMutexGuard<original::RawFairMutex, contents::$content>
            );
            same!(
                ours::ArcReentrantMutexGuard<ours::RawMutex, ours::RawThreadId, contents::$content>,
                original::ArcReentrantMutexGuard<
                    original::RawMutex, original::RawThreadId, contents::$content
                >
            );
            same!(
                ours::ArcRwLockReadGuard<ours::RawRwLock, contents::$content>,
                original::ArcRwLockReadGuard<original::RawRwLock, contents::$content>
            );
            same!(
                ours::ArcRwLockWriteGuard<ours::RawRwLock, contents::$content>,
                original::ArcRwLockWriteGuard<original::RawRwLock, contents::$content>
            );
            same!(
                ours::ArcRwLockUpgradableReadGuard<ours::RawRwLock, contents::$content>,
                original::ArcRwLockUpgradableReadGuard<original::RawRwLock, contents::$content>
            );
        )*};
    }
    same_arc_guards!(
        Plain NotSync Neither Pointer NotSend NotUnpin NotUnwindSafe NotRefUnwindSafe
        Nothing OnlySend OnlySync Both All Slice Text
    );

    type MutexGuard = ours::MutexGuard<'static, u32>;
    const _: () = assert!(!implements!(MutexGuard: Send) && implements!(MutexGuard: Sync));
}

#[cfg(feature = "parking_lot_0_13")]
mod parking_lot_0_13 {
    use super::*;

    use ::parking_lot_0_13 as original;
    use contend::parking_lot_0_13 as ours;

    same!(ours::Condvar, original::Condvar);
    same!(ours::Once, original::Once);
    same!(ours::RawCondvar, original::RawCondvar);
    same!(ours::RawMutex, original::RawMutex);
    same!(ours::RawFairMutex, original::RawFairMutex);
    same!(ours::RawRwLock, original::RawRwLock);
    same!(ours::RawRwLockRecursive, original::RawRwLockRecursive);

    same_for_every_content!(contend::parking_lot_0_13, ::parking_lot_0_13:
        Mutex FairMutex ReentrantMutex RwLock RecursiveRwLock;
        MutexGuard FairMutexGuard ReentrantMutexGuard
        MappedMutexGuard MappedFairMutexGuard MappedReentrantMutexGuard
        RwLockReadGuard RwLockWriteGuard RwLockUpgradableReadGuard
        MappedRwLockReadGuard MappedRwLockWriteGuard
        RecursiveRwLockReadGuard RecursiveRwLockWriteGuard RecursiveRwLockUpgradableReadGuard
        MappedRecursiveRwLockReadGuard MappedRecursiveRwLockWriteGuard
    );

    type MutexGuard = ours::MutexGuard<'static, u32>;
    const _: () = assert!(!implements!(MutexGuard: Send) && implements!(MutexGuard: Sync));
}
