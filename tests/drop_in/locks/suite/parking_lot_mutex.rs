//! `Mutex` of parking_lot.

mod names {
    pub(super) use super::super::parking_lot::{
        ArcMutexGuard, MappedMutexGuard, Mutex, MutexGuard, RawMutex, const_mutex, lock_api,
    };
    pub(super) use super::super::raw;
}

#[path = "mutex_of_parking_lot.rs"]
mod alike;
