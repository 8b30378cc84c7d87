//! The suites against version 0.13 of parking_lot.

mod original;
mod ours;

/// The constant constructors that this version has no more.
macro_rules! constants {
    () => {
        pub(super) const fn const_mutex<T>(value: T) -> Mutex<T> {
            Mutex::new(value)
        }

        pub(super) const fn const_fair_mutex<T>(value: T) -> FairMutex<T> {
            FairMutex::new(value)
        }

        pub(super) const fn const_reentrant_mutex<T>(value: T) -> ReentrantMutex<T> {
            ReentrantMutex::new(value)
        }

        pub(super) const fn const_rwlock<T>(value: T) -> RwLock<T> {
            RwLock::new(value)
        }
    };
}
use constants;
