//! Without the profiler, what names a lock makes the original without a name.
#![forbid(unsafe_code)]

pub(crate) mod std {
    use ::std::sync::{Mutex, RwLock};

    /// Creates an unlocked mutex; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_mutex<T>(_name: &'static &'static str, value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    /// Creates an unlocked lock; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_rwlock<T>(_name: &'static &'static str, value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

#[cfg(feature = "parking_lot")]
pub(crate) mod parking_lot {
    use ::parking_lot::{
        FairMutex, Mutex, ReentrantMutex, RwLock, const_fair_mutex, const_mutex,
        const_reentrant_mutex, const_rwlock,
    };

    /// Creates an unlocked mutex; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_mutex<T>(_name: &'static &'static str, value: T) -> Mutex<T> {
        const_mutex(value)
    }

    /// Creates an unlocked mutex; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_fair_mutex<T>(_name: &'static &'static str, value: T) -> FairMutex<T> {
        const_fair_mutex(value)
    }

    /// Creates an unlocked mutex; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_reentrant_mutex<T>(
        _name: &'static &'static str,
        value: T,
    ) -> ReentrantMutex<T> {
        const_reentrant_mutex(value)
    }

    /// Creates an unlocked lock; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_rwlock<T>(_name: &'static &'static str, value: T) -> RwLock<T> {
        const_rwlock(value)
    }
}

#[cfg(feature = "parking_lot_0_13")]
pub(crate) mod parking_lot_0_13 {
    use ::parking_lot_0_13::{FairMutex, Mutex, RecursiveRwLock, ReentrantMutex, RwLock};

    /// Creates an unlocked mutex; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_mutex<T>(_name: &'static &'static str, value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    /// Creates an unlocked mutex; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_fair_mutex<T>(_name: &'static &'static str, value: T) -> FairMutex<T> {
        FairMutex::new(value)
    }

    /// Creates an unlocked mutex; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_reentrant_mutex<T>(
        _name: &'static &'static str,
        value: T,
    ) -> ReentrantMutex<T> {
        ReentrantMutex::new(value)
    }

    /// Creates an unlocked lock; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_rwlock<T>(_name: &'static &'static str, value: T) -> RwLock<T> {
        RwLock::new(value)
    }

    /// Creates an unlocked lock; the name is for the profiler, which is off.
    #[inline]
    pub const fn named_recursive_rwlock<T>(
        _name: &'static &'static str,
        value: T,
    ) -> RecursiveRwLock<T> {
        RecursiveRwLock::new(value)
    }
}
